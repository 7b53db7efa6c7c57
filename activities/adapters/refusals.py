"""What GitHub's refusals mean: which kind of error, how long to wait, and what a person has to change."""

import http
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import gidgethub
from pydantic import BaseModel

from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError

_SECONDARY_LIMIT_DELAY: Final = timedelta(seconds=60)
"""What GitHub asks for when a secondary limit names no delay."""
_LONGEST_DELAY: Final = timedelta(hours=2)
"""A primary limit is reset within the hour. A longer delay is an error, and must not stop us for days."""
_SECONDS: Final = re.compile(r"\d{1,10}", re.ASCII)
_MAY_BE_LIMITS: Final = frozenset(
    {http.HTTPStatus.FORBIDDEN, http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.SERVICE_UNAVAILABLE}
)
_KINDS: Final = {
    http.HTTPStatus.UNAUTHORIZED: "unauthorised",
    http.HTTPStatus.FORBIDDEN: "forbidden",
    http.HTTPStatus.NOT_FOUND: "not_found",
    http.HTTPStatus.CONFLICT: "conflict",
    http.HTTPStatus.GONE: "gone",
    http.HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: "gone",
}
_STATES: Final = (
    (re.compile(r"archived so is read-only|repository was archived", re.IGNORECASE), "archived"),
    (re.compile(r"installation has been suspended", re.IGNORECASE), "suspended"),
)
"""403 says no to a lacking permission, and to every request where the repository or installation rests."""
_WANTED: Final = re.compile(r"[a-z_:]+(=[a-z]+)?([,;] ?[a-z_:]+(=[a-z]+)?)*", re.ASCII)
_WANTED_LENGTH: Final = 200
_TOLERATED_SKEW: Final = timedelta(seconds=30)
_GRAPH_KINDS: Final = {
    "FORBIDDEN": "forbidden",
    "INSUFFICIENT_SCOPES": "forbidden",
    "NOT_FOUND": "not_found",
}


class GraphError(BaseModel):
    """An error of the GraphQL API."""

    message: str = ""
    type: str | None = None
    """None where the query is wrong, which the extensions say, and where GitHub itself failed."""
    extensions: dict[str, Any] | None = None


class GraphAnswer(BaseModel):
    """An answer of the GraphQL API."""

    data: dict[str, Any] | None = None
    errors: tuple[GraphError, ...] = ()


def as_graph_error(error: GraphError) -> AdapterError:
    """What an error of the GraphQL API means for whoever asked."""
    said = f"GitHub refused: {error.message[:300]}"
    if error.type == "RATE_LIMITED" or "rate limit" in error.message.lower():
        return ThrottledError(f"GitHub asks to wait: {said}", delay=_SECONDARY_LIMIT_DELAY, guessed=True)
    if not error.type and not error.extensions:
        return UnavailableError(f"GitHub failed: {error.message[:300]}")
    return PermanentError(said, kind=_GRAPH_KINDS.get(error.type or "", "invalid"))


def as_adapter_error(error: gidgethub.HTTPException) -> AdapterError:
    """What an HTTP answer that is not a success means for whoever asked."""
    status = error.status_code
    message = str(error)[:300] if error.args and error.args[0] else status.phrase
    if status in _MAY_BE_LIMITS:
        throttled = _throttled(message, status, error.headers)
        if throttled is not None:
            return throttled
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or status == http.HTTPStatus.REQUEST_TIMEOUT:
        return UnavailableError(f"GitHub answered {status}: {message}")
    hint, kind = "", _KINDS.get(status, "invalid")
    if status == http.HTTPStatus.FORBIDDEN:
        hint = _permission_wanted(error.headers)
        kind = next((state for said, state in _STATES if said.search(message)), kind)
    if status == http.HTTPStatus.UNAUTHORIZED:
        hint = _clock(error.headers)
    return PermanentError(f"GitHub answered {status}: {message}{hint}", kind=kind)


def _throttled(message: str, status: int, headers: Mapping[str, str]) -> ThrottledError | None:
    asked = _delay_asked(headers)
    limited = "rate limit" in message.lower() or "abuse detection" in message.lower()
    if asked is None and not limited and status != http.HTTPStatus.TOO_MANY_REQUESTS:
        return None
    delay = _SECONDARY_LIMIT_DELAY if asked is None else asked
    return ThrottledError(
        f"GitHub asks to wait: {message}",
        delay=min(max(delay, timedelta(seconds=1)), _LONGEST_DELAY),
        guessed=asked is None,
    )


def _delay_asked(headers: Mapping[str, str]) -> timedelta | None:
    if _SECONDS.fullmatch(headers.get("retry-after", "")):
        return timedelta(seconds=int(headers["retry-after"]))
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and _SECONDS.fullmatch(reset):
        return timedelta(seconds=int(reset) - datetime.now(tz=UTC).timestamp() + 1)
    return None


def _permission_wanted(headers: Mapping[str, str]) -> str:
    """What GitHub says would have been enough: permissions of an App, or scopes of a classic token."""
    for name in ("x-accepted-github-permissions", "x-accepted-oauth-scopes"):
        wanted = headers.get(name, "")
        if len(wanted) <= _WANTED_LENGTH and _WANTED.fullmatch(wanted):
            return f" (it takes {wanted})"
    return ""


def _clock(headers: Mapping[str, str]) -> str:
    """Where GitHub's clock says otherwise, for an App signs the time into its requests."""
    try:
        skew = datetime.now(tz=UTC) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return ""
    if abs(skew) <= _TOLERATED_SKEW:
        return ""
    side = "ahead of" if skew > timedelta() else "behind"
    return f" (this machine's clock is {abs(skew).total_seconds():.0f} s {side} GitHub's)"
