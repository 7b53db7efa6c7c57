"""GitHub's API as Regreen uses it: REST, and GraphQL where REST has nothing.

No method waits or tries again: Temporal does.
"""

import base64
import hashlib
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2

from activities.adapters.authorised import AuthorisedWire, none_when_missing, read
from activities.adapters.credentials import Credentials
from activities.adapters.job_logs import Beat, LogStream, Resolver, addresses_of
from activities.adapters.records import (
    Account,
    AnnotationRecord,
    App,
    Blob,
    Branch,
    BranchRule,
    CheckRun,
    CollaboratorPermission,
    Comment,
    CommitAuthor,
    CommitFiles,
    CommitMessage,
    CommitStatus,
    GitCommit,
    GitObject,
    GitRef,
    InstalledRepository,
    Job,
    LogDownload,
    MergeSettings,
    NamedRef,
    PullRequestRecord,
    RepositoryRecord,
    Step,
    Tree,
    TreeEntry,
    WorkflowRecord,
    WorkflowRun,
)
from activities.adapters.turns import Turns
from activities.adapters.wire import OnAnswer, Wire, api_path
from activities.errors import PermanentError
from workflows import naming

__all__ = [
    "AnnotationRecord",
    "CheckRun",
    "Comment",
    "CommitStatus",
    "GitCommit",
    "GitHub",
    "Job",
    "LogDownload",
    "MergeSettings",
    "PullRequestRecord",
    "Step",
    "Tree",
    "TreeEntry",
    "WorkflowRun",
]

_ACTIONS_READ: Final = {"actions": "read"}
_ACTIONS_WRITE: Final = {"actions": "write"}
_CHECKS_READ: Final = {"checks": "read"}
_CONTENTS_READ: Final = {"contents": "read"}
_CONTENTS_WRITE: Final = {"contents": "write"}
_MERGING: Final = {"contents": "write", "pull_requests": "write"}
"""What GitHub wants of whoever asks it to merge."""
_METADATA_READ: Final = {"metadata": "read"}
_PULLS_READ: Final = {"pull_requests": "read"}
_PULLS_WRITE: Final = {"pull_requests": "write"}
_STATUSES_READ: Final = {"statuses": "read"}
_WORKFLOWS_WRITE: Final = {"contents": "write", "workflows": "write"}
"""What GitHub wants of whoever writes below `.github/workflows`."""

_ENABLE_AUTO_MERGE: Final = """\
mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}"""

T = TypeVar("T")

_PAGE: Final = 100
_MOST_COMMITS: Final = 1_000
"""Newest commits of a branch that are looked through; a week of a busy one."""
_ACTIONS_BOT: Final = "github-actions[bot]"


