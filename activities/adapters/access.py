"""Questions about our own access to GitHub: who we are, what we may do, whether events reach us."""

import json
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, Final

import httpx2
from pydantic import AliasPath, Field

from activities.adapters.authorised import none_when_missing, read
from activities.adapters.credentials import Credentials
from activities.adapters.records import Record, Text
from activities.adapters.wire import Wire, api_path
from activities.errors import PermanentError

_PAGE: Final = 100
DELIVERIES: Final = 100
"""As many as GitHub shows at once."""
_HOOKS: Final = "repository_hooks"


class AppRecord(Record):
    """A GitHub App."""

    id: int
    slug: str
    html_url: Text = ""
    owner: Text = Field(default="", validation_alias=AliasPath("owner", "login"))
    owner_type: Text = Field(default="", validation_alias=AliasPath("owner", "type"))
    permissions: dict[str, str] = Field(default_factory=dict)
    events: tuple[str, ...] = ()


class InstallationRecord(Record):
    """A GitHub App on the repositories of an account."""

    id: int
    account: Text = Field(default="", validation_alias=AliasPath("account", "login"))
    html_url: Text = ""
    permissions: dict[str, str] = Field(default_factory=dict)
    events: tuple[str, ...] = ()
    suspended_at: str | None = None


class HookRecord(Record):
    """Where events are sent."""

    id: int | None = None
    url: Text = ""
    content_type: Text = ""
    secret: Text = ""
    """Starred out by GitHub; empty where there is none."""
    insecure_ssl: str | int = "0"
    events: tuple[str, ...] = ()


class DeliveryRecord(Record):
    """One event that was sent."""

    event: Text = ""
    status: Text = ""
    status_code: int = 0
    delivered_at: datetime | None = None


class RepositoryAccess(Record):
    """A repository as the credential sees it."""

    full_name: str
    private: bool = False
    default_branch: str
    may_push: bool = Field(default=False, validation_alias=AliasPath("permissions", "push"))
    archived: bool = False


class WorkflowRecord(Record):
    """A workflow of a repository."""

    path: Text = ""
    state: Text = ""


class _HookConfig(Record):
    id: int
    events: tuple[str, ...] = ()
    config: dict[str, Any] = Field(default_factory=dict)


class Access:
    """One credential, looked at from outside.

    Every method raises only `activities.errors.AdapterError`.

    Args:
        http: The client for every request.
        credentials: What is looked at.
        api_url: The API's root.
    """

    def __init__(self, http: httpx2.AsyncClient, credentials: Credentials, api_url: str) -> None:
        self._wire = Wire(http, api_url)
        self._credentials = credentials

    def is_app(self) -> bool:
        """Whether the credential is a GitHub App."""
        return self._credentials.app_jwt() is not None

    async def app(self) -> AppRecord:
        """The App itself."""
        return read(AppRecord, await self._as_app("app"))

    async def installation(self, repository: str) -> InstallationRecord | None:
        """The App's installation on a repository; None where it is not installed."""
        found = await none_when_missing(self._as_app("repos", repository, "installation"))
        return read(InstallationRecord, found) if found is not None else None

    async def installations(self) -> list[InstallationRecord]:
        """Where the App is installed."""
        path = api_path("app", "installations", per_page=_PAGE)
        pages = self._wire.pages(path, jwt=self._credentials.app_jwt())
        return [read(InstallationRecord, each) async for each in pages]

    async def app_hook(self) -> tuple[HookRecord, list[DeliveryRecord]]:
        """The App's webhook and what was sent to it last, newest first."""
        hook = read(HookRecord, await self._as_app("app", "hook", "config"))
        sent = await none_when_missing(self._as_app("app", "hook", "deliveries", per_page=DELIVERIES))
        return hook, [read(DeliveryRecord, each) for each in sent or ()]

    async def scopes(self) -> tuple[str, tuple[str, ...] | None]:
        """Whose the token is, and its scopes; None where it has none, as a fine-grained one."""
        token = await self._credentials.token("")
        answer, headers = await self._wire.get_with_headers(api_path("user"), token=token)
        listed = headers.get("x-oauth-scopes")
        scopes = None if listed is None else tuple(word.strip() for word in listed.split(",") if word.strip())
        return str(answer.get("login", "")), scopes

    async def repository_hooks(self, repository: str) -> list[tuple[HookRecord, list[DeliveryRecord]]] | None:
        """The repository's own webhooks; None where the credential may not see them."""
        try:
            found = await self._get(repository, _HOOKS, "hooks")
        except PermanentError as error:
            if error.kind in {"forbidden", "not_found", "unauthorised"}:
                return None
            raise
        hooks = []
        for each in found:
            config = read(_HookConfig, each)
            hook = read(HookRecord, {"id": config.id, "events": config.events, **config.config})
            sent = await none_when_missing(self._deliveries(repository, config.id))
            hooks.append((hook, [read(DeliveryRecord, one) for one in sent or ()]))
        return hooks

    def _deliveries(self, repository: str, hook_id: int) -> Awaitable[Any]:
        return self._get(repository, _HOOKS, "hooks", hook_id, "deliveries", per_page=DELIVERIES)

    async def repository(self, repository: str) -> RepositoryAccess:
        """The repository."""
        return read(RepositoryAccess, await self._get(repository, "metadata"))

    async def workflows(self, repository: str) -> list[WorkflowRecord]:
        """The repository's workflows."""
        token = await self._credentials.token(repository, {"actions": "read"})
        path = api_path("repos", repository, "actions", "workflows", per_page=_PAGE)
        pages = self._wire.pages(path, key="workflows", token=token)
        return [read(WorkflowRecord, each) async for each in pages]

    async def file(self, repository: str, path: str, ref: str) -> bytes:
        """A file's bytes at a branch."""
        token = await self._credentials.token(repository, {"contents": "read"})
        address = api_path("repos", repository, "contents", path, ref=ref)
        return await self._wire.get_raw(address, token=token)

    async def run_event(self, repository: str, run_id: int) -> bytes:
        """The body of the webhook event by which GitHub tells of a run, made of the run as it stands now."""
        run = await self._get(repository, "actions", "actions", "runs", run_id)
        event = {"action": "completed", "workflow_run": run, "repository": run.get("repository")}
        return json.dumps(event).encode()

    async def refused(self, repository: str, ref: str, permissions: Mapping[str, str]) -> dict[str, str]:
        """Which of the permissions to read are turned down when they are tried."""
        tries: dict[str, tuple[str, ...]] = {
            "actions": ("actions", "runs"),
            "checks": ("commits", ref, "check-runs"),
            "contents": ("commits", ref),
            "pull_requests": ("pulls",),
        }
        lacking = {}
        for name in permissions.keys() & tries.keys():
            try:
                await self._get(repository, name, *tries[name], per_page=1)
            except PermanentError:
                lacking[name] = "read"
        return lacking

    async def _get(
        self, repository: str, permission: str, *segments: str | int, **query: str | int | None
    ) -> Any:
        token = await self._credentials.token(repository, {permission: "read"})
        return await self._wire.get(api_path("repos", repository, *segments, **query), token=token)

    async def _as_app(self, *segments: str, **query: int) -> Any:
        return await self._wire.get(api_path(*segments, **query), jwt=self._credentials.app_jwt())
