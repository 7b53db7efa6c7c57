"""Who Regreen is to GitHub. A token lives in memory only, and only as long as a request needs it."""

import abc
import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx2
import jwt
from gidgethub.apps import get_jwt
from pydantic import AwareDatetime, BaseModel, SecretStr

from activities.adapters.wire import Wire, api_path, translated
from activities.errors import PermanentError

_TOKEN: Final = re.compile(r"[!-~]+")
_RENEWED_BEFORE: Final = timedelta(minutes=5)
"""A token handed out lasts at least this long: longer than any single activity holds it."""
_JWT_SECONDS: Final = 9 * 60
"""GitHub takes ten minutes at most, and clocks differ."""

_PAGE: Final = 100

_OUT_OF_REACH: Final = "not accessible to the parent installation"
"""GitHub's words where a token is asked for a repository that the installation does not know by that name."""

_Key = tuple[str, frozenset[tuple[str, str]]]


class Credentials(abc.ABC):
    """Gives out the token for one request."""

    @abc.abstractmethod
    async def token(self, repository: str, permissions: Mapping[str, str] | None = None) -> str | None:
        """A token for `repository` ("owner/name"), or None to ask anonymously.

        Args:
            repository: The only repository the token need serve.
            permissions: What the request needs, as `{"contents": "read"}`; None asks for all there is.

        Raises:
            AdapterError: GitHub did not give one.
        """

    async def listing_tokens(self) -> list[str]:
        """A token for each installation of the App, good for listing what it is installed on; else none.

        Raises:
            AdapterError: GitHub did not give one.
        """
        return []

    def current_name(self, repository: str) -> str:
        """What a repository is called now, as far as giving out tokens for it has shown."""
        return repository

    def account(self, repository: str) -> str:
        """Whose limits a request for `repository` counts against: a name for ordering requests."""
        del repository
        return ""

    def app_jwt(self) -> str | None:
        """A token that speaks for the App itself; None when there is no App."""
        return None

    def discard(self, token: str) -> bool:
        """Forget a token that GitHub turned down. True when the next one will be another."""
        del token
        return False


class NoCredentials(Credentials):
    """Anonymous: enough to read public repositories."""

    async def token(self, repository: str, permissions: Mapping[str, str] | None = None) -> None:  # noqa: D102
        del repository, permissions


class PersonalToken(Credentials):
    """One token for everything, as a person or a workflow run is given.

    Args:
        secret: The token. What it may do was decided when it was made.

    Raises:
        ValueError: The token holds a character no header can carry.
    """

    def __init__(self, secret: SecretStr) -> None:
        stripped = secret.get_secret_value().strip()
        if not _TOKEN.fullmatch(stripped):
            raise ValueError("the GitHub token is empty or holds blanks or non-ASCII characters")
        self._secret = SecretStr(stripped)

    async def token(self, repository: str, permissions: Mapping[str, str] | None = None) -> str:  # noqa: D102
        del repository, permissions
        return self._secret.get_secret_value()


class _Minted(BaseModel):
    token: SecretStr
    expires_at: AwareDatetime


class _Installation(BaseModel):
    id: int
    suspended_at: AwareDatetime | None = None


class _Named(BaseModel):
    full_name: str


