"""One pass over a log of any size: where its loud lines are, and which part belongs to the failing step."""

from collections import deque
from collections.abc import Container
from functools import lru_cache
from typing import BinaryIO, Final, NamedTuple

from ahocorasick_rs import BytesAhoCorasick

from activities.evidence.log_lines import BlockIndex, cap_line, clean_lines, line_key
from activities.evidence.signals import LITERALS, loudness
from activities.evidence.steps import MARKERS, Steps

_ANCHORS_KEPT: Final = 500
"""Of each loudness, so many from the front and so many from the back of the log are remembered."""
_HITS_EXAMINED: Final = 600
"""Of each block, so many words of its front and of its back: a log of errors alone takes no longer."""

_SIEVE: Final = BytesAhoCorasick([literal.encode() for literal in (*MARKERS, *LITERALS)])
_NO_DIGITS: Final = dict.fromkeys(map(ord, "0123456789"))
_SHAPE: Final = 120
"""Characters that decide whether two lines are alike."""
_KNOWN: Final = 0.2
"""What is left of a loud line that a green run of the same job printed too."""


class Anchor(NamedTuple):
    """A loud line."""

    line: int
    weight: float
    shape: int
    """Equal for lines that differ in digits only."""


class Scan(NamedTuple):
    """What one pass over a log found."""

    anchors: list[Anchor]
    section: tuple[int, int]
    """First and last line of the failing step, 1-based; the whole log when it does not tell."""
    exit_code: int | None
    log: BlockIndex
    """Gives lines by number."""


def scan_log(log: BinaryIO, command_line: str | None = None, known: Container[bytes] | None = None) -> Scan:
    """One pass over a log: where its loud lines are, and which lines belong to the failing step."""
    anchors = _Anchors()
    steps = Steps(command_line)
    index = BlockIndex(log)
    for number, block in index.read():
        lines, raw = _sieve(block, number)
        for line, text in zip(lines, clean_lines(raw), strict=False):
            steps.see(line, text)
            weight = loudness(text)
            if weight:
                if known is not None and line_key(text) in known:
                    weight *= _KNOWN
                anchors.add(Anchor(line, weight, _shape(text)))
    return Scan(anchors.kept(), steps.section(index.total_lines), steps.exit_code, index)


def _sieve(block: bytes, number: int) -> tuple[list[int], list[bytes]]:
    """Numbers and bytes of the lines of a block that hold a literal; of too many, the outer ones."""
    hits = _SIEVE.find_matches_as_indexes(block.lower())
    if len(hits) > 2 * _HITS_EXAMINED:
        markers = len(MARKERS)
        inner = [hit for hit in hits[_HITS_EXAMINED:-_HITS_EXAMINED] if hit[0] < markers]
        hits = [*hits[:_HITS_EXAMINED], *inner, *hits[-_HITS_EXAMINED:]]
    numbers, lines = [], []
    counted, end = 0, -1
    for _, position, _ in hits:
        if position < end:
            continue
        start = block.rfind(b"\n", 0, position) + 1
        end = block.find(b"\n", position)
        if end < 0:
            end = len(block)
        number += block.count(b"\n", counted, start)
        counted = start
        numbers.append(number)
        lines.append(cap_line(block[start:end]))
    return numbers, lines


@lru_cache(maxsize=2_048)  # logs say the same things again and again
def _shape(text: str) -> int:
    return hash(text[:_SHAPE].translate(_NO_DIGITS))


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
