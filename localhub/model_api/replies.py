"""What the stand-in for the Messages API may answer: replies, errors, and what no honest server gives."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

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


def _short(value: Any) -> str:
    return sha256(json.dumps(value).encode()).hexdigest()[:16]
