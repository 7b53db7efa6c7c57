"""A Messages API that runs on this machine: documented shapes, streaming and not, answers from a script.

It keeps count as the API does: what a request marks as cacheable is read from the cache by the next request
that begins alike, so a caller that breaks its cache is found out by its bill.
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from localhub.serving import Listener

KEY: Final = "sk-ant-" + "k3y" * 10
MODEL: Final = "claude-sonnet-5-5"

_CHARACTERS_PER_TOKEN: Final = 4
_BREAKPOINTS: Final = 4
_PIECE: Final = 20
_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """A reply of the model: blocks of content, and how it stopped."""

    content: list[dict[str, Any]]
    stop_reason: str | None = "end_turn"
    stop_details: dict[str, Any] | None = None
    usage: Mapping[str, Any] | None = field(
        default_factory=lambda: {"input_tokens": 1000, "output_tokens": 200}
    )
    """What the API counts; None lets the stand-in count for itself."""
    cut_after: int | None = None
    """Of a stream, the number of events after which the connection ends."""

    def message(self, model: str, usage: Mapping[str, Any]) -> dict[str, Any]:
        """The reply as the API words it."""
        return {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": self.content,
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "stop_details": self.stop_details,
            "usage": dict(self.usage or usage),
        }


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An error of the API, in its documented shape."""

    status: int
    message: str = "no"
    details: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False
    """It comes in the middle of a stream, which had begun well."""

    def body(self) -> dict[str, Any]:
        """The error as the API words it."""
        error: dict[str, Any] = {"type": _ERROR_TYPES.get(self.status, "api_error"), "message": self.message}
        if self.details:
            error["details"] = self.details
        return {"type": "error", "error": error, "request_id": "req_01"}


@dataclass(frozen=True, kw_only=True)
class Raw:
    """An answer that no honest server gives."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


class Cut:
    """The connection ends in the middle of the answer."""


Turn = Said | Fault | Raw | Cut
Player = Callable[[dict[str, Any]], Turn | Awaitable[Turn]]
"""Answers a request's body."""


def text(words: str, **fields: Any) -> Said:
    """A reply of one block of text."""
    return Said(content=[{"type": "text", "text": words, "citations": None}], **fields)


def answer(value: Any, **fields: Any) -> Said:
    """A reply in JSON, as a structured output is."""
    return text(json.dumps(value), **fields)


def calling(*calls: tuple[str, Any], words: str = "", **fields: Any) -> Said:
    """A reply that calls tools, each by name and input; an input that is a text goes out as it is."""
    said = [{"type": "text", "text": words, "citations": None}] if words else []
    uses = [
        {"type": "tool_use", "id": f"toolu_{_short([number, *call])}", "name": call[0], "input": call[1]}
        for number, call in enumerate(calls)
    ]
    return Said(content=[*said, *uses], **({"stop_reason": "tool_use", "usage": None} | fields))


