"""What the gate compares of a source file: its tests, what they assert, and what is telling beside them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Final, NamedTuple

from activities.publishing.gate.findings import Finding, doubtful, refused
from workflows.models import GateDecision

NEVER: Final = "never reached"
"""Guard of an assertion that cannot run."""
CAUGHT: Final = "its failure is caught"
"""Guard of an assertion whose failure nobody learns of."""


class Strength(IntEnum):
    """How much an assertion demands."""

    VACUOUS = 0
    """It cannot fail."""
    TRUTH = 1
    """Anything but nothing will do."""
    PARTIAL = 2
    """It bounds the value."""
    APPROXIMATE = 3
    EXACT = 4


LATER: Final = "only when it is called"
"""Guard of an assertion inside of a function of its own."""


class Assertion(NamedTuple):
    """One thing that a test demands.

    Attributes:
        text: What is demanded, without layout, message and tolerance.
        strength: How much that is.
        guards: Conditions under which it runs and counts, outermost first.
        tolerance: How far a value may be off; 0 where no tolerance is named.
        implied: Texts of weaker assertions that hold wherever this one does.
    """

    text: str
    strength: Strength
    guards: tuple[str, ...] = ()
    tolerance: float = 0.0
    implied: frozenset[str] = frozenset()


class Function(NamedTuple):
    """What the answer of a function rests on.

    Attributes:
        reads: Whether it looks at anything it is given.
        computes: Whether any of its answers is more than a literal.
    """

    reads: bool
    computes: bool


@dataclass(slots=True)
class Part:
    """A test, a helper, or what stands outside of both.

    Attributes:
        test: Whether the test runner collects it.
        shape: The whole of it, without layout and the names of its own variables.
        assertions: What it demands.
        substance: The literals and calls it is made of, beside its assertions.
        rows: The cases it runs through.
        trappings: Decorators and the like.
        given: The names of its parameters.
        fixture: The name by which tests ask for it, if it does nothing for those that do not.
    """

    test: bool = False
    shape: str = ""
    assertions: list[Assertion] = field(default_factory=list)
    substance: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    trappings: Counter[str] = field(default_factory=Counter)
    given: frozenset[str] = frozenset()
    fixture: str = ""


class Sign(Enum):
    """Something in a file whose increase tells. Each has its finding in a test file, and elsewhere."""

    SUPPRESSION = (refused("silences a check instead of meeting it"),) * 2
    SKIP = (refused("takes a test out instead of passing it"),) * 2
    CONDITIONAL = (
        refused("is built under a condition only"),
        doubtful("is built under a condition only"),
    )
    RETRY = (refused("runs a test until it passes"), None)
    SPECIAL_CASE = (refused("behaves otherwise in CI or under test"),) * 2
    MUFFLED = (refused("lets a step fail unseen"),) * 2
    EARLY_LEAVE = (refused("leaves a test before its end"), None)
    EXIT = (
        refused("ends the process as if all were well"),
        doubtful("ends the process as if all were well"),
    )
    SWALLOWED = (doubtful("swallows an error"),) * 2
    HOOK = (doubtful("changes how tests are found or run"),) * 2
    PREPARED = (doubtful("changes what runs before the tests"), None)
    STAND_IN = (doubtful("puts a stand-in in the place of what is tested"), None)
    POWER = (doubtful("starts a process, opens a connection or runs text as code"),) * 2
    UNTYPED = (doubtful("gives a type up"),) * 2
    WARNINGS = (doubtful("silences warnings"),) * 2
    UNFINISHED = (doubtful("leaves something out that was there"),) * 2
    UNSAFE = (doubtful("turns a protection of the language off"),) * 2
    CALLER = (doubtful("looks at who runs it, or where"),) * 2
    TESTED = (None, doubtful("asks whether it is under test"))
    CANNED = (None, doubtful("answers one input by heart"))
    EQUAL = (refused("makes unequal things equal"), doubtful("makes unequal things equal"))
    GLOBAL = (doubtful("changes what other files see"),) * 2
    ENVIRONMENT = (doubtful("hands on the whole environment"),) * 2
    LOOKALIKE = (doubtful("has a name that looks like another"),) * 2
    DROPPED_RAISE = (None, doubtful("no longer raises an error that it raised"))
    """Counted downwards: see `Inventory.kept`."""

    def finding(self, *, in_tests: bool, elsewhere: bool) -> Finding | None:
        """What an increase means where a file has tests, what is tested, or both: then the graver finding."""
        found = [
            each for each, holds in zip(self.value, (in_tests, elsewhere), strict=True) if holds and each
        ]
        return max(found, key=lambda each: each.decision is GateDecision.REFUSED, default=None)


@dataclass(slots=True)
class Inventory:
    """A source file, as far as the gate compares it.

    Attributes:
        parts: By qualified name, in the file's order; "" is what stands outside of all of them.
        signs: How often each telling thing is there, by its text.
        kept: What is telling when it becomes less.
        functions: What the answer of each function rests on, by qualified name.
        examples: The examples in the documentation of each function that are run as tests.
        origins: Where each imported name comes from.
        packages: Packages that are imported and are not part of the language, or of the file's own project by
            their form.
        comments: Its comments, where suppressions are looked for.
        layout_free: The whole file without its layout; equal before and after when a formatter did the work.
        whole: Whether every line of it could be read.
    """

    parts: dict[str, Part] = field(default_factory=dict)
    signs: Counter[tuple[Sign, str]] = field(default_factory=Counter)
    kept: Counter[tuple[Sign, str]] = field(default_factory=Counter)
    functions: dict[str, Function] = field(default_factory=dict)
    examples: dict[str, Counter[str]] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    comments: list[str] = field(default_factory=list)
    layout_free: str = ""
    whole: bool = True

    @property
    def tests(self) -> Mapping[str, Part]:
        """The parts that the test runner collects."""
        return {name: part for name, part in self.parts.items() if part.test}
