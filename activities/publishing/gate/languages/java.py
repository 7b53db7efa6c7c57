"""What the nodes of Java mean."""

import re
from collections.abc import Iterator
from typing import Final

import tree_sitter_java
from tree_sitter import Language, Node

from activities.publishing.gate.inventory import CAUGHT, LATER, NEVER, Assertion, Sign, Strength
from activities.publishing.gate.languages.environment import READS_CI, is_telltale, names_framework
from activities.publishing.gate.languages.syntax import LINKS, WORDS, is_literal, root, text, words
from activities.publishing.gate.languages.tree_answers import Answers, Routine
from activities.publishing.gate.languages.trees import Definition, Dialect

_TESTS: Final = frozenset(
    {"Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate", "Property", "Theory"}
)
_OUT: Final = re.compile(
    r"@ (?:\w+ \. )*(?:Disabled\w*|Ignore\w*|Enabled\w*)\b.*|.*\benabled = false\b.*", re.DOTALL
)
_SUPPRESSES: Final = re.compile(r"@ (?:\w+ \. )*Suppress\w*\b.*", re.DOTALL)
_RETRIES: Final = re.compile(r"@ (?:\w+ \. )*(?:Retry\w*|RepeatedIfExceptions\w*|Flaky\w*)\b.*", re.DOTALL)
_ROWS: Final = re.compile(
    r"@ (?:\w+ \. )*(?:ValueSource|CsvSource|EnumSource|MethodSource|CsvFileSource)\b.*", re.DOTALL
)
_HARMLESS: Final = frozenset(
    {"Override", "DisplayName", "Nullable", "Nonnull", "NonNull", "Deprecated", "SafeVarargs"}
)
_ASSERTING: Final = re.compile(r"assert\w*|fail|verify\w*|expect\w*|then\w*")
_INNER: Final = {"method_invocation": "object", "field_access": "object"}
_PARTIAL: Final = re.compile(
    r"assertNotEquals|assertNotSame|assertInstanceOf|contains\w*|isInstanceOf|startsWith|endsWith|matches|isNotEqualTo"
    r"|isGreater\w*|isLess\w*|isBetween|hasMessageContaining|isPositive|atLeast\w*|assertLinesMatch|isIn"
)
_TRUTH: Final = re.compile(
    r"assertTrue|assertFalse|assertNotNull|isNotNull|isNotEmpty|isTrue|isFalse|assertDoesNotThrow|isPresent"
)
_APPROXIMATE: Final = re.compile(r"isCloseTo|closeTo|within|offset")
_MESSAGED: Final = {"assertTrue": 1, "assertFalse": 1, "assertNull": 1, "assertNotNull": 1, "fail": 0}
_POWERFUL: Final = re.compile(
    r"Runtime \. getRuntime \( \) \. exec|Class \. forName|System \. load(?:Library)?|\w+ \. eval"
    r"|HttpClient \. newHttpClient"
)


def _definition(node: Node) -> Definition | None:
    if node.type in {"method_declaration", "constructor_declaration"}:
        name = text(node.child_by_field_name("name"))
        written = _annotations(node)
        marked = any(_annotation(each) in _TESTS for each in written)
        test = (marked or (name.startswith("test") and _in_test_case(node))) and not _is_passed_over(node)
        rows = tuple(
            row for each in written if _ROWS.fullmatch(each) for row in re.findall(r'"[^"]*"|\b\d+\b', each)
        )
        plain = tuple(
            each for each in written if _annotation(each) not in _HARMLESS and not _ROWS.fullmatch(each)
        )
        within = (node.child_by_field_name("parameters"), node.child_by_field_name("body"))
        return Definition(name, within, test, plain, rows)
    if node.type == "class_declaration":
        around = [each for each in _annotations(node) if _annotation(each) not in _HARMLESS]
        around += ["abstract"] if "abstract" in _modifiers(node) else []
        body = node.child_by_field_name("body")
        return Definition(text(node.child_by_field_name("name")), (body,), trappings=tuple(around))
    return None


