"""GitHub's words for how a run ended, in one place. A word it adds one day is neither red nor green."""

from collections.abc import Mapping
from typing import Final

FAILED: Final = frozenset({"failure", "timed_out", "startup_failure"})
"""Conclusions of a run that start a remediation."""

NOT_FAILED: Final[Mapping[str, str]] = {
    "success": "It is green.",
    "cancelled": "It was cancelled, by a person or by a newer run; that is nobody's fault.",
    "stale": "GitHub gave it up because nothing had reported for two weeks.",
    "action_required": "It waits for a person's permission to run.",
    "neutral": "It says neither yes nor no.",
    "skipped": "It was skipped: its conditions did not hold.",
}
"""Those that start none, and what each says."""


def not_failed(conclusion: str | None) -> str:
    """Why a run that ended so, or has not ended, is not a failed one; for a person."""
    if conclusion is None:
        return "It has not ended."
    return NOT_FAILED.get(conclusion, "It ended in a way that Regreen does not know.")
