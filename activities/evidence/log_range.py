"""Any further part of a log, by line numbers or by a pattern, within a byte budget."""

import bisect
import re
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import re2  # type: ignore[import-untyped] # it carries no types

from activities.evidence.log_lines import cap_line, clean_line, read_blocks
from activities.evidence.redaction import redact
from workflows.models import LogRange, LogRangeRequest

_MATCHES_COUNTED: Final = 10_000
"""Far more than any budget shows; counting on would take minutes where every line matches."""
_PATTERN_MEMORY_BYTES: Final = 1024**2
_NOTE_BYTES: Final = 100
"""What the note takes that says how far the lines asked for go on."""
_PIECE_LINES: Final = 200
_NEIGHBOURS: Final = 60
"""Lines looked at before and after those shown: more than a private key has."""

_STAMPS: Final = re.compile(
    rb"^(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z ?", re.MULTILINE
)
_COLOURS: Final = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


class _Found(NamedTuple):
    total_lines: int
    matches: list[int]
    """The lines that match, in order; at most `_MATCHES_COUNTED`."""
    blocks: list[tuple[int, int]]
    """Line number and byte offset at which each block starts."""


class _Line(NamedTuple):
    number: int
    text: str


def read_range(path: Path, wanted: LogRangeRequest) -> LogRange:
    """The lines that `wanted` asks for, each behind its number, with a record of what is left out.

    A pattern is RE2's, so its time is linear in the log, whatever it is. Of a line longer than some hundred
    KiB only the beginning and the end are searched. Memory does not grow with the log.

    Args:
        path: A plain log.
        wanted: What to look for.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        pattern = _compile(wanted.pattern) if wanted.pattern else None
    except re2.error as error:
        return LogRange(problem=redact(f"The pattern cannot be used: {_reason(error)}."))
    with path.open("rb") as log:
        found = _search(log, pattern, wanted.first_line, wanted.last_line)
        windows = _windows(found, wanted)
        if not windows:
            return LogRange(total_lines=found.total_lines, problem=_nothing(found.total_lines, wanted))
        shown = _within(_redacted(log, found, windows), wanted.max_bytes - _NOTE_BYTES)
    return _render(shown, found, windows[-1][1])


def _compile(pattern: str) -> Any:
    """The pattern, compiled.

    Raises:
        re2.error: It is not RE2's syntax, or would take too much memory.
    """
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.never_nl = True
    options.max_mem = _PATTERN_MEMORY_BYTES
    return re2.compile(b"(?m)" + pattern.encode(), options)


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else "it is not understood"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _search(log: BinaryIO, pattern: Any, first: int, last: int | None) -> _Found:
    """Where the lines are, and which of those asked for match; without a pattern none is looked for."""
    matches: list[int] = []
    blocks: list[tuple[int, int]] = []
    line, offset, open_end = 1, 0, False
    for block in read_blocks(log):
        blocks.append((line, offset))
        count = block.count(b"\n")
        reached = line + count >= first and (last is None or line <= last)
        if pattern and reached and len(matches) < _MATCHES_COUNTED:
            hits = _matching(_plain(block), pattern, line)
            asked = (hit for hit in hits if hit >= first and (last is None or hit <= last))
            matches += islice(asked, _MATCHES_COUNTED - len(matches))
        line += count
        offset = log.tell()
        open_end = not block.endswith(b"\n")
    return _Found(line if open_end else line - 1, matches, blocks)


def _plain(block: bytes) -> bytes:
    """`block` without times and colours, line for line."""
    block = _STAMPS.sub(b"", block)
    return _COLOURS.sub(b"", block) if b"\x1b" in block else block


def _matching(block: bytes, pattern: Any, first: int) -> Iterator[int]:
    """The numbers of the lines of `block` that match, its first line being `first`."""
    position, number, end = 0, first, len(block)
    while position < end and (match := pattern.search(block, position)):
        start = match.start()
        number += block.count(b"\n", position, start)
        yield number
        position = block.find(b"\n", start) + 1
        if not position:
            return
        number += 1


def _windows(found: _Found, wanted: LogRangeRequest) -> list[tuple[int, int]]:
    """The line ranges to show, in order, apart from each other."""
    last = min(wanted.last_line or found.total_lines, found.total_lines)
    if not wanted.pattern:
        return [(wanted.first_line, last)] if wanted.first_line <= last else []
    windows: list[tuple[int, int]] = []
    for line in found.matches:
        start = max(line - wanted.context_lines, 1)
        end = min(line + wanted.context_lines, found.total_lines)
        if windows and start <= windows[-1][1] + 1:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def _nothing(total_lines: int, wanted: LogRangeRequest) -> str:
    if wanted.pattern:
        return f"No line matches, of {total_lines:,} in the log."
    return f"The log has {total_lines:,} lines."


def _redacted(log: BinaryIO, found: _Found, windows: list[tuple[int, int]]) -> Iterator[_Line]:
    """The lines of `windows`, redacted together with their neighbours: a key is known by its lines."""
    for first, last in windows:
        for start in range(first, last + 1, _PIECE_LINES):
            end = min(start + _PIECE_LINES - 1, last)
            around = max(start - _NEIGHBOURS, 1)
            raw = _raw_lines(log, found.blocks, around, end + _NEIGHBOURS)
            texts = redact("\n".join(clean_line(cap_line(line)) for line in raw)).split("\n")
            for number, text in enumerate(texts[start - around :][: end - start + 1], start):
                yield _Line(number, text)


def _raw_lines(log: BinaryIO, blocks: list[tuple[int, int]], start: int, end: int) -> Iterator[bytes]:
    place = bisect.bisect_right(blocks, start, key=itemgetter(0)) - 1
    number, offset = blocks[place]
    log.seek(offset)
    for block in read_blocks(log):
        lines = block.removesuffix(b"\n").split(b"\n")
        yield from lines[max(start - number, 0) : end - number + 1]
        number += len(lines)
        if number > end:
            return


def _within(lines: Iterator[_Line], budget_bytes: int) -> list[_Line]:
    """The first of `lines`, with room for the notes between them; of a first line too long, what fits."""
    shown: list[_Line] = []
    left = budget_bytes
    for line in lines:
        text = line.text.encode()
        note = _gap(shown[-1].number if shown else 0, line.number)
        left -= len(note.encode()) + len(f"{line.number}: \n") + len(text)
        if left >= 0:
            shown.append(line)
            continue
        if not shown:
            shown.append(line._replace(text=text[: len(text) + left].decode("utf-8", "ignore")))
        break
    return shown


def _render(shown: list[_Line], found: _Found, last: int) -> LogRange:
    parts: list[str] = []
    ranges: list[tuple[int, int]] = []
    for line in shown:
        if ranges and line.number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], line.number)
        else:
            parts.append(_gap(ranges[-1][1] if ranges else 0, line.number))
            ranges.append((line.number, line.number))
        parts.append(f"{line.number}: {line.text}\n")
    if ranges[-1][1] < last:
        parts.append(f"… the budget ends here; what was asked for goes on to line {last:,} …\n")
    return LogRange(
        text="".join(parts).rstrip("\n"),
        total_lines=found.total_lines,
        matches=len(found.matches),
        ranges=tuple(ranges),
    )


def _gap(above: int, below: int) -> str:
    lines = below - above - 1
    return f"… {lines:,} {'line' if lines == 1 else 'lines'} omitted …\n" if lines > 0 else ""
