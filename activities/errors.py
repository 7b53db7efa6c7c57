"""What can go wrong at an adapter, and its one translation into what Temporal retries or does not."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

from temporalio.exceptions import ApplicationError

F = TypeVar("F", bound=Callable[..., Any])


class AdapterError(Exception):
    """An outside service did not do what was asked. The text is for people and holds no secret."""


class PermanentError(AdapterError):
    """Asking again changes nothing.

    Attributes:
        kind: A word a workflow may decide by: `not_found`, `gone`, `unauthorised`, `forbidden`, `conflict`,
            `invalid`, `refused`, `archived`, `suspended`, or what a step found out about a refusal.
    """

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class ThrottledError(AdapterError):
    """The service asks to wait.

    Attributes:
        delay: How long.
        guessed: The service did not say how long.
    """

    def __init__(self, message: str, *, delay: timedelta, guessed: bool = False) -> None:
        super().__init__(message)
        self.delay = delay
        self.guessed = guessed


class UnavailableError(AdapterError):
    """No usable answer: cut connection, time-out, 5xx. Asking again may help."""


def as_application_error(error: AdapterError) -> ApplicationError:
    """The error Temporal understands: type, whether to retry, and after how long."""
    if isinstance(error, PermanentError):
        return ApplicationError(str(error), type=error.kind, non_retryable=True)
    if isinstance(error, ThrottledError):
        return ApplicationError(str(error), type="throttled", next_retry_delay=error.delay)
    return ApplicationError(str(error), type="unavailable")


def translating(function: F) -> F:
    """Decorate an activity so that an `AdapterError` leaves it as an `ApplicationError`."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            try:
                return await cast("Callable[..., Awaitable[Any]]", function)(*args, **kwargs)
            except AdapterError as error:
                raise as_application_error(error) from error

        return cast("F", asynchronous)

    @functools.wraps(function)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except AdapterError as error:
            raise as_application_error(error) from error

    return cast("F", synchronous)
