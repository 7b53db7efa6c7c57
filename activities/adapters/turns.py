"""Whose turn it is to ask GitHub: writes one by one with a pause after each, nobody while it asks to wait."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from activities.errors import PermanentError, ThrottledError

WRITE_SPACING: Final = timedelta(seconds=1)
"""What GitHub advises between requests that change something (docs.github.com, "Best practices for using the
REST API")."""
PATIENCE: Final = timedelta(seconds=5)
"""A longer queue is Temporal's to wait out: an activity has 30 s in all."""
_LONGEST_HOLD: Final = timedelta(hours=2)


@dataclass
class _Line:
    """The requests of one installation."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    free_at: float = 0.0
    held_until: float = 0.0
    guesses: int = 0
    """How often in a row GitHub asked to wait without saying how long."""


class Turns:
    """Orders the requests of this process, for each installation by itself.

    Args:
        spacing: From the end of a write to the beginning of the next.
        patience: How long a write may queue here before Temporal is asked to come back with it.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        spacing: timedelta = WRITE_SPACING,
        *,
        patience: timedelta = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spacing = spacing.total_seconds()
        self._patience = patience.total_seconds()
        self._clock = clock
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)

    @asynccontextmanager
    async def reading(self, account: str) -> AsyncIterator[None]:
        """A request that changes nothing, at once.

        Raises:
            ThrottledError: GitHub asked this account to wait, and the time is not over.
        """
        line = self._lines[account]
        self._refuse_while_held(line)
        try:
            yield
        except ThrottledError as error:
            raise self._held(line, error) from None
        line.guesses = 0

    @asynccontextmanager
    async def writing(self, account: str) -> AsyncIterator[None]:
        """A request that changes something, when its turn has come.

        Raises:
            ThrottledError: As for `reading`, or the queue is longer than `patience`.
        """
        line = self._lines[account]
        queue = max(0.0, line.free_at - self._clock()) + line.waiting * self._spacing
        if queue > self._patience:
            raise ThrottledError(
                "other writes of this installation come first", delay=timedelta(seconds=queue)
            )
        line.waiting += 1
        try:
            async with line.lock:
                await asyncio.sleep(max(0.0, line.free_at - self._clock()))
                try:
                    async with self.reading(account):
                        yield
                finally:
                    line.free_at = self._clock() + self._spacing
        finally:
            line.waiting -= 1

    def _refuse_while_held(self, line: _Line) -> None:
        left = line.held_until - self._clock()
        if left > 0:
            raise ThrottledError(
                "GitHub asked to wait, and the time is not over", delay=timedelta(seconds=left)
            )

    def _held(self, line: _Line, error: ThrottledError) -> ThrottledError:
        """Hold everybody's requests, not only this one's: asking on makes GitHub ask for more.

        A delay that GitHub did not name doubles each time, as its documentation asks.
        """
        factor = 2**line.guesses if error.guessed else 1
        line.guesses = min(line.guesses + 1, 10) if error.guessed else 0
        delay = min(error.delay * factor, _LONGEST_HOLD)
        line.held_until = max(line.held_until, self._clock() + delay.total_seconds())
        return ThrottledError(str(error), delay=delay)


class NoWrites(Turns):
    """Nobody's turn to write ever comes."""

    @asynccontextmanager
    async def writing(self, account: str) -> AsyncIterator[None]:
        """Never let a request through that changes something.

        Raises:
            PermanentError: Always, as `forbidden`.
        """
        raise PermanentError(f"nothing may be written for {account} in a rehearsal", kind="forbidden")
        yield
