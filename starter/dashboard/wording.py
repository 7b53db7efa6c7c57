"""How the dashboard says things: targets, durations, rates, and what each word of a vocabulary means."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from starter.dashboard.reading import Hearing, Period
from starter.remediations import Overview
from starter.statistics import Share, Spread, Statistics
from workflows.models import REASON_SENTENCES, Outcome, Payload, State

DIFF_LINES: Final = 600
"""Of a diff; the whole one is in the pull request, or in the workflow's history."""

NOTHING: Final = "—"

_TARGET_FIXED: Final = 0.7
_TARGET_TURNED_DOWN: Final = 0.1
_TARGET_HUMAN: Final = 0.3
_TARGET_GREEN: Final = timedelta(minutes=30)
_TENTHS_BELOW: Final = 10.0
_CENT: Final = 0.01
_PERIODS: Final = {Period.DAY: "24 hours", Period.WEEK: "7 days", Period.MONTH: "30 days"}
_STATES: Final = {
    State.TRIAGE: "looking at the run",
    State.EVIDENCE: "reading logs",
    State.RERUNNING: "rerunning once",
    State.DIAGNOSIS: "finding the cause",
    State.PATCHING: "making a patch",
    State.AWAITING_APPROVAL: "awaiting approval",
    State.PUBLISHING: "publishing",
    State.AWAITING_CI: "waiting for CI",
    State.REPORTING: "reporting",
    State.WATCHING_MERGE: "green, awaiting merge",
    State.WATCHING_REVERT: "merged",
    State.DONE: "done",
}
_HEADLINES: Final = {
    Hearing.HEARS: "Listening",
    Hearing.QUIET: "Quiet: events arrive, and none is of a failed run",
    Hearing.SILENT: "Silent: no signed event arrives",
    Hearing.REFUSES: "Deaf: events arrive, but not one is signed with the webhook secret",
}
DECISIONS: Final = {
    "started": "a remediation was started",
    "signalled": "passed on to the remediation it belongs to",
    "duplicate": "its remediation was started before",
    "ignored": "asks nothing of Regreen",
    "refused": "not looked at",
    "unavailable": "not taken; GitHub is to deliver it again",
}
REASONS: Final = {
    "run_failed": "a run failed",
    "newer_attempt": "a newer attempt of the run",
    "attempt_known": "this attempt of the run is known",
    "no_remediation": "no remediation that it belongs to is open",
    "temporal": "Temporal did not take it",
    "checks_completed": "checks on a fix ended",
    "pull_request_closed": "a fix pull request was closed",
    "ping": "GitHub's greeting when a webhook is set up",
    "unsupported_event": "an event that Regreen does not read",
    "malformed": "not JSON, or a needed field is missing",
    "event_mismatch": "not the event that its header names",
    "other_action": "an action that does not matter",
    "run_not_failed": "the run did not fail",
    "not_a_fix_branch": "a branch that no remediation made",
    "actions_check_suite": "GitHub Actions says the same by workflow_run",
    "not_a_pull_request": "a comment on an issue",
    "bot": "a comment by a bot",
    "no_order": "a comment that does not address Regreen",
    "unknown_order": "a comment with an order that Regreen does not know",
    "signature": "not signed with the webhook secret",
    "too_large": "too large",
    "content_type": "of another content type than JSON",
    "too_slow": "it came too slowly",
    "disconnected": "it was cut off",
    "busy": "too many came at once",
}


class Tone(StrEnum):
    """How a state is marked: by a sign and a word, and by a colour beside them."""

    GOOD = "good"
    CALM = "calm"
    WANTED = "wanted"
    """A human is needed."""
    BAD = "bad"


_OUTCOME_TONES: Final = {
    Outcome.FIXED: Tone.GOOD,
    Outcome.FLAKY: Tone.GOOD,
    Outcome.NEEDS_HUMAN: Tone.WANTED,
    Outcome.EXHAUSTED: Tone.WANTED,
    Outcome.UNVERIFIED: Tone.WANTED,
}


class Target(Payload):
    """One of the four figures that Regreen is measured by."""

    name: str
    shown: str
    """The figure for people; a dash where there is nothing to measure."""
    value: float | None
    """A share between 0 and 1, or seconds."""
    n: int
    goal: str
    met: bool | None
    """None where there is nothing to measure."""
    meaning: str


class Stage(Payload):
    """A step of the funnel."""

    name: str
    number: int
    share: float
    """Of the first step, between 0 and 1."""
    meaning: str


class DiffLine(Payload):
    """A line of a diff."""

    text: str
    kind: str
    """`add`, `del`, `hunk`, `file` or `same`."""


