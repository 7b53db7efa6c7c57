import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.service import RetryConfig

import deliveries
from deliveries import SECRET, encode, headers, sign
from starter.app import create_app
from starter.settings import StarterSettings
from temporal_server import dev_server
from workflows.connection import connect
from workflows.naming import SEARCH_ATTRIBUTES, remediation_id

OLD_SECRET = "the secret before it"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> StarterSettings:
    return StarterSettings(
        _env_file=None,
        webhook_secret=SecretStr(SECRET),
        webhook_secret_previous=SecretStr(OLD_SECRET),
        max_body_bytes=25_000_000,
    )


def calling(settings: StarterSettings, client: Client) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=create_app(settings, client))
    return httpx2.AsyncClient(transport=transport, base_url="http://starter")


@pytest.fixture
async def service(settings: StarterSettings, client: Client) -> AsyncIterator[httpx2.AsyncClient]:
    async with calling(settings, client) as service:
        yield service


@pytest.fixture
async def cut_off(settings: StarterSettings) -> AsyncIterator[httpx2.AsyncClient]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with calling(settings, await connect(target_host=f"127.0.0.1:{port}", lazy=True)) as service:
        yield service


def failed_run() -> tuple[str, bytes]:
    repository = f"acme/{uuid.uuid4().hex}"
    return remediation_id(repository, 12), encode(
        deliveries.workflow_run(full_name=repository, head_repository=repository)
    )


async def post(service: httpx2.AsyncClient, event: str, body: bytes, **changes: str) -> httpx2.Response:
    return await service.post("/webhook", content=body, headers=headers(event, body, **changes))


async def test_a_failed_run_is_accepted_and_its_remediation_named(
    service: httpx2.AsyncClient, client: Client
) -> None:
    workflow_id, body = failed_run()

    response = await post(service, "workflow_run", body)

    assert response.status_code == 202
    assert response.json() == {"decision": "started", "reason": "run_failed", "workflow_id": workflow_id}
    assert (await client.get_workflow_handle(workflow_id).describe()).workflow_type == "CiRemediation"


async def test_the_same_delivery_ten_times_at_once_gives_one_remediation(service: httpx2.AsyncClient) -> None:
    _, body = failed_run()

    responses = await asyncio.gather(*(post(service, "workflow_run", body) for _ in range(10)))

    assert sorted(response.status_code for response in responses) == [200] * 9 + [202]
    metrics = (await service.get("/metrics")).text
    assert 'regreen_events_total{decision="started",reason="run_failed"} 1' in metrics
    assert 'regreen_events_total{decision="duplicate",reason="attempt_known"} 9' in metrics


async def test_what_asks_nothing_is_answered_with_its_reason(service: httpx2.AsyncClient) -> None:
    response = await post(service, "ping", b'{"zen": "Speak like a human."}')

    assert response.status_code == 200
    assert response.json() == {"decision": "ignored", "reason": "ping", "workflow_id": None}


async def test_a_body_that_is_no_json_is_answered_not_raised(service: httpx2.AsyncClient) -> None:
    response = await post(service, "workflow_run", b"{broken")

    assert (response.status_code, response.json()["reason"]) == (200, "malformed")


async def test_the_secret_before_a_rotation_still_opens(service: httpx2.AsyncClient) -> None:
    body = b"{}"

    response = await post(service, "ping", body, x_hub_signature_256=sign(body, OLD_SECRET))

    assert response.status_code == 200


@pytest.mark.parametrize(
    "signature", [{}, {"x-hub-signature-256": "sha256=00"}, {"x-hub-signature": "sha1=00"}]
)
async def test_an_unsigned_or_wrongly_signed_body_is_refused(
    service: httpx2.AsyncClient, signature: dict[str, str]
) -> None:
    sent = {"content-type": "application/json", "x-github-event": "ping"} | signature

    response = await service.post("/webhook", content=b"{}", headers=sent)

    assert response.status_code == 401
    assert response.json()["reason"] == "signature"
    assert 'decision="refused",reason="signature"} 1' in (await service.get("/metrics")).text


async def test_a_form_is_refused_with_advice(service: httpx2.AsyncClient) -> None:
    response = await post(
        service, "ping", b"payload=%7B%7D", content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code == 415
    assert "application/json" in response.json()["advice"]


async def test_thirty_megabytes_are_refused_by_their_announcement(service: httpx2.AsyncClient) -> None:
    response = await post(service, "workflow_run", b" " * 30_000_000)

    assert (response.status_code, response.json()["reason"]) == (413, "too_large")


async def test_thirty_megabytes_that_come_unannounced_are_refused_as_they_come(
    service: httpx2.AsyncClient,
) -> None:
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(30):
            sent += 1_000_000
            yield b" " * 1_000_000

    response = await service.post("/webhook", content=stream(), headers=headers("workflow_run", b""))

    assert (response.status_code, response.json()["reason"]) == (413, "too_large")


async def test_without_temporal_github_is_asked_to_deliver_again(cut_off: httpx2.AsyncClient) -> None:
    _, body = failed_run()

    response = await post(cut_off, "workflow_run", body)

    assert response.status_code == 503
    assert response.json()["decision"] == "unavailable"
    assert 'decision="unavailable",reason="temporal"} 1' in (await cut_off.get("/metrics")).text


async def test_the_service_outlives_temporals_coming_and_going(settings: StarterSettings) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    impatient = RetryConfig(max_elapsed_time_millis=200)
    lazy = await connect(target_host=f"127.0.0.1:{port}", lazy=True, retry_config=impatient)
    _, body = failed_run()

    async with calling(settings, lazy) as service:
        before = await post(service, "workflow_run", body)
        server = dev_server(SEARCH_ATTRIBUTES, port=port)
        await asyncio.to_thread(server.__enter__)
        try:
            during = await post(service, "workflow_run", body)
        finally:
            await asyncio.to_thread(server.__exit__, None, None, None)
        after = await post(service, "workflow_run", body)

    assert (before.status_code, during.status_code, after.status_code) == (503, 202, 503)


async def test_the_service_is_alive_but_not_ready_without_temporal(cut_off: httpx2.AsyncClient) -> None:
    assert (await cut_off.get("/healthz")).status_code == 200
    not_ready = await cut_off.get("/readyz")
    assert not_ready.status_code == 503
    assert "TEMPORAL_ADDRESS" in not_ready.json()["advice"]


async def test_the_service_is_ready_when_temporal_answers(service: httpx2.AsyncClient) -> None:
    assert (await service.get("/readyz")).status_code == 200


async def test_the_service_is_not_ready_in_a_namespace_that_does_not_exist(
    settings: StarterSettings, temporal_address: str
) -> None:
    lost = await connect(target_host=temporal_address, namespace="elsewhere", lazy=True)
    async with calling(settings, lost) as service:
        assert (await service.get("/readyz")).status_code == 503


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/"])
async def test_no_page_describes_the_service_to_strangers(service: httpx2.AsyncClient, path: str) -> None:
    assert (await service.get(path)).status_code == 404


async def test_no_secret_and_no_hostile_header_reaches_the_log(
    service: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="starter")
    body: Any = b"{}"

    await post(service, "ping", body, x_github_delivery="x\x1b[31m")
    await post(service, "ping", body, x_hub_signature_256="sha256=00")

    assert "delivery unnamed: ignored (ping)" in caplog.text
    assert SECRET not in caplog.text
    assert "\x1b" not in caplog.text
