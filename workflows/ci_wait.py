"""What CI's answer to a fix means for the remediation that waits for it. Pure, as `decisions` is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.decisions import Ending
from workflows.models import ChecksReading, CiVerdict, Limits, Outcome, Reason, RunSnapshot
from workflows.policies import CI_POLL_CEILING


@dataclass(frozen=True)
class CiWait:
    """How long CI has been waited for."""

    fix_head: str
    since: datetime
    now: datetime
    limits: Limits
    obstacle: str = ""
    """Why CI will probably not start, as the workflow file tells."""


def after_checks(reading: ChecksReading, wait: CiWait) -> Ending | CiVerdict:
    """What a reading of CI means: an ending, RED (try again), or PENDING (wait on).

    A human's acts on the branch or the pull request count before any verdict, a newer commit on the failing
    branch before any but a green one. ABSENT and SKIPPED are PENDING until the time for the first check to
    appear has passed: another event may still start the workflow.
    """
    human = _after_human(reading, wait.fix_head)
    if human is not None:
        return human
    if reading.verdict is CiVerdict.GREEN:
        return _fixed(reading)
    if reading.failing_branch_moved:
        return Ending(Outcome.SUPERSEDED, Reason.BRANCH_MOVED)
    if reading.verdict is CiVerdict.RED:
        return CiVerdict.RED
    return _without_green(reading, wait)


def _without_green(reading: ChecksReading, wait: CiWait) -> Ending | CiVerdict:
    waited = wait.now - wait.since
    given_up = waited >= wait.limits.ci_appearance
    rules = (
        (reading.verdict is CiVerdict.CANCELLED, Outcome.UNVERIFIED, Reason.CI_CANCELLED),
        (reading.verdict is CiVerdict.TIMED_OUT, Outcome.UNVERIFIED, Reason.CI_TIMED_OUT),
        (reading.verdict is CiVerdict.ACTION_REQUIRED, Outcome.NEEDS_HUMAN, Reason.CI_ACTION_REQUIRED),
        (reading.verdict is CiVerdict.BLOCKED, Outcome.NEEDS_HUMAN, Reason.REQUIRED_CHECK_RED),
        (reading.verdict is CiVerdict.ABSENT and given_up, Outcome.UNVERIFIED, Reason.CI_NEVER_STARTED),
        (reading.verdict is CiVerdict.SKIPPED and given_up, Outcome.UNVERIFIED, Reason.CI_SKIPPED),
        (waited >= wait.limits.ci_deadline, Outcome.UNVERIFIED, Reason.CI_DEADLINE),
    )
    detail = wait.obstacle if wait.obstacle and reading.verdict is CiVerdict.ABSENT else reading.detail
    found = (Ending(outcome, reason, detail) for applies, outcome, reason in rules if applies)
    return next(found, CiVerdict.PENDING)


def _fixed(reading: ChecksReading) -> Ending:
    said = (
        f"Also red, and not for this fix to mend: {', '.join(reading.also_red)}." if reading.also_red else ""
    )
    return Ending(Outcome.FIXED, Reason.GREEN, said)


def _after_human(reading: ChecksReading, fix_head: str) -> Ending | None:
    if reading.pull_request_merged:
        # A merge is a human's verdict on the fix, but never read as green: only CI says that.
        if reading.verdict is CiVerdict.GREEN:
            return _fixed(reading)
        return Ending(Outcome.UNVERIFIED, Reason.MERGED_EARLY)
    if not reading.pull_request_open:
        return Ending(Outcome.STOPPED, Reason.PULL_REQUEST_CLOSED)
    if reading.branch_tip != fix_head:
        return Ending(Outcome.SUPERSEDED, Reason.HUMAN_COMMIT)
    return None


def next_poll(wait: CiWait, polls: int) -> timedelta:
    """How long to wait for news before reading CI again; never past a deadline, never below a second."""
    interval = wait.limits.ci_poll * min(polls + 1, CI_POLL_CEILING)
    waited = wait.now - wait.since
    until = [
        limit - waited for limit in (wait.limits.ci_appearance, wait.limits.ci_deadline) if limit > waited
    ]
    return max(min([interval, *until]), timedelta(seconds=1))


def rerun_verdict(run: RunSnapshot, attempt: int) -> CiVerdict:
    """What became of the rerun `attempt` (or a later one a human started) of an unchanged commit."""
    if run.run_attempt < attempt or run.status != "completed":
        return CiVerdict.PENDING
    return {
        "success": CiVerdict.GREEN,
        "cancelled": CiVerdict.CANCELLED,
    }.get(run.conclusion or "", CiVerdict.RED)
