"""What the sessions of a noxfile run, as far as their commands are constant words."""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from activities.patching.wrappers.tree import Tree


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
    constants = _assigned(module.body)
    if not names and not tags:
        names = _texts(constants.get("nox.options.sessions"), constants)
        tags = _texts(constants.get("nox.options.tags"), constants)
    everything = not names and not tags
    # A session for a version of Python is called `lint-3.12`.
    wanted = {re.sub(r"-\d[\d.]*$", "", name) for name in names} | set(names)
    for function in module.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        own_names, own_tags, by_default = _session(function, constants)
        if own_names & wanted or own_tags & set(tags) or (everything and own_names and by_default):
            yield from _commands(function, constants, arguments)


def _commands(
    function: ast.FunctionDef, constants: Mapping[str, ast.expr], arguments: Sequence[str]
) -> list[str]:
    known = {**constants, **_assigned(list(ast.walk(function)))}
    calls = []
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "run":
            words = _words(call.args, known, arguments)
            if words:
                calls.append((call.lineno, shlex.join(words)))
    return [line for _, line in sorted(calls)]


def _assigned(nodes: Sequence[ast.AST]) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            found[ast.unparse(node.targets[0])] = node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            found[ast.unparse(node.target)] = node.value
    return found


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
        names = {function.name, function.name.replace("_", "-"), *_texts(given.get("name"), constants)}
        default = given.get("default")
        off = isinstance(default, ast.Constant) and default.value is False
        return names, set(_texts(given.get("tags"), constants)), not off
    return set(), set(), False


def _texts(value: ast.expr | None, constants: Mapping[str, ast.expr]) -> list[str]:
    if isinstance(value, ast.Name):
        value = constants.get(value.id)
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [value.value]
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        return [
            each.value
            for each in value.elts
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
    return []


def _words(
    arguments: Sequence[ast.expr], constants: Mapping[str, ast.expr], handed: Sequence[str]
) -> list[str]:
    """The words of a call's arguments; none where one is not plain."""
    words: list[str] = []
    for argument in arguments:
        starred = isinstance(argument, ast.Starred)
        value = _value(argument.value if isinstance(argument, ast.Starred) else argument, constants)
        if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):  # `session.posargs or ["src"]`
            if _is_handed(value.values[0]) and handed:
                value = value.values[0]
            else:
                value = _value(value.values[-1], constants)
        texts = _texts(value, constants)
        if starred and _is_handed(value):
            words += handed
        elif texts and starred != isinstance(value, ast.Constant):
            words += texts
        else:
            return []
    return words


def _value(value: ast.expr, constants: Mapping[str, ast.expr]) -> ast.expr:
    return constants.get(value.id, value) if isinstance(value, ast.Name) else value


def _is_handed(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and value.attr == "posargs"
