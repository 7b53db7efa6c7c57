"""What the nodes of JavaScript and TypeScript mean."""

import re
from collections.abc import Iterator
from typing import Final

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node

from activities.publishing.gate.inventory import CAUGHT, LATER, NEVER, Assertion, Sign, Strength
from activities.publishing.gate.languages.environment import READS_CI, is_telltale, names_framework
from activities.publishing.gate.languages.syntax import LINKS, WORDS, is_literal, of_type, root, text, words
from activities.publishing.gate.languages.tree_answers import Answers, Routine
from activities.publishing.gate.languages.trees import Definition, Dialect

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
    called = words(_head(node))
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


def _head(node: Node) -> Node | None:
    """What a call names; for one with a table, as `it.each([…])(…)`, what stands before the table."""
    function = node.child_by_field_name("function")
    if function is not None and function.type == "call_expression":
        return function.child_by_field_name("function")
    return function


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
    for _ in range(LINKS):
        if node.type not in _INNER:
            break
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
        number = min(max(float(arguments[0][1].replace(" ", "")), -300.0), 1e300)
    except ValueError:
        return 0.0
    return 10.0**-number if "toBeCloseTo" in names else number


_ASKING: Final = frozenset({"member_expression", "subscript_expression", "variable_declarator"})
_GLOBAL_BY_NAME: Final = re.compile(r"(?:globalThis|global|window|self) \[")
_FORGIVES: Final = re.compile(
    r"\( ?(?:\w+|\( \w* ?\)) => (?:\{ \}|null|undefined|\[ \]|\( \{ \} \)|\"[^\"]*\"|\d+|true|false)(?: \))?"
)
_CONNECTS: Final = re.compile(
    r"(?:(?:globalThis|window) \. )?fetch|axios(?: \. \w+)?|https? \. (?:request|get)|got(?: \. \w+)?"
    r"|navigator \. sendBeacon"
)


def _made(node: Node) -> Iterator[tuple[Sign, str]]:
    if (made := text(node.child_by_field_name("constructor"))[:40]) in {
        "Function",
        "WebSocket",
        "XMLHttpRequest",
    }:
        yield Sign.POWER, made


def _asked(node: Node) -> Iterator[tuple[Sign, str]]:
    if node.descendant_count > WORDS:
        return
    told = words(node)
    if told == "process . env" and (node.parent is None or node.parent.type not in _ASKING):
        yield Sign.ENVIRONMENT, told
    elif told == "import . meta . vitest":
        yield Sign.CALLER, told
    elif node.type == "subscript_expression" and _GLOBAL_BY_NAME.match(told) and not told.endswith('" ]'):
        yield Sign.POWER, "global"
    elif node.type == "subscript_expression" and '" + "' in told:
        yield Sign.POWER, "put together"
    if READS_CI.fullmatch(told.replace(" ", "")):
        yield Sign.SPECIAL_CASE, "CI"
    if (_TEST.fullmatch(told) or _SUITE.fullmatch(told)) and _OUT.search(told):
        yield Sign.SKIP, told


def _caught(node: Node) -> Iterator[tuple[Sign, str]]:
    body = node.child_by_field_name("body")
    if body is not None and all(map(_does_nothing, body.named_children)):
        yield Sign.SWALLOWED, "catch"


def _does_nothing(statement: Node) -> bool:
    if statement.type in {"comment", "return_statement"}:
        return True
    return re.match(r"(?:console|log(?:ger)?) \. \w+ \(", _words_of(statement)) is not None


def _cast(node: Node) -> Iterator[tuple[Sign, str]]:
    types = node.named_children[-1:] if node.type == "as_expression" else node.named_children[:1]
    if any(words(each).strip("<> ") in {"any", "unknown", "never"} for each in types):
        yield Sign.SUPPRESSION, "as any"


def _typed(node: Node) -> Iterator[tuple[Sign, str]]:
    if text(node) == "any":
        yield Sign.UNTYPED, "any"


def _compared(node: Node) -> Iterator[tuple[Sign, str]]:
    if node.descendant_count > WORDS:
        return
    if re.search(r"NODE_ENV \)? ?[!=]==? \"test\"|\"test\" [!=]==? .{0,40}NODE_ENV", words(node)[:200]):
        yield Sign.SPECIAL_CASE, "test"
    elif re.search(r" in (?:globalThis|global|window|self)$", words(node)[-40:]):
        yield Sign.CALLER, "global"


def _debugger(_node: Node) -> Iterator[tuple[Sign, str]]:
    yield Sign.POWER, "debugger"


def _telltale(node: Node) -> Iterator[tuple[Sign, str]]:
    if is_telltale(text(node)):
        yield Sign.SPECIAL_CASE, text(node)
    elif node.type == "string_fragment" and names_framework(text(node)) and not _is_import(node):
        yield Sign.TESTED, "framework"


def _is_import(node: Node) -> bool:
    above = node.parent.parent if node.parent is not None else None
    return above is not None and (
        above.type in {"import_statement", "export_statement"} or _is_required(above)
    )


def _is_required(arguments: Node) -> bool:
    call = arguments.parent
    return call is not None and text(call.child_by_field_name("function")) in {"require", "import"}


