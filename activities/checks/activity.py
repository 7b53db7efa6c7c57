"""Activities that read what CI says, and the one that asks it to say it again."""

import asyncio
from typing import Final

from temporalio import activity

from activities.adapters.github import CheckRun, CommitStatus, GitHub, PullRequestRecord, WorkflowRun
from activities.checks.heads import Head, read_head
from activities.checks.snapshot import is_fork, snapshot
from activities.checks.verdict import (
    Before,
    CheckFact,
    RunFact,
    Verdict,
    failing,
    judge,
    newest,
    passes,
    unproved,
)
from activities.errors import PermanentError, translating
from activities.publishing.repository import read_standing
from activities.publishing.switch import WriteSwitch
from activities.publishing.twins import Origin, find_twin
from workflows import naming
from workflows.models import (
    ChecksReading,
    ChecksRequest,
    CiVerdict,
    RerunRequest,
    RerunResult,
    RerunState,
    RunSnapshot,
    TriageRequest,
)
from workflows.repository_settings import TriagedRun

_ACTIONS_APP: Final = "github-actions"
_STATUS: Final = "status"
Facts = tuple[list[RunFact], list[CheckFact]]
_RECENT: Final = 20
"""Newest entries of a listing that are looked through for the one that counts."""


class ChecksActivities:
    """Reads of runs and checks, and reruns.

    Args:
        github: Where the runs are.
        switch: Asked before a rerun.
        notifies: Whether there is a channel by which humans are told that they are needed.
    """

    def __init__(self, github: GitHub, switch: WriteSwitch, *, notifies: bool = False) -> None:
        self._github = github
        self._switch = switch
        self._notifies = notifies

    @activity.defn
    @translating
    async def read_run(self, request: TriageRequest) -> TriagedRun:
        """Read a run and all that triage asks about its branch. It only reads, so repeating it is safe."""
        repository = request.repository
        run, default_branch, fix_tip = await asyncio.gather(
            self._github.get_run(repository, request.run_id),
            self._github.get_default_branch(repository),
            self._github.get_branch_tip(repository, naming.fix_branch(request.run_id)),
        )
        home = run.repository or repository
        head = await read_head(self._github, run, home, default_branch, fork=is_fork(run, home))
        found = snapshot(
            run,
            repository=repository,
            default_branch=default_branch,
            skip_marker=request.skip_marker,
            head=head,
            fix_branch_tip=fix_tip,
            base_run=await self._base_run(run, home, head, default_branch),
        )
        if not request.with_standing:
            return TriagedRun(**dict(found))
        standing, twin = await asyncio.gather(
            read_standing(self._github, self._switch, found), self._twin(found)
        )
        standing = standing.model_copy(update={"notifies": self._notifies})
        return TriagedRun(**{**dict(found), "twin_run": twin}, standing=standing)

    @activity.defn
    @translating
    async def read_checks(self, request: ChecksRequest) -> ChecksReading:
        """Read what CI says of a commit. It only reads, so repeating it is safe."""
        repository = request.repository
        facts, tip, failing_tip, pull_request = await asyncio.gather(
            self._facts(repository, request.head_sha),
            self._tip(repository, request.fix_branch),
            self._tip(repository, request.failing_branch),
            self._pull_request(request),
        )
        verdict = await self._verdict(request, facts, pull_request)
        # Forwarding the branch to the fix merges it; GitHub marks the pull request a moment later.
        forwarded = failing_tip == request.head_sha
        moved = request.failing_branch is not None and failing_tip != request.baseline_sha
        return ChecksReading(
            verdict=verdict.verdict,
            failed_run_id=verdict.failed.run_id if verdict.failed else None,
            failed_run_attempt=verdict.failed.run_attempt if verdict.failed else 1,
            failed_run_path=verdict.failed.path if verdict.failed else None,
            detail=verdict.detail,
            branch_tip=tip,
            pull_request_open=pull_request is None or pull_request.state == "open",
            pull_request_merged=forwarded or (pull_request is not None and pull_request.merged),
            failing_branch_moved=moved and not forwarded,
            also_red=verdict.also_red,
        )

    @activity.defn
    @translating
    async def rerun_failed_jobs(self, request: RerunRequest) -> RerunResult:
        """Rerun a run's failed jobs. The attempt number tells whether that was done already."""
        await self._switch.require_open(request.repository)
        started = await self._later_attempt(request)
        if started is None:
            try:
                await self._github.rerun_failed_jobs(request.repository, request.run_id)
            except PermanentError as error:
                if error.kind != "forbidden":
                    raise
                # GitHub forbids it too when the run is running again: our lost request, or a person.
                started = await self._later_attempt(request)
                if started is None:
                    return RerunResult(state=RerunState.NOT_PERMITTED, run_attempt=request.run_attempt)
        return RerunResult(state=RerunState.STARTED, run_attempt=started or request.run_attempt + 1)

    async def _later_attempt(self, request: RerunRequest) -> int | None:
        run = await self._github.get_run(request.repository, request.run_id)
        return run.run_attempt if run.run_attempt > request.run_attempt else None

    async def _twin(self, run: RunSnapshot) -> int | None:
        # A fork's push makes runs in the fork, and one here.
        return None if run.head_is_fork else await find_twin(self._github, Origin.of(run))

    async def _base_run(
        self, run: WorkflowRun, home: str, head: Head, default_branch: str
    ) -> WorkflowRun | None:
        """The newest completed run of the workflow on the branch that the change is meant for."""
        base = head.pull_request.base_branch if head.pull_request else default_branch
        if base == run.head_branch or head.tag or (head.tip is None and head.pull_request is None):
            return None
        try:
            found = await self._github.list_runs(
                home, workflow_id=run.workflow_id, branch=base, status="completed", limit=_RECENT
            )
        except PermanentError as error:
            if error.kind != "not_found":
                raise
            return None  # a workflow that GitHub itself provides has runs, but cannot be asked for them
        # GitHub's filter goes by the branch's name alone: a fork's branch of the same name is among them.
        return next((each for each in found if not is_fork(each, home)), None)

    async def _verdict(
        self, request: ChecksRequest, facts: Facts, pull_request: PullRequestRecord | None
    ) -> Verdict:
        runs, checks = facts
        verdict = judge(request.workflow_id, runs, checks)
        if _may_change(verdict, checks, request.workflow_id):
            # What was red before, and what is required, is asked only where the answer changes something.
            red, required = await asyncio.gather(
                self._facts(request.repository, request.baseline_sha),
                self._required(request.repository, pull_request),
            )
            verdict = judge(request.workflow_id, runs, checks, Before(failing(*red), required))
        if verdict.verdict is not CiVerdict.GREEN or not request.failed_jobs:
            return verdict
        missing = unproved(request.failed_jobs, await self._jobs(request, runs))
        if missing is None:
            return verdict
        return Verdict(CiVerdict.SKIPPED, f"The workflow is green, but the job {missing} did not run in it.")

    async def _jobs(self, request: ChecksRequest, runs: list[RunFact]) -> list[tuple[str, str | None]]:
        own = [run.run_id for run in newest(runs) if run.workflow_id == request.workflow_id]
        listed = await asyncio.gather(*(self._github.list_run_jobs(request.repository, run) for run in own))
        return [(job.name, job.conclusion) for jobs in listed for job in jobs]

    async def _required(self, repository: str, pull_request: PullRequestRecord | None) -> frozenset[str]:
        if pull_request is None:
            return frozenset()
        return await self._github.get_required_checks(repository, pull_request.base_branch)

    async def _facts(self, repository: str, sha: str) -> Facts:
        runs, checks, statuses = await asyncio.gather(
            self._github.list_runs(repository, head_sha=sha),
            self._github.list_check_runs(repository, sha),
            self._github.list_statuses(repository, sha),
        )
        # Each Actions job is a check too; the runs say the same, and say which workflow.
        others = [_check_fact(check) for check in checks if check.app_slug != _ACTIONS_APP]
        return [_run_fact(run) for run in runs], others + [_status_fact(status) for status in statuses]

    async def _tip(self, repository: str, branch: str | None) -> str | None:
        return None if branch is None else await self._github.get_branch_tip(repository, branch)

    async def _pull_request(self, request: ChecksRequest) -> PullRequestRecord | None:
        if request.pull_request is None:
            return None
        return await self._github.get_pull_request(request.repository, request.pull_request)


def _may_change(verdict: Verdict, checks: list[CheckFact], workflow_id: int) -> bool:
    """Whether knowing what was red before, or what is required, could make another verdict of this one."""
    if verdict.verdict is CiVerdict.RED:
        return verdict.failed is not None and verdict.failed.workflow_id != workflow_id
    return verdict.verdict is CiVerdict.GREEN and not all(map(passes, checks))


def _run_fact(run: WorkflowRun) -> RunFact:
    return RunFact(
        run_id=run.id,
        run_attempt=run.run_attempt,
        workflow_id=run.workflow_id,
        event=run.event,
        path=run.path,
        name=run.name,
        status=run.status,
        conclusion=run.conclusion,
    )


def _status_fact(status: CommitStatus) -> CheckFact:
    if status.state == "pending":
        return CheckFact(app=_STATUS, name=status.context, status="pending", conclusion=None)
    conclusion = "failure" if status.state == "error" else status.state
    return CheckFact(app=_STATUS, name=status.context, status="completed", conclusion=conclusion)


def _check_fact(check: CheckRun) -> CheckFact:
    return CheckFact(app=check.app_slug, name=check.name, status=check.status, conclusion=check.conclusion)
