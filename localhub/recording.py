"""Turns what `act` prints into jobs, steps, annotations and logs, and announces them."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from localhub.events import Events
from localhub.logs import JobLog
from localhub.records import Annotation, Attempt, Job, Json, Run, Step, now
from localhub.state import Hub
from localhub.workflow_file import JobSpec, StepSpec, WorkflowFile

SET_UP: Final = "Set up job"
COMPLETE: Final = "Complete job"
_CHECKOUT: Final = "actions/checkout@"
_EXIT_STATUS: Final = re.compile(r"exit status (\d+)")
_SIGNAL_STATUS: Final = 137
_LEVELS: Final = {"error": "failure", "warning": "warning", "notice": "notice"}
_SHELLS: Final = {
    None: "/usr/bin/bash -e {0}",
    "bash": "/usr/bin/bash --noprofile --norc -e -o pipefail {0}",
    "sh": "/usr/bin/sh -e {0}",
    "python": "/usr/bin/python {0}",
}


@dataclass
class _Recording:
    job: Job
    spec: JobSpec
    log: JobLog
    steps: dict[str, Step] = field(default_factory=dict)
    written: dict[str, StepSpec] = field(default_factory=dict)


def job_name(file: WorkflowFile, spec: JobSpec, record: Json) -> str:
    """The name GitHub shows for the job of a line of `act`; matrix values in brackets unless it has them."""
    matrix = record.get("matrix") or {}
    if spec.name and "${{" in spec.name:
        title = str(record.get("job", "")).strip()
        for prefix in (f"{file.name}/", f"{file.path.rpartition('/')[2]}/"):
            title = title.removeprefix(prefix)
        return re.sub(r"-\d+$", "", title) if matrix else title
    base = spec.name or spec.id
    return f"{base} ({', '.join(_scalar(value) for value in matrix.values())})" if matrix else base


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class AttemptRecorder:
    """Records one attempt of a run."""

    def __init__(
        self, hub: Hub, events: Events, *, run: Run, attempt: Attempt, file: WorkflowFile, token: str
    ) -> None:
        self._hub = hub
        self._events = events
        self._run = run
        self._attempt = attempt
        self._file = file
        self._token = token
        self._recordings: dict[tuple[str, str], _Recording] = {}
        self._kept = {job.key for job in attempt.kept}

    def record(self, record: Json) -> None:
        """Take in one line of `act`."""
        spec = self._file.jobs.get(str(record.get("jobID")))
        if spec is None:
            return
        matrix = json.dumps(record.get("matrix") or {}, sort_keys=True)
        recording = self._recordings.get((spec.id, matrix))
        if recording is None:
            name = job_name(self._file, spec, record)
            if _job_key(spec, name) in self._kept:
                return
            recording = self._open(spec, name)
            self._recordings[spec.id, matrix] = recording
        if recording.job.status == "completed":
            return
        if "jobResult" in record:
            self._close(recording, _result(recording.job, str(record["jobResult"])))
        else:
            self._line(recording, record)

    def complete(self, conclusion: str | None = None) -> None:
        """The execution has ended.

        Args:
            conclusion: What becomes of jobs that did not end: `cancelled`, `timed_out`; None: they failed.
        """
        for recording in self._recordings.values():
            if recording.job.status != "completed":
                self._close(recording, conclusion or "failure")
        seen = {recording.spec.id for recording in self._recordings.values()}
        carried = [_copy_of(self._hub, job) for job in self._attempt.kept]
        self._attempt.jobs.extend(carried)
        seen |= {job.key.partition("/")[0] for job in carried}
        for spec in self._file.jobs.values():
            if spec.id not in seen:
                self._skip(spec, "cancelled" if conclusion else "skipped")

    @property
    def empty(self) -> bool:
        """Whether no job has appeared."""
        return not self._recordings

    def conclusion(self) -> str:
        """The attempt's conclusion by its jobs."""
        tolerated = {spec.id for spec in self._file.jobs.values() if spec.continue_on_error}
        found = {job.conclusion for job in self._attempt.jobs if job.key.partition("/")[0] not in tolerated}
        for worst in ("timed_out", "failure", "cancelled"):
            if worst in found:
                return worst
        return "skipped" if found == {"skipped"} else "success"

    # ── a job's life ────────────────────────────────────────────────────────────────────────────────────────

    def _job(self, spec: JobSpec, name: str) -> Job:
        job_id = self._hub.new_id()
        job = Job(
            id=job_id,
            key=_job_key(spec, name),
            name=name,
            labels=spec.labels or ("ubuntu-latest",),
            log=self._hub.root / "logs" / f"{job_id}.txt",
        )
        self._attempt.jobs.append(job)
        return job

    def _open(self, spec: JobSpec, name: str) -> _Recording:
        job = self._job(spec, name)
        recording = _Recording(job, spec, JobLog(job.log, secrets=[self._token]))
        titles = [SET_UP, *(step.title for step in spec.steps)]
        titles += [f"Post {step.title}" for step in spec.steps if _checks_out(step)]
        job.steps = [Step(title, number) for number, title in enumerate([*titles, COMPLETE], start=1)]
        for step, written in zip(job.steps[1:], spec.steps, strict=False):
            recording.steps[written.id] = step
            recording.written[written.id] = written
        self._events.workflow_job(self._run, self._attempt, job, "queued")
        self._events.check_run(self._run, self._attempt, job, "created")
        job.status, job.started_at = "in_progress", now()
        _start(job.steps[0])
        self._head(recording)
        self._events.workflow_job(self._run, self._attempt, job, "in_progress")
        return recording

    def _head(self, recording: _Recording) -> None:
        log = recording.log
        log.line("Current runner version: 'localhub'")
        log.group("Runner Image Provisioner", ["Provisioner: act"])
        granted = sorted(self._file.token_permissions().items())
        log.group("GITHUB_TOKEN Permissions", [f"{_title(name)}: {level}" for name, level in granted])
        log.line("Secret source: Actions")
        log.line("Prepare workflow directory")
        log.line("Prepare all required actions")
        log.line(f"Complete job name: {recording.job.name}")

    def _line(self, recording: _Recording, record: Json) -> None:
        step_id = (record.get("stepID") or [""])[0]
        step, written = recording.steps.get(step_id), recording.written.get(step_id)
        if step is None or written is None or record.get("stage") != "Main":
            if record.get("level") == "error" and record.get("msg"):
                recording.log.line(f"##[error]{record['msg']}")
                _finish(recording.job.steps[0], "failure")
            return
        if step.started_at is None:
            _finish(recording.job.steps[0], "success")
            self._begin(recording, step, written, record)
        if "stepResult" in record and len(record["stepID"]) == 1:
            if step.status != "completed":
                _finish(step, str(record["stepResult"]))
        elif record.get("raw_output"):
            recording.log.line(str(record.get("msg", "")))
        elif "command" in record:
            self._command(recording, record)
        else:
            self._remark(recording, step, record)

    def _begin(self, recording: _Recording, step: Step, written: StepSpec, record: Json) -> None:
        if written.name:
            step.name = str(record.get("step") or written.name)
        _start(step)
        values = {**self._file.env, **recording.spec.env, **written.env}
        env = ["env:", *(f"  {name}: {_shown(value)}" for name, value in values.items())] if values else []
        if written.uses:
            inputs = [f"  {name}: {_shown(value)}" for name, value in written.inputs.items()]
            recording.log.group(f"Run {written.uses}", [*(["with:", *inputs] if inputs else []), *env])
            if _checks_out(written):
                recording.log.line(f"Syncing repository: {self._run.repository.full_name}")
                recording.log.line(f"HEAD is now at {self._run.head.sha[:7]} {self._run.head.title}")
        else:
            script = written.run or ""
            title = "Run " + script.strip().partition("\n")[0]
            recording.log.command(title, script, _SHELLS.get(written.shell, str(written.shell)), env)

    def _command(self, recording: _Recording, record: Json) -> None:
        command, argument = str(record["command"]), str(record.get("arg", ""))
        if command in _LEVELS:
            recording.log.line(f"##[{command}]{argument}")
            where = record.get("kvPairs") or {}
            line = str(where.get("line", ""))
            recording.job.annotations.append(
                Annotation(
                    level=_LEVELS[command],
                    message=argument,
                    path=where.get("file") or ".github",
                    line=int(line) if line.isascii() and line.isdigit() else 1,
                    title=where.get("title", ""),
                )
            )
        elif command in {"group", "endgroup"}:
            recording.log.line(f"##[{command}]{argument}")

    def _remark(self, recording: _Recording, step: Step, record: Json) -> None:
        message = str(record.get("msg", ""))
        if message.startswith("Failed but continue"):
            # act tells neither the exit code nor that, as on GitHub, the step's conclusion is success.
            recording.log.line("##[error]Process completed with exit code 1.")
            _finish(step, "success")
        elif record.get("level") == "error":
            status = _EXIT_STATUS.fullmatch(message)
            if status or message.startswith("signal:"):
                code = int(status[1]) if status else _SIGNAL_STATUS
                message = f"Process completed with exit code {code}."
            recording.log.line(f"##[error]{message}")
            recording.job.annotations.append(Annotation(level="failure", message=message))

    def _close(self, recording: _Recording, conclusion: str) -> None:
        job = recording.job
        for step in job.steps[:-1]:
            if step.status == "in_progress":
                _finish(step, "cancelled" if conclusion in {"cancelled", "timed_out"} else conclusion)
            elif step.status == "queued":
                posts = step.name.startswith("Post Run ") and conclusion != "timed_out"
                _finish(step, "success" if posts else "skipped")
        if conclusion == "cancelled":
            recording.log.line("##[error]The operation was canceled.")
        elif conclusion == "timed_out":
            recording.log.line("##[error]The job has exceeded the maximum execution time.")
        recording.log.line("Post job cleanup.")
        recording.log.line("Cleaning up orphan processes")
        recording.log.close()
        _finish(job.steps[-1], "success")
        job.status, job.conclusion, job.completed_at = "completed", conclusion, now()
        self._announce(job)

    def _skip(self, spec: JobSpec, conclusion: str) -> None:
        job = self._job(spec, spec.name or spec.id)
        job.status, job.conclusion = "completed", conclusion
        job.started_at = job.completed_at = now()
        self._announce(job)

    def _announce(self, job: Job) -> None:
        self._events.workflow_job(self._run, self._attempt, job, "completed")
        self._events.check_run(self._run, self._attempt, job, "completed")


def _result(job: Job, told: str) -> str:
    """What became of a job: act tells of one matrix job what became of all of them."""
    failed = any(step.conclusion == "failure" for step in job.steps)
    return "success" if told == "failure" and not failed else told


def _job_key(spec: JobSpec, name: str) -> str:
    return f"{spec.id}/{name}"


def _shown(value: Any) -> str:
    """A value as a log shows it: secrets starred out, which are recognised by where they come from."""
    text = str(value)
    return "***" if "secrets." in text or "github.token" in text else text


def _title(permission: str) -> str:
    return "".join(part.capitalize() for part in permission.replace("-", "_").split("_"))


def _checks_out(step: StepSpec) -> bool:
    return bool(step.uses and step.uses.startswith(_CHECKOUT))


def _start(step: Step) -> None:
    step.status, step.started_at = "in_progress", now()


def _finish(step: Step, conclusion: str) -> None:
    if step.status == "completed":
        return
    moment = now()
    step.status, step.conclusion, step.completed_at = "completed", conclusion, moment
    step.started_at = step.started_at or moment


def _copy_of(hub: Hub, job: Job) -> Job:
    return Job(**{**vars(job), "id": hub.new_id()})
