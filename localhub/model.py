"""The model of the demo: the real one where this shell has a key, else a script on a local Messages API."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from localhub.messages_api import KEY, Said, calling, listening

EDITOR: Final = "str_replace_based_edit_tool"
_HANDED_ON: Final = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "REGREEN_MODEL",
    "REGREEN_REPAIR_MODEL",
    "REGREEN_MODEL_PRICES",
)

REPAIR: Final = (
    calling(
        ("list", {}),
        (EDITOR, {"command": "view", "path": "pricing.py"}),
        (EDITOR, {"command": "view", "path": "test_pricing.py"}),
        words="The test says what total promises; I look at both.",
    ),
    calling(("run_check", {}), words="I want to see the failure here before I change anything."),
    calling(
        (
            EDITOR,
            {
                "command": "str_replace",
                "path": "pricing.py",
                "old_str": "return sum(prices) + 1",
                "new_str": "return sum(prices)",
            },
        ),
        ("run_check", {}),
        words="The last commit adds one to every sum, against the docstring and the test.",
    ),
    calling(("submit", {"summary": "total added one cent to every sum; it returns the sum again."})),
)
"""The session that repairs the scenario `model`, reply by reply."""


@asynccontextmanager
async def model_settings() -> AsyncIterator[Mapping[str, str]]:
    """The variables with which a worker reaches the demo's model."""
    if os.environ.get("ANTHROPIC_API_KEY"):
        yield {name: os.environ[name] for name in _HANDED_ON if os.environ.get(name)}
        return
    async with listening(player=play) as api:
        yield {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}


def play(body: Mapping[str, Any]) -> Said:
    """The reply of the script at the point that a conversation has reached."""
    said = sum(message["role"] == "assistant" for message in body["messages"])
    return REPAIR[min(said, len(REPAIR) - 1)]
