"""Requests to GitHub's REST API: gidgethub's sans-I/O rules over httpx2, every failure an `AdapterError`."""

import contextlib
import http
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

import gidgethub
import httpx2
from gidgethub import abc, sansio
from opentelemetry.trace import Span
from pydantic import ValidationError

from activities.adapters.conditional import Answer, AnswerCache
from activities.adapters.refusals import GraphAnswer, as_adapter_error, as_graph_error
from activities.adapters.spans import answered, github_request
from activities.errors import PermanentError, UnavailableError

REQUESTER: Final = "regreen"
REDIRECTS: Final = 3
ANSWER_BYTES: Final = 32 * 1024 * 1024
"""GitHub cuts a tree listing at 7 MB, so no honest answer that is read whole comes near this."""
ITEMS: Final = 10_000
"""A listing longer than this is cut: a `Link` header that never ends must not hold an activity for ever."""

OnAnswer = Callable[[Mapping[str, str]], None]
"""Takes an answer's headers, whose names are in any case."""

RAW: Final = sansio.accept_format(media="raw")

_API_VERSION: Final = {"x-github-api-version": "2022-11-28"}
_REPEATABLE_REDIRECTS: Final = {http.HTTPStatus.TEMPORARY_REDIRECT, http.HTTPStatus.PERMANENT_REDIRECT}
_READING_REDIRECTS: Final = {http.HTTPStatus.MOVED_PERMANENTLY, http.HTTPStatus.FOUND}


