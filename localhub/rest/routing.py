"""What all endpoints have in common: credentials, permissions, errors, pages, rate limits."""

import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localhub.records import Account, App, Json, Repository, Token, TokenKind
from localhub.services import Services
from localhub.state import Hub
from localhub.tokens import BadCredentialsError, allows, app_of, can_see, token_of

DOCUMENTATION: Final = "https://docs.github.com/rest"
_REPOSITORY: Final = "/repos/{owner}/{repo}"
_PER_PAGE: Final = 30
_PER_PAGE_MAX: Final = 100
_FREE_PATH: Final = "/rate_limit"
_WINDOW_S: Final = 3_600
_BODY_MAX: Final = 64 * 1024 * 1024


class ApiError(Exception):
    """An answer other than success.

    Attributes:
        status: HTTP status.
        errors: GitHub's list of what is wrong with which field.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> Response:
        """The error in GitHub's shape."""
        body: Json = {"message": str(self)}
        if self.errors:
            body["errors"] = list(self.errors)
        body |= {"documentation_url": DOCUMENTATION, "status": str(self.status)}
        return JSONResponse(body, self.status, dict(self.headers))


def not_found() -> ApiError:
    """What does not exist, or is not to be known of."""
    return ApiError(404, "Not Found")


def invalid(resource: str, field_name: str, code: str = "invalid") -> ApiError:
    """A field that was missing or wrong."""
    return ApiError(
        422, "Validation Failed", errors=[{"resource": resource, "field": field_name, "code": code}]
    )


def _refused(token: Token | None, permission: str, level: str) -> ApiError:
    if token is None:
        return ApiError(401, "Requires authentication")
    kind = "personal access token" if token.kind is TokenKind.PERSONAL else "integration"
    accepted = {"X-Accepted-GitHub-Permissions": f"{permission}={level}"}
    return ApiError(403, f"Resource not accessible by {kind}", headers=accepted)


