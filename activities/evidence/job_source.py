"""Where a failed job is written: its workflow file, and the ones that are called from there."""

import asyncio
from typing import Final, NamedTuple

from activities.adapters.github import GitHub
from activities.errors import PermanentError
from activities.evidence.redaction import redact
from activities.evidence.workflow_file import FailedCommand, WorkflowFile, WorkflowFileError

_CALLS_FOLLOWED: Final = 10
"""GitHub allows no deeper nesting."""


class JobSource(NamedTuple):
    """What the workflow files say of a failed job, not yet redacted."""

    command: FailedCommand = FailedCommand()
    """The key is that of the run's own workflow file, whichever file holds the command."""
    defined_in: str | None = None
    """The workflow file that defines the job, where it is not the run's own."""
    problem: str = ""
    """Why the command is not known, where a called file is the reason; one sentence, redacted."""


class JobSources:
    """The workflow files of a run, each read once.

    Workflows of other repositories are not read: the text of a repository that a stranger's file names would
    end up in this one's report.

    Args:
        github: Read access is enough.
        repository: "owner/name".
        sha: The commit that ran.
        path: The run's workflow file.
    """

    def __init__(self, github: GitHub, repository: str, sha: str, path: str) -> None:
        self._github = github
        self._repository = repository
        self._sha = sha
        self._path = path
        self._read: dict[str, WorkflowFile | str] = {}
        self._turn = asyncio.Lock()

    async def problem(self) -> str | None:
        """Why the run's own workflow file cannot be read or parsed; None where it can."""
        file = await self._file(self._path)
        return file if isinstance(file, str) else None

    async def source(self, job_name: str, step_name: str | None, occurrence: int) -> JobSource:
        """Where a job is written, and the command of its failing step.

        Args:
            job_name: As GitHub shows it.
            step_name: The failing step, or None.
            occurrence: How many earlier steps of the job carry the same name.
        """
        path, key, defined_in = self._path, None, None
        for _ in range(_CALLS_FOLLOWED):
            file = await self._file(path)
            if isinstance(file, str):
                return JobSource(FailedCommand(key), defined_in, file if defined_in else "")
            call = file.call(job_name)
            if call is None:
                found = file.failed_command(job_name, step_name, occurrence)
                return JobSource(found._replace(job_key=key or found.job_key), defined_in)
            key, job_name, defined_in = key or call.job_key, call.job_name, call.uses.removeprefix("./")
            if not call.uses.startswith("./"):
                problem = f"The job is defined in {defined_in}, in another repository, which is not read."
                return JobSource(FailedCommand(key), defined_in, redact(problem))
            path = defined_in
        return JobSource(FailedCommand(key), defined_in)

    async def _file(self, path: str) -> WorkflowFile | str:
        async with self._turn:
            if path not in self._read:
                self._read[path] = await self._fetch(path)
            return self._read[path]

    async def _fetch(self, path: str) -> WorkflowFile | str:
        """The parsed file, or the sentence that says why there is none."""
        try:
            content = await self._github.get_file(self._repository, path, self._sha)
            if content is None:
                return redact(f"The workflow file {path} does not exist at this commit.")
            return await asyncio.to_thread(WorkflowFile, content, path)
        except PermanentError as error:
            return redact(f"The workflow file {path} cannot be read: {error}")
        except WorkflowFileError as error:
            return redact(str(error))
