"""What the nodes of JavaScript and TypeScript mean."""

import re
from collections.abc import Iterator
from typing import Final

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node

from activities.publishing.gate.inventory import CAUGHT, NEVER, Assertion, Sign, Strength
from activities.publishing.gate.languages.environment import READS_CI, TELLTALE_VARIABLES
from activities.publishing.gate.languages.trees import (
    Definition,
    Dialect,
    is_literal,
    of_type,
    root,
    text,
    words,
)

_TEST: Final = re.compile(r"(?:[xf]?(?:it|test|specify)|bench|Deno \. test)(?: \.| \(|$).*", re.DOTALL)
_SUITE: Final = re.compile(r"[xf]?(?:describe|context|suite)(?: \.| \(|$).*", re.DOTALL)
_OUT: Final = re.compile(
    r"[xf](?:it|test|specify|describe|context|suite)\b"
    r"|\. (?:only|skip|skipIf|runIf|todo|fails|failing|fixme|if)\b"
)
_INNER: Final = {
    "call_expression": "function",
    "member_expression": "object",
    "subscript_expression": "object",
    "await_expression": "argument",
    "non_null_expression": "expression",
}
_ASSERTING: Final = frozenset({"expect", "assert", "should", "expectTypeOf", "expectType", "chai"})
_PARTIAL: Final = frozenset(
    {
        "toContain",
        "toContainEqual",
        "toMatch",
        "toMatchObject",
        "toHaveProperty",
        "toBeInstanceOf",
        "include",
        "match",
    }
    | {
        "toBeGreaterThan",
        "toBeGreaterThanOrEqual",
        "toBeLessThan",
        "toBeLessThanOrEqual",
        "contain",
        "property",
    }
    | {
        "above",
        "below",
        "a",
        "an",
        "instanceOf",
        "toHaveBeenCalled",
        "toBeTypeOf",
        "not",
        "includes",
        "notEqual",
    }
    | {
        "notStrictEqual",
        "toThrow",
        "throw",
        "throws",
        "toMatchSnapshot",
        "called",
        "toReturn",
        "objectContaining",
    }
)
_APPROXIMATE: Final = frozenset({"toBeCloseTo", "closeTo", "approximately"})
_TRUTH: Final = frozenset(
    {
        "toBeTruthy",
        "toBeDefined",
        "toBeFalsy",
        "ok",
        "exist",
        "exists",
        "isOk",
        "truthy",
        "isDefined",
        "toBeNullable",
    }
)
_ANYTHING: Final = re.compile(r"expect \. anything \( \)|expect \. any \( Object \)")
_POWERFUL: Final = re.compile(
    r"eval|Function|child_process\b.*|(?:.*\. )?(?:execSync|spawnSync|execFile|execFileSync|spawn|fork)|exec"
)
_POWERFUL_MODULES: Final = frozenset(
    {"child_process", "net", "dgram", "tls", "vm", "worker_threads", "cluster"}
)
_BUILTIN: Final = (
    frozenset(
        {
            "assert",
            "buffer",
            "crypto",
            "events",
            "fs",
            "http",
            "https",
            "os",
            "path",
            "process",
            "querystring",
            "readline",
        }
        | {
            "stream",
            "string_decoder",
            "timers",
            "url",
            "util",
            "zlib",
            "async_hooks",
            "perf_hooks",
            "module",
            "console",
        }
    )
    | _POWERFUL_MODULES
)


def _definition(node: Node) -> Definition | None:
    if node.type == "call_expression":
        return _registered(node)
    if node.type in {"function_declaration", "generator_function_declaration", "method_definition"}:
        return Definition(
            text(node.child_by_field_name("name")),
            (node.child_by_field_name("parameters"), node.child_by_field_name("body")),
        )
    return None


