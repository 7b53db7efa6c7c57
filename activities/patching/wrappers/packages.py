"""Scripts of a package manifest: npm, yarn, pnpm, bun; poe, pdm, hatch; scripts of the repository's own."""

import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from activities.patching.commands import Command
from activities.patching.shell_values import of_script
from activities.patching.wrappers.tree import Tree

_RUNNERS: Final = frozenset({"npm", "yarn", "pnpm", "bun"})
_VALUED: Final = frozenset(
    {"--prefix", "-C", "--cwd", "--dir", "-w", "--workspace", "--filter", "-F", "--loglevel"}
)
_FOLDER_OPTIONS: Final = frozenset({"--prefix", "-C", "--cwd", "--dir"})
_SHORT: Final = {"t": "test", "tst": "test", "test": "test", "start": "start"}
_SEQUENCES: Final = frozenset({"run-s", "run-p", "npm-run-all", "npm-run-all2", "concurrently"})
_OWN: Final = frozenset({"install", "ci", "i", "add", "exec", "dlx", "publish", "pack", "audit", "version"})
_TASK_PARTS: Final = ("cmd", "shell", "composite", "sequence", "chain", "ref")
"""Where a task that is a table says what it runs."""
_SHELLS: Final = frozenset({"bash", "sh", "dash"})
_SCRIPT: Final = re.compile(r"(?:\./)?[\w.-]+(?:/[\w.-]+)*")


def package_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What a package manager's script runs, or a shell script of the repository; None for anything else."""
    program, *arguments = command.argv
    if program in _RUNNERS:
        return _node_script(program, arguments, command, tree)
    if program in _SEQUENCES:
        return _sequence(arguments, command, tree)
    if program in {"poe", "pdm", "hatch", "rye"}:
        return _python_script(program, arguments, command, tree)
    inner = _shell_text(program, arguments)
    if inner is not None:
        return tree.commands(inner, command)
    words = [program, *arguments] if program not in _SHELLS else arguments
    while words and words[0].startswith("-"):
        words = words[1:]
    if words and (program in _SHELLS or "/" in program) and _SCRIPT.fullmatch(words[0]):
        found = tree.text(command.cwd, words[0])
        if found and (program in _SHELLS or re.match(r"#![^\n]*\b(?:ba|da)?sh\b", found[1])):
            return tree.commands(of_script(found[1], words[0], words[1:]), command)
    return None


def _shell_text(program: str, arguments: Sequence[str]) -> str | None:
    """The text of `sh -c TEXT`; None for other commands."""
    for position, word in enumerate(arguments[:-1] if program in _SHELLS else ()):
        if re.fullmatch(r"-[a-z]*c", word):
            return arguments[position + 1]
    return None


def _node_script(
    program: str, arguments: list[str], command: Command, tree: Tree
) -> Sequence[Command] | None:
    words, folder, rest = _split(arguments, passes_options=program != "npm")
    if words[:1] in (["run"], ["run-script"]):
        words = words[1:]
    elif not words or (program == "npm" and words[0] not in _SHORT) or words[0] in _OWN:
        return None
    if not words:
        return None
    named = arguments[:1] in (["run"], ["run-script"])
    name, extra = words[0] if named else _SHORT.get(words[0], words[0]), [*words[1:], *rest]
    cwd = command.cwd if folder is None else f"{command.cwd}/{folder}"
    scripts = _scripts(tree, cwd)
    if name not in scripts:
        return None
    found: list[Command] = []
    for each in (f"pre{name}", name, f"post{name}"):
        if each in scripts:
            text = scripts[each]
            if each == name and extra:
                text += " " + shlex.join(extra)
            found += tree.commands(text, command, cwd=cwd)
    return found


def _split(arguments: Sequence[str], *, passes_options: bool) -> tuple[list[str], str | None, list[str]]:
    """Words, the folder an option names, and what follows `--`; without that, npm keeps options to itself."""
    words: list[str] = []
    folder: str | None = None
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return words, folder, list(rest)
        name, _, value = argument.partition("=")
        if name in _FOLDER_OPTIONS:
            folder = value or next(rest, "")
        elif argument in _VALUED:
            next(rest, None)
        elif passes_options and words and words[-1:] != ["run"] and argument.startswith("-"):
            return [*words, argument, *rest], folder, []
        elif not argument.startswith("-"):
            words.append(argument)
    return words, folder, []


def _scripts(tree: Tree, folder: str) -> Mapping[str, str]:
    manifest = tree.text(folder, "package.json")
    try:
        data: Any = json.loads(manifest[1]) if manifest else None
    except (ValueError, RecursionError):
        return {}
    data = data if isinstance(data, dict) else {}
    scripts, wireit = data.get("scripts"), data.get("wireit")
    if not isinstance(scripts, dict):
        return {}
    found = {name: text for name, text in scripts.items() if isinstance(text, str)}
    if isinstance(wireit, dict):
        found |= {name: _wireit(task) for name, task in wireit.items() if isinstance(task, dict)}
    return found


