"""The lines of a log that explain its failure, within a byte budget, from a file of any size."""

import bisect
import re
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from activities.evidence.log_lines import cap_line, clean_line, read_blocks
from activities.evidence.redaction import redact
from activities.evidence.signals import LITERALS, bounds, continues, loudness
from workflows.models import Excerpt

_ANCHORS_KEPT: Final = 1_500
"""Of each loudness, so many from the front and so many from the back of the log are remembered."""

_MARKERS: Final = (b"##[", b"exited with")
_SIEVE: Final = tuple(literal.encode() for literal in LITERALS if literal.encode() not in _MARKERS)
_EXAMINED_PER_END: Final = 300
"""Of each block, so many lines of its front and of its back: a log of errors alone takes no longer."""

_ABOVE, _BELOW = 15, 60
"""Lines looked at around an anchor."""
_TAIL_LINES: Final = 200
_BYTES_PER_LINE_WEIGHED: Final = 8
"""One line is looked at for so many bytes of budget: several times what fits, and no more."""


_CRUMBS_BYTES: Final = 40
"""With less than this left, nothing worth showing fits any more."""


_DIGITS: Final = re.compile(r"\d+")


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


class ExaminedLog(NamedTuple):
    """What a log says of its job's failure."""

    excerpt: Excerpt
    exit_code: int | None


def examine_log(path: Path, budget_bytes: int, command_line: str | None = None) -> ExaminedLog:
    """The part of a log that explains the failure, and the failing command's exit code.

    Args:
        path: A raw log, from any CI service; GitHub's markers are used where they stand and missed nowhere.
        budget_bytes: The most UTF-8 bytes the excerpt's text may have.
        command_line: The first line of the failing step's command, where it is known.

    Never raises on any content. One pass finds the loud lines; a second reads only their surroundings.
    Memory does not grow with the log.
    """
    with path.open("rb") as log:
        scan = scan_log(log, command_line)
        candidates = list(_weigh(log, scan, budget_bytes))
    return ExaminedLog(_choose(candidates, scan.total_lines, budget_bytes), scan.exit_code)


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
                anchors.add(Anchor(number, weight, hash(_DIGITS.sub("", text[:120]))))
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


class Candidate(NamedTuple):
    """A line that might be shown."""

    line: int
    text: str
    value: float
    repeats: bool
    """The same text as the line above it."""


def _weigh(log: BinaryIO, scan: Scan, budget_bytes: int) -> Iterator[Candidate]:
    first, last = scan.section
    shapes = Counter(anchor.shape for anchor in scan.anchors)
    import os
    P=float(os.environ.get('P','0')); Q=float(os.environ.get('Q','0'));F=float(os.environ.get('F','3'))
    loud = {
        a.line: a.weight * (1.0 if first <= a.line <= last else 0.35)*(1-P*(last-a.line)/max(1,last)) * min(1,(F/shapes[a.shape])**Q)
        for a in scan.anchors
    }
    R=float(os.environ.get('R','0'))
    for rank,line in enumerate(sorted(loud,key=lambda l:(-loud[l],l))): loud[line]*=max(0.5,1-R*rank)
    for start, end in _neighbourhoods(scan, loud, budget_bytes):
        texts = [clean_line(cap_line(raw)) for raw in _lines_between(log, scan, start, end)]
        yield from _values(start, texts, loud, last)


def _neighbourhoods(scan: Scan, loud: dict[int, float], budget_bytes: int) -> list[tuple[int, int]]:
    """The line ranges worth a closer look: around the failing step's end, then around the loudest lines."""
    if not scan.total_lines:
        return []
    last = scan.section[1]
    wanted = [(max(1, last - _TAIL_LINES), min(scan.total_lines, last + 20))]
    seen = set(range(wanted[0][0], wanted[0][1] + 1))
    allowance = budget_bytes // _BYTES_PER_LINE_WEIGHED
    for line in sorted(loud, key=lambda line: (-loud[line], line)):
        if allowance <= 0:
            break
        around = range(max(1, line - _ABOVE), min(scan.total_lines, line + _BELOW) + 1)
        allowance -= sum(each not in seen for each in around)
        seen.update(around)
        wanted.append((around.start, around.stop - 1))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(wanted):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _lines_between(log: BinaryIO, scan: Scan, start: int, end: int) -> Iterator[bytes]:
    place = bisect.bisect_right(scan.blocks, start, key=lambda block: block[0]) - 1
    number, offset = scan.blocks[place]
    log.seek(offset)
    for block in read_blocks(log):
        lines = block.removesuffix(b"\n").split(b"\n")
        yield from lines[max(start - number, 0) : end - number + 1]
        number += len(lines)
        if number > end:
            return


