"""What names in a Python file mean: imports undone, dotted names spelled out."""

import ast
import sys
from collections.abc import Iterator
from typing import Final

_LOCAL: Final = "."


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each imported name with its origin: `s` and `pytest.skip` for `from pytest import skip as s`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".", 1)[0]
                yield bound, alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = _LOCAL * node.level + (node.module or "")
                yield alias.asname or alias.name, f"{module}.{alias.name}"


def packages(tree: ast.AST) -> set[str]:
    """The top-level packages that are imported, beside Python's own and relative ones."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".", 1)[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".", 1)[0])
    return found - sys.stdlib_module_names - {"__future__"}


def dotted(node: ast.AST, origins: dict[str, str]) -> str:
    """`pytest.mark.skip` for what is written as that, by whatever alias; empty for another expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call) and parts:
        parts.append("()")
    elif isinstance(node, ast.Name):
        parts.append(origins.get(node.id, node.id))
    elif not parts:
        return ""
    return ".".join(reversed(parts))


def last(name: str) -> str:
    """The last part of a dotted name."""
    return name.rsplit(".", 1)[-1]
