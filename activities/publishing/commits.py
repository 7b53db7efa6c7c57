"""Commits and the fix branch, through GitHub's Git Data API."""

import asyncio
from collections.abc import Iterable

from activities.adapters.github import GitCommit, GitHub
from activities.errors import PermanentError
from activities.publishing.base_tree import read_base
from activities.publishing.gate.files import Base
from activities.publishing.gate.judging import judge
from activities.publishing.patch import (
    ChangedFile,
    apply_all,
    parse,
    paths_of,
)
from activities.publishing.refusal import refusal
from activities.publishing.twins import Origin, find_twin
from activities.publishing.wording import commit_message
from workflows import naming
from workflows.models import (
    BranchRequest,
    BranchResult,
    BranchState,
    CommitRequest,
    Diagnosis,
    GateDecision,
    WrittenCommit,
)

_WORKFLOWS = ".github/workflows/"


async def write_commit(github: GitHub, request: CommitRequest) -> WrittenCommit:
    """Store the commit of an attempt, or find it on the fix branch."""
    repository, proposal = request.repository, request.proposal
    if proposal.patch_id != naming.patch_id(proposal.base_sha, proposal.diff):
        raise PermanentError("the patch is not the one its id names", kind="invalid")
    paths = paths_of(proposal.diff)[: request.limits.patch_files]
    (base_tree, base), tip = await asyncio.gather(
        read_base(github, repository, proposal.base_sha, paths),
        _tip_commit(github, repository, request.run_id),
    )
    await _require_leave(request, base)
    changed = apply_all(parse(proposal.diff), base.files)
    tree = await github.create_tree(
        repository,
        base_tree,
        [await _entry(github, repository, file) for file in changed],
        workflows=_touches_workflows(file.path for file in changed),
    )
    if tree == base_tree:
        raise PermanentError("the patch changes nothing", kind="invalid")
    message = commit_message(request)
    wanted = GitCommit(sha=tip.sha if tip else "", tree=tree, parents=(proposal.base_sha,), message=message)
    if tip is not None and _is_same(tip, wanted):
        return WrittenCommit(sha=tip.sha, tree=tree)
    commit = await github.create_commit(repository, tree=tree, parent=proposal.base_sha, message=message)
    return WrittenCommit(sha=commit.sha, tree=tree)


async def advance(github: GitHub, request: BranchRequest) -> BranchResult:
    """Put a commit on the fix branch, unless it is there or may not be put there."""
    repository, branch = request.repository, naming.fix_branch(request.run_id)
    failing, tip, files, dealt_with = await asyncio.gather(
        github.get_branch_tip(repository, request.failing_branch),
        github.get_branch_tip(repository, branch),
        github.list_changed_files(repository, request.commit),
        _dealt_with(github, request),
    )
    standing = await _standing(github, request, tip)
    if standing is not None and standing.state is BranchState.ADVANCED:
        return standing
    if dealt_with is not None:
        return BranchResult(state=dealt_with, tip=tip)
    if standing is not None:
        return standing
    overtaken = await _overtaken(github, request, failing)
    if overtaken is not None:
        return overtaken
    try:
        await _put(github, request, tip, workflows=_touches_workflows(files))
    except PermanentError as error:
        if error.kind not in {"invalid", "conflict", "forbidden"}:
            raise
        # Somebody was faster, perhaps our own lost request: what stands there now decides.
        tip = await github.get_branch_tip(repository, branch)
        standing = await _standing(github, request, tip)
        if standing is None:
            raise await refusal(github, repository, branch, error) from None
        return standing
    return BranchResult(state=BranchState.ADVANCED, tip=request.commit)


async def _put(github: GitHub, request: BranchRequest, tip: str | None, *, workflows: bool) -> None:
    """Create or forward the branch.

    A new branch takes the permission for workflow files also where the fix touches none, but the failing
    branch changes them: GitHub compares with the default branch.
    """
    repository, branch = request.repository, naming.fix_branch(request.run_id)
    if tip is not None:
        await github.forward_fix_branch(repository, branch, request.commit, workflows=workflows)
        return
    try:
        await github.create_fix_branch(repository, branch, request.commit, workflows=workflows)
    except PermanentError as error:
        if error.kind != "forbidden" or workflows:
            raise
        try:
            await github.create_fix_branch(repository, branch, request.commit, workflows=True)
        except PermanentError as again:
            raise (again if again.kind == "invalid" else error) from None


