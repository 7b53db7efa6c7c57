"""A log on its way to disk: unpacked where it is compressed, and of one that is too long the two ends."""

import shutil
import tempfile
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from activities.errors import PermanentError

UNUSABLE_LOG: Final = "unusable_log"
"""The kind of a permanent error that concerns one log; others of the same run may be readable."""

_ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS
_PIECE: Final = 1024 * 1024
"""The most that is unpacked at once: a compressed byte may stand for a thousand."""


async def plain_text(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The bytes of a log that came plain or as a gzip stream.

    Raises:
        PermanentError: `unusable_log`, for an archive, and for a stream that is damaged.
    """
    beginning = b""
    async for piece in pieces:
        beginning += piece
        if len(beginning) >= len(_ZIP):
            break
    if beginning.startswith(_ZIP):
        raise PermanentError("the log is an archive, not text", kind=UNUSABLE_LOG)
    if not beginning.startswith(_GZIP):
        yield beginning
        async for piece in pieces:
            yield piece
        return
    stream = _Gzip()
    for part in stream.unpack(beginning):
        yield part
    async for piece in pieces:
        for part in stream.unpack(piece):
            yield part
    stream.end()


class _Gzip:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_HEADER)

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_HEADER)
            try:
                yield self._member.decompress(packed, _PIECE)
            except zlib.error:
                raise PermanentError("the log's compressed stream is damaged", kind=UNUSABLE_LOG) from None
            packed = self._member.unconsumed_tail or self._member.unused_data

    def end(self) -> None:
        if not self._member.eof:
            raise PermanentError("the log's compressed stream ends early", kind=UNUSABLE_LOG)


class TwoEnds:
    """A file that keeps the beginning and the end of what is written to it. Use it as a context manager.

    What is longer than `max_bytes` loses its middle; one line in its place says how much that was. The file
    is removed again unless `finish` was called, and so is one that nothing was written to.

    Attributes:
        size: Bytes in the file, once it is finished.
        omitted: Bytes of the middle that are not in it.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.size = 0
        self.omitted = 0
        self._path = path
        self._max = max_bytes
        self._head = max_bytes // 2
        self._written = 0
        self._place = 0
        """Where the next byte goes; beyond the head, the file is a ring."""

    def __enter__(self) -> Self:
        self._file: BinaryIO = self._path.open("w+b")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if not self.size:
            self._path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the two ends in order. Nothing may be written after it."""
        if self._written > self._max:
            self._unroll()
        self.size = self._file.seek(0, 2)

    def write(self, piece: bytes) -> None:
        """Append `piece`."""
        self._written += len(piece)
        view = memoryview(piece)
        while view:
            if self._place == self._max:
                self._place = self._head
                self._file.seek(self._place)
            room = self._max - self._place
            self._place += self._file.write(view[:room])
            view = view[room:]

    def _unroll(self) -> None:
        with tempfile.TemporaryFile(dir=self._path.parent) as tail:
            self._file.seek(self._place)
            shutil.copyfileobj(self._file, tail, _PIECE)
            self._file.seek(self._head)
            _copy(self._file, tail, self._place - self._head)
            kept = tail.tell()
            tail.seek(0)
            partial = len(tail.readline(_PIECE))
            self.omitted = self._written - self._head - kept + partial
            self._file.seek(self._head)
            self._file.truncate()
            self._file.write(b"\n\xe2\x80\xa6 %d bytes of the log omitted \xe2\x80\xa6\n" % self.omitted)
            shutil.copyfileobj(tail, self._file, _PIECE)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size:
        size -= target.write(source.read(min(size, _PIECE)))
