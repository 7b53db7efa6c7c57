from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode, Tracer
from temporalio.exceptions import ApplicationError

from workflows.span_export import DiscreetExporter

HOSTILE = "branch `main\u202e`: ghp_0123456789"


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exported: InMemorySpanExporter) -> Iterator[Tracer]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(DiscreetExporter(exported)))
    yield provider.get_tracer("test")
    provider.shutdown()


def test_of_an_exception_only_its_type_leaves_the_process(
    tracer: Tracer, exported: InMemorySpanExporter
) -> None:
    with pytest.raises(ApplicationError), tracer.start_as_current_span("step"):
        raise ApplicationError(HOSTILE, type="forbidden")

    (span,) = exported.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ApplicationError"
    (event,) = span.events
    assert dict(event.attributes or {}) == {"exception.type": "temporalio.exceptions.ApplicationError"}
    assert HOSTILE not in span.to_json()


def test_a_description_that_does_not_begin_with_a_type_is_dropped(
    tracer: Tracer, exported: InMemorySpanExporter
) -> None:
    with tracer.start_as_current_span("step") as span:
        span.set_status(Status(StatusCode.ERROR, "`main`: gone"))

    assert exported.get_finished_spans()[0].status.description is None


def test_the_rest_of_a_span_leaves_as_it_is(tracer: Tracer, exported: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("inner") as inner:
        inner.set_attribute("http.response.status_code", 502)
        inner.add_event("retry", {"number": 2})
        inner.set_status(Status(StatusCode.ERROR))

    span = exported.get_finished_spans()[0]
    assert (span.name, dict(span.attributes or {})) == ("inner", {"http.response.status_code": 502})
    assert span.parent == outer.get_span_context()
    assert [(event.name, dict(event.attributes or {})) for event in span.events] == [("retry", {"number": 2})]
