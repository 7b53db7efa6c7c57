"""Traces and metrics by the standard `OTEL_*` variables; off unless one of them asks for it.

Exporters are imported only when they are wanted: they cost start-up time.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from temporalio.runtime import OpenTelemetryConfig, PrometheusConfig, Runtime, TelemetryConfig

from workflows.configuration import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter

BUCKETS: Final[Mapping[str, Sequence[float]]] = {
    "regreen_time_to_green": (60, 120, 300, 600, 900, 1_200, 1_800, 2_700, 3_600, 7_200, 14_400),
    "regreen_ci_wait": (30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200),
    "regreen_approval_wait": (300, 1_800, 3_600, 14_400, 28_800, 86_400, 259_200, 604_800),
    "regreen_remediation_cost": (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
    "regreen_model_cost": (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5),
    "regreen_session_turns": (1, 2, 4, 6, 8, 12, 16, 20, 25),
}
"""Upper bounds of our own histograms: seconds, US dollars, replies."""

_INTERVAL: Final = "OTEL_METRIC_EXPORT_INTERVAL"


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


def metrics_runtime(address: str | None, labels: Mapping[str, str]) -> Runtime | None:
    """The Temporal runtime that exports its own metrics and those of workflows and activities.

    None where nothing asks for metrics. With an address they are exposed there under `/metrics`, not sent.
    Counters end in `_total`, durations are seconds.

    Args:
        address: `127.0.0.1:9464`, where they shall be scraped; None for OTLP, if that is asked for.
        labels: Put on every series.

    Raises:
        ConfigurationError: The address cannot be listened on, or the environment names an exporter or
            protocol that is not built in.
    """
    exporter = chosen_exporter("metrics")
    metrics: PrometheusConfig | OpenTelemetryConfig
    if address is not None:
        _must_be_free(address)
        metrics = PrometheusConfig(
            bind_address=address,
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
            histogram_bucket_overrides=BUCKETS,
        )
    elif exporter == "otlp":
        metrics = OpenTelemetryConfig(
            url=_otlp_metrics_url(),
            headers=_otlp_headers(),
            metric_periodicity=timedelta(milliseconds=float(os.environ.get(_INTERVAL) or 60_000)),
            http=True,
            durations_as_seconds=True,
            histogram_bucket_overrides=BUCKETS,
        )
        labels = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or "regreen", **labels}
    else:
        return None
    return Runtime(
        telemetry=TelemetryConfig(metrics=metrics, global_tags=dict(labels), attach_service_name=False)
    )


def _must_be_free(address: str) -> None:
    """The SDK says nothing when it cannot listen."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise ConfigurationError(
                f"the metrics address {address} cannot be used: {error.strerror}"
            ) from None


def _otlp_metrics_url() -> str:
    own = os.environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
    return own or f"{base.rstrip('/')}/v1/metrics"


def _otlp_headers() -> dict[str, str]:
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415 — start-up time where metrics are off

    given = os.environ.get("OTEL_EXPORTER_OTLP_METRICS_HEADERS") or os.environ.get(
        "OTEL_EXPORTER_OTLP_HEADERS"
    )
    return dict(parse_env_headers(given or "", liberal=True))


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
