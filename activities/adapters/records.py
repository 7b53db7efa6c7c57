"""What GitHub's answers say, as far as Regreen reads them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, AliasPath, Base64Bytes, BaseModel, BeforeValidator, ConfigDict, Field

from workflows.models import LogState


def _empty_for_null(value: Any) -> Any:
    return "" if value is None else value


def _or_empty(value: Any) -> Any:
    return () if value is None else value


def _without_ref(value: Any) -> Any:
    return value.partition("@")[0] if isinstance(value, str) else value


def _shas(value: Any) -> Any:
    return [each["sha"] if isinstance(each, dict) else each for each in value]


Text = Annotated[str, BeforeValidator(_empty_for_null)]
"""A text that GitHub may send as null."""


class Record(BaseModel):
    """Base of all records: frozen, read by GitHub's names or ours, anything else is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)


class WorkflowRun(Record):
    """A workflow run, as its latest or a given attempt stands."""

    id: int
    run_attempt: int = 1
    status: Text = ""
    conclusion: str | None = None
    workflow_id: int
    name: Text = ""
    path: Annotated[Text, BeforeValidator(_without_ref)] = ""
    """The workflow file, without the `@ref` that GitHub adds for a file of another repository."""
    event: Text = ""
    head_branch: Text = ""
    head_sha: str
    html_url: str
    created_at: datetime
    updated_at: datetime | None = None
    check_suite_id: int | None = None
    head_repository: str | None = Field(
        default=None, validation_alias=AliasPath("head_repository", "full_name")
    )
    """ "owner/name"; None when the fork was deleted."""
    repository: Text = Field(default="", validation_alias=AliasPath("repository", "full_name"))
    head_commit_message: Text = Field(default="", validation_alias=AliasPath("head_commit", "message"))
    head_commit_author_name: Text = Field(
        default="", validation_alias=AliasPath("head_commit", "author", "name")
    )
    head_commit_author_email: Text = Field(
        default="", validation_alias=AliasPath("head_commit", "author", "email")
    )
    actor_login: Text = Field(default="", validation_alias=AliasPath("actor", "login"))
    actor_type: Text = Field(default="", validation_alias=AliasPath("actor", "type"))


class WorkflowRecord(Record):
    """A workflow file as GitHub keeps it."""

    state: str


class Step(Record):
    """A step of a job."""

    name: Text = ""
    number: int
    status: Text = ""
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class Job(Record):
    """A job of one run attempt."""

    id: int
    run_id: int
    run_attempt: int = 1
    name: Text = ""
    status: Text = ""
    conclusion: str | None = None
    html_url: Text = ""
    head_sha: str
    steps: tuple[Step, ...] = ()
    check_run_url: Text = ""

    @property
    def check_run_id(self) -> int:
        """The check run that carries the job's annotations; GitHub gives both the same id."""
        last = self.check_run_url.rpartition("/")[2]
        return int(last) if last.isascii() and last.isdigit() else self.id


class AnnotationRecord(Record):
    """A remark of a check run."""

    path: Text = ""
    start_line: int | None = None
    annotation_level: Text = ""
    """`failure`, `warning` or `notice`."""
    title: Text = ""
    message: Text = ""


class LogDownload(Record):
    """Where a job's log was put.

    Attributes:
        path: The file; None when there is nothing in it.
        size: Bytes in the file.
        state: Whether there is a log at all.
        omitted_bytes: How much of a log's middle was left out because it is longer than allowed.
    """

    path: Path | None = None
    size: int = 0
    state: LogState
    omitted_bytes: int = 0


class CheckRun(Record):
    """A check of a commit, by whichever App."""

    id: int
    name: Text = ""
    status: Text = ""
    conclusion: str | None = None
    app_slug: Text = Field(default="", validation_alias=AliasPath("app", "slug"))


class CommitStatus(Record):
    """What a context says of a commit: the older kind of check, which names no App."""

    context: Text = ""
    state: Text = ""
    """`success`, `failure`, `error` or `pending`."""


