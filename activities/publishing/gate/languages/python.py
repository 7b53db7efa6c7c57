"""Reads Python by its own parser."""

import ast
import copy
import warnings
from collections.abc import Iterable, Iterator
from typing import Final

from activities.publishing.gate.inventory import CAUGHT, LATER, NEVER, Assertion, Inventory, Part, Sign
from activities.publishing.gate.languages import python_answers, python_shape
from activities.publishing.gate.languages.python_assertions import demanded
from activities.publishing.gate.languages.python_names import dotted, imports, last, packages
from activities.publishing.gate.languages.python_signs import raises, signs

Function = ast.FunctionDef | ast.AsyncFunctionDef
_CONSTRUCTORS: Final = frozenset({"dict", "list", "tuple", "set", "str", "int", "super", "len"})
_CATCHING: Final = frozenset({"AssertionError", "Exception", "BaseException", "Failed"})
_LEAVING: Final = ast.Return | ast.Raise | ast.Continue | ast.Break


def read(source: str, *, in_tests: bool) -> Inventory | None:
    """The inventory of a Python file; None for one that this Python cannot parse.

    Args:
        source: Its text.
        in_tests: Whether it lies where tests are kept; elsewhere, files that import a framework have some.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = python_shape.plain(ast.parse(source))
        origins = dict(imports(tree))
        functions = python_answers.defined(tree)
        reader = _Reader(origins)
        framework = any(each.split(".", 1)[0] in {"pytest", "unittest"} for each in origins.values())
        if in_tests or framework:
            reader.block(tree.body, "", (), collects=True)
        comments = python_shape.comments(source)
        return Inventory(
            parts=reader.parts,
            signs=signs(tree, origins, functions) + reader.signs,
            kept=raises(tree, origins),
            functions=python_answers.functions(functions),
            examples=python_answers.examples(functions),
            origins=origins,
            packages=packages(tree),
            comments=comments,
            layout_free=python_shape.layout_free(tree, comments),
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Reader:
    """Goes through a file's statements once."""

    def __init__(self, origins: dict[str, str]) -> None:
        self.parts: dict[str, Part] = {"": Part()}
        self.signs = Inventory().signs
        self._origins = origins

    def block(
        self, body: Iterable[ast.stmt], prefix: str, conditions: tuple[str, ...], *, collects: bool
    ) -> None:
        """The statements of a file, a class, or a branch between them."""
        beside = self.parts.setdefault(prefix, Part())
        for statement in body:
            if isinstance(statement, Function):
                self._function(statement, prefix, conditions, collects=collects)
            elif isinstance(statement, ast.ClassDef):
                self._class(statement, prefix, conditions, collects=collects)
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            elif isinstance(statement, ast.If | ast.Try | ast.With):
                for condition, branch in _branches(statement):
                    inner = (*conditions, condition) if condition else conditions
                    self.block(branch, prefix, inner, collects=collects)
                beside.shape += python_shape.text(statement.test) if isinstance(statement, ast.If) else ""
            else:
                self._forget(statement, prefix)
                beside.shape += python_shape.text(statement)
                self._statements([statement], beside, conditions, test=False)

    def _class(self, node: ast.ClassDef, prefix: str, conditions: tuple[str, ...], *, collects: bool) -> None:
        name = f"{prefix}{node.name}."
        methods = {each.name for each in node.body if isinstance(each, Function)}
        unittest = any("Test" in last(dotted(base, self._origins)) for base in node.bases)
        pytest = node.name.startswith("Test") and "__init__" not in methods and "__new__" not in methods
        self.block(
            node.body, name, conditions, collects=collects and (unittest or pytest or bool(node.bases))
        )
        beside = self.parts[name]
        beside.trappings.update(python_shape.text(each) for each in node.decorator_list)
        beside.substance.update(last(dotted(each, self._origins)) for each in node.bases)
        beside.shape += "".join((*beside.trappings, *beside.substance))

    def _function(self, node: Function, prefix: str, conditions: tuple[str, ...], *, collects: bool) -> None:
        own = copy.deepcopy(node)
        python_shape.without_own_names(own)
        own.name = ""
        trappings = [python_shape.decorator(each) for each in own.decorator_list if not self._is_cases(each)]
        fixture = any("fixture" in each for each in trappings)
        part = Part(
            test=collects and node.name.startswith("test") and not fixture,
            shape=python_shape.text(own) + "".join(conditions),
            given=frozenset(each.arg for each in (*node.args.args, *node.args.kwonlyargs)),
            fixture=node.name if fixture and not any("autouse" in each for each in trappings) else "",
        )
        part.trappings.update([*trappings, *(f"only {each}" for each in conditions)])
        if isinstance(node, ast.AsyncFunctionDef):
            part.trappings["async"] += 1
        if part.test and python_answers.generates(node):
            self.signs[Sign.SKIP, "yield"] += 1  # pytest does not run such a test
        for decorator in own.decorator_list:
            if self._is_cases(decorator):
                self._cases(decorator, part)
        self._statements(own.body, part, conditions, test=part.test)
        self.parts.pop(f"{prefix}{node.name}", None)  # the later definition hides the earlier one
        self.parts[f"{prefix}{node.name}"] = part

    def _forget(self, statement: ast.stmt, prefix: str) -> None:
        """A test whose name is deleted, or given to something else, is not collected."""
        targets = statement.targets if isinstance(statement, ast.Delete | ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name):
                self.parts.pop(f"{prefix}{target.id}", None)

    def _is_cases(self, decorator: ast.expr) -> bool:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        return last(dotted(named, self._origins)) in {"parametrize", "expand", "data", "params"}

    def _cases(self, decorator: ast.expr, part: Part) -> None:
        for node in ast.walk(decorator):
            if isinstance(node, ast.List | ast.Tuple) and node in getattr(decorator, "args", []):
                part.rows.update(python_shape.text(each) for each in node.elts)

    def _statements(self, body: list[ast.stmt], part: Part, guards: tuple[str, ...], *, test: bool) -> None:
        reached = True
        for position, statement in enumerate(body):
            here = guards if reached else (*guards, NEVER)
            for condition, branch in _branches(statement):
                inner = (*here, condition) if condition else here
                self._statements(branch, part, inner, test=test and not isinstance(statement, Function))
            leaves = test and isinstance(statement, ast.Return) and _is_nothing(statement.value)
            if leaves and (position < len(body) - 1 or guards):
                self.signs[Sign.EARLY_LEAVE, "return"] += 1
            self._expressions(statement, part, here)
            reached = reached and not isinstance(statement, _LEAVING)

    def _expressions(self, statement: ast.stmt, part: Part, guards: tuple[str, ...]) -> None:
        """The assertions, literals, calls and tables of a statement, without those of statements inside."""
        pending: list[ast.AST] = [statement]
        table = getattr(statement, "iter" if isinstance(statement, ast.For) else "value", None)
        if isinstance(table, ast.List | ast.Tuple | ast.Set | ast.Dict):
            rows = table.values if isinstance(table, ast.Dict) else table.elts
            part.rows.update(python_shape.text(each) for each in rows)
            pending = [
                each for each in ast.iter_child_nodes(statement) if each is not table and not _is_inner(each)
            ]
        while pending:
            node = pending.pop()
            found = [each._replace(guards=guards) for each in self._demanded(node)]
            part.assertions += found
            if found:
                pending += _with_bodies_of_lambdas(node)
                continue
            if (
                isinstance(node, ast.Constant)
                and node.value is not None
                and node is not _docstring(statement)
            ):
                part.substance[repr(node.value)] += 1
            elif isinstance(node, ast.Call):
                name = last(dotted(node.func, {}))
                if name not in _CONSTRUCTORS:
                    part.substance[f"{name}()"] += 1
            elif isinstance(node, ast.Attribute | ast.Name):
                part.substance.update(_foreign(node))
            pending += [each for each in ast.iter_child_nodes(node) if not _is_inner(each)]

    def _demanded(self, node: ast.AST) -> Iterator[Assertion]:
        return demanded(node, python_shape.text, self._origins)


