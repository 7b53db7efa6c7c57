"""Traces and metrics by the standard `OTEL_*` variables; off unless one of them asks for it.

Exporters are imported only when they are wanted: they cost start-up time.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workflows.configuration import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter


def chosen_exporter(signal: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The exporter the environment asks for: `otlp`, `console`, or None when `signal` is off.

    Args:
        signal: `traces` or `metrics`.
        environ: The environment to read; this process's own by default.

    Raises:
        ConfigurationError: The environment names an exporter or protocol that is not built in.
    """
    env = os.environ if environ is None else environ
    name = signal.upper()
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    asked = env.get(f"OTEL_{name}_EXPORTER", "").strip().lower()
    endpoint = env.get(f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT") or env.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    exporter = asked or ("otlp" if endpoint else "none")
    if exporter == "none":
        return None
    if exporter not in {"otlp", "console"}:
        raise ConfigurationError(f"OTEL_{name}_EXPORTER is unusable: it may be otlp, console or none")
    protocol = env.get(f"OTEL_EXPORTER_OTLP_{name}_PROTOCOL") or env.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if exporter == "otlp" and protocol not in {None, "", "http/protobuf"}:
        raise ConfigurationError("OTEL_EXPORTER_OTLP_PROTOCOL is unusable: only http/protobuf is built in")
    return exporter


def tracing_plugins() -> list[Any]:
    """Temporal client plugins that trace, or none where tracing is off.

    Installs the process's tracer provider on first use; safe to call again.

    Raises:
        ConfigurationError: The environment names an exporter or protocol that is not built in.
    """
    exporter = chosen_exporter("traces")
    if exporter is None:
        return []
    from opentelemetry import trace  # noqa: PLC0415 — start-up time where tracing is off
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 — likewise
    from temporalio.contrib.opentelemetry import (  # noqa: PLC0415 — likewise
        OpenTelemetryPlugin,
        ReplaySafeTracerProvider,
        create_tracer_provider,
    )

    from workflows.span_export import DiscreetExporter  # noqa: PLC0415 — likewise

    if not isinstance(trace.get_tracer_provider(), ReplaySafeTracerProvider):
        provider = create_tracer_provider(resource=_resource())
        provider.add_span_processor(BatchSpanProcessor(DiscreetExporter(_span_exporter(exporter))))
        trace.set_tracer_provider(provider)
    return [OpenTelemetryPlugin(add_temporal_spans=True)]


def install_metrics() -> None:
    """Export what the process counts, where the environment asks for it; safe to call again.

    Raises:
        ConfigurationError: The environment names an exporter or protocol that is not built in.
    """
    exporter = chosen_exporter("metrics")
    if exporter is None:
        return
    from opentelemetry import metrics  # noqa: PLC0415 — start-up time where metrics are off
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 — likewise
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415 — likewise

    if not isinstance(metrics.get_meter_provider(), MeterProvider):
        reader = PeriodicExportingMetricReader(_metric_exporter(exporter))
        metrics.set_meter_provider(MeterProvider([reader], resource=_resource()))


def _resource() -> "Resource":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 — start-up time

    named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return Resource.create() if named else Resource.create({"service.name": "regreen"})


def _span_exporter(exporter: str) -> "SpanExporter":
    if exporter == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415 — start-up time

        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 — start-up time
        OTLPSpanExporter,
    )

    return OTLPSpanExporter()


def _metric_exporter(exporter: str) -> "MetricExporter":
    if exporter == "console":
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415 — start-up time

        return ConsoleMetricExporter()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 — start-up time
        OTLPMetricExporter,
    )

    return OTLPMetricExporter()