class GitHub:
    """One GitHub, asked with one set of credentials.

    Every method raises only `activities.errors.AdapterError`.

    Args:
        http: The client for every request.
        credentials: Gives each request its token.
        api_url: The API's root, as `https://api.github.com` or `https://ghe.example/api/v3`.
        resolve: Finds the addresses of a log store's host.
        turns: Orders the requests; by default, writes are a second apart.
        on_answer: Called with the headers of every answer of the API.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        credentials: Credentials,
        *,
        api_url: str = "https://api.github.com",
        resolve: Resolver = addresses_of,
        turns: Turns | None = None,
        on_answer: OnAnswer | None = None,
    ) -> None:
        self._wire = Wire(http, api_url, on_answer)
        self._api = AuthorisedWire(self._wire, credentials, turns or Turns())
        self._logs = LogStream(http, self._wire.api_url, resolve)
        self._credentials = credentials
        self._login: str | None = None

    # ── where we are ────────────────────────────────────────────────────────────────────────────────────────

    async def list_installed_repositories(self) -> list[str]:
        """Every repository ("owner/name") that the App is installed on, but for archived ones.

        Empty without an App: what a person's token may reach says nothing of what is to be looked after.
        """
        path = api_path("installation", "repositories", per_page=_PAGE)
        found = [
            read(InstalledRepository, each)
            for token in await self._credentials.listing_tokens()
            async for each in self._wire.pages(path, key="repositories", token=token)
        ]
        return [each.full_name for each in found if not each.archived]

    # ── runs, jobs, checks ──────────────────────────────────────────────────────────────────────────────────

    async def get_run(self, repository: str, run_id: int, attempt: int | None = None) -> WorkflowRun:
        """A workflow run: its latest attempt, or the one asked for."""
        pinned = () if attempt is None else ("attempts", attempt)
        path = api_path("repos", repository, "actions", "runs", run_id, *pinned)
        return await self._api.get(WorkflowRun, repository, path, _ACTIONS_READ)

    async def list_runs(
        self, repository: str, *, head_sha: str | None = None, limit: int | None = None, **query: str | int
    ) -> list[WorkflowRun]:
        """Runs, newest first, each as its latest attempt stands.

        Args:
            repository: "owner/name".
            head_sha: Only those of this commit.
            limit: At most so many; None reads every page.
            query: GitHub's further filters (`branch`, `event`, `status`), and `workflow_id` for one workflow.
        """
        workflow = query.pop("workflow_id", None)
        scope: tuple[str | int, ...] = ("workflows", workflow) if workflow is not None else ()
        path = api_path(
            "repos",
            repository,
            "actions",
            *scope,
            "runs",
            head_sha=head_sha,
            per_page=min(limit or _PAGE, _PAGE),
            **query,
        )
        return await self._api.list(
            WorkflowRun, repository, path, _ACTIONS_READ, key="workflow_runs", limit=limit
        )

    async def get_workflow_state(self, repository: str, workflow_id: int) -> str | None:
        """Whether a workflow is switched on (`active`); None for one that GitHub itself provides."""
        path = api_path("repos", repository, "actions", "workflows", workflow_id)
        found = await none_when_missing(self._api.get(WorkflowRecord, repository, path, _ACTIONS_READ))
        return found.state if found else None

    async def list_jobs(self, repository: str, run_id: int, attempt: int) -> list[Job]:
        """Every job of one attempt of a run, in GitHub's order."""
        path = api_path(
            "repos", repository, "actions", "runs", run_id, "attempts", attempt, "jobs", per_page=_PAGE
        )
        return await self._api.list(Job, repository, path, _ACTIONS_READ, key="jobs")

    async def list_run_jobs(self, repository: str, run_id: int) -> list[Job]:
        """Every job of every attempt of a run: a rerun of failed jobs keeps the others' results."""
        path = api_path("repos", repository, "actions", "runs", run_id, "jobs", filter="all", per_page=_PAGE)
        return await self._api.list(Job, repository, path, _ACTIONS_READ, key="jobs")

    async def download_job_log(
        self, repository: str, job_id: int, into: Path, *, max_bytes: int, beat: Beat | None = None
    ) -> LogDownload:
        """Stream a job's log into the file `into`; an expired or empty log is an answer, not an error.

        `beat` is called for every piece that comes.
        """
        path = api_path("repos", repository, "actions", "jobs", job_id, "logs")

        async def download(token: str | None) -> LogDownload:
            return await self._logs.download(path, into, token=token, max_bytes=max_bytes, beat=beat)

        return await self._api.authorised(repository, _ACTIONS_READ, download)

    async def list_check_runs(self, repository: str, sha: str) -> list[CheckRun]:
        """The latest check run of each name and App on a commit."""
        path = api_path("repos", repository, "commits", sha, "check-runs", per_page=_PAGE)
        return await self._api.list(CheckRun, repository, path, _CHECKS_READ, key="check_runs")

    async def list_statuses(self, repository: str, sha: str) -> list[CommitStatus]:
        """The latest status of each context on a commit; none without the permission to read them."""
        path = api_path("repos", repository, "commits", sha, "status", per_page=_PAGE)
        listing = self._api.list(CommitStatus, repository, path, _STATUSES_READ, key="statuses")
        return await _none_when_forbidden(listing) or []

    async def get_required_checks(self, repository: str, branch: str) -> frozenset[str]:
        """Names of the checks that rulesets and branch protection require for `branch`, as far as is told."""
        rules = await self.list_branch_rules(repository, branch)
        path = api_path("repos", repository, "branches", branch)
        asked = none_when_missing(self._api.get(Branch, repository, path, _CONTENTS_READ))
        protected = await _none_when_forbidden(asked)
        named = [name for rule in rules for name in rule.required_checks]
        return frozenset([*named, *(protected.required_checks if protected else ())])

    async def list_branch_rules(self, repository: str, branch: str) -> list[BranchRule]:
        """The rules that rulesets set for a branch, existing or not; none where GitHub does not tell."""
        path = api_path("repos", repository, "rules", "branches", branch, per_page=_PAGE)
        listing = none_when_missing(self._api.list(BranchRule, repository, path, _METADATA_READ))
        return await _none_when_forbidden(listing) or []

    async def list_annotations(
        self, repository: str, check_run_id: int, *, limit: int
    ) -> list[AnnotationRecord]:
        """The first remarks of a check run."""
        path = api_path("repos", repository, "check-runs", check_run_id, "annotations", per_page=_PAGE)
        return await self._api.list(AnnotationRecord, repository, path, _CHECKS_READ, limit=limit)

    async def rerun_failed_jobs(self, repository: str, run_id: int) -> None:
        """Start the next attempt of a run, with its failed jobs only."""
        path = api_path("repos", repository, "actions", "runs", run_id, "rerun-failed-jobs")
        await self._api.order(repository, path, {}, _ACTIONS_WRITE)

    # ── repository, git ─────────────────────────────────────────────────────────────────────────────────────

    async def get_default_branch(self, repository: str) -> str:
        """The repository's default branch."""
        path = api_path("repos", repository)
        return (await self._api.get(RepositoryRecord, repository, path, _METADATA_READ)).default_branch

    async def get_file(self, repository: str, path: str, ref: str | None = None) -> bytes | None:
        """A file's bytes at a branch, tag or commit, else on the default branch; None where it is not."""
        address = api_path("repos", repository, "contents", path, ref=ref)

        async def fetch(token: str | None) -> bytes:
            return await self._wire.get_raw(address, token=token)

        return await none_when_missing(self._api.authorised(repository, _CONTENTS_READ, fetch))

    async def get_branch_tip(self, repository: str, branch: str) -> str | None:
        """The commit a branch points to; None when there is no such branch."""
        path = api_path("repos", repository, "git", "ref", "heads", branch)
        found = await none_when_missing(self._api.get(GitRef, repository, path, _CONTENTS_READ))
        return found.sha if found else None

    async def has_tag(self, repository: str, tag: str) -> bool:
        """Whether there is a tag of that name."""
        path = api_path("repos", repository, "git", "ref", "tags", tag)
        return await none_when_missing(self._api.get(GitRef, repository, path, _CONTENTS_READ)) is not None

    async def get_author(self, repository: str, sha: str) -> str | None:
        """The account that GitHub takes for a commit's author; None where it knows none."""
        path = api_path("repos", repository, "commits", sha)
        return (await self._api.get(CommitAuthor, repository, path, _CONTENTS_READ)).login or None

    async def get_commit(self, repository: str, sha: str) -> GitCommit:
        """A commit object."""
        path = api_path("repos", repository, "git", "commits", sha)
        return await self._api.get(GitCommit, repository, path, _CONTENTS_READ)

    async def find_last_commit(self, repository: str, path: str) -> str | None:
        """The newest commit of the default branch that changed a file; None where there is none."""
        address = api_path("repos", repository, "commits", path=path, per_page=1)
        found = await self._api.list(GitObject, repository, address, _CONTENTS_READ, limit=1)
        return found[0].sha if found else None

    async def list_changed_files(self, repository: str, sha: str) -> tuple[str, ...]:
        """The paths a commit changes, the first 300 of them."""
        path = api_path("repos", repository, "commits", sha)
        changed = await self._api.get(CommitFiles, repository, path, _CONTENTS_READ)
        return tuple(file.filename for file in changed.files)

    async def get_merge_settings(self, repository: str) -> MergeSettings:
        """How pull requests may be merged; GitHub tells it only to those who may write."""
        return await self._api.get(MergeSettings, repository, api_path("repos", repository), _CONTENTS_WRITE)

    async def get_tree(self, repository: str, sha: str, *, recursive: bool) -> Tree:
        """A tree's listing; `recursive` lists what is below its directories too."""
        path = api_path("repos", repository, "git", "trees", sha, recursive="1" if recursive else None)
        return await self._api.get(Tree, repository, path, _CONTENTS_READ)

    async def get_blob(self, repository: str, sha: str) -> bytes:
        """A blob's bytes."""
        path = api_path("repos", repository, "git", "blobs", sha)
        return (await self._api.get(Blob, repository, path, _CONTENTS_READ)).content

    async def store_blob(self, repository: str, content: bytes) -> str:
        """Store bytes as a blob, unless they are there already: a read costs no turn among the writes."""
        name = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        if await none_when_missing(self.get_blob(repository, name)) is not None:
            return name
        data = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        path = api_path("repos", repository, "git", "blobs")
        return (await self._api.post(GitObject, repository, path, data, _CONTENTS_WRITE)).sha

    async def create_tree(
        self, repository: str, base_tree: str | None, entries: Sequence[Mapping[str, str]], *, workflows: bool
    ) -> str:
        """Store a tree: `base_tree` with `entries` put over it. The same content gives the same tree.

        Args:
            repository: "owner/name".
            base_tree: The tree to start from; None for an empty one.
            entries: GitHub's tree entries: path, mode, type, and content or sha.
            workflows: True when a workflow file is among them, which takes a permission of its own.
        """
        path = api_path("repos", repository, "git", "trees")
        data: dict[str, Any] = {"tree": [dict(entry) for entry in entries]}
        if base_tree is not None:
            data["base_tree"] = base_tree
        permissions = _WORKFLOWS_WRITE if workflows else _CONTENTS_WRITE
        return (await self._api.post(GitObject, repository, path, data, permissions)).sha

    async def create_commit(self, repository: str, *, tree: str, parent: str, message: str) -> GitCommit:
        """Store a commit. GitHub fills in author, date and signature, so each call makes another commit."""
        path = api_path("repos", repository, "git", "commits")
        data = {"message": message, "tree": tree, "parents": [parent]}
        return await self._api.post(GitCommit, repository, path, data, _CONTENTS_WRITE)

    async def create_fix_branch(self, repository: str, branch: str, sha: str, *, workflows: bool) -> None:
        """Create a fix branch. `invalid` when it exists; `forbidden` for any other branch."""
        permissions = _WORKFLOWS_WRITE if workflows else _CONTENTS_WRITE
        await self._create_branch(repository, _fix_branch_only(branch), sha, permissions)

    async def create_simulation_branch(self, repository: str, branch: str, sha: str) -> None:
        """Create a branch that is to be broken on purpose; `forbidden` for any other branch."""
        await self._create_branch(repository, _simulation_only(branch), sha, _WORKFLOWS_WRITE)

    async def _create_branch(
        self, repository: str, branch: str, sha: str, permissions: Mapping[str, str]
    ) -> None:
        path = api_path("repos", repository, "git", "refs")
        data = {"ref": f"refs/heads/{branch}", "sha": sha}
        await self._api.order(repository, path, data, permissions)

    async def forward_fix_branch(self, repository: str, branch: str, sha: str, *, workflows: bool) -> None:
        """Move a fix branch forward. `invalid` when that would drop a commit, `forbidden` for others."""
        permissions = _WORKFLOWS_WRITE if workflows else _CONTENTS_WRITE
        await self._forward_branch(repository, _fix_branch_only(branch), sha, permissions)

    async def forward_simulation_branch(self, repository: str, branch: str, sha: str) -> None:
        """Move a branch that is to be broken on purpose; `forbidden` for others."""
        await self._forward_branch(repository, _simulation_only(branch), sha, _WORKFLOWS_WRITE)

    async def _forward_branch(
        self, repository: str, branch: str, sha: str, permissions: Mapping[str, str]
    ) -> None:
        path = api_path("repos", repository, "git", "refs", "heads", branch)
        await self._api.patch(GitRef, repository, path, {"sha": sha, "force": False}, permissions)

    async def list_branches(self, repository: str, prefix: str) -> list[tuple[str, str]]:
        """The branches whose name begins with `prefix`, each with its commit."""
        path = api_path("repos", repository, "git", "matching-refs", "heads", prefix)
        found = await self._api.list(NamedRef, repository, path, _CONTENTS_READ)
        return [(each.ref.removeprefix("refs/heads/"), each.sha) for each in found]

    async def delete_own_branch(self, repository: str, branch: str) -> None:
        """Delete a fix branch or a simulation's; `forbidden` for any other, `invalid` where it is gone."""
        own = branch if naming.is_simulation_branch(branch) else _fix_branch_only(branch)
        path = api_path("repos", repository, "git", "refs", "heads", own)
        await self._api.delete(repository, path, _CONTENTS_WRITE)

    # ── pull requests, comments, people ─────────────────────────────────────────────────────────────────────

    async def list_pull_requests(
        self,
        repository: str,
        head_branch: str,
        *,
        head_repository: str | None = None,
        limit: int | None = None,
    ) -> list[PullRequestRecord]:
        """Pull requests from a branch, in any state, newest first.

        Args:
            repository: Where the pull requests are.
            head_branch: The branch they come from.
            head_repository: Whose branch that is; this repository's own by default.
            limit: At most so many; None reads every page.
        """
        home = head_repository or repository
        head = f"{home.partition('/')[0]}:{head_branch}"
        path = api_path(
            "repos",
            repository,
            "pulls",
            head=head,
            state="all",
            sort="created",
            direction="desc",
            per_page=min(limit or _PAGE, _PAGE),
        )
        found = await self._api.list(PullRequestRecord, repository, path, _PULLS_READ, limit=limit)
        # GitHub filters by owner, who may have both a repository and a fork of it.
        return [
            each
            for each in found
            if each.head_branch == head_branch and (each.head_repository or "").casefold() == home.casefold()
        ]

    async def list_merged_fixes(self, repository: str, *, limit: int) -> list[PullRequestRecord]:
        """Merged pull requests from fix branches of this repository, among those closed ones changed last."""
        path = api_path(
            "repos",
            repository,
            "pulls",
            state="closed",
            sort="updated",
            direction="desc",
            per_page=min(limit, _PAGE),
        )
        found = await self._api.list(PullRequestRecord, repository, path, _PULLS_READ, limit=limit)
        return [
            each
            for each in found
            if each.merged
            and naming.parse_fix_branch(each.head_branch) is not None
            and (each.head_repository or "").casefold() == repository.casefold()
        ]

    async def list_newest_pull_requests(self, repository: str, *, limit: int) -> list[PullRequestRecord]:
        """Pull requests of a repository, in any state, newest first."""
        path = api_path(
            "repos",
            repository,
            "pulls",
            state="all",
            sort="created",
            direction="desc",
            per_page=min(limit, _PAGE),
        )
        return await self._api.list(PullRequestRecord, repository, path, _PULLS_READ, limit=limit)

    async def list_commit_messages(self, repository: str, number: int) -> list[str]:
        """The messages of a pull request's commits, oldest first."""
        path = api_path("repos", repository, "pulls", number, "commits", per_page=_PAGE)
        found = await self._api.list(CommitMessage, repository, path, _PULLS_READ)
        return [each.message for each in found]

    async def list_messages_since(self, repository: str, branch: str, since: datetime) -> list[str]:
        """The messages of the newest commits of a branch that are not older than `since`, newest first."""
        stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = api_path("repos", repository, "commits", sha=branch, since=stamp, per_page=_PAGE)
        found = await self._api.list(CommitMessage, repository, path, _CONTENTS_READ, limit=_MOST_COMMITS)
        return [each.message for each in found]

    async def get_pull_request(self, repository: str, number: int) -> PullRequestRecord:
        """A pull request."""
        path = api_path("repos", repository, "pulls", number)
        return await self._api.get(PullRequestRecord, repository, path, _PULLS_READ)

    async def create_pull_request(
        self, repository: str, *, head: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequestRecord:
        """Open a pull request between two branches of this repository."""
        data = {"head": head, "base": base, "title": title, "body": body, "draft": draft}
        path = api_path("repos", repository, "pulls")
        return await self._api.post(PullRequestRecord, repository, path, data, _PULLS_WRITE)

    async def update_pull_request(self, repository: str, number: int, **changes: str) -> PullRequestRecord:
        """Change a pull request's `title`, `body` or `state`."""
        path = api_path("repos", repository, "pulls", number)
        return await self._api.patch(PullRequestRecord, repository, path, changes, _PULLS_WRITE)

    async def enable_auto_merge(self, repository: str, node_id: str, *, head_sha: str, method: str) -> None:
        """Have GitHub merge a pull request by itself once the rules of its base branch are met.

        GitHub refuses it (`invalid`) where nothing holds the pull request back, and so merges nothing now.

        Args:
            repository: "owner/name".
            node_id: The pull request's name in the GraphQL API.
            head_sha: The commit that its head must be.
            method: `MERGE`, `SQUASH` or `REBASE`.
        """
        given = {"pullRequestId": node_id, "expectedHeadOid": head_sha, "mergeMethod": method}
        await self._api.mutate(repository, _ENABLE_AUTO_MERGE, given, _MERGING)

    async def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> None:
        """Add labels; those it has already stay as they are."""
        path = api_path("repos", repository, "issues", number, "labels")
        await self._api.order(repository, path, {"labels": list(labels)}, _PULLS_WRITE)

    async def request_review(self, repository: str, number: int, logins: Sequence[str]) -> None:
        """Ask people for a review; who was asked before is not asked again."""
        path = api_path("repos", repository, "pulls", number, "requested_reviewers")
        await self._api.order(repository, path, {"reviewers": list(logins)}, _PULLS_WRITE)

    async def list_pull_request_comments(self, repository: str, number: int) -> list[Comment]:
        """The conversation of a pull request, oldest first."""
        path = api_path("repos", repository, "issues", number, "comments", per_page=_PAGE)
        return await self._api.list(Comment, repository, path, _PULLS_READ)

    async def list_commit_comments(self, repository: str, sha: str) -> list[Comment]:
        """The comments on a commit, oldest first."""
        path = api_path("repos", repository, "commits", sha, "comments", per_page=_PAGE)
        return await self._api.list(Comment, repository, path, _CONTENTS_READ)

    async def create_pull_request_comment(self, repository: str, number: int, body: str) -> Comment:
        """Comment on a pull request."""
        path = api_path("repos", repository, "issues", number, "comments")
        return await self._api.post(Comment, repository, path, {"body": body}, _PULLS_WRITE)

    async def create_commit_comment(self, repository: str, sha: str, body: str) -> Comment:
        """Comment on a commit."""
        path = api_path("repos", repository, "commits", sha, "comments")
        return await self._api.post(Comment, repository, path, {"body": body}, _CONTENTS_WRITE)

    async def update_pull_request_comment(self, repository: str, comment_id: int, body: str) -> Comment:
        """Replace the text of a comment on a pull request."""
        path = api_path("repos", repository, "issues", "comments", comment_id)
        return await self._api.patch(Comment, repository, path, {"body": body}, _PULLS_WRITE)

    async def update_commit_comment(self, repository: str, comment_id: int, body: str) -> Comment:
        """Replace the text of a comment on a commit."""
        path = api_path("repos", repository, "comments", comment_id)
        return await self._api.patch(Comment, repository, path, {"body": body}, _CONTENTS_WRITE)

    async def get_permission(self, repository: str, login: str) -> frozenset[str]:
        """What a person may do, as permission and role names; empty for a stranger."""
        path = api_path("repos", repository, "collaborators", login, "permission")
        found = await none_when_missing(
            self._api.get(CollaboratorPermission, repository, path, _METADATA_READ)
        )
        return frozenset({found.permission, found.role_name} - {""}) if found else frozenset()

    async def own_login(self, repository: str) -> str | None:
        """The login that Regreen's own comments carry; None when it asks anonymously. Asked once."""
        if self._login is None:
            self._login = await self._ask_own_login(repository)
        return self._login

    async def _ask_own_login(self, repository: str) -> str | None:
        app_jwt = self._credentials.app_jwt()
        if app_jwt is not None:
            return f"{read(App, await self._wire.get(api_path('app'), jwt=app_jwt)).slug}[bot]"
        token = await self._credentials.token(repository)
        if token is None:
            return None
        try:
            return read(Account, await self._wire.get(api_path("user"), token=token)).login
        except PermanentError as error:
            if error.kind == "forbidden":
                # A workflow run's own token may not ask who it is, and is always the same bot.
                return _ACTIONS_BOT
            raise


async def _none_when_forbidden(answer: Awaitable[T]) -> T | None:
    """The answer, or None where the credential may not have it and can do without."""
    try:
        return await answer
    except PermanentError as error:
        if error.kind == "forbidden":
            return None
        raise


def _simulation_only(branch: str) -> str:
    if not naming.is_simulation_branch(branch):
        raise PermanentError("a simulation writes to its own branches only", kind="forbidden")
    return branch


def _fix_branch_only(branch: str) -> str:
    if naming.parse_fix_branch(branch) is None:
        raise PermanentError("Regreen writes to its own fix branches only", kind="forbidden")
    return branch
