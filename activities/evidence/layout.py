"""Chosen lines as text: gaps and repetitions stated, long lines shortened, secrets gone."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from activities.evidence.redaction import redact

_LINE_CHARACTERS: Final = 300
"""Longer lines keep their beginning and their end: what is missing shows other lines instead."""
_HEAD_CHARACTERS: Final = 180
_SHORTEST_NOTE: Final = 30
_CUT: Final = re.compile(r"… (\d{1,19}) bytes omitted …")


Entries = list[tuple[int | None, str]]
Range = tuple[int, int]


class Lines(NamedTuple):
    """Lines that might be shown, in order, column by column: there are many of them."""

    numbers: list[int]
    texts: list[str]
    sizes: list[int]
    """As `shown_sizes` gives them."""

    def at(self, places: Sequence[int]) -> "Lines":
        """Those at `places`."""
        return Lines(*([column[place] for place in places] for column in self))  # type: ignore[arg-type]


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


def lay_out(lines: Lines, total_lines: int) -> Layout:
    """The lines as they would be shown out of a log of `total_lines`."""
    numbers, texts, sizes = lines
    ranges = _ranges(numbers)
    missing = gaps(numbers, total_lines)
    entries: Entries = []
    size, at = sum(sizes), 0
    for place, count, source in [*repetitions(lines), (len(numbers), 0, 0)]:
        for number, text in zip(numbers[at:place], texts[at:place], strict=True):
            if number in missing:
                size += _note(entries, _gap(missing[number]))
            entries.append((number, text))
        at = place + count
        if count:
            if numbers[place] in missing:
                size += _note(entries, _gap(missing[numbers[place]]))
            size += _note(entries, _repetition(numbers, place, count, source)) - sum(sizes[place:at])
    if total_lines + 1 in missing:
        size += _note(entries, _gap(missing[total_lines + 1]))
    return Layout(entries, ranges, max(size - 1, 0))


def _ranges(numbers: Iterable[int]) -> tuple[Range, ...]:
    """The runs of numbers that follow each other."""
    ranges: list[Range] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return tuple(ranges)


def gaps(numbers: Iterable[int], total_lines: int) -> dict[int, int]:
    """How many lines are left out before each of these and before the log's end, where any are."""
    found, last = {}, 0
    for number in (*numbers, total_lines + 1):
        if number > last + 1:
            found[number] = number - last - 1
        last = number
    return found


def _note(entries: Entries, text: str) -> int:
    entries.append((None, text))
    return len(text.encode()) + 1


def repetitions(lines: Lines) -> Iterator[tuple[int, int, int]]:
    """Where `lines` repeat earlier ones word for word: place, count, and the place of the earlier ones.

    Only what is longer than the note about it counts as a repetition.
    """
    numbers, texts, sizes = lines
    again = {text for text, count in Counter(texts).items() if count > 1}
    shown: dict[str, int] = {}
    end = 0
    for place in [place for place, text in enumerate(texts) if text in again]:
        if place < end:
            continue
        source = shown.get(texts[place])
        if source is not None:
            count = _alike(numbers, texts, place, source)
            size = sum(sizes[place : place + count])
            if size > _SHORTEST_NOTE and size > len(_repetition(numbers, place, count, source).encode()) + 1:
                yield place, count, source
                end = place + count
                continue
        shown[texts[place]] = place


def _alike(numbers: list[int], texts: list[str], place: int, source: int) -> int:
    """How many lines from `place` on follow each other as those from `source` on do, with the same words."""
    count = 1
    while (
        place + count < len(texts)
        and texts[place + count] == texts[source + count]
        and numbers[place + count] == numbers[place] + count
        and numbers[source + count] == numbers[source] + count
    ):
        count += 1
    return count


def shown_sizes(texts: Iterable[str]) -> list[int]:
    """What each takes as a line of an excerpt, in UTF-8 bytes with its end."""
    return [len((text if len(text) <= _LINE_CHARACTERS else shortened(text)).encode()) + 1 for text in texts]


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


def _repetition(numbers: list[int], place: int, count: int, source: int) -> str:
    if source == place - 1:
        return f"… the line above stands {count + 1:,} times …"
    first, of = numbers[place], numbers[source]
    until = numbers[min(source + count, place) - 1]
    if count == 1:
        return f"… line {first} repeats line {of} …"
    return f"… lines {first} to {first + count - 1} repeat lines {of} to {until} …"
