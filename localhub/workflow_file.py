"""Workflow files: what starts them, what they may do, what their jobs and steps are called."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from localhub.records import LEVELS

FOLDER: Final = ".github/workflows"

SKIP_CI: Final = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
"""What in a commit message keeps pushes and pull requests from starting runs."""

DEFAULT_PERMISSIONS: Final = {"contents": "read", "packages": "read", "metadata": "read"}
"""Of a run's token when the workflow file says nothing: GitHub's restricted default."""

_PERMISSIONS: Final = (
    "actions",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "id-token",
    "issues",
    "packages",
    "pages",
    "pull-requests",
    "security-events",
    "statuses",
)
_API_NAMES: Final = {"pull-requests": "pull_requests", "security-events": "security_events"}
_PULL_REQUEST_TYPES: Final = ("opened", "synchronize", "reopened")


class WorkflowSyntaxError(Exception):
    """The file is not a workflow."""


@dataclass(frozen=True)
class StepSpec:
    """A step as written."""

    id: str
    name: str | None
    uses: str | None
    run: str | None
    shell: str | None
    inputs: Mapping[str, Any]
    env: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The name GitHub shows."""
        if self.name:
            return self.name
        return f"Run {self.uses}" if self.uses else "Run " + (self.run or "").strip().partition("\n")[0]


@dataclass(frozen=True)
class JobSpec:
    """A job as written."""

    id: str
    name: str | None
    labels: tuple[str, ...]
    steps: tuple[StepSpec, ...]
    env: Mapping[str, Any]
    permissions: Mapping[str, str] | None
    continue_on_error: bool


@dataclass(frozen=True)
class WorkflowFile:
    """A workflow file as written."""

    path: str
    name: str
    triggers: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, JobSpec]
    permissions: Mapping[str, str] | None
    env: Mapping[str, Any]

    def token_permissions(self) -> dict[str, str]:
        """What the run's token may do: the most any job asks for, since all jobs share one token."""
        union: dict[str, str] = {"metadata": "read"}
        for job in self.jobs.values():
            asked = job.permissions if job.permissions is not None else self.permissions
            for name, level in (DEFAULT_PERMISSIONS if asked is None else asked).items():
                union[name] = max(union.get(name, "none"), level, key=lambda one: LEVELS[one])
        return union


