"""Activities that write to GitHub: one outward write each, found before it is made."""

import asyncio
from typing import Final

from temporalio import activity

from activities.adapters.github import GitHub
from activities.errors import PermanentError, translating
from activities.publishing import auto_merge, commits, pull_requests, sticky_comment
from activities.publishing.base_tree import read_base
from activities.publishing.gate.judging import judge
from activities.publishing.patch import paths_of
from activities.publishing.switch import WriteSwitch
from workflows import naming
from workflows.models import (
    AuthorisationRequest,
    AutoMergeRequest,
    AutoMergeResult,
    AutoMergeState,
    BranchRequest,
    BranchResult,
    CloseRequest,
    CommitRequest,
    GateDecision,
    GateRequest,
    GateVerdict,
    LabelRequest,
    PostedReport,
    PullRequest,
    PullRequestRef,
    PullRequestRequest,
    Report,
    RevertRequest,
    ReviewRequest,
    WrittenCommit,
)

_ACCESS: Final = ("write", "maintain", "admin")
"""Access that may give orders, the least first."""


class PublishingActivities:
    """The gate, and everything that Regreen writes to GitHub.

    Args:
        github: Where it is written.
        switch: Asked before each write.
    """

    def __init__(self, github: GitHub, switch: WriteSwitch) -> None:
        self._github = github
        self._switch = switch

    @activity.defn
    @translating
    async def judge_patch(self, request: GateRequest) -> GateVerdict:
        """Judge a patch against the tree it is for. It only reads, so repeating it is safe."""
        proposal = request.proposal
        if proposal.patch_id != naming.patch_id(proposal.base_sha, proposal.diff):
            return GateVerdict(
                decision=GateDecision.REFUSED, reasons=("The patch is not the one its id names.",)
            )
        paths = paths_of(proposal.diff)[: request.limits.patch_files]
        _, base = await read_base(self._github, request.repository, proposal.base_sha, paths)
        # Reading syntax keeps a processor busy; the loop that answers Temporal must not wait for it.
        return await asyncio.to_thread(
            judge, proposal.diff, base, request.diagnosis, request.limits, request.policy
        )

    @activity.defn
    @translating
    async def write_commit(self, request: CommitRequest) -> WrittenCommit:
        """Store the commit of an attempt, after the gate has judged its patch once more.

        Safe to repeat: blobs and trees are named by their content, and a commit without a branch is seen by
        nobody. Once it stands on the fix branch it is found there instead of being written again.
        """
        await self._switch.require_open(request.repository)
        return await commits.write_commit(self._github, request)

    @activity.defn
    @translating
    async def advance_fix_branch(self, request: BranchRequest) -> BranchResult:
        """Put the commit on the fix branch.

        Safe to repeat: a branch that stands at the commit is the answer, and GitHub itself refuses to create
        a branch that exists or to move one over a commit it does not contain.
        """
        await self._switch.require_open(request.repository)
        return await commits.advance(self._github, request)

    @activity.defn
    @translating
    async def open_pull_request(self, request: PullRequestRequest) -> PullRequest:
        """Open the fix pull request, or update it.

        Safe to repeat: it is looked for first, by branch and marker, and GitHub takes only one open pull
        request per branch.
        """
        await self._switch.require_open(request.repository)
        return await pull_requests.open_pull_request(self._github, request)

    @activity.defn
    @translating
    async def label_pull_request(self, request: LabelRequest) -> None:
        """Label the fix pull request. Safe to repeat: a label that is there stays there."""
        await self._switch.require_open(request.repository)
        labels = (*naming.FIX_LABELS, *request.labels)
        await self._github.add_labels(request.repository, request.number, labels)

    @activity.defn
    @translating
    async def request_review(self, request: ReviewRequest) -> None:
        """Ask people to review the fix. Safe to repeat: GitHub asks nobody twice.

        Whom GitHub does not let review (no access, or the pull request's own author) is left out silently.
        """
        await self._switch.require_open(request.repository)
        try:
            await self._github.request_review(request.repository, request.number, request.logins)
        except PermanentError as error:
            if error.kind != "invalid":
                raise
            activity.logger.warning("GitHub takes none of these people as reviewers: %s", error)

    @activity.defn
    @translating
    async def request_auto_merge(self, request: AutoMergeRequest) -> AutoMergeResult:
        """Ask GitHub to merge the fix by itself once the repository's rules are met.

        Safe to repeat: where it is enabled, that is the answer. The settings are read again, so that who
        switches it off is heard until the last moment.
        """
        settings = await self._switch.require_open(request.repository)
        if not settings.publication.auto_merge:
            return AutoMergeResult(state=AutoMergeState.SWITCHED_OFF)
        return await auto_merge.request_auto_merge(self._github, request)

    @activity.defn
    @translating
    async def close_pull_request(self, request: CloseRequest) -> PullRequest:
        """Close the fix pull request. Safe to repeat: only an open one is closed."""
        await self._switch.require_open(request.repository)
        return await pull_requests.close_pull_request(self._github, request.repository, request.number)

    @activity.defn
    @translating
    async def read_pull_request(self, request: PullRequestRef) -> PullRequest:
        """Read what became of the fix pull request. It only reads, so repeating it is safe."""
        found = await self._github.get_pull_request(request.repository, request.number)
        return pull_requests.as_pull_request(found)

    @activity.defn
    @translating
    async def find_revert(self, request: RevertRequest) -> bool:
        """Look whether a later commit takes the fix back. It only reads, so repeating it is safe."""
        found = await self._github.get_pull_request(request.repository, request.number)
        if found.merged_at is None:
            return False
        messages = await self._github.list_messages_since(
            request.repository, found.base_branch, found.merged_at
        )
        return any(naming.reverted_run(message) == request.run_id for message in messages)

    @activity.defn
    @translating
    async def post_report(self, request: Report) -> PostedReport:
        """Write or edit the sticky comment.

        Safe to repeat: it is looked for first, by marker and author, and left alone when it says the same.
        """
        await self._switch.require_open(request.repository)
        return await sticky_comment.post_report(self._github, request)

    @activity.defn
    @translating
    async def authorise_order(self, request: AuthorisationRequest) -> bool:
        """Read whether a person may give orders here and now. It only reads, so repeating it is safe."""
        chosen = not request.logins or request.login.lower() in {each.lower() for each in request.logins}
        if not chosen or not naming.is_login(request.login):
            return False
        enough = _ACCESS[_ACCESS.index(request.permission) :]
        held = await self._github.get_permission(request.repository, request.login)
        return not held.isdisjoint(enough)
