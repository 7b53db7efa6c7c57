"""Where a request marks what the API may cache: at most four places, each the end of a beginning."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.session_models import Message, Speaker


def cached(block: Mapping[str, Any]) -> dict[str, Any]:
    """`block` as the end of what the API may cache."""
    return {**block, "cache_control": {"type": "ephemeral"}}


def with_breakpoints(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages for the API, with three of its four cache breakpoints; the fourth ends the instructions.

    The last message's is what the next call reads; the user's message before it is what this one reads; the
    first message's outlives an interruption in which the others expire.
    """
    said = [{"role": message.role.value, "content": list(message.content)} for message in messages]
    users = [position for position, message in enumerate(messages) if message.role is Speaker.USER]
    for position in {*users[:1], *users[-2:]}:
        content: Any = said[position]["content"]
        content[-1] = cached(content[-1])
    return said
