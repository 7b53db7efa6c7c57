"""Which lines of a log belong to the step that failed, as far as the CI service's markers tell."""

import re
from typing import Final

MARKERS: Final = ("##[group]", "##[error]", "exited with", "travis_time:start", "travis_fold:start")
"""In lower case; every line that marks something holds one of them."""

MARKS: Final = ("exited with", "##[", "travis_")
"""Any line that marks something holds one of these."""

_START: Final = re.compile(r"##\[group\]Run (?P<title>.*)|travis_(?:time|fold):start")
_FAILED: Final = re.compile(
    r"##\[error\]Process completed with exit code (?P<code>\d{1,9})"
    r"|.*exited with (?:code )?(?P<code_2>[1-9]\d{0,8})\.?$"
)
_SUCCEEDED: Final = re.compile(r".*exited with (?:code )?0\.?$")


class Steps:
    """Takes a log's marker lines in order.

    Args:
        command_line: The first line of the failing step's command, where it is known.
    """

    def __init__(self, command_line: str | None) -> None:
        self._wanted = (command_line or "").strip()
        self.exit_code: int | None = None
        self._start = 0
        self._matches = False
        self._found: tuple[int, int] | None = None
        self._certain = False

    def see(self, line: int, text: str) -> None:
        """Take note of a line; any but a marker is passed over."""
        if start := _START.match(text):
            self._start = line
            self._matches = bool(self._wanted) and (start["title"] or "").strip() == self._wanted
        elif _SUCCEEDED.match(text):
            self._start = line
        elif not self._certain and (end := _FAILED.match(text)):
            if self._found is None or self._matches:
                self._found = (max(self._start, 1), line)
                self.exit_code = int(end["code"] or end["code_2"])
            self._certain = self._matches

    def section(self, total_lines: int) -> tuple[int, int]:
        """First and last line of the failing step, 1-based; the whole log where no marker tells."""
        return self._found or (1, total_lines)
