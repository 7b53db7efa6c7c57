"""What the nodes of Go mean."""

import re
from collections.abc import Iterator
from typing import Final

import tree_sitter_go
from tree_sitter import Language, Node

from activities.publishing.gate.inventory import NEVER, Assertion, Sign, Strength
from activities.publishing.gate.languages.environment import READS_CI, is_telltale, names_framework
from activities.publishing.gate.languages.syntax import WORDS, is_literal, text, words
from activities.publishing.gate.languages.tree_answers import Answers, Routine
from activities.publishing.gate.languages.trees import Definition, Dialect

_TEST: Final = re.compile(r"(?:Test|Benchmark|Fuzz|Example)(?:[^a-z].*)?", re.DOTALL)
_FAILS: Final = re.compile(r"\w{1,20} \. (?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)")
_PARTIAL: Final = re.compile(
    r"(?:Not)?(?:Contains|Greater|Less|Positive|Negative|Subset|Regexp|IsType|Implements|Panics).*|NotEqual"
)
_TRUTH: Final = re.compile(r"True|False|NotNil|NotEmpty|NotZero|Error|IsNonDecreasing|Condition")
_SKIPS: Final = re.compile(r"\w{1,20} \. (?:Skip|Skipf|SkipNow)|testing \. Short")
_POWERFUL: Final = re.compile(
    r"exec \. Command(?:Context)?|syscall \. \w+|os \. StartProcess|plugin \. Open"
    r"|net \. (?:Dial\w*|Listen\w*)|http \. (?:Get|Post|PostForm|NewRequest\w*)"
)


def _definition(node: Node) -> Definition | None:
    if node.type in {"function_declaration", "method_declaration"}:
        name = text(node.child_by_field_name("name"))
        within = (node.child_by_field_name("parameters"), node.child_by_field_name("body"))
        test = node.type == "function_declaration" and _TEST.fullmatch(name) is not None
        return Definition(name, within, test and _takes_what_tests_take(node))
    if node.type == "call_expression":
        given = _arguments(node)
        if (
            re.fullmatch(r"\w{1,20} \. Run", _called(node))
            and len(given) > 1
            and given[1].type == "func_literal"
        ):
            return Definition(words(given[0]), (given[1].child_by_field_name("body"),), test=True)
    return None


def _takes_what_tests_take(node: Node) -> bool:
    """Whether a function has the parameters by which `go test` knows a test, beside the name."""
    return (
        re.fullmatch(r"\( (?:\w+ \* testing \. [TBFM] )?\)", words(node.child_by_field_name("parameters")))
        is not None
    )


def _called(node: Node) -> str:
    function = node.child_by_field_name("function")
    return (
        words(function)
        if function is not None and function.type in {"identifier", "selector_expression"}
        else ""
    )


def _arguments(node: Node) -> list[Node]:
    given = node.child_by_field_name("arguments")
    return given.named_children if given is not None else []


def _assertions(node: Node, guards: tuple[str, ...]) -> list[Assertion]:
    if node.type != "call_expression":
        return []
    called = _called(node)
    if _FAILS.fullmatch(called) and (guards or called.split(" ", 1)[0] in {"t", "b", "f", "tb"}):
        asked = tuple(each for each in guards if each not in {NEVER, "for"})
        kept = tuple(each for each in guards if each == NEVER)
        return [Assertion(" and ".join(asked) or "fail", _condition_strength(asked), kept)]
    package, _, method = called.rpartition(" . ")
    if (
        package.lower() in {"assert", "require", "is", "s", "suite", "s . require ( )"}
        and method[:1].isupper()
    ):
        given = [words(each) for each in _arguments(node)]
        given = given[1:] if given[:1] in (["t"], ["b"], ["tb"]) else given
        return [_testify(method, given, guards)]
    return []


def _condition_strength(asked: tuple[str, ...]) -> Strength:
    """What a test demands that fails under a condition: the opposite of the condition."""
    if not asked:
        return Strength.EXACT
    condition = asked[-1]
    if " && " in condition or re.search(r"\bfalse\b", condition):
        return Strength.PARTIAL if "false" not in condition else Strength.VACUOUS
    if re.search(r"== (?:nil|\"\"|0)$|^if len \(", condition):
        return Strength.TRUTH
    if re.search(r"!=|DeepEqual|cmp \. (?:Diff|Equal)|bytes \. Equal|errors \. (?:Is|As)|diff", condition):
        return Strength.EXACT
    return Strength.PARTIAL


