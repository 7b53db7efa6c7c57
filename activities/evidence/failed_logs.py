"""The logs of a run's failed jobs, one file after the other."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from activities.adapters.github import GitHub
from activities.evidence.activity import JOBS_DETAILED
from activities.evidence.job_evidence import failed_jobs
from activities.evidence.log_cache import LogCache


class RunLog(NamedTuple):
    """The log of a failed job of a run."""

    job: str
    """The job's name."""
    path: Path | None
    """Readable until the next one is asked for; None where there is none."""
    problem: str | None
    """Why there is no log, or not all of it."""


async def failed_logs(
    github: GitHub, repository: str, run_id: int, attempt: int | None, folder: Path
) -> AsyncIterator[RunLog]:
    """Fetch the logs of the jobs that failed in an attempt of a run, by default its latest.

    Args:
        github: Read access is enough.
        repository: "owner/name".
        run_id: The run.
        attempt: One of its attempts; None for the latest.
        folder: Where to put the logs.

    Raises:
        AdapterError: GitHub gives no answer, or refuses it.
    """
    run = await github.get_run(repository, run_id, attempt)
    failed = failed_jobs(await github.list_jobs(repository, run_id, run.run_attempt))
    logs = LogCache(github, folder)
    for job in failed[:JOBS_DETAILED]:
        async with logs.open(repository, job.id) as log:
            if log.path is None:
                yield RunLog(job.name, None, log.problem or f"its log is {log.state}")
            else:
                cut = (
                    f"{log.omitted_bytes:,} bytes of its middle were left out" if log.omitted_bytes else None
                )
                yield RunLog(job.name, log.path, cut)
    if len(failed) > JOBS_DETAILED:
        yield RunLog(f"{len(failed) - JOBS_DETAILED} more jobs", None, "failed as well and were not read")
