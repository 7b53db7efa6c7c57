"""Why GitHub refuses a fix branch, in words that say what to change."""

import re
from typing import Final

from activities.adapters.github import GitHub
from activities.errors import PermanentError
from workflows import naming

_BY_RULE: Final = re.compile(
    r"rule violation|GH0(?:06|13)|protected branch|Reference update failed", re.IGNORECASE
)
"""How GitHub words a refusal by a ruleset or a branch protection; for creations it often gives no reason."""
_WRITES: Final = {
    "creation": "branches may not be created",
    "update": "branches may not be updated",
    "required_signatures": "commits must be signed (an App's are, a personal token's are not)",
    "pull_request": "changes must go through a pull request",
    "required_status_checks": "checks must have passed before",
    "required_deployments": "deployments must have passed before",
    "merge_queue": "changes must go through the merge queue",
    "commit_message_pattern": "commit messages must have a form",
    "commit_author_email_pattern": "authors' addresses must have a form",
    "committer_email_pattern": "committers' addresses must have a form",
    "branch_name_pattern": "branch names must have a form",
    "file_path_restriction": "some paths may not be changed",
    "max_file_path_length": "paths may not be longer than a limit",
    "file_extension_restriction": "some kinds of files may not be pushed",
    "max_file_size": "files may not be larger than a limit",
}
"""Kinds of rules that can refuse a push, and what each asks."""


async def refusal(github: GitHub, repository: str, branch: str, error: PermanentError) -> PermanentError:
    """The error to end with when GitHub would not put a commit on the fix branch `branch`.

    Returns:
        `branch_refused` with what stands in the way, where a rule or another branch does; else `error`.
    """
    family = naming.FIX_BRANCH_FAMILY
    if await github.get_branch_tip(repository, family) is not None:
        said = f"A branch named `{family}` keeps git from having `{branch}`: rename or delete it."
        return PermanentError(said, kind="branch_refused")
    rules = await github.list_branch_rules(repository, branch)
    asked = [_WRITES[kind] for kind in dict.fromkeys(rule.type for rule in rules) if kind in _WRITES]
    if not asked and not _BY_RULE.search(str(error)):
        return error
    named = f" Rules on `{branch}`: {'; '.join(asked)}." if asked else ""
    return PermanentError(f"{' '.join(str(error).split())}{named}", kind="branch_refused")
