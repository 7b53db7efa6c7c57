"""What CI said about a commit, decided from facts alone: unknown is never green."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from workflows.models import CiVerdict

CheckKey = tuple[str, str]
"""Names a workflow or another App's check across commits: its kind or App, and its id or name."""

_DONE: Final = "completed"


class Signal(Enum):
    """What one run or check contributes."""

    SUCCESS = auto()
    FAILURE = auto()
    PENDING = auto()
    CANCELLED = auto()
    TIMED_OUT = auto()
    ACTION_REQUIRED = auto()
    SILENT = auto()
    """Skipped or neutral: it ran nothing, so it proves nothing."""
    UNKNOWN = auto()


_CONCLUSIONS: Final[dict[str | None, Signal]] = {
    "success": Signal.SUCCESS,
    "failure": Signal.FAILURE,
    "startup_failure": Signal.FAILURE,
    "cancelled": Signal.CANCELLED,
    "stale": Signal.CANCELLED,
    "timed_out": Signal.TIMED_OUT,
    "action_required": Signal.ACTION_REQUIRED,
    "skipped": Signal.SILENT,
    "neutral": Signal.SILENT,
}


@dataclass(frozen=True, slots=True)
class RunFact:
    """A workflow run on the commit, as its latest attempt stands."""

    run_id: int
    run_attempt: int
    workflow_id: int
    event: str
    path: str
    name: str
    status: str
    conclusion: str | None

    @property
    def key(self) -> CheckKey:
        """The same for every run of the workflow."""
        return "workflow", str(self.workflow_id)


@dataclass(frozen=True, slots=True)
class CheckFact:
    """A check of the commit by an App other than GitHub Actions."""

    app: str
    name: str
    status: str
    conclusion: str | None

    @property
    def key(self) -> CheckKey:
        """The same for every run of the check."""
        return self.app, self.name


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, and the run to look into when it is red."""

    verdict: CiVerdict
    detail: str
    failed: RunFact | None = None


def signal_of(fact: RunFact | CheckFact) -> Signal:
    """What a run or check contributes; a conclusion that GitHub adds one day is UNKNOWN."""
    if fact.status != _DONE:
        return Signal.PENDING
    return _CONCLUSIONS.get(fact.conclusion, Signal.UNKNOWN)


def newest(runs: Iterable[RunFact]) -> list[RunFact]:
    """The runs that count: of each workflow and event the newest, for it replaces those before it."""
    kept: dict[tuple[int, str], RunFact] = {}
    for run in runs:
        rival = kept.get((run.workflow_id, run.event))
        if rival is None or (run.run_id, run.run_attempt) > (rival.run_id, rival.run_attempt):
            kept[run.workflow_id, run.event] = run
    return sorted(kept.values(), key=lambda run: run.run_id)


def failing(runs: Iterable[RunFact], checks: Iterable[CheckFact]) -> frozenset[CheckKey]:
    """The workflows and checks that are red on a commit."""
    facts: tuple[RunFact | CheckFact, ...] = (*newest(runs), *checks)
    return frozenset(fact.key for fact in facts if _is_red(fact))


def judge(
    workflow_id: int,
    runs: Iterable[RunFact],
    checks: Iterable[CheckFact],
    red_before: frozenset[CheckKey] = frozenset(),
) -> Verdict:
    """Whether the fix counts: the workflow that failed is green here, and nothing else broke.

    Args:
        workflow_id: The workflow whose failure is being repaired.
        runs: Every workflow run on the fix's head commit.
        checks: Every check of it that is not a GitHub Actions job.
        red_before: What was red on the commit that failed first; it is not held against the fix.
    """
    counted = newest(runs)
    own = [run for run in counted if run.workflow_id == workflow_id]
    others: list[RunFact | CheckFact] = [run for run in counted if run.workflow_id != workflow_id]
    others += checks
    broken = [fact for fact in others if _is_red(fact) and fact.key not in red_before]

    red = next((run for run in own if signal_of(run) is Signal.FAILURE), None)
    if red is not None:
        return Verdict(CiVerdict.RED, f"{red.name or red.path} failed ({red.event}).", red)
    if broken:
        run = next((fact for fact in broken if isinstance(fact, RunFact)), None)
        named = run or broken[0]
        return Verdict(CiVerdict.RED, f"{named.name} was not red before the fix and is now.", run)
    if not own:
        return Verdict(CiVerdict.ABSENT, "No run of the failing workflow has appeared.")
    return next(verdict for decide in _IN_ORDER if (verdict := decide(own, others)) is not None)


def _is_red(fact: RunFact | CheckFact) -> bool:
    return signal_of(fact) in {Signal.FAILURE, Signal.TIMED_OUT}


def _pending(own: list[RunFact], others: list[RunFact | CheckFact]) -> Verdict | None:
    waiting = [fact for fact in (*own, *others) if signal_of(fact) is Signal.PENDING]
    return Verdict(CiVerdict.PENDING, f"Waiting for {waiting[0].name}.") if waiting else None


def _without_verdict(own: list[RunFact], _others: list[RunFact | CheckFact]) -> Verdict | None:
    for signal, verdict in (
        (Signal.ACTION_REQUIRED, CiVerdict.ACTION_REQUIRED),
        (Signal.TIMED_OUT, CiVerdict.TIMED_OUT),
        (Signal.CANCELLED, CiVerdict.CANCELLED),
        # A word GitHub did not use when this was written: no verdict that could be relied on was given.
        (Signal.UNKNOWN, CiVerdict.CANCELLED),
    ):
        run = next((run for run in own if signal_of(run) is signal), None)
        if run is not None:
            return Verdict(verdict, f"{run.name or run.path} ended as {run.conclusion}.", run)
    return None


def _unreadable(_own: list[RunFact], others: list[RunFact | CheckFact]) -> Verdict | None:
    strange = [fact for fact in others if signal_of(fact) is Signal.UNKNOWN]
    if not strange:
        return None
    return Verdict(CiVerdict.CANCELLED, f"{strange[0].name} ended as {strange[0].conclusion}.")


def _green(own: list[RunFact], _others: list[RunFact | CheckFact]) -> Verdict:
    if any(signal_of(run) is Signal.SUCCESS for run in own):
        return Verdict(CiVerdict.GREEN, "The failing workflow is green.")
    return Verdict(CiVerdict.ABSENT, "The failing workflow was skipped on this commit.")


_IN_ORDER: Final[tuple[Callable[[list[RunFact], list[RunFact | CheckFact]], Verdict | None], ...]] = (
    _pending,
    _without_verdict,
    _unreadable,
    _green,
)
