"""Running an ASGI application where strangers can reach it."""

import signal
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

_GRACE_SECONDS: Final = 8
"""For requests in flight when the service is told to stop: longer than any answer takes."""


async def run_server(app: FastAPI, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight are answered first."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # they are anybody's; nothing here may believe them
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, _stay)
    await uvicorn.Server(config).serve()


def _stay(_signal: int, _frame: FrameType | None) -> None:
    """Uvicorn repeats the signal it stopped for; dying of it would lose what is still to be exported."""
