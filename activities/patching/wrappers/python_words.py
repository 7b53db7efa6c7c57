"""Constant words in Python code: what a call is given, as far as no code need run to tell it."""

import ast
from collections.abc import Mapping, Sequence


def assigned(nodes: Sequence[ast.AST]) -> dict[str, ast.expr]:
    """What is assigned to which name (`PATHS`, `nox.options.sessions`); the last assignment counts."""
    found: dict[str, ast.expr] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            found[ast.unparse(node.targets[0])] = node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            found[ast.unparse(node.target)] = node.value
    return found


def calls_in(node: ast.AST) -> list[ast.Call]:
    """The calls in a piece of code, in the order they are written."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return sorted(calls, key=lambda each: (each.lineno, each.col_offset))


def meant(value: ast.expr, constants: Mapping[str, ast.expr]) -> ast.expr:
    """What a name stands for; anything else is itself."""
    return constants.get(value.id, value) if isinstance(value, ast.Name) else value


def texts(value: ast.expr | None, constants: Mapping[str, ast.expr]) -> list[str]:
    """The texts of a constant, an f-string of constants, or a list of them; none where one is not plain."""
    if isinstance(value, ast.Name):
        value = constants.get(value.id)
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        found = [text for each in value.elts if (text := _text(each, constants)) is not None]
        return found if len(found) == len(value.elts) else []
    text = _text(value, constants)
    return [] if text is None else [text]


def words(
    arguments: Sequence[ast.expr], constants: Mapping[str, ast.expr], handed: Sequence[str]
) -> list[str]:
    """The words of a call's arguments; none where one is not plain.

    Args:
        arguments: The call's.
        constants: What names stand for.
        handed: What `session.posargs` stands for.
    """
    found: list[str] = []
    for argument in arguments:
        starred = isinstance(argument, ast.Starred)
        value = meant(argument.value if isinstance(argument, ast.Starred) else argument, constants)
        if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):  # `session.posargs or ["src"]`
            if _is_handed(value.values[0]) and handed:
                value = value.values[0]
            else:
                value = meant(value.values[-1], constants)
        several = isinstance(value, ast.List | ast.Tuple | ast.Set)
        inner = texts(value, constants)
        if starred and _is_handed(value):
            found += handed
        elif inner and starred == several:
            found += inner
        else:
            return []
    return found


def _text(value: ast.expr | None, constants: Mapping[str, ast.expr]) -> str | None:
    if isinstance(value, ast.Name):
        value = constants.get(value.id)
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.Attribute) and ast.unparse(value) == "sys.executable":
        return "python"
    if isinstance(value, ast.JoinedStr):
        parts = [
            _text(each.value, constants) if isinstance(each, ast.FormattedValue) else _text(each, constants)
            for each in value.values
        ]
        plain = [part for part in parts if part is not None]
        return "".join(plain) if len(plain) == len(parts) else None
    return None


def _is_handed(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and value.attr == "posargs"
