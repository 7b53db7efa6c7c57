"""The repair of a job whose token may not do what the job does: one more entry under `permissions:`."""

import re
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from activities.adapters.workspace import Workspace
from activities.patching.recipe import EditRefusedError
from workflows.models import FailedJob, PatchRequest

SCOPES: Final = frozenset(
    {
        "actions",
        "attestations",
        "checks",
        "contents",
        "deployments",
        "discussions",
        "id-token",
        "issues",
        "models",
    }
    | {"packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"}
)
"""What GitHub lets a workflow file grant."""
_READABLE: Final = tuple(sorted(SCOPES - {"id-token"}))
_ENTRY: Final = re.compile(r"([a-z-]+): (read|write)")
_STRENGTH: Final = {"none": 0, "read": 1, "write": 2}
_FILE_BYTES: Final = 200_000


@dataclass(frozen=True)
class _Splice:
    """Replace `text[start:end]`."""

    start: int
    end: int
    text: str


def grant_missing_permission(request: PatchRequest, workspace: Workspace) -> str:
    """Give each failed job the permission the diagnosis names, in the workflow file of the workspace.

    Raises:
        EditRefusedError: Nothing to grant, or the file does not allow a safe edit.
    """
    wanted = request.diagnosis.missing_permission
    if not wanted:
        raise EditRefusedError("The log does not say which permission is missing.")
    content = workspace.read(request.workflow_path, max_bytes=_FILE_BYTES)
    if content is None:
        raise EditRefusedError(f"There is no workflow file {request.workflow_path}.")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise EditRefusedError("The workflow file is not UTF-8 text.") from None
    edited = text
    for job in request.evidence.jobs:
        edited = add_permission(edited, _job_key(edited, job), wanted)
    if edited == text:
        raise EditRefusedError(f"The workflow file grants `{wanted}` already, so something else refused it.")
    workspace.write(request.workflow_path, edited.encode())
    return f"Granted `{wanted}` in {request.workflow_path}."


def add_permission(text: str, job: str, entry: str) -> str:
    """A workflow file's text with `entry` (as `packages: write`) granted to `job`, otherwise unchanged.

    The entry goes to the job's own block, else to the workflow's, else into a new block of the job. A new one
    names `contents: read` too: a block takes away all that it does not name.

    Raises:
        EditRefusedError: The file does not parse, or has no such job.
    """
    match = _ENTRY.fullmatch(entry)
    if not match or match[1] not in SCOPES:
        raise EditRefusedError(f"`{entry}` is not a permission a workflow can be given.")
    scope, level = match[1], match[2]
    root = _compose(text)
    jobs = _value(root, "jobs")
    target = _value(jobs, job) if isinstance(jobs, MappingNode) else None
    if not isinstance(target, MappingNode) or not target.value or target.flow_style:
        raise EditRefusedError(f"The workflow file has no job `{job}` that can be edited.")
    block = _value(target, "permissions") or _value(root, "permissions")
    if block is None:
        splice: _Splice | None = _new_block(text, target, scope, level)
    elif isinstance(block, MappingNode):
        splice = _extended(text, block, scope, level)
    else:
        splice = _spelled_out(text, block, scope, level)
    if splice is None:
        return text
    edited = text[: splice.start] + splice.text + text[splice.end :]
    if not _grants(_compose(edited), job, scope, level):
        raise EditRefusedError("The workflow file's layout does not allow a safe edit.")
    return edited


def _job_key(text: str, job: FailedJob) -> str:
    jobs = _value(_compose(text), "jobs")
    keys = [key.value for key, _ in jobs.value] if isinstance(jobs, MappingNode) else []
    for candidate in (job.key, job.name):
        if candidate in keys:
            return str(candidate)
    if len(keys) == 1:
        return str(keys[0])
    raise EditRefusedError(f"The workflow file does not tell which of its jobs is `{job.name}`.")


def _compose(text: str) -> Node:
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, RecursionError, ValueError):
        raise EditRefusedError("The workflow file does not parse.") from None
    if not isinstance(node, MappingNode):
        raise EditRefusedError("The workflow file does not parse to a mapping.")
    return node


def _value(node: Node | None, key: str) -> Any:
    """The node under `key`, or None."""
    if isinstance(node, MappingNode):
        for name, value in node.value:
            if name.value == key:
                return value
    return None


def _grants(root: Node, job: str, scope: str, level: str) -> bool:
    block = _value(_value(_value(root, "jobs"), job), "permissions") or _value(root, "permissions")
    granted = _value(block, scope)
    return isinstance(granted, ScalarNode) and granted.value == level


def _extended(text: str, block: MappingNode, scope: str, level: str) -> _Splice | None:
    """One more entry in a block, or a stronger level in the entry there is; None when it is strong enough."""
    present = _value(block, scope)
    if present is not None:
        if _STRENGTH.get(str(present.value), 0) >= _STRENGTH[level]:
            return None
        return _Splice(present.start_mark.index, present.end_mark.index, level)
    if block.flow_style:
        entries = [f"{key.value}: {value.value}" for key, value in block.value]
        inside = ", ".join([*entries, f"{scope}: {level}"])
        return _Splice(block.start_mark.index, block.end_mark.index, f"{{{inside}}}")
    indent = block.value[0][0].start_mark.column
    position = _line_end(text, block.value[-1][1].end_mark.index)
    return _Splice(position, position, f"{_newline(text)}{' ' * indent}{scope}: {level}")


def _spelled_out(text: str, block: Node, scope: str, level: str) -> _Splice | None:
    """`read-all` as the entries it stands for, with the new one among them; None when all is granted."""
    if block.value == "write-all":
        return None
    if block.value != "read-all":
        raise EditRefusedError("The workflow file's `permissions:` is neither a mapping nor a known word.")
    entries = dict.fromkeys(_READABLE, "read") | {scope: level}
    line_start = text.rfind("\n", 0, block.start_mark.index) + 1
    line = text[line_start : block.start_mark.index]
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    newline = _newline(text)
    lines = newline.join(f"{indent}{name}: {value}" for name, value in entries.items())
    # The space between the key's colon and the word goes too.
    start = line_start + len(line.rstrip())
    return _Splice(start, block.end_mark.index, newline + lines)


def _new_block(text: str, job: MappingNode, scope: str, level: str) -> _Splice:
    """A block of the job's own, after `runs-on:` where that is one line, else as its first key."""
    indent = " " * job.value[0][0].start_mark.column
    entries = {"contents": "read"} | {scope: level}
    newline = _newline(text)
    lines = [f"{indent}permissions:", *(f"{indent}  {name}: {value}" for name, value in entries.items())]
    runner = _value(job, "runs-on")
    if isinstance(runner, ScalarNode) and runner.start_mark.line == runner.end_mark.line:
        position = _line_end(text, runner.end_mark.index)
        return _Splice(position, position, newline + newline.join(lines))
    start = text.rfind("\n", 0, job.value[0][0].start_mark.index) + 1
    return _Splice(start, start, newline.join(lines) + newline)


def _line_end(text: str, index: int) -> int:
    """Where the line of `index` ends, its comment included, its line break not."""
    end = text.find("\n", index)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
