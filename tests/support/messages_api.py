"""The Messages API at the wire: documented shapes, streaming and not, from a script of replies and faults."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from localhub.serving import Listener

KEY: Final = "sk-ant-" + "k3y" * 10
MODEL: Final = "claude-sonnet-5-5"

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
    usage: Mapping[str, Any] = field(default_factory=lambda: {"input_tokens": 1000, "output_tokens": 200})

    def message(self, model: str) -> dict[str, Any]:
        return {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": self.content,
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "stop_details": self.stop_details,
            "usage": dict(self.usage),
        }


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An error of the API, in its documented shape."""

    status: int
    message: str = "no"
    details: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        error: dict[str, Any] = {"type": _ERROR_TYPES.get(self.status, "api_error"), "message": self.message}
        if self.details:
            error["details"] = self.details
        body = {"type": "error", "error": error, "request_id": "req_01"}
        return JSONResponse(body, self.status, dict(self.headers))


@dataclass(frozen=True, kw_only=True)
class Raw:
    """An answer that no honest server gives."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


class Cut:
    """The connection ends in the middle of the answer."""


Turn = Said | Fault | Raw | Cut


def text(words: str, **fields: Any) -> Said:
    """A reply of one block of text."""
    return Said(content=[{"type": "text", "text": words, "citations": None}], **fields)


def answer(value: Any, **fields: Any) -> Said:
    """A reply in JSON, as a structured output is."""
    return text(json.dumps(value), **fields)


class MessagesApi:
    """Answers from its script, in order; the last turn is given again and again.

    Attributes:
        script: What to answer.
        asked: The bodies of the requests.
        headers: Their headers.
        paths: Their paths.
        url: Where it listens.
    """

    def __init__(self, *script: Turn) -> None:
        self.script: list[Turn] = list(script)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.url = ""
        self.app = Starlette(routes=[Route("/{path:path}", self._messages, methods=["POST"])])

    async def _messages(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(request.headers)
        self.paths.append(request.url.path)
        refusal = _refusal(request, body)
        if refusal is not None:
            return refusal.response()
        turn = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        match turn:
            case Fault():
                return turn.response()
            case Raw():
                return Response(turn.body, turn.status, dict(turn.headers))
            case Cut():
                headers = {"content-type": "application/json", "content-length": "1000"}
                return Response(b'{"id": "msg', headers=headers)
            case Said():
                message = turn.message(body.get("model", MODEL))
                if body.get("stream"):
                    return StreamingResponse(_events(message), media_type="text/event-stream")
                return JSONResponse(message)


def _refusal(request: Request, body: Mapping[str, Any]) -> Fault | None:
    if request.url.path != "/v1/messages":
        return None  # a cloud provider's address: its own credentials, the model in the path
    given = (request.headers.get("x-api-key"), request.headers.get("authorization"))
    if given not in {(KEY, None), (None, f"Bearer {KEY}")}:
        return Fault(status=401, message="invalid x-api-key")
    missing = [name for name in ("model", "max_tokens", "messages") if name not in body]
    if missing or "anthropic-version" not in request.headers:
        return Fault(status=400, message=f"{', '.join(missing)}: Field required")
    return None


async def _events(message: dict[str, Any]) -> AsyncIterator[str]:
    """The documented events of a stream that says `message`."""
    started = message | {"content": [], "stop_reason": None, "stop_details": None}
    yield _event("message_start", message=started)
    for index, block in enumerate(message["content"]):
        whole = block.get("text", "")
        yield _event("content_block_start", index=index, content_block={**block, "text": ""})
        for start in range(0, len(whole), 20):
            delta = {"type": "text_delta", "text": whole[start : start + 20]}
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    delta = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    yield _event("message_delta", delta=delta, usage=message["usage"])
    yield _event("message_stop")


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


@asynccontextmanager
async def listening(*script: Turn) -> AsyncIterator[MessagesApi]:
    """A stand-in on a free port of this machine."""
    api, listener = MessagesApi(*script), Listener(0)
    await listener.serve(api.app)
    api.url = listener.url
    try:
        yield api
    finally:
        await listener.stop()
