"""A streamed reply put together from its events, in time linear in its length and with a bound on that.

The SDK's own accumulation reads a tool's input anew with every piece of it, takes half of one for the whole,
and fails on one that is not JSON; a reply that was paid for must survive all three.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

REPLY_CHARACTERS: Final = 200_000
"""Longer than the longest reply that its limit of tokens allows; whoever sends more is cut off."""
_KEPT: Final = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_PIECES: Final[Mapping[str, tuple[str, str]]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("partial_json", "input"),
}
"""Kind of a piece: where its event has it, and which part of the block it belongs to."""


@dataclass
class _Growing:
    """A block while it is said."""

    start: dict[str, Any]
    pieces: dict[str, list[str]] = field(default_factory=dict)

    def joined(self, part: str) -> str:
        return "".join(self.pieces.get(part, ()))


class StreamedReply:
    """What the events said so far.

    Attributes:
        usage: The API's count of tokens; later events complete and correct earlier ones.
        stop_reason: Why the reply ended; None while it has not.
        stop_details: More about a refusal.
        malformed: Ids of the tool calls whose input is not a JSON object; complete once `content` was asked.
    """

    def __init__(self) -> None:
        self.usage: dict[str, Any] = {}
        self.stop_reason: str | None = None
        self.stop_details: Any = None
        self.malformed: list[str] = []
        self._blocks: dict[int, _Growing] = {}
        self._characters = 0

    @property
    def is_too_long(self) -> bool:
        """Whether more was said than is read."""
        return self._characters > REPLY_CHARACTERS

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take in one event; kinds that are not known say nothing.

        Raises:
            LookupError, TypeError, AttributeError: It is not what the API documents.
        """
        match event["type"]:
            case "message_start":
                self._count(event["message"]["usage"])
            case "content_block_start":
                block = dict(event["content_block"])
                self._characters += len(json.dumps(block))
                self._blocks[event["index"]] = _Growing(block)
            case "content_block_delta":
                self._grow(self._blocks[event["index"]], event["delta"])
            case "message_delta":
                self.stop_reason = event["delta"].get("stop_reason")
                self.stop_details = event["delta"].get("stop_details")
                self._count(event["usage"])

    def content(self) -> tuple[dict[str, Any], ...]:
        """The blocks as the API wants them back."""
        whole = (self._whole(growing) for _, growing in sorted(self._blocks.items()))
        return tuple(block for block in whole if block)

    def _count(self, usage: Mapping[str, Any]) -> None:
        self.usage |= {name: count for name, count in usage.items() if count is not None}

    def _grow(self, growing: _Growing, delta: Mapping[str, Any]) -> None:
        if delta["type"] in _PIECES:
            source, part = _PIECES[delta["type"]]
            piece = str(delta[source])
            self._characters += len(piece)
            growing.pieces.setdefault(part, []).append(piece)

    def _whole(self, growing: _Growing) -> dict[str, Any] | None:
        block = growing.start
        kind = block.get("type")
        if kind not in _KEPT:
            return None
        if kind == "tool_use":
            return self._tool_use(growing)
        for part in ("text", "thinking", "signature"):
            if part in growing.pieces:
                block[part] = str(block.get(part) or "") + growing.joined(part)
        return block if kind != "text" or block.get("text") else None

    def _tool_use(self, growing: _Growing) -> dict[str, Any] | None:
        block = growing.start
        if not isinstance(block.get("id"), str) or not isinstance(block.get("name"), str):
            return None
        given: Any = block.get("input") or {}
        if text := growing.joined("input"):
            try:
                given = json.loads(text)
            except (ValueError, RecursionError):
                given = None
        if not isinstance(given, dict):
            self.malformed.append(block["id"])
            given = {}
        return {"type": "tool_use", "id": block["id"], "name": block["name"], "input": given}
