"""The layout-free text of Python: what stays the same when a formatter, or a renaming, did the work."""

import ast
import io
import tokenize
from collections.abc import Iterable
from typing import Final, cast

OWN: Final = "%"
"""How the number of a function's own variable begins."""
_DOCUMENTED: Final = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def text(node: ast.AST) -> str:
    """A node without positions, annotations of string prefixes, and layout."""
    return ast.dump(node)


def plain(tree: ast.Module) -> ast.Module:
    """The same program, with what linters rewrite written in one way. In place."""
    return cast("ast.Module", _Plain().visit(tree))


class _Plain(ast.NodeTransformer):
    """`"a"` for `f"a"`, `{"a": 1}` for `dict(a=1)`, `[]` for `list()`."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        texts = [each.value for each in node.values if isinstance(each, ast.Constant)]
        if len(texts) < len(node.values):
            return node
        return ast.copy_location(ast.Constant("".join(map(str, texts))), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or node.args:
            return node
        if node.func.id == "dict" and all(each.arg for each in node.keywords):
            keys: list[ast.expr | None] = [ast.Constant(each.arg) for each in node.keywords]
            return ast.copy_location(ast.Dict(keys, [each.value for each in node.keywords]), node)
        if node.func.id in {"list", "tuple"} and not node.keywords:
            made = ast.List([], ast.Load()) if node.func.id == "list" else ast.Tuple([], ast.Load())
            return ast.copy_location(made, node)
        return node


def decorator(node: ast.expr) -> str:
    """A decorator; one that is called without arguments is like one that is not called."""
    bare = isinstance(node, ast.Call) and not node.args and not node.keywords
    return text(node.func if bare and isinstance(node, ast.Call) else node)


def layout_free(tree: ast.Module, comments: Iterable[str]) -> str:
    """A whole file: equal for two texts between which only a formatter or an import sorter stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.kind = None
        if isinstance(node, _DOCUMENTED):
            _fold_docstring(node)
    tree.body = _sorted_imports(tree.body)
    return ast.dump(tree) + "\n".join(sorted(" ".join(each.split()) for each in comments))


def comments(source: str) -> list[str]:
    """The comments of a file, as far as its tokens can be told apart."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            found += [token.string] if token.type == tokenize.COMMENT else []
    except (tokenize.TokenError, SyntaxError, ValueError):
        # What ast accepts and tokenize does not is judged by its lines instead.
        found += [line for line in source.splitlines() if "#" in line]
    return found


def own_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    """A function's own variables, each with its number in order of appearance; one never read has none."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
    found: dict[str, str] = {}
    for name in names:
        if isinstance(name.ctx, ast.Store) and name.id in read:
            found.setdefault(name.id, f"{OWN}{len(found)}")
    return found | {name.id: OWN for name in names if isinstance(name.ctx, ast.Store) and name.id not in read}


def without_own_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Number a function's own variables, and drop its docstring and annotations. In place."""
    names = own_names(function)
    if function.body and _is_text(function.body[0]):
        function.body = function.body[1:] or [ast.Pass()]
    function.returns = None
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.Constant):
            node.kind = None


def _fold_docstring(node: ast.AST) -> None:
    body = getattr(node, "body", [])
    if body and _is_text(body[0]):
        body[0].value.value = " ".join(body[0].value.value.split())


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _sorted_imports(body: list[ast.stmt]) -> list[ast.stmt]:
    """Neighbouring imports, one name each, in one order; nothing else moves."""
    result: list[ast.stmt] = []
    run: list[ast.stmt] = []
    for statement in [*body, ast.Pass()]:
        if isinstance(statement, ast.Import):
            run += [ast.Import([alias]) for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            run += [ast.ImportFrom(statement.module, [alias], statement.level) for alias in statement.names]
        else:
            result += sorted(run, key=ast.dump)
            run = []
            result.append(statement)
    return result[:-1]
