"""Activities that read what CI says, and the one that asks it to say it again."""

import asyncio
from typing import Final

from temporalio import activity

from activities.adapters.github import CheckRun, GitHub, PullRequestRecord, WorkflowRun
from activities.checks.heads import Head, read_head
from activities.checks.snapshot import is_fork, snapshot
from activities.checks.verdict import CheckFact, RunFact, failing, judge
from activities.errors import PermanentError, translating
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

_ACTIONS_APP: Final = "github-actions"
_RECENT: Final = 20
"""Newest entries of a listing that are looked through for the one that counts."""


class ChecksActivities:
    """Reads of runs and checks, and reruns.

    Args:
        github: Where the runs are.
    """

    def __init__(self, github: GitHub) -> None:
        self._github = github

    @activity.defn
    @translating
    async def read_run(self, request: TriageRequest) -> RunSnapshot:
        """Read a run and all that triage asks about its branch. It only reads, so repeating it is safe."""
        repository = request.repository
        run, default_branch, fix_tip = await asyncio.gather(
            self._github.get_run(repository, request.run_id),
            self._github.get_default_branch(repository),
            self._github.get_branch_tip(repository, naming.fix_branch(request.run_id)),
        )
        home = run.repository or repository
        head = await read_head(self._github, run, home, default_branch, fork=is_fork(run, home))
        return snapshot(
            run,
            repository=repository,
            default_branch=default_branch,
            skip_marker=request.skip_marker,
            head=head,
            fix_branch_tip=fix_tip,
            base_run=await self._base_run(run, home, head, default_branch),
        )

    @activity.defn
    @translating
    async def read_checks(self, request: ChecksRequest) -> ChecksReading:
        """Read what CI says of a commit. It only reads, so repeating it is safe."""
        repository = request.repository
        (runs, checks), tip, pull_request = await asyncio.gather(
            self._facts(repository, request.head_sha),
            self._fix_tip(request),
            self._pull_request(request),
        )
        verdict = judge(request.workflow_id, runs, checks)
        if verdict.verdict is CiVerdict.RED and not _is_own_failure(verdict.failed, request.workflow_id):
            # What was red before is asked only where the answer changes something.
            red_before = failing(*await self._facts(repository, request.baseline_sha))
            verdict = judge(request.workflow_id, runs, checks, red_before)
        return ChecksReading(
            verdict=verdict.verdict,
            failed_run_id=verdict.failed.run_id if verdict.failed else None,
            failed_run_attempt=verdict.failed.run_attempt if verdict.failed else 1,
            failed_run_path=verdict.failed.path if verdict.failed else None,
            detail=verdict.detail,
            branch_tip=tip,
            pull_request_open=pull_request is None or pull_request.state == "open",
            pull_request_merged=pull_request is not None and pull_request.merged,
        )

    @activity.defn
    @translating
    async def rerun_failed_jobs(self, request: RerunRequest) -> RerunResult:
        """Rerun a run's failed jobs. The attempt number tells whether that was done already."""
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

    async def _facts(self, repository: str, sha: str) -> tuple[list[RunFact], list[CheckFact]]:
        runs, checks = await asyncio.gather(
            self._github.list_runs(repository, head_sha=sha), self._github.list_check_runs(repository, sha)
        )
        return (
            [_run_fact(run) for run in runs],
            # Each Actions job is a check too; the runs say the same, and say which workflow.
            [_check_fact(check) for check in checks if check.app_slug != _ACTIONS_APP],
        )

    async def _fix_tip(self, request: ChecksRequest) -> str | None:
        if request.fix_branch is None:
            return None
        return await self._github.get_branch_tip(request.repository, request.fix_branch)

    async def _pull_request(self, request: ChecksRequest) -> PullRequestRecord | None:
        if request.pull_request is None:
            return None
        return await self._github.get_pull_request(request.repository, request.pull_request)


def _is_own_failure(failed: RunFact | None, workflow_id: int) -> bool:
    return failed is not None and failed.workflow_id == workflow_id


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


def _check_fact(check: CheckRun) -> CheckFact:
    return CheckFact(app=check.app_slug, name=check.name, status=check.status, conclusion=check.conclusion)
