import socket
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from worker import WorkerSettings
from workflows.configuration import ConfigurationError, load
from workflows.telemetry import metrics_runtime


def settings(monkeypatch: pytest.MonkeyPatch, folder: Path, address: str) -> WorkerSettings:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REGREEN_METRICS_ADDRESS", address)
    return load(WorkerSettings, role="analyst", secrets_directory=folder)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("9464", "127.0.0.1:9464"), ("0.0.0.0:9464", "0.0.0.0:9464"), ("[::1]:9464", "[::1]:9464"), ("", None)],
)
def test_a_port_alone_is_one_of_this_machine(
    written: str, meant: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert settings(monkeypatch, tmp_path, written).metrics_address == meant


@pytest.mark.parametrize(
    "written", ["localhost:9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "x", ":"]
)
def test_another_form_is_said_so(written: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"REGREEN_METRICS_ADDRESS is unusable: .*127\.0\.0\.1:9464"):
        settings(monkeypatch, tmp_path, written)


def test_an_address_that_is_taken_is_said_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match=f"{address} cannot be used: Address already in use"):
            metrics_runtime(address, {})


def test_without_an_address_and_without_the_standard_variables_there_are_no_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert metrics_runtime(None, {}) is None


async def test_counters_end_in_total_and_durations_are_seconds_with_the_labels_of_the_process() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    runtime = metrics_runtime(address, {"role": "analyst"})
    assert runtime is not None
    runtime.metric_meter.create_counter("regreen_orders").add(2, {"order": "stop"})
    runtime.metric_meter.create_histogram_timedelta("regreen_ci_wait", unit="s").record(timedelta(seconds=45))

    async with httpx2.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"http://{address}/metrics")).text

    assert 'regreen_orders_total{order="stop",role="analyst"} 2' in text
    assert 'regreen_ci_wait_seconds_bucket{role="analyst",le="30"} 0' in text
    assert 'regreen_ci_wait_seconds_bucket{role="analyst",le="60"} 1' in text
