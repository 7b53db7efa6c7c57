"""How a person may name a remediation: by its run, by its workflow id, or by a pull request."""

import re
from typing import Final, NamedTuple

from starter.exits import CommandError, ExitStatus
from workflows import naming

_RUN: Final = re.compile(r"([\w.-]+/[\w.-]+)/(\d{1,18})", re.ASCII)
_PULL_REQUEST: Final = re.compile(r"([\w.-]+/[\w.-]+)#(\d{1,9})", re.ASCII)


class RunTarget(NamedTuple):
    """The remediation of a run, whether or not there is one."""

    repository: str
    """ "owner/name"."""
    run_id: int

    @property
    def workflow_id(self) -> str:
        """Its workflow id."""
        return naming.remediation_id(self.repository, self.run_id)


class PullRequestTarget(NamedTuple):
    """The remediation whose fix, or else whose failure, is a pull request."""

    repository: str
    """ "owner/name"."""
    number: int


Target = RunTarget | PullRequestTarget


def parse_target(text: str) -> Target:
    """What a person means.

    Args:
        text: A workflow id, a run's or a pull request's web address, owner/repo/run_id, or owner/repo#number.

    Raises:
        CommandError: Nothing of that.
    """
    run = named(_RUN, text) or naming.parse_remediation_id(text) or naming.parse_run_url(text)
    if run is not None:
        return RunTarget(*run)
    pull_request = named(_PULL_REQUEST, text) or naming.parse_pull_request_url(text)
    if pull_request is not None:
        return PullRequestTarget(*pull_request)
    raise CommandError(
        "name a run as owner/repo/run_id or by its web address, a pull request as owner/repo#number or by "
        "its web address, or a workflow id; `regreen list` shows them",
        ExitStatus.USAGE,
    )


def named(pattern: re.Pattern[str], text: str) -> tuple[str, int] | None:
    """Repository and number that a text of this form names."""
    match = pattern.fullmatch(text)
    return (match[1], int(match[2])) if match else None
