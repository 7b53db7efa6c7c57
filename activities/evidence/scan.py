"""One pass over a log of any size: where its loud lines are, and which part belongs to the failing step."""

import re
import zlib
from collections import deque
from typing import BinaryIO, Final, NamedTuple

from activities.evidence.log_lines import cap_line, clean_line, read_blocks
from activities.evidence.signals import LITERALS, loudness

_ANCHORS_KEPT: Final = 1_500
"""Of each loudness, so many from the front and so many from the back of the log are remembered."""

_MARKERS: Final = (b"##[", b"exited with")
_SIEVE: Final = tuple(literal.encode() for literal in LITERALS if literal.encode() not in _MARKERS)
_EXAMINED_PER_END: Final = 300
"""Of each block, so many lines of its front and of its back: a log of errors alone takes no longer."""

_DIGITS: Final = re.compile(r"\d+")
_SHAPE: Final = 120
"""Characters that decide whether two lines are alike."""


class Anchor(NamedTuple):
    """A loud line."""

    line: int
    weight: float
    shape: int
    """Equal for lines that differ in digits only."""


class Scan(NamedTuple):
    """What one pass over a log found."""

    total_lines: int
    anchors: list[Anchor]
    section: tuple[int, int]
    """First and last line of the failing step, 1-based; the whole log when it does not tell."""
    exit_code: int | None
    blocks: list[tuple[int, int]]
    """Line number and byte offset at which each block starts."""


def scan_log(log: BinaryIO, command_line: str | None = None) -> Scan:
    """One pass over a log: where its loud lines are, and which lines belong to the failing step."""
    anchors = _Anchors()
    steps = _Steps(command_line)
    blocks: list[tuple[int, int]] = []
    line, offset, open_end = 1, 0, False
    for block in read_blocks(log):
        blocks.append((line, offset))
        position, number = 0, line
        for start, end in _sieve(block):
            number += block.count(b"\n", position, start)
            position = start
            text = clean_line(cap_line(block[start:end]))
            if weight := loudness(text):
                anchors.add(Anchor(number, weight, zlib.crc32(_DIGITS.sub("", text[:_SHAPE]).encode())))
            steps.see(number, text)
        line += block.count(b"\n")
        offset = log.tell()
        open_end = not block.endswith(b"\n")
    total = line if open_end else line - 1
    return Scan(total, anchors.kept(), steps.section(total), steps.exit_code, blocks)


def _sieve(block: bytes) -> list[tuple[int, int]]:
    """Start and end of the lines that hold one of the literals, in order; of too many, the outer ones."""
    lowered = block.lower()
    markers = _lines_with(lowered, _MARKERS)
    return sorted({**_outer(_lines_with(lowered, _SIEVE)), **_outer(markers)}.items())


def _lines_with(lowered: bytes, literals: tuple[bytes, ...]) -> dict[int, int]:
    found: dict[int, int] = {}
    for literal in literals:
        position = lowered.find(literal)
        while position >= 0:
            start = lowered.rfind(b"\n", 0, position) + 1
            end = lowered.find(b"\n", position)
            if end < 0:
                end = len(lowered)
            found[start] = end
            position = lowered.find(literal, end)
    return found


def _outer(found: dict[int, int]) -> dict[int, int]:
    if len(found) <= 2 * _EXAMINED_PER_END:
        return found
    starts = sorted(found)
    kept = starts[:_EXAMINED_PER_END] + starts[-_EXAMINED_PER_END:]
    return {start: found[start] for start in kept}


class _Anchors:
    """The loud lines, bounded: of each loudness the first ones and the last ones."""

    def __init__(self) -> None:
        self._first: dict[float, list[Anchor]] = {}
        self._last: dict[float, deque[Anchor]] = {}

    def add(self, anchor: Anchor) -> None:
        first = self._first.setdefault(anchor.weight, [])
        if len(first) < _ANCHORS_KEPT:
            first.append(anchor)
        else:
            self._last.setdefault(anchor.weight, deque(maxlen=_ANCHORS_KEPT)).append(anchor)

    def kept(self) -> list[Anchor]:
        kept = [anchor for group in (*self._first.values(), *self._last.values()) for anchor in group]
        return sorted(kept)


_GROUP: Final = re.compile(r"##\[group\]Run (?P<title>.*)")
_STEP_ERROR: Final = re.compile(r"##\[error\]Process completed with exit code (?P<code>\d{1,9})")
_EXITED: Final = re.compile(r"exited with (?:code )?(?P<code>[1-9]\d{0,8})\.?$")


class _Steps:
    """Where the failing step's part of the log begins and ends, as far as markers tell."""

    def __init__(self, command_line: str | None) -> None:
        self._wanted = (command_line or "").strip()
        self.exit_code: int | None = None
        self._start = 0
        self._matches = False
        self._found: tuple[int, int] | None = None
        self._certain = False

    def see(self, line: int, text: str) -> None:
        if group := _GROUP.match(text):
            self._start = line
            self._matches = bool(self._wanted) and group["title"].strip() == self._wanted
        elif not self._certain and (end := _STEP_ERROR.match(text) or _EXITED.search(text)):
            if self._found is None or self._matches:
                self._found = (max(self._start, 1), line)
                self.exit_code = int(end["code"])
            self._certain = self._matches

    def section(self, total_lines: int) -> tuple[int, int]:
        return self._found or (1, total_lines)
