import asyncio
import base64
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from scripted import ScriptedActivities, serving, start
from temporal_server import dev_server
from workflows.codec import COMPRESS_ABOVE, Codec, KeyRing, PayloadKeyError, data_converter
from workflows.configuration import ConfigurationError, load
from workflows.connection import PayloadSettings, connect
from workflows.models import GateDecision, GateVerdict, Order, Outcome
from workflows.naming import SEARCH_ATTRIBUTES
from workflows.remediation import RemediationWorkflow


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


OLD = f"old:{key('o')}"
NEW = f"new:{key('n')}"
TEXT = Payload(metadata={"encoding": b"json/plain"}, data=b'"the log said so"')
LONG = Payload(metadata={"encoding": b"json/plain"}, data=b"the log said so " * 4_000)
RINGS = [None, KeyRing.parse(OLD), KeyRing.parse(f"{NEW},{OLD}")]


async def stored(payload: Payload, ring: KeyRing | None) -> Payload:
    [found] = await Codec(ring).encode([payload])
    return found


async def read(payload: Payload, ring: KeyRing | None) -> Payload:
    [found] = await Codec(ring).decode([payload])
    return found


payloads = st.builds(
    Payload,
    metadata=st.dictionaries(st.text(max_size=20), st.binary(max_size=40)),
    data=st.binary(max_size=99),
)


# ── what is stored ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ring", RINGS[1:])
@given(payload=payloads)
async def test_what_was_encrypted_comes_back_as_it_was(ring: KeyRing, payload: Payload) -> None:
    assert await read(await stored(payload, ring), ring) == payload


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("payload", [TEXT, LONG, Payload()])
async def test_what_was_stored_comes_back_as_it_was(ring: KeyRing | None, payload: Payload) -> None:
    assert await read(await stored(payload, ring), ring) == payload


async def test_with_a_key_nothing_of_a_payload_is_readable_and_no_two_look_alike() -> None:
    first, second = [await stored(TEXT, RINGS[1]) for _ in range(2)]

    assert b"log" not in first.SerializeToString()
    assert first.metadata == {"encoding": b"binary/encrypted", "encryption-key-id": b"old"}
    assert first.data != second.data


async def test_without_a_key_what_is_short_stays_readable_and_what_is_long_is_compressed() -> None:
    assert await stored(TEXT, None) == TEXT
    assert (await stored(LONG, None)).ByteSize() < COMPRESS_ABOVE / 10


@pytest.mark.parametrize("ring", RINGS)
async def test_what_was_stored_before_there_was_a_key_is_still_read(ring: KeyRing | None) -> None:
    assert await read(TEXT, ring) == TEXT
    assert await read(await stored(LONG, None), ring) == LONG


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    both = KeyRing.parse(f"{NEW},{OLD}")

    assert (await stored(TEXT, both)).metadata["encryption-key-id"] == b"new"
    assert await read(await stored(TEXT, KeyRing.parse(OLD)), both) == TEXT


@pytest.mark.parametrize("ring", [None, KeyRing.parse(NEW)])
async def test_a_key_that_is_missing_is_named_with_what_to_do(ring: KeyRing | None) -> None:
    with pytest.raises(PayloadKeyError, match=r"'old'.* REGREEN_PAYLOAD_KEYS does not hold"):
        await read(await stored(TEXT, KeyRing.parse(OLD)), ring)


async def test_an_altered_payload_is_refused() -> None:
    payload = await stored(TEXT, RINGS[1])
    payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])

    with pytest.raises(PayloadKeyError, match="altered"):
        await read(payload, RINGS[1])


async def test_the_key_s_id_cannot_be_exchanged_even_for_the_same_key_under_another_name() -> None:
    alias = KeyRing.parse(f"old:{key('o')},alias:{key('o')}")
    payload = await stored(TEXT, alias)
    payload.metadata["encryption-key-id"] = b"alias"

    with pytest.raises(PayloadKeyError, match="altered"):
        await read(payload, alias)


@given(data=st.binary(max_size=200), encoding=st.sampled_from([b"binary/encrypted", b"binary/zlib"]))
async def test_whatever_stands_there_is_read_or_refused_by_one_error(data: bytes, encoding: bytes) -> None:
    payload = Payload(metadata={"encoding": encoding, "encryption-key-id": b"old"}, data=data)

    with pytest.raises(PayloadKeyError):
        await read(payload, RINGS[1])


