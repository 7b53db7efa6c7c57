"""Where a run's commit belongs: a branch, a tag, an entry of the merge queue, one of our own fix branches."""

from dataclasses import dataclass
from typing import Final

from activities.adapters.github import GitHub, PullRequestRecord, WorkflowRun
from activities.errors import PermanentError
from workflows import naming

_QUEUE_EVENT: Final = "merge_group"
_RELEASE_EVENT: Final = "release"
_RECENT: Final = 20
"""Newest pull requests of a branch that are looked through for the one that counts."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a run's `head_branch` names, and where a fix for it would go.

    Attributes:
        tip: The commit of the branch that a fix would be for; None where there is no such branch.
        tag: It names a tag; `tip` is the default branch's.
        merge_queue: It is the passing branch of a merge queue's entry.
        taken: It is named like one of our fix branches, but somebody else made its commit.
        pull_request: The pull request that the commit belongs to, open or not.
    """

    tip: str | None = None
    tag: bool = False
    merge_queue: bool = False
    taken: bool = False
    pull_request: PullRequestRecord | None = None


async def read_head(github: GitHub, run: WorkflowRun, home: str, default_branch: str, *, fork: bool) -> Head:
    """What the run's head is now.

    Args:
        github: Where it is.
        run: The run.
        home: The repository, by its present name ("owner/name").
        default_branch: The repository's default branch.
        fork: The head is in another repository, so its branch is not ours to look at.

    Raises:
        AdapterError: It cannot be read.
    """
    if not run.head_branch:
        return Head()
    if fork:
        return Head(pull_request=await _newest_pull_request(github, run, home))
    queued = naming.parse_queue_branch(run.head_branch) if run.event == _QUEUE_EVENT else None
    if queued is not None:
        return Head(merge_queue=True, pull_request=await _pull_request(github, home, queued))
    tip = await github.get_branch_tip(home, run.head_branch) if run.event != _RELEASE_EVENT else None
    if tip is None and await github.has_tag(home, run.head_branch):
        return Head(tip=await github.get_branch_tip(home, default_branch), tag=True)
    return Head(
        tip=tip,
        taken=await _is_taken(github, run, home),
        pull_request=await _newest_pull_request(github, run, home),
    )


async def _is_taken(github: GitHub, run: WorkflowRun, home: str) -> bool:
    if naming.parse_fix_branch(run.head_branch) is None:
        return False
    author = await github.get_author(home, run.head_sha)
    ours = await github.own_login(home)
    return author is None or ours is None or author.casefold() != ours.casefold()


async def _newest_pull_request(github: GitHub, run: WorkflowRun, home: str) -> PullRequestRecord | None:
    if run.head_repository is None:
        return None
    found = await github.list_pull_requests(
        home, run.head_branch, head_repository=run.head_repository, limit=_RECENT
    )
    return next((each for each in found if each.state == "open"), found[0] if found else None)


async def _pull_request(github: GitHub, home: str, number: int) -> PullRequestRecord | None:
    try:
        return await github.get_pull_request(home, number)
    except PermanentError as error:
        if error.kind != "not_found":
            raise
        return None
