"""Asking GitHub to merge a green fix by itself, once the repository's rules are met. Nothing here merges."""

from typing import Final

from activities.adapters.github import GitHub, MergeSettings, PullRequestRecord
from activities.errors import PermanentError, UnavailableError
from workflows.models import AutoMergeRequest, AutoMergeResult, AutoMergeState

_HELD_BACK: Final = frozenset({"blocked", "behind"})
"""What GitHub says of a pull request that a rule keeps from being merged: a review, a check, a newer base."""
_NOT_KNOWN_YET: Final = frozenset({"", "unknown"})
_CONFLICTING: Final = "dirty"
_NOT_HELD_BACK: Final = ("clean status", "unstable status", "has_hooks status", "rules not configured")
"""GitHub's refusals where it could merge at once: a rule was met after the pull request was read."""


async def request_auto_merge(github: GitHub, request: AutoMergeRequest) -> AutoMergeResult:
    """Enable auto-merge of the fix at the commit that CI was green on, where a rule holds it back."""
    found = await github.get_pull_request(request.repository, request.number)
    state = _obstacle(found, request)
    if state is not None:
        return AutoMergeResult(state=state)
    settings = await github.get_merge_settings(request.repository)
    if settings.allow_auto_merge is False:
        return AutoMergeResult(state=AutoMergeState.NOT_ALLOWED)
    try:
        await github.enable_auto_merge(
            request.repository, found.node_id, head_sha=request.head_sha, method=_method(settings)
        )
    except PermanentError as error:
        return _refusal(error)
    return AutoMergeResult(state=AutoMergeState.REQUESTED)


def _obstacle(found: PullRequestRecord, request: AutoMergeRequest) -> AutoMergeState | None:
    """Why nothing is asked; None where it is."""
    if found.state != "open":
        return AutoMergeState.NOT_OPEN
    if found.auto_merge is not None:  # a person's doing, or our own lost request
        return AutoMergeState.REQUESTED
    if found.head_sha != request.head_sha:
        return AutoMergeState.HEAD_MOVED
    if found.draft:
        return AutoMergeState.DRAFT
    if found.mergeable_state in _NOT_KNOWN_YET:
        raise UnavailableError("GitHub has not worked out yet whether the pull request can be merged")
    if found.mergeable_state == _CONFLICTING:
        return AutoMergeState.CONFLICTING
    # Anything else could be merged at this moment, and whether it is has to be somebody's decision.
    return None if found.mergeable_state in _HELD_BACK else AutoMergeState.NOTHING_REQUIRED


def _method(settings: MergeSettings) -> str:
    """The first way of merging that the repository allows; GitHub hides what is allowed from some tokens."""
    ways = (
        ("MERGE", settings.allow_merge_commit),
        ("SQUASH", settings.allow_squash_merge),
        ("REBASE", settings.allow_rebase_merge),
    )
    return next((way for way, allowed in ways if allowed is not False), "MERGE")


def _refusal(error: PermanentError) -> AutoMergeResult:
    said = str(error)
    if error.kind == "forbidden":
        return AutoMergeResult(state=AutoMergeState.NOT_PERMITTED)
    if error.kind == "invalid" and "auto merge is not allowed" in said.lower():
        return AutoMergeResult(state=AutoMergeState.NOT_ALLOWED)
    if error.kind == "invalid" and any(each in said.lower() for each in _NOT_HELD_BACK):
        return AutoMergeResult(state=AutoMergeState.NOTHING_REQUIRED)
    if error.kind in {"invalid", "not_found"}:
        return AutoMergeResult(state=AutoMergeState.REFUSED, detail=said)
    raise error