class MessagesApi:
    """Answers from its script, in order; the last turn is given again and again.

    Attributes:
        script: What to answer; where there is a player, it answers instead.
        asked: The bodies of the requests.
        headers: Their headers.
        paths: Their paths.
        used: What each good answer counted as usage.
        busy_seconds: Time spent answering so far.
        url: Where it listens.
    """

    def __init__(self, *script: Turn, player: Player | None = None) -> None:
        self.script: list[Turn] = list(script)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.used: list[Mapping[str, Any]] = []
        self.busy_seconds = 0.0
        self.url = ""
        self.app = Starlette(routes=[Route("/{path:path}", self._messages, methods=["POST"])])
        self._player = player
        self._cached: set[str] = set()

    async def _messages(self, request: Request) -> Response:
        started = time.perf_counter()
        try:
            return await self._answer(request)
        finally:
            self.busy_seconds += time.perf_counter() - started

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(request.headers)
        self.paths.append(request.url.path)
        refusal = _refusal(request, body)
        if refusal is not None:
            return JSONResponse(refusal.body(), refusal.status)
        turn = await self._turn(body)
        match turn:
            case Fault(streamed=True):
                return StreamingResponse(_failing(turn), media_type="text/event-stream")
            case Fault():
                return JSONResponse(turn.body(), turn.status, dict(turn.headers))
            case Raw():
                return Response(turn.body, turn.status, dict(turn.headers))
            case Cut():
                headers = {"content-type": "application/json", "content-length": "1000"}
                return Response(b'{"id": "msg', headers=headers)
            case Said():
                return self._say(turn, body)

    async def _turn(self, body: dict[str, Any]) -> Turn:
        if self._player is not None:
            turn = self._player(body)
            return turn if isinstance(turn, Turn) else await turn
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def _say(self, said: Said, body: dict[str, Any]) -> Response:
        usage = said.usage or self._count(body, said)
        self.used.append(usage)
        message = said.message(body.get("model", MODEL), usage)
        if body.get("stream"):
            return StreamingResponse(_events(message, said.cut_after), media_type="text/event-stream")
        return JSONResponse(message)

    def _count(self, body: dict[str, Any], said: Said) -> dict[str, int]:
        """Tokens as the API counts them: the longest known prefix that ends at a breakpoint is read."""
        prefix, read, marked = sha256(), 0, 0
        total = 0
        ends: list[tuple[str, int]] = []
        for block in _blocks(body):
            plain = {name: value for name, value in block.items() if name != "cache_control"}
            words = json.dumps(plain)
            prefix.update(words.encode())
            total += len(words) // _CHARACTERS_PER_TOKEN
            if prefix.hexdigest() in self._cached:
                read = total
            if "cache_control" in block:
                ends.append((prefix.hexdigest(), total))
                marked = total
        self._cached |= {name for name, _ in ends}
        read = min(read, marked)
        return {
            "input_tokens": total - marked,
            "cache_creation_input_tokens": marked - read,
            "cache_read_input_tokens": read,
            "output_tokens": max(len(json.dumps(said.content)) // _CHARACTERS_PER_TOKEN, 1),
        }


def _blocks(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Everything a request says, in the order in which the API caches it: tools, system, messages."""
    system = body.get("system", [])
    found = [*body.get("tools", []), *([{"text": system}] if isinstance(system, str) else system)]
    for message in body["messages"]:
        content = message["content"]
        found += [{"text": content}] if isinstance(content, str) else content
    return found


def _short(value: Any) -> str:
    return sha256(json.dumps(value).encode()).hexdigest()[:16]


def _refusal(request: Request, body: Mapping[str, Any]) -> Fault | None:
    if request.url.path != "/v1/messages":
        return None  # a cloud provider's address: its own credentials, the model in the path
    given = (request.headers.get("x-api-key"), request.headers.get("authorization"))
    if given not in {(KEY, None), (None, f"Bearer {KEY}")}:
        return Fault(status=401, message="invalid x-api-key")
    missing = [name for name in ("model", "max_tokens", "messages") if name not in body]
    if missing or "anthropic-version" not in request.headers:
        return Fault(status=400, message=f"{', '.join(missing)}: Field required")
    wrong = _misuse(body)
    return Fault(status=400, message=wrong) if wrong else None


def _misuse(body: Mapping[str, Any]) -> str:
    """What the API refuses in a conversation; empty where nothing."""
    if sum("cache_control" in block for block in _blocks(body)) > _BREAKPOINTS:
        return f"A maximum of {_BREAKPOINTS} blocks with cache_control may be provided."
    open_calls: set[str] = set()
    for position, message in enumerate(body["messages"]):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        results = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if results != open_calls:
            return f"messages.{position}: `tool_use` ids were found without `tool_result` blocks"
        if not blocks or any(block["type"] == "text" and not block["text"] for block in blocks):
            return f"messages.{position}: text content blocks must be non-empty"
        if message["role"] == "assistant" and blocks[-1]["type"] in {"thinking", "redacted_thinking"}:
            return f"messages.{position}: The final block in an assistant message cannot be `thinking`."
        open_calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return "messages: the last message has tool calls without results" if open_calls else ""


async def _events(message: dict[str, Any], cut_after: int | None = None) -> AsyncIterator[str]:
    """The documented events of a stream that says `message`."""
    for number, event in enumerate(_stream(message)):
        if number == cut_after:
            return
        yield _event(*event)


def _stream(message: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    usage = {**message["usage"], "output_tokens": 1}
    started = message | {"content": [], "stop_reason": None, "stop_details": None, "usage": usage}
    events: list[tuple[str, dict[str, Any]]] = [("message_start", {"message": started}), ("ping", {})]
    for index, block in enumerate(message["content"]):
        empty, deltas = _deltas(block)
        events.append(("content_block_start", {"index": index, "content_block": empty}))
        events += [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        events.append(("content_block_stop", {"index": index}))
    delta = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    events.append(("message_delta", {"delta": delta, "usage": message["usage"]}))
    events.append(("message_stop", {}))
    return events


def _deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and the pieces that complete it."""
    match block["type"]:
        case "text":
            return {**block, "text": ""}, _pieces("text_delta", "text", block["text"])
        case "thinking":
            thought = _pieces("thinking_delta", "thinking", block["thinking"])
            signed = [{"type": "signature_delta", "signature": block["signature"]}]
            return {**block, "thinking": "", "signature": ""}, [*thought, *signed]
        case "tool_use":
            given = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
            return {**block, "input": {}}, _pieces("input_json_delta", "partial_json", given)
        case _:
            return block, []


def _pieces(kind: str, part: str, whole: str) -> list[dict[str, Any]]:
    size = max(_PIECE, len(whole) // 200)
    return [{"type": kind, part: whole[start : start + size]} for start in range(0, len(whole), size)]


async def _failing(fault: Fault) -> AsyncIterator[str]:
    started = text("…").message(MODEL, {"input_tokens": 10, "output_tokens": 1}) | {"content": []}
    yield _event("message_start", {"message": started})
    yield _event("error", fault.body())


def _event(kind: str, fields: Mapping[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


@asynccontextmanager
async def listening(*script: Turn, player: Player | None = None) -> AsyncIterator[MessagesApi]:
    """A stand-in on a free port of this machine."""
    api, listener = MessagesApi(*script, player=player), Listener(0)
    await listener.serve(api.app)
    api.url = listener.url
    try:
        yield api
    finally:
        await listener.stop()
