"""A Messages API that runs on this machine: documented shapes, streaming and not, answers from a script.

It keeps count as the API does: what a request marks as cacheable is read from the cache by the next request
that begins alike, so a caller that breaks its cache is found out by its bill.
"""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from localhub.model_api.replies import MODEL, Cut, Fault, Player, Raw, Said, Turn
from localhub.model_api.streaming import events, failing, frame, stream
from localhub.serving import Listener

KEY: Final = "sk-ant-" + "k3y" * 10

_BAD_KEY: Final = Fault(status=401, message="invalid x-api-key")
_CHARACTERS_PER_TOKEN: Final = 4
_BREAKPOINTS: Final = 4


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
        self.app = Starlette(
            routes=[
                Route("/v1/models/{model}", _model, methods=["GET"]),
                Route("/{path:path}", self._messages, methods=["POST"]),
            ]
        )
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
                return StreamingResponse(failing(turn), media_type="text/event-stream")
            case Fault():
                return JSONResponse(turn.body(), turn.status, dict(turn.headers))
            case Raw():
                return Response(turn.body, turn.status, dict(turn.headers))
            case Cut():
                headers = {"content-type": "application/json", "content-length": "1000"}
                return Response(b'{"id": "msg', headers=headers)
            case Said():
                return self._say(turn, body, request.url.path)

    async def _turn(self, body: dict[str, Any]) -> Turn:
        if self._player is not None:
            turn = self._player(body)
            return turn if isinstance(turn, Turn) else await turn
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def _say(self, said: Said, body: dict[str, Any], path: str) -> Response:
        usage = said.usage or self._count(body, said)
        self.used.append(usage)
        message = said.message(body.get("model", MODEL), usage)
        if path.endswith("/invoke-with-response-stream"):  # Bedrock asks for a stream by its address
            frames = (frame({"type": kind, **fields}) for kind, fields in stream(message))
            return StreamingResponse(frames, media_type="application/vnd.amazon.eventstream")
        if body.get("stream"):
            return StreamingResponse(events(message, said.cut_after), media_type="text/event-stream")
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


async def _model(request: Request) -> Response:
    """Whether there is such a model."""
    name = request.path_params["model"]
    if not _has_key(request):
        return JSONResponse(_BAD_KEY.body(), _BAD_KEY.status)
    if not name.startswith("claude-"):
        fault = Fault(status=404, message=f"model: {name}")
        return JSONResponse(fault.body(), fault.status)
    found = {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
    return JSONResponse(found)


def _has_key(request: Request) -> bool:
    given = (request.headers.get("x-api-key"), request.headers.get("authorization"))
    return given in {(KEY, None), (None, f"Bearer {KEY}")}


def _refusal(request: Request, body: Mapping[str, Any]) -> Fault | None:
    if request.url.path != "/v1/messages":
        return None  # a cloud provider's address: its own credentials, the model in the path
    if not _has_key(request):
        return _BAD_KEY
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
