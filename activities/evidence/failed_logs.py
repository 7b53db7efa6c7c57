"""The logs of a run's failed jobs, one file after the other."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from activities.adapters.github import GitHub
from activities.evidence.activity import JOBS_DETAILED, LOG_CAP_BYTES, failed_jobs
from workflows.models import LogState


class JobLog(NamedTuple):
    """The log of a failed job."""

    job: str
    """The job's name."""
    path: Path | None
    """Where it was put, until the next one is asked for; None where there is none."""
    problem: str | None
    """Why there is no log, or not all of it."""


async def failed_logs(
    github: GitHub, repository: str, run_id: int, attempt: int | None, folder: Path
) -> AsyncIterator[JobLog]:
    """Fetch the logs of the jobs that failed in an attempt of a run, by default its latest.

    Args:
        github: Read access is enough.
        repository: "owner/name".
        run_id: The run.
        attempt: One of its attempts; None for the latest.
        folder: Where to put the logs; only one is there at a time.

    Raises:
        AdapterError: GitHub gives no answer, or refuses it.
    """
    run = await github.get_run(repository, run_id, attempt)
    failed = failed_jobs(await github.list_jobs(repository, run_id, run.run_attempt))
    path = folder / "job.log"
    for job in failed[:JOBS_DETAILED]:
        log = await github.download_job_log(repository, job.id, path, max_bytes=LOG_CAP_BYTES)
        if log.state is not LogState.PRESENT:
            yield JobLog(job.name, None, f"its log is {log.state}")
        else:
            cut = f"only the first {LOG_CAP_BYTES // 1024**2} MiB were read" if log.truncated else None
            yield JobLog(job.name, path, cut)
    if len(failed) > JOBS_DETAILED:
        yield JobLog(f"{len(failed) - JOBS_DETAILED} more jobs", None, "failed as well and were not read")