class AppInstallation(Credentials):
    r"""Tokens of a GitHub App's installation, each for one repository and the permissions of one step.

    Args:
        app_id: The App's id or client id.
        private_key: The App's RSA key, PEM; `\n` written out, as environment files do, is understood.
        http_client: Used to ask for tokens.
        api_url: The API's root.
    """

    def __init__(
        self, app_id: str | int, private_key: SecretStr, http_client: httpx2.AsyncClient, api_url: str
    ) -> None:
        self._app_id = str(app_id)
        self._private_key = SecretStr(private_key.get_secret_value().replace("\\n", "\n"))
        self._wire = Wire(http_client, api_url)
        self._installations: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._minted: dict[_Key, _Minted] = {}
        self._locks: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def current_name(self, repository: str) -> str:  # noqa: D102
        return self._names.get(repository.lower(), repository)

    def account(self, repository: str) -> str:  # noqa: D102
        return repository.partition("/")[0].lower()

    def app_jwt(self) -> str:  # noqa: D102
        try:
            return get_jwt(
                app_id=self._app_id,
                private_key=self._private_key.get_secret_value(),
                expiration=_JWT_SECONDS,
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise PermanentError(
                "the App's private key is not an RSA key in PEM", kind="unauthorised"
            ) from None

    async def token(self, repository: str, permissions: Mapping[str, str] | None = None) -> str:  # noqa: D102
        key = (repository.lower(), frozenset((permissions or {}).items()))
        async with self._locks[key]:
            minted = self._minted.get(key)
            if minted is None or minted.expires_at - datetime.now(tz=UTC) < _RENEWED_BEFORE:
                minted = await self._mint(repository, permissions)
                self._minted[key] = minted
            return minted.token.get_secret_value()

    async def listing_tokens(self) -> list[str]:  # noqa: D102
        path = api_path("app", "installations", per_page=_PAGE)
        with translated():
            installations = [
                _Installation.model_validate(each)
                async for each in self._wire.pages(path, jwt=self.app_jwt())
            ]
        asked = [
            await self._ask(installation.id, None, {"metadata": "read"})
            for installation in installations
            if installation.suspended_at is None
        ]
        return [minted.token.get_secret_value() for minted in asked]

    def discard(self, token: str) -> bool:  # noqa: D102
        turned_down = [
            key for key, minted in self._minted.items() if minted.token.get_secret_value() == token
        ]
        for key in turned_down:
            del self._minted[key]
            self._installations.pop(key[0], None)
        return bool(turned_down)

    async def _mint(self, repository: str, permissions: Mapping[str, str] | None) -> _Minted:
        installation = await self._installation(repository)
        name = self.current_name(repository)
        try:
            return await self._ask(installation, name, permissions)
        except PermanentError as error:
            if error.kind != "invalid":
                raise
            if _OUT_OF_REACH not in str(error):
                # GitHub answers 422 as well when the installation was not granted what is asked for.
                asked = ", ".join(f"{name}: {level}" for name, level in (permissions or {}).items())
                raise PermanentError(
                    f"the App's installation does not grant {asked or 'access'}", kind="forbidden"
                ) from None
        now = await self._current_name(installation, repository)
        if now.lower() == name.lower():
            raise PermanentError(f"the App's installation does not reach {repository}", kind="not_found")
        self._names[repository.lower()] = now
        return await self._ask(installation, now, permissions)

    async def _ask(
        self, installation: int, repository: str | None, permissions: Mapping[str, str] | None
    ) -> _Minted:
        wanted: dict[str, object] = {"repositories": [repository.partition("/")[2]]} if repository else {}
        if permissions:
            wanted["permissions"] = dict(permissions)
        path = api_path("app", "installations", installation, "access_tokens")
        answer = await self._wire.post(path, wanted, jwt=self.app_jwt())
        with translated():
            return _Minted.model_validate(answer)

    async def _current_name(self, installation: int, repository: str) -> str:
        """What a repository is called now: GitHub finds it by an old name, but narrows by the new one."""
        looking = await self._ask(installation, None, {"metadata": "read"})
        answer = await self._wire.get(api_path("repos", repository), token=looking.token.get_secret_value())
        with translated():
            return _Named.model_validate(answer).full_name

    async def _installation(self, repository: str) -> int:
        known = self._installations.get(repository.lower())
        if known is None:
            path = api_path("repos", repository, "installation")
            try:
                answer = await self._wire.get(path, jwt=self.app_jwt())
            except PermanentError as error:
                if error.kind != "not_found":
                    raise
                raise PermanentError(f"the App is not installed on {repository}", kind="not_found") from None
            with translated():
                known = _Installation.model_validate(answer).id
            self._installations[repository.lower()] = known
        return known