async def _dealt_with(github: GitHub, request: BranchRequest) -> BranchState | None:
    """Whether somebody closed or merged the pull request: nothing is pushed behind its back."""
    if request.pull_request is None:
        return None
    found = await github.get_pull_request(request.repository, request.pull_request)
    if found.merged:
        return BranchState.MERGED
    return None if found.state == "open" else BranchState.CLOSED


async def _overtaken(github: GitHub, request: BranchRequest, failing: str | None) -> BranchResult | None:
    """Whether there is nothing to publish any more: a newer commit, or another run's repair of this one."""
    if failing != request.failing_sha:
        return BranchResult(state=BranchState.BASE_MOVED, tip=request.expected_tip)
    if request.run_created_at is None or request.expected_tip is not None:
        return None
    origin = Origin(
        repository=request.repository,
        run_id=request.run_id,
        workflow_id=request.workflow_id,
        head_sha=request.failing_sha,
        created_at=request.run_created_at,
    )
    twin = await find_twin(github, origin)
    return None if twin is None else BranchResult(state=BranchState.TWIN, twin_run=twin)


async def _standing(github: GitHub, request: BranchRequest, tip: str | None) -> BranchResult | None:
    """What the branch's tip says already; None when the branch waits for the commit."""
    if tip == request.expected_tip:
        return None
    if tip == request.commit:
        return BranchResult(state=BranchState.ADVANCED, tip=tip)
    if tip is not None:
        there, wanted = await asyncio.gather(
            github.get_commit(request.repository, tip),
            github.get_commit(request.repository, request.commit),
        )
        if _is_same(there, wanted):
            return BranchResult(state=BranchState.ADVANCED, tip=tip)
    return BranchResult(state=BranchState.TAKEN, tip=tip)


async def _tip_commit(github: GitHub, repository: str, run_id: int) -> GitCommit | None:
    tip = await github.get_branch_tip(repository, naming.fix_branch(run_id))
    return await github.get_commit(repository, tip) if tip else None


def _is_same(one: GitCommit, other: GitCommit) -> bool:
    """Whether two commits are the same attempt's: a commit written twice differs in its date alone."""
    return (
        one.tree == other.tree
        and one.parents == other.parents
        and one.message.strip() == other.message.strip()
    )


def _touches_workflows(paths: Iterable[str]) -> bool:
    return any(path.casefold().startswith(_WORKFLOWS) for path in paths)


async def _require_leave(request: CommitRequest, base: Base) -> None:
    """Judge the patch once more: who judged it first may not have been the publisher.

    Raises:
        PermanentError: `refused` by the gate, or not approved by anybody; `conflict` with its base.
    """
    diagnosis = request.diagnosis or Diagnosis(failure_class=request.failure_class, root_cause="")
    verdict = await asyncio.to_thread(
        judge, request.proposal.diff, base, diagnosis, request.limits, request.policy
    )
    reasons = "; ".join(verdict.reasons)
    if verdict.conflict:
        raise PermanentError(f"the diff does not apply: {reasons}", kind="conflict")
    if verdict.decision is GateDecision.REFUSED:
        raise PermanentError(f"the gate refuses the patch: {reasons}", kind="refused")
    approved = request.approval is not None and request.approval.patch_id == request.proposal.patch_id
    if verdict.decision is not GateDecision.ALLOWED and not approved:
        raise PermanentError(f"nobody approved this patch, and it needs it: {reasons}", kind="refused")


async def _entry(github: GitHub, repository: str, file: ChangedFile) -> dict[str, str]:
    entry = {"path": file.path, "mode": file.mode, "type": "blob"}
    try:
        return {**entry, "content": file.content.decode()}
    except UnicodeDecodeError:
        # JSON carries text only; other bytes go up as a blob of their own, by which nothing can be seen yet.
        return {**entry, "sha": await github.store_blob(repository, file.content)}