def _values(start: int, texts: list[str], loud: dict[int, float], last: int) -> Iterator[Candidate]:
    """How much each line says: loud lines shine on what follows them, farther where the message goes on."""
    import os
    C=float(os.environ.get('C','0.965'));N=float(os.environ.get('N','0.88'))
    count = len(texts)
    down, up = array("d", bytes(8 * count)), array("d", bytes(8 * count))
    glow = 0.0
    for index, text in enumerate(texts):
        glow *= 0.3 if bounds(text) else C if continues(text) else N
        own = loud.get(start + index, 0.0)
        glow = max(own, glow)
        down[index] = glow
    glow = 0.0
    for index in range(count - 1, -1, -1):
        glow *= 0.8
        glow = max(loud.get(start + index, 0.0), glow)
        up[index] = glow
        if bounds(texts[index]):
            glow *= 0.3
    for index, text in enumerate(texts):
        line = start + index
        distance = last - line
        tail = 0.5 * 0.97**distance if distance >= 0 else 0.3 * 0.8**-distance
        value = max(down[index], up[index]) + tail
        repeats = bool(text) and index > 0 and text == texts[index - 1]
        yield Candidate(line, text, value, repeats)


def _choose(candidates: list[Candidate], total_lines: int, budget_bytes: int) -> Excerpt:
    """The most telling lines that fit. What notes and redaction add, the least telling ones pay."""
    left = budget_bytes
    chosen: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda candidate: (-candidate.value, candidate.line)):
        cost = 0 if candidate.repeats else len(candidate.text.encode()) + 1
        if cost <= left:
            left -= cost
            chosen.append(candidate)
        elif left < _CRUMBS_BYTES:
            break
    while True:
        excerpt = _render(sorted(chosen), total_lines)
        excess = len(excerpt.text.encode()) - budget_bytes
        if excess <= 0:
            return excerpt
        while chosen and excess > 0:
            dropped = chosen.pop()
            excess -= 0 if dropped.repeats else len(dropped.text.encode()) + 1


def _render(chosen: list[Candidate], total_lines: int) -> Excerpt:
    parts: list[str] = []
    ranges: list[tuple[int, int]] = []
    repeated = 0
    for candidate in chosen:
        follows = bool(ranges) and candidate.line == ranges[-1][1] + 1
        if follows and candidate.repeats:
            repeated += 1
            ranges[-1] = (ranges[-1][0], candidate.line)
            continue
        parts += _repetition(repeated)
        repeated = 0
        if follows:
            ranges[-1] = (ranges[-1][0], candidate.line)
        else:
            parts += _gap(candidate.line - (ranges[-1][1] if ranges else 0) - 1)
            ranges.append((candidate.line, candidate.line))
        parts.append(candidate.text)
    parts += _repetition(repeated)
    parts += _gap(total_lines - (ranges[-1][1] if ranges else 0))
    shown = sum(last - first + 1 for first, last in ranges)
    return Excerpt(
        text=redact("\n".join(parts)),
        total_lines=total_lines,
        omitted_lines=total_lines - shown,
        ranges=tuple(ranges),
    )


def _gap(lines: int) -> list[str]:
    return [f"… {lines:,} {'line' if lines == 1 else 'lines'} omitted …"] if lines > 0 else []


def _repetition(times: int) -> list[str]:
    return [f"… the line above stands {times + 1:,} times …"] if times else []