def _testify(method: str, given: list[str], guards: tuple[str, ...]) -> Assertion:
    name = method.removesuffix("f")
    operands = given[: _OPERANDS.get(name, 2)]
    strength = Strength.EXACT
    if name in {"InDelta", "InEpsilon", "WithinDuration"}:
        tolerance = given[2] if len(given) > 2 else "0"  # noqa: PLR2004 — the third operand
        slack = (
            float(tolerance) if re.fullmatch(r"\d{1,20}(?:\.\d{1,20})?(?:e-?\d{1,2})?", tolerance) else 0.0
        )
        return Assertion(f"{name} {operands}", Strength.APPROXIMATE, guards, slack)
    if _TRUTH.fullmatch(name):
        strength = Strength.VACUOUS if operands and is_literal(operands[0]) else Strength.TRUTH
    elif len(operands) > 1 and (operands[0] == operands[1] or all(is_literal(each) for each in operands)):
        strength = Strength.VACUOUS
    elif _PARTIAL.fullmatch(name):
        strength = Strength.PARTIAL
    return Assertion(f"{name} {operands}", strength, guards)


_OPERANDS: Final = dict.fromkeys(
    ("True", "False", "Nil", "NotNil", "NoError", "Error", "Empty", "NotEmpty", "Zero", "NotZero", "Fail"), 1
)


def _called_signs(node: Node) -> Iterator[tuple[Sign, str]]:
    called = _called(node)
    if _SKIPS.fullmatch(called):
        yield Sign.SKIP, called
    elif called == "os . Exit" and [words(each) for each in _arguments(node)] in ([], ["0"]):
        yield Sign.EXIT, called
    elif _POWERFUL.fullmatch(called):
        yield Sign.POWER, called
    elif called == "recover":
        yield Sign.SWALLOWED, called
    elif called in {"os . Getenv", "os . LookupEnv"} and READS_CI.search(text(node)):
        yield Sign.SPECIAL_CASE, "CI"
    elif called == "testing . Testing":
        yield Sign.SPECIAL_CASE, called
    elif re.fullmatch(r"runtime \. (?:Callers?|Stack)|debug \. Stack|os \. (?:Hostname|Executable)", called):
        yield Sign.CALLER, called
    elif called == "os . Environ":
        yield Sign.ENVIRONMENT, called


def _telltale(node: Node) -> Iterator[tuple[Sign, str]]:
    if is_telltale(text(node)):
        yield Sign.SPECIAL_CASE, text(node)
    elif names_framework(text(node)) and not _is_import(node):
        yield Sign.TESTED, "framework"


def _is_import(node: Node) -> bool:
    above = node.parent.parent if node.parent is not None else None
    return above is not None and above.type == "import_spec"


def _declared_unused(node: Node) -> Iterator[tuple[Sign, str]]:
    """`data, _ := read()`: the error of a call is not looked at."""
    left, right = (words(node.child_by_field_name(name))[:200] for name in ("left", "right"))
    if left.endswith(", _") and right.endswith(")"):
        yield Sign.SWALLOWED, "_ :="


def _forgiven(node: Node) -> Iterator[tuple[Sign, str]]:
    """`if err != nil { return nil, nil }`: whoever called learns nothing of the error."""
    condition = node.child_by_field_name("condition")
    branch = node.child_by_field_name("consequence")
    if condition is None or branch is None or branch.descendant_count > WORDS or not _is_error(condition):
        return
    returned = re.search(r"return (.*) \}$", words(branch))
    if returned and returned[1].rsplit(" ", 1)[-1] == "nil":
        yield Sign.SWALLOWED, "return nil"


def _is_error(condition: Node) -> bool:
    return (
        condition.descendant_count <= WORDS and re.search(r"\b[eE]rr\w* != nil", words(condition)) is not None
    )


def _routine(node: Node) -> Routine | None:
    if node.type not in {"function_declaration", "method_declaration"}:
        return None
    given = (node.child_by_field_name("receiver"), node.child_by_field_name("parameters"))
    return Routine(text(node.child_by_field_name("name")), given, node.child_by_field_name("body"))


def _raised(node: Node) -> int:
    called = _called(node)
    ends = called == "os . Exit" and [words(each) for each in _arguments(node)] != ["0"]
    return (
        ends
        or re.fullmatch(r"panic|log \. (?:Fatal|Panic)\w*|errors \. New", called) is not None
        or (called == "fmt . Errorf" and "%w" not in text(node))
    )


