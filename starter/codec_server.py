"""Temporal's remote codec protocol: lets the Web UI and the `temporal` command read encrypted payloads."""

import base64
import binascii
import hmac
import logging
from http import HTTPStatus
from typing import Any, Final, Self

from google.protobuf import json_format
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payloads
from temporalio.converter import PayloadCodec

from starter.bodies import BodyReader, RefusedError
from starter.proxies import TrustedProxies
from starter.serving import run_server
from starter.settings import Proxies
from workflows.codec import PayloadKeyError
from workflows.configuration import CommaList

MAX_BODY_BYTES: Final = 16_000_000
"""A page of a history in base64; Temporal sends at most 4 MB in one message."""

_log: Final = logging.getLogger(__name__)


class CodecServerSettings(BaseSettings):
    """What an operator sets for the codec server: environment variables that begin with `REGREEN_CODEC_`."""

    model_config = SettingsConfigDict(
        env_prefix="REGREEN_CODEC_", env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    token: SecretStr | None = Field(
        default=None, description="who sends it, as bearer token or as password, may read every payload"
    )
    proxies: Proxies = Field(
        default=(), description="addresses of the proxies whose word on who is calling is believed"
    )
    proxy_user_header: str = Field(
        default="X-Forwarded-User", min_length=1, description="where such a proxy names the person it let in"
    )
    origins: CommaList[str] = Field(
        default=(), description="addresses of the Web UIs whose pages may ask, as `https://temporal.example`"
    )
    host: str = Field(default="127.0.0.1", description="address the codec server listens on")
    port: int = Field(default=8081, ge=0, le=65_535, description="port it listens on; 0 picks one")

    @model_validator(mode="after")
    def _somebody_may_ask(self) -> Self:
        if not self.proxies and not (self.token and self.token.get_secret_value()):
            raise ValueError(
                "neither REGREEN_CODEC_TOKEN nor REGREEN_CODEC_PROXIES is set, so nobody may ask; "
                "`openssl rand -hex 32` makes a token"
            )
        return self


class _Doorkeeper:
    """Tells who may ask: whoever holds the token, and whom a trusted proxy let in."""

    def __init__(self, settings: CodecServerSettings) -> None:
        self._token = settings.token.get_secret_value().encode() if settings.token else b""
        self._proxies = TrustedProxies(settings.proxies, settings.proxy_user_header)

    def admits(self, request: Request) -> bool:
        return self._holds_token(request) or self._proxies.user(request) is not None

    def _holds_token(self, request: Request) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        given = credentials.strip().encode("latin-1", "replace")
        if scheme.lower() == "basic":
            given = _password(given)
        elif scheme.lower() != "bearer":
            return False
        return bool(self._token) and hmac.compare_digest(given, self._token)


def create_app(settings: CodecServerSettings, codec: PayloadCodec) -> Starlette:
    """The ASGI application.

    Args:
        settings: Who may ask, and from which pages.
        codec: What payloads are stored with.
    """
    door, bodies = _Doorkeeper(settings), BodyReader(MAX_BODY_BYTES)

    async def encode(request: Request) -> Response:
        asked = await _read(request, door, bodies)
        return _answer(Payloads(payloads=await codec.encode(asked.payloads)))

    async def decode(request: Request) -> Response:
        asked = await _read(request, door, bodies)
        return _answer(Payloads(payloads=await codec.decode(asked.payloads)))

    async def log_in(request: Request) -> Response:
        """Where a browser is asked for the token, which it then sends along with the Web UI's requests."""
        if door.admits(request):
            return PlainTextResponse("The Web UI can read payloads now; this page can be closed.\n")
        challenge = {"WWW-Authenticate": 'Basic realm="Regreen codec server", charset="UTF-8"'}
        return PlainTextResponse("The password is REGREEN_CODEC_TOKEN.\n", HTTPStatus.UNAUTHORIZED, challenge)

    async def report_alive(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def refuse(_request: Request, refused: Any) -> Response:
        _log.warning("refused a request: %s", refused.reason)
        return JSONResponse({"message": refused.advice}, refused.status)

    async def explain(_request: Request, error: Any) -> Response:
        return JSONResponse({"message": str(error)}, HTTPStatus.BAD_REQUEST)

    pages = Middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=["POST"],
        allow_headers=["authorization", "content-type", "x-namespace"],
        allow_credentials=True,
    )
    return Starlette(
        routes=[
            Route("/encode", encode, methods=["POST"]),
            Route("/decode", decode, methods=["POST"]),
            Route("/", log_in),
            Route("/healthz", report_alive),
        ],
        middleware=[pages],
        exception_handlers={RefusedError: refuse, PayloadKeyError: explain},
    )


async def serve(settings: CodecServerSettings, codec: PayloadCodec) -> None:
    """Run the codec server until it is told to stop."""
    await run_server(create_app(settings, codec), settings.host, settings.port)


async def _read(request: Request, door: _Doorkeeper, bodies: BodyReader) -> Payloads:
    if not door.admits(request):
        advice = "send the token as `Authorization: Bearer`, or come through the proxy"
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "unauthorised", advice)
    body = await bodies.read_json(request)
    try:
        return json_format.Parse(body, Payloads())
    except (json_format.ParseError, UnicodeDecodeError, RecursionError):
        advice = 'the body is {"payloads": […]}, as Temporal writes them'
        raise RefusedError(HTTPStatus.BAD_REQUEST, "malformed", advice) from None


def _answer(payloads: Payloads) -> Response:
    return Response(json_format.MessageToJson(payloads, indent=None), media_type="application/json")


def _password(credentials: bytes) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
