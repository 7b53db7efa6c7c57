"""Every event's decision is counted, with its reason."""

from collections import Counter
from typing import Final

from opentelemetry import metrics

FAMILY: Final = "regreen_events_total"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class EventCounts:
    """Counts events of this process, for the scrape endpoint and for OpenTelemetry.

    Decisions and reasons are words of fixed vocabularies, never text from an event: they label a metric.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._instrument = metrics.get_meter("regreen.starter").create_counter(
            "regreen.events", unit="{event}", description="Webhook events by what became of them"
        )

    def count(self, decision: str, reason: str) -> None:
        """Count one event."""
        self._counts[decision, reason] += 1
        self._instrument.add(1, {"decision": decision, "reason": reason})

    def prometheus(self) -> str:
        """The counts in Prometheus' text format."""
        lines = [f"# HELP {FAMILY} Webhook events by what became of them.", f"# TYPE {FAMILY} counter"]
        lines += [
            f'{FAMILY}{{decision="{decision}",reason="{reason}"}} {number}'
            for (decision, reason), number in sorted(self._counts.items())
        ]
        return "\n".join(lines) + "\n"
