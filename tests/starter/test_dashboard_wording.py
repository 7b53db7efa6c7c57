from datetime import UTC, datetime, timedelta

import pytest

from starter.dashboard import wording
from starter.dashboard.reading import SILENCE, Hearing, Period, events
from starter.dashboard.wording import Tone
from starter.dispatch import Verdict
from starter.metrics import EventCounts
from starter.remediations import Overview
from starter.statistics import Share, add_up
from starter.webhook import IgnoreReason
from workflows.models import Outcome, Reason, Record, State

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def ended(outcome: Outcome, green_after: float | None = None) -> Overview:
    green_at = None if green_after is None else NOW + timedelta(minutes=green_after)
    record = Record(
        outcome=outcome, reason=Reason.GREEN, ended_at=NOW, green_at=green_at, attempts=1, published_at=NOW
    )
    return Overview(
        workflow_id="ci-remediation/acme/widgets/1",
        open=False,
        temporal_status="completed",
        started_at=NOW,
        outcome=outcome,
        record=record,
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (6.84, "6.8 s"),
        (41, "41 s"),
        (59.6, "1 min"),
        (754, "12 min"),
        (3_900, "1 h 05 min"),
        (273_600, "3 d 4 h"),
        (-5, "0.0 s"),
    ],
)
def test_durations_are_said_in_what_a_person_counts_in(seconds: float, said: str) -> None:
    assert wording.duration(timedelta(seconds=seconds)) == said


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert wording.duration(None) == wording.money(None) == wording.percent(Share(count=0, of=0)) == "—"


def test_money_and_rates_are_rounded_for_people() -> None:
    assert [wording.money(usd) for usd in (1.236, 0.004, 0.0)] == ["US$ 1.24", "< US$ 0.01", "US$ 0.00"]
    assert wording.percent(Share(count=2, of=3)) == "67 %"


def test_a_moment_is_said_in_utc() -> None:
    assert wording.clock(NOW) == "2026-11-27 12:00 UTC"
    assert wording.since_start(timedelta(days=2, hours=3, seconds=7)) == "+2 d 3:00:07"


def test_each_target_has_its_n_and_is_met_or_not() -> None:
    figures = wording.targets(
        add_up([ended(Outcome.FIXED, 5), ended(Outcome.FIXED, 50), ended(Outcome.EXHAUSTED)])
    )
    assert [(each.n, each.met) for each in figures] == [(3, False), (2, True), (0, None), (3, False)]
    assert [each.goal for each in figures] == ["≥ 70 %", "< 30 min", "< 10 %", "< 30 %"]


def test_of_nothing_no_target_is_met_or_missed() -> None:
    assert {each.met for each in wording.targets(add_up([]))} == {None}
    assert {stage.share for stage in wording.funnel(add_up([]))} == {0}


def test_the_funnel_is_drawn_as_shares_of_what_was_seen() -> None:
    stages = wording.funnel(add_up([ended(Outcome.FIXED, 5), ended(Outcome.IGNORED)]))
    assert [(stage.number, stage.share) for stage in stages] == [
        *((2, 1), (1, 0.5), (1, 0.5), (1, 0.5), (0, 0), (0, 0)),
    ]


@pytest.mark.parametrize(
    ("overview", "said"),
    [
        ({"open": True, "temporal_status": "running", "state": "awaiting_approval"}, Tone.WANTED),
        ({"open": True, "temporal_status": "running", "state": "patching"}, Tone.CALM),
        ({"open": False, "temporal_status": "completed", "outcome": "fixed"}, Tone.GOOD),
        ({"open": False, "temporal_status": "completed", "outcome": "exhausted"}, Tone.WANTED),
        ({"open": False, "temporal_status": "terminated", "outcome": ""}, Tone.BAD),
        ({"open": True, "temporal_status": "running", "state": "a state of a later version"}, Tone.CALM),
    ],
)
def test_where_a_remediation_stands_is_said_and_toned(overview: dict[str, object], said: Tone) -> None:
    words, tone = wording.standing(
        Overview.model_validate({"workflow_id": "x", "started_at": NOW, **overview})
    )
    assert words
    assert "_" not in words
    assert tone is said


def test_every_state_and_period_has_words() -> None:
    for state in State:
        overview = Overview(
            workflow_id="x", open=True, temporal_status="running", started_at=NOW, state=state
        )
        assert wording.standing(overview)[0]
    assert {wording.period(period) for period in Period} == {"24 hours", "7 days", "30 days"}
    assert all(wording.headline(hearing) for hearing in Hearing)


def test_every_decision_and_reason_of_the_webhook_has_words() -> None:
    assert set(Verdict) == wording.DECISIONS.keys()
    assert set(IgnoreReason) <= wording.REASONS.keys()


def test_a_diff_s_lines_are_told_apart() -> None:
    first = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n--- a removed line\n-x\n++ an added one\n"
    lines, more = wording.diff_lines(first + "--- a/y\n+++ b/y\n")
    assert [line.kind for line in lines] == [
        *("file", "file", "hunk", "same", "del", "del", "add", "file", "file"),
    ]
    assert more == 0


def test_a_long_diff_is_cut_and_what_is_missing_is_counted() -> None:
    lines, more = wording.diff_lines("+x\n" * (wording.DIFF_LINES + 7))
    assert (len(lines), more) == (wording.DIFF_LINES, 7)


# ── a silent system looks different from a quiet one ────────────────────────────────────────────────────────


def test_without_an_event_the_process_is_silent() -> None:
    assert events(EventCounts(), datetime.now(UTC)).hearing is Hearing.SILENT


def test_with_events_and_no_failure_it_is_quiet() -> None:
    counts = EventCounts()
    counts.count("ignored", "ping")
    assert events(counts, datetime.now(UTC)).hearing is Hearing.QUIET


def test_with_a_failed_run_it_hears() -> None:
    counts = EventCounts()
    counts.count("started", "run_failed")
    counts.count("refused", "signature", signed=False)
    assert events(counts, datetime.now(UTC)).hearing is Hearing.HEARS


def test_with_forged_events_only_it_refuses_and_heard_nothing_of_github_s() -> None:
    counts = EventCounts()
    counts.count("refused", "signature", signed=False)
    found = events(counts, datetime.now(UTC))
    assert found.hearing is Hearing.REFUSES
    assert found.last_signed is None


def test_after_a_day_without_an_event_it_is_silent_again() -> None:
    counts = EventCounts()
    counts.count("started", "run_failed")
    assert events(counts, datetime.now(UTC) + SILENCE).hearing is Hearing.SILENT


def test_what_was_dropped_is_counted_with_its_reason_the_most_frequent_first() -> None:
    counts = EventCounts()
    counts.count("ignored", "ping")
    for _ in range(3):
        counts.count("ignored", "bot")
    found = [(each.decision, each.reason, each.number) for each in events(counts, NOW).counts]
    assert found == [("ignored", "bot", 3), ("ignored", "ping", 1)]
