"""Whatever a stranger sends to the webhook: no error of the service, and no start without a signature."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from temporalio.client import Client

import deliveries
from deliveries import SECRET, encode, sign
from starter.app import create_app
from starter.settings import StarterSettings

REAL = [
    ("workflow_run", deliveries.workflow_run()),
    ("workflow_run", deliveries.workflow_run(head_branch="regreen/12")),
    ("check_suite", deliveries.check_suite()),
    ("pull_request", deliveries.pull_request()),
    ("issue_comment", deliveries.issue_comment("/regreen approve 0a1b")),
    ("issue_comment", deliveries.issue_comment("/regreen stop")),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
HEADER = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80
)
FUZZING = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A real delivery with some parts replaced, moved or gone, or with bytes of it changed."""
    event, real = draw(st.sampled_from(REAL))
    body = json.loads(json.dumps(real))
    for _ in range(draw(st.integers(1, 4))):
        parent: Any = body
        while True:
            keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(parent[key], dict | list) and parent[key] and draw(st.booleans()):
                parent = parent[key]
                continue
            if draw(st.booleans()):
                parent[key] = draw(JSON)
            else:
                del parent[key]
            break
    raw = bytearray(encode(body))
    for _ in range(draw(st.integers(0, 2))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return draw(st.sampled_from([event, "workflow_run", "ping"]) | HEADER), bytes(raw)


@pytest.fixture
async def service(client: Client) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(StarterSettings(_env_file=None, webhook_secret=SecretStr(SECRET)), client)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://starter") as found:
        yield found


async def sent(
    service: httpx2.AsyncClient, event: str, body: bytes, signature: str | None
) -> httpx2.Response:
    given = {"x-github-event": event, "content-type": "application/json", "x-hub-signature-256": signature}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value is not None]
    return await service.post("/webhook", content=body, headers=headers)


@FUZZING
@given(event=HEADER, body=st.binary(max_size=2_000), content_type=HEADER, signature=HEADER | st.none())
async def test_any_unsigned_bytes_are_refused(
    service: httpx2.AsyncClient, event: str, body: bytes, content_type: str, signature: str | None
) -> None:
    given = {"x-github-event": event, "content-type": content_type, "x-hub-signature-256": signature}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value is not None]
    answer = await service.post("/webhook", content=body, headers=headers)
    assert answer.status_code in {401, 415}
    assert answer.json()["decision"] == "refused"


@FUZZING
@given(delivery=mutated(), signature=HEADER | st.none())
async def test_no_delivery_without_a_valid_signature_is_looked_at(
    service: httpx2.AsyncClient, delivery: tuple[str, bytes], signature: str | None
) -> None:
    event, body = delivery
    for forged in (signature, sign(body, "guessed"), sign(body + b" ", SECRET), sign(body, SECRET).upper()):
        assert (await sent(service, event, body, forged)).status_code == 401


@FUZZING
@given(event=HEADER | st.just("workflow_run"), body=st.binary(max_size=2_000) | JSON.map(encode))
async def test_any_signed_bytes_get_an_answer(service: httpx2.AsyncClient, event: str, body: bytes) -> None:
    answer = await sent(service, event, body, sign(body, SECRET))
    assert (answer.status_code, answer.json()["decision"]) == (200, "ignored")


@FUZZING
@given(delivery=mutated())
async def test_any_signed_delivery_that_was_tampered_with_before_gets_an_answer(
    service: httpx2.AsyncClient, delivery: tuple[str, bytes]
) -> None:
    event, body = delivery
    answer = await sent(service, event, body, sign(body, SECRET))
    assert answer.status_code in {200, 202}
    assert answer.json()["decision"] in {"started", "signalled", "duplicate", "ignored"}