def _modifiers(node: Node) -> list[str]:
    modifiers = next((each for each in node.children if each.type == "modifiers"), None)
    return [text(each) for each in modifiers.children if not each.is_named] if modifiers is not None else []


def _is_passed_over(node: Node) -> bool:
    """Whether JUnit passes over a method, whatever stands on it."""
    return not {"private", "static", "abstract"}.isdisjoint(_modifiers(node))


def _annotations(node: Node) -> list[str]:
    modifiers = next((each for each in node.children if each.type == "modifiers"), None)
    found = modifiers.named_children if modifiers is not None else []
    return [words(each) for each in found if each.type in {"annotation", "marker_annotation"}]


def _annotation(told: str) -> str:
    """`Test` for `@ org . junit . Test ( timeout = 5 )`."""
    return told.split("(", 1)[0].strip("@ ").rsplit(" ", 1)[-1]


def _in_test_case(node: Node) -> bool:
    above = node.parent.parent if node.parent is not None else None
    return above is not None and "TestCase" in words(above.child_by_field_name("superclass"))


def _assertions(node: Node, guards: tuple[str, ...]) -> list[Assertion]:
    if node.type != "method_invocation":
        return []
    names, arguments = _chain(node)
    first = names[-1]
    if not _ASSERTING.fullmatch(first):
        return []
    if first == "fail":
        asked = tuple(each for each in guards if each not in {NEVER, CAUGHT})
        return [
            Assertion(
                f"fail {asked}", Strength.EXACT, tuple(each for each in guards if each in {NEVER, CAUGHT})
            )
        ]
    given = arguments[-1]
    operands = _operands(first, given)
    slack = _tolerance(first, given)
    told = f"{first} {operands} {names[:-1]} {arguments[:-1]}"
    return [Assertion(told, _strength(names, operands, arguments), guards, slack)]


def _chain(node: Node) -> tuple[list[str], list[list[str]]]:
    """The method names along a chain, outermost first, and the arguments of each."""
    names: list[str] = []
    arguments: list[list[str]] = []
    for _ in range(LINKS):
        if node.type != "method_invocation":
            break
        names.append(text(node.child_by_field_name("name")))
        given = node.child_by_field_name("arguments")
        arguments.append([words(each) for each in given.named_children] if given is not None else [])
        below = node.child_by_field_name("object")
        if below is None:
            break
        node = below
    return names, arguments


def _operands(name: str, given: list[str]) -> list[str]:
    """What is compared, without the message, which stands first in JUnit 4 and last in JUnit 5."""
    most = _MESSAGED.get(name, 2)
    if len(given) <= most:
        return given
    if is_literal(given[0]) and given[0].startswith('"'):
        return given[1 : most + 1]
    return given[:most]


def _tolerance(name: str, given: list[str]) -> float:
    if name != "assertEquals" or len(given) <= 2:  # noqa: PLR2004 — two operands
        return 0.0
    slack = [
        each for each in given[2:] if re.fullmatch(r"\d{1,20}(?:\.\d{1,20})?(?:[eE]-?\d{1,2})?[fdFD]?", each)
    ]
    return float(slack[0].rstrip("fdFD")) if slack else 0.0


def _strength(names: list[str], operands: list[str], arguments: list[list[str]]) -> Strength:
    first, outer = names[-1], names[0]
    known = [is_literal(each) for each in operands[:2]]
    told = arguments[0][:1]
    fluent = first == "assertThat"
    anything = operands[:1] in (["Exception . class"], ["Throwable . class"])
    rules = (
        (fluent and len(names) == 1 and len(operands) == 1, Strength.VACUOUS),
        (
            bool(known) and all(known) and (not fluent or all(is_literal(each) for each in told)),
            Strength.VACUOUS,
        ),
        (len(operands) > 1 and operands[0] == operands[1], Strength.VACUOUS),
        (fluent and operands == told, Strength.VACUOUS),
        (first.startswith("assertThrows"), Strength.TRUTH if anything else Strength.EXACT),
        (
            bool(operands) and first == "assertTrue" and _EQUALITY.search(operands[0]) is not None,
            Strength.EXACT,
        ),
        (_APPROXIMATE.fullmatch(outer) is not None, Strength.APPROXIMATE),
        (any(_TRUTH.fullmatch(each) for each in (outer, first)), Strength.TRUTH),
        (any(_PARTIAL.fullmatch(each) for each in (outer, first)), Strength.PARTIAL),
    )
    return next((strength for applies, strength in rules if applies), Strength.EXACT)


