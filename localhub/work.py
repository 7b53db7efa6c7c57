"""Counts what is under way, so that one can wait until nothing is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Work:
    """A counter of unfinished work."""

    def __init__(self) -> None:
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """One more piece of work."""
        self._open += 1
        self._idle.clear()

    def end(self) -> None:
        """One piece of work less."""
        self._open -= 1
        if not self._open:
            self._idle.set()

    @contextmanager
    def piece(self) -> Iterator[None]:
        """A piece of work that lasts as long as the block."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    async def idle(self) -> None:
        """Return once nothing is under way."""
        while self._open:
            await self._idle.wait()
