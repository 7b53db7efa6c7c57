"""A conversation with tools at the wire: what goes out, what comes back, and what may go wrong between."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import httpx2
import pytest
from pydantic import SecretStr

from activities.adapters.claude import TURN_TOKENS, Claude, Conversation, ModelAccess, ModelProvider
from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError
from activities.patching.session.prompt import INSTRUCTIONS
from activities.patching.session.tools import TOOLS
from localhub.messages_api import KEY, MODEL, Cut, Fault, MessagesApi, Raw, Said, calling, listening, text
from localhub.messages_api import Turn as Played
from workflows.session_models import Message, Speaker, Stop, Turn

OPENING: Final = Message(role=Speaker.USER, content=({"type": "text", "text": "Repair this. " * 400},))
LIST: Final = calling(("list", {"path": "src"}), words="I look around.")


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


def _claude(api: MessagesApi, http: httpx2.AsyncClient) -> Claude:
    access = ModelAccess(
        provider=ModelProvider.ANTHROPIC, model=MODEL, api_key=SecretStr(KEY), base_url=api.url
    )
    return Claude(access, http)


def _conversation(*messages: Message) -> Conversation:
    return Conversation(instructions=INSTRUCTIONS, tools=TOOLS, messages=messages or (OPENING,))


async def _turn(http: httpx2.AsyncClient, *script: Played) -> Turn:
    async with listening(*script) as api:
        return await _claude(api, http).converse(_conversation())


async def _refused(http: httpx2.AsyncClient, *script: Played) -> AdapterError:
    async with listening(*script) as api:
        with pytest.raises(AdapterError) as refused:
            await _claude(api, http).converse(_conversation())
        assert len(api.asked) <= 1, "retries are Temporal's"
    return refused.value


def _answered(turn: Turn, number: int) -> tuple[Message, Message]:
    results = tuple(
        {"type": "tool_result", "tool_use_id": block["id"], "content": f"result {number} " * 50}
        for block in turn.content
        if block["type"] == "tool_use"
    )
    return Message(role=Speaker.ASSISTANT, content=turn.content), Message(role=Speaker.USER, content=results)


# ── what goes out ───────────────────────────────────────────────────────────────────────────────────────────


async def test_the_request_has_the_tools_the_instructions_and_the_conversation(
    http: httpx2.AsyncClient,
) -> None:
    async with listening(LIST) as api:
        await _claude(api, http).converse(_conversation())

    [body] = api.asked
    assert (body["model"], body["max_tokens"], body["stream"]) == (MODEL, TURN_TOKENS, True)
    assert body["tools"] == [dict(tool) for tool in TOOLS]
    assert body["tools"][0]["type"] == "text_editor_20250728"
    assert body["system"] == [{"type": "text", "text": INSTRUCTIONS, "cache_control": {"type": "ephemeral"}}]
    assert [message["role"] for message in body["messages"]] == ["user"]


async def test_a_turn_reads_almost_everything_from_the_cache(http: httpx2.AsyncClient) -> None:
    messages = [OPENING]
    turns: list[Turn] = []
    async with listening(LIST) as api:
        claude = _claude(api, http)
        for number in range(12):
            turns.append(await claude.converse(_conversation(*messages)))
            messages += _answered(turns[-1], number)

    shares = [turn.use.cached_tokens / turn.use.input_tokens for turn in turns]
    assert shares[0] == 0
    assert min(shares[1:]) > 0.85
    whole = sum(turn.use.cached_tokens for turn in turns) / sum(turn.use.input_tokens for turn in turns)
    assert whole > 0.8
    bare = [used["input_tokens"] for used in api.used]
    assert bare == [0] * 12, "everything up to the last message may be cached"


async def test_requests_differ_from_one_another_only_at_their_end(http: httpx2.AsyncClient) -> None:
    messages = [OPENING]
    async with listening(LIST) as api:
        claude = _claude(api, http)
        for number in range(4):
            messages += _answered(await claude.converse(_conversation(*messages)), number)

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items() if name != "cache_control"}
        return [plain(each) for each in value] if isinstance(value, list) else value

    for earlier, later in zip(api.asked, api.asked[1:], strict=False):
        assert later["tools"] == earlier["tools"]
        assert later["system"] == earlier["system"]
        assert plain(later["messages"])[: len(earlier["messages"])] == plain(earlier["messages"])
        marks = json.dumps(later).count("cache_control")
        assert marks <= 4


async def test_thinking_goes_back_as_it_came(http: httpx2.AsyncClient) -> None:
    thinking = {"type": "thinking", "thinking": "Hm. " * 30, "signature": "c2lnbmVk" * 20}
    hidden = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    said = Said(content=[thinking, hidden, *LIST.content], stop_reason="tool_use", usage=None)
    async with listening(said) as api:
        claude = _claude(api, http)
        turn = await claude.converse(_conversation())
        await claude.converse(_conversation(OPENING, *_answered(turn, 1)))

    assert list(turn.content[:2]) == [thinking, hidden]
    assert api.asked[1]["messages"][1]["content"][:2] == [thinking, hidden]


# ── what comes back ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_reply_has_its_text_its_calls_and_what_it_took(http: httpx2.AsyncClient) -> None:
    edit = {"command": "create", "path": "a.txt", "file_text": 'with "quotes"\n\\and\ttabs ☃' * 40}

    turn = await _turn(http, calling(("str_replace_based_edit_tool", edit), ("list", {}), words="Now."))

    words, first, second = turn.content
    assert words["text"] == "Now."
    assert (first["name"], first["input"]) == ("str_replace_based_edit_tool", edit)
    assert (second["name"], second["input"]) == ("list", {})
    assert (turn.stop, turn.malformed) == (Stop.SAID, ())
    assert turn.use.output_tokens > 100
    assert turn.use.cost_usd is not None


@pytest.mark.parametrize(
    "given", ['{"path": "src', "[1, 2]", "null", "{]", "[" * 20_000, '"text"'], ids=lambda each: each[:10]
)
async def test_a_call_whose_input_is_no_json_object_is_kept_and_marked(
    http: httpx2.AsyncClient, given: str
) -> None:
    turn = await _turn(http, calling(("list", given), ("search", {"pattern": "x"})))

    broken, whole = turn.content
    assert turn.malformed == (broken["id"],)
    assert broken["input"] == {}
    assert whole["input"] == {"pattern": "x"}


@pytest.mark.parametrize(
    ("said", "stop", "detail"),
    [
        (text("done"), Stop.SAID, ""),
        (text("…", stop_reason="pause_turn"), Stop.SAID, ""),
        (text("…", stop_reason="something new"), Stop.SAID, ""),
        (calling(("list", '{"pa'), stop_reason="max_tokens"), Stop.CUT, "16,000 tokens"),
        (text("", stop_reason="model_context_window_exceeded"), Stop.NO_ROOM, ""),
        (text("", stop_reason="refusal"), Stop.REFUSED, ""),
        (
            text("", stop_reason="refusal", stop_details={"type": "refusal", "category": "cyber"}),
            Stop.REFUSED,
            "category cyber",
        ),
    ],
)
async def test_how_a_reply_stopped_is_told(
    http: httpx2.AsyncClient, said: Said, stop: Stop, detail: str
) -> None:
    turn = await _turn(http, said)

    assert (turn.stop, turn.detail) == (stop, detail)


async def test_blocks_that_nobody_asked_for_are_dropped(http: httpx2.AsyncClient) -> None:
    strange = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    nameless = {"type": "tool_use", "id": 5, "name": None, "input": {}}
    empty = {"type": "text", "text": ""}

    turn = await _turn(http, Said(content=[strange, nameless, empty, *LIST.content]))

    assert [block["type"] for block in turn.content] == ["text", "tool_use"]


@pytest.mark.parametrize(
    "flood",
    [text("x" * 5_000_000, usage=None), calling(("list", {"path": "x" * 5_000_000}))],
    ids=["text", "input"],
)
async def test_a_reply_of_megabytes_is_cut_off_and_counted_as_if_it_had_used_its_limit(
    http: httpx2.AsyncClient, flood: Said
) -> None:
    turn = await _turn(http, flood)

    assert (turn.stop, turn.content) == (Stop.CUT, ())
    assert turn.use.output_tokens == TURN_TOKENS
    assert "200,000 characters" in turn.detail


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("after", range(7))
async def test_a_stream_cut_anywhere_is_no_reply(http: httpx2.AsyncClient, after: int) -> None:
    whole = calling(("list", {}), words="I look.")

    refused = await _refused(
        http, Said(content=whole.content, stop_reason="tool_use", usage=None, cut_after=after)
    )

    assert isinstance(refused, UnavailableError)


async def test_a_connection_that_breaks_in_the_middle_may_be_asked_again(http: httpx2.AsyncClient) -> None:
    assert isinstance(await _refused(http, Cut()), UnavailableError)


@pytest.mark.parametrize(
    ("status", "kind"), [(529, ThrottledError), (429, ThrottledError), (500, UnavailableError)]
)
async def test_an_error_in_the_middle_of_a_stream_is_taken_for_what_it_says(
    http: httpx2.AsyncClient, status: int, kind: type[AdapterError]
) -> None:
    assert isinstance(await _refused(http, Fault(status=status, streamed=True)), kind)


async def test_a_wait_before_the_stream_is_as_long_as_the_api_says(http: httpx2.AsyncClient) -> None:
    refused = await _refused(http, Fault(status=529, headers={"retry-after": "7"}))

    assert isinstance(refused, ThrottledError)
    assert refused.delay == timedelta(seconds=7)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413])
async def test_a_refusal_that_asking_again_does_not_change_is_permanent(
    http: httpx2.AsyncClient, status: int
) -> None:
    refused = await _refused(http, Fault(status=status))

    assert isinstance(refused, PermanentError)
    assert refused.kind.startswith("model_")


@pytest.mark.parametrize(
    "raw",
    [
        b"<html>Welcome</html>",
        b"",
        b'data: {"type": "message_start"}\n\n',
        b'event: message_start\ndata: {"type": "message_start", "message": {"usage": null}}\n\n',
        b'event: message_start\ndata: "a text"\n\n',
        b"event: content_block_delta\ndata: {}\n\n",
        b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 7, "delta": {}}\n\n',
        b"event: message_start\ndata: {\n\n",
        b"\xff\xfe\x00",
    ],
    ids=lambda raw: repr(raw[:24]),
)
async def test_a_stream_that_is_no_message_may_be_asked_again(http: httpx2.AsyncClient, raw: bytes) -> None:
    answer = Raw(body=raw, headers={"content-type": "text/event-stream"})

    assert isinstance(await _refused(http, answer), UnavailableError)


# ── the stand-in refuses what the API refuses ───────────────────────────────────────────────────────────────


async def test_a_call_left_without_an_answer_is_refused_as_the_api_does(http: httpx2.AsyncClient) -> None:
    async with listening(LIST) as api:
        claude = _claude(api, http)
        turn = await claude.converse(_conversation())
        said, _ = _answered(turn, 1)
        with pytest.raises(PermanentError, match="tool_result"):
            await claude.converse(_conversation(OPENING, said, OPENING))