_EQUALITY: Final = re.compile(r"\. equals \(| == ")


def _annotated(node: Node) -> Iterator[tuple[Sign, str]]:
    told = words(node)
    for sign, pattern in ((Sign.SKIP, _OUT), (Sign.SUPPRESSION, _SUPPRESSES), (Sign.RETRY, _RETRIES)):
        if pattern.fullmatch(told):
            yield sign, told


def _caught(node: Node) -> Iterator[tuple[Sign, str]]:
    body = node.child_by_field_name("body")
    if body is not None and all(map(_does_nothing, body.named_children)):
        yield Sign.SWALLOWED, "catch"


def _does_nothing(statement: Node) -> bool:
    if statement.type.endswith("comment"):
        return True
    if statement.descendant_count > WORDS:
        return False
    told = words(statement)
    return (
        re.fullmatch(
            r"return(?: null| false| 0|(?: new)? \w+(?: < >)? \( \)| \w+ \. (?:of|empty\w*) \( \))?"
            r"|.*\bprintStackTrace \( \)|System \. (?:out|err) \. print.*|(?i:log(?:ger)? \. \w+ \(.*)",
            told,
        )
        is not None
    )


def _routine(node: Node) -> Routine | None:
    if node.type != "method_declaration":
        return None
    given = (node.child_by_field_name("parameters"),)
    return Routine(text(node.child_by_field_name("name")), given, node.child_by_field_name("body"))


def _thrown(_node: Node) -> int:
    return 1


def _raised(node: Node) -> int:
    name = text(node.child_by_field_name("name"))
    ends = name == "exit" and words(node.child_by_field_name("arguments")) != "( 0 )"
    return (
        ends or re.fullmatch(r"orElseThrow|require(?:NonNull\w*)|check[A-Z]\w*|validate\w*", name) is not None
    )


def _table(node: Node) -> Node | None:
    made = node.child_by_field_name("object")
    looks = text(node.child_by_field_name("name")) in {"get", "getOrDefault"}
    return made if looks and made is not None and text(made)[:40].startswith("Map.of") else None


def _declared(node: Node) -> Iterator[tuple[Sign, str]]:
    body = words(node.child_by_field_name("body"))[:40]
    if text(node.child_by_field_name("name")) in {"equals", "compareTo"} and re.fullmatch(
        r"\{ return (?:true|false|0) \}", body
    ):
        yield Sign.EQUAL, "equals"


def _made(node: Node) -> Iterator[tuple[Sign, str]]:
    made = words(node.child_by_field_name("type"))
    if made in {"ProcessBuilder", "Socket", "ServerSocket", "URLClassLoader"}:
        yield Sign.POWER, made


def _telltale(node: Node) -> Iterator[tuple[Sign, str]]:
    if is_telltale(text(node)):
        yield Sign.SPECIAL_CASE, text(node)
    elif names_framework(text(node)):
        yield Sign.TESTED, "framework"


