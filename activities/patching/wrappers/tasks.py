"""Task runners whose tasks stand in a data file: go-task, taskipy, deno, composer, pixi, mise, rye."""

import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from activities.patching.commands import Command
from activities.patching.wrappers.tree import Tree

_DEPTH: Final = 5
_VALUE: Final = re.compile(r"\{\{\s*\.(?P<name>\w+)\s*\}\}")


class _Runner(NamedTuple):
    """Where a runner's tasks stand."""

    files: tuple[str, ...]
    keys: tuple[str, ...]
    """The way to the table of tasks inside the file."""
    verbs: tuple[str, ...] = ()
    """Words before a task's name; empty where the name comes first."""
    parts: tuple[str, ...] = ("cmd", "cmds", "run", "command")
    """Where a task that is a table holds what it runs."""
    needs: tuple[str, ...] = ("deps", "depends", "depends-on")


_RUNNERS: Final[Mapping[str, tuple[_Runner, ...]]] = {
    "task": (
        _Runner(("Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "Taskfile.dist.yml"), ("tasks",)),
        _Runner(("pyproject.toml",), ("tool", "taskipy", "tasks")),
    ),
    "deno": (_Runner(("deno.json", "deno.jsonc"), ("tasks",), verbs=("task",)),),
    "composer": (
        _Runner(("composer.json",), ("scripts",), verbs=("run", "run-script")),
        _Runner(("composer.json",), ("scripts",)),
    ),
    "pixi": (
        _Runner(("pixi.toml",), ("tasks",), verbs=("run",)),
        _Runner(("pyproject.toml",), ("tool", "pixi", "tasks"), verbs=("run",)),
    ),
    "mise": (_Runner(("mise.toml", ".mise.toml"), ("tasks",), verbs=("run", "r")),),
    "pdm": (_Runner(("pyproject.toml",), ("tool", "pdm", "scripts")),),
    "pipenv": (_Runner(("Pipfile",), ("scripts",), verbs=("run",)),),
}
_RYE: Final = {"lint": "ruff check", "fmt": "ruff format"}


def task_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What a task runner's task runs; None where the command is none."""
    program, *arguments = command.argv
    if program == "rye" and arguments and arguments[0] in _RYE:
        words = [word for word in arguments[1:] if word not in {"--all", "-a", "--"}]
        return tree.commands(f"{_RYE[arguments[0]]} {shlex.join(words)}", command)
    for runner in _RUNNERS.get(program, ()):
        words = [word for word in arguments if not word.startswith("-")]
        if runner.verbs:
            if words[:1] and words[0] not in runner.verbs:
                continue
            words = words[1:]
        tasks = _tasks(runner, tree, command.cwd)
        if words and words[0] in tasks:
            return _run(words[0], runner, tasks, command, tree, _DEPTH)
    return None


def _tasks(runner: _Runner, tree: Tree, folder: str) -> Mapping[str, Any]:
    found = tree.text(folder, *runner.files)
    if not found:
        return {}
    name, text = found
    try:
        data: Any
        if name.endswith(".toml") or name == "Pipfile":
            data = tomllib.loads(text)
        elif name.endswith((".json", ".jsonc")):
            data = json.loads(re.sub(r"(?m)^\s*//.*$", "", text))
        else:
            data = YAML(typ="safe", pure=True).load(text)
            data = YAML(typ="safe", pure=True).load(_with_values(text, data))
    except (ValueError, YAMLError, RecursionError):
        return {}
    for key in runner.keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _with_values(text: str, data: Any) -> str:
    """A Taskfile with the values of its constants in their places."""
    variables = data.get("vars") if isinstance(data, dict) else None
    known = {
        name: str(value)
        for name, value in (variables.items() if isinstance(variables, dict) else ())
        if isinstance(value, str | int) and "\n" not in str(value)
    }
    return _VALUE.sub(lambda found: known.get(found["name"], found.group()), text)


def _run(  # noqa: PLR0917 — one caller, and itself
    name: str, runner: _Runner, tasks: Mapping[str, Any], command: Command, tree: Tree, depth: int
) -> list[Command]:
    task = tasks.get(name)
    found: list[Command] = []
    if isinstance(task, dict) and depth:
        for key in runner.needs:
            needs = task.get(key) or []
            for each in [needs] if isinstance(needs, str) else needs if isinstance(needs, list) else []:
                if isinstance(each, str) and each != name:
                    found += _run(each, runner, tasks, command, tree, depth - 1)
        task = next((task[key] for key in runner.parts if key in task), None)
    for each in task if isinstance(task, list) else [task]:
        inner = each.get("task") if isinstance(each, dict) else None
        text = each.get("cmd") if isinstance(each, dict) else each
        if isinstance(text, str) and text.startswith("@") and text[1:].split()[0] in tasks:
            inner = text[1:].split()[0]
        if isinstance(inner, str) and inner != name and depth:
            found += _run(inner, runner, tasks, command, tree, depth - 1)
        elif isinstance(text, str):
            found += tree.commands(re.sub(r"\{\{\s*\.CLI_ARGS\s*\}\}", "", text).lstrip("@"), command)
    return found
