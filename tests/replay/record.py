"""Records a workflow history for every outcome, from real runs; `make histories NAME=…` runs it.

They go into a folder of that name beside the earlier ones, which stay: what they were recorded from may still
be under way somewhere. What names the machine is replaced. Nothing else is changed: a history is evidence.
"""

import asyncio
import base64
import json
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from localhub.model_api.demo import model_settings
from localhub.stage import Stage
from outcomes import BY_MODEL, CASES, SETTINGS, Play

HISTORIES: Final = Path(__file__).resolve().parent.parent / "histories"
STAGE: Final = "/stage"
"""Stands for the stage's temporary folder, which the logs of CI runs mention."""
_WATCHED: Final = {"REGREEN_REVERT_WATCH": "3s"}
"""The local GitHub's people merge a fix at once, and nobody takes it back."""


def without_machine(history: str, folder: Path) -> dict[str, Any]:
    """A history without the stage's folder, the host's name and the identities of processes."""
    host = re.escape(socket.gethostname())

    def clean(text: str) -> str:
        return re.sub(rf"\b\d+@{host}", "worker", text).replace(str(folder), STAGE)

    cleaned: dict[str, Any] = _rewritten(json.loads(history), clean)
    return cleaned


def _rewritten(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_rewritten(each, clean) for each in value]
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, dict):
        return value
    if set(value) == {"metadata", "data"}:
        text = clean(base64.b64decode(value["data"]).decode())
        return {**value, "data": base64.b64encode(text.encode()).decode()}
    return {name: _rewritten(each, clean) for name, each in value.items()}


def _write(folder: Path, name: str, history: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")


async def record(folder: Path) -> None:
    """Play every case, and write its histories into a folder."""
    async with Stage(settings=SETTINGS | _WATCHED) as stage:
        for outcome, case in CASES.items():
            play = Play(stage, case)
            await play.run()
            for name, text in (await play.histories()).items():
                _write(folder, name, without_machine(text, stage.folder))
            sys.stderr.write(f"recorded {outcome}\n")
    await record_by_model(folder)


async def record_by_model(folder: Path) -> None:
    """Play the repair by a model, and write its histories."""
    async with model_settings() as settings, Stage(settings={**settings, **_WATCHED}) as stage:
        play = Play(stage, BY_MODEL)
        await play.run()
        for name, text in (await play.histories()).items():
            _write(folder, name, without_machine(text, stage.folder))
        sys.stderr.write(f"recorded {BY_MODEL.name}\n")


if __name__ == "__main__":
    made = HISTORIES / sys.argv[1]
    made.mkdir()
    asyncio.run(record(made))
