import asyncio
import base64
import json
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import uvicorn
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr
from temporalio.client import Client

from scripted import ScriptedActivities, serving, start
from starter.codec_server import MAX_BODY_BYTES, CodecServerSettings, create_app
from workflows.codec import Codec, KeyRing, data_converter
from workflows.configuration import ConfigurationError, load
from workflows.connection import connect
from workflows.models import Order, Outcome

TOKEN: Final = "the token"
RING: Final = KeyRing.parse("main:" + base64.b64encode(b"k" * 32).decode())
BEARER: Final = {"authorization": f"Bearer {TOKEN}"}
UI: Final = "https://temporal.example"
ORDER: Final = {
    "payloads": [
        {
            "metadata": {"encoding": base64.b64encode(b"json/plain").decode()},
            "data": base64.b64encode(b'{"by":"grace"}').decode(),
        }
    ]
}


def settings(**changes: Any) -> CodecServerSettings:
    given: dict[str, Any] = {"token": SecretStr(TOKEN), "origins": UI}
    return CodecServerSettings(_env_file=None, **(given | changes))


def caller(*, ring: KeyRing | None = RING, address: str = "192.0.2.9", **changes: Any) -> httpx2.AsyncClient:
    app = create_app(settings(**changes), Codec(ring))
    transport = httpx2.ASGITransport(app=app, client=(address, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://codec")


# ── the protocol ────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_encoded_is_decoded() -> None:
    async with caller() as codec:
        stored = await codec.post("/encode", json=ORDER, headers=BEARER)
        read = await codec.post("/decode", json=stored.json(), headers=BEARER)

    assert "grace" not in base64.b64decode(stored.json()["payloads"][0]["data"]).decode("latin-1")
    assert read.json() == ORDER


async def test_a_missing_key_is_named() -> None:
    async with caller() as codec, caller(ring=None) as without:
        stored = await codec.post("/encode", json=ORDER, headers=BEARER)
        read = await without.post("/decode", json=stored.json(), headers=BEARER)

    assert read.status_code == 400
    assert "'main'" in read.json()["message"]


@examples(deadline=None)
@given(body=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: json.dumps(text).encode()))
async def test_any_body_gets_an_answer(body: bytes) -> None:
    async with caller() as codec:
        answer = await codec.post(
            "/decode", content=body, headers=BEARER | {"content-type": "application/json"}
        )

    assert answer.status_code in {200, 400}


async def test_a_deeply_nested_body_is_refused() -> None:
    body = b'{"payloads":' * 5_000
    async with caller() as codec:
        answer = await codec.post(
            "/decode", content=body, headers=BEARER | {"content-type": "application/json"}
        )

    assert answer.status_code == 400


async def test_a_huge_body_is_refused() -> None:
    async with caller() as codec:
        answer = await codec.post(
            "/decode",
            content=b" " * (MAX_BODY_BYTES + 1),
            headers=BEARER | {"content-type": "application/json"},
        )

    assert answer.status_code == 413


# ── who may ask ─────────────────────────────────────────────────────────────────────────────────────────────


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", "Bearer the tokén", TOKEN, basic("wrong"), "Basic ***", "Basic é"],
)
async def test_nobody_without_the_token_is_answered(header: str | None) -> None:
    headers = {} if header is None else {b"authorization": header.encode("latin-1")}
    async with caller() as codec:
        answers = [await codec.post(path, json=ORDER, headers=headers) for path in ("/decode", "/encode")]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert not any("grace" in answer.text for answer in answers)


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)])
async def test_the_token_is_taken_as_bearer_and_as_password(header: str) -> None:
    async with caller() as codec:
        answer = await codec.post("/decode", json=ORDER, headers={"authorization": header})

    assert answer.status_code == 200


async def test_a_browser_is_asked_for_the_token() -> None:
    async with caller() as codec:
        refused = await codec.get("/")
        admitted = await codec.get("/", headers={"authorization": basic(TOKEN)})

    assert (refused.status_code, admitted.status_code) == (401, 200)
    assert refused.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("10.0.0.7", {"x-forwarded-user": "grace"}, 200),
        ("10.0.0.7", {"x-forwarded-user": ""}, 401),
        ("10.0.0.7", {}, 401),
        ("192.0.2.9", {"x-forwarded-user": "grace"}, 401),
        ("192.0.2.9", {"x-forwarded-user": "grace", "x-forwarded-for": "10.0.0.7"}, 401),
    ],
)
async def test_whom_a_trusted_proxy_let_in_is_answered_and_nobody_who_only_says_so(
    address: str, headers: dict[str, str], status: int
) -> None:
    async with caller(token=None, proxies="10.0.0.0/24", address=address) as codec:
        answer = await codec.post("/decode", json=ORDER, headers=headers)

    assert answer.status_code == status


async def test_only_the_web_ui_s_pages_may_ask() -> None:
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-namespace",
    }
    async with caller() as codec:
        ours = await codec.options("/decode", headers=asked | {"origin": UI})
        other = await codec.options("/decode", headers=asked | {"origin": "https://evil.example"})

    assert ours.headers["access-control-allow-origin"] == UI
    assert ours.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "nobody may ask"),
        ({"REGREEN_CODEC_TOKEN": ""}, "nobody may ask"),
        ({"REGREEN_CODEC_PROXIES": "everybody"}, "REGREEN_CODEC_PROXIES is unusable"),
    ],
)
def test_a_server_that_nobody_or_anybody_could_ask_does_not_start(
    environ: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=message):
        load(CodecServerSettings, secrets_directory=tmp_path)


# ── with Temporal's own command ─────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def listening() -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(create_app(settings(), Codec(RING)), log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def temporal(address: str, arguments: Sequence[str]) -> str:
    command = Path(sys.executable).with_name("temporal")
    process = await asyncio.create_subprocess_exec(
        *(str(command), *arguments, "--address", address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_the_temporal_command_shows_what_is_stored_with_the_codec_server_only(
    temporal_address: str,
) -> None:
    client: Client = await connect(target_host=temporal_address, data_converter=data_converter(RING))
    async with serving(client, ScriptedActivities()), listening() as url:
        handle = await start(client)
        query = ["workflow", "query", "--type", "status", "--workflow-id", handle.id]
        codec = ["--codec-endpoint", url, "--codec-auth", f"Bearer {TOKEN}"]
        without = await temporal(temporal_address, query)
        read = await temporal(temporal_address, [*query, *codec])
        order = ["--name", "stop", "--input", Order(by="grace").model_dump_json()]
        signal = ["workflow", "signal", "--workflow-id", handle.id, *order]
        await temporal(temporal_address, [*signal, *codec])
        result = await handle.result()

    assert "attempts_allowed" in read
    assert "attempts_allowed" not in without
    assert result.outcome is Outcome.STOPPED
