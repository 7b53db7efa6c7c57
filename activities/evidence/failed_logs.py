"""The logs of a run's failed jobs, one file after the other."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from activities.adapters.github import GitHub
from activities.evidence.activity import JOBS_DETAILED
from activities.evidence.job_evidence import failed_jobs
from activities.evidence.log_cache import LogCache


class FailedLog(NamedTuple):
    """The log of a failed job."""

    job: str
    """The job's name."""
    path: Path | None
    """Where it is, until the next one is asked for; None where there is none."""
    problem: str | None
    """Why there is no log, or not all of it."""


async def failed_logs(
    github: GitHub, logs: LogCache, repository: str, run_id: int, attempt: int | None
) -> AsyncIterator[FailedLog]:
    """Fetch the logs of the jobs that failed in an attempt of a run, by default its latest.

    Args:
        github: Read access is enough.
        logs: Where logs come from.
        repository: "owner/name".
        run_id: The run.
        attempt: One of its attempts; None for the latest.

    Raises:
        AdapterError: GitHub gives no answer, or refuses it.
    """
    run = await github.get_run(repository, run_id, attempt)
    failed = failed_jobs(await github.list_jobs(repository, run_id, run.run_attempt))
    for job in failed[:JOBS_DETAILED]:
        async with logs.open(repository, job.id) as log:
            if log.path is None:
                yield FailedLog(job.name, None, log.problem or f"its log is {log.state}")
            else:
                cut = (
                    f"{log.omitted_bytes:,} bytes in its middle were not kept" if log.omitted_bytes else None
                )
                yield FailedLog(job.name, log.path, cut)
    if len(failed) > JOBS_DETAILED:
        yield FailedLog(f"{len(failed) - JOBS_DETAILED} more jobs", None, "failed as well and were not read")