def _branches(statement: ast.stmt) -> Iterator[tuple[str, list[ast.stmt]]]:
    """The statements inside a statement, each list with what it takes to get there."""
    if isinstance(statement, ast.If):
        told = python_shape.text(statement.test)
        known = statement.test.value if isinstance(statement.test, ast.Constant) else None
        constant = isinstance(statement.test, ast.Constant)
        yield (NEVER if constant and not known else f"if {told}"), statement.body
        yield (NEVER if constant and known else f"unless {told}"), statement.orelse
    elif isinstance(statement, ast.Try | ast.TryStar):
        yield (CAUGHT if any(map(_hides, statement.handlers)) else "try"), statement.body
        yield from (("on error", handler.body) for handler in statement.handlers)
        yield "no error", statement.orelse
        yield "at last", statement.finalbody
    elif isinstance(statement, ast.With | ast.AsyncWith):
        yield (CAUGHT if any(_absorbs(item.context_expr) for item in statement.items) else ""), statement.body
    elif isinstance(statement, ast.For | ast.AsyncFor):
        empty = isinstance(statement.iter, ast.List | ast.Tuple) and not statement.iter.elts
        yield (NEVER if empty else "for"), statement.body
        yield "", statement.orelse
    elif isinstance(statement, ast.While):
        never = isinstance(statement.test, ast.Constant) and not statement.test.value
        yield (NEVER if never else "while"), statement.body
        yield "", statement.orelse
    elif isinstance(statement, ast.Match):
        yield from ((f"case {python_shape.text(case.pattern)}", case.body) for case in statement.cases)
    elif isinstance(statement, Function | ast.ClassDef):
        yield (LATER if isinstance(statement, Function) else ""), statement.body


def _absorbs(context: ast.expr) -> bool:
    """Whether a failed assertion ends in this context, as in `suppress` or `raises(AssertionError)`."""
    if not isinstance(context, ast.Call):
        return False
    name = last(dotted(context.func, {}))
    expected = context.args[0] if context.args else None
    types = expected.elts if isinstance(expected, ast.Tuple) else [expected] if expected else []
    expects = name in {"raises", "assertRaises", "assertRaisesRegex"}
    return name == "suppress" or (expects and any(last(dotted(each, {})) in _CATCHING for each in types))


def _hides(handler: ast.ExceptHandler) -> bool:
    """Whether a failed assertion ends in this handler."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    caught = any(each is None or last(dotted(each, {})) in _CATCHING for each in types)
    return caught and not any(isinstance(node, ast.Raise | ast.Assert) for node in ast.walk(handler))


def _foreign(node: ast.Attribute | ast.Name) -> Iterator[str]:
    """A name that is not the function's own; an attribute."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id
    if isinstance(node.ctx, ast.Load) and not name.startswith(python_shape.OWN) and name not in _CONSTRUCTORS:
        yield name


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or isinstance(value, ast.Constant)


def _is_inner(node: ast.AST) -> bool:
    return isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case)


def _docstring(statement: ast.stmt) -> ast.expr | None:
    return (
        statement.value
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        else None
    )


def _with_bodies_of_lambdas(node: ast.AST) -> list[ast.AST]:
    return (
        [each.body for each in ast.walk(node) if isinstance(each, ast.Lambda)]
        if isinstance(node, ast.Call)
        else []
    )
