"""Reading request bodies from strangers: bounded in size and in time."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

BODY_DEADLINE: Final = timedelta(seconds=8)
"""For a whole body to arrive; whoever is slower than GitHub's own deadline is not GitHub."""

_LONGEST_AT_ONCE: Final = 4
_MOST_FIELDS: Final = 20


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


class BodyReader:
    """Reads bodies, of which no more are held at once than there is room for.

    Args:
        max_bytes: Of one body.
        room: Bytes of all bodies that are being read at once; by default that of a few of the longest.
    """

    def __init__(self, max_bytes: int, room: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._room = room or _LONGEST_AT_ONCE * max_bytes
        self._held = 0

    async def read_json(self, request: Request) -> bytes:
        """The raw body of a request that says it is JSON.

        Raises:
            RefusedError: Another content type; too long, too slow, cut off; or there is no room for it now.
        """
        return await self._read(request, "application/json")

    async def read_form(self, request: Request) -> dict[str, str]:
        """The fields of a form that a browser sends; of a field that comes twice, the last.

        Raises:
            RefusedError: As for JSON; or it is not UTF-8, or has too many fields.
        """
        body = await self._read(request, "application/x-www-form-urlencoded")
        try:
            fields = parse_qsl(
                body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
            )
        except ValueError:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "malformed", "send a form's few fields") from None
        return dict(fields)

    async def _read(self, request: Request, wanted: str) -> bytes:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != wanted:
            advice = f"set the content type to {wanted}"
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_type", advice)
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._max_bytes:
            raise self._too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_DEADLINE.total_seconds()):
                async for chunk in request.stream():
                    body += chunk
                    self._held += len(chunk)
                    if len(body) > self._max_bytes:
                        raise self._too_large()
                    if self._held > self._room:
                        raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "send it again later")
        except TimeoutError:
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "send the body at once") from None
        except ClientDisconnect:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "disconnected", "send the whole body") from None
        finally:
            self._held -= len(body)
        return bytes(body)

    def _too_large(self) -> RefusedError:
        advice = f"at most {self._max_bytes} bytes are read"
        return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", advice)
