"""Reading request bodies from strangers: bounded in size and in time."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect, Request

BODY_DEADLINE: Final = timedelta(seconds=8)
"""For a whole body to arrive; whoever is slower than GitHub's own deadline is not GitHub."""


class RefusedError(Exception):
    """A request that is not looked at.

    Args:
        status: What it is answered with.
        reason: One word of a fixed vocabulary: it labels a metric.
        advice: What the caller could do.
    """

    def __init__(self, status: HTTPStatus, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.advice = advice


async def read_json_body(request: Request, max_bytes: int) -> bytes:
    """The raw body of a request that says it is JSON.

    Raises:
        RefusedError: Another content type; or too long, too slow, or cut off.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        advice = "set the content type to application/json"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_type", advice)
    return await _read(request, max_bytes)


async def _read(request: Request, max_bytes: int) -> bytes:
    too_large = RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {max_bytes} bytes are read"
    )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE.total_seconds()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise too_large
    except TimeoutError:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "send the body at once") from None
    except ClientDisconnect:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "disconnected", "send the whole body") from None
    return bytes(body)
