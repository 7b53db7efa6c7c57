"""Faults carried out: the middleware that loses, delays and falsifies answers."""

import asyncio
import json
import time
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localhub.faults import CUT, NAMED, PASS, Fault, Faults, When

CONNECTION: Final = "connection"
"""Where a request's `state` holds the transport that it came by."""

_MESSAGES: Final = {
    "bad-credentials": "Bad credentials",
    "forbidden": "Resource not accessible by integration",
    "secondary-limit": "You have exceeded a secondary rate limit. Please wait a few minutes.",
    "primary-limit": "API rate limit exceeded for installation.",
    "not-found": "Not Found",
    "conflict": "Conflict",
    "gone": "Server Error",
    "invalid": "Validation Failed",
    "too-many-requests": "Too Many Requests",
    "unavailable": "Service Unavailable",
}


class FaultInjection:
    """Lets each request meet the fault that is drawn for it."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or not."""
        fault = self._faults.draw(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(fault.latency)
        if fault.answer == PASS:
            await self._app(scope, receive, send)
            return
        if fault.when is When.AFTER:
            await self._app(scope, receive, _swallow)
        else:
            await _drain(receive)
        if fault.answer == CUT:
            scope["state"][CONNECTION].abort()
            return
        await _answer(fault)(scope, receive, send)


async def _swallow(_: Message) -> None:
    pass


async def _drain(receive: Receive) -> None:
    """Take the whole request in: an answer that overtakes it would be a fault of another kind."""
    more = True
    while more:
        more = (await receive()).get("more_body", False)


def _answer(fault: Fault) -> Response:
    name = str(fault.answer)
    status = fault.answer if isinstance(fault.answer, int) else NAMED[fault.answer]
    message = fault.message or _MESSAGES.get(name, f"Injected {status}")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.permission is not None:
        headers["X-Accepted-GitHub-Permissions"] = fault.permission
    if fault.location is not None:
        headers["Location"] = fault.location
    if name == "primary-limit":
        headers |= {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time()) + fault.reset_in),
        }
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Response(json.dumps(body), status, headers)