def _registered(node: Node) -> Definition | None:
    """A test or a suite: a call with a title and a function."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or root(function, _INNER).type != "identifier":
        return None
    called = words(function)
    test = _TEST.fullmatch(called) is not None
    if not test and not _SUITE.fullmatch(called):
        return None
    given = arguments.named_children
    if not any(each.type in {"arrow_function", "function_expression"} for each in given):
        return None
    title = words(given[0])
    rows = tuple(words(each) for each in _table(function))
    trappings = tuple(words(each) for each in given[1:] if each.type in {"object", "number"})
    modifiers = tuple(re.findall(r"\. (\w+)", called.split("(", 1)[0]))
    return Definition(title, tuple(given[1:]), test, (*trappings, *modifiers), rows)


def _table(function: Node) -> Iterator[Node]:
    if function.type == "call_expression":
        for given in of_type(function, "arguments"):
            for array in of_type(given, "array"):
                yield from array.named_children


def _assertions(node: Node, guards: tuple[str, ...]) -> list[Assertion]:
    if node.type not in {"call_expression", "member_expression"}:
        return []
    first = text(root(node, _INNER))
    names, arguments = _chain(node)
    if (
        first not in _ASSERTING
        and not ("should" in names and first != "cy")
        and not (first == "cy" and "should" in names)
    ):
        return []
    told = _told(node, names, arguments)
    return [Assertion(told, _strength(first, names, arguments), guards, _tolerance(names, arguments))]


def _chain(node: Node) -> tuple[list[str], list[list[str]]]:
    """The names along a chain, outermost first, and the arguments of each call of it."""
    names: list[str] = []
    arguments: list[list[str]] = []
    while node.type in _INNER:
        if node.type == "member_expression":
            names.append(text(node.child_by_field_name("property")))
        elif node.type == "call_expression":
            given = node.child_by_field_name("arguments")
            arguments.append([words(each) for each in given.named_children] if given is not None else [])
        below = node.child_by_field_name(_INNER[node.type])
        if below is None:
            break
        node = below
    return names, arguments


def _told(node: Node, names: list[str], arguments: list[list[str]]) -> str:
    if _APPROXIMATE.isdisjoint(names):
        return words(node)
    return f"{arguments[-1:]} near {arguments[0][:1]}"


def _strength(first: str, names: list[str], arguments: list[list[str]]) -> Strength:
    subject = arguments[-1][0] if arguments and arguments[-1] else ""
    expected = arguments[0][0] if len(arguments) > 1 and arguments[0] else ""
    if first == "assert":
        return _assert_strength(names, arguments[0] if arguments else [])
    if first == "expect" and names and names[-1] in {"assertions", "hasAssertions"}:
        return Strength.EXACT
    if first == "expect" and not names:
        return Strength.VACUOUS
    if subject == expected or (is_literal(subject) and (not expected or is_literal(expected))):
        return Strength.VACUOUS
    if _ANYTHING.fullmatch(expected):
        return Strength.VACUOUS
    return _named_strength(names)


def _assert_strength(names: list[str], given: list[str]) -> Strength:
    if not given or (names[:1] in ([], ["ok"]) and is_literal(given[0])) or given[:1] == given[1:2]:
        return Strength.VACUOUS
    if len(given) > 1 and is_literal(given[0]) and is_literal(given[1]) and names[:1] not in ([], ["ok"]):
        return Strength.VACUOUS
    if names:
        return _named_strength(names)
    compared = re.search(r" (?:===?) ", given[0])
    return Strength.EXACT if compared else Strength.TRUTH


def _named_strength(names: list[str]) -> Strength:
    for group, strength in (
        (_TRUTH, Strength.TRUTH),
        (_PARTIAL, Strength.PARTIAL),
        (_APPROXIMATE, Strength.APPROXIMATE),
    ):
        if not group.isdisjoint(names):
            return strength
    return Strength.EXACT


def _tolerance(names: list[str], arguments: list[list[str]]) -> float:
    if _APPROXIMATE.isdisjoint(names) or not arguments or len(arguments[0]) <= 1:
        return 0.005 if not _APPROXIMATE.isdisjoint(names) else 0.0
    try:
        number = min(max(float(arguments[0][1]), -300.0), 1e300)
    except ValueError:
        return 0.0
    return 10.0**-number if "toBeCloseTo" in names else number


def _made(node: Node) -> Iterator[tuple[Sign, str]]:
    if text(node.child_by_field_name("constructor")) == "Function":
        yield Sign.POWER, "Function"


def _asked(node: Node) -> Iterator[tuple[Sign, str]]:
    if READS_CI.fullmatch(words(node).replace(" ", "")):
        yield Sign.SPECIAL_CASE, "CI"


def _caught(node: Node) -> Iterator[tuple[Sign, str]]:
    body = node.child_by_field_name("body")
    if body is not None and all(each.type in {"comment", "return_statement"} for each in body.named_children):
        yield Sign.SWALLOWED, "catch"


def _cast(node: Node) -> Iterator[tuple[Sign, str]]:
    types = node.named_children[-1:] if node.type == "as_expression" else node.named_children[:1]
    if any(words(each).strip("<> ") in {"any", "unknown", "never"} for each in types):
        yield Sign.SUPPRESSION, "as any"


def _typed(node: Node) -> Iterator[tuple[Sign, str]]:
    if text(node) == "any":
        yield Sign.UNTYPED, "any"


def _compared(node: Node) -> Iterator[tuple[Sign, str]]:
    if re.search(r"NODE_ENV \)? ?[!=]==? \"test\"|\"test\" [!=]==? .{0,40}NODE_ENV", words(node)[:200]):
        yield Sign.SPECIAL_CASE, "test"


def _debugger(_node: Node) -> Iterator[tuple[Sign, str]]:
    yield Sign.POWER, "debugger"


def _telltale(node: Node) -> Iterator[tuple[Sign, str]]:
    if text(node) in TELLTALE_VARIABLES:
        yield Sign.SPECIAL_CASE, text(node)


def _returned(node: Node) -> Iterator[tuple[Sign, str]]:
    if not node.named_children and _leaves_early(node):
        yield Sign.EARLY_LEAVE, "return"


def _called(node: Node) -> Iterator[tuple[Sign, str]]:
    called = words(node.child_by_field_name("function"))
    first = text(root(node, _INNER))
    if ((_TEST.fullmatch(called) or _SUITE.fullmatch(called)) and _OUT.search(called)) or called in {
        "this . skip",
        "test . skip",
        "t . skip",
        "t . todo",
        "pending",
        "test . fail",
        "test . fixme",
    }:
        yield Sign.SKIP, called
    elif re.search(r"\. (?:retry|retries|retryTimes)$", called):
        yield Sign.RETRY, called
    given = node.child_by_field_name("arguments")
    arguments = [words(each) for each in given.named_children] if given is not None else []
    if called in {"process . exit", "Deno . exit"} and arguments in ([], ["0"]):
        yield Sign.EXIT, called
    if _POWERFUL.fullmatch(called) or (
        called == "require" and arguments and _module(arguments[0]) in _POWERFUL_MODULES
    ):
        yield Sign.POWER, called
    if called in {"import", "require"} and arguments and not is_literal(arguments[0]):
        yield Sign.POWER, called
    if first in {"jest", "vi"} and re.search(r"\. (?:mock|doMock|unstable_mockModule)$", called):
        yield Sign.STAND_IN, called


def _leaves_early(node: Node) -> bool:
    """Whether a bare return is the first statement of its block, or not the last of it."""
    siblings = node.parent.named_children if node.parent is not None else []
    if node.parent is not None and node.parent.type == "if_statement":
        return True
    return bool(siblings) and (siblings[0] == node or siblings[-1] != node)


def _if(node: Node, child: Node) -> str:
    condition = node.child_by_field_name("condition")
    if child == condition or not child.is_named:
        return ""
    told = words(condition)
    otherwise = child == node.child_by_field_name("alternative")
    if _FALSE.fullmatch(told):
        return "" if otherwise else NEVER
    return f"{'unless' if otherwise else 'if'} {told}"


_FALSE: Final = re.compile(r"\(? ?(?:false|0|null|undefined) ?\)?")


def _try(node: Node, child: Node) -> str:
    handler = node.child_by_field_name("handler")
    if handler is None or child not in {handler, node.child_by_field_name("body")}:
        return ""
    if child == handler:
        return "on error"
    tells = re.search(r"\b(?:throw|expect|assert|fail|done|reject)\b", text(handler))
    return "try" if tells else CAUGHT


def _for(_node: Node, child: Node) -> str:
    return "for" if child.type == "statement_block" else ""


def _imports(node: Node) -> list[tuple[str, str]] | None:
    if node.type == "import_statement":
        source = _module(words(node.child_by_field_name("source")))
        names = re.findall(r"[\w$]+", text(node).rsplit("from", 1)[0])
        bound = [name for name in names if name not in {"import", "from", "as", "type", "default"}]
        return [(name, source) for name in bound] or [("", source)]
    return None


def _module(quoted: str) -> str:
    return quoted.strip("\"'`")


def _package(origin: str) -> str:
    if not origin or origin.startswith((".", "/", "#", "node:", "@/", "~", "bun:", "virtual:", "http")):
        return ""
    parts = origin.split("/")
    name = "/".join(parts[:2]) if origin.startswith("@") else parts[0]
    return "" if name in _BUILTIN else name


def _call(node: Node) -> str | None:
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        if function is not None and function.type == "member_expression":
            function = function.child_by_field_name("property")
        return text(function)[:200]
    return None


def _rows(node: Node) -> list[Node]:
    if node.type != "array" or node.parent is None:
        return []
    iterated = node.parent.type == "member_expression" and text(node.parent).endswith(("forEach", "map"))
    if not iterated and node.parent.type not in {
        "variable_declarator",
        "for_in_statement",
        "array",
        "as_expression",
    }:
        return []
    return [each for each in node.children if each.type in {"array", "object", "new_expression"}]


def _dialect(grammar: object) -> Dialect:
    return Dialect(
        grammar=Language(grammar),
        definition=_definition,
        assertions=_assertions,
        signs={
            "call_expression": _called,
            "new_expression": _made,
            "member_expression": _asked,
            "subscript_expression": _asked,
            "catch_clause": _caught,
            "as_expression": _cast,
            "type_assertion": _cast,
            "predefined_type": _typed,
            "binary_expression": _compared,
            "debugger_statement": _debugger,
            **dict.fromkeys(("identifier", "property_identifier", "string_fragment"), _telltale),
            "return_statement": _returned,
        },
        guards={
            "if_statement": _if,
            "ternary_expression": _if,
            "try_statement": _try,
            **dict.fromkeys(("for_statement", "for_in_statement", "while_statement"), _for),
        },
        imports=_imports,
        package=_package,
        literals=frozenset({"string", "number", "template_string", "true", "false", "null", "regex"}),
        call=_call,
        rows=_rows,
    )


JAVASCRIPT: Final = _dialect(tree_sitter_javascript.language())
TYPESCRIPT: Final = _dialect(tree_sitter_typescript.language_typescript())
TSX: Final = _dialect(tree_sitter_typescript.language_tsx())
