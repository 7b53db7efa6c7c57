"""What the Messages API's refusals mean: wait, ask again, or a reason that a person can act on."""

import contextlib
import http
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import httpx2

from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError
from workflows.consultation import KIND_PREFIX

if TYPE_CHECKING:
    import anthropic

_OVERLOAD_DELAY: Final = timedelta(seconds=30)
"""Where the API asks to wait and does not say how long."""
_LONGEST_DELAY: Final = timedelta(minutes=20)
_OVERLOADED: Final = 529
_WAITING: Final = frozenset({http.HTTPStatus.TOO_MANY_REQUESTS, _OVERLOADED})
_PASSING: Final = frozenset({http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.CONFLICT})
_SPEND_LIMITS: Final = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})

_ADVICE: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid", "the request was refused; is REGREEN_MODEL a model that answers in a schema?"),
    401: ("unauthorised", "the key is not valid; check ANTHROPIC_API_KEY"),
    402: ("unpaid", "the account has no credit; look at its billing page"),
    403: ("forbidden", "the key may not use this model; check the key's workspace"),
    404: ("not_found", "there is no such model here; check REGREEN_MODEL and ANTHROPIC_BASE_URL"),
    413: ("too_large", "the request is too large for the API or a gateway before it"),
    422: ("invalid", "the request was refused; is REGREEN_MODEL a model that answers in a schema?"),
}
"""Kind and what a person can do, for answers that asking again does not change."""

_STATUS_BY_TYPE: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": _OVERLOADED,
}
"""For errors in the middle of a stream, which began with 200."""


def refusal(error: "anthropic.APIStatusError", tame: Callable[[str], str]) -> AdapterError:
    """The error that an API's refusal is.

    Args:
        error: As the SDK raises it.
        tame: Makes text from outside fit for an error.
    """
    status = error.status_code
    if status == http.HTTPStatus.OK:
        status = _STATUS_BY_TYPE.get(error.type or "", http.HTTPStatus.INTERNAL_SERVER_ERROR)
    said = tame(str(error.api_message or "it does not say why"))
    if status in _WAITING:
        if error.error_code in _SPEND_LIMITS:
            return PermanentError(
                f"the account's spending limit is reached: {said}", kind=f"{KIND_PREFIX}unpaid"
            )
        return ThrottledError(f"the model asks to wait ({status}): {said}", delay=_delay(error.response))
    if status in _PASSING or status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(f"the model answered {status}: {said}")
    kind, advice = _ADVICE.get(status, ("invalid", "look at ANTHROPIC_BASE_URL"))
    return PermanentError(f"the model answered {status}, {advice} ({said})", kind=f"{KIND_PREFIX}{kind}")


def _delay(response: httpx2.Response) -> timedelta:
    asked = _OVERLOAD_DELAY
    with contextlib.suppress(KeyError, ValueError, OverflowError):
        asked = timedelta(seconds=float(response.headers["retry-after"]))
    return min(max(asked, timedelta(seconds=1)), _LONGEST_DELAY)
