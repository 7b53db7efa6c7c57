"""What long blocking work and the activity around it tell each other."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class WorkCancelledError(Exception):
    """The work was told to end early; whatever it started is ended too."""


class Pulse:
    """Called by blocking work several times a second: it says "alive" outwards and hears "stop" inwards.

    Args:
        beat: Told each time, from the thread that works. Nothing by default.
    """

    def __init__(self, beat: Callable[[], None] | None = None) -> None:
        self._beat = beat
        self._cancelled = threading.Event()

    def __call__(self) -> None:
        """Report progress.

        Raises:
            WorkCancelledError: The work shall end now.
        """
        if self._cancelled.is_set():
            raise WorkCancelledError
        if self._beat:
            self._beat()

    def cancel(self) -> None:
        """Make the next call raise."""
        self._cancelled.set()

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking `work` in a thread; cancelled meanwhile, tell it, wait for it, and only then leave."""
        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen here, so that the loop does not report it as lost
            raise
