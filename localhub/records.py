"""The records the local GitHub keeps: accounts, repositories, runs, pull requests, webhooks."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from localhub.git import Commit, FileChange, GitRepository

Json = dict[str, Any]

LEVELS = {"none": 0, "read": 1, "triage": 1, "write": 2, "maintain": 2, "admin": 3}
"""Access levels in rising order of power."""


def now() -> datetime:
    """The current moment, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A moment as GitHub writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_stamp(moment: datetime | None) -> str | None:
    """Like `stamp`; None stays None."""
    return None if moment is None else stamp(moment)


class AccountType(StrEnum):
    """Kinds of accounts."""

    USER = "User"
    ORGANIZATION = "Organization"
    BOT = "Bot"


@dataclass(frozen=True)
class Account:
    """A person, an organisation or a bot."""

    id: int
    login: str
    type: AccountType = AccountType.USER

    @property
    def email(self) -> str:
        """The private address under which GitHub records this account's commits."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass
class App:
    """A GitHub App."""

    id: int
    slug: str
    owner: Account
    bot: Account
    public_key: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    created_at: datetime = field(default_factory=now)


@dataclass
class Installation:
    """An app on an account's repositories; `repositories` None means all of them."""

    id: int
    app: App
    account: Account
    repositories: set[int] | None
    created_at: datetime = field(default_factory=now)
    suspended_at: datetime | None = None


class TokenKind(StrEnum):
    """Where a token comes from."""

    PERSONAL = "personal"
    INSTALLATION = "installation"
    RUN = "run"
    """A run's own GITHUB_TOKEN: what it pushes starts no further runs."""


@dataclass
class Token:
    """A credential; `permissions` or `repositories` None means no narrowing."""

    value: str = field(repr=False)
    kind: TokenKind
    account: Account
    permissions: dict[str, str] | None = None
    repositories: frozenset[int] | None = None
    expires_at: datetime | None = None
    installation: Installation | None = None

    def expired(self) -> bool:
        """Whether the token's time is over."""
        return self.expires_at is not None and self.expires_at <= now()


@dataclass
class Step:
    """A step of a job."""

    name: str
    number: int
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True)
class Annotation:
    """A remark a check left on a line."""

    level: str
    message: str
    path: str = ".github"
    line: int = 1
    title: str = ""


@dataclass
class Job:
    """A job of one run attempt; it is also the check run of the same id."""

    id: int
    key: str
    name: str
    labels: tuple[str, ...]
    log: Path
    status: str = "queued"
    conclusion: str | None = None
    created_at: datetime = field(default_factory=now)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    log_expired: bool = False


@dataclass
class Attempt:
    """One attempt of a run."""

    number: int
    triggering_actor: Account
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    jobs: list[Job] = field(default_factory=list)
    kept: tuple[Job, ...] = ()
    """Jobs of the attempt before whose result stands."""


@dataclass
class Workflow:
    """A workflow file of a repository."""

    id: int
    path: str
    name: str
    created_at: datetime = field(default_factory=now)
    state: str = "active"


@dataclass
class Run:
    """A workflow run with all its attempts."""

    id: int
    number: int
    repository: "Repository"
    workflow: Workflow
    event: str
    head_branch: str | None
    head: Commit
    actor: Account
    check_suite_id: int
    event_payload: Json
    display_title: str
    pull_request: "PullRequest | None" = None
    created_at: datetime = field(default_factory=now)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def latest(self) -> Attempt:
        """The newest attempt."""
        return self.attempts[-1]

    def attempt(self, number: int) -> Attempt | None:
        """Attempt `number` (1-based), or None."""
        return self.attempts[number - 1] if 1 <= number <= len(self.attempts) else None


@dataclass
class Label:
    """An issue label."""

    id: int
    name: str
    color: str = "ededed"


@dataclass
class Comment:
    """A comment on a pull request, or, with `commit_sha`, on a commit."""

    id: int
    user: Account
    body: str
    issue_number: int | None = None
    commit_sha: str | None = None
    app: App | None = None
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class AutoMerge:
    """Who wants a pull request merged as soon as its rules are met, and how (merge, squash, rebase)."""

    enabled_by: Account
    method: str


@dataclass
class PullRequest:
    """A pull request within one repository."""

    id: int
    number: int
    repository: "Repository"
    title: str
    body: str | None
    user: Account
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool = False
    app: App | None = None
    state: str = "open"
    labels: list[Label] = field(default_factory=list)
    reviewers: list[Account] = field(default_factory=list)
    approvals: set[str] = field(default_factory=set)
    """Logins of those who approved it."""
    auto_merge: AutoMerge | None = None
    commits: tuple[Commit, ...] = ()
    files: tuple[FileChange, ...] = ()
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit_sha: str | None = None


@dataclass
class Delivery:
    """One attempt to deliver an event; a redelivery has the same `guid`."""

    id: int
    guid: str
    hook_id: int
    event: str
    action: str | None
    body: bytes
    redelivery: bool = False
    delivered_at: datetime = field(default_factory=now)
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""


@dataclass
class Hook:
    """A webhook of a repository or, with `installation`, of an app."""

    id: int
    repository: "Repository"
    url: str
    secret: str = field(repr=False)
    events: tuple[str, ...] = ("*",)
    installation: Installation | None = None
    created_at: datetime = field(default_factory=now)
    deliveries: list[Delivery] = field(default_factory=list)

    def wants(self, event: str) -> bool:
        """Whether the hook is subscribed to `event`."""
        return event == "ping" or "*" in self.events or event in self.events


@dataclass
class Ruleset:
    """Rules for branches by the patterns of their refs; each rule is as its author wrote it."""

    id: int
    name: str
    enforcement: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    rules: tuple[Json, ...]
    bypass_actors: tuple[Json, ...] = ()
    created_at: datetime = field(default_factory=now)


@dataclass
class Status:
    """What a context says of a commit."""

    id: int
    context: str
    state: str
    creator: Account
    created_at: datetime = field(default_factory=now)


@dataclass
class ForeignCheck:
    """A check run of an App other than GitHub Actions."""

    id: int
    suite_id: int
    app: App
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    started_at: datetime = field(default_factory=now)
    completed_at: datetime | None = None


@dataclass
class Repository:
    """A repository. Whoever reads refs to change them holds `lock`."""

    id: int
    owner: Account
    name: str
    git: GitRepository
    private: bool
    default_branch: str
    collaborators: dict[str, str] = field(default_factory=dict)
    created_at: datetime = field(default_factory=now)
    pushed_at: datetime = field(default_factory=now)
    workflows: dict[str, Workflow] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    rulesets: dict[int, Ruleset] = field(default_factory=dict)
    statuses: dict[str, dict[str, Status]] = field(default_factory=dict)
    """By commit and context."""
    foreign_checks: dict[int, ForeignCheck] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    """Commits that GitHub signed."""
    archived: bool = False
    allow_auto_merge: bool = False
    merge_methods: frozenset[str] = frozenset({"merge", "squash", "rebase"})
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    def role(self, login: str) -> str:
        """What `login` may do here: admin, write, read or none."""
        if login == self.owner.login:
            return "admin"
        return self.collaborators.get(login, "none" if self.private else "read")

    def job(self, job_id: int) -> tuple[Run, Attempt, Job] | None:
        """The job of that id with the run and attempt it belongs to."""
        for run in self.runs.values():
            for attempt in run.attempts:
                for job in attempt.jobs:
                    if job.id == job_id:
                        return run, attempt, job
        return None