def parse(path: str, text: bytes) -> WorkflowFile:
    """Read a workflow file.

    Raises:
        WorkflowSyntaxError: It is not YAML, or has no triggers or no jobs.
    """
    try:
        document = YAML(typ="safe", pure=True).load(text.decode())
    except (YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise WorkflowSyntaxError(str(error)) from error
    if not isinstance(document, dict):
        raise WorkflowSyntaxError("a workflow file is a mapping")
    jobs = document.get("jobs")
    if not isinstance(jobs, dict) or not jobs:
        raise WorkflowSyntaxError("no jobs are defined in `jobs`")
    triggers = _triggers(document.get("on"))
    name = document.get("name")
    return WorkflowFile(
        path=path,
        name=name if isinstance(name, str) and name else path,
        triggers=triggers,
        jobs={str(key): _job(str(key), job) for key, job in jobs.items()},
        permissions=_permissions(document.get("permissions")),
        env=_mapping(document.get("env")),
    )


def _triggers(value: Any) -> dict[str, Mapping[str, Any]]:
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return {one: {} for one in value}
    if isinstance(value, dict):
        return {str(event): _mapping(filters) for event, filters in value.items()}
    raise WorkflowSyntaxError("no event triggers are defined in `on`")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return () if value is None or isinstance(value, dict) else (str(value),)


def _permissions(value: Any) -> Mapping[str, str] | None:
    if isinstance(value, str):
        level = {"read-all": "read", "write-all": "write"}.get(value, "none")
        return {_API_NAMES.get(name, name): level for name in _PERMISSIONS}
    if isinstance(value, dict):
        levels = {str(name): level for name, level in value.items() if level in LEVELS}
        return {_API_NAMES.get(name, name): level for name, level in levels.items()}
    return None


def _job(key: str, value: Any) -> JobSpec:
    if not isinstance(value, dict) or not ("steps" in value or "uses" in value):
        raise WorkflowSyntaxError(f"job {key!r} has no steps")
    steps = value.get("steps", [])
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise WorkflowSyntaxError(f"the steps of job {key!r} are not a list of mappings")
    name = value.get("name")
    return JobSpec(
        id=key,
        name=str(name) if name else None,
        labels=_texts(value.get("runs-on")),
        steps=tuple(_step(index, step) for index, step in enumerate(steps)),
        env=_mapping(value.get("env")),
        permissions=_permissions(value.get("permissions")),
        continue_on_error=value.get("continue-on-error") is True,
    )


def _step(index: int, value: Mapping[str, Any]) -> StepSpec:
    def text(name: str) -> str | None:
        found = value.get(name)
        return None if found is None else str(found)

    if value.get("uses") is None and value.get("run") is None:
        raise WorkflowSyntaxError(f"step {index + 1} has neither `run` nor `uses`")
    return StepSpec(
        id=text("id") or str(index),
        name=text("name"),
        uses=text("uses"),
        run=text("run"),
        shell=text("shell"),
        inputs=_mapping(value.get("with")),
        env=_mapping(value.get("env")),
    )


# ── triggers ────────────────────────────────────────────────────────────────────────────────────────────────


def starts_on_push(file: WorkflowFile, ref: str, paths: Sequence[str]) -> bool:
    """Whether a push to `ref` (a full name) that changed `paths` starts the workflow."""
    filters = file.triggers.get("push")
    if filters is None:
        return False
    _, kind, name = ref.split("/", 2)
    mine, other = ("branches", "tags") if kind == "heads" else ("tags", "branches")
    chosen = mine in filters or f"{mine}-ignore" in filters
    if not chosen and (other in filters or f"{other}-ignore" in filters):
        return False
    return _passes(filters, mine, name) and (kind == "tags" or _touches(filters, paths))


def starts_on_pull_request(file: WorkflowFile, action: str, base: str, paths: Sequence[str]) -> bool:
    """Whether that action on a pull request against branch `base` starts the workflow."""
    filters = file.triggers.get("pull_request")
    if filters is None or action not in (_texts(filters.get("types")) or _PULL_REQUEST_TYPES):
        return False
    return _passes(filters, "branches", base) and _touches(filters, paths)


def _passes(filters: Mapping[str, Any], key: str, name: str) -> bool:
    if key in filters:
        return _matches(_texts(filters[key]), name)
    return not _matches(_texts(filters.get(f"{key}-ignore")), name)


def _touches(filters: Mapping[str, Any], paths: Sequence[str]) -> bool:
    if "paths" in filters:
        return any(_matches(_texts(filters["paths"]), path) for path in paths)
    if "paths-ignore" in filters:
        ignored = _texts(filters["paths-ignore"])
        return any(not _matches(ignored, path) for path in paths)
    return True


def _matches(patterns: Iterable[str], name: str) -> bool:
    """Whether the last pattern that fits `name` is one without a leading `!`."""
    verdict = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if re.fullmatch(_regex(pattern[negated:]), name, re.DOTALL):
            verdict = not negated
    return verdict


def _regex(pattern: str) -> str:
    parts = re.findall(r"\*\*/?|\*|\[[^\]]*\]|\\.|[?+]|.", pattern, re.DOTALL)
    translated = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}
    source = "".join(
        translated.get(
            part, part if part.startswith("[") and len(part) > 1 else re.escape(part.lstrip("\\") or part)
        )
        for part in parts
    )
    try:
        re.compile(source)
    except re.error:
        return re.escape(pattern)
    return source
