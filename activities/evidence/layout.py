"""Chosen lines as text: gaps and repetitions stated, long lines shortened, secrets gone."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from activities.evidence.redaction import redact

_LINE_CHARACTERS: Final = 300
"""Longer lines keep their beginning and their end: what is missing shows other lines instead."""
_HEAD_CHARACTERS: Final = 180
_SHORTEST_NOTE: Final = 30
_CUT: Final = re.compile(r"… (\d{1,19}) bytes omitted …")


Entries = list[tuple[int | None, str]]
Range = tuple[int, int]


class Line(NamedTuple):
    """A line that might be shown."""

    number: int
    text: str
    size: int
    """What it takes as a line of an excerpt, in UTF-8 bytes with its end."""
    value: float = 0.0
    """How much it tells; no more than an order."""


class Layout(NamedTuple):
    """What would be shown."""

    entries: Entries
    """Each with its line number; None for a note of Regreen's."""
    ranges: tuple[Range, ...]
    """The lines that stand here or that a note says to repeat what stands here; 1-based, inclusive."""
    size: int
    """UTF-8 bytes of the text, as far as nothing has to be redacted."""

    def text(self) -> str:
        """The entries, one a line, redacted and shortened.

        In this order: half of a token would not be recognised. A line of the log that looks like a note has
        its dots spelled out, so that whoever reads the text alone can tell the two apart.
        """
        lines = redact("\n".join(text for _, text in self.entries)).split("\n")
        return "\n".join(
            _unlike_a_note(shortened(line)) if number else line
            for line, (number, _) in zip(lines, self.entries, strict=False)
        )


def _unlike_a_note(text: str) -> str:
    return text.replace("…", "...") if text.startswith("… ") and text.endswith(" …") else text


def lay_out(lines: Sequence[Line], total_lines: int) -> Layout:
    """Lines in order of their number, as they would be shown out of a log of `total_lines`."""
    entries: Entries = []
    ranges: list[Range] = []
    size, at = 0, 0
    for place, count, source in [*repetitions(lines), (len(lines), 0, 0)]:
        for line in lines[at:place]:
            size += _advance(entries, ranges, line.number, line.number)
            entries.append((line.number, line.text))
            size += line.size
        if count:
            size += _advance(entries, ranges, lines[place].number, lines[place + count - 1].number)
            size += _note(entries, _repetition(lines, place, count, source))
        at = place + count
    last = ranges[-1][1] if ranges else 0
    if total_lines > last:
        size += _note(entries, _gap(total_lines - last))
    return Layout(entries, tuple(ranges), max(size - 1, 0))


def _advance(entries: Entries, ranges: list[Range], first: int, last: int) -> int:
    """Note what is left out before `first`, if anything; bytes of the note."""
    before = ranges[-1][1] if ranges else 0
    if ranges and first == before + 1:
        ranges[-1] = (ranges[-1][0], last)
        return 0
    ranges.append((first, last))
    return _note(entries, _gap(first - before - 1)) if first > before + 1 else 0


def _note(entries: Entries, text: str) -> int:
    entries.append((None, text))
    return len(text.encode()) + 1


def repetitions(lines: Sequence[Line]) -> Iterator[tuple[int, int, int]]:
    """Where `lines` repeat earlier ones word for word: place, count, and the place of the earlier ones.

    Only what is longer than the note about it counts as a repetition.
    """
    shown: dict[str, int] = {}
    place, end = 0, len(lines)
    while place < end:
        source = shown.get(lines[place].text)
        if source is not None:
            count = _alike(lines, place, source)
            size = sum(line.size for line in lines[place : place + count])
            if size > _SHORTEST_NOTE and size > len(_repetition(lines, place, count, source).encode()) + 1:
                yield place, count, source
                place += count
                continue
        shown[lines[place].text] = place
        place += 1


def _alike(lines: Sequence[Line], place: int, source: int) -> int:
    """How many lines from `place` on follow each other as those from `source` on do, with the same words."""
    count = 1
    while (
        place + count < len(lines)
        and lines[place + count].text == lines[source + count].text
        and lines[place + count].number == lines[place].number + count
        and lines[source + count].number == lines[source].number + count
    ):
        count += 1
    return count


def shown_bytes(text: str) -> int:
    """What `text` takes as a line of an excerpt."""
    if len(text) > _LINE_CHARACTERS:
        text = shortened(text)
    return len(text.encode()) + 1


def shortened(text: str) -> str:
    """The beginning and the end of a long line, and how much is missing between them."""
    if len(text) <= _LINE_CHARACTERS:
        return text
    tail = _LINE_CHARACTERS - _HEAD_CHARACTERS
    middle = text[_HEAD_CHARACTERS:-tail]
    gone = len(middle.encode())
    if cut := _CUT.search(middle):
        gone += int(cut[1]) - len(cut[0].encode())
    return f"{text[:_HEAD_CHARACTERS]} … {gone} bytes omitted … {text[-tail:]}"


def _gap(lines: int) -> str:
    return f"… {lines:,} {'line' if lines == 1 else 'lines'} omitted …"


def _repetition(lines: Sequence[Line], place: int, count: int, source: int) -> str:
    if source == place - 1:
        return f"… the line above stands {count + 1:,} times …"
    first, of = lines[place].number, lines[source].number
    until = lines[min(source + count, place) - 1].number
    if count == 1:
        return f"… line {first} repeats line {of} …"
    return f"… lines {first} to {first + count - 1} repeat lines {of} to {until} …"
