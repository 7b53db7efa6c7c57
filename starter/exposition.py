"""The webhook service's metrics, for a scrape and for OpenTelemetry. `docs/metrics.md` defines each series.

Every label is a word of a fixed vocabulary, never text from an event or a repository.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from starter.figures import Figures, Survey
from starter.metrics import DESCRIPTION, EVENTS, EventCounts
from starter.statistics import Spread, Statistics
from workflows.models import State

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
LAST_EVENT: Final = "regreen_last_event_timestamp_seconds"
TEMPORAL_UP: Final = "regreen_temporal_up"
UNDIAGNOSED: Final = "none"

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values of labels, and the value."""


@dataclass(frozen=True)
class Series:
    """A gauge that is read off the figures."""

    name: str
    describes: str
    labels: tuple[str, ...]
    read: Callable[[Figures], Samples]


def _each_window(
    read: Callable[[Statistics], Samples],
) -> Callable[[Figures], Iterator[tuple[tuple[str, ...], float]]]:
    def samples(figures: Figures) -> Iterator[tuple[tuple[str, ...], float]]:
        for window, statistics in figures.windows.items():
            yield from (((window, *labels), value) for labels, value in read(statistics))

    return samples


def _one(value: float | None) -> Samples:
    return [] if value is None else [((), value)]


def _stages(statistics: Statistics) -> Samples:
    for stage in ("seen", "open", "broken", "eligible", "attempted", "published", "green", "merged", "kept"):
        yield (stage,), getattr(statistics, stage)


def _spread(spread: Spread) -> Samples:
    for rank, value in (("median", spread.median), ("p90", spread.p90)):
        if value is not None:
            yield (rank,), value.total_seconds()


def _classes(statistics: Statistics) -> Samples:
    for each in statistics.classes:
        word = each.failure_class or UNDIAGNOSED
        yield (word, "seen"), each.seen
        yield (word, "eligible"), each.auto_fixed.of
        yield (word, "green"), each.auto_fixed.count


