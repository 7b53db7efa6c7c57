"""What requests cost: the limit of an hour, and answers that are free because nothing has changed."""

import hashlib
import time
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from localhub.records import Json

_WINDOW_S: Final = 3_600


class RateLimits:
    """Counts requests per credential in windows of an hour."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._windows: dict[str, tuple[int, int]] = {}

    def state(self, key: str) -> Json:
        """Limit, use and reset time (Unix seconds) of a credential."""
        reset, used = self._window(key)
        return {"limit": self.limit, "used": used, "remaining": max(0, self.limit - used), "reset": reset}

    def count(self, key: str) -> Json:
        """One more request."""
        reset, used = self._window(key)
        self._windows[key] = (reset, min(used + 1, self.limit))
        return self.state(key)

    def return_one(self, key: str) -> Json:
        """An answer that says nothing has changed is free."""
        reset, used = self._window(key)
        self._windows[key] = (reset, max(used - 1, 0))
        return self.state(key)

    def _window(self, key: str) -> tuple[int, int]:
        current = int(time.time())
        reset, used = self._windows.get(key, (0, 0))
        return (reset, used) if reset > current else (current + _WINDOW_S, 0)


def limit_headers(state: Json) -> dict[str, str]:
    """How the state of a limit is told."""
    headers = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in state.items()}
    return {**headers, "X-RateLimit-Resource": "core"}


def conditional(request: Request, response: Response) -> Response:
    """The answer with a validator, or the word that the caller's copy is still good."""
    if request.method != "GET" or response.status_code != HTTPStatus.OK or not response.body:
        return response
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60, s-maxage=60"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return response
