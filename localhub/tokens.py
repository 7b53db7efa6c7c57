"""Who is calling, and what the credential allows."""

import base64
import binascii
from datetime import timedelta
from typing import Final

import jwt

from localhub.records import LEVELS, App, Repository, Token, TokenKind
from localhub.state import Hub

INSTALLATION_TOKEN_LIFETIME: Final = timedelta(hours=1)
_JWT_LIFETIME: Final = timedelta(minutes=10)
_CLOCK_LEEWAY: Final = timedelta(seconds=60)


class BadCredentialsError(Exception):
    """The credential is unknown, expired or malformed."""


def secret_in(authorization: str) -> str:
    """The secret part of an `Authorization` header: bearer, token, or the password of Basic.

    Raises:
        BadCredentialsError: The header has none of these forms.
    """
    scheme, _, rest = authorization.partition(" ")
    match scheme.lower():
        case "bearer" | "token":
            return rest.strip()
        case "basic":
            try:
                user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise BadCredentialsError from error
            return password if password not in {"", "x-oauth-basic"} else user
    raise BadCredentialsError


def token_of(hub: Hub, authorization: str | None) -> Token | None:
    """The token of a request; None without an `Authorization` header.

    Raises:
        BadCredentialsError: The header does not hold a valid token.
    """
    if authorization is None:
        return None
    token = hub.tokens.get(secret_in(authorization))
    if token is None or token.expired():
        raise BadCredentialsError
    return token


def app_of(hub: Hub, authorization: str | None) -> App:
    """The app that signed the JSON web token of a request.

    Raises:
        BadCredentialsError: No such token, or its signature, issuer or times are wrong.
    """
    if authorization is None:
        raise BadCredentialsError
    encoded = secret_in(authorization)
    try:
        issuer = jwt.decode(encoded, options={"verify_signature": False})["iss"]
        app = hub.apps[int(issuer)]
        claims = jwt.decode(
            encoded,
            app.public_key,
            algorithms=["RS256"],
            leeway=_CLOCK_LEEWAY,
            options={"require": ["iat", "exp", "iss"], "verify_iss": False},
        )
    except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
        raise BadCredentialsError from error
    if claims["exp"] - claims["iat"] > (_JWT_LIFETIME + _CLOCK_LEEWAY).total_seconds():
        raise BadCredentialsError
    return app


def can_see(token: Token | None, repository: Repository) -> bool:
    """Whether the repository exists as far as the caller may know."""
    if not repository.private:
        return True
    if token is None:
        return False
    if token.repositories is not None and repository.id not in token.repositories:
        return False
    if token.kind is TokenKind.PERSONAL:
        return repository.role(token.account.login) != "none"
    return token.installation is None or token.installation.account == repository.owner


def allows(token: Token | None, repository: Repository, permission: str, level: str) -> bool:
    """Whether the caller has `permission` at `level` (read, write, admin) on a repository it can see."""
    if level == "read" and not repository.private:
        return True
    if token is None:
        return False
    if token.repositories is not None and repository.id not in token.repositories:
        return False
    if token.installation is not None and token.installation.account != repository.owner:
        return False
    if permission == "metadata" and level == "read":
        return True
    granted = "admin" if token.permissions is None else token.permissions.get(permission, "none")
    if token.kind is TokenKind.PERSONAL:
        granted = min(granted, repository.role(token.account.login), key=lambda one: LEVELS[one])
    return LEVELS[granted] >= LEVELS[level]
