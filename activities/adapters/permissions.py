"""What Regreen asks of GitHub: the permissions and events of its two Apps, in the words of App manifests."""

from collections.abc import Mapping
from typing import Final

LEVELS: Final = ("none", "read", "write", "admin")
"""Each includes those before it."""

PUBLISHER: Final[Mapping[str, str]] = {
    "metadata": "read",
    "actions": "read",
    "checks": "read",
    "contents": "write",
    "issues": "read",
    "pull_requests": "write",
}
"""`issues` is for the event alone: GitHub takes no manifest that subscribes to `issue_comment` without it."""

OPTIONAL: Final[Mapping[str, str]] = {"actions": "write", "statuses": "read", "workflows": "write"}
"""Granted beyond `PUBLISHER` by who wants what they allow."""

WITHOUT: Final[Mapping[str, str]] = {
    "actions": "a failure that looks transient is not rerun, but left to a human",
    "statuses": "required checks that report as commit statuses are not seen",
    "workflows": "a workflow file is not repaired, but left to a human",
}
"""What a missing optional permission means."""

READER: Final[Mapping[str, str]] = {
    "metadata": "read",
    "actions": "read",
    "checks": "read",
    "contents": "read",
}

EVENTS: Final = ("check_suite", "issue_comment", "pull_request", "workflow_run")


def missing(needed: Mapping[str, str], granted: Mapping[str, str]) -> dict[str, str]:
    """What of `needed` is not granted."""
    return {name: level for name, level in needed.items() if not _covers(granted.get(name, "none"), level)}


def beyond(allowed: Mapping[str, str], granted: Mapping[str, str]) -> dict[str, str]:
    """What is granted and not in `allowed`."""
    return {name: level for name, level in granted.items() if not _covers(allowed.get(name, "none"), level)}


def _covers(granted: str, needed: str) -> bool:
    return _rank(granted) >= _rank(needed)


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0
