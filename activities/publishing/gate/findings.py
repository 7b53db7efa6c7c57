"""What a part of the gate holds against a patch."""

from typing import NamedTuple

from workflows.models import GateDecision


class Finding(NamedTuple):
    """One reason against publishing a patch unseen, or at all."""

    decision: GateDecision
    why: str


def refused(why: str) -> Finding:
    """A reason never to publish."""
    return Finding(GateDecision.REFUSED, why)


def doubtful(why: str) -> Finding:
    """A reason to ask a human first: cheating looks like this, and so does honest work."""
    return Finding(GateDecision.NEEDS_APPROVAL, why)
