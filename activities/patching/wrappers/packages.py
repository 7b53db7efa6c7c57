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
_SHELLS: Final = frozenset({"bash", "sh", "dash"})
_SCRIPT: Final = re.compile(r"(?:\./)?[\w.-]+(?:/[\w.-]+)*")


def package_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What a package manager's script runs, or a shell script of the repository; None for anything else."""
    program, *arguments = command.argv
    if program in _RUNNERS:
        return _node_script(program, arguments, command, tree)
    if program in _SEQUENCES:
        return _sequence(arguments, command, tree)
    if program in {"poe", "pdm", "hatch"}:
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
        scripts = json.loads(manifest[1]).get("scripts") if manifest else None
    except (ValueError, AttributeError, RecursionError):
        return {}
    if not isinstance(scripts, dict):
        return {}
    return {name: text for name, text in scripts.items() if isinstance(text, str)}


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
    words = [word for word in arguments if not word.startswith("-")]
    if program != "poe":
        if words[:1] != ["run"]:
            return None
        words = words[1:]
    manifest = tree.text(command.cwd, "pyproject.toml")
    try:
        tools: Any = tomllib.loads(manifest[1]).get("tool", {}) if manifest else {}
    except (ValueError, RecursionError):
        return None
    if not words or not isinstance(tools, dict):
        return None
    environment, _, name = words[0].rpartition(":")
    places = {
        "poe": ("poe", "tasks"),
        "pdm": ("pdm", "scripts"),
        "hatch": ("hatch", "envs", environment or "default", "scripts"),
    }
    scripts: Any = tools
    for key in places[program]:
        scripts = scripts.get(key, {}) if isinstance(scripts, dict) else {}
    if not isinstance(scripts, dict) or name not in scripts:
        return None
    return _tasks(scripts, name, command, tree, 5)


def _tasks(scripts: Mapping[str, Any], name: str, command: Command, tree: Tree, depth: int) -> list[Command]:
    """A task is a text, a table that holds one, or a list of texts and names of tasks."""
    task = scripts.get(name)
    if isinstance(task, dict):
        task = next((task[key] for key in ("cmd", "shell", "composite", "sequence") if key in task), None)
    found: list[Command] = []
    for each in task if isinstance(task, list) else [task]:
        text = each.get("cmd") if isinstance(each, dict) else each
        if not isinstance(text, str):
            continue
        if text in scripts and text != name and depth:
            found += _tasks(scripts, text, command, tree, depth - 1)
        else:
            found += tree.commands(re.sub(r"\{args(?::([^}]*))?\}", r"\1", text), command)
    return found
