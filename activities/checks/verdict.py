"""What CI said about a commit, decided from facts alone: unknown is never green."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from workflows.models import CiVerdict

CheckKey = tuple[str, str]
"""Names a workflow or another App's check across commits: its kind or App, and its id or name."""

_DONE: Final = "completed"
_WAITS_FOR_A_PERSON: Final = "waiting"
"""Status of a run that a rule of its deployment environment holds back."""


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
    """A check of the commit by an App other than GitHub Actions, or a commit status.

    A status names no App, only its context: its `app` is `status`.
    """

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
    also_red: tuple[str, ...] = ()
    """What is red beside a green verdict, and does not speak against it."""


def signal(status: str, conclusion: str | None) -> Signal:
    """What GitHub's two words contribute; a conclusion that it adds one day is UNKNOWN."""
    return _CONCLUSIONS.get(conclusion, Signal.UNKNOWN) if status == _DONE else Signal.PENDING


def signal_of(fact: RunFact | CheckFact) -> Signal:
    """What a run or check contributes."""
    return signal(fact.status, fact.conclusion)


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


@dataclass(frozen=True, slots=True)
class Before:
    """What is known beside the fix's head commit.

    Attributes:
        red: What was red on the commit that failed first; it is not held against the fix.
        required: Names of the checks that the base branch requires, whichever App reports them.
    """

    red: frozenset[CheckKey] = frozenset()
    required: frozenset[str] = frozenset()


NOTHING_KNOWN: Final = Before()


def judge(
    workflow_id: int, runs: Iterable[RunFact], checks: Iterable[CheckFact], before: Before = NOTHING_KNOWN
) -> Verdict:
    """Whether the fix counts: the workflow that failed is green here, and it broke no other.

    A check of another App decides only where the base branch requires it: its log is not ours to learn from,
    and a red one that nobody requires is said, not acted upon.

    Args:
        workflow_id: The workflow whose failure is being repaired.
        runs: Every workflow run on the fix's head commit.
        checks: Every check and commit status of it that is not a GitHub Actions job.
        before: What was red before the fix, and what must be green.
    """
    counted = newest(runs)
    own = [run for run in counted if run.workflow_id == workflow_id]
    others = [run for run in counted if run.workflow_id != workflow_id]
    checks = list(checks)
    required = [check for check in checks if check.name in before.required]
    red = next((run for run in own if signal_of(run) is Signal.FAILURE), None)
    if red is not None:
        return Verdict(CiVerdict.RED, f"{red.name or red.path} failed ({red.event}).", red)
    broken = next((run for run in others if _is_red(run) and run.key not in before.red), None)
    if broken is not None:
        return Verdict(CiVerdict.RED, f"{broken.name} was not red before the fix and is now.", broken)
    if not own:
        return Verdict(CiVerdict.ABSENT, "No run of the failing workflow has appeared.")
    return (
        _pending(own, others, required)
        or _without_verdict(own, others)
        or _blocked(required, before)
        or _green(own, [*others, *checks])
    )


def passes(check: CheckFact) -> bool:
    """Whether a check keeps nobody from merging, as GitHub counts required checks."""
    return signal_of(check) in {Signal.SUCCESS, Signal.SILENT}


def unproved(failed: Iterable[str], jobs: Iterable[tuple[str, str | None]]) -> str | None:
    """The first of the jobs that failed which a green run does not show to succeed; None when it shows all.

    A run is green although the job that failed was skipped in it. A job whose matrix was changed by the fix
    goes by another name; a sibling of the same job speaks for it.

    Args:
        failed: Names of the jobs that failed, as GitHub shows them.
        jobs: Name and conclusion of the green run's jobs.
    """
    listed = dict[str, bool]()
    for name, conclusion in jobs:
        listed[name] = listed.get(name, False) or signal(_DONE, conclusion) is Signal.SUCCESS
    siblings = {_root(name) for name, succeeded in listed.items() if succeeded}
    return next((name for name in failed if not listed.get(name, _root(name) in siblings)), None)


def _root(job_name: str) -> str:
    return job_name.partition(" / ")[0].partition(" (")[0]


def _is_red(fact: RunFact | CheckFact) -> bool:
    return signal_of(fact) in {Signal.FAILURE, Signal.TIMED_OUT}


def _pending(own: list[RunFact], others: list[RunFact], required: list[CheckFact]) -> Verdict | None:
    # A deployment of another workflow that waits for a person's word would be waited for in vain.
    going = [run for run in others if run.status != _WAITS_FOR_A_PERSON]
    counted: list[RunFact | CheckFact] = [*own, *going, *required]
    waiting = next((fact for fact in counted if signal_of(fact) is Signal.PENDING), None)
    return Verdict(CiVerdict.PENDING, f"Waiting for {waiting.name}.") if waiting else None


def _without_verdict(own: list[RunFact], others: list[RunFact]) -> Verdict | None:
    for sign, verdict in (
        (Signal.ACTION_REQUIRED, CiVerdict.ACTION_REQUIRED),
        (Signal.TIMED_OUT, CiVerdict.TIMED_OUT),
        (Signal.CANCELLED, CiVerdict.CANCELLED),
        # A word GitHub did not use when this was written: no verdict that could be relied on was given.
        (Signal.UNKNOWN, CiVerdict.CANCELLED),
    ):
        run = next((run for run in own if signal_of(run) is sign), None)
        if run is not None:
            return Verdict(verdict, f"{run.name or run.path} ended as {run.conclusion}.", run)
    strange = next((run for run in others if signal_of(run) is Signal.UNKNOWN), None)
    if strange is not None:
        return Verdict(CiVerdict.CANCELLED, f"{strange.name} ended as {strange.conclusion}.")
    return None


def _blocked(required: list[CheckFact], before: Before) -> Verdict | None:
    check = next((check for check in required if not passes(check) and check.key not in before.red), None)
    if check is None:
        return None
    return Verdict(CiVerdict.BLOCKED, f"{check.name} of {check.app} ended as {check.conclusion}.")


def _green(own: list[RunFact], others: list[RunFact | CheckFact]) -> Verdict:
    if not any(signal_of(run) is Signal.SUCCESS for run in own):
        return Verdict(CiVerdict.SKIPPED, "The failing workflow was skipped on this commit.")
    also_red = tuple(fact.name for fact in others if _is_red(fact))
    return Verdict(CiVerdict.GREEN, "The failing workflow is green.", also_red=also_red)
