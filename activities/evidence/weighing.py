"""How much each line near a loud one tells about the failure."""

from collections.abc import Container, Mapping
from operator import add
from typing import Final

from activities.evidence.layout import Lines, shown_sizes
from activities.evidence.log_lines import cap_lines, clean_lines, line_key
from activities.evidence.scan import Scan
from activities.evidence.signals import Bond, bonds

_TAIL_LINES: Final = 40
"""Lines looked at before the failing step's end."""
_BYTES_PER_LINE_WEIGHED: Final = 40
"""One line is looked at for so many bytes of budget: more than what fits, and no more."""
_NEAR: Final = 10
"""Lines looked at above a loud one, and the fewest below it."""
_BELOW: Final = 3
"""Below it, one of so many of the lines still to be looked at: so that several places get their share."""

# Tried out on labelled CI logs of many languages and tools, as round numbers; none is critical by itself.
_OUTSIDE: Final = 0.35
"""What a loud line outside the failing step is worth."""
_ALIKE: Final = 3
_LIKENESS_FADE: Final = 0.5
"""Of loud lines that differ in digits only, those after the third count less and less."""
_RANK_FADE: Final = 0.1
_LAST_RANK: Final = 0.3
_REGION_LINES: Final = 40
"""Each further place of the log that has loud lines counts less, so that the first is shown whole."""
_FADE: Final[Mapping[Bond, float]] = {
    "part": 0.995,
    "indented": 0.995,
    "loose": 0.88,
    "good": 0.5,
    "bound": 0.3,
}
"""What is left of a loud line's worth with each line below it."""
_FADE_UPWARDS: Final[Mapping[Bond, float]] = {bond: 0.9 * fade for bond, fade in _FADE.items()}
"""Of a line's worth, what reaches the line above it."""
_TAIL: Final = 0.75
_TAIL_FADE: Final = 0.97
"""The last lines before the failing step's end are worth something anyway."""
_KNOWN: Final = 0.2
"""What is left of a line that a green run of the same job printed too."""


def weigh(scan: Scan, budget_bytes: int, known: Container[bytes] | None = None) -> tuple[Lines, list[float]]:
    """The lines worth showing, in order, and how much each tells; more than what the budget holds."""
    loud = _loud_lines(scan)
    numbers: list[int] = []
    texts: list[str] = []
    values: list[float] = []
    for start, end in _neighbourhoods(scan, loud, budget_bytes):
        near = clean_lines(cap_lines(scan.log.lines(start, end)))
        numbers += range(start, start + len(near))
        texts += near
        values += _values(start, near, loud, scan.section[1])
    if known is not None:
        values = [
            value * _KNOWN if line_key(text) in known else value
            for text, value in zip(texts, values, strict=True)
        ]
    return Lines(numbers, texts, shown_sizes(texts)), values


def _loud_lines(scan: Scan) -> dict[int, float]:
    """What each loud line weighs, the heaviest first.

    Less outside the failing step, where many are alike, and after others. The last makes the excerpt show the
    first failures whole rather than the first lines of all of them.
    """
    first, last = scan.section
    met: dict[int, int] = {}
    loud = {}
    for line, weight, shape in scan.anchors:
        alike = met[shape] = met.get(shape, 0) + 1
        inside = weight if first <= line <= last else weight * _OUTSIDE
        loud[line] = inside if alike <= _ALIKE else inside * (_ALIKE / alike) ** _LIKENESS_FADE
    ranked: set[int] = set()
    by_rank = {}
    for line in sorted(loud, key=loud.__getitem__, reverse=True):  # which keeps the order of equals
        by_rank[line] = loud[line] * max(_LAST_RANK, 1.0 - _RANK_FADE * (len(ranked) // 2))
        region = line // _REGION_LINES
        ranked.update((region, region + 1))
    return by_rank


def _neighbourhoods(scan: Scan, loud: dict[int, float], budget_bytes: int) -> list[tuple[int, int]]:
    """The line ranges worth a closer look: around the failing step's end, then around the loudest lines."""
    total = scan.log.total_lines
    if not total:
        return []
    last = scan.section[1]
    wanted = [(max(1, last - _TAIL_LINES), last)]
    seen = set(range(wanted[0][0], wanted[0][1] + 1))
    allowance = budget_bytes // _BYTES_PER_LINE_WEIGHED
    for line in loud:
        if allowance <= 0:
            break
        below = max(_NEAR, allowance // _BELOW)
        around = range(max(1, line - _NEAR), min(total, line + below) + 1)
        before = len(seen)
        seen.update(around)
        allowance -= len(seen) - before
        wanted.append((around.start, around.stop - 1))
    if allowance > 0:
        wanted.append((max(1, wanted[0][0] - allowance), wanted[0][0]))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(wanted):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _values(start: int, texts: list[str], loud: dict[int, float], last: int) -> list[float]:
    """How much each line says: loud lines shine on what follows them, farther where the message goes on."""
    numbers = range(start, start + len(texts))
    own = [loud.get(number, 0.0) for number in numbers]
    hang = bonds(texts)
    shine = map(max, _shine_down(texts, hang, own), _shine_up(hang, own))
    tail = (_TAIL * _TAIL_FADE ** (last - number) if number <= last else 0.0 for number in numbers)
    return list(map(add, shine, tail))


def _shine_down(texts: list[str], hang: list[Bond], own: list[float]) -> list[float]:
    glow, indent = 0.0, 0
    found = []
    for text, bond, loud in zip(texts, hang, own, strict=True):
        apart = bond == "indented" and indent and _indent(text) <= indent
        glow *= _FADE["loose" if apart else bond]
        if loud > glow:
            glow, indent = loud, _indent(text)
        found.append(glow)
    return found


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _shine_up(hang: list[Bond], own: list[float]) -> list[float]:
    glow = 0.0
    found = []
    for bond, loud in zip(reversed(hang), reversed(own), strict=True):
        if loud > glow:  # noqa: PLR1730 — calling max() takes as long as all the rest
            glow = loud
        found.append(glow)
        glow *= _FADE_UPWARDS[bond]
    found.reverse()
    return found
