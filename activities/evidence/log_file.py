"""A log on disk as a file that can be read twice, whether it is plain or compressed."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

UNPACKED_CAP_BYTES: Final = 2 * 1024**3
"""A compressed file may claim a thousand times its size; more than this is not unpacked."""
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1024 * 1024


class LogFile(NamedTuple):
    """An open log."""

    file: BinaryIO
    """Plain text, at its beginning; it can be read again from anywhere."""
    size: int
    """Bytes of the plain text."""
    problem: str | None = None
    """Why there is less to read than there ought to be."""


@contextmanager
def open_log(path: Path) -> Iterator[LogFile]:
    """The log at `path`; a gzip file is unpacked to a temporary one, never into memory.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        begins = file.read(len(_GZIP))
        file.seek(0)
        if begins != _GZIP:
            yield LogFile(file, path.stat().st_size)
            return
        with tempfile.TemporaryFile() as unpacked:
            problem = _unpack(file, unpacked)
            size = unpacked.tell()
            unpacked.seek(0)
            yield LogFile(unpacked, size, problem)


def _unpack(packed: BinaryIO, into: BinaryIO) -> str | None:
    size = 0
    with gzip.GzipFile(fileobj=packed) as stream:
        try:
            while piece := stream.read(min(_PIECE, UNPACKED_CAP_BYTES - size)):
                size += into.write(piece)
        except EOFError:
            return "the compressed log ends early; what came before is shown"
        except (gzip.BadGzipFile, zlib.error):
            return "the compressed log is damaged; what came before is shown"
    if size == UNPACKED_CAP_BYTES:
        return f"the log unpacks to more than {UNPACKED_CAP_BYTES // 1024**3} GiB; the rest was not read"
    return None
