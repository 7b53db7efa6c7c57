import json
import logging

import httpx2
import pytest
from pydantic import SecretStr

from activities.adapters.channel import Channel, is_channel
from activities.errors import PermanentError, ThrottledError, UnavailableError
from scripted_wire import Answer, ScriptedWire, answer

SECRET = "https://hooks.slack.example/services/T000/B000/s3cr3t"


def channel(wire: ScriptedWire) -> Channel:
    return Channel(wire.client(), SecretStr(SECRET))


async def test_a_message_is_one_json_object_with_its_key_beside_it() -> None:
    wire = ScriptedWire()
    wire.on("POST", SECRET, httpx2.Response(200, text="ok"))
    await channel(wire).post("*hello*", "acme/widgets-12-approval")
    [sent] = wire.asked
    assert json.loads(sent.content) == {"text": "*hello*"}
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["idempotency-key"] == "acme/widgets-12-approval"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (httpx2.ConnectError("refused"), UnavailableError),
        (httpx2.ConnectTimeout("late"), UnavailableError),
        (answer(500), UnavailableError),
        (answer(503), UnavailableError),
        (answer(429, headers={"retry-after": "7"}), ThrottledError),
        (answer(429), ThrottledError),
        (httpx2.ReadTimeout("late"), PermanentError),
        (httpx2.WriteError("cut"), PermanentError),
        (httpx2.RemoteProtocolError("cut"), PermanentError),
        (answer(504), PermanentError),
        (answer(302, headers={"location": "https://elsewhere.example/"}), PermanentError),
        (answer(404), PermanentError),
    ],
)
async def test_only_what_was_surely_not_delivered_may_be_sent_again(
    given: Answer, error: type[Exception]
) -> None:
    wire = ScriptedWire()
    wire.on("POST", SECRET, given)
    with pytest.raises(error) as raised:
        await channel(wire).post("hello", "key")
    assert len(wire.asked) == 1
    assert "s3cr3t" not in repr(raised.value)
    assert raised.value.__cause__ is None


async def test_a_channel_that_asks_to_wait_is_heeded() -> None:
    wire = ScriptedWire()
    wire.on("POST", SECRET, answer(429, headers={"retry-after": "7"}))
    with pytest.raises(ThrottledError) as raised:
        await channel(wire).post("hello", "key")
    assert raised.value.delay.total_seconds() == 7


async def test_the_address_is_in_no_log_that_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # as the worker sets it
    wire = ScriptedWire()
    wire.on("POST", SECRET, answer(200))
    with caplog.at_level(logging.INFO):
        await channel(wire).post("hello", "key")
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("https://hooks.slack.com/services/T/B/x", True),
        ("http://127.0.0.1:8065/hooks/x", True),
        ("http://localhost/hooks/x", True),
        ("http://chat.example/hooks/x", False),
        ("ftp://chat.example/x", False),
        ("https:///x", False),
        ("chat.example", False),
    ],
)
def test_an_address_is_a_credential_and_never_travels_in_the_clear(url: str, *, usable: bool) -> None:
    assert is_channel(url) is usable