def targets(statistics: Statistics) -> tuple[Target, ...]:
    """The four targets with what was reached."""
    median, p90 = statistics.time_to_green.median, statistics.time_to_green.p90
    return (
        _share(
            "Fixed without help",
            statistics.auto_fix,
            "≥ 70 %",
            lambda value: value >= _TARGET_FIXED,
            "green, of the eligible failures",
        ),
        Target(
            name="Time to green",
            shown=duration(median),
            value=median.total_seconds() if median is not None else None,
            n=statistics.time_to_green.n,
            goal="< 30 min",
            met=None if median is None else median < _TARGET_GREEN,
            meaning=f"median; nine in ten within {duration(p90)}" if p90 is not None else "median",
        ),
        _share(
            "Fixes turned down",
            statistics.false_positives,
            "< 10 %",
            lambda value: value < _TARGET_TURNED_DOWN,
            "of the fixes that humans decided on",
        ),
        _share(
            "Human had to act",
            statistics.human_intervention,
            "< 30 %",
            lambda value: value < _TARGET_HUMAN,
            "an order given, or the case taken over",
        ),
    )


def _share(name: str, share: Share, goal: str, holds: Callable[[float], bool], meaning: str) -> Target:
    value = share.value
    return Target(
        name=name,
        shown=percent(share),
        value=value,
        n=share.of,
        goal=goal,
        met=None if value is None else holds(value),
        meaning=meaning,
    )


def funnel(statistics: Statistics) -> tuple[Stage, ...]:
    """From the failures seen to the fixes that stay."""
    steps = (
        ("Failures seen", statistics.seen, "remediations started"),
        ("Eligible", statistics.eligible, "Regreen's to repair, and ended"),
        ("Attempted", statistics.attempted, "a patch was looked for"),
        ("Green", statistics.green, "CI is green on the fix"),
        ("Merged", statistics.merged, "a human merged the fix"),
        ("Kept", statistics.kept, "and nobody took it back"),
    )
    return tuple(
        Stage(
            name=name, number=number, share=number / statistics.seen if statistics.seen else 0, meaning=what
        )
        for name, number, what in steps
    )


def percent(share: Share) -> str:
    """`71 %`, or a dash of nothing."""
    return NOTHING if share.value is None else f"{share.value * 100:.0f} %"


def duration(length: timedelta | None) -> str:
    """`41 s`, `12 min`, `1 h 05 min`, `3 d 4 h`; a dash for none."""
    if length is None:
        return NOTHING
    seconds = max(0.0, length.total_seconds())
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3_600, whole // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else f"{whole} s"


def ago(moment: datetime, now: datetime) -> str:
    """`12 min ago`."""
    return "just now" if now - moment < timedelta(seconds=10) else f"{duration(now - moment)} ago"


def clock(moment: datetime) -> str:
    """`2026-11-27 14:03 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def money(usd: float | None) -> str:
    """`US$ 1.23`, `< US$ 0.01`; a dash where it is not known."""
    if usd is None:
        return NOTHING
    return "< US$ 0.01" if 0 < usd < _CENT else f"US$ {usd:.2f}"


def period(chosen: Period) -> str:
    """`7 days`."""
    return _PERIODS[chosen]


def headline(hearing: Hearing) -> str:
    """What it means for an operator."""
    return _HEADLINES[hearing]


def spread(found: Spread) -> str:
    """The median and what nine in ten do not exceed."""
    return NOTHING if found.median is None else f"{duration(found.median)} / {duration(found.p90)}"


def standing(overview: Overview) -> tuple[str, Tone]:
    """Where a remediation stands, in two words."""
    if not overview.open and overview.temporal_status != "completed":
        return f"{overview.temporal_status.replace('_', ' ')} in Temporal", Tone.BAD
    if overview.open and overview.state in set(State):
        state = State(overview.state)
        tones = {
            State.AWAITING_APPROVAL: Tone.WANTED,
            State.WATCHING_MERGE: Tone.GOOD,
            State.WATCHING_REVERT: Tone.GOOD,
        }
        return _STATES[state], tones.get(state, Tone.CALM)
    if overview.outcome in set(Outcome):
        outcome = Outcome(overview.outcome)
        return words(outcome), _OUTCOME_TONES.get(outcome, Tone.CALM)
    return words(overview.outcome or overview.state or "unknown"), Tone.CALM


def reason(overview: Overview) -> str:
    """Why it ended as it did; empty while that is not known."""
    return REASON_SENTENCES[overview.record.reason] if overview.record is not None else ""


def words(term: str) -> str:
    """A word of a vocabulary as people write it."""
    return term.replace("_", " ")


def diff_lines(diff: str) -> tuple[list[DiffLine], int]:
    """The first lines of a diff by what they are, and how many more there are."""
    lines = diff.splitlines()
    return list(_classified(lines[:DIFF_LINES])), max(0, len(lines) - DIFF_LINES)


def _classified(lines: Sequence[str]) -> Iterator[DiffLine]:
    named = False
    for place, line in enumerate(lines):
        follows = lines[place + 1] if place + 1 < len(lines) else ""
        if line.startswith("--- ") and follows.startswith("+++ "):
            named, kind = True, "file"
        elif named and line.startswith("+++ "):
            named, kind = False, "file"
        elif line.startswith("diff --git "):
            kind = "file"
        else:
            kind = {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "same")
        yield DiffLine(text=line, kind=kind)


def since_start(length: timedelta) -> str:
    """`+0:00:41`, `+2 d 3:04:05`: how long after the start something was."""
    whole = max(0, int(length.total_seconds()))
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3_600}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"+{days} d {clock}" if days else f"+{clock}"
