"""The activity that looks for failed runs, whether or not an event told of them."""

from datetime import timedelta
from typing import Final

from temporalio import activity

from activities.adapters.github import GitHub, WorkflowRun
from activities.errors import PermanentError, translating
from workflows import conclusions, naming
from workflows.sweep_models import EndedRun, FailedRuns, FailedRunsRequest

_LONGEST_RUN: Final = timedelta(hours=6)
"""GitHub filters runs by when they were created; a job on its runners may take six hours."""
_MOST_RUNS: Final = 200
_MOST_NAMED: Final = 20


class SweepActivities:
    """Looks for failures.

    Args:
        github: Where the runs are.
    """

    def __init__(self, github: GitHub) -> None:
        self._github = github

    @activity.defn
    @translating
    async def find_failed_runs(self, request: FailedRunsRequest) -> FailedRuns:
        """List what failed in every repository there is. It only reads, so repeating it is safe."""
        installed = await self._github.list_installed_repositories()
        repositories = sorted({*installed, *request.repositories}, key=str.lower)
        runs: list[EndedRun] = []
        unreadable: list[str] = []
        for repository in repositories:
            activity.heartbeat()
            try:
                runs += await self._failed(repository, request)
            except PermanentError:
                unreadable.append(repository)
        runs.sort(key=lambda run: run.ended_at)
        return FailedRuns(
            repositories=len(repositories),
            runs=tuple(runs[:_MOST_RUNS]),
            unreadable=tuple(unreadable[:_MOST_NAMED]),
        )

    async def _failed(self, repository: str, request: FailedRunsRequest) -> list[EndedRun]:
        created = f">={(request.since - _LONGEST_RUN).strftime('%Y-%m-%dT%H:%M:%SZ')}"
        found: list[WorkflowRun] = []
        for conclusion in sorted(conclusions.FAILED):
            found += await self._github.list_runs(
                repository, status=conclusion, created=created, limit=_MOST_RUNS
            )
        return [
            EndedRun(
                repository=run.repository or repository,
                run_id=run.id,
                run_attempt=run.run_attempt,
                branch=run.head_branch,
                head_sha=run.head_sha,
                workflow_name=run.name,
                ended_at=run.updated_at,
            )
            for run in found
            if run.updated_at is not None
            and run.updated_at >= request.since
            and run.conclusion in conclusions.FAILED
            and naming.parse_fix_branch(run.head_branch) is None
        ]
