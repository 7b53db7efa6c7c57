"""Job logs in the shape of GitHub's: a time on every line, groups, and `##[error]` marks."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_BOM: Final = "\ufeff"
_COMMAND_COLOUR: Final = "\x1b[36;1m"
_COLOUR_END: Final = "\x1b[0m"


class JobLog:
    """The log of one job, written as it happens.

    Attributes:
        path: Where it is written.
    """

    def __init__(self, path: Path, *, secrets: Iterable[str] = ()) -> None:
        self.path = path
        self._secrets = tuple(secrets)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", errors="replace", newline="")
        if self._file.tell() == 0:
            self._file.write(_BOM)

    def line(self, text: str) -> None:
        """Write text; each of its lines gets the time."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        moment = datetime.now(UTC)
        for one in text.removesuffix("\n").split("\n"):
            ticks = f"{moment.microsecond:06d}0"
            self._file.write(f"{moment:%Y-%m-%dT%H:%M:%S}.{ticks}Z {one.removesuffix(chr(13))}\n")

    def group(self, title: str, lines: Iterable[str]) -> None:
        """Write a folded group."""
        self.line(f"##[group]{title}")
        for one in lines:
            self.line(one)
        self.line("##[endgroup]")

    def command(self, title: str, script: str, shell: str, env: Iterable[str]) -> None:
        """Write the group that stands before the output of a `run` step."""
        lines = [f"{_COMMAND_COLOUR}{one}{_COLOUR_END}" for one in script.rstrip("\n").split("\n")]
        self.group(title, [*lines, f"shell: {shell}", *env])

    def close(self) -> None:
        """Nothing more will be written."""
        self._file.close()
