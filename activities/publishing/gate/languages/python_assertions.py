"""What a Python assertion demands, in one form for `assert`, unittest, pytest and numpy."""

import ast
from collections.abc import Callable, Iterator
from typing import Final

from activities.publishing.gate.inventory import Assertion, Strength
from activities.publishing.gate.languages.python_names import dotted, last

_COMPARED: Final[dict[type[ast.cmpop], tuple[str, Strength]]] = {
    ast.Eq: ("==", Strength.EXACT),
    ast.Is: ("==", Strength.EXACT),
    ast.NotEq: ("!=", Strength.PARTIAL),
    ast.IsNot: ("!=", Strength.PARTIAL),
    ast.In: ("in", Strength.PARTIAL),
    ast.NotIn: ("not in", Strength.PARTIAL),
    ast.Lt: ("<", Strength.PARTIAL),
    ast.LtE: ("<=", Strength.PARTIAL),
    ast.Gt: (">", Strength.PARTIAL),
    ast.GtE: (">=", Strength.PARTIAL),
}
_OPPOSITES: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
_COMPARING_METHODS: Final[dict[str, type[ast.cmpop]]] = {
    **dict.fromkeys(
        (
            *("assertEqual", "assertEquals", "assertListEqual", "assertDictEqual", "assertTupleEqual"),
            *("assertSetEqual", "assertMultiLineEqual", "assertSequenceEqual", "assertIs", "failUnlessEqual"),
        ),
        ast.Eq,
    ),
    **dict.fromkeys(("assertNotEqual", "assertNotEquals", "assertIsNot"), ast.NotEq),
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
}
_OTHER_METHODS: Final = {
    "assertAlmostEqual": Strength.APPROXIMATE,
    "assertAlmostEquals": Strength.APPROXIMATE,
    "assertCountEqual": Strength.APPROXIMATE,
    "assertItemsEqual": Strength.APPROXIMATE,
    "assertIsInstance": Strength.PARTIAL,
    "assertRegex": Strength.PARTIAL,
    "assertRegexpMatches": Strength.PARTIAL,
    "assert_allclose": Strength.APPROXIMATE,
    "assert_almost_equal": Strength.APPROXIMATE,
    "assert_called": Strength.PARTIAL,
    "assert_called_once": Strength.APPROXIMATE,
    "assert_any_call": Strength.APPROXIMATE,
}
_RENAMED: Final = {
    "assertAlmostEquals": "assertAlmostEqual",
    "assertItemsEqual": "assertCountEqual",
    "assertRegexpMatches": "assertRegex",
    "assertRaisesRegexp": "assertRaisesRegex",
    "assert_": "assertTrue",
    "failUnless": "assertTrue",
    "failIf": "assertFalse",
}
_RAISING: Final = frozenset(
    {"raises", "assertRaises", "assertRaisesRegex", "warns", "assertWarns", "deprecated_call", "assertLogs"}
)
_ANY_EXCEPTION: Final = frozenset({"Exception", "BaseException", "Warning"})
_PREDICATES: Final = frozenset(
    {
        "isinstance",
        "issubclass",
        "all",
        "any",
        "allclose",
        "isclose",
        "startswith",
        "endswith",
        "match",
        "search",
    }
)
_TOLERANCES: Final = frozenset(
    {"rel", "abs", "rtol", "atol", "delta", "rel_tol", "abs_tol", "places", "decimal"}
)
_DECIMAL_PLACES: Final = frozenset({"places", "decimal"})

Text = Callable[[ast.AST], str]
"""The layout-free text of a node."""


def demanded(node: ast.AST, text: Text, origins: dict[str, str]) -> Iterator[Assertion]:
    """What a statement `assert`, or a call, demands; nothing for a call that asserts nothing."""
    if isinstance(node, ast.Assert):
        yield from _truth(node.test, text, negated=False)
    elif isinstance(node, ast.Call):
        yield from _call(node, text, origins)