SERIES: Final = (
    Series(
        "regreen_remediations",
        "Remediations that started within the window, by how far they came",
        ("window", "stage"),
        _each_window(_stages),
    ),
    Series(
        "regreen_remediations_by_outcome",
        "Remediations that started within the window, by outcome",
        ("window", "outcome"),
        _each_window(lambda statistics: [((word,), n) for word, n in statistics.outcomes.items()]),
    ),
    Series(
        "regreen_remediations_by_reason",
        "Remediations that started within the window, by the reason of their outcome",
        ("window", "reason"),
        lambda figures: [
            ((window, reason), number)
            for window, reasons in figures.reasons.items()
            for reason, number in reasons.items()
        ],
    ),
    Series(
        "regreen_remediations_by_class",
        "Remediations that started within the window, by failure class and how far they came",
        ("window", "failure_class", "stage"),
        _each_window(_classes),
    ),
    Series(
        "regreen_auto_fix_ratio",
        "Green over eligible; the target is 0.7 and more",
        ("window",),
        _each_window(lambda statistics: _one(statistics.auto_fix.value)),
    ),
    Series(
        "regreen_time_to_green_rank_seconds",
        "From the start of a remediation to the green run on its fix; the target is under 1800",
        ("window", "rank"),
        _each_window(lambda statistics: _spread(statistics.time_to_green)),
    ),
    Series(
        "regreen_false_positive_ratio",
        "Fixes that humans turned down over those that they decided on; the target is under 0.1",
        ("window",),
        _each_window(lambda statistics: _one(statistics.false_positives.value)),
    ),
    Series(
        "regreen_decided_fixes",
        "Fixes that humans decided on: the n of regreen_false_positive_ratio",
        ("window",),
        _each_window(lambda statistics: _one(statistics.false_positives.of)),
    ),
    Series(
        "regreen_human_intervention_ratio",
        "Eligible remediations in which a human gave an order or had to take over; the target is under 0.3",
        ("window",),
        _each_window(lambda statistics: _one(statistics.human_intervention.value)),
    ),
    Series(
        "regreen_model_usd",
        "US dollars of all model calls of remediations that started within the window",
        ("window",),
        _each_window(lambda statistics: _one(statistics.cost_usd)),
    ),
    Series(
        "regreen_merged_fix_usd",
        "That money over the merged fixes",
        ("window",),
        _each_window(lambda statistics: _one(statistics.usd_per_merged_fix)),
    ),
    Series(
        "regreen_open_remediations",
        "Open remediations by state",
        ("state",),
        lambda figures: [
            ((state,), figures.waiting[state].number if state in figures.waiting else 0) for state in State
        ],
    ),
    Series(
        "regreen_oldest_open_seconds",
        "Since the longest-standing open remediation in the state started",
        ("state",),
        lambda figures: [((state,), each.oldest.total_seconds()) for state, each in figures.waiting.items()],
    ),
    Series(
        "regreen_budget_used_ratio",
        "The largest share that anybody has used of a budget that is set",
        ("budget",),
        lambda figures: [
            (("remediation_usd",), figures.dollars_used),
            (("pull_requests_per_day",), figures.pull_requests_used),
        ],
    ),
    Series(
        "regreen_queue_pollers",
        "Workers that poll a task queue, as Temporal sees it",
        ("queue", "kind"),
        lambda figures: [((each.queue, each.kind), each.pollers) for each in figures.queues],
    ),
    Series(
        "regreen_queue_backlog",
        "Tasks that wait for a worker, about, as Temporal sees it",
        ("queue", "kind"),
        lambda figures: [((each.queue, each.kind), each.backlog) for each in figures.queues],
    ),
    Series(
        "regreen_queue_backlog_age_seconds",
        "How long the first of these tasks has waited, about",
        ("queue", "kind"),
        lambda figures: [
            ((each.queue, each.kind), each.backlog_age.total_seconds()) for each in figures.queues
        ],
    ),
    Series(
        "regreen_last_remediation_timestamp_seconds",
        "When the newest remediation started",
        (),
        lambda figures: _one(figures.newest.timestamp() if figures.newest else None),
    ),
    Series(
        "regreen_figures_timestamp_seconds",
        "When all that was counted",
        (),
        lambda figures: _one(figures.at.timestamp()),
    ),
    Series(
        "regreen_figures_complete",
        "1 where the window of 28 days holds no more remediations than are counted",
        (),
        lambda figures: _one(float(figures.complete)),
    ),
)
"""What Temporal's visibility adds up to."""


class Exposition(Collector):
    """Shows the counted events together with the figures of a survey, for a scrape and for OpenTelemetry.

    Args:
        events: What the service counts itself.
        survey: Where the figures come from.

    Attributes:
        survey: The same.
    """

    def __init__(self, events: EventCounts, survey: Survey) -> None:
        self.survey = survey
        self._events = events
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        meter = metrics.get_meter("regreen.starter")
        for series in SERIES:
            meter.create_observable_gauge(
                series.name, [self._observing(series)], description=series.describes
            )

    async def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        await self.survey.latest()
        return generate_latest(self._registry)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """What is counted here, and the last figures."""
        events = CounterMetricFamily(EVENTS, DESCRIPTION, labels=("decision", "reason"))
        for (decision, reason), number in sorted(self._events.counted().items()):
            events.add_metric((decision, reason), number)
        yield events
        last = GaugeMetricFamily(LAST_EVENT, "When GitHub last sent an event; absent before the first one")
        if self._events.last_signed is not None:
            last.add_metric((), self._events.last_signed.timestamp())
        yield last
        up = GaugeMetricFamily(
            TEMPORAL_UP, "1 where Temporal answered when the remediations were last counted"
        )
        up.add_metric((), float(self.survey.reachable))
        yield up
        figures = self.survey.last
        for series in SERIES:
            family = GaugeMetricFamily(series.name, series.describes, labels=series.labels)
            for labels, value in series.read(figures) if figures else ():
                family.add_metric(labels, value)
            yield family

    def _observing(self, series: Series) -> Callable[[CallbackOptions], Iterator[Observation]]:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            figures = self.survey.last
            for labels, value in series.read(figures) if figures else ():
                yield Observation(value, dict(zip(series.labels, labels, strict=True)))

        return observe
