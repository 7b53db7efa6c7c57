"""The chat channel by which humans are told that they are needed: an incoming webhook, as Slack has them."""

import http
import re
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError

_SECONDS: Final = re.compile(r"\d{1,5}", re.ASCII)
_DELAY: Final = timedelta(seconds=30)
"""Where the channel asks to wait and does not say how long."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def is_channel(url: str) -> bool:
    """Whether a message may be sent there: its address is a credential, and must not travel in the clear."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


class Channel:
    """One incoming webhook.

    Args:
        http_client: Used for every message; its time-outs hold, and no redirect is followed.
        url: The webhook's address, which is a credential: no error names it.
    """

    def __init__(self, http_client: httpx2.AsyncClient, url: SecretStr) -> None:
        self._http = http_client
        self._url = url

    async def post(self, text: str, key: str) -> None:
        """Send a message.

        Args:
            text: In Slack's markup: `&`, `<` and `>` of data are escaped.
            key: Names the message, for receivers that drop what comes twice. Slack's do not.

        Raises:
            UnavailableError, ThrottledError: It was surely not delivered; sending it again may help.
            PermanentError: It was refused, or nobody can tell whether it was delivered.
        """
        try:
            async with self._http.stream(
                "POST",
                self._url.get_secret_value(),
                json={"text": text},
                headers={"idempotency-key": key},
                follow_redirects=False,
            ) as response:
                status, headers = response.status_code, response.headers
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise UnavailableError(f"the channel cannot be reached: {type(error).__name__}") from None
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            raise PermanentError(
                f"the channel did not say whether it took the message: {type(error).__name__}", kind="unknown"
            ) from None
        if not http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(status, headers.get("retry-after", ""))


def _refusal(status: int, retry_after: str) -> AdapterError:
    if status == http.HTTPStatus.TOO_MANY_REQUESTS:
        asked = timedelta(seconds=int(retry_after)) if _SECONDS.fullmatch(retry_after) else _DELAY
        return ThrottledError("the channel asks to wait", delay=max(asked, timedelta(seconds=1)))
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR and status != http.HTTPStatus.GATEWAY_TIMEOUT:
        return UnavailableError(f"the channel answered {status}")
    return PermanentError(f"the channel answered {status}", kind="refused")