def _call(node: ast.Call, text: Text, origins: dict[str, str]) -> Iterator[Assertion]:
    name = dotted(node.func, origins)
    method = _RENAMED.get(last(name), last(name))
    arguments = node.args
    if method in _RAISING:
        yield _raising(node, text)
    elif method in {"assertTrue", "assertFalse"} and arguments:
        yield from _truth(arguments[0], text, negated=method == "assertFalse")
    elif method in {"assertIsNone", "assertIsNotNone"} and arguments:
        operator: ast.cmpop = ast.Is() if method == "assertIsNone" else ast.IsNot()
        yield _comparison(ast.Compare(arguments[0], [operator], [ast.Constant(None)]), text, negated=False)
    elif method in _COMPARING_METHODS and len(arguments) >= 2:  # noqa: PLR2004 — two operands
        compared = ast.Compare(arguments[0], [_COMPARING_METHODS[method]()], [arguments[1]])
        yield _comparison(compared, text, negated=False)
    elif method == "fail" and ("pytest" in name or name.startswith("self.")):
        yield Assertion("fail", Strength.EXACT)
    elif method.lower().startswith(("assert", "expect", "verify", "should")):
        told = ", ".join(text(each) for each in (*arguments, *_plain_keywords(node)))
        on = text(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        strength = _OTHER_METHODS.get(method, Strength.EXACT)
        yield Assertion(f"{on}.{method}({told})", strength, tolerance=_tolerance(node))


def _plain_keywords(node: ast.Call) -> Iterator[ast.AST]:
    for keyword in node.keywords:
        if keyword.arg not in _TOLERANCES and keyword.arg not in {"msg", "err_msg"}:
            yield keyword


def _raising(node: ast.Call, text: Text) -> Assertion:
    expected = node.args[0] if node.args else None
    names = expected.elts if isinstance(expected, ast.Tuple) else [expected] if expected else []
    bounds = sorted(text(each.value) for each in node.keywords if each.arg in {"match", "check"})
    bounds += [text(each) for each in node.args[1:2] if isinstance(each, ast.Constant)]
    if any(isinstance(each, ast.Name) and each.id in _ANY_EXCEPTION for each in names):
        strength = Strength.PARTIAL if bounds else Strength.TRUTH
    elif len(names) > 1:
        strength = Strength.PARTIAL
    else:
        strength = Strength.EXACT if bounds else Strength.APPROXIMATE
    told = sorted(text(each) for each in names)
    implied = {f"raises {told} []"} if bounds else set()
    if strength > Strength.PARTIAL:
        implied |= {f"raises [{text(ast.Name(each, ast.Load()))!r}] []" for each in _ANY_EXCEPTION}
    return Assertion(f"raises {told} {bounds}", strength, implied=frozenset(implied))


def _truth(node: ast.expr, text: Text, *, negated: bool) -> Iterator[Assertion]:
    """What it takes for an expression to be true, or false."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _truth(node.operand, text, negated=not negated)
    elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or if negated else ast.And):
        for each in node.values:
            yield from _truth(each, text, negated=negated)
    elif isinstance(node, ast.BoolOp):
        yield _alternatives(node, text, negated=negated)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield _comparison(node, text, negated=negated)
    elif _is_constant(node):
        fails = isinstance(node, ast.Constant) and bool(node.value) is negated
        yield Assertion("fail", Strength.EXACT) if fails else Assertion("true", Strength.VACUOUS)
    else:
        yield Assertion(f"{'not ' if negated else ''}{text(node)}", _strength(node))


def _alternatives(node: ast.BoolOp, text: Text, *, negated: bool) -> Assertion:
    each = [found for value in node.values for found in _truth(value, text, negated=negated)]
    weakest = min(found.strength for found in each)
    return Assertion(f"either {[found.text for found in each]}", min(weakest, Strength.TRUTH))


def _comparison(node: ast.Compare, text: Text, *, negated: bool) -> Assertion:
    left, right = node.left, node.comparators[0]
    kind = type(node.ops[0])
    operator, strength = _COMPARED[_OPPOSITES[kind] if negated else kind]
    first, second = text(left), text(right)
    if operator in {"==", "!="}:
        boolean = [
            each for each in (left, right) if isinstance(each, ast.Constant) and isinstance(each.value, bool)
        ]
        if len(boolean) == 1:
            denied = boolean[0].value is (operator == "!=")
            told = second if boolean[0] is left else first
            return Assertion(f"not {told}" if denied else told, Strength.EXACT)
        first, second = sorted((first, second))
    tolerance = max(_tolerance(left), _tolerance(right))
    if first == second or (_is_constant(left) and _is_constant(right)) or "'ANY'" in first + second:
        strength = Strength.VACUOUS
    elif operator == "!=" and "Constant(None)" in {first, second}:
        strength = Strength.TRUTH
    elif operator in {">=", ">"} and _is_length(left) and second in {"Constant(0)", "Constant(-1)"}:
        strength = Strength.VACUOUS if operator == ">=" or second == "Constant(-1)" else Strength.TRUTH
    elif strength is Strength.EXACT and any(_is_approximate(each) for each in (left, right)):
        strength = Strength.APPROXIMATE
        first, second = _without_tolerance(left, text), _without_tolerance(right, text)
    return Assertion(f"{first} {operator} {second}", strength, tolerance=tolerance)


def _is_constant(node: ast.expr) -> bool:
    """Whether the truth of an expression is known without running it."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts)
    if isinstance(node, ast.Dict):
        return bool(node.keys)
    return isinstance(node, ast.Constant | ast.Lambda | ast.JoinedStr | ast.GeneratorExp)


def _is_length(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"


def _strength(node: ast.expr) -> Strength:
    if isinstance(node, ast.Compare):
        return Strength.PARTIAL
    if isinstance(node, ast.Call):
        name = last(dotted(node.func, {}))
        if name == "isinstance" and any(
            isinstance(each, ast.Name) and each.id == "object" for each in node.args[1:]
        ):
            return Strength.VACUOUS
        return Strength.PARTIAL if name in _PREDICATES else Strength.TRUTH
    return Strength.TRUTH


def _is_approximate(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last(dotted(node.func, {})) in {"approx", "round"}


def _without_tolerance(node: ast.expr, text: Text) -> str:
    if isinstance(node, ast.Call) and _is_approximate(node):
        return f"approx({', '.join(text(each) for each in node.args[:1])})"
    return text(node)


def _tolerance(node: ast.expr) -> float:
    """How far off a call allows a value to be, by the largest number it names for that."""
    if not isinstance(node, ast.Call):
        return 0.0
    named = {each.arg: each.value for each in node.keywords if each.arg in _TOLERANCES}
    if last(dotted(node.func, {})) == "approx":
        named |= dict(zip(("rel", "abs"), node.args[1:3], strict=False))
    if last(dotted(node.func, {})) in {
        "assertAlmostEqual",
        "assertAlmostEquals",
        "assert_almost_equal",
        "round",
    }:
        position = 1 if last(dotted(node.func, {})) == "round" else 2
        named |= dict(zip(("places",), node.args[position : position + 1], strict=False))
    found = [0.0]
    for name, value in named.items():
        if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
            number = min(max(float(value.value), -300.0), 1e300)
            found.append(10.0**-number if name in _DECIMAL_PLACES else number)
    return max(found)
