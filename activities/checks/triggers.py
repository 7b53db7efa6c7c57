"""Whether a workflow file lets CI start on a fix: GitHub's rules for `on:`, read from the file alone."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from activities.checks.filter_pattern import fits

SIZE_CAP_BYTES: Final = 512 * 1024

_ON_PULL_REQUEST: Final = ("pull_request", "pull_request_target")
_OPENING: Final = frozenset({"opened", "synchronize"})
"""The actions that a new draft pull request, and a further commit on it, cause."""
_DEFAULT_TYPES: Final = ("opened", "synchronize", "reopened")


class TriggersError(ValueError):
    """The file says nothing that GitHub would understand; the text is one sentence for a person."""


def read_triggers(content: bytes) -> dict[str, Mapping[str, Any]]:
    """The events of a workflow file with their filters.

    Raises:
        TriggersError: It is no workflow file.
    """
    if len(content) > SIZE_CAP_BYTES:
        raise TriggersError("The file is too large to be read.")
    yaml = YAML(typ="safe", pure=True)
    try:
        document = yaml.load(content.decode("utf-8"))
    except (YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise TriggersError("The file is not YAML.") from error
    if not isinstance(document, dict):
        raise TriggersError("The file is not a workflow.")
    # YAML 1.1 reads the bare word `on` as true.
    events = document.get("on", document.get(True))
    if isinstance(events, str):
        return {events: {}}
    if isinstance(events, list):
        return {str(event): {} for event in events}
    if isinstance(events, dict):
        return {str(event): _mapping(filters) for event, filters in events.items()}
    raise TriggersError("The file has no `on:`.")


def why_no_ci(events: Mapping[str, Mapping[str, Any]], *, fix_branch: str, base: str) -> tuple[str, ...]:
    """What keeps the workflow from running for a draft pull request from `fix_branch` against `base`.

    One sentence for each event that might have started it; empty when one does, as far as names of branches
    decide it (filters by path depend on the fix).
    """
    obstacles = []
    for event in _ON_PULL_REQUEST:
        if event in events:
            found = _against_pull_request(event, events[event], base)
            if found is None:
                return ()
            obstacles.append(found)
    if "push" in events:
        found = _against_push(events["push"], fix_branch)
        if found is None:
            return ()
        obstacles.append(found)
    return tuple(obstacles) or ("it runs neither on `pull_request` nor on `push`",)


def _against_pull_request(event: str, filters: Mapping[str, Any], base: str) -> str | None:
    types = _texts(filters.get("types")) or _DEFAULT_TYPES
    if _OPENING.isdisjoint(types):
        return f"`{event}` has `types:` without `opened` and `synchronize`"
    if not _passes(filters, base):
        return f"`{event}` leaves out pull requests against `{base}`"
    return None


def _against_push(filters: Mapping[str, Any], branch: str) -> str | None:
    branches = "branches" in filters or "branches-ignore" in filters
    if not branches and ("tags" in filters or "tags-ignore" in filters):
        return "`push` is for tags only"
    if not _passes(filters, branch):
        return f"`push` leaves out the branch `{branch}`"
    return None


def _passes(filters: Mapping[str, Any], name: str) -> bool:
    if "branches" in filters:
        return _matches(_texts(filters["branches"]), name)
    return not _matches(_texts(filters.get("branches-ignore")), name)


def _matches(patterns: Iterable[str], name: str) -> bool:
    """Whether the last pattern that fits is one without a leading `!`."""
    verdict = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if fits(pattern[negated:], name):
            verdict = not negated
    return verdict


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
