"""What a remediation counts as it goes. `docs/metrics.md` says what each series means.

Recorded through the workflow's own meter, which is silent on replay. Every label is a word of a fixed
vocabulary, so that the number of series is bounded.
"""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.models import (
        AttemptRecord,
        CiVerdict,
        Disposition,
        GateVerdict,
        Spending,
        Status,
    )

NONE = "none"
"""Label of what there was not: no class, no strategy, no CI."""


def outcome_known(status: Status, started_at: datetime) -> None:
    """A remediation has its outcome.

    Args:
        status: With outcome and reason.
        started_at: When the remediation started.
    """
    failure_class = status.diagnosis.failure_class if status.diagnosis else NONE
    _count(
        "regreen_outcomes",
        "Remediations whose outcome is known",
        outcome=status.outcome or NONE,
        reason=status.reason or NONE,
        failure_class=failure_class,
    )
    if status.green_at is not None:
        _spend(
            "regreen_time_to_green",
            "From the start of a remediation to the green run on its fix",
            status.green_at - started_at,
            failure_class=failure_class,
        )
    if status.cost_usd is not None:
        histogram = workflow.metric_meter().create_histogram_float(
            "regreen_remediation_cost",
            "What the model calls of a remediation cost, where there were any",
            "usd",
        )
        histogram.record(status.cost_usd)
    for attempt in status.attempts:
        _attempt_ended(attempt)


def _attempt_ended(attempt: AttemptRecord) -> None:
    _count(
        "regreen_attempts",
        "Attempts of ended remediations, by how CI answered",
        strategy=attempt.strategy or NONE,
        ci=attempt.ci or NONE,
    )


def disposed(disposition: Disposition) -> None:
    """It is known what became of a green fix."""
    _count("regreen_dispositions", "Green fixes by what became of them", disposition=disposition)


def judged(verdict: GateVerdict | None) -> None:
    """The gate has judged a patch; None where there was none."""
    _count(
        "regreen_gate_verdicts",
        "Attempts by the gate's verdict",
        decision=verdict.decision if verdict else NONE,
    )


def session_ended(spent: Spending) -> None:
    """An attempt has ended; what its session with a model took, if there was one."""
    if spent.calls:
        histogram = workflow.metric_meter().create_histogram(
            "regreen_session_turns", "Replies of the model in one repair session"
        )
        histogram.record(spent.calls)


def ordered(order: str) -> None:
    """A human's order counted. `order` is a signal's name."""
    _count("regreen_orders", "Orders of humans that counted", order=order)


def approval_awaited(waited: timedelta) -> None:
    """A wait for a human's approval is over: by an answer, a closed pull request or the deadline."""
    _spend("regreen_approval_wait", "Waits for a human's approval of a patch", waited)


def ci_answered(verdict: CiVerdict, waited: timedelta, *, by_event: bool) -> None:
    """A wait for CI on a fix is over.

    Args:
        verdict: What the last reading said.
        waited: Since the fix was published.
        by_event: Whether an event led to that reading, or the regular poll.
    """
    _spend("regreen_ci_wait", "Waits for CI on a fix that CI ended, or its deadline", waited)
    _count(
        "regreen_ci_verdicts",
        "Ended waits for CI on a fix",
        verdict=verdict,
        learned="event" if by_event else "poll",
    )


def _count(name: str, description: str, **labels: str) -> None:
    workflow.metric_meter().create_counter(name, description).add(1, _words(labels))


def _spend(name: str, description: str, took: timedelta, **labels: str) -> None:
    histogram = workflow.metric_meter().create_histogram_timedelta(name, description, "s")
    histogram.record(took, _words(labels))


def _words(labels: dict[str, str]) -> dict[str, str | int | float | bool]:
    return {name: str(value) for name, value in labels.items()}
