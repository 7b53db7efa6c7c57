"""What follows when refs move or pull requests change: events, and the runs they start."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from localhub.events import Events, RefChange, merge_group_payload, pull_request_payload, push_payload
from localhub.git import EMPTY_TREE, ZERO_SHA, GitError, Signature
from localhub.records import Account, Json, PullRequest, Repository, Run, TokenKind, Workflow, now
from localhub.runner import Runner
from localhub.state import Hub
from localhub.workflow_file import (
    FOLDER,
    SKIP_CI,
    WorkflowFile,
    WorkflowSyntaxError,
    parse,
    starts_on_pull_request,
    starts_on_push,
)

_HEADS: Final = "refs/heads/"


class Triggers:
    """Called after every write to refs or pull requests."""

    def __init__(self, hub: Hub, events: Events, runner: Runner) -> None:
        self._hub = hub
        self._events = events
        self._runner = runner

    async def refs_changed(
        self, repository: Repository, before: Mapping[str, str], by: Account, *, kind: TokenKind | None = None
    ) -> None:
        """Compare the refs with what they were `before`, and act on each that moved.

        Args:
            repository: Whose `lock` the caller holds.
            before: Full ref names and object ids from before the write.
            by: Who wrote.
            kind: The token used; a run's own token starts no further runs.
        """
        after = await repository.git.refs()
        for ref in sorted(before.keys() | after.keys()):
            old, new = before.get(ref, ZERO_SHA), after.get(ref, ZERO_SHA)
            if old != new:
                repository.pushed_at = now()
                await self._ref_changed(repository, ref, old, new, by, starts_runs=kind is not TokenKind.RUN)

    async def _ref_changed(
        self, repository: Repository, ref: str, old: str, new: str, by: Account, *, starts_runs: bool
    ) -> None:
        change = await self._describe(repository, ref, old, new)
        payload = push_payload(self._hub, repository, change, by)
        self._events.send(repository, "push", payload)
        if starts_runs and new != ZERO_SHA:
            paths = await repository.git.changed_paths(None if old == ZERO_SHA else old, new)
            await self._start_runs(
                repository,
                new,
                "push",
                payload,
                by,
                wanted=lambda file: starts_on_push(file, ref, paths),
                branch=ref.split("/", 2)[2],
            )
        if ref.startswith(_HEADS):
            for pull in [pull for pull in repository.pulls.values() if pull.state == "open"]:
                await self._branch_moved(
                    pull, ref.removeprefix(_HEADS), old, new, by, starts_runs=starts_runs
                )

    async def _describe(self, repository: Repository, ref: str, old: str, new: str) -> RefChange:
        git = repository.git
        if new == ZERO_SHA:
            return RefChange(ref, old, new, forced=False, commits=(), head=None)
        forced = old != ZERO_SHA and not await git.is_ancestor(old, new)
        since = None if old == ZERO_SHA else old
        if since is None and ref != _HEADS + repository.default_branch:
            since = await git.ref(_HEADS + repository.default_branch)
        commits = tuple(await git.commits(since, new, limit=20))
        tip = await git.resolve(new)
        return RefChange(ref, old, new, forced=forced, commits=commits, head=await git.commit(tip or new))

    # ── pull requests ───────────────────────────────────────────────────────────────────────────────────────

    async def _branch_moved(
        self, pull: PullRequest, branch: str, old: str, new: str, by: Account, *, starts_runs: bool
    ) -> None:
        git = pull.repository.git
        if branch == pull.head_ref and new == ZERO_SHA:
            self.close(pull, by)
        elif branch == pull.head_ref:
            pull.head_sha = new
            await self.refresh(pull)
            await self.pull_request(pull, "synchronize", by, starts_runs=starts_runs, before=old, after=new)
        elif branch == pull.base_ref and new != ZERO_SHA:
            if await git.is_ancestor(pull.head_sha, new):
                pull.merged_at, pull.merged_by, pull.merge_commit_sha = now(), by, new
                self.close(pull, by)
            else:
                pull.base_sha = new

    async def refresh(self, pull: PullRequest) -> None:
        """Read the pull request's commits and files anew, and keep its head reachable."""
        git = pull.repository.git
        base = await git.merge_base(pull.base_sha, pull.head_sha)
        pull.commits = tuple(await git.commits(pull.base_sha, pull.head_sha))
        pull.files = tuple(await git.changes(base or EMPTY_TREE, pull.head_sha))
        pull.updated_at = now()
        await git.run("update-ref", f"refs/pull/{pull.number}/head", pull.head_sha)

    def close(self, pull: PullRequest, by: Account) -> None:
        """Close a pull request, merged or not."""
        pull.state, pull.closed_at, pull.updated_at = "closed", now(), now()
        pull.auto_merge = None
        payload = pull_request_payload(self._hub, pull, "closed", by)
        self._events.send(pull.repository, "pull_request", payload)

    async def pull_request(
        self, pull: PullRequest, action: str, by: Account, *, starts_runs: bool = True, **extra: Any
    ) -> None:
        """Announce what happened to a pull request, and start its runs, at its head commit."""
        payload = pull_request_payload(self._hub, pull, action, by, **extra)
        self._events.send(pull.repository, "pull_request", payload)
        if starts_runs and pull.state == "open":
            paths = [change.path for change in pull.files]
            await self._start_runs(
                pull.repository,
                pull.head_sha,
                "pull_request",
                payload,
                by,
                wanted=lambda file: starts_on_pull_request(file, action, pull.base_ref, paths),
                branch=pull.head_ref,
                pull=pull,
            )

    async def merge_group(self, pull: PullRequest, by: Account) -> str:
        """Put a pull request into the merge queue: its merge gets a passing branch, and runs of its own.

        Returns:
            The branch. Nothing is merged by it, and nothing removes it.
        """
        repository, git = pull.repository, pull.repository.git
        base = await git.ref(_HEADS + pull.base_ref) or pull.base_sha
        tree = await git.merged_tree(base, pull.head_sha)
        if tree is None:
            raise ValueError(f"pull request {pull.number} conflicts with {pull.base_ref}")
        who = Signature(by.login, by.email, now())
        title = f"Merge pull request #{pull.number} from {repository.owner.login}/{pull.head_ref}"
        sha = await git.write_commit(tree, [base, pull.head_sha], title, who, who)
        branch = f"gh-readonly-queue/{pull.base_ref}/pr-{pull.number}-{base}"
        await git.update_ref(_HEADS + branch, sha, ZERO_SHA)
        head = (_HEADS + branch, await git.commit(sha))
        payload = merge_group_payload(self._hub, repository, (_HEADS + pull.base_ref, base), head, by)
        self._events.send(repository, "merge_group", payload)
        await self._start_runs(
            repository,
            sha,
            "merge_group",
            payload,
            by,
            wanted=lambda file: "merge_group" in file.triggers,
            branch=branch,
        )
        return branch

    # ── runs ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _start_runs(
        self,
        repository: Repository,
        sha: str,
        event: str,
        payload: Json,
        by: Account,
        *,
        wanted: Callable[[WorkflowFile], bool],
        branch: str,
        pull: PullRequest | None = None,
    ) -> None:
        git = repository.git
        head = await git.commit(await git.resolve(sha) or sha)
        if any(marker in head.message for marker in SKIP_CI):
            return
        for path in await self._workflow_paths(repository, head.sha):
            text = await git.file(head.sha, path) or b""
            try:
                file = parse(path, text)
            except WorkflowSyntaxError:
                # GitHub reports a broken file on every push, whatever its filters were meant to be.
                if event != "push":
                    continue
                name = path
            else:
                if not wanted(file):
                    continue
                name = file.name
            workflow = repository.workflows.setdefault(path, Workflow(self._hub.new_id(), path, name))
            workflow.name = name
            if workflow.state != "active":
                continue
            run = Run(
                id=self._hub.new_id(),
                number=sum(one.workflow is workflow for one in repository.runs.values()) + 1,
                repository=repository,
                workflow=workflow,
                event=event,
                head_branch=branch,
                head=head,
                actor=by,
                check_suite_id=self._hub.new_id(),
                event_payload=payload,
                display_title=pull.title if pull else head.title,
                pull_request=pull,
            )
            repository.runs[run.id] = run
            self._runner.start(run, by)

    async def _workflow_paths(self, repository: Repository, sha: str) -> Sequence[str]:
        try:
            entries = await repository.git.tree(sha, path=f"{FOLDER}/")
        except GitError:
            return ()
        names = (entry.path for entry in entries if entry.type == "blob")
        return sorted(name for name in names if name.endswith((".yml", ".yaml")))
