"""Chosen lines as text: gaps and repetitions stated, long lines shortened, secrets gone."""

import itertools
import re
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

    lines: Lines
    notes: list[tuple[int, int, str]]
    """Regreen's own lines, in order: before which place of `lines` each stands, and in place of how many."""
    ranges: tuple[Range, ...]
    """The lines that stand here or that a note says to repeat what stands here; 1-based, inclusive."""
    size: int
    """UTF-8 bytes of the text, as far as nothing has to be redacted."""

    def entries(self) -> Entries:
        """Each line shown with its number; None for a note."""
        numbers, texts, _ = self.lines
        entries: Entries = []
        at = 0
        for place, count, note in self.notes:
            entries += zip(numbers[at:place], texts[at:place], strict=True)
            entries.append((None, note))
            at = place + count
        entries += zip(numbers[at:], texts[at:], strict=True)
        return entries

    def text(self) -> str:
        """The entries, one a line, redacted and shortened.

        In this order: half of a token would not be recognised. A line of the log that looks like a note has
        its dots spelled out, so that whoever reads the text alone can tell the two apart.
        """
        entries = self.entries()
        lines = redact("\n".join(text for _, text in entries)).split("\n")
        return "\n".join(
            _unlike_a_note(shortened(line)) if number else line
            for line, (number, _) in zip(lines, entries, strict=False)
        )


def _unlike_a_note(text: str) -> str:
    return text.replace("…", "...") if text.startswith("… ") and text.endswith(" …") else text


def lay_out(lines: Lines, total_lines: int) -> Layout:
    """The lines as they would be shown out of a log of `total_lines`."""
    numbers, _, sizes = lines
    missing = gaps(numbers, total_lines)
    notes = [(place, 0, _gap(count)) for place, count in missing.items()]
    size = sum(sizes)
    for place, count, source in repetitions(lines):
        notes.append((place, count, _repetition(numbers, place, count, source)))
        size -= sum(sizes[place : place + count])
    notes.sort()
    size += sum(len(note.encode()) + 1 for _, _, note in notes)
    edges = [*dict.fromkeys((0, *missing, len(numbers)))]
    ranges = tuple((numbers[start], numbers[end - 1]) for start, end in itertools.pairwise(edges))
    return Layout(lines, notes, ranges, max(size - 1, 0))


def gaps(numbers: Sequence[int], total_lines: int) -> dict[int, int]:
    """How many lines are left out before each place of `numbers`, and before the log's end, where any are."""
    around = enumerate(zip((0, *numbers), (*numbers, total_lines + 1), strict=True))
    return {place: number - last - 1 for place, (last, number) in around if number > last + 1}


def repetitions(lines: Lines) -> Iterator[tuple[int, int, int]]:
    """Where `lines` repeat earlier ones word for word: place, count, and the place of the earlier ones.

    Only what is longer than the note about it counts as a repetition.
    """
    numbers, texts, sizes = lines
    first: dict[str, int] = {}
    again: dict[str, int] = {}
    end = 0
    for place, earlier in enumerate(map(first.setdefault, texts, range(len(texts)))):
        if earlier == place or place < end:
            continue
        source = again.get(texts[place], earlier)
        count = _alike(numbers, texts, place, source)
        size = sum(sizes[place : place + count])
        if size > _SHORTEST_NOTE and size > len(_repetition(numbers, place, count, source).encode()) + 1:
            yield place, count, source
            end = place + count
        else:
            again[texts[place]] = place


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
