"""What the sessions of a noxfile run, as far as their commands are constant words."""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from activities.patching.wrappers.python_words import assigned, calls_in, texts, words
from activities.patching.wrappers.tree import Tree

_DEPTH: Final = 4
"""How far a session may call functions and other sessions."""


@dataclass(frozen=True)
class _File:
    """A noxfile's functions and constants, and what is handed through to its sessions."""

    functions: Mapping[str, ast.FunctionDef]
    constants: Mapping[str, ast.expr]
    handed: Sequence[str]

    def named(self, names: set[str]) -> Iterator[ast.FunctionDef]:
        for function in self.functions.values():
            if _session(function, self.constants)[0] & names:
                yield function


def lines(
    names: Sequence[str], tags: Sequence[str], arguments: Sequence[str], tree: Tree, folder: str
) -> Iterator[str]:
    """The commands of sessions, in order.

    Args:
        names: Sessions.
        tags: Marks of sessions; without names and tags, those that run by default are meant.
        arguments: What is handed through to the sessions.
        tree: The repository's files.
        folder: The noxfile's folder.
    """
    found = tree.text(folder, "noxfile.py")
    try:
        module = ast.parse(found[1]) if found else ast.Module(body=[], type_ignores=[])
    except (SyntaxError, ValueError, RecursionError):
        return
    constants = assigned(module.body)
    if not names and not tags:
        names = texts(constants.get("nox.options.sessions"), constants)
        tags = texts(constants.get("nox.options.tags"), constants)
    everything = not names and not tags
    # A session for a version of Python is called `lint-3.12`.
    wanted = {re.sub(r"-\d[\d.]*$", "", name) for name in names} | set(names)
    functions = {each.name: each for each in module.body if isinstance(each, ast.FunctionDef)}
    file = _File(functions, constants, arguments)
    for function in functions.values():
        own_names, own_tags, by_default = _session(function, constants)
        if own_names & wanted or own_tags & set(tags) or (everything and own_names and by_default):
            yield from _commands(function, file, _DEPTH)


def _commands(function: ast.FunctionDef, file: _File, depth: int) -> Iterator[str]:
    """What a function runs itself, by functions that it hands its session to, and by notifying others."""
    known = {**file.constants, **assigned(list(ast.walk(function)))}
    for call in calls_in(function):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name == "run":
            found = words(call.args, known, file.handed)
            if found:
                yield shlex.join(found)
        elif name == "notify" and depth:
            for notified in file.named({text for each in call.args[:1] for text in texts(each, known)}):
                yield from _commands(notified, file, depth - 1)
        elif isinstance(call.func, ast.Name) and depth and _hands_session(call):
            other = file.functions.get(call.func.id)
            yield from _commands(other, file, depth - 1) if other else ()


def _hands_session(call: ast.Call) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "session" for each in call.args)


def _session(function: ast.FunctionDef, constants: Mapping[str, ast.expr]) -> tuple[set[str], set[str], bool]:
    """Names and tags of the session that a function is, and whether it runs by default; no names for none."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(called) not in {"nox.session", "session", "nox_session"}:
            continue
        given = {
            keyword.arg: keyword.value
            for keyword in (decorator.keywords if isinstance(decorator, ast.Call) else [])
            if keyword.arg
        }
        names = {function.name, function.name.replace("_", "-"), *texts(given.get("name"), constants)}
        default = given.get("default")
        off = isinstance(default, ast.Constant) and default.value is False
        return names, set(texts(given.get("tags"), constants)), not off
    return set(), set(), False
