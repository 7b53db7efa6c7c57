"""The first step: what the failed jobs' logs say, small enough for a workflow's history."""

import asyncio
from typing import Final

from temporalio import activity

from activities.adapters.github import GitHub, Job
from activities.errors import translating
from activities.evidence.fingerprint import combine
from activities.evidence.job_evidence import JobEvidence, failed_jobs
from activities.evidence.job_source import JobSources
from activities.evidence.log_cache import LogCache
from activities.evidence.log_range import read_range
from workflows.models import Evidence, EvidenceRequest, FailedJob, LogRange, LogRangeRequest

JOBS_DETAILED: Final = 20
JOB_EXCERPT_BYTES: Final = 8_192
"""Shows most of what explains a failure, and stays small beside a workflow history's 100 KB."""
_DOWNLOADS_AT_ONCE: Final = 4


class EvidenceActivities:
    """Reads a failed run's jobs and logs.

    Args:
        github: Read access is enough.
        logs: Where logs come from.
    """

    def __init__(self, github: GitHub, logs: LogCache) -> None:
        self._github = github
        self._logs = logs

    @activity.defn
    @translating
    async def collect_evidence(self, request: EvidenceRequest) -> Evidence:
        """The failed jobs of a run attempt with their excerpts. Reads only, so repeating it is safe."""
        jobs = await self._github.list_jobs(request.repository, request.run_id, request.run_attempt)
        failed = failed_jobs(jobs)
        detailed = failed[:JOBS_DETAILED]
        path = request.workflow_path.partition("@")[0]
        sources = JobSources(self._github, request.repository, request.head_sha, path)
        problem = await sources.problem()
        budget = min(JOB_EXCERPT_BYTES, request.excerpt_bytes // max(len(detailed), 1))
        evidence = JobEvidence(self._github, self._logs, request.repository, sources, budget)
        gate = asyncio.Semaphore(_DOWNLOADS_AT_ONCE)

        async def gather(job: Job) -> FailedJob:
            async with gate:
                found = await evidence.gather(job, _beat)
                _beat()
                return found

        examined = await _all([asyncio.ensure_future(gather(job)) for job in detailed])
        return Evidence(
            run_id=request.run_id,
            run_attempt=request.run_attempt,
            jobs=tuple(examined),
            failed_jobs=len(failed),
            fingerprint=combine(job.fingerprint for job in examined),
            workflow_error=problem,
        )

    @activity.defn
    @translating
    async def read_log(self, request: LogRangeRequest) -> LogRange:
        """Any further part of a job's log, from disk or fetched again. Reads only."""
        async with self._logs.open(request.repository, request.job_id, _beat) as log:
            if log.path is None:
                problem = log.problem or f"The log is {log.state}."
                return LogRange(log_state=log.state, problem=problem)
            return await asyncio.to_thread(read_range, log.path, request)


async def _all(tasks: list[asyncio.Task[FailedJob]]) -> list[FailedJob]:
    """Their results; where one fails, the others are ended before that is told."""
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _beat() -> None:
    if activity.in_activity():
        activity.heartbeat()