def _routine(node: Node) -> Routine | None:
    named = node
    if node.type == "variable_declarator":
        node = node.child_by_field_name("value") or node
        if node.type not in {"arrow_function", "function_expression"}:
            return None
    elif node.type not in {"function_declaration", "generator_function_declaration", "method_definition"}:
        return None
    given = (node.child_by_field_name("parameters"), node.child_by_field_name("parameter"))
    return Routine(text(named.child_by_field_name("name")), given, node.child_by_field_name("body"))


def _thrown(_node: Node) -> int:
    return 1


def _raised(node: Node) -> int:
    called = words(node.child_by_field_name("function"))[:80]
    ends = called in {"process . exit", "Deno . exit"} and words(
        node.child_by_field_name("arguments")
    ) not in {"( )", "( 0 )"}
    return ends or called in {"Promise . reject", "reject"}


def _exit_code(node: Node) -> int:
    if text(node.child_by_field_name("left")) != "process.exitCode":
        return 0
    return text(node.child_by_field_name("right")) != "0"


def _looked_up(node: Node) -> Node | None:
    made = node.child_by_field_name("object")
    while made is not None and made.type == "parenthesized_expression":
        made = made.named_children[0] if made.named_child_count else None
    return made if made is not None and made.type == "object" else None


def _assigned(node: Node) -> Iterator[tuple[Sign, str]]:
    left = node.child_by_field_name("left")
    if left is None or left.descendant_count > WORDS:
        return
    told = words(left)
    if re.match(r"(?:globalThis|global|window|self)(?: \.| \[)", told) or " . prototype" in told:
        yield Sign.GLOBAL, told


def _bound(node: Node) -> Iterator[tuple[Sign, str]]:
    """`const { CI } = process.env`."""
    value, pattern = node.child_by_field_name("value"), node.child_by_field_name("name")
    if _words_of(value) == "process . env" and pattern is not None and pattern.type == "object_pattern":
        if re.search(r"\bCI\b", text(pattern)):
            yield Sign.SPECIAL_CASE, "CI"
    elif value is not None and value.type == "identifier" and text(value) in _ASSERTING:
        yield Sign.STAND_IN, text(value)


def _words_of(node: Node | None) -> str:
    """The words of a short expression; nothing of a long one."""
    return words(node) if node is not None and node.descendant_count <= WORDS else ""


def _asserted_to_be(_node: Node) -> Iterator[tuple[Sign, str]]:
    yield Sign.UNTYPED, "!"


def _unary(node: Node) -> Iterator[tuple[Sign, str]]:
    if re.fullmatch(
        r"typeof \(? ?(?:jest|vi|vitest|describe|it|expect|test|mocha|cy)(?: \))?", _words_of(node)
    ):
        yield Sign.SPECIAL_CASE, "typeof"


def _module_declared(node: Node) -> Iterator[tuple[Sign, str]]:
    """`declare module "x";` gives up every type of a package."""
    if node.child_by_field_name("body") is None:
        yield Sign.UNTYPED, "module"


def _called(node: Node) -> Iterator[tuple[Sign, str]]:
    function = _head(node)
    if function is None or function.descendant_count > WORDS:
        return
    called = words(function)
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
    plain = given is not None and given.descendant_count <= WORDS
    arguments = [words(each) for each in given.named_children] if given is not None and plain else []
    if called in {"process . exit", "Deno . exit"} and plain and arguments in ([], ["0"]):
        yield Sign.EXIT, called
    if _POWERFUL.fullmatch(called) or (
        called == "require" and arguments and _module(arguments[0]) in _POWERFUL_MODULES
    ):
        yield Sign.POWER, called
    if called in {"import", "require"} and arguments and not is_literal(arguments[0]):
        yield Sign.POWER, called
    if called.endswith(". catch") and _FORGIVES.fullmatch(_words_of(given)):
        yield Sign.SWALLOWED, "catch"
    if _CONNECTS.fullmatch(called) and not (arguments and re.match(r"[\"`](?!https?:)", arguments[0])):
        yield Sign.POWER, called
    if first in {"jest", "vi"} and re.search(r"\. (?:mock|doMock|unstable_mockModule)$", called):
        yield Sign.STAND_IN, called


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


def _function(node: Node, child: Node) -> str:
    """One that is kept for later may never be called."""
    kept = node.parent is not None and node.parent.type == "variable_declarator"
    return LATER if kept and child == node.child_by_field_name("body") else ""


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
            "assignment_expression": _assigned,
            "variable_declarator": _bound,
            "non_null_expression": _asserted_to_be,
            "unary_expression": _unary,
            "module": _module_declared,
            **dict.fromkeys(("identifier", "property_identifier", "string_fragment"), _telltale),
        },
        guards={
            "if_statement": _if,
            "ternary_expression": _if,
            "try_statement": _try,
            **dict.fromkeys(("arrow_function", "function_expression"), _function),
            **dict.fromkeys(("for_statement", "for_in_statement", "while_statement"), _for),
        },
        imports=_imports,
        package=_package,
        literals=frozenset({"string", "number", "template_string", "true", "false", "null", "regex"}),
        call=_call,
        rows=_rows,
        answers=Answers(
            function=_routine,
            raises={
                "throw_statement": _thrown,
                "call_expression": _raised,
                "assignment_expression": _exit_code,
            },
            tables={"subscript_expression": _looked_up},
        ),
    )


JAVASCRIPT: Final = _dialect(tree_sitter_javascript.language())
TYPESCRIPT: Final = _dialect(tree_sitter_typescript.language_typescript())
TSX: Final = _dialect(tree_sitter_typescript.language_tsx())
