"""Programs of the repository's own that run checks: Python scripts, tasks of invoke, cargo and rake."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from activities.patching.commands import Command
from activities.patching.wrappers.python_words import assigned, calls_in, meant, texts, words
from activities.patching.wrappers.tree import Tree

_DEPTH: Final = 5
_RUNS: Final = frozenset({"run", "call", "check_call", "check_output", "Popen", "system", "sh", "sudo"})
"""Functions, of whatever module, that start a command."""
_MODULE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_RAKE_TASK: Final = re.compile(
    r"^\s*task[ \t(]+[:\"']?(?P<name>[\w:]+)[\"']?\s*(?:=>|:)\s*"
    r"(?P<needs>\[[^\]]{0,500}\]|%[iw]\[[^\]]{0,500}\]|[:\"']?\w[\w:]*[\"']?)",
    re.MULTILINE,
)
_RAKE: Final = {"rubocop": "rubocop", "standard": "standardrb"}
"""Tasks that these tools define."""


def program_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What a program of the repository's own runs; None for other commands."""
    program, *arguments = command.argv
    if program in {"invoke", "inv"}:
        return _invoked(arguments, command, tree)
    if program == "cargo":
        return _cargo(arguments, command, tree)
    if program == "rake":
        return _rake(arguments, command, tree)
    path = _script(program, arguments, command, tree)
    module = _parsed(tree, command.cwd, path) if path else None
    if module is None:
        return None
    return list(_calls(module, assigned(list(ast.walk(module))), command, tree))


def _script(program: str, arguments: Sequence[str], command: Command, tree: Tree) -> str | None:
    """The file that holds the Python program; None where the command is none of the repository's."""
    names = [program]
    if re.fullmatch(r"python[\d.]*|py", program):
        names = [word for word in arguments if not word.startswith("-")][:1]
        if arguments[:1] != ["-m"]:
            return next((name for name in names if name.endswith(".py")), None)
    for name in names:
        if name.endswith(".py") and "/" in name:
            return name
        if _MODULE.fullmatch(name):
            place = name.replace(".", "/")
            for path in (f"{place}.py", f"{place}/__main__.py"):
                if "." in name and tree.text(command.cwd, path):
                    return path
    found = tree.text(command.cwd, program) if "/" in program else None
    return program if found and re.match(r"#![^\n]*\bpython", found[1]) else None


def _parsed(tree: Tree, folder: str, path: str) -> ast.Module | None:
    found = tree.text(folder, path)
    try:
        return ast.parse(found[1]) if found else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def _calls(
    node: ast.AST, constants: Mapping[str, ast.expr], command: Command, tree: Tree
) -> Iterator[Command]:
    """The commands that calls in `node` start, in the order they are written."""
    for call in calls_in(node):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        if name in _RUNS:
            value = meant(call.args[0], constants) if call.args else None
            if isinstance(value, ast.List | ast.Tuple):
                yield from tree.commands(shlex.join(words(value.elts, constants, ())), command)
            else:
                for text in texts(value, constants):
                    yield from tree.commands(text, command)


def _invoked(arguments: Sequence[str], command: Command, tree: Tree) -> Sequence[Command] | None:
    """The commands of the tasks that `invoke` is given, those they need first."""
    module = _parsed(tree, command.cwd, "tasks.py") or _parsed(tree, command.cwd, "tasks/__init__.py")
    if module is None:
        return None
    functions = {each.name: each for each in module.body if isinstance(each, ast.FunctionDef)}
    constants = assigned(module.body)
    found: list[Command] = []

    def run(name: str, depth: int) -> None:
        function = functions.get(name.replace("-", "_"))
        if function is None or not depth:
            return
        for decorator in function.decorator_list:
            for need in ast.walk(decorator):
                if isinstance(need, ast.Name) and need.id in functions:
                    run(need.id, depth - 1)
        own = {**constants, **assigned(list(ast.walk(function)))}
        found.extend(_calls(function, own, command, tree))

    for word in arguments:
        run(word, _DEPTH)
    return found


def _cargo(arguments: Sequence[str], command: Command, tree: Tree) -> Sequence[Command] | None:
    """An alias of cargo's configuration, or a task of cargo-make; None for cargo's own commands."""
    if not arguments:
        return None
    name, *rest = arguments
    if name == "make":
        return _cargo_make(rest, command, tree)
    for file in (".cargo/config.toml", ".cargo/config"):
        alias = _table(tree, command.cwd, file, "alias").get(name)
        inner = shlex.join(map(str, alias)) if isinstance(alias, list) else alias
        if isinstance(inner, str) and inner.split()[:1] != [name]:
            return tree.commands(f"cargo {inner} {shlex.join(rest)}", command)
    return None


def _cargo_make(arguments: Sequence[str], command: Command, tree: Tree) -> list[Command]:
    tasks = _table(tree, command.cwd, "Makefile.toml", "tasks")
    found: list[Command] = []

    def run(name: str, depth: int) -> None:
        task = tasks.get(name)
        if not isinstance(task, dict) or not depth:
            return
        for need in (*_list(task.get("dependencies")), *_list(task.get("run_task"))):
            run(need, depth - 1)
        if isinstance(task.get("command"), str):
            text = shlex.join([task["command"], *_list(task.get("args"))])
        else:
            text = "\n".join(_list(task.get("script")))
        found.extend(tree.commands(text, command))

    for word in arguments:
        if not word.startswith("-"):
            run(word, _DEPTH)
    return found


def _rake(arguments: Sequence[str], command: Command, tree: Tree) -> Sequence[Command]:
    """The checks among the tasks that `rake` is given, or runs by default."""
    rakefile = tree.text(command.cwd, "Rakefile", "rakefile.rb", "Rakefile.rb") or ("", "")
    needs: dict[str, list[str]] = {}
    for task in _RAKE_TASK.finditer(rakefile[1]):
        needs.setdefault(task["name"], []).extend(
            re.findall(r"\w[\w:]*", re.sub(r"%[iw]", "", task["needs"]))
        )
    found: list[Command] = []
    pending = [word for word in arguments if not word.startswith("-")] or ["default"]
    seen: set[str] = set()
    while pending:
        name = pending.pop(0)
        if name not in seen:
            seen.add(name)
            pending = needs.get(name, []) + pending
            found += tree.commands(_RAKE.get(name, ""), command)
    return found


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [each for each in value or () if isinstance(each, str)]


def _table(tree: Tree, folder: str, file: str, key: str) -> Mapping[str, Any]:
    found = tree.text(folder, file)
    try:
        data = tomllib.loads(found[1]) if found else {}
    except (ValueError, RecursionError):
        return {}
    table = data.get(key)
    return table if isinstance(table, dict) else {}
