"""What a remediation is started with, whoever starts it."""

from typing import Any, Final

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from workflows import naming
from workflows.models import FailedRun, State

_SUMMARY_NAME: Final = 60
"""Characters of a workflow's name that a summary shows; the server takes 400 bytes in all."""


def memo(failed: FailedRun) -> dict[str, Any]:
    """The memo, by which a later event of the same run attempt is known again."""
    return {naming.MEMO_RUN_ATTEMPT: failed.run_attempt}


def search_attributes(failed: FailedRun) -> TypedSearchAttributes:
    """What lists show before the first step was taken."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(naming.CI_REPOSITORY, failed.repository),
            SearchAttributePair(naming.CI_BRANCH, failed.branch),
            SearchAttributePair(naming.CI_WORKFLOW, failed.workflow_name),
            SearchAttributePair(naming.CI_HEAD_SHA, failed.head_sha),
            SearchAttributePair(naming.CI_STATE, State.TRIAGE.value),
        ]
    )


def summary(failed: FailedRun) -> str:
    """The line that the Web UI shows beside the workflow's id."""
    # the Web UI renders a summary as Markdown, and the name is the repository's own text
    name = "".join(
        character if character.isalnum() or character in " -./,#+" else " "
        for character in failed.workflow_name
    )
    parts = (failed.repository, " ".join(name.split())[:_SUMMARY_NAME], f"run {failed.run_id}")
    return " · ".join(part for part in parts if part)