def _looked_at(node: Node) -> int:
    condition = node.child_by_field_name("condition")
    return condition is not None and _is_error(condition)


def _table(node: Node) -> Node | None:
    operand = node.child_by_field_name("operand")
    made = operand is not None and operand.type == "composite_literal"
    return operand.child_by_field_name("body") if operand is not None and made else None


def _dropped(node: Node) -> Iterator[tuple[Sign, str]]:
    if re.match(r"(?:_ , )*_ = ", words(node)[:40]):
        yield Sign.SWALLOWED, "_ ="


def _selected(node: Node) -> Iterator[tuple[Sign, str]]:
    if text(node.child_by_field_name("operand")) == "unsafe":
        yield Sign.UNSAFE, "unsafe"


def _declared(node: Node) -> Iterator[tuple[Sign, str]]:
    if text(node.child_by_field_name("name")) == "TestMain":
        yield Sign.HOOK, "TestMain"
    elif text(node.child_by_field_name("name")) == "init":
        yield Sign.PREPARED, "init"
    elif text(node.child_by_field_name("name")) in {"Equal", "Less"} and _has_one_answer(node):
        yield Sign.EQUAL, "Equal"


def _has_one_answer(node: Node) -> bool:
    return words(node.child_by_field_name("body"))[:40] in {"{ return true }", "{ return false }"}


def _directed(node: Node) -> Iterator[tuple[Sign, str]]:
    if re.match(r"//go:build\b|//\s{0,4}\+build\b", text(node)):
        yield Sign.CONDITIONAL, "build"
    elif re.match(r"//go:(?:linkname|cgo_)", text(node)):
        yield Sign.UNSAFE, "linkname"
    elif re.match(r"//go:generate\b", text(node)):
        yield Sign.POWER, "generate"


def _if(node: Node, child: Node) -> str:
    told = words(node.child_by_field_name("condition"))
    if child == node.child_by_field_name("consequence"):
        return NEVER if told == "false" else f"if {told}"
    if child == node.child_by_field_name("alternative"):
        return NEVER if told == "true" else f"unless {told}"
    return ""


def _for(_node: Node, child: Node) -> str:
    return "for" if child.type == "block" else ""


def _imports(node: Node) -> list[tuple[str, str]] | None:
    if node.type != "import_spec":
        return None
    source = words(node.child_by_field_name("path")).strip('"`')
    return [(text(node.child_by_field_name("name")) or source.rsplit("/", 1)[-1], source)]


def _package(origin: str) -> str:
    return origin if "." in origin.split("/", 1)[0] else ""


def _call(node: Node) -> str | None:
    if node.type != "call_expression":
        return None
    function = node.child_by_field_name("function")
    if function is not None and function.type == "selector_expression":
        function = function.child_by_field_name("field")
    return text(function)[:200]


def _rows(node: Node) -> list[Node]:
    if node.type != "literal_value" or node.parent is None:  # in this order: a parent is found from the root
        return []
    made = node.parent.child_by_field_name("type")
    if made is None or made.type not in {"slice_type", "array_type", "map_type"}:
        return []
    return [each for each in node.children if each.type in {"literal_element", "keyed_element"}]


GO: Final = Dialect(
    grammar=Language(tree_sitter_go.language()),
    definition=_definition,
    assertions=_assertions,
    signs={
        "call_expression": _called_signs,
        "interpreted_string_literal_content": _telltale,
        "assignment_statement": _dropped,
        "short_var_declaration": _declared_unused,
        "if_statement": _forgiven,
        "method_declaration": _declared,
        "selector_expression": _selected,
        "function_declaration": _declared,
        "comment": _directed,
    },
    guards={"if_statement": _if, "for_statement": _for},
    imports=_imports,
    package=_package,
    literals=frozenset(
        {
            "interpreted_string_literal",
            "raw_string_literal",
            "int_literal",
            "float_literal",
            "rune_literal",
            "true",
        }
        | {"false"}
    ),
    call=_call,
    rows=_rows,
    answers=Answers(
        function=_routine,
        raises={"call_expression": _raised, "if_statement": _looked_at},
        tables={"index_expression": _table},
    ),
    silent_calls=frozenset({"len", "make", "append", "Helper", "Parallel", "Log", "Logf"}),
)
