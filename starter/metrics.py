"""Every event's decision is counted, with its reason."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from opentelemetry import metrics

EVENTS: Final = "regreen_events"
DESCRIPTION: Final = "Webhook events by what became of them"


class EventCounts:
    """Counts events of this process, for the scrape endpoint and for OpenTelemetry.

    Decisions and reasons are words of fixed vocabularies, never text from an event: they label a metric.

    Attributes:
        since: When this process began to count.
        last_signed: When the newest event came that was GitHub's; None where none has.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self.since = datetime.now(UTC)
        self.last_signed: datetime | None = None
        self._instrument = metrics.get_meter("regreen.starter").create_counter(
            EVENTS, unit="{event}", description=DESCRIPTION
        )

    def count(self, decision: str, reason: str, *, verified: bool = True) -> None:
        """Count one event; `verified` says whether it is known to come from GitHub."""
        self._counts[decision, reason] += 1
        if verified:
            self.last_signed = datetime.now(UTC)
        self._instrument.add(1, {"decision": decision, "reason": reason})

    def counted(self) -> Mapping[tuple[str, str], int]:
        """How often each decision was taken for each reason."""
        return dict(self._counts)
