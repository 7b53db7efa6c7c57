"""The webhook service on a real socket, among clients that mean no good."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp

from deliveries import SECRET, encode, headers, workflow_run
from starter import bodies, serving
from starter.app import create_app
from starter.serving import configuration
from starter.settings import StarterSettings
from workflows.connection import connect

GREEN = encode(workflow_run(conclusion="success"))
ANSWERED = b"HTTP/1.1 200"


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(configuration(app, "127.0.0.1", 0))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await running


@pytest.fixture
async def port() -> AsyncIterator[int]:
    settings = StarterSettings(_env_file=None, webhook_secret=SecretStr(SECRET), max_body_bytes=100_000)
    client = await connect(target_host="127.0.0.1:9", lazy=True)
    async with listening(create_app(settings, client)) as found:
        yield found


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEADERS_SECONDS", 0.3)
    monkeypatch.setattr(bodies, "BODY_DEADLINE", bodies.BODY_DEADLINE / 20)


def delivery(body: bytes = GREEN) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers("workflow_run", body).items()]
    head = ["POST /webhook HTTP/1.1", "host: starter", f"content-length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def say(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that is answered until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = asyncio.create_task(hear(reader))
    with suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
    async with asyncio.timeout(5):
        try:
            return await heard
        finally:
            writer.close()


async def hear(reader: asyncio.StreamReader) -> bytes:
    heard = b""
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            heard += chunk
    return heard


async def test_a_delivery_is_answered_and_several_may_come_on_one_connection(port: int) -> None:
    assert (await say(port, delivery(), delivery() + delivery())).count(ANSWERED) == 3


async def test_whoever_says_nothing_is_left(port: int) -> None:
    assert await say(port) == b""


async def test_whoever_sends_headers_byte_by_byte_is_left(port: int) -> None:
    assert await say(port, *(bytes([each]) for each in delivery()[:200]), pause=0.01) == b""


async def test_whoever_sends_a_second_request_s_headers_byte_by_byte_is_left(port: int) -> None:
    slowly = (bytes([each]) for each in delivery()[:200])
    assert (await say(port, delivery(), *slowly, pause=0.01)).count(b"HTTP/1.1") == 1


async def test_whoever_sends_a_body_byte_by_byte_is_refused_and_left(port: int) -> None:
    head = delivery()[: -len(GREEN)]
    slowly = (bytes([each]) for each in GREEN[:200])
    heard = await say(port, head, *slowly, pause=0.01)
    assert heard.startswith(b"HTTP/1.1 408")
    assert heard.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /webhook HTTP/1.1\r\n" + b"x-long: " + b"a" * 100_000 + b"\r\n\r\n",
        b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"".join(b"x-%d: a\r\n" % each for each in range(20_000)),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /webhook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_headers_that_are_endless_or_broken_are_refused(port: int, request_bytes: bytes) -> None:
    heard = await say(port, request_bytes)
    assert b"HTTP/1.1 200" not in heard
    assert b"HTTP/1.1 5" not in heard


async def test_a_body_that_grows_past_the_bound_is_refused_unread(port: int) -> None:
    head = delivery()[: -len(GREEN)].replace(
        b"content-length: %d" % len(GREEN), b"transfer-encoding: chunked"
    )
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    assert (await say(port, head, *[chunk] * 50)).startswith(b"HTTP/1.1 413")


async def test_a_flood_of_connections_is_bounded_and_passes(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 20)
    flood = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
    await asyncio.sleep(0.1)
    left = sum(reader.at_eof() or reader.exception() is not None for reader, _ in flood)
    await asyncio.sleep(0.4)  # those that were taken have said nothing in their time

    assert left >= 40
    assert (await say(port, delivery())).startswith(ANSWERED)
    for _, writer in flood:
        writer.close()


async def test_many_long_bodies_at_once_are_not_all_held(port: int) -> None:
    body = b" " * 99_000
    halves = delivery(body)[:-1_000], delivery(body)[-1_000:]
    heard = await asyncio.gather(*(say(port, *halves, pause=0.15) for _ in range(12)))

    statuses = [each[:12] for each in heard]
    assert statuses.count(b"HTTP/1.1 503") >= 6
    assert set(statuses) <= {b"HTTP/1.1 503", b"HTTP/1.1 200"}
    assert (await say(port, delivery())).startswith(ANSWERED)
