"""The first step: what the failed jobs' logs say, small enough for a workflow's history."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from temporalio import activity

from activities.adapters.github import GitHub, Job, Step
from activities.errors import PermanentError, translating
from activities.evidence.excerpt import examine_log
from activities.evidence.fingerprint import combine, fingerprint
from activities.evidence.redaction import redact
from activities.evidence.workflow_file import FailedCommand, WorkflowFile, WorkflowFileError
from workflows.models import Evidence, EvidenceRequest, FailedJob, LogState

JOBS_DETAILED: Final = 20
LOG_CAP_BYTES: Final = 64 * 1024 * 1024
JOB_EXCERPT_BYTES: Final = 8_192
"""Shows most of what explains a failure, and stays small beside a workflow history's 100 KB."""
_DOWNLOADS_AT_ONCE: Final = 4

_FAILED: Final = frozenset({"failure", "timed_out", "startup_failure"})


class EvidenceActivities:
    """Reads a failed run's jobs and logs.

    Args:
        github: Read access is enough.
        cache: A folder for logs while they are read; nothing stays in it.
    """

    def __init__(self, github: GitHub, cache: Path) -> None:
        self._github = github
        self._cache = cache

    @activity.defn
    @translating
    async def collect_evidence(self, request: EvidenceRequest) -> Evidence:
        """The failed jobs of a run attempt with their excerpts. Reads only, so repeating it is safe."""
        jobs = await self._github.list_jobs(request.repository, request.run_id, request.run_attempt)
        failed = failed_jobs(jobs)
        workflow, problem = await self._read_workflow_file(request)
        detailed = failed[:JOBS_DETAILED]
        budget = min(JOB_EXCERPT_BYTES, request.excerpt_bytes // max(len(detailed), 1))
        gate = asyncio.Semaphore(_DOWNLOADS_AT_ONCE)

        async def examine(job: Job) -> FailedJob:
            async with gate:
                found = await self._examine(request.repository, job, workflow, budget)
            if activity.in_activity():
                activity.heartbeat(job.id)
            return found

        tasks = [asyncio.ensure_future(examine(job)) for job in detailed]
        try:
            examined = tuple(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return Evidence(
            run_id=request.run_id,
            run_attempt=request.run_attempt,
            jobs=examined,
            failed_jobs=len(failed),
            fingerprint=combine(job.fingerprint for job in examined),
            workflow_error=problem,
        )

    async def _read_workflow_file(self, request: EvidenceRequest) -> tuple[WorkflowFile | None, str | None]:
        """The parsed file, or the sentence that says why there is none."""
        path = request.workflow_path.partition("@")[0]
        try:
            content = await self._github.get_file(request.repository, path, request.head_sha)
        except PermanentError as error:
            return None, redact(f"The workflow file {path} cannot be read: {error}")
        if content is None:
            return None, redact(f"The workflow file {path} does not exist at this commit.")
        try:
            return await asyncio.to_thread(WorkflowFile, content, path), None
        except WorkflowFileError as error:
            return None, redact(str(error))

    async def _examine(
        self, repository: str, job: Job, workflow: WorkflowFile | None, budget_bytes: int
    ) -> FailedJob:
        step, occurrence = _failing_step(job)
        step_name = step.name if step else None
        source = workflow.failed_command(job.name, step_name, occurrence) if workflow else FailedCommand()
        found = FailedJob(
            job_id=job.id,
            name=redact(job.name),
            key=source.job_key,
            step=redact(step_name) if step_name else None,
            command=redact(source.command) if source.command else None,
            working_directory=redact(source.working_directory) if source.working_directory else None,
        )
        path = await asyncio.to_thread(self._new_file, job.id)
        try:
            log = await self._github.download_job_log(repository, job.id, path, max_bytes=LOG_CAP_BYTES)
            if log.state is not LogState.PRESENT:
                nothing = fingerprint("", found.command or found.step)
                return found.model_copy(update={"log_state": log.state, "fingerprint": nothing})
            first_line = _first_line(source.command, step_name)
            examined = await asyncio.to_thread(examine_log, path, budget_bytes, first_line)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        excerpt = examined.excerpt
        if log.truncated:
            excerpt = excerpt.model_copy(update={"text": _say_truncated(excerpt.text, budget_bytes)})
        return found.model_copy(
            update={
                "exit_code": examined.exit_code,
                "excerpt": excerpt,
                "fingerprint": fingerprint(excerpt.text, found.command or found.step),
            }
        )

    def _new_file(self, job_id: int) -> Path:
        """An empty file of a name of its own: two attempts at once never share one."""
        self._cache.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f"log-{job_id}-", dir=self._cache)
        os.close(descriptor)
        return Path(name)


def failed_jobs(jobs: Sequence[Job]) -> list[Job]:
    """The failed jobs; without any, the cancelled ones: a job over its time limit may end as cancelled."""
    failed = [job for job in jobs if job.conclusion in _FAILED]
    return failed or [job for job in jobs if job.conclusion == "cancelled"]


def _failing_step(job: Job) -> tuple[Step | None, int]:
    """The first step that failed, and how many steps of the same name stand before it."""
    steps = sorted(job.steps, key=lambda step: step.number)
    for conclusions in (("failure", "timed_out"), ("cancelled",)):
        for index, step in enumerate(steps):
            if step.conclusion in conclusions:
                return step, sum(earlier.name == step.name for earlier in steps[:index])
    return None, 0


def _first_line(command: str | None, step_name: str | None) -> str | None:
    """What the log's group of the failing step is titled with, after `Run `."""
    if command:
        return command.splitlines()[0].strip()
    return step_name.removeprefix("Run ") if step_name else None


def _say_truncated(text: str, budget_bytes: int) -> str:
    note = f"… the log is longer than {LOG_CAP_BYTES // 1024**2} MiB; the rest was not read …"
    room = budget_bytes - len(note.encode()) - 1
    return text.encode()[:room].decode("utf-8", "ignore") + "\n" + note
