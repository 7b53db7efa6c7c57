"""One pass over a log of any size: where its loud lines are, and which part belongs to the failing step."""

import itertools
from collections.abc import Container
from typing import BinaryIO, Final, NamedTuple

from ahocorasick_rs import BytesAhoCorasick

from activities.evidence.log_lines import (
    Block,
    BlockIndex,
    cap_line,
    clean_line,
    clean_lines,
    line_key,
    read_blocks,
)
from activities.evidence.signals import LITERALS, loudness
from activities.evidence.steps import MARKERS, MARKS, Steps

_ANCHORS_KEPT: Final = 500
"""Of each loudness, so many from the front and so many from the back of the log are remembered."""
_ANCHORS_HELD: Final = 20_000
"""With more than this, those between are dropped while the log is still being read."""
_HITS_EXAMINED: Final = 750
"""Of each block, so many words of its front and of its back: a log of errors alone takes no longer."""

_SIEVE: Final = BytesAhoCorasick([literal.encode() for literal in (*MARKERS, *LITERALS)])
_AT_FIRST_LINE: Final = tuple(literal[1:].encode() for literal in LITERALS if literal.startswith("\n"))
"""What of the literals stands at the beginning of a block, where no line feed is before it."""
_DIGITS: Final = b"0123456789"
_DIGITS_ALIKE: Final = bytes.maketrans(b"23456789", b"11111111")
"""Lines that differ in digits only are equally loud, as long as none of these digits is a zero."""
_KINDS_KEPT: Final = 8_192
_KIND_BYTES: Final = 300
"""Longer lines are seldom alike."""
_SHAPE: Final = 120
"""Characters that decide whether two lines are alike."""
_KNOWN: Final = 0.2
"""What is left of a loud line that a green run of the same job printed too."""


_Judged = tuple[float, int, bool]
"""Of a kind of line: its loudness, its shape (equal for lines that differ in digits only), and whether it
marks a step."""

_judged: Final[dict[bytes, _Judged]] = {}
"""The kinds met so far, in this log or in another one."""


Anchor = tuple[int, float, int]
"""A loud line: its number, its loudness, and its shape."""


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
    anchors: list[Anchor] = []
    steps = Steps(command_line)
    index = BlockIndex(log)
    for text in read_blocks(log):
        first = index.total_lines + 1
        block, lines, total = _sieve(text)
        index.append(block, total)
        judged = _judge(lines)
        for place, line, (_, _, marks) in zip(block.places, lines, judged, strict=True):
            if marks:
                steps.see(first + place, clean_line(line))
        if known is not None:
            judged = [_expected(line, each, known) for line, each in zip(lines, judged, strict=True)]
        anchors += [
            (first + place, weight, shape)
            for place, (weight, shape, _) in zip(block.places, judged, strict=True)
            if weight
        ]
        if len(anchors) > _ANCHORS_HELD:
            anchors = _outer(anchors)
    return Scan(_outer(anchors), steps.section(index.total_lines), steps.exit_code, index)


def _sieve(block: bytes) -> tuple[Block, list[bytes], int]:
    """Where a block's lines hold a literal, of too many the outer ones; these lines; and how many it has."""
    hits = _SIEVE.find_matches_as_indexes(block.lower())
    if len(hits) > 2 * _HITS_EXAMINED:
        markers = len(MARKERS)
        inner = [hit for hit in hits[_HITS_EXAMINED:-_HITS_EXAMINED] if hit[0] < markers]
        hits = [*hits[:_HITS_EXAMINED], *inner, *hits[-_HITS_EXAMINED:]]
    ends = [end for _, _, end in hits]
    if block.startswith(_AT_FIRST_LINE):
        ends.insert(0, 1)
    places, starts, lines = [], [], []
    place, counted, line_end = 0, 0, -1
    for end in ends:
        if end <= line_end:
            continue
        start = block.rfind(b"\n", 0, end) + 1
        line_end = block.find(b"\n", end)
        if line_end < 0:
            line_end = len(block)
        place += block.count(b"\n", counted, start)
        counted = start
        places.append(place)
        starts.append(start)
        lines.append(cap_line(block[start:line_end]))
    total = place + block.count(b"\n", counted) + (not block.endswith(b"\n"))
    return Block(block, places, starts), lines, total


def _judge(lines: list[bytes]) -> list[_Judged]:
    """Each line's kind: most lines of a log are alike, and so are those of many logs."""
    kinds = [line.translate(_DIGITS_ALIKE) for line in lines]
    found = list(map(_judged.get, kinds))
    new = {kind: line for kind, line, known in zip(kinds, lines, found, strict=True) if known is None}
    fresh: dict[bytes, _Judged] = {}
    for kind, text in zip(new, clean_lines(list(new.values())), strict=False):
        shape = hash(text[:_SHAPE].encode().translate(None, _DIGITS))
        fresh[kind] = loudness(text), shape, any(map(text.__contains__, MARKS))
    if len(_judged) > _KINDS_KEPT:
        _judged.clear()
    _judged.update((kind, known) for kind, known in fresh.items() if len(kind) <= _KIND_BYTES)
    return [known or fresh[kind] for kind, known in zip(kinds, found, strict=True)]


def _expected(line: bytes, judged: _Judged, known: Container[bytes]) -> _Judged:
    weight, shape, marks = judged
    return (weight * _KNOWN, shape, marks) if weight and line_key(clean_line(line)) in known else judged


def _outer(anchors: list[Anchor]) -> list[Anchor]:
    """Of each loudness the first ones and the last ones, in order."""
    if len(anchors) <= 2 * _ANCHORS_KEPT:
        return anchors
    groups: dict[float, list[Anchor]] = {}
    for anchor in anchors:
        groups.setdefault(anchor[1], []).append(anchor)
    kept = (
        group if len(group) <= 2 * _ANCHORS_KEPT else group[:_ANCHORS_KEPT] + group[-_ANCHORS_KEPT:]
        for group in groups.values()
    )
    return sorted(itertools.chain.from_iterable(kept))
