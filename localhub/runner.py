"""Runs workflow runs: a queue, a bound on how many at once, attempts, cancellation."""

import asyncio
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from localhub.act import Act, Invocation
from localhub.events import Events
from localhub.git import GitError
from localhub.recording import AttemptRecorder
from localhub.records import Account, Attempt, Job, Run, TokenKind, now
from localhub.state import Hub
from localhub.work import Work
from localhub.workflow_file import WorkflowFile, WorkflowSyntaxError, parse

_TOKEN_LIFETIME: Final = timedelta(hours=6)
_UNFINISHED: Final = ("queued", "in_progress")


@dataclass
class _Execution:
    task: asyncio.Task[None]
    cancelled: bool = False


class Runner:
    """Executes runs first come, first served, at most `parallel` at once."""

    def __init__(self, hub: Hub, events: Events, work: Work, *, parallel: int, timeout: timedelta) -> None:
        self._hub = hub
        self._events = events
        self._work = work
        self._slots = asyncio.Semaphore(parallel)
        self._timeout = timeout
        self._act = Act(hub.root / "runner")
        self._executions: dict[int, _Execution] = {}

    def start(self, run: Run, actor: Account, *, kept: tuple[Job, ...] = ()) -> Attempt:
        """Queue the run's next attempt; the results of the jobs in `kept` stand."""
        attempt = Attempt(number=len(run.attempts) + 1, triggering_actor=actor, kept=kept)
        run.attempts.append(attempt)
        self._events.workflow_run(run, "requested")
        self._work.begin()
        task = asyncio.create_task(self._supervise(run, attempt))
        self._executions[run.id] = _Execution(task)
        return attempt

    def cancel(self, run: Run) -> bool:
        """Ask a run to end; False when it has ended already."""
        execution = self._executions.get(run.id)
        if execution is None or run.latest.status not in _UNFINISHED:
            return False
        execution.cancelled = True
        execution.task.cancel()
        return True

    async def close(self) -> None:
        """End everything at once; no process is left."""
        tasks = [execution.task for execution in self._executions.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _supervise(self, run: Run, attempt: Attempt) -> None:
        folder = self._hub.root / "runs" / f"{run.id}-{attempt.number}"
        try:
            async with self._slots:
                await self._execute(run, attempt)
        except asyncio.CancelledError:
            if not self._executions[run.id].cancelled:
                raise
            self._conclude(run, attempt, "cancelled")
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self._work.end()

    async def _execute(self, run: Run, attempt: Attempt) -> None:
        attempt.status, attempt.started_at = "in_progress", now()
        try:
            text = await run.repository.git.file(run.head.sha, run.workflow.path)
            file = parse(run.workflow.path, text or b"")
        except WorkflowSyntaxError:
            self._conclude(run, attempt, "startup_failure")
            return
        self._events.workflow_run(run, "in_progress")
        token = self._hub.mint(
            "ghs_",
            TokenKind.RUN,
            self._hub.actions_app.bot,
            permissions=file.token_permissions(),
            repositories=frozenset({run.repository.id}),
            lifetime=_TOKEN_LIFETIME,
        )
        recorder = AttemptRecorder(
            self._hub, self._events, run=run, attempt=attempt, file=file, token=token.value
        )
        try:
            await self._record(run, attempt, file, recorder, token.value)
        finally:
            self._hub.tokens.pop(token.value)

    async def _record(
        self, run: Run, attempt: Attempt, file: WorkflowFile, recorder: AttemptRecorder, token: str
    ) -> None:
        status = 0
        ending: str | None = None
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                invocation = await self._prepare(run, attempt, file, token)
                lines = self._act.run(invocation)
                try:
                    async for record in lines:
                        status = record.get("exit", status)
                        recorder.record(record)
                finally:
                    await lines.aclose()
        except TimeoutError:
            ending = "timed_out"
        except asyncio.CancelledError:
            recorder.complete("cancelled")
            raise
        except (GitError, OSError, ValueError):
            # The repository or act vanished, or a line of output was longer than any reader takes.
            status = 1
        if recorder.empty and status and not attempt.kept:
            self._conclude(run, attempt, "startup_failure")
            return
        recorder.complete(ending)
        self._conclude(run, attempt, ending or recorder.conclusion())

    async def _prepare(self, run: Run, attempt: Attempt, file: WorkflowFile, token: str) -> Invocation:
        repository = run.repository
        folder = self._hub.root / "runs" / f"{run.id}-{attempt.number}"
        folder.mkdir(parents=True)
        origin = f"{self._hub.url}/{repository.full_name}.git"
        branch = run.head_branch or repository.default_branch
        await repository.git.check_out(run.head.sha, branch, folder / "checkout", origin=origin)
        steps = [step for job in file.jobs.values() for step in job.steps]
        return Invocation(
            folder=folder,
            event=run.event,
            workflow_path=run.workflow.path,
            payload=run.event_payload,
            actor=run.actor.login,
            default_branch=repository.default_branch,
            labels=[label for job in file.jobs.values() for label in job.labels],
            uses={step.uses for step in steps if step.uses},
            env={
                "GITHUB_API_URL": self._hub.url,
                "GITHUB_SERVER_URL": self._hub.url,
                "GITHUB_REPOSITORY": repository.full_name,
                "GITHUB_REPOSITORY_OWNER": repository.owner.login,
                "GITHUB_RUN_ID": str(run.id),
                "GITHUB_RUN_NUMBER": str(run.number),
                "GITHUB_RUN_ATTEMPT": str(attempt.number),
            },
            secrets={"GITHUB_TOKEN": token},
        )

    def _conclude(self, run: Run, attempt: Attempt, conclusion: str) -> None:
        if attempt.status == "completed":
            return
        attempt.status, attempt.conclusion, attempt.updated_at = "completed", conclusion, now()
        self._events.check_suite(run, "completed")
        self._events.workflow_run(run, "completed")
