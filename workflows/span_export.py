"""What of a span may leave this process: no text of an exception, which may quote a log or a stranger."""

import re
from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

_EXCEPTION: Final = "exception"
_TYPE: Final = "exception.type"
_TYPE_NAME: Final = re.compile(r"[A-Za-z_][\w.]*(?=:|$)", re.ASCII)


class DiscreetExporter(SpanExporter):
    """Hands spans on to another exporter, of exceptions their types alone.

    Temporal's own spans carry an exception's text and stack. What an activity raises may name a branch or
    quote an answer from outside, and a trace goes to people who may not read the repository.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans without texts of exceptions."""
        return self._exporter.export([discreet(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter."""
        return self._exporter.force_flush(timeout_millis)


def discreet(span: ReadableSpan) -> ReadableSpan:
    """The span as it may be shown."""
    if span.status.description is None and not span.events:
        return span
    described = _TYPE_NAME.match(span.status.description or "")
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[_without_text(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code, described[0] if described else None),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _without_text(event: Event) -> Event:
    if event.name != _EXCEPTION:
        return event
    kept = {_TYPE: kind} if (kind := (event.attributes or {}).get(_TYPE)) else {}
    return Event(event.name, kept, event.timestamp)