class Branch(Record):
    """A branch, with the checks that its protection requires; statuses and checks by their names alike."""

    required_checks: Annotated[tuple[str, ...], BeforeValidator(_or_empty)] = Field(
        default=(), validation_alias=AliasPath("protection", "required_status_checks", "contexts")
    )


class _RequiredCheck(Record):
    context: str


class BranchRule(Record):
    """A rule that a ruleset sets for a branch."""

    type: str
    required: Annotated[tuple[_RequiredCheck, ...], BeforeValidator(_or_empty)] = Field(
        default=(), validation_alias=AliasPath("parameters", "required_status_checks")
    )

    @property
    def required_checks(self) -> tuple[str, ...]:
        """Names of the checks it requires, where it is a rule of that kind."""
        return tuple(check.context for check in self.required)


class GitCommit(Record):
    """A commit object."""

    sha: str
    tree: str = Field(validation_alias=AliasChoices(AliasPath("tree", "sha"), "tree"))
    parents: Annotated[tuple[str, ...], BeforeValidator(_shas)] = ()
    message: Text = ""


class _File(Record):
    filename: str


class CommitFiles(Record):
    """The files a commit changes."""

    files: tuple[_File, ...] = ()


class CommitAuthor(Record):
    """Who made a commit, as far as GitHub can tell by the address in it."""

    login: Text = Field(default="", validation_alias=AliasPath("author", "login"))


class GitObject(Record):
    """A blob or tree that was stored."""

    sha: str


class GitRef(Record):
    """A branch."""

    sha: str = Field(validation_alias=AliasPath("object", "sha"))


class NamedRef(GitRef):
    """A branch as listings show it."""

    ref: str


class Blob(Record):
    """A file's content."""

    content: Base64Bytes


class TreeEntry(Record):
    """A file, directory, link or submodule of a tree."""

    path: str
    mode: str
    type: str
    sha: str
    size: int | None = None


class Tree(Record):
    """A tree's listing."""

    sha: str
    entries: tuple[TreeEntry, ...] = Field(default=(), validation_alias="tree")
    truncated: bool = False
    """True when the listing was too long for one answer: what is absent may still exist."""


class PullRequestRecord(Record):
    """A pull request."""

    number: int
    node_id: str = ""
    html_url: str
    state: str
    draft: bool = False
    auto_merge: dict[str, Any] | None = None
    """Who enabled auto-merge and how; None where it is off."""
    mergeable_state: Text = ""
    """GitHub's word for what keeps it from being merged, where it is asked for alone; it takes its time."""
    title: Text = ""
    body: Text = ""
    created_at: datetime | None = None
    merged_at: datetime | None = None
    merge_commit_sha: str | None = None
    """The commit that brought it into its base, where it is merged; else a trial."""
    head_branch: Text = Field(default="", validation_alias=AliasPath("head", "ref"))
    head_sha: Text = Field(default="", validation_alias=AliasPath("head", "sha"))
    head_repository: str | None = Field(default=None, validation_alias=AliasPath("head", "repo", "full_name"))
    base_branch: Text = Field(default="", validation_alias=AliasPath("base", "ref"))

    @property
    def merged(self) -> bool:
        """Listings do not carry GitHub's own `merged`; both forms carry the time."""
        return self.merged_at is not None


class CommitMessage(Record):
    """A commit as listings show it."""

    message: Text = Field(default="", validation_alias=AliasPath("commit", "message"))


class Comment(Record):
    """A comment on a pull request or a commit."""

    id: int
    body: Text = ""
    html_url: str
    author_login: Text = Field(default="", validation_alias=AliasPath("user", "login"))


class RepositoryRecord(Record):
    """A repository."""

    default_branch: str


class MergeSettings(Record):
    """How pull requests of a repository may be merged; None where the credential is not told."""

    allow_auto_merge: bool | None = None
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None


class InstalledRepository(Record):
    """A repository that an App is installed on."""

    full_name: str
    archived: bool = False


class CollaboratorPermission(Record):
    """What a person may do in a repository."""

    permission: Text = ""
    role_name: Text = ""


class Account(Record):
    """Whom a token speaks for."""

    login: str


class App(Record):
    """The GitHub App itself."""

    slug: str