async def test_a_compressed_payload_that_would_fill_the_memory_is_refused() -> None:
    bomb = Payload(metadata={"encoding": b"binary/zlib"}, data=zlib.compress(bytes(64 * 2**20)))

    with pytest.raises(PayloadKeyError, match="longer than"):
        await read(bomb, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k" * 43 + "=", "entry 1 is not ID:KEY"),
        (f"old:{key('o')[:-4]}", "entry 1 is not ID:KEY"),
        (f"{NEW},old:", "entry 2 is not ID:KEY"),
        (f"a key:{key('o')}", "entry 1 is not ID:KEY"),
        (f"{NEW}\n{NEW}", "the key id new stands twice"),
    ],
)
def test_an_unusable_ring_of_keys_is_said_so_without_a_key(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGREEN_PAYLOAD_KEYS", text)

    with pytest.raises(ConfigurationError, match=f"^REGREEN_PAYLOAD_KEYS is unusable: {message}") as refused:
        load(PayloadSettings, secrets_directory=tmp_path)

    assert not re.search(r"[A-Za-z0-9+/]{40}", str(refused.value))


@pytest.mark.parametrize("text", [f"{NEW}, {OLD}", f"{NEW}\n{OLD}\n"])
def test_keys_come_from_a_mounted_file_separated_by_commas_or_lines(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "regreen_payload_keys").write_text(text)

    ring = load(PayloadSettings, secrets_directory=tmp_path).ring()

    assert ring is not None
    assert list(ring.keys) == ["new", "old"]


def test_a_mounted_file_without_a_key_is_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "regreen_payload_keys").write_text("\n")

    assert load(PayloadSettings, secrets_directory=tmp_path).payload_keys is None


# ── on a server ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with dev_server(SEARCH_ATTRIBUTES) as address:
        yield address


async def client_with(server: str, keys: str) -> Client:
    return await connect(target_host=server, data_converter=data_converter(KeyRing.parse(keys)))


async def raw_history(server: str, workflow_id: str) -> bytes:
    """As whoever has access to Temporal, and to no key, sees it."""
    bare = await Client.connect(server)
    found = await bare.get_workflow_handle(workflow_id).fetch_history()
    return b"".join(event.SerializeToString() for event in found.events)


async def test_keys_are_rotated_while_a_remediation_runs(server: str) -> None:
    asks = GateVerdict(decision=GateDecision.NEEDS_APPROVAL, reasons=("a protected file",))
    script = ScriptedActivities(judge_patch=asks)
    before = await client_with(server, OLD)
    async with serving(before, script):
        handle = await start(before)
        await until_asked(before, handle.id)

    after = await client_with(server, f"{NEW},{OLD}")
    async with serving(after, script):
        question = await until_asked(after, handle.id)
        running = after.get_workflow_handle_for(RemediationWorkflow.run, handle.id)
        await running.signal(RemediationWorkflow.reject, Order(by="grace", question=question))
        result = await running.result()

    assert result.outcome is Outcome.STOPPED
    history = await raw_history(server, handle.id)
    assert b"encryption-key-id\x12\x03old" in history
    assert b"encryption-key-id\x12\x03new" in history
    assert b"a protected file" not in history
    with pytest.raises(PayloadKeyError, match="'new'"):
        await before.get_workflow_handle_for(RemediationWorkflow.run, handle.id).result()


async def until_asked(client: Client, workflow_id: str) -> str:
    handle = client.get_workflow_handle_for(RemediationWorkflow.run, workflow_id)
    while True:
        with suppress(RPCError):  # its first task is not done
            status = await handle.query(RemediationWorkflow.status)
            if status.question is not None:
                return status.question
        await asyncio.sleep(0.05)


async def test_the_text_of_a_failure_is_as_unreadable_as_everything_else(server: str) -> None:
    failure = ApplicationError("the log said so", "and more", type="unavailable", non_retryable=True)
    client = await client_with(server, OLD)
    script = ScriptedActivities(read_run=failure)
    async with serving(client, script):
        handle = await start(client)
        result = await handle.result()

    assert result.outcome is Outcome.NEEDS_HUMAN
    history = await raw_history(server, handle.id)
    assert b"Encoded failure" in history
    assert b"the log said so" not in history
    assert b"and more" not in history


async def test_a_plain_signal_is_taken_where_payloads_are_encrypted(server: str) -> None:
    asks = GateVerdict(decision=GateDecision.NEEDS_APPROVAL)
    client = await client_with(server, OLD)
    async with serving(client, ScriptedActivities(judge_patch=asks)):
        handle = await start(client)
        await until_asked(client, handle.id)
        bare = await connect(target_host=server, data_converter=data_converter())
        signal: Any = bare.get_workflow_handle(handle.id).signal
        await signal("stop", Order(by="grace"))
        result = await handle.result()

    assert result.outcome is Outcome.STOPPED
