"""The lines of a log that explain its failure, within a byte budget, from a file of any size."""

import bisect
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from activities.evidence.log_file import open_log
from activities.evidence.log_lines import cap_line, clean_line, read_blocks
from activities.evidence.redaction import redact
from activities.evidence.scan import Scan, scan_log
from activities.evidence.signals import bounds, continues
from workflows.models import Excerpt

_ABOVE, _BELOW = 15, 60
"""Lines looked at around an anchor."""
_TAIL_LINES: Final = 200
_BYTES_PER_LINE_WEIGHED: Final = 8
"""One line is looked at for so many bytes of budget: several times what fits, and no more."""
_CRUMBS_BYTES: Final = 40
"""With less than this left, nothing worth showing fits any more."""

# Chosen by trying out on labelled CI logs of many languages and tools; none of them is critical by itself.
_OUTSIDE: Final = 0.35
_FEW_ALIKE, _LIKENESS_FADE = 3, 0.3
_RANK_FADE, _LAST_RANK = 0.02, 0.5
_FADE_INSIDE, _FADE_AFTER, _FADE_BEFORE, _FADE_AT_BOUND = 0.98, 0.88, 0.8, 0.3
_TAIL, _TAIL_FADE = 0.5, 0.97
_BEYOND, _BEYOND_FADE = 0.3, 0.8


class ExaminedLog(NamedTuple):
    """What a log says of its job's failure."""

    excerpt: Excerpt
    line_numbers: tuple[int | None, ...]
    """For each line of the excerpt, which line of the log it is; None where it is a note of Regreen's."""
    exit_code: int | None
    log_bytes: int
    """Of the plain text."""
    problem: str | None
    """Why less was read than there ought to be."""


def examine_log(path: Path, budget_bytes: int, command_line: str | None = None) -> ExaminedLog:
    """The part of a log that explains the failure, and the failing command's exit code.

    Args:
        path: A raw log, plain or gzip, from any CI service; GitHub's markers are used where they stand and
            missed nowhere.
        budget_bytes: The most UTF-8 bytes the excerpt's text may have.
        command_line: The first line of the failing step's command, where it is known.

    Never raises on any content. One pass finds the loud lines; a second reads only their surroundings.
    Memory does not grow with the log.
    """
    with open_log(path) as log:
        scan = scan_log(log.file, command_line)
        candidates = list(_weigh(log.file, scan, budget_bytes))
        excerpt, numbers = _choose(candidates, scan.total_lines, budget_bytes)
        return ExaminedLog(excerpt, numbers, scan.exit_code, log.size, log.problem)


class Candidate(NamedTuple):
    """A line that might be shown."""

    line: int
    text: str
    value: float
    repeats: bool
    """The same text as the line above it."""


def _weigh(log: BinaryIO, scan: Scan, budget_bytes: int) -> Iterator[Candidate]:
    loud = _loud_lines(scan)
    for start, end in _neighbourhoods(scan, loud, budget_bytes):
        texts = [clean_line(cap_line(raw)) for raw in _lines_between(log, scan, start, end)]
        yield from _values(start, texts, loud, scan.section[1])


def _loud_lines(scan: Scan) -> dict[int, float]:
    """What each loud line weighs: less outside the failing step, where many are alike, and after others.

    The last makes the excerpt show the first failures whole rather than the first lines of all of them.
    """
    first, last = scan.section
    alike = Counter(anchor.shape for anchor in scan.anchors)
    loud = {
        anchor.line: anchor.weight
        * (1.0 if first <= anchor.line <= last else _OUTSIDE)
        * min(1.0, (_FEW_ALIKE / alike[anchor.shape]) ** _LIKENESS_FADE)
        for anchor in scan.anchors
    }
    for rank, line in enumerate(sorted(loud, key=lambda line: (-loud[line], line))):
        loud[line] *= max(_LAST_RANK, 1.0 - _RANK_FADE * rank)
    return loud


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
    count = len(texts)
    down, up = array("d", bytes(8 * count)), array("d", bytes(8 * count))
    glow = 0.0
    for index, text in enumerate(texts):
        glow *= _FADE_AT_BOUND if bounds(text) else _FADE_INSIDE if continues(text) else _FADE_AFTER
        own = loud.get(start + index, 0.0)
        glow = max(own, glow)
        down[index] = glow
    glow = 0.0
    for index in range(count - 1, -1, -1):
        glow *= _FADE_BEFORE
        glow = max(loud.get(start + index, 0.0), glow)
        up[index] = glow
        if bounds(texts[index]):
            glow *= _FADE_AT_BOUND
    for index, text in enumerate(texts):
        line = start + index
        distance = last - line
        tail = _TAIL * _TAIL_FADE**distance if distance >= 0 else _BEYOND * _BEYOND_FADE**-distance
        value = max(down[index], up[index]) + tail
        repeats = bool(text) and index > 0 and text == texts[index - 1]
        yield Candidate(line, text, value, repeats)


_Numbered = tuple[Excerpt, tuple[int | None, ...]]


def _choose(candidates: list[Candidate], total_lines: int, budget_bytes: int) -> _Numbered:
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
        rendered = _render(sorted(chosen), total_lines)
        excess = len(rendered[0].text.encode()) - budget_bytes
        if excess <= 0:
            return rendered
        while chosen and excess > 0:
            dropped = chosen.pop()
            excess -= 0 if dropped.repeats else len(dropped.text.encode()) + 1


def _render(chosen: list[Candidate], total_lines: int) -> _Numbered:
    parts: list[tuple[int | None, str]] = []
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
        parts.append((candidate.line, candidate.text))
    parts += _repetition(repeated)
    parts += _gap(total_lines - (ranges[-1][1] if ranges else 0))
    shown = sum(last - first + 1 for first, last in ranges)
    excerpt = Excerpt(
        text=redact("\n".join(text for _, text in parts)),
        total_lines=total_lines,
        omitted_lines=total_lines - shown,
        ranges=tuple(ranges),
    )
    return excerpt, tuple(number for number, _ in parts)


def _gap(lines: int) -> list[tuple[int | None, str]]:
    return [(None, f"… {lines:,} {'line' if lines == 1 else 'lines'} omitted …")] if lines > 0 else []


def _repetition(times: int) -> list[tuple[int | None, str]]:
    return [(None, f"… the line above stands {times + 1:,} times …")] if times else []