def _wireit(task: Mapping[str, Any]) -> str:
    """A task of wireit as a script: what it depends on, then its command."""
    needs = task.get("dependencies")
    names = [each.get("script") if isinstance(each, dict) else each for each in needs or () if needs]
    lines = [f"npm run {shlex.quote(name)}" for name in names if isinstance(name, str) and "/" not in name]
    return " && ".join([*lines, *filter(None, [str(task.get("command") or "")])])


def _sequence(arguments: Sequence[str], command: Command, tree: Tree) -> Sequence[Command]:
    """`run-s a b:*` and its kind."""
    scripts = _scripts(tree, command.cwd)
    found: list[Command] = []
    for argument in arguments:
        wanted = re.sub(r"^(?:npm|yarn|pnpm):", "", argument)
        if wanted.startswith("-"):
            continue
        if " " in wanted:
            found += tree.commands(wanted, command)
            continue
        pattern = wanted.replace("**", "*")
        for name, text in scripts.items():
            if name == wanted or ("*" in wanted and fnmatchcase(name, pattern)):
                found += tree.commands(text, command)
    return found


def _python_script(
    program: str, arguments: list[str], command: Command, tree: Tree
) -> Sequence[Command] | None:
    environment, arguments = _environment(arguments) if program == "hatch" else ("", arguments)
    words = [word for word in arguments if not word.startswith(("-", "+"))]
    if program == "hatch" and words[:1] == ["fmt"]:
        return tree.commands(_hatch_fmt(arguments, tree, command.cwd), command)
    if program != "poe":
        if words[:1] != ["run"]:
            return None
        words = words[1:]
    if not words:
        return None
    inner, _, name = words[0].rpartition(":") if program == "hatch" else ("", "", words[0])
    scripts = _python_scripts(program, inner or environment or "default", tree, command.cwd)
    return _tasks(scripts, name, command, tree, 5) if name in scripts else None


def _environment(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The environment that hatch's own options name, and the arguments without it."""
    for position, word in enumerate(arguments):
        if word in {"-e", "--env"}:
            return "".join(arguments[position + 1 : position + 2]), [
                *arguments[:position],
                *arguments[position + 2 :],
            ]
        if not word.startswith("-"):
            break
    return "", list(arguments)


def _hatch_fmt(arguments: Sequence[str], tree: Tree, folder: str) -> str:
    """What `hatch fmt --check` runs; where the repository says nothing, with hatch's own line length."""
    settings = [found[1] for name in ("ruff.toml", ".ruff.toml") if (found := tree.text(folder, name))]
    own = _toml(tree, folder, "pyproject.toml", "tool", "ruff")
    silent = not settings and "line-length" not in own and "extend" not in own
    length = " --config 'line-length = 120' --config 'format.docstring-code-format = true'" if silent else ""
    linter, formatter = "ruff check .", f"ruff format --check --diff{length} ."
    if {"-l", "--linter"} & set(arguments):
        return linter
    return formatter if {"-f", "--formatter"} & set(arguments) else f"{linter}\n{formatter}"


def _python_scripts(program: str, environment: str, tree: Tree, folder: str) -> Mapping[str, Any]:
    if program == "hatch":
        own = _toml(tree, folder, "hatch.toml", "envs") or _toml(
            tree, folder, "pyproject.toml", "tool", "hatch", "envs"
        )
        found: dict[str, Any] = {}
        for name in ("default", environment):  # what an environment does not have it takes from that one
            table = own.get(name)
            scripts = table.get("scripts") if isinstance(table, dict) else None
            found |= scripts if isinstance(scripts, dict) else {}
        return found
    keys = {"poe": ("poe", "tasks"), "pdm": ("pdm", "scripts"), "rye": ("rye", "scripts")}[program]
    return _toml(tree, folder, "pyproject.toml", "tool", *keys)


def _toml(tree: Tree, folder: str, name: str, *keys: str) -> Mapping[str, Any]:
    """A table of a TOML file; empty where there is none."""
    found = tree.text(folder, name)
    try:
        data: Any = tomllib.loads(found[1]) if found else {}
    except (ValueError, RecursionError):
        return {}
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _tasks(scripts: Mapping[str, Any], name: str, command: Command, tree: Tree, depth: int) -> list[Command]:
    """A task is a text, a table that holds one, or a list of texts and names of tasks."""
    task = scripts.get(name)
    if isinstance(task, dict):
        task = next((task[key] for key in _TASK_PARTS if key in task), None)
    found: list[Command] = []
    for each in task if isinstance(task, list) else [task]:
        text = (
            next((each[key] for key in _TASK_PARTS if key in each), None) if isinstance(each, dict) else each
        )
        if not isinstance(text, str):
            continue
        other = next(iter(text.split()), "")
        if other in scripts and other != name and depth:
            found += _tasks(scripts, other, command, tree, depth - 1)
        else:
            found += tree.commands(re.sub(r"\{args(?::([^}]*))?\}", r"\1", text), command)
    return found