def _called(node: Node) -> Iterator[tuple[Sign, str]]:
    name = text(node.child_by_field_name("name"))
    on = text(root(node, _INNER))
    if name in {"assumeTrue", "assumeFalse", "assumeThat", "assumingThat", "abort"}:
        yield Sign.SKIP, name
    elif name == "exit" and on == "System" and words(node.child_by_field_name("arguments")) == "( 0 )":
        yield Sign.EXIT, name
    elif name in {"getenv", "getProperty", "containsKey", "get", "getOrDefault"} and READS_CI.search(
        text(node)[:200]
    ):
        yield Sign.SPECIAL_CASE, "CI"
    elif name == "getenv" and words(node.child_by_field_name("arguments")) == "( )":
        yield Sign.ENVIRONMENT, name
    elif name in {"getStackTrace", "getCallerClass", "walk"} and on in {"Thread", "StackWalker", "Throwable"}:
        yield Sign.CALLER, name
    elif _POWERFUL.match(words(node)):
        yield Sign.POWER, name


def _if(node: Node, child: Node) -> str:
    told = words(node.child_by_field_name("condition"))
    if child == node.child_by_field_name("consequence"):
        return NEVER if told == "( false )" else f"if {told}"
    if child == node.child_by_field_name("alternative"):
        return NEVER if told == "( true )" else f"unless {told}"
    return ""


def _try(node: Node, child: Node) -> str:
    handlers = [each for each in node.children if each.type == "catch_clause"]
    if child.type != "block" or not handlers:
        return ""
    return CAUGHT if any(_hides(each) for each in handlers) else "try"


def _for(_node: Node, child: Node) -> str:
    return "for" if child.type == "block" else ""


def _lambda(node: Node, child: Node) -> str:
    """One that is given to nobody right away may never be called."""
    given = node.parent is not None and node.parent.type == "argument_list"
    return LATER if child == node.child_by_field_name("body") and not given else ""


def _hides(handler: Node) -> bool:
    """Whether a failed assertion ends in this handler."""
    told = text(handler)
    caught = re.search(r"\b(?:Throwable|AssertionError|Error|Exception)\b", told.split("{", 1)[0])
    return caught is not None and re.search(r"\b(?:throw|fail|assert\w*)\b", told.split("{", 1)[-1]) is None


def _imports(node: Node) -> list[tuple[str, str]] | None:
    if node.type != "import_declaration":
        return None
    told = words(node).removeprefix("import ").removeprefix("static ").replace(" ", "")
    return [(told.rsplit(".", 1)[-1], told)]


def _package(_origin: str) -> str:
    return ""  # what a Java package is called says nothing about the artifact it comes from


def _call(node: Node) -> str | None:
    return text(node.child_by_field_name("name")) if node.type == "method_invocation" else None


def _rows(node: Node) -> list[Node]:
    """The rows of a table: of a two-dimensional array, or of `Stream.of(Arguments.of(…), …)`."""
    if node.type == "array_initializer":
        return [each for each in node.children if each.type == "array_initializer"]
    if node.type == "argument_list":
        return [
            each
            for each in node.named_children
            if re.match(r"(?:Arguments\.)?(?:of|arguments)\(", text(each)[:30])
        ]
    return []


JAVA: Final = Dialect(
    grammar=Language(tree_sitter_java.language()),
    definition=_definition,
    assertions=_assertions,
    signs={
        "annotation": _annotated,
        "marker_annotation": _annotated,
        "method_invocation": _called,
        "catch_clause": _caught,
        "method_declaration": _declared,
        "object_creation_expression": _made,
        "string_fragment": _telltale,
    },
    guards={
        "if_statement": _if,
        "lambda_expression": _lambda,
        "try_statement": _try,
        "try_with_resources_statement": _try,
        **dict.fromkeys(("for_statement", "enhanced_for_statement", "while_statement"), _for),
    },
    imports=_imports,
    package=_package,
    literals=frozenset(
        {
            "string_literal",
            "decimal_integer_literal",
            "decimal_floating_point_literal",
            "character_literal",
            "true",
        }
        | {"false", "null_literal", "hex_integer_literal"}
    ),
    call=_call,
    rows=_rows,
    answers=Answers(
        function=_routine,
        raises={"throw_statement": _thrown, "method_invocation": _raised},
        tables={"method_invocation": _table},
    ),
)
