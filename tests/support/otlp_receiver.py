"""A collector for tests: traces and metrics by OTLP over HTTP on the loopback address, kept to look at."""

import gzip
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Received:
    """What came so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    services: dict[bytes, str] = field(default_factory=dict)
    """Span id to the name of the service that sent it."""
    metrics: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Name of a metric to the services that sent it."""
    raw: list[bytes] = field(default_factory=list)
    """Every request's body, unpacked."""

    def trace_of(self, span: Span) -> list[Span]:
        """Every span of a span's trace."""
        return [each for each in list(self.spans) if each.trace_id == span.trace_id]

    def named(self, name: str) -> list[Span]:
        """Every span of a name."""
        return [span for span in list(self.spans) if span.name == name]

    def take_traces(self, body: bytes) -> None:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = attributes(group.resource).get("service.name", "")
            for scope in group.scope_spans:
                for span in scope.spans:
                    self.services[span.span_id] = str(service)
                    self.spans.append(span)

    def take_metrics(self, body: bytes) -> None:
        for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            service = str(attributes(group.resource).get("service.name", ""))
            for scope in group.scope_metrics:
                for metric in scope.metrics:
                    self.metrics[metric.name].add(service)


def attributes(carrier: Any) -> dict[str, object]:
    """The attributes of a span, an event or a resource."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in carrier.attributes}


@contextmanager
def receiving() -> Iterator[Received]:
    """A receiver, for `OTEL_EXPORTER_OTLP_ENDPOINT`."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            received.raw.append(body)
            {"/v1/traces": received.take_traces, "/v1/metrics": received.take_metrics}[self.path](body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
