"""What there is to know about one failed job: its failing step, its log, and what GitHub remarks on it."""

import asyncio
from collections.abc import Sequence
from typing import Final

from activities.adapters.github import GitHub, Job, Step
from activities.adapters.job_logs import Beat
from activities.errors import PermanentError
from activities.evidence.annotations import (
    EXCERPT_SHARE,
    READ,
    as_text,
    lacking,
    telling,
    with_annotations,
)
from activities.evidence.excerpt import examine_log
from activities.evidence.fingerprint import fingerprint
from activities.evidence.green_log import GreenLogs
from activities.evidence.job_source import JobSources
from activities.evidence.log_cache import JobLog, LogCache
from activities.evidence.logged_command import command_as_run
from activities.evidence.redaction import redact
from workflows.models import Annotation, Excerpt, FailedJob

_FAILED: Final = frozenset({"failure", "timed_out", "startup_failure"})


def failed_jobs(jobs: Sequence[Job]) -> list[Job]:
    """The failed jobs; without any, the cancelled ones: a job over its time limit may end as cancelled."""
    failed = [job for job in jobs if job.conclusion in _FAILED]
    return failed or [job for job in jobs if job.conclusion == "cancelled"]


class JobEvidence:
    """Gathers evidence of jobs of one run attempt.

    Args:
        github: Read access is enough.
        logs: Where logs come from.
        repository: "owner/name".
        sources: The run's workflow files.
        budget_bytes: The most one job's excerpt may have.
        green: What to compare logs with, where they are to be compared.
    """

    def __init__(
        self,
        github: GitHub,
        logs: LogCache,
        repository: str,
        sources: JobSources,
        *,
        budget_bytes: int,
        green: GreenLogs | None = None,
    ) -> None:
        self._github = github
        self._logs = logs
        self._repository = repository
        self._sources = sources
        self._budget = budget_bytes
        self._green = green

    async def gather(self, job: Job, beat: Beat) -> FailedJob:
        """Everything about `job`, redacted; `beat` is called as the log comes.

        Raises:
            AdapterError: GitHub gives no answer or refuses it.
        """
        step, occurrence = _failing_step(job)
        step_name = step.name if step else None
        source = await self._sources.source(job.name, step_name, occurrence)
        annotations, unread = await self._annotations(job)
        async with self._logs.open(self._repository, job.id, beat) as log:
            command = source.command.command
            if step is not None and log.path is not None:
                command = await asyncio.to_thread(command_as_run, command, log.path)
            known = await self._known_lines(log, job.name, beat)
            excerpt, exit_code = await asyncio.to_thread(
                self._examine, log, annotations, _first_line(command, step_name), known
            )
        shown = redact(command) if command else None
        title = redact(step_name) if step_name else None
        folder = source.command.working_directory
        return FailedJob(
            job_id=job.id,
            name=redact(job.name),
            key=source.command.job_key,
            step=title,
            command=shown,
            working_directory=redact(folder) if folder else None,
            exit_code=exit_code,
            log_state=log.state,
            excerpt=excerpt,
            fingerprint=fingerprint(excerpt.text, shown or title),
            defined_in=redact(source.defined_in) if source.defined_in else None,
            annotations=annotations,
            note=" ".join(filter(None, (_about_log(log), source.problem, unread))),
        )

    async def _annotations(self, job: Job) -> tuple[tuple[Annotation, ...], str]:
        """What GitHub remarks, or why that cannot be read: the log counts without it."""
        try:
            records = await self._github.list_annotations(self._repository, job.check_run_id, limit=READ)
        except PermanentError as error:
            return (), redact(f"Annotations cannot be read: {error}.")
        return telling(records), ""

    async def _known_lines(self, log: JobLog, job_name: str, beat: Beat) -> frozenset[bytes] | None:
        """What a green log has too; not asked where the log is shown whole or nearly so."""
        if self._green is None or log.path is None:
            return None
        size = (await asyncio.to_thread(log.path.stat)).st_size
        return await self._green.known_lines(job_name, beat) if size > self._budget else None

    def _examine(
        self,
        log: JobLog,
        annotations: Sequence[Annotation],
        first_line: str | None,
        known: frozenset[bytes] | None,
    ) -> tuple[Excerpt, int | None]:
        missing = as_text(lacking(annotations, log.path), self._budget // EXCERPT_SHARE)
        if log.path is None:
            return with_annotations(Excerpt(text=""), missing), None
        room = self._budget - (len(missing.encode()) + 1 if missing else 0)
        examined = examine_log(log.path, room, first_line, known=known)
        return with_annotations(examined.excerpt, missing), examined.exit_code


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


def _about_log(log: JobLog) -> str:
    if log.problem:
        return redact(f"The log is unusable: {log.problem}.")
    if log.omitted_bytes:
        return f"The log is too long: {log.omitted_bytes:,} bytes of its middle were left out."
    return ""
