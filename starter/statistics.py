"""What a period's remediations add up to: the funnel, the four targets, money. Pure functions.

`docs/metrics.md` defines each figure for people; the definitions here are the ones it quotes.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from starter.remediations import Overview
from workflows.models import Disposition, FailureClass, Outcome, Payload, Record

ELIGIBLE: Final = frozenset(
    {Outcome.FIXED, Outcome.NEEDS_HUMAN, Outcome.EXHAUSTED, Outcome.STOPPED, Outcome.UNVERIFIED}
)
"""Outcomes of failures that were Regreen's to repair. The others were left alone on purpose, moved on, or
needed no repair."""

_MERGED: Final = frozenset({Disposition.KEPT, Disposition.REVERTED})
_TURNED_DOWN: Final = frozenset({Disposition.CLOSED, Disposition.REVERTED})
_HANDED_OVER: Final = ELIGIBLE - {Outcome.FIXED}


class Share(Payload):
    """A part of a whole, with both numbers: a rate without its n says little."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None of nothing."""
        return self.count / self.of if self.of else None


class Spread(Payload):
    """How long something took."""

    n: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None
    """Nearest rank: the shortest time that nine in ten do not exceed."""


class ClassStatistics(Payload):
    """One failure class."""

    failure_class: FailureClass | None
    """None: never diagnosed."""
    seen: int
    auto_fixed: Share
    time_to_green: Spread


class Statistics(Payload):
    """What a period's remediations add up to."""

    seen: int
    """Remediations started."""
    open: int
    """Of these, without an outcome yet."""
    broken: int
    """Of these, ended without an outcome: failed, terminated or timed out in Temporal."""
    eligible: int
    """With an outcome of `ELIGIBLE`."""
    attempted: int
    """Eligible, and at least one attempt was begun."""
    published: int
    """Eligible, and a fix pull request was opened."""
    green: int
    """`fixed`."""
    merged: int
    """Green, and a human merged the fix."""
    kept: int
    """Merged, and not known to have been taken back."""
    outcomes: dict[str, int]
    """How often each outcome was reached."""
    auto_fix: Share
    """`fixed` of the eligible. Target: 70 % and more."""
    time_to_green: Spread
    """From the start of the remediation to the green run on the fix. Target: under 30 minutes."""
    false_positives: Share
    """Fixes that humans turned down or took back, of those that they decided on. Target: under 10 %."""
    human_intervention: Share
    """Eligible ones in which a human gave an order or had to take over. Target: under 30 %."""
    classes: tuple[ClassStatistics, ...]
    """Each failure class that was seen, the most frequent first."""
    cost_usd: float
    """All model calls whose price is known."""

    @property
    def usd_per_merged_fix(self) -> float | None:
        """All money over the merged fixes; None without one."""
        return self.cost_usd / self.merged if self.merged else None


def add_up(overviews: Iterable[Overview]) -> Statistics:
    """The statistics of some remediations."""
    all_of_them = list(overviews)
    records = [each.record for each in all_of_them if each.record is not None]
    eligible = [record for record in records if record.outcome in ELIGIBLE]
    green = [record for record in eligible if record.outcome is Outcome.FIXED]
    return Statistics(
        seen=len(all_of_them),
        open=sum(each.open and each.record is None for each in all_of_them),
        broken=sum(not each.open and each.temporal_status != "completed" for each in all_of_them),
        eligible=len(eligible),
        attempted=sum(record.attempts > 0 for record in eligible),
        published=sum(record.published_at is not None for record in eligible),
        green=len(green),
        merged=sum(record.disposition in _MERGED for record in green),
        kept=sum(record.disposition is Disposition.KEPT for record in green),
        outcomes=dict(Counter(str(record.outcome) for record in records)),
        auto_fix=Share(count=len(green), of=len(eligible)),
        time_to_green=_time_to_green(all_of_them),
        false_positives=_false_positives(eligible),
        human_intervention=Share(count=sum(map(_is_intervention, eligible)), of=len(eligible)),
        classes=tuple(_classes(all_of_them)),
        cost_usd=sum(each.cost_usd or 0.0 for each in all_of_them),
    )


def _time_to_green(overviews: Iterable[Overview]) -> Spread:
    times = sorted(
        each.record.green_at - each.started_at
        for each in overviews
        if each.record is not None and each.record.green_at is not None
    )
    if not times:
        return Spread()
    return Spread(n=len(times), median=_nearest_rank(times, 0.5), p90=_nearest_rank(times, 0.9))


def _nearest_rank(ordered: Sequence[timedelta], share: float) -> timedelta:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _false_positives(eligible: Iterable[Record]) -> Share:
    """Of the patches that a human decided on: turned down over decided."""
    kept = turned_down = 0
    for record in eligible:
        kept += record.disposition is Disposition.KEPT
        stopped = record.outcome is Outcome.STOPPED and record.attempts > 0
        turned_down += stopped or record.disposition in _TURNED_DOWN
    return Share(count=turned_down, of=kept + turned_down)


def _is_intervention(record: Record) -> bool:
    return record.orders > 0 or record.outcome in _HANDED_OVER


def _classes(overviews: Sequence[Overview]) -> Iterable[ClassStatistics]:
    frequencies = Counter(each.record.failure_class for each in overviews if each.record is not None)
    for failure_class, seen in frequencies.most_common():
        those = [each for each in overviews if each.record and each.record.failure_class is failure_class]
        eligible = [each for each in those if each.record and each.record.outcome in ELIGIBLE]
        fixed = sum(each.record is not None and each.record.outcome is Outcome.FIXED for each in eligible)
        yield ClassStatistics(
            failure_class=failure_class,
            seen=seen,
            auto_fixed=Share(count=fixed, of=len(eligible)),
            time_to_green=_time_to_green(those),
        )
