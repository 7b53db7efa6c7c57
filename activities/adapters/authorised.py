"""Requests that bring the right token, read into records."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from activities.adapters.credentials import Credentials
from activities.adapters.records import Record
from activities.adapters.turns import Turns
from activities.adapters.wire import Wire, translated
from activities.errors import PermanentError

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class AuthorisedWire:
    """A `Wire` with credentials: each request gets its turn, and a token for its repository and permissions.

    Args:
        wire: Carries the requests.
        credentials: Gives out the tokens.
        turns: Says when a request may be made.
    """

    def __init__(self, wire: Wire, credentials: Credentials, turns: Turns) -> None:
        self._wire = wire
        self._credentials = credentials
        self._turns = turns

    async def authorised(
        self,
        repository: str,
        permissions: Mapping[str, str],
        ask: Callable[[str | None], Awaitable[T]],
        *,
        writes: bool = False,
    ) -> T:
        """What `ask` answers when given a token; asked once more when a cached token had died."""
        account = self._credentials.account(repository)
        async with self._turns.writing(account) if writes else self._turns.reading(account):
            # Within the turn: a token is asked of GitHub too, and nobody asks while it asks to wait.
            token = await self._credentials.token(repository, permissions)
            try:
                return await ask(token)
            except PermanentError as error:
                # An installation token dies early when the App is installed anew or suspended for a while.
                if error.kind != "unauthorised" or token is None or not self._credentials.discard(token):
                    raise
            return await ask(await self._credentials.token(repository, permissions))

    async def get(self, record: type[R], repository: str, path: str, permissions: Mapping[str, str]) -> R:
        """The resource at `path`."""
        answer = await self.authorised(
            repository, permissions, lambda token: self._wire.get(path, token=token)
        )
        return read(record, answer)

    async def post(
        self, record: type[R], repository: str, path: str, data: Any, permissions: Mapping[str, str]
    ) -> R:
        """What a POST of `data` made."""
        answer = await self.authorised(
            repository, permissions, lambda token: self._wire.post(path, data, token=token), writes=True
        )
        return read(record, answer)

    async def order(self, repository: str, path: str, data: Any, permissions: Mapping[str, str]) -> None:
        """A POST whose answer says nothing that is needed."""
        await self.authorised(
            repository, permissions, lambda token: self._wire.post(path, data, token=token), writes=True
        )

    async def mutate(
        self, repository: str, mutation: str, given: Mapping[str, Any], permissions: Mapping[str, str]
    ) -> None:
        """A mutation of the GraphQL API with the one variable `input`; its answer says nothing needed."""
        await self.authorised(
            repository,
            permissions,
            lambda token: self._wire.graphql(mutation, {"input": given}, token=token),
            writes=True,
        )

    async def patch(
        self, record: type[R], repository: str, path: str, data: Any, permissions: Mapping[str, str]
    ) -> R:
        """What a PATCH of `data` left."""
        answer = await self.authorised(
            repository, permissions, lambda token: self._wire.patch(path, data, token=token), writes=True
        )
        return read(record, answer)

    async def delete(self, repository: str, path: str, permissions: Mapping[str, str]) -> None:
        """Remove the resource at `path`."""
        await self.authorised(
            repository, permissions, lambda token: self._wire.delete(path, token=token), writes=True
        )

    async def list(
        self,
        record: type[R],
        repository: str,
        path: str,
        permissions: Mapping[str, str],
        *,
        key: str | None = None,
        limit: int | None = None,
    ) -> list[R]:
        """The items of a listing: all pages, or the first `limit` items."""

        async def collect(token: str | None) -> list[R]:
            found: list[R] = []
            async with aclosing(self._wire.pages(path, key=key, token=token)) as items:
                async for item in items:
                    found.append(read(record, item))
                    if len(found) == limit:
                        break
            return found

        return await self.authorised(repository, permissions, collect)


def read(record: type[R], answer: Any) -> R:
    """The record that an answer holds.

    Raises:
        UnavailableError: The answer is not such a record.
    """
    with translated():
        return record.model_validate(answer)


async def none_when_missing(answer: Awaitable[T]) -> T | None:
    """The answer, or None where GitHub knows no such thing."""
    try:
        return await answer
    except PermanentError as error:
        if error.kind == "not_found":
            return None
        raise
