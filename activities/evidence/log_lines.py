"""Raw log bytes as lines a person can read, in bounded memory whatever the log holds."""

import bisect
import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

LINE_CAP_BYTES: Final = 4_096
"""What is kept of one line: the first and the last half of it."""

_CUT_EDGE: Final = 300
"""Where a long line is cut, so many bytes beside the cut go too: half a token must not survive."""

_BLOCK: Final = 128 * 1024
_BLOCKS_KEPT: Final = 16
"""Blocks held in memory, of those that were read last."""

_DIGITS: Final = re.compile(r"\d+")

_TIMESTAMP: Final = re.compile(
    r"\n\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z(?: |(?![^\n]))", re.ASCII
)
"""Of GitHub, at the beginning of a line, with the line feed before it: that is found quickly."""
_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC and other strings, with their end where there is one
    r"|\x1b[ -/]*[0-~]?"
)
_PLAIN: Final = re.compile("[\t\n -~…]*+")
"""What most texts are: a quick look."""
_UNSEEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters other than tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional overrides
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tag characters can spell hidden instructions
    "]"
)


def strip_unseen(text: str) -> str:
    """`text` without escape sequences, control, bidirectional and invisible characters.

    Tabs and line feeds stay.
    """
    if _PLAIN.fullmatch(text):
        return text
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return _UNSEEN.sub("", text)


def clean_line(raw: bytes) -> str:
    r"""The visible text of one raw line.

    GitHub's timestamp and byte order mark are dropped, and so is everything a terminal would not show: escape
    sequences, control and invisible characters, and what a carriage return let later text overwrite.
    Invalid UTF-8 becomes U+FFFD. Never raises.
    """
    return clean_lines([raw])[0]


def clean_lines(raw: Sequence[bytes]) -> list[str]:
    """`clean_line` of each, at a fraction of the cost."""
    text = b"\n".join(raw).decode("utf-8", "replace")
    if "Z" in text:
        text = _TIMESTAMP.sub("\n", f"\n{text}")[1:]
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return [
        line if line.isascii() and line.isprintable() else _printable(line)
        for line in map(str.rstrip, text.split("\n"))
    ]


def _printable(line: str) -> str:
    """What a terminal would show of a line without an escape sequence."""
    if "\r" in line:
        line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
    return _UNSEEN.sub("", line).rstrip()


def cut_line(head: bytes, tail: bytes, omitted: int) -> bytes:
    """One line of two pieces of a longer one, stating how many bytes between them are missing."""
    kept_head, kept_tail = head[:-_CUT_EDGE], tail[_CUT_EDGE:]
    gone = omitted + len(head) - len(kept_head) + len(tail) - len(kept_tail)
    return b"%b \xe2\x80\xa6 %d bytes omitted \xe2\x80\xa6 %b" % (kept_head, gone, kept_tail)


def cap_line(raw: bytes) -> bytes:
    """`raw`, at most about `LINE_CAP_BYTES` long; a cut says how much it removed."""
    if len(raw) <= LINE_CAP_BYTES:
        return raw
    half = LINE_CAP_BYTES // 2
    return cut_line(raw[:half], raw[-half:], len(raw) - 2 * half)


def cap_lines(raw: list[bytes]) -> list[bytes]:
    """`cap_line` of each."""
    return raw if max(map(len, raw), default=0) <= LINE_CAP_BYTES else list(map(cap_line, raw))


def read_blocks(log: BinaryIO) -> Iterator[bytes]:
    r"""Blocks of whole raw lines from the current position on, each some 128 KiB.

    Each ends with `\n`, save the last where the log does not. A line that does not fit into a block comes as
    its first and last part, stating what is missing: memory stays the same for a line of any length.
    """
    while block := log.read(_BLOCK):
        if not block.endswith(b"\n"):
            rest = log.readline(_BLOCK)
            block = (
                block + rest if len(rest) < _BLOCK or rest.endswith(b"\n") else _shortened(log, block, rest)
            )
        yield block


def _shortened(log: BinaryIO, block: bytes, rest: bytes) -> bytes:
    start = block.rfind(b"\n") + 1
    head = (block[start:] + rest)[: LINE_CAP_BYTES // 2]
    size = len(block) - start + len(rest)
    tail = rest
    while not tail.endswith(b"\n") and (piece := log.readline(_BLOCK)):
        size += len(piece)
        tail = tail[-LINE_CAP_BYTES:] + piece
    end = b"\n" if tail.endswith(b"\n") else b""
    tail = tail.removesuffix(b"\n")[-LINE_CAP_BYTES // 2 :]
    return block[:start] + cut_line(head, tail, size - len(end) - len(head) - len(tail)) + end


def line_key(text: str) -> bytes:
    """What a line's text comes down to when one asks whether another log has it too: digits do not count."""
    return hashlib.blake2b(_DIGITS.sub("", text).encode(), digest_size=8).digest()


class Block(NamedTuple):
    """Whole lines of a log, and where some of them begin."""

    text: bytes
    places: Sequence[int] = ()
    """Which lines, in order; 0 is the block's first."""
    starts: Sequence[int] = ()
    """The byte at which each begins."""

    def lines(self, first: int, end: int) -> list[bytes]:
        """The lines from place `first` to before `end`, without their ends; no more is split than need be."""
        before = bisect.bisect_right(self.places, first) - 1
        after = bisect.bisect_left(self.places, end)
        place, start = (self.places[before], self.starts[before]) if before >= 0 else (0, 0)
        stop = self.starts[after] if after < len(self.places) else len(self.text)
        lines = self.text[start:stop].removesuffix(b"\n").split(b"\n")
        return lines[first - place : end - place]


class BlockIndex:
    """Gives the lines of a log by number, once its blocks were appended.

    Args:
        log: At its beginning; whoever appends the blocks reads them from here.
    """

    def __init__(self, log: BinaryIO) -> None:
        self._log = log
        self._end = log.tell()
        self._blocks: list[tuple[int, int]] = []
        """Line number, 1-based, and byte offset at which each block starts."""
        self._recent: OrderedDict[int, Block] = OrderedDict()
        self.total_lines = 0

    def append(self, block: Block, lines: int) -> None:
        """Take the block that was read last, which has so many lines."""
        self._keep(len(self._blocks), block)
        self._blocks.append((self.total_lines + 1, self._end))
        self._end = self._log.tell()
        self.total_lines += lines

    def lines(self, start: int, end: int) -> list[bytes]:
        """The raw lines from number `start` to `end`, without their ends."""
        place = bisect.bisect_right(self._blocks, start, key=lambda block: block[0]) - 1
        found: list[bytes] = []
        while place < len(self._blocks) and self._blocks[place][0] <= end:
            number = self._blocks[place][0]
            found += self._block(place).lines(max(start - number, 0), end - number + 1)
            place += 1
        return found

    def _block(self, place: int) -> Block:
        found = self._recent.get(place)
        if found is None:
            self._log.seek(self._blocks[place][1])
            found = Block(next(read_blocks(self._log)))
        self._keep(place, found)
        return found

    def _keep(self, place: int, block: Block) -> None:
        self._recent[place] = block
        self._recent.move_to_end(place)
        if len(self._recent) > _BLOCKS_KEPT:
            self._recent.popitem(last=False)
