"""Running an ASGI application where strangers can reach it: every connection bounded in size and time."""

import asyncio
import signal
from types import FrameType
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS: Final = 512
"""Open at once; one more is closed unanswered. GitHub keeps few, a person's browser a handful."""
HEADERS_SECONDS: Final = 5.0
"""From a connection's start, or the end of an answer, until a request line and all its headers are there."""
HEADER_BYTES: Final = 32_768
"""Of a request line and all its headers; GitHub sends under two thousand."""

_BACKLOG: Final = 256
_GRACE_SECONDS: Final = 8
"""For requests in flight when the service is told to stop: longer than any answer takes."""


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 for which nobody can hold a connection open without asking for something.

    Uvicorn itself limits the time between two requests only, and a byte now and then resets that.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or close it where there are too many."""
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.abort()
        else:
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._disarm()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read what has come; a request's headers that are complete end the wait for them."""
        before: Any = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._disarm()

    def on_response_complete(self) -> None:
        """Wait for the next request; what still comes of the last one does not count."""
        self._expect_request()
        super().on_response_complete()

    def _expect_request(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(HEADERS_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


async def run_server(app: ASGIApp, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight are answered first."""
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, _stay)
    await uvicorn.Server(configuration(app, host, port)).serve()


def configuration(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """How every service of Regreen's is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        h11_max_incomplete_event_size=HEADER_BYTES,
        backlog=_BACKLOG,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # they are anybody's; nothing here may believe them
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _stay(_signal: int, _frame: FrameType | None) -> None:
    """Uvicorn repeats the signal it stopped for; dying of it would lose what is still to be exported."""
