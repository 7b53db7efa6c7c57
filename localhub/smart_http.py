"""Git over HTTP, through `git http-backend`."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from localhub.git import environment
from localhub.records import Repository, Token
from localhub.services import Services
from localhub.tokens import BadCredentialsError, allows, can_see, token_of

_SERVICES: Final = ("git-upload-pack", "git-receive-pack")
_CHUNK: Final = 65_536
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="GitHub"'}


def git_routes(services: Services) -> list[Route]:
    """The routes below `/owner/name.git/`."""

    async def serve(request: Request) -> Response:
        return await _serve(services, request)

    return [Route("/{owner}/{repo}.git/{rest:path}", serve, methods=["GET", "POST"])]


async def _serve(services: Services, request: Request) -> Response:
    rest = request.path_params["rest"]
    asked = request.query_params.get("service") if rest == "info/refs" and request.method == "GET" else rest
    if asked not in _SERVICES or (rest in _SERVICES and request.method != "POST"):
        return PlainTextResponse("Not Found", 404)
    name = f"{request.path_params['owner']}/{request.path_params['repo']}"
    repository = services.hub.repository(name)
    moved = services.hub.moved.get(name.lower())
    if repository is None and moved is not None and not moved.private:
        there = f"/{moved.full_name}.git/{rest}"
        return RedirectResponse(str(request.url.replace(path=there)), HTTPStatus.MOVED_PERMANENTLY)
    try:
        token = token_of(services.hub, request.headers.get("authorization"))
    except BadCredentialsError:
        return PlainTextResponse("Invalid username or token.", 401, _CHALLENGE)
    refusal = _refusal(repository, token, name, writes=asked == "git-receive-pack")
    if refusal or repository is None:
        return refusal or PlainTextResponse("Repository not found.", 404)
    if rest != "git-receive-pack":
        status, headers, output = await _run(repository, request, rest)
        return StreamingResponse(output, status, headers)
    async with repository.lock:
        before = await repository.git.refs()
        status, headers, output = await _run(repository, request, rest)
        body = b"".join([chunk async for chunk in output])
        if token:
            await services.triggers.refs_changed(repository, before, token.account, kind=token.kind)
    return Response(body, status, headers)


def _refusal(
    repository: Repository | None, token: Token | None, name: str, *, writes: bool
) -> Response | None:
    if repository is None or not can_see(token, repository):
        if token is None:
            return PlainTextResponse("Authentication required.", 401, _CHALLENGE)
        return PlainTextResponse("Repository not found.", 404)
    if allows(token, repository, "contents", "write" if writes else "read"):
        return None
    if token is None:
        return PlainTextResponse("Authentication required.", 401, _CHALLENGE)
    return PlainTextResponse(f"Permission to {name}.git denied to {token.account.login}.", 403)


async def _run(
    repository: Repository, request: Request, rest: str
) -> tuple[int, dict[str, str], AsyncIterator[bytes]]:
    process = await asyncio.create_subprocess_exec(
        shutil.which("git") or "git",
        "http-backend",
        env=environment(
            {
                "GIT_PROJECT_ROOT": str(repository.git.path),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
                "PATH_INFO": f"/{rest}",
                "REQUEST_METHOD": request.method,
                "QUERY_STRING": request.url.query,
                "CONTENT_TYPE": request.headers.get("content-type", ""),
                "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
                # Authorisation is settled; git only wants to see that somebody is there.
                "REMOTE_USER": "authorised",
            }
        ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    feeding = asyncio.create_task(_feed(process, request))
    assert process.stdout is not None  # noqa: S101 — asked for above
    head = b""
    while line := await process.stdout.readline():
        if not line.strip():
            break
        head += line
    pairs = (line.partition(":") for line in head.decode("latin-1").splitlines())
    headers = {key.strip().lower(): value.strip() for key, _, value in pairs}
    status = int(headers.pop("status", "200" if headers else "500").split(" ")[0])
    return status, headers, _output(process, feeding)


async def _feed(process: asyncio.subprocess.Process, request: Request) -> None:
    assert process.stdin is not None  # noqa: S101 — asked for above
    with suppress(ConnectionError, ClientDisconnect):
        async for chunk in request.stream():
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _output(process: asyncio.subprocess.Process, feeding: asyncio.Task[None]) -> AsyncIterator[bytes]:
    assert process.stdout is not None  # noqa: S101 — asked for above
    try:
        while chunk := await process.stdout.read(_CHUNK):
            yield chunk
        await feeding
    finally:
        feeding.cancel()
        if process.returncode is None:
            # Not process.terminate(): it may reap the process behind the back of asyncio's watcher.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            await process.wait()
