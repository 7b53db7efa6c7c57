"""What the local GitHub knows, in memory; git holds the rest."""

import itertools
import secrets
from datetime import timedelta
from pathlib import Path

from localhub.records import Account, AccountType, App, Installation, Repository, Token, TokenKind, now


class Hub:
    """Everything the server knows.

    Attributes:
        moved: Repositories by the names they had before.
        root: Folder that holds all files; nothing is written outside it.
        url: Base of the API, of git and of web pages, without a slash at the end.
        storage_url: Base of signed log downloads: another origin, as on GitHub.
    """

    def __init__(self, root: Path, *, rate_limit: int = 5_000) -> None:
        self.root = root
        self.url = ""
        self.storage_url = ""
        self.rate_limit = rate_limit
        self.storage_key = secrets.token_bytes(32)
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.moved: dict[str, Repository] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self._ids = itertools.count(1_000_001)
        self.actions_app = App(
            id=15368,
            slug="github-actions",
            owner=self.account("github", AccountType.ORGANIZATION),
            bot=self.account("github-actions[bot]", AccountType.BOT),
            public_key="",
            permissions={"actions": "write", "checks": "write", "contents": "write", "metadata": "read"},
            events=("check_run", "check_suite"),
        )

    def new_id(self) -> int:
        """An id that nothing else has."""
        return next(self._ids)

    def account(self, login: str, kind: AccountType = AccountType.USER) -> Account:
        """The account of that login; made on first use."""
        return self.accounts.setdefault(login.lower(), Account(self.new_id(), login, kind))

    def account_of(self, email: str) -> Account | None:
        """The account that commits under `email`, if any."""
        found = (account for account in self.accounts.values() if account.email == email)
        return next(found, None)

    def repository(self, full_name: str) -> Repository | None:
        """The repository "owner/name", whatever the case, or None."""
        return self.repositories.get(full_name.lower())

    def installation_for(self, repository: Repository, app: App) -> Installation | None:
        """The installation of `app` that covers `repository`."""
        for installation in self.installations.values():
            covered = installation.repositories is None or repository.id in installation.repositories
            if installation.app is app and installation.account == repository.owner and covered:
                return installation
        return None

    def mint(
        self,
        prefix: str,
        kind: TokenKind,
        account: Account,
        *,
        permissions: dict[str, str] | None = None,
        repositories: frozenset[int] | None = None,
        lifetime: timedelta | None = None,
        installation: Installation | None = None,
    ) -> Token:
        """A new token, valid at once."""
        token = Token(
            value=prefix + secrets.token_hex(20),
            kind=kind,
            account=account,
            permissions=permissions,
            repositories=repositories,
            expires_at=None if lifetime is None else now() + lifetime,
            installation=installation,
        )
        self.tokens[token.value] = token
        return token
