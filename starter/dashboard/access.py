"""Who may open the dashboard, who may give orders there, and whether a form is the dashboard's own."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from starter.proxies import TrustedProxies
from starter.settings import StarterSettings

SESSION: Final = timedelta(hours=12)
"""From a login until the next: a working day."""
COOKIE: Final = "regreen_dashboard"

_NAME: Final = re.compile(r"[\w.@+' -]{1,60}")
_EVERYBODY: Final = "*"
_BEARER_NAME: Final = "token holder"


@dataclass(frozen=True)
class Visitor:
    """Somebody who may read the dashboard."""

    name: str
    """As the proxy says, or as they called themselves when they gave the token."""
    may_order: bool
    session: str | None
    """What the forms they are shown are bound to; None where no browser sends their credential by itself."""
    logged_in: bool = False
    """By the form, so that they can log out."""


class _Session(BaseModel):
    name: str
    expires: datetime
    nonce: str


class Doorkeeper:
    """Knows visitors by a cookie, by the token itself, or by the word of a proxy.

    Sessions are not kept: a cookie says whose it is and until when, under a key made of the webhook secret
    and the token, so that every process of the service takes it and a new token ends them all.
    """

    def __init__(self, settings: StarterSettings) -> None:
        token = settings.dashboard_token
        self._token = token.get_secret_value().encode() if token else b""
        self._proxies = TrustedProxies(settings.dashboard_proxies, settings.dashboard_proxy_user_header)
        self._operators = frozenset(settings.dashboard_operators)
        self._key = hmac.digest(settings.webhook_secrets()[0], b"dashboard\n" + self._token, hashlib.sha256)
        self._root = settings.dashboard_url
        self.is_open = bool(self._token or settings.dashboard_proxies)
        self.takes_token = bool(self._token)
        self.secure_cookie = (settings.dashboard_url or "").startswith("https:")

    def visitor(self, request: Request) -> Visitor | None:
        """Who is asking; None for a stranger."""
        return self._by_token(request) or self._by_cookie(request) or self._by_proxy(request)

    def log_in(self, token: str, name: str) -> str | None:
        """The cookie of a new session; None where the token is wrong or the name is none."""
        name = name.strip()
        if not self._is_token(token.encode()) or not _NAME.fullmatch(name):
            return None
        session = _Session(name=name, expires=datetime.now(UTC) + SESSION, nonce=secrets.token_hex(16))
        content = base64.urlsafe_b64encode(session.model_dump_json().encode()).decode()
        return f"{content}.{self._seal('session', content)}"

    def form_token(self, visitor: Visitor) -> str:
        """What the forms shown to `visitor` carry; it holds for as long as a session."""
        expires = int((datetime.now(UTC) + SESSION).timestamp())
        return f"{expires}.{self._seal('form', visitor.session or '', str(expires))}"

    def is_own_form(self, request: Request, visitor: Visitor, form_token: str) -> bool:
        """Whether a form comes from a page of the dashboard that was shown to `visitor`.

        Who sends the token itself needs none: no browser adds it to another site's request.
        """
        if visitor.session is None:
            return True
        expires, _, seal = form_token.partition(".")
        if not expires.isascii() or not expires.isdecimal() or len(expires) > len("9999999999"):
            return False
        right = hmac.compare_digest(seal.encode(), self._seal("form", visitor.session, expires).encode())
        return right and int(expires) > datetime.now(UTC).timestamp() and self.is_same_origin(request)

    def is_same_origin(self, request: Request) -> bool:
        """Whether the browser says that the request comes from a page of this very service."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        origin = urlsplit(request.headers.get("origin", ""))
        here = {request.headers.get("host", "")}
        if self._root is not None:
            here.add(urlsplit(self._root).netloc)
        return origin.scheme in {"http", "https"} and origin.netloc in here

    def _by_token(self, request: Request) -> Visitor | None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._is_token(credentials.strip().encode("latin-1", "replace")):
            return None
        return Visitor(_BEARER_NAME, may_order=True, session=None)

    def _by_cookie(self, request: Request) -> Visitor | None:
        content, _, seal = request.cookies.get(COOKIE, "").partition(".")
        if not self._token or not hmac.compare_digest(
            seal.encode("latin-1", "replace"), self._seal("session", content).encode()
        ):
            return None
        try:
            session = _Session.model_validate_json(base64.urlsafe_b64decode(content))
        except (ValidationError, binascii.Error):
            return None
        if session.expires <= datetime.now(UTC):
            return None
        return Visitor(session.name, may_order=True, session=session.nonce, logged_in=True)

    def _by_proxy(self, request: Request) -> Visitor | None:
        name = self._proxies.user(request)
        if name is None or not _NAME.fullmatch(name):
            return None
        may_order = name in self._operators or _EVERYBODY in self._operators
        return Visitor(name, may_order=may_order, session=f"proxy {name}")

    def _is_token(self, given: bytes) -> bool:
        return bool(self._token) and hmac.compare_digest(given, self._token)

    def _seal(self, *parts: str) -> str:
        return hmac.new(self._key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()
