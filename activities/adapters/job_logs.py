"""Downloads of job logs: streamed to a file, by rules that trust neither the address nor the length."""

import asyncio
import http
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx2
from gidgethub import sansio

from activities.adapters.log_writing import UNUSABLE_LOG, TwoEnds, plain_text
from activities.adapters.records import LogDownload
from activities.adapters.wire import REDIRECTS, REQUESTER, origin, translated
from activities.errors import PermanentError, UnavailableError
from workflows.models import LogState

Resolver = Callable[[str], Awaitable[list[str]]]
"""The addresses of a host name; empty when they cannot be found out."""
Beat = Callable[[], None]
"""Says that there is progress."""

_GONE: Final = {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE}
_KINDS: Final = {"application/octet-stream", "application/gzip", "application/x-gzip"}
_ENCODINGS: Final = {"identity", "gzip", "x-gzip"}
_ERROR_BYTES: Final = 65_536
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052."""
_LOCAL_NAMES: Final = (".localhost", ".local", ".internal")


async def addresses_of(host: str) -> list[str]:
    """Ask the system's resolver. A name it does not know has no addresses: a proxy may know it."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(each[4][0]) for each in found]


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.is_site_local:
            return False
        found = _carried(found) or found
    return found.is_global and not found.is_multicast


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a gateway makes of this one, if it is of such a kind."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) % 2**32)
    return address.ipv4_mapped or address.sixtofour


async def check_address(url: str, api_url: str, resolve: Resolver) -> None:
    """Refuse an address that a log has no business to come from.

    The API's own origin is always allowed: it is what the operator configured, a local one included. Where
    the API itself is plain HTTP, its host is allowed at any port, and nothing else is. A name that changes
    its address between this check and the request is not caught; an egress rule has to.

    Raises:
        PermanentError: `unusable_log`.
    """
    if origin(url) == origin(api_url):
        return
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    if urlsplit(api_url).scheme == "http" and host == urlsplit(api_url).hostname:
        return
    if urlsplit(api_url).scheme != "https" or urlsplit(url).scheme != "https" or not host:
        raise PermanentError("the log's address is not https", kind=UNUSABLE_LOG)
    if host == "localhost" or host.endswith(_LOCAL_NAMES):
        raise PermanentError("the log's address is a local one", kind=UNUSABLE_LOG)
    try:
        addresses = [str(ipaddress.ip_address(host))]
    except ValueError:
        addresses = await resolve(host)
    if not all(_is_public(address) for address in addresses):
        raise PermanentError("the log's address is a private one", kind=UNUSABLE_LOG)


class LogStream:
    """Fetches one log at a time.

    Args:
        http_client: Used for every request.
        api_url: The API's root.
        resolve: Finds a host's addresses.
    """

    def __init__(self, http_client: httpx2.AsyncClient, api_url: str, resolve: Resolver) -> None:
        self._http = http_client
        self._api_url = api_url
        self._resolve = resolve

    async def download(
        self, path: str, into: Path, *, token: str | None, max_bytes: int, beat: Beat | None
    ) -> LogDownload:
        """Stream the log at `path` (below the API's root) into the file `into`.

        Args:
            path: Where the API has it.
            into: A file that is written anew.
            token: For the API alone.
            max_bytes: Of a longer log, plain or unpacked, only the two ends are kept.
            beat: Called for every piece that comes.

        Raises:
            AdapterError: No log came; the file is then not there either. What makes this one log unusable,
                whatever is asked again, is a `PermanentError` of the kind `unusable_log`.
        """
        url = sansio.format_url(path, None, base_url=self._api_url)
        with translated():
            for _ in range(REDIRECTS + 1):
                await check_address(url, self._api_url, self._resolve)
                # Only the API is told who asks; the store behind the redirect knows by the signed address.
                known = token if origin(url) == origin(self._api_url) else None
                headers = sansio.create_headers(REQUESTER, accept="text/plain, */*", oauth_token=known)
                headers["accept-encoding"] = "identity"
                async with self._http.stream("GET", url, headers=headers, follow_redirects=False) as response:
                    location = response.headers.get("location")
                    if response.is_redirect and location:
                        url = urljoin(url, location)
                        continue
                    return await self._take(response, into, max_bytes, beat)
            raise PermanentError(f"the log was redirected more than {REDIRECTS} times", kind=UNUSABLE_LOG)

    async def _take(
        self, response: httpx2.Response, into: Path, max_bytes: int, beat: Beat | None
    ) -> LogDownload:
        if response.status_code in _GONE:
            return LogDownload(state=LogState.GONE)
        if response.status_code != http.HTTPStatus.OK:
            await self._refuse(response)
        kind = response.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
        if not (kind.startswith("text/") or kind in _KINDS):
            raise PermanentError("the log is not text", kind=UNUSABLE_LOG)
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding not in _ENCODINGS:
            raise PermanentError("the log's encoding is not one that was asked for", kind=UNUSABLE_LOG)
        # A gzip stream is unpacked here: the client would unpack a piece to any size at once.
        pieces = response.aiter_bytes() if encoding == "identity" else response.aiter_raw()
        with TwoEnds(into, max_bytes) as file:
            async with aclosing(plain_text(pieces)) as text:
                async for piece in text:
                    await asyncio.to_thread(file.write, piece)
                    if beat:
                        beat()
            await asyncio.to_thread(file.finish)
        if not file.size:
            return LogDownload(state=LogState.EMPTY)
        return LogDownload(path=into, size=file.size, state=LogState.PRESENT, omitted_bytes=file.omitted)

    async def _refuse(self, response: httpx2.Response) -> None:
        if origin(str(response.url)) != origin(self._api_url):
            # A store's refusal is a signed address that ran out: asking GitHub again gives a new one.
            raise UnavailableError(f"the log's store answered {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _ERROR_BYTES:
                break
        sansio.decipher_response(response.status_code, response.headers, bytes(body[:_ERROR_BYTES]))
        raise UnavailableError(f"GitHub answered {response.status_code} instead of a log")
