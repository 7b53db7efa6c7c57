from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from starter.remediations import Overview
from starter.statistics import Share, add_up
from workflows.models import Disposition, FailureClass, Outcome, Reason, Record

START: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)


def ended(
    outcome: Outcome, *, green_after: int | None = None, cost: float | None = None, **facts: Any
) -> Overview:
    green_at = None if green_after is None else START + timedelta(minutes=green_after)
    record = Record(outcome=outcome, reason=Reason.GREEN, ended_at=START, green_at=green_at, **facts)
    return Overview(
        workflow_id="ci-remediation/acme/widgets/1",
        open=record.outcome is Outcome.FIXED and record.disposition is None,
        temporal_status="completed",
        started_at=START,
        cost_usd=cost,
        record=record,
    )


def under_way(status: str = "running") -> Overview:
    return Overview(
        workflow_id="ci-remediation/acme/widgets/2",
        open=status == "running",
        temporal_status=status,
        started_at=START,
    )


def fixed(minutes: int, disposition: Disposition | None = None, **facts: Any) -> Overview:
    return ended(
        Outcome.FIXED, green_after=minutes, attempts=1, published_at=START, disposition=disposition, **facts
    )


def test_nothing_adds_up_to_no_rates() -> None:
    figures = add_up([])
    assert figures.seen == 0
    assert figures.auto_fix.value is None
    assert figures.time_to_green.median is None
    assert figures.usd_per_merged_fix is None


def test_the_funnel_narrows_from_what_was_seen_to_what_was_merged() -> None:
    figures = add_up(
        [
            fixed(5, Disposition.KEPT),
            fixed(6, Disposition.CLOSED),
            fixed(7),
            ended(Outcome.EXHAUSTED, attempts=3, published_at=START),
            ended(Outcome.NEEDS_HUMAN),
            ended(Outcome.IGNORED),
            ended(Outcome.FLAKY),
            under_way(),
            under_way("failed"),
        ]
    )
    assert (figures.seen, figures.open, figures.broken) == (9, 1, 1)
    assert (figures.eligible, figures.attempted, figures.published) == (5, 4, 4)
    assert (figures.green, figures.merged) == (3, 1)
    assert figures.auto_fix == Share(count=3, of=5)
    assert figures.outcomes["fixed"] == 3


def test_a_remediation_that_ended_before_records_were_kept_is_not_called_broken() -> None:
    assert add_up([under_way("completed")]).broken == 0


def test_the_ninetieth_percentile_is_the_time_that_nine_in_ten_stay_below() -> None:
    spread = add_up([fixed(minutes) for minutes in range(10, 0, -1)]).time_to_green
    assert spread.n == 10
    assert spread.median == timedelta(minutes=5)
    assert spread.p90 == timedelta(minutes=9)


def test_a_fix_that_a_human_turned_down_is_a_false_positive_and_an_undecided_one_is_not() -> None:
    figures = add_up(
        [
            fixed(1, Disposition.KEPT),
            fixed(1, Disposition.CLOSED),
            fixed(1, Disposition.REVERTED),
            fixed(1, Disposition.OPEN),
            fixed(1),
            ended(Outcome.STOPPED, attempts=1),
            ended(Outcome.STOPPED),
        ]
    )
    assert figures.false_positives == Share(count=3, of=4)
    assert (figures.merged, figures.kept) == (2, 1)


def test_an_order_or_a_failure_handed_over_is_human_intervention() -> None:
    figures = add_up(
        [fixed(1), fixed(1, orders=1, approved=True), ended(Outcome.NEEDS_HUMAN), ended(Outcome.IGNORED)]
    )
    assert figures.human_intervention == Share(count=2, of=3)


def test_money_is_counted_for_all_and_divided_by_the_merged() -> None:
    figures = add_up(
        [fixed(1, Disposition.KEPT), ended(Outcome.NEEDS_HUMAN, cost=1.5), ended(Outcome.EXHAUSTED, cost=0.5)]
    )
    assert figures.usd_per_merged_fix == 2.0


def test_each_failure_class_has_its_own_rate() -> None:
    figures = add_up(
        [
            fixed(4, failure_class=FailureClass.LINT),
            ended(Outcome.NEEDS_HUMAN, failure_class=FailureClass.LINT),
            ended(Outcome.IGNORED, failure_class=FailureClass.LINT),
            ended(Outcome.NEEDS_HUMAN, failure_class=FailureClass.UNIT_TEST),
        ]
    )
    lint, tests = figures.classes
    assert (lint.failure_class, lint.seen, lint.auto_fixed) == (FailureClass.LINT, 3, Share(count=1, of=2))
    assert lint.time_to_green.median == timedelta(minutes=4)
    assert tests.auto_fixed == Share(count=0, of=1)


records = st.builds(
    Record,
    outcome=st.sampled_from(Outcome),
    reason=st.sampled_from(Reason),
    attempts=st.integers(0, 3),
    orders=st.integers(0, 2),
    disposition=st.sampled_from([None, *Disposition]),
    ended_at=st.just(START),
)


@given(st.lists(records))
def test_every_part_is_at_most_its_whole(some: list[Record]) -> None:
    overviews = [under_way("completed").model_copy(update={"record": record}) for record in some]
    figures = add_up(overviews)
    assert figures.seen >= figures.eligible >= figures.attempted
    assert figures.eligible >= figures.green >= figures.merged >= figures.kept
    shares = [figures.auto_fix, figures.false_positives, figures.human_intervention]
    for share in [*shares, *(each.auto_fixed for each in figures.classes)]:
        assert 0 <= share.count <= share.of
