"""Environments of tox and sessions of nox."""

import ast
import configparser
import re
import tomllib
from collections.abc import Sequence
from typing import Any, Final

from activities.patching.commands import Command
from activities.patching.wrappers.tree import Tree

_POSARGS: Final = re.compile(r"\{posargs(?::((?:[^{}]|\{[^{}]*\})*))?\}|\[\]")
_FOLDERS: Final = re.compile(r"\{(?:toxinidir|tox_root|changedir)\}/?")


def session_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What `tox -e ENV` or `nox -s SESSION` runs; None for other commands."""
    program, *arguments = command.argv
    if program not in {"tox", "nox"}:
        return None
    selecting = {
        "tox": {"-e", "--env", "-e=", "--environment"},
        "nox": {"-s", "--session", "--sessions", "-e"},
    }
    names: list[str] = []
    extra: list[str] = []
    words = iter(arguments)
    for word in words:
        name, _, value = word.partition("=")
        if word == "--":
            extra = list(words)
        elif name in selecting[program]:
            names += (value or next(words, "")).split(",")
        elif word.startswith("-e") and program == "tox":
            names += word[2:].split(",")
    found: list[Command] = []
    for name in names:
        lines = _tox(name, tree, command.cwd) if program == "tox" else _nox(name, tree, command.cwd)
        for line in lines:
            if line.startswith("-"):  # tox forgives such a line's failure
                continue
            text = _POSARGS.sub(lambda match: " ".join(extra) or match[1] or "", _FOLDERS.sub("", line))
            found += tree.commands(text.removeprefix("! "), command)
    return found


def _tox(name: str, tree: Tree, folder: str) -> list[str]:
    project = tree.text(folder, "tox.toml", "pyproject.toml")
    lines = _tox_toml(project[1], name, native=project[0] == "tox.toml") if project else None
    if isinstance(lines, list):
        return lines
    text = lines or (tree.text(folder, "tox.ini", "setup.cfg") or ("", ""))[1]
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    # An environment `py311-lint` takes the lines of its factors; one without a section takes the general one.
    for section in (f"testenv:{name}", "testenv"):
        commands = parser.get(section, "commands", fallback="")
        if commands:
            joined = re.sub(r"\\\n\s*", " ", commands)
            return [line for each in joined.splitlines() if (line := _of_factor(each.strip(), name))]
    return []


def _of_factor(line: str, name: str) -> str:
    factors, colon, rest = line.partition(": ")
    if not colon or not re.fullmatch(r"[\w,!{}. -]+", factors):
        return line
    wanted = re.split(r"[,{}]+", factors)
    return (
        rest.strip() if any(each and set(each.split("-")) <= set(name.split("-")) for each in wanted) else ""
    )


def _tox_toml(text: str, name: str, *, native: bool) -> list[str] | str | None:
    """Lines of a native table; the text of a legacy one; None where neither is there."""
    try:
        data: Any = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    table = data if native else data.get("tool", {}).get("tox", {})
    if not isinstance(table, dict):
        return None
    legacy = table.get("legacy_tox_ini")
    if isinstance(legacy, str):
        return legacy
    environments = table.get("env", {})
    chosen = environments.get(name) if isinstance(environments, dict) else None
    commands = (chosen or table.get("env_run_base") or {}).get("commands")
    if not isinstance(commands, list):
        return None
    return [
        " ".join(str(word) for word in line if isinstance(word, str))
        for line in commands
        if isinstance(line, list)
    ]


def _nox(name: str, tree: Tree, folder: str) -> list[str]:
    """The lines of constant arguments that a session runs."""
    found = tree.text(folder, "noxfile.py")
    try:
        module = ast.parse(found[1]) if found else ast.Module(body=[], type_ignores=[])
    except (SyntaxError, ValueError, RecursionError):
        return []
    constants = {
        node.targets[0].id: node.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    wanted = name.partition("-")[0] if re.search(r"-\d", name) else name
    lines = []
    for function in module.body:
        if not isinstance(function, ast.FunctionDef) or wanted not in _session_names(function):
            continue
        for call in ast.walk(function):
            if (
                not isinstance(call, ast.Call)
                or not isinstance(call.func, ast.Attribute)
                or call.func.attr != "run"
            ):
                continue
            words = _constant_words(call.args, constants)
            if words:
                lines.append((call.lineno, " ".join(words)))
    return [line for _, line in sorted(lines)]


def _session_names(function: ast.FunctionDef) -> set[str]:
    names = {function.name, function.name.replace("_", "-")}
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call):
            names |= {
                str(keyword.value.value)
                for keyword in decorator.keywords
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
            }
    return names


def _constant_words(arguments: Sequence[ast.expr], constants: dict[str, ast.expr]) -> list[str]:
    """The words of a call's arguments; none where one is not plain. `*session.posargs` stands for none."""
    words: list[str] = []
    for argument in arguments:
        starred = isinstance(argument, ast.Starred)
        value = argument.value if isinstance(argument, ast.Starred) else argument
        if isinstance(value, ast.Name):
            value = constants.get(value.id, value)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            words.append(value.value)
        elif starred and isinstance(value, ast.List | ast.Tuple):
            inner = [each.value for each in value.elts if isinstance(each, ast.Constant)]
            words += [str(each) for each in inner]
        elif not (starred and isinstance(value, ast.Attribute)):
            return []
    return words
