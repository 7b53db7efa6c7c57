"""HTTP servers on loopback that live in the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from localhub.injection import CONNECTION

_HOST: Final = "127.0.0.1"
_SHUTDOWN_S: Final = 1
_POLL_S: Final = 0.002
_TICK_S: Final = 0.1


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process it runs in, and ends as soon as it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        tick = 0
        while not await self.on_tick(tick):
            tick += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self.ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(self.server_state.tasks, timeout=_SHUTDOWN_S)
            for task in late:
                task.cancel()


class _Protocol(H11Protocol):
    """Tells each request the connection that it came by, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, CONNECTION: transport}


class Listener:
    """A port, bound at once, and served later.

    Attributes:
        url: Where it can be reached.
    """

    def __init__(self, port: int) -> None:
        # The protocol is named because asyncio switches Nagle's delay off only for sockets that name it.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((_HOST, port))
        except OSError:
            self._socket.close()
            raise
        self.url = f"http://{_HOST}:{self._socket.getsockname()[1]}"

    async def serve(self, app: ASGIApp) -> None:
        """Serve `app`; returns once it answers."""
        config = uvicorn.Config(app, http=_Protocol, lifespan="off", log_config=None, access_log=False)
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 — see below
            # uvicorn has no event to wait for.
            await asyncio.sleep(_POLL_S)
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.should_exit = True
        self._server.ending.set()
        await self._task
        self._socket.close()
