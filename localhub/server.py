"""`LocalHub`: starts the server in the running loop, and is the hand of the people who use it."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from starlette.middleware import Middleware

from localhub.act import find_act
from localhub.app import build_app
from localhub.events import Events
from localhub.faults import Faults
from localhub.git import ZERO_SHA, GitRepository, Signature, TreeEntry
from localhub.injection import FaultInjection
from localhub.keys import key_pair
from localhub.records import (
    Account,
    AccountType,
    App,
    Comment,
    Delivery,
    Hook,
    Installation,
    Repository,
    TokenKind,
    now,
)
from localhub.runner import Runner
from localhub.services import Services
from localhub.serving import Listener
from localhub.state import Hub
from localhub.storage import build_storage
from localhub.triggers import Triggers
from localhub.webhooks import Webhooks
from localhub.work import Work

Files = Mapping[str, str | bytes | None]
"""Path to content; None removes the file."""


class AppCredentials(NamedTuple):
    """What an app needs to call the API."""

    app_id: int
    private_key: str
    installation_id: int


class LocalHub:
    """A GitHub on this machine.

    Use it as an asynchronous context manager. All files are below `root`, which is removed at the end.

    Args:
        root: Folder for everything, empty or not there yet.
        port: Port of the API, 0 for any free one.
        parallel_runs: How many workflow runs execute at once.
        run_timeout: After this a run ends as `timed_out`.
        rate_limit: Requests an hour and credential.
        middleware: Wraps the API, git and the store of logs.
        faults: What goes wrong in the same places; the rules may be changed while the server runs.
    """

    def __init__(
        self,
        root: Path,
        *,
        port: int = 0,
        parallel_runs: int = 2,
        run_timeout: timedelta = timedelta(minutes=10),
        rate_limit: int = 5_000,
        middleware: Sequence[Middleware] = (),
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self._hub = Hub(root.resolve(), rate_limit=rate_limit)
        self._port = port
        self._parallel = parallel_runs
        self._timeout = run_timeout
        self._middleware = (Middleware(FaultInjection, faults=self.faults), *middleware)
        self._work = Work()
        self._listeners: tuple[Listener, ...] = ()

    @property
    def url(self) -> str:
        """Base of the API; git is at `{url}/{owner}/{name}.git`."""
        return self._hub.url

    @property
    def state(self) -> Hub:
        """Everything the hub knows, to look at."""
        return self._hub

    # ── life ────────────────────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Bind the ports and serve.

        Raises:
            FileExistsError: The root holds something; it is removed at the end, so it must be the hub's own.
            OSError: The port is taken.
            ActMissingError: `act` is not installed.
        """
        find_act()
        if self._hub.root.exists() and any(self._hub.root.iterdir()):
            raise FileExistsError(f"{self._hub.root} is not empty")
        api, storage = Listener(self._port), Listener(0)
        self._hub.root.mkdir(parents=True, exist_ok=True)
        self._hub.url, self._hub.storage_url = api.url, storage.url
        self._listeners = (api, storage)
        webhooks = Webhooks(self._hub, self._work)
        events = Events(self._hub, webhooks)
        runner = Runner(self._hub, events, self._work, parallel=self._parallel, timeout=self._timeout)
        triggers = Triggers(self._hub, events, runner)
        self._services = Services(self._hub, events, webhooks, runner, triggers)
        await api.serve(build_app(self._services, self._middleware))
        await storage.serve(build_storage(self._hub, self._middleware))

    async def close(self) -> None:
        """End all runs, stop serving, remove all files."""
        await self._services.runner.close()
        await self._services.webhooks.close()
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
        await asyncio.to_thread(shutil.rmtree, self._hub.root, ignore_errors=True)

    async def idle(self) -> None:
        """Return once all runs have ended and all events are delivered."""
        await self._work.idle()

    # ── setting up ──────────────────────────────────────────────────────────────────────────────────────────

    async def create_repository(
        self,
        full_name: str,
        *,
        files: Files | None = None,
        private: bool = False,
        default_branch: str = "main",
        collaborators: Mapping[str, str] | None = None,
        run_ci: bool = False,
    ) -> Repository:
        """Make a repository.

        Args:
            full_name: "owner/name".
            files: Content of a first commit; without it there is none.
            private: Whether it is hidden from the anonymous.
            default_branch: Its name.
            collaborators: Login to role (read, write, admin).
            run_ci: Whether the first commit starts workflow runs, as a push would.
        """
        owner, name = full_name.split("/")
        path = self._hub.root / "repositories" / owner / f"{name}.git"
        git = await GitRepository.create(path, default_branch)
        account = self._hub.account(owner, AccountType.ORGANIZATION)
        repository = Repository(self._hub.new_id(), account, name, git, private, default_branch)
        for login, role in (collaborators or {}).items():
            self._hub.account(login)
            repository.collaborators[login] = role
        self._hub.repositories[full_name.lower()] = repository
        if files:
            await self._write(repository, default_branch, files, "Initial commit", account, announce=run_ci)
        return repository

    def repository(self, full_name: str) -> Repository:
        """The repository "owner/name".

        Raises:
            KeyError: There is none.
        """
        return self._hub.repositories[full_name.lower()]

    def archive_repository(self, full_name: str) -> None:
        """Make a repository read-only."""
        self.repository(full_name).archived = True

    def delete_repository(self, full_name: str) -> None:
        """Remove a repository; from now on it is not found."""
        del self._hub.repositories[full_name.lower()]

    def add_token(
        self,
        login: str,
        permissions: Mapping[str, str] | None = None,
        *,
        repositories: Sequence[str] | None = None,
    ) -> str:
        """A personal token of `login`; without `permissions` it may do all that `login` may."""
        narrowed = None
        if repositories is not None:
            narrowed = frozenset(self.repository(name).id for name in repositories)
        granted = None if permissions is None else dict(permissions)
        account = self._hub.account(login)
        return self._hub.mint(
            "github_pat_", TokenKind.PERSONAL, account, permissions=granted, repositories=narrowed
        ).value

    def revoke_token(self, token: str) -> None:
        """From now on the token is a bad credential."""
        self._hub.tokens.pop(token, None)

    async def create_app(
        self,
        *,
        owner: str,
        permissions: Mapping[str, str],
        slug: str = "regreen",
        events: Sequence[str] = (),
        repositories: Sequence[str] | None = None,
        webhook_url: str = "",
        webhook_secret: str = "",
    ) -> AppCredentials:
        """Make an app and install it on `owner`'s repositories, all unless some ("owner/name") are given.

        With `webhook_url`, the repositories that exist now deliver the app's `events` there.
        """
        private, public = await asyncio.to_thread(key_pair)
        account = self._hub.account(owner, AccountType.ORGANIZATION)
        bot = self._hub.account(f"{slug}[bot]", AccountType.BOT)
        app = App(self._hub.new_id(), slug, account, bot, public, dict(permissions), tuple(events))
        chosen = None if repositories is None else {self.repository(name).id for name in repositories}
        installed = Installation(self._hub.new_id(), app, account, chosen)
        self._hub.apps[app.id] = app
        self._hub.installations[installed.id] = installed
        for repository in list(self._hub.repositories.values()):
            if webhook_url and self._hub.installation_for(repository, app) is installed:
                self._add_hook(repository, webhook_url, webhook_secret, tuple(events) or ("*",), installed)
        return AppCredentials(app.id, private, installed.id)

    def add_webhook(self, repository: str, url: str, secret: str, events: Sequence[str] = ("*",)) -> Hook:
        """Deliver a repository's events to `url`, beginning with a ping."""
        return self._add_hook(self.repository(repository), url, secret, tuple(events), None)

    def _add_hook(
        self,
        repository: Repository,
        url: str,
        secret: str,
        events: tuple[str, ...],
        installed: Installation | None,
    ) -> Hook:
        hook = Hook(self._hub.new_id(), repository, url, secret, events, installed)
        self._services.webhooks.add(hook)
        return hook

    # ── what people do ──────────────────────────────────────────────────────────────────────────────────────

    async def commit(
        self,
        repository: str,
        branch: str,
        files: Files,
        message: str,
        *,
        author: str = "dev",
        start: str | None = None,
    ) -> str:
        """A person commits and pushes; returns the commit's id.

        Args:
            repository: "owner/name".
            branch: Where to; made from `start` (the default branch unless told otherwise) if it is new.
            files: What changes.
            message: The commit message.
            author: Login of the person, who is made a collaborator if need be.
            start: Branch or commit that a new branch begins at.
        """
        found = self.repository(repository)
        account = self._hub.account(author)
        found.collaborators.setdefault(author, "write")
        return await self._write(found, branch, files, message, account, start=start)

    async def _write(
        self,
        repository: Repository,
        branch: str,
        files: Files,
        message: str,
        account: Account,
        *,
        start: str | None = None,
        announce: bool = True,
    ) -> str:
        git = repository.git
        async with repository.lock:
            before = await git.refs()
            tip = before.get(f"refs/heads/{branch}")
            parent = tip or await git.resolve(start or repository.default_branch)
            blobs = await asyncio.gather(*(self._blob(git, data) for data in files.values()))
            entries = [
                TreeEntry(path, "100755" if path.endswith(".sh") else "100644", "blob", blob)
                for path, blob in zip(files, blobs, strict=True)
            ]
            tree = await git.write_tree(parent, entries)
            who = Signature(account.login, account.email, now())
            sha = await git.write_commit(tree, [parent] if parent else [], message, who, who)
            await git.update_ref(f"refs/heads/{branch}", sha, tip or ZERO_SHA)
            if announce:
                await self._services.triggers.refs_changed(repository, before, account)
        return sha

    async def _blob(self, git: GitRepository, data: str | bytes | None) -> str | None:
        if data is None:
            return None
        return await git.write_blob(data.encode() if isinstance(data, str) else data)

    async def comment(self, repository: str, number: int, body: str, *, author: str = "dev") -> Comment:
        """A person comments on a pull request."""
        found = self.repository(repository)
        account = self._hub.account(author)
        comment = Comment(self._hub.new_id(), account, body, issue_number=number)
        found.comments[comment.id] = comment
        self._services.events.issue_comment(found.pulls[number], comment, "created", account)
        return comment

    async def enqueue(self, repository: str, number: int, *, by: str = "dev") -> str:
        """A person puts a pull request into the merge queue; the branch that its runs are on."""
        found = self.repository(repository)
        async with found.lock:
            return await self._services.triggers.merge_group(found.pulls[number], self._hub.account(by))

    def set_log(self, repository: str, job_id: int, text: str | None) -> None:
        """Replace a job's log; None makes it expire."""
        found = self.repository(repository).job(job_id)
        if found is None:
            raise KeyError(job_id)
        job = found[2]
        job.log_expired = text is None
        job.log.parent.mkdir(parents=True, exist_ok=True)
        job.log.write_text(text or "", encoding="utf-8", newline="")

    def deliveries(self, repository: str) -> list[Delivery]:
        """Every delivery of the repository's webhooks, oldest first per webhook."""
        return [one for hook in self.repository(repository).hooks.values() for one in hook.deliveries]

    async def redeliver(self, delivery_id: int, times: int = 1) -> list[Delivery]:
        """Deliver an event again, under the same GUID, and wait until that is done."""
        for repository in self._hub.repositories.values():
            for hook in repository.hooks.values():
                for delivery in hook.deliveries:
                    if delivery.id == delivery_id:
                        again = [self._services.webhooks.redeliver(hook, delivery) for _ in range(times)]
                        await self.idle()
                        return again
        raise KeyError(delivery_id)
