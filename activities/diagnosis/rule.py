"""What one row of the rule table is."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from activities.needles import Found, search
from workflows.models import Action, Blame, FailureClass


class Certainty(IntEnum):
    """How much a match tells. A more certain rule wins over any less certain one."""

    GUESS = 1
    """Only the command tells what kind of failure it must be."""
    FAMILY = 2
    """The words belong to a kind of failure; several tools write them."""
    SIGNATURE = 3
    """One tool writes this, and only when it failed in this way."""
    FACT = 4
    """The machine or GitHub itself said why the job ended; what tools wrote meanwhile is beside the point."""


CONFIDENCE: Final = {
    Certainty.GUESS: 0.4,
    Certainty.FAMILY: 0.7,
    Certainty.SIGNATURE: 0.9,
    Certainty.FACT: 0.95,
}

_TRANSIENT: Final = frozenset(
    {FailureClass.INFRASTRUCTURE, FailureClass.TIMEOUT, FailureClass.RESOURCE, FailureClass.FLAKY}
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One recognisable failure.

    Every pattern searches with `MULTILINE`. They read hostile text, so no quantifier that may have to be
    given back is unbounded.
    """

    name: str
    failure_class: FailureClass
    root_cause: str
    """One sentence; `{group}` is filled from the pattern's named groups."""
    pattern: str = ""
    """Must match the excerpt; empty for a rule that goes by the command alone."""
    also: str = ""
    """Must match the excerpt too."""
    command: str = ""
    """Must match the failing step's command, or its name where the command is unknown."""
    exit_code: int | None = None
    """Must be the step's exit code."""
    certainty: Certainty = Certainty.SIGNATURE
    action: Action | None = None
    """Where it differs from its class: transient classes are rerun, others repaired."""
    blame: Blame | None = None
    """Where it differs from its class: transient classes blame the environment, others this change."""
    missing_permission: str = ""
    """The `permissions:` entry whose absence this is."""
    source: str = "the tool's own output"
    """Where the wording is known from."""

    def match(self, excerpt: str, command: str, exit_code: int | None) -> tuple[bool, Found | None]:
        """Whether the rule applies, and where its pattern matched; no place for a rule without a pattern."""
        if self.exit_code is not None and exit_code != self.exit_code:
            return False, None
        if self.command and not search(self.command, command):
            return False, None
        if self.also and not search(self.also, excerpt):
            return False, None
        if not self.pattern:
            return True, None
        place = search(self.pattern, excerpt)
        return place is not None, place

    @property
    def patterns(self) -> list[str]:
        """What must match the excerpt, all of it."""
        return [pattern for pattern in (self.pattern, self.also) if pattern]

    @property
    def is_transient(self) -> bool:
        """Whether a rerun of the same commit may be green."""
        return self.failure_class in _TRANSIENT

    @property
    def usual_action(self) -> Action:
        """What to do about it, before it is known whether a rerun was tried."""
        return self.action or (Action.RERUN if self.is_transient else Action.REPAIR)

    @property
    def usual_blame(self) -> Blame:
        """Whose failure it is."""
        return self.blame or (Blame.ENVIRONMENT if self.is_transient else Blame.THIS_CHANGE)
