import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client

from temporal_server import dev_server
from workflows import naming
from workflows.configuration import ConfigurationError
from workflows.connection import (
    SearchAttributesError,
    TemporalUnreachableError,
    connect,
    register_search_attributes,
    search_attributes_command,
)
from workflows.models import Order
from workflows.telemetry import chosen_exporter


@pytest.fixture(scope="module")
def bare_server() -> Iterator[str]:
    with dev_server() as address:
        yield address


@pytest.fixture
def fresh_server() -> Iterator[str]:
    """Its search attributes are this test's own."""
    with dev_server() as address:
        yield address


async def custom_attributes(client: Client) -> dict[str, IndexedValueType.ValueType]:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    return dict((await client.operator_service.list_search_attributes(request)).custom_attributes)


async def test_address_and_namespace_come_from_the_environment(
    bare_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", bare_server)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "ours")

    client = await connect()

    assert (client.service_client.config.target_host, client.namespace) == (bare_server, "ours")


async def test_address_and_namespace_come_from_a_configuration_file(
    bare_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text(f'[profile.default]\naddress = "{bare_server}"\nnamespace = "filed"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))

    client = await connect()

    assert (client.service_client.config.target_host, client.namespace) == (bare_server, "filed")


async def test_a_broken_configuration_file_is_said_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text("[profile")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))

    with pytest.raises(ConfigurationError, match="cannot be read"):
        await connect(lazy=True)


async def test_payloads_travel_as_pydantic_models(bare_server: str) -> None:
    converter = (await connect(target_host=bare_server)).data_converter

    (payload,) = await converter.encode([Order(by="grace")])

    assert await converter.decode([payload], [Order]) == [Order(by="grace")]


async def test_a_server_that_is_not_there_is_named_with_the_variable_to_set() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"

    with pytest.raises(TemporalUnreachableError, match=rf"{address}; .*TEMPORAL_ADDRESS"):
        await connect(target_host=address)


async def test_a_lazy_client_needs_no_server_yet() -> None:
    assert (await connect(target_host="127.0.0.1:9", lazy=True)).namespace == "default"


async def add(client: Client, name: str) -> None:
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
        )
    )


async def test_search_attributes_are_added_once_and_again_without_harm(fresh_server: str) -> None:
    client = await connect(target_host=fresh_server)
    await add(client, "CiState")

    await asyncio.gather(*(register_search_attributes(client) for _ in range(3)))
    await register_search_attributes(client)

    expected = {key.name: int(key.indexed_value_type) for key in naming.SEARCH_ATTRIBUTES}
    assert expected.items() <= (await custom_attributes(client)).items()


async def test_a_search_attribute_of_another_type_is_named(fresh_server: str) -> None:
    client = await connect(target_host=fresh_server)
    await add(client, "CiAttempt")

    with pytest.raises(SearchAttributesError, match=r"CiAttempt .* needs Int"):
        await register_search_attributes(client)


def test_an_administrator_gets_the_command_for_what_is_missing() -> None:
    text = search_attributes_command("temporal:7233", "ours", naming.SEARCH_ATTRIBUTES)

    assert text.startswith("temporal operator search-attribute create --namespace ours ")
    assert "--name CiRepository --type Keyword" in text
    assert "--name CiAttempt --type Int" in text
    assert "--name CiCostUsd --type Double" in text


# ── telemetry ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("environ", "exporter"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/v1/metrics"}, None),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "otlp"),
    ],
)
def test_tracing_is_on_only_where_the_standard_variables_ask_for_it(
    environ: dict[str, str], exporter: str | None
) -> None:
    assert chosen_exporter("traces", environ) == exporter


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_an_exporter_that_is_not_built_in_is_said_so(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="OTEL_"):
        chosen_exporter("traces", environ)


def in_a_fresh_process(program: str, **environ: str) -> str:
    lines = ("import asyncio, sys", "from workflows.connection import connect", program)
    command = [sys.executable, "-c", "\n".join(lines)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    return found.stdout.strip()


def test_without_telemetry_no_exporter_is_loaded() -> None:
    program = (
        "client = asyncio.run(connect(lazy=True))\n"
        "heavy = {'opentelemetry.sdk', 'opentelemetry.exporter', 'requests', 'httpx2', 'anthropic', 'git'}\n"
        "print(client.config()['plugins'], heavy & set(sys.modules))"
    )

    assert in_a_fresh_process(program) == "[] set()"


def test_with_telemetry_the_client_traces_through_the_installed_provider() -> None:
    program = (
        "asyncio.run(connect(lazy=True))\n"
        "client = asyncio.run(connect(lazy=True))\n"
        "from opentelemetry import trace\n"
        "print([type(plugin).__name__ for plugin in client.config()['plugins']],"
        " type(trace.get_tracer_provider()).__name__)"
    )

    printed = in_a_fresh_process(program, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert printed == "['OpenTelemetryPlugin'] ReplaySafeTracerProvider"
