"""What the functions of a Python file answer with, and which examples their documentation promises."""

import ast
import doctest
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from activities.publishing.gate.inventory import Function

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_TRIVIAL: Final = frozenset({"", "0", "1", "-1"})
_EQUALITIES: Final = frozenset({"__eq__", "__ne__", "__contains__", "__lt__", "__le__", "__gt__", "__ge__"})


Defined = list[tuple[str, _Function]]
"""Functions by qualified name."""


def functions(defined: Defined) -> dict[str, Function]:
    """What the answer of each function rests on, by qualified name."""
    return {name: Function(_reads(node), _computes(node)) for name, node in defined}


def examples(defined: Defined) -> dict[str, Counter[str]]:
    """The examples in each function's documentation that doctest runs."""
    parser = doctest.DocTestParser()
    found = {}
    for name, node in defined:
        told = ast.get_docstring(node)
        if told and ">>>" in told:
            try:
                run = parser.get_examples(told)
            except ValueError:
                run = []
            found[name] = Counter(f"{each.source.strip()} -> {each.want.strip()}" for each in run)
    return found


def generates(function: ast.AST) -> bool:
    """Whether a function yields, and so does nothing when it is called."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function))


def is_literal(node: ast.expr | None) -> bool:
    """Whether an expression is made of literals alone, calls of constructors included."""
    match node:
        case None | ast.Constant():
            parts: list[ast.expr | None] = []
        case ast.UnaryOp():
            parts = [node.operand]
        case ast.Tuple() | ast.List() | ast.Set():
            parts = [*node.elts]
        case ast.Dict():
            parts = [*node.keys, *node.values]
        case ast.BinOp():
            parts = [node.left, node.right]
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if _makes(name):
            parts = [*node.args, *(each.value for each in node.keywords)]
        case _:
            return False
    return all(map(is_literal, parts))


def _makes(name: str) -> bool:
    return name[:1].isupper() or name in {
        "dict",
        "list",
        "tuple",
        "set",
        "frozenset",
        "bytes",
        "date",
        "timedelta",
    }


def is_particular(node: ast.expr) -> bool:
    """Whether an expression is a literal that nobody writes as a default: not empty, none, zero or one."""
    values = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return is_literal(node) and any(
        not isinstance(value, bool | None) and str(value) not in _TRIVIAL for value in values
    )


def canned(defined: Defined) -> Iterator[str]:
    """Functions that compute their answer, but know it by heart for some input; each as often as it does."""
    for name, node in defined:
        if _computes(node):
            tables = set().union(*map(_tables_of_answers, _own(node)))
            yield from (name for each in _own(node) if _knows(each) or _looks_up(each, tables))


def makes_equal(function: _Function) -> bool:
    """Whether a comparison has one answer for everything."""
    return function.name in _EQUALITIES and _answers_alike(function)


def _knows(node: ast.AST) -> bool:
    match node:
        case ast.If():
            return _picks(node.test) and _answers(node.body)
        case ast.IfExp():
            return _picks(node.test) and is_particular(node.body) and not is_literal(node.orelse)
        case ast.match_case():
            return any(map(_is_particular_pattern, ast.walk(node.pattern))) and _answers(node.body)
    return False


def _tables_of_answers(node: ast.AST) -> set[str]:
    """The names that a statement gives to a table of answers."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and _is_particular_table(node.value):
        return {each.id for each in node.targets if isinstance(each, ast.Name)}
    return set()


def _is_particular_table(node: ast.Dict) -> bool:
    return bool(node.keys) and all(
        key is not None and is_particular(key) and is_particular(value)
        for key, value in zip(node.keys, node.values, strict=True)
    )


def _looks_up(node: ast.AST, tables: Collection[str]) -> bool:
    """Whether an answer is taken out of a table that the function itself spells out."""
    match node:
        case ast.Subscript(value=table, slice=key) if not isinstance(key, ast.Constant):
            pass
        case ast.Call(func=ast.Attribute(value=table, attr="get" | "pop")):
            pass
        case _:
            return False
    if isinstance(table, ast.Dict):
        return _is_particular_table(table)
    return isinstance(table, ast.Name) and table.id in tables


def _picks(test: ast.expr) -> bool:
    """Whether a condition asks for one value among all."""
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.In | ast.Is)
        and any(map(is_particular, (node.left, *node.comparators)))
        for node in ast.walk(test)
    )


def _answers(body: list[ast.stmt]) -> bool:
    last = body[-1]
    return isinstance(last, ast.Return) and last.value is not None and is_particular(last.value)


def _is_particular_pattern(node: ast.AST) -> bool:
    return isinstance(node, ast.MatchValue) and is_particular(node.value)


def _reads(function: _Function) -> bool:
    arguments = function.args
    named = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    given = {each.arg for each in named if each is not None}
    return any(
        isinstance(node, ast.Name) and node.id in given for each in function.body for node in ast.walk(each)
    )


def _computes(function: _Function) -> bool:
    return any(
        (isinstance(node, ast.Return) and not is_literal(node.value))
        or isinstance(node, ast.Yield | ast.YieldFrom)
        for node in _own(function)
    )


def _answers_alike(function: _Function) -> bool:
    returned = [node.value for node in _own(function) if isinstance(node, ast.Return)]
    return (
        bool(returned) and all(isinstance(value, ast.Constant) for value in returned) and len(returned) == 1
    )


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body, without those of functions inside it."""
    pending: list[ast.AST] = list(getattr(function, "body", []))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _Function | ast.ClassDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def defined(tree: ast.AST) -> Defined:
    """The functions of a file."""
    found: Defined = []
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            inner = f"{prefix}{child.name}." if isinstance(child, _Function | ast.ClassDef) else prefix
            if isinstance(child, _Function):
                found.append((inner[:-1], child))
            if not isinstance(child, ast.expr):
                pending.append((inner, child))
    return found
