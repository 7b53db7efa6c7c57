"""The lines of a log that explain its failure, within a byte budget, from a file of any size."""

from collections.abc import Container
from pathlib import Path
from typing import Final, NamedTuple

from activities.evidence.layout import Layout, Lines, gaps, lay_out, repetitions
from activities.evidence.log_file import open_log
from activities.evidence.scan import scan_log
from activities.evidence.weighing import weigh
from workflows.models import Excerpt

_NOTE_BYTES: Final = 29
"""What a note about missing lines takes, about; how many there are is known only once lines were chosen."""
_CRUMBS_BYTES: Final = 40
"""With less than this left, nothing worth showing fits any more."""
_LENGTH_FADE: Final = 0.05
"""How much a long line has to tell more than a short one."""
_REPEATED_BYTES: Final = 8
"""What a repeated line takes: a share of the note that stands for it and its neighbours."""


class ExaminedLog(NamedTuple):
    """What a log says of its job's failure."""

    excerpt: Excerpt
    line_numbers: tuple[int | None, ...]
    """For each line of the excerpt, which line of the log it is; None where it is a note of Regreen's."""
    exit_code: int | None
    log_bytes: int
    """Of the plain text."""
    problem: str | None
    """Why less was read than there ought to be, or what was taken otherwise than it stands there."""


def examine_log(
    path: Path, budget_bytes: int, command_line: str | None = None, *, known: Container[bytes] | None = None
) -> ExaminedLog:
    """The part of a log that explains the failure, and the failing command's exit code.

    Args:
        path: A raw log, plain or gzip, from any CI service; markers are used where they stand and missed
            nowhere.
        budget_bytes: The most UTF-8 bytes the excerpt's text may have.
        command_line: The first line of the failing step's command, where it is known.
        known: The `line_key` of lines that a green run of the same job printed too; they count for little.

    Never raises on any content. One pass finds the loud lines; then only their surroundings are looked at.
    Memory does not grow with the log.
    """
    with open_log(path) as log:
        scan = scan_log(log.file, command_line, known)
        lines, values = weigh(scan, budget_bytes, known)
        total = scan.log.total_lines
    layout, text = _choose(lines, values, total, budget_bytes)
    ranges, numbers = layout.ranges, tuple(number for number, _ in layout.entries())
    if log.one_line:
        total, ranges, numbers = 1, ((1, 1),), tuple(number and 1 for number in numbers)
    excerpt = Excerpt(
        text=text,
        total_lines=total,
        omitted_lines=total - sum(last - first + 1 for first, last in ranges),
        ranges=ranges,
    )
    return ExaminedLog(excerpt, numbers, scan.exit_code, log.size, log.problem)


def _choose(lines: Lines, values: list[float], total_lines: int, budget_bytes: int) -> tuple[Layout, str]:
    """The most telling lines that fit, and their text."""
    costs = _costs(lines)
    worth = [-value / cost**_LENGTH_FADE for value, cost in zip(values, costs, strict=True)]
    order = sorted(range(len(worth)), key=worth.__getitem__)

    def chosen(allowed: int) -> Layout:
        return lay_out(lines.at(_pick(order, costs, allowed)), total_lines)

    numbers = [lines.numbers[place] for place in _pick(order, costs, budget_bytes)]
    allowed = budget_bytes - _NOTE_BYTES * len(gaps(numbers, total_lines))
    layout = chosen(allowed)
    if layout.size + _CRUMBS_BYTES < budget_bytes and layout.ranges != ((1, total_lines),):
        allowed += budget_bytes - layout.size
        layout = chosen(allowed)
    allowed = min(allowed, sum(costs))
    while True:
        excess = layout.size - budget_bytes
        text = layout.text() if excess <= 0 else ""
        excess = max(excess, len(text.encode()) - budget_bytes)
        if excess <= 0 or not layout.ranges:
            return layout, text
        allowed -= max(excess, _CRUMBS_BYTES)
        layout = chosen(allowed)


def _costs(lines: Lines) -> list[int]:
    costs = lines.sizes.copy()
    for place, count, _ in repetitions(lines):
        costs[place : place + count] = [_REPEATED_BYTES] * count
    return costs


def _pick(order: list[int], costs: list[int], allowed: int) -> list[int]:
    """The places of the first lines of `order` that `allowed` bytes hold, as the log has them."""
    picked = []
    for place in order:
        if costs[place] <= allowed:
            allowed -= costs[place]
            picked.append(place)
        elif allowed < _CRUMBS_BYTES:
            break
    picked.sort()
    return picked
