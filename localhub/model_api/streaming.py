"""A reply as a stream: the API's documented events, and Bedrock's framing of them."""

import base64
import json
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from localhub.model_api.replies import MODEL, Fault, text

_PIECE: Final = 20
_FRAME_BYTES: Final = 16
"""Of an AWS event's frame: two lengths and two checksums."""
_HEADER_IS_TEXT: Final = 7


async def events(message: dict[str, Any], cut_after: int | None = None) -> AsyncIterator[str]:
    """The documented events of a stream that says `message`."""
    for number, event in enumerate(stream(message)):
        if number == cut_after:
            return
        yield _event(*event)


def stream(message: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The events that say `message`, each by its kind and its fields."""
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


async def failing(fault: Fault) -> AsyncIterator[str]:
    """A stream that begins well and breaks off with an error."""
    started = text("…").message(MODEL, {"input_tokens": 10, "output_tokens": 1}) | {"content": []}
    yield _event("message_start", {"message": started})
    yield _event("error", fault.body())


def _event(kind: str, fields: Mapping[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def frame(event: Mapping[str, Any]) -> bytes:
    """An event as Bedrock sends it: a message of AWS's event stream."""
    headers = b"".join(
        struct.pack("!B", len(name)) + name + struct.pack("!BH", _HEADER_IS_TEXT, len(value)) + value
        for name, value in (
            (b":event-type", b"chunk"),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    prelude = struct.pack("!II", _FRAME_BYTES + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))