@dataclass
class Call:
    """One request, after its credential was checked."""

    request: Request
    services: Services
    token: Token | None = None
    app: App | None = None
    _repository: Repository | None = None
    _body: Json = field(default_factory=dict)

    @property
    def hub(self) -> Hub:
        """The hub's state."""
        return self.services.hub

    @property
    def repository(self) -> Repository:
        """The repository the path names."""
        assert self._repository is not None  # noqa: S101 — every path that gets here names one
        return self._repository

    @property
    def caller(self) -> Account:
        """Whom writes are attributed to."""
        assert self.token is not None  # noqa: S101 — writing needs a token
        return self.token.account

    @property
    def calling_app(self) -> App | None:
        """The app on whose behalf the caller acts."""
        return self.token.installation.app if self.token and self.token.installation else None

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def number(self, name: str) -> int:
        """A part of the path that is a number."""
        text = self.path(name)
        if not (text.isascii() and text.isdigit()):
            raise not_found()
        return int(text)

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query_params.get(name, default)

    def accepts(self, kind: str) -> bool:
        """Whether the client asked for that media type, such as `raw`."""
        return any(
            part.strip().startswith(("application/vnd.github.", "application/vnd.github.v3."))
            and kind in part.strip().removeprefix("application/vnd.github.").split("+")[0].split(".")
            for part in self.request.headers.get("accept", "").split(",")
        )

    def given(self, name: str, kind: type, default: Any = None) -> Any:
        """A field of the body, of type `kind`, or the default when it is absent or null."""
        value = self._body.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ApiError(422, f'Invalid request.\n\nFor "{name}", {json.dumps(value)} is not acceptable.')
        return value

    def required(self, name: str, kind: type = str) -> Any:
        """A field of the body that must be there."""
        value = self.given(name, kind)
        if value is None:
            raise ApiError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value

    def require(self, permission: str, level: str) -> None:
        """Refuse the request unless the credential has a permission.

        Raises:
            ApiError: It has not.
        """
        if not allows(self.token, self.repository, permission, level):
            raise _refused(self.token, permission, level)

    def page(self, rows: Sequence[Json], *, key: str | None = None) -> Response:
        """One page of a list; with `key`, inside an object that also gives the total."""
        size = _positive(self.query("per_page"), _PER_PAGE, _PER_PAGE_MAX)
        number = _positive(self.query("page"), 1, 1_000_000)
        shown = rows[(number - 1) * size : number * size]
        last = max(1, -(-len(rows) // size))
        links = _links(self.request, number, last)
        headers = {"Link": links} if links else {}
        return JSONResponse({"total_count": len(rows), key: shown} if key else shown, headers=headers)

    async def read_body(self) -> None:
        """Read the body as a JSON object.

        Raises:
            ApiError: It is not one.
        """
        raw = bytearray()
        try:
            async for chunk in self.request.stream():
                raw += chunk
                if len(raw) > _BODY_MAX:
                    raise ApiError(413, "Payload too large")
        except ClientDisconnect as error:
            raise ApiError(400, "Problems parsing JSON") from error
        if not raw:
            return
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "Problems parsing JSON") from error
        if not isinstance(value, dict):
            raise ApiError(400, "Body should be a JSON object")
        self._body = value


def _positive(text: str, default: int, most: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() and int(text) > 0 else default


def _links(request: Request, number: int, last: int) -> str:
    def link(page: int, rel: str) -> str:
        query = {**request.query_params, "page": str(page)}
        return f'<{request.url.replace(query=urlencode(query))}>; rel="{rel}"'

    links = [link(number - 1, "prev"), link(1, "first")] if number > 1 else []
    if number < last:
        links += [link(number + 1, "next"), link(last, "last")]
    return ", ".join(links)


Handler = Callable[[Call], Awaitable[Response]]


class Routes:
    """The endpoints of one resource."""

    def __init__(self) -> None:
        self.endpoints: list[tuple[str, str, Handler, Callable[[Call], None]]] = []

    def repository(
        self, method: str, path: str, permission: str, *, level: str | None = None
    ) -> Callable[[Handler], Handler]:
        """An endpoint below a repository, open to who has `permission` (to read, or to write unless GET)."""
        needed = level or ("read" if method == "GET" else "write")

        def check(call: Call) -> None:
            full_name = f"{call.path('owner')}/{call.path('repo')}"
            repository = call.hub.repository(full_name)
            if repository is None or not can_see(call.token, repository):
                raise not_found()
            call._repository = repository  # noqa: SLF001 — filled in here, once
            call.require(permission, needed)
            if repository.archived and method != "GET":
                raise ApiError(403, "Repository was archived so is read-only.")

        return self._register(method, _REPOSITORY + path, check)

    def app(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """An endpoint for apps that authenticate with their JSON web token."""

        def check(call: Call) -> None:
            if call.app is None:
                raise ApiError(401, "A JSON web token could not be decoded")

        return self._register(method, path, check)

    def plain(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """An endpoint that checks its caller itself."""
        return self._register(method, path, lambda _: None)

    def _register(
        self, method: str, path: str, check: Callable[[Call], None]
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.endpoints.append((method, path, handler, check))
            return handler

        return register


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
        """One more request.

        Raises:
            ApiError: There are none left.
        """
        reset, used = self._window(key)
        self._windows[key] = (reset, min(used + 1, self.limit))
        if used >= self.limit:
            headers = _limit_headers(self.state(key))
            raise ApiError(403, "API rate limit exceeded.", headers=headers)
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


def _limit_headers(state: Json) -> dict[str, str]:
    headers = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in state.items()}
    return {**headers, "X-RateLimit-Resource": "core"}


def build_routes(services: Services, limits: RateLimits, resources: Iterable[Routes]) -> list[Route]:
    """Starlette routes for all endpoints."""
    return [
        Route(path, _endpoint(services, limits, handler, check), methods=[method])
        for resource in resources
        for method, path, handler, check in resource.endpoints
    ]


def _endpoint(
    services: Services, limits: RateLimits, handler: Handler, check: Callable[[Call], None]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        call = Call(request, services)
        state: Json = {}
        try:
            _authenticate(call)
            key = call.token.value if call.token else ""
            state = limits.state(key) if request.url.path == _FREE_PATH else limits.count(key)
            await call.read_body()
            check(call)
            response = _conditional(request, await handler(call))
            if response.status_code == HTTPStatus.NOT_MODIFIED:
                state = limits.return_one(key)
        except ApiError as error:
            response = error.response()
        for name, value in _limit_headers(state).items() if state else ():
            response.headers.setdefault(name, value)
        response.headers["X-GitHub-Request-Id"] = secrets.token_hex(8).upper()
        response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        return response

    return endpoint


def _conditional(request: Request, response: Response) -> Response:
    """The answer with a validator, or the word that the caller's copy is still good."""
    if request.method != "GET" or response.status_code != HTTPStatus.OK or not response.body:
        return response
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60, s-maxage=60"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return response


def _authenticate(call: Call) -> None:
    authorization = call.request.headers.get("authorization")
    try:
        call.token = token_of(call.hub, authorization)
        if call.token and call.token.installation and call.token.installation.suspended_at:
            raise ApiError(403, "This installation has been suspended")
    except BadCredentialsError as error:
        try:
            call.app = app_of(call.hub, authorization)
        except BadCredentialsError:
            raise ApiError(401, "Bad credentials") from error
