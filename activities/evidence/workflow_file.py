"""What a workflow file says about a failed job: its key, and the command of the step that failed."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from activities.evidence.matrix import fill_in, matrix_values
from activities.evidence.redaction import redact

SIZE_CAP_BYTES: Final = 512 * 1024

_CALLS: Final = " / "
"""Between a job and what it calls."""
_EXPRESSION: Final = re.compile(r"\$\{\{.{0,2000}?\}\}", re.DOTALL)


class WorkflowFileError(Exception):
    """The file is no workflow GitHub could run. The text is one sentence for a person."""


class FailedCommand(NamedTuple):
    """The failing step as the workflow file gives it; None where the file does not tell."""

    job_key: str | None = None
    command: str | None = None
    working_directory: str | None = None


def is_filled_in(written: str, text: str) -> bool:
    """Whether `text` is what a file says, with values where its expressions stand."""
    return "${{" in written and _fits(_EXPRESSION.split(written), text)


class Call(NamedTuple):
    """A job that another workflow file defines."""

    job_key: str
    uses: str
    """That file, as the caller names it."""
    job_name: str
    """What the job is shown as there."""


class WorkflowFile:
    """A parsed workflow file.

    Args:
        content: The file's bytes.
        path: Its path in the repository, for messages.

    Raises:
        WorkflowFileError: It is too large, not YAML, or no workflow.
    """

    def __init__(self, content: bytes, path: str) -> None:
        self._path = path
        document = self._parse(content)
        self._defaults = _mapping(document.get("defaults"))
        self._jobs = {str(key): _mapping(job) for key, job in _mapping(document.get("jobs")).items()}
        self._check(document)

    def failed_command(self, job_name: str, step_name: str | None, occurrence: int = 0) -> FailedCommand:
        """The job's key, and the failing step's `run` text with its working directory.

        Args:
            job_name: As GitHub shows it: with matrix values, or as `caller / inner` for a reusable workflow.
            step_name: The failing step's name as GitHub shows it, or None.
            occurrence: How many earlier steps of the job carry the same name.
        """
        key = self._job_key(job_name)
        if key is None or step_name is None:
            return FailedCommand(key)
        job = self._jobs[key]
        matching = [
            step for step in _steps(job) if _fits(_EXPRESSION.split(_step_title(step)), step_name.strip())
        ]
        if not matching:
            return FailedCommand(key)
        step = matching[min(occurrence, len(matching) - 1)]
        run = step.get("run")
        if not isinstance(run, str):
            return FailedCommand(key)
        places = (step, _run_defaults(job.get("defaults")), _run_defaults(self._defaults))
        folders = (place.get("working-directory") for place in places)
        folder = next((folder for folder in folders if isinstance(folder, str) and folder), None)
        values = matrix_values(job, _job_title(key, job), job_name.strip())
        return FailedCommand(key, fill_in(run.strip(), values), fill_in(folder, values) if folder else None)

    def call(self, job_name: str) -> Call | None:
        """Which workflow defines the job shown as `caller / inner`; None for a job of this file.

        Args:
            job_name: As GitHub shows it.
        """
        name = job_name.strip()
        key = self._job_key(name)
        uses = self._jobs[key].get("uses") if key else None
        if key is None or not isinstance(uses, str):
            return None
        ways = _shown_as(_job_title(key, self._jobs[key]), self._jobs[key])
        place = name.find(_CALLS)
        while place >= 0:
            if any(_fits(way, name[:place]) for way in ways):
                return Call(key, uses.strip(), name[place + len(_CALLS) :])
            place = name.find(_CALLS, place + 1)
        return None

    def _parse(self, content: bytes) -> Mapping[Any, Any]:
        if len(content) > SIZE_CAP_BYTES:
            raise WorkflowFileError(
                f"The workflow file {self._path} is larger than {SIZE_CAP_BYTES // 1024} KiB."
            )
        try:
            document = YAML(typ="safe", pure=True).load(content.decode("utf-8"))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
            problem = redact(str(error.problem or "it cannot be read"))
            raise WorkflowFileError(
                f"The workflow file {self._path} is not valid YAML{place}: {problem}."
            ) from error
        except Exception as error:
            raise WorkflowFileError(
                f"The workflow file {self._path} cannot be parsed ({type(error).__name__})."
            ) from error
        if not isinstance(document, Mapping):
            raise WorkflowFileError(f"The workflow file {self._path} is not a mapping at its top level.")
        return document

    def _check(self, document: Mapping[Any, Any]) -> None:
        """Raise for what makes GitHub refuse the file before any job runs, as far as it is told cheaply."""
        if not document.get("on"):
            raise WorkflowFileError(
                f"The workflow file {self._path} has no `on:`, so nothing can trigger it."
            )
        if not self._jobs:
            raise WorkflowFileError(f"The workflow file {self._path} defines no jobs.")
        for key, job in self._jobs.items():
            if "uses" not in job and "runs-on" not in job:
                raise WorkflowFileError(f"Job `{key}` in {self._path} has neither `runs-on` nor `uses`.")
            needs = job.get("needs")
            wanted = [needs] if isinstance(needs, str) else needs if isinstance(needs, list) else []
            for name in wanted:
                if name not in self._jobs:
                    raise WorkflowFileError(
                        f"Job `{key}` in {self._path} needs `{name}`, which does not exist."
                    )
            for number, step in enumerate(_steps(job), start=1):
                if ("run" in step) == ("uses" in step):
                    raise WorkflowFileError(
                        f"Step {number} of job `{key}` in {self._path} must have either `run` or `uses`."
                    )

    def _job_key(self, job_name: str) -> str | None:
        """The job whose shown name this is; the most literal pattern wins."""
        name = job_name.strip()
        candidates = [
            (len(_EXPRESSION.sub("", _job_title(key, job))), key)
            for key, job in self._jobs.items()
            if _is_shown_as(_job_title(key, job), job, name)
        ]
        return max(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def _job_title(key: str, job: Mapping[Any, Any]) -> str:
    name = job.get("name")
    return name.strip() if isinstance(name, str) and name.strip() else key


def _shown_as(title: str, job: Mapping[Any, Any]) -> list[list[str]]:
    """How GitHub may show the job, as the parts between which anything may stand: matrix values come last."""
    parts = _EXPRESSION.split(title)
    return (
        [parts, [*parts[:-1], parts[-1] + " (", ")"]]
        if "matrix" in _mapping(job.get("strategy"))
        else [parts]
    )


def _is_shown_as(title: str, job: Mapping[Any, Any], name: str) -> bool:
    """Whether GitHub may show the job so; a job of another file stands behind its caller and a slash."""
    ways = _shown_as(title, job)
    if "uses" in job:
        ways += [[*way[:-1], way[-1] + _CALLS, ""] for way in ways]
    return any(_fits(way, name) for way in ways)


def _step_title(step: Mapping[Any, Any]) -> str:
    name, run, uses = step.get("name"), step.get("run"), step.get("uses")
    if isinstance(name, str) and name.strip():
        return name.strip()
    if isinstance(run, str) and run.strip():
        return "Run " + run.strip().splitlines()[0].strip()
    return f"Run {uses}"


def _fits(parts: list[str], text: str) -> bool:
    """Whether `text` is `parts` with anything between them. Linear, as a regular expression is not."""
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


def _steps(job: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    steps = job.get("steps")
    return [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else []


def _run_defaults(defaults: Any) -> Mapping[Any, Any]:
    return _mapping(_mapping(defaults).get("run"))


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
