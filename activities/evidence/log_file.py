"""A log as a file that can be read twice, whether it is plain, compressed or comes out of a pipe."""

import gzip
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

UNPACKED_CAP_BYTES: Final = 2 * 1024**3
"""A compressed file may claim a thousand times its size, and a pipe never end; more than this is not read."""
_TOO_LONG: Final = f"the log has more than {UNPACKED_CAP_BYTES // 1024**3} GiB; the rest was not read"
_GZIP: Final = b"\x1f\x8b\x08"
_PIECE: Final = 1024 * 1024
_BEGINNING: Final = 64 * 1024
"""Looked at to tell what kind of file it is."""


class LogFile(NamedTuple):
    """An open log."""

    file: BinaryIO
    """Plain text, at its beginning; it can be read again from anywhere."""
    size: int
    """Bytes of the plain text."""
    problem: str | None = None
    """Why there is less to read than there ought to be, or what was taken otherwise than it stands there."""
    one_line: bool = False
    """Whether the log as it stands there has no line feed: `file` has one for each carriage return."""


@contextmanager
def open_log(path: Path) -> Iterator[LogFile]:
    """The log at `path`.

    What is not plain text in a regular file comes as a temporary one, never wholly in memory: gzip unpacked,
    a pipe as far as `UNPACKED_CAP_BYTES`, and with line feeds a log that has carriage returns only.

    Raises:
        OSError: The file cannot be read.
    """
    with ExitStack() as stack:
        file: BinaryIO = stack.enter_context(path.open("rb"))
        cut = False
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file, cut = _spooled(file, stack)
        begins = file.read(_BEGINNING)
        file.seek(0)
        if begins.startswith(_GZIP):
            log = _unpacked(file, stack)
        elif b"\r" in begins and b"\n" not in begins:
            log = _with_line_feeds(file, stack)
        else:
            log = _plain(file)
        yield log._replace(problem=_TOO_LONG) if cut else log


def _plain(file: BinaryIO, problem: str | None = None) -> LogFile:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return LogFile(file, size, problem)


def _temporary(stack: ExitStack) -> BinaryIO:
    return stack.enter_context(tempfile.TemporaryFile())


def _spooled(pipe: BinaryIO, stack: ExitStack) -> tuple[BinaryIO, bool]:
    """What comes out of a pipe, and whether there is more than is read."""
    file, left = _temporary(stack), UNPACKED_CAP_BYTES
    while left and (piece := pipe.read(min(_PIECE, left))):
        left -= file.write(piece)
    file.seek(0)
    return file, not left


def _with_line_feeds(file: BinaryIO, stack: ExitStack) -> LogFile:
    """The log with a line feed for each carriage return; as it is, should it have a line feed after all."""
    copy = _temporary(stack)
    while piece := file.read(_PIECE):
        if b"\n" in piece:
            return _plain(file)
        copy.write(piece.replace(b"\r", b"\n"))
    return _plain(copy, "it has no line feeds: carriage returns were taken for line ends")._replace(
        one_line=True
    )


def _unpacked(packed: BinaryIO, stack: ExitStack) -> LogFile:
    file = _temporary(stack)
    problem = _unpack(packed, file)
    if problem and not file.tell():
        return _plain(packed, "the file begins like a gzip file and is none")
    return _plain(file, problem)


def _unpack(packed: BinaryIO, into: BinaryIO) -> str | None:
    size = 0
    with gzip.GzipFile(fileobj=packed) as stream:
        try:
            # Not `read`: where the stream breaks off, that drops what it had read before.
            while piece := stream.read1(min(_PIECE, UNPACKED_CAP_BYTES - size)):
                size += into.write(piece)
        except EOFError:
            return "the compressed log ends early; what came before is shown"
        except (gzip.BadGzipFile, zlib.error):
            return "the compressed log is damaged; what came before is shown"
    return _TOO_LONG if size == UNPACKED_CAP_BYTES else None