def api_path(*segments: str | int, **query: str | int | None) -> str:
    """The path of a resource below the API's root, every segment quoted.

    Args:
        segments: Path parts; a text part may itself hold slashes, as a branch or a file path does.
        query: Query parameters; those that are None are left out.

    Raises:
        PermanentError: `invalid`, for a part that would climb to another resource (`..`).
    """
    parts = [part for segment in segments for part in str(segment).split("/")]
    if any(part in {"", ".", ".."} for part in parts):
        raise PermanentError("a name in the request cannot be part of an address", kind="invalid")
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    given = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a web address, the scheme's own port written out."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.scheme, (parts.hostname or ""), port or {"https": 443, "http": 80}.get(parts.scheme)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what gidgethub and httpx2 raise into `AdapterError`.

    The cause is dropped on purpose: Temporal records it, and a client's own text may quote a header or a
    signed address.
    """
    try:
        yield
    except gidgethub.HTTPException as error:
        raise as_adapter_error(error) from None
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise UnavailableError(f"no usable answer from GitHub: {type(error).__name__}") from None
    except httpx2.InvalidURL:
        raise PermanentError("GitHub's address is not a web address", kind="invalid") from None
    except ValidationError as error:
        places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:5])
        raise UnavailableError(f"GitHub's answer lacks what was expected of it: {places}") from None
    except (ValueError, OverflowError) as error:
        raise UnavailableError(f"GitHub's answer could not be read: {type(error).__name__}") from None


class _Session(abc.GitHubAPI):
    def __init__(self, http_client: httpx2.AsyncClient, api_url: str, on_answer: OnAnswer | None) -> None:
        super().__init__(REQUESTER, base_url=api_url)
        self._http = http_client
        self._on_answer = on_answer
        self._kept = AnswerCache()

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        for _ in range(REDIRECTS + 1):
            if origin(url) != origin(self.base_url):
                # A renamed repository moves within the API; anything else would carry the credential away.
                raise PermanentError("GitHub's answer leads to another host", kind="forbidden")
            status, answer_headers, answer = await self._conditional(method, url, headers, body)
            location = answer_headers.get("location")
            repeatable = status in _REPEATABLE_REDIRECTS or (status in _READING_REDIRECTS and method == "GET")
            if location is None or not repeatable:
                return status, answer_headers, answer
            url = urljoin(url, location)
        raise PermanentError(f"GitHub redirected more than {REDIRECTS} times", kind="invalid")

    async def _conditional(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        kept = self._kept.find(url, headers) if method == "GET" else None
        asked = {**headers, "if-none-match": kept.headers["etag"]} if kept else headers
        status, answer_headers, answer = await self._exchange(method, url, asked, body)
        if kept is not None and status == http.HTTPStatus.NOT_MODIFIED:
            return http.HTTPStatus.OK, *kept.repeated(answer_headers)
        if method == "GET" and status == http.HTTPStatus.OK:
            self._kept.keep(url, headers, Answer(answer_headers, answer))
        return status, answer_headers, answer

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        sent = {**headers, **_API_VERSION}
        with github_request(method) as span:
            return await self._send(method, url, sent, body, span)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, span: Span
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._http.stream(
            method, url, headers=headers, content=body, follow_redirects=False
        ) as response:
            answered(span, response.status_code)
            if self._on_answer is not None:
                self._on_answer(response.headers)
            answer = bytearray()
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > ANSWER_BYTES:
                    raise PermanentError(f"GitHub's answer exceeds {ANSWER_BYTES} bytes", kind="invalid")
            return response.status_code, dict(response.headers), bytes(answer)

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError("Temporal waits, not the client")


class Wire:
    """One GitHub API, spoken to with whatever token each request brings.

    Args:
        http_client: Used for every request; its time-outs hold. Redirects are followed here, by rule.
        api_url: The API's root, without a slash at the end.
        on_answer: Called with the headers of every answer.
    """

    def __init__(
        self, http_client: httpx2.AsyncClient, api_url: str, on_answer: OnAnswer | None = None
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._session = _Session(http_client, self.api_url, on_answer)

    async def get(self, path: str, *, token: str | None = None, jwt: str | None = None) -> Any:
        """The decoded JSON answer."""
        with translated():
            return await self._session.getitem(path, None, oauth_token=token, jwt=jwt)

    async def get_raw(self, path: str, *, token: str | None = None) -> bytes:
        """The answer's bytes, asked for in GitHub's raw media type."""
        _, body = await self._bare(path, sansio.create_headers(REQUESTER, accept=RAW, oauth_token=token))
        return body

    async def get_with_headers(self, path: str, *, token: str | None = None) -> tuple[Any, Mapping[str, str]]:
        """The decoded JSON answer, and the answer's headers by their names in lower case."""
        headers, body = await self._bare(path, sansio.create_headers(REQUESTER, oauth_token=token))
        with translated():
            return sansio.decipher_response(http.HTTPStatus.OK, headers, body)[0], headers

    async def _bare(self, path: str, headers: Mapping[str, str]) -> tuple[Mapping[str, str], bytes]:
        url = sansio.format_url(path, None, base_url=self.api_url)
        with translated():
            status, answer_headers, body = await self._session._request("GET", url, headers)  # noqa: SLF001 — same module
            if status != http.HTTPStatus.OK:
                sansio.decipher_response(status, answer_headers, body)
            return answer_headers, body

    async def pages(
        self, path: str, *, key: str | None = None, token: str | None = None, jwt: str | None = None
    ) -> AsyncGenerator[Any]:
        """The items of a listing, page by page as `Link` headers lead.

        Args:
            path: The first page.
            key: The member that holds the items, where a page is an object.
            token: Sent with every page.
            jwt: Sent in its place, to speak as the App.
        """
        seen = 0
        listing = self._session.getiter(path, None, oauth_token=token, jwt=jwt, iterable_key=key)
        with translated():
            async with contextlib.aclosing(listing) as items:
                async for item in items:
                    yield item
                    seen += 1
                    if seen >= ITEMS:
                        return

    async def post(self, path: str, data: Any, *, token: str | None = None, jwt: str | None = None) -> Any:
        """The decoded JSON answer to a POST of `data` as JSON."""
        with translated():
            return await self._session.post(path, None, data=data, oauth_token=token, jwt=jwt)

    async def graphql(
        self, query: str, variables: Mapping[str, Any], *, token: str | None = None
    ) -> Mapping[str, Any]:
        """The data that the GraphQL API answers to a query; its refusals come with the status of a success.

        Raises:
            AdapterError: As the first of its errors says.
        """
        # beside the REST API: `api.github.com/graphql`, `ghe.example/api/graphql`
        url = f"{self.api_url.removesuffix('/v3')}/graphql"
        with translated():
            asked = {"query": query, "variables": dict(variables)}
            answer = GraphAnswer.model_validate(
                await self._session.post(url, None, data=asked, oauth_token=token)
            )
        if answer.errors:
            raise as_graph_error(answer.errors[0])
        return answer.data or {}

    async def patch(self, path: str, data: Any, *, token: str | None = None) -> Any:
        """The decoded JSON answer to a PATCH of `data` as JSON."""
        with translated():
            return await self._session.patch(path, None, data=data, oauth_token=token)

    async def delete(self, path: str, *, token: str | None = None) -> None:
        """Remove a resource."""
        with translated():
            await self._session.delete(path, None, oauth_token=token)
