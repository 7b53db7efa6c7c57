"""Whether a workflow will start on a fix, by its own `on:`, and which base its pull request must have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML

from activities.publishing.ref_patterns import matches

_SIZE_CAP_BYTES: Final = 512 * 1024
_PULL_REQUEST_EVENTS: Final = ("pull_request", "pull_request_target")
_DEFAULT_TYPES: Final = frozenset({"opened", "synchronize", "reopened"})
_DRAFT_CONDITION: Final = b"pull_request.draft"
_DRAFT_TYPE: Final = "ready_for_review"
OPENED: Final = frozenset({"opened", "labeled"})
"""What happens to a new fix pull request; Regreen labels it right after."""
PUSHED: Final = frozenset({"synchronize"})
"""What happens to it when a further attempt is pushed."""

_ADVICE: Final = "Let it run on `pull_request`, or on pushes to `regreen/**`."


@dataclass(frozen=True, slots=True)
class Fix:
    """What GitHub's filters see of a fix.

    Attributes:
        branch: The fix branch.
        paths: The files it changes.
        happens: The pull request's activity types.
    """

    branch: str
    paths: Sequence[str]
    happens: frozenset[str] = OPENED


@dataclass(frozen=True, slots=True)
class Start:
    """How to open the pull request.

    Attributes:
        base: The branch to open it against.
        draft: False where a draft would keep CI from running.
        obstacle: Why CI will not start however it is opened, and what to change; empty where it will.
    """

    base: str
    draft: bool = True
    obstacle: str = ""


def plan(content: bytes, fix: Fix, bases: Sequence[str]) -> Start:
    """The first of `bases` for which the workflow will start on the fix; the very first where none is.

    Pure. A file that cannot be read says nothing, so nothing is concluded from it.

    Args:
        content: The workflow file as it is on the fix branch.
        fix: What the filters see.
        bases: Branches, the one wanted most first. What else a pull request against a further one would
            change is not known, so its path filters are taken to pass.
    """
    events = _events(content)
    if events is None:
        return Start(bases[0])
    draft = _DRAFT_CONDITION not in content and not any(
        _DRAFT_TYPE in _texts(events[event].get("types")) for event in _PULL_REQUEST_EVENTS if event in events
    )
    if _starts_on_push(events, fix):
        return Start(bases[0], draft)
    for number, base in enumerate(dict.fromkeys(bases)):
        paths = fix.paths if number == 0 else ()
        if any(_starts_on_pull_request(events, event, fix, base, paths) for event in _PULL_REQUEST_EVENTS):
            return Start(base, draft)
    return Start(bases[0], draft, f"{_why_not(events, fix, bases[0])} {_ADVICE}")


def _events(content: bytes) -> Mapping[str, Mapping[Any, Any]] | None:
    if len(content) > _SIZE_CAP_BYTES:
        return None
    try:
        document = YAML(typ="safe", pure=True).load(content.decode())
    except Exception:  # noqa: BLE001 — the parser meets a stranger's text, and raises whatever it likes
        return None
    on = document.get("on") if isinstance(document, Mapping) else None
    if isinstance(on, str):
        return {on: {}}
    if isinstance(on, list):
        return {str(event): {} for event in on}
    if isinstance(on, Mapping):
        return {str(event): value if isinstance(value, Mapping) else {} for event, value in on.items()}
    return None


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return [] if value is None else [str(value)]


def _starts_on_push(events: Mapping[str, Mapping[Any, Any]], fix: Fix) -> bool:
    filters = events.get("push")
    if filters is None:
        return False
    by_branch = "branches" in filters or "branches-ignore" in filters
    by_tag = "tags" in filters or "tags-ignore" in filters
    if by_tag and not by_branch:
        return False
    return _lets_in(filters, "branches", fix.branch) and _touches(filters, fix.paths)


def _starts_on_pull_request(
    events: Mapping[str, Mapping[Any, Any]], event: str, fix: Fix, base: str, paths: Sequence[str]
) -> bool:
    filters = events.get(event)
    if filters is None or fix.happens.isdisjoint(_texts(filters.get("types")) or _DEFAULT_TYPES):
        return False
    return _lets_in(filters, "branches", base) and _touches(filters, paths)


def _lets_in(filters: Mapping[Any, Any], key: str, name: str) -> bool:
    if key in filters:
        return matches(_texts(filters[key]), name)
    return not matches(_texts(filters.get(f"{key}-ignore")), name)


def _touches(filters: Mapping[Any, Any], paths: Sequence[str]) -> bool:
    if not paths:
        return True
    if "paths" in filters:
        return any(matches(_texts(filters["paths"]), path) for path in paths)
    ignored = _texts(filters.get("paths-ignore"))
    return any(not matches(ignored, path) for path in paths)


def _why_not(events: Mapping[str, Mapping[Any, Any]], fix: Fix, base: str) -> str:
    pull_request = next((events[event] for event in _PULL_REQUEST_EVENTS if event in events), None)
    if pull_request is None and "push" not in events:
        return "The workflow runs neither on pushes nor on pull requests."
    if pull_request is None:
        return f"The workflow runs on pushes only, and its filters leave out {fix.branch} or the fix's files."
    if fix.happens.isdisjoint(_texts(pull_request.get("types")) or _DEFAULT_TYPES):
        return "The workflow's `types` leave out a pull request that was opened or pushed to."
    if not _lets_in(pull_request, "branches", base):
        return f"The workflow's branch filters leave out pull requests against {base}."
    return "The workflow's path filters leave out the files that the fix changes."
