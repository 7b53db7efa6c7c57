"""What the nodes of Rust mean."""

import re
from collections.abc import Iterator
from typing import Final

import tree_sitter_rust
from tree_sitter import Language, Node

from activities.publishing.gate.inventory import NEVER, Assertion, Sign, Strength
from activities.publishing.gate.languages.environment import READS_CI, is_telltale, names_framework
from activities.publishing.gate.languages.syntax import is_literal, text, words
from activities.publishing.gate.languages.tree_answers import Answers, Routine
from activities.publishing.gate.languages.trees import Definition, Dialect

_TEST: Final = re.compile(
    r"(?:\w+ :: )*(?:test|rstest|test_case|quickcheck|proptest|bench|case|wasm_bindgen_test)(?: \(.*)?",
    re.DOTALL,
)
_ROWS: Final = re.compile(r"(?:test_case|case)\b.*", re.DOTALL)
_ASSERTING: Final = re.compile(
    r"(?:\w+ :: )*(?:debug_)?assert\w*|(?:\w+ :: )*(?:prop_assert\w*|panic|check|require)"
)
_OPERANDS: Final = {"assert": 1, "debug_assert": 1, "prop_assert": 1, "panic": 0}
_PARTIAL_CALL: Final = re.compile(
    r"\. (?:contains|starts_with|ends_with|is_ok|is_err|is_some|is_none|is_empty)\b|!=|[<>]|matches !"
)
_OUT: Final = re.compile(
    r"ignore\b|should_panic\b|cfg (?:_attr )?\(.*\b(?:ignore|any \( \)|FALSE)"
    r"|cfg \( (?:not|any|all) \(.*test",
    re.DOTALL,
)
_SUPPRESSES: Final = re.compile(
    r"(?:allow|expect) \(|cfg_attr \(.*\b(?:allow|expect) \(|rustfmt :: skip|coverage \( off|no_coverage"
    r"|automatically_derived",
    re.DOTALL,
)
_POWERFUL: Final = re.compile(
    r"(?:\w+ :: )*(?:Command :: new|TcpStream :: connect|UdpSocket :: bind|TcpListener :: bind|dlopen)"
)


def _definition(node: Node) -> Definition | None:
    if node.type == "function_item":
        written = _attributes(node)
        rows = tuple(each for each in written if _ROWS.fullmatch(each))
        test = any(_TEST.fullmatch(each) for each in written)
        plain = tuple(
            each
            for each in written
            if each not in rows and not each.startswith(("doc", "inline", "must_use"))
        )
        within = (node.child_by_field_name("parameters"), node.child_by_field_name("body"))
        return Definition(text(node.child_by_field_name("name")), within, test, plain, rows)
    if node.type == "mod_item" and node.child_by_field_name("body") is not None:
        around = tuple(each for each in _attributes(node) if each != "cfg ( test )")
        return Definition(
            text(node.child_by_field_name("name")), (node.child_by_field_name("body"),), trappings=around
        )
    return None


def _attributes(node: Node) -> list[str]:
    """What is written on an item: its attributes, without brackets."""
    found = []
    before = node.prev_sibling
    while before is not None and before.type in {"attribute_item", "line_comment", "block_comment"}:
        if before.type == "attribute_item":
            found.append(_attribute(before))
        before = before.prev_sibling
    return found[::-1]


def _attribute(node: Node) -> str:
    return re.sub(r"^# (?:! )?\[ | \]$", "", words(node))


def _assertions(node: Node, guards: tuple[str, ...]) -> list[Assertion]:
    if node.type != "macro_invocation":
        return []
    name = words(node.child_by_field_name("macro"))
    if not _ASSERTING.fullmatch(name):
        return []
    short = name.rsplit(" ", 1)[-1]
    short, operands = _plain(short, _operands(node)[: _OPERANDS.get(short, 2)])
    if short == "panic":
        asked = tuple(each for each in guards if each != NEVER)
        return [Assertion(f"panic {asked}", Strength.EXACT, tuple(each for each in guards if each == NEVER))]
    return [Assertion(f"{short} {operands}", _strength(short, operands), guards)]


def _plain(name: str, operands: list[str]) -> tuple[str, list[str]]:
    """The same demand as clippy would have it written."""
    if name == "assert_eq" and "true" in operands and len(operands) > 1:
        name, operands = "assert", [each for each in operands if each != "true"][:1] or ["true"]
    if name == "assert" and operands:
        operands = [re.sub(r"\. len \( \) == 0$", ". is_empty ( )", operands[0])]
    return name, operands


def _operands(node: Node) -> list[str]:
    """The operands of a macro, split at the commas of its own token tree."""
    tree = next((each for each in node.children if each.type == "token_tree"), None)
    found: list[list[str]] = [[]]
    for child in tree.children[1:-1] if tree is not None else ():
        if text(child) == ",":
            found.append([])
        else:
            found[-1].append(words(child))
    return [" ".join(each) for each in found if each]


def _strength(name: str, operands: list[str]) -> Strength:
    if not operands:
        return Strength.VACUOUS
    demanded = operands[0]
    compares = name.endswith(("assert_eq", "assert_ne"))
    same = len(operands) > 1 and (demanded == operands[-1] or all(is_literal(each) for each in operands))
    rules = (
        (compares and same, Strength.VACUOUS),
        (compares and name.endswith("eq"), Strength.EXACT),
        (compares or "matches" in name, Strength.PARTIAL),
        (name not in _OPERANDS, Strength.EXACT),
        (is_literal(demanded) or "|| true" in demanded, Strength.VACUOUS),
        (" || " in demanded, Strength.TRUTH),
        (" == " in demanded, Strength.EXACT),
        (re.fullmatch(r"[^!&|]*\. is_empty \( \)", demanded) is not None, Strength.EXACT),
        (_PARTIAL_CALL.search(demanded) is not None, Strength.PARTIAL),
    )
    return next((strength for applies, strength in rules if applies), Strength.TRUTH)


def _attribute_signs(node: Node) -> Iterator[tuple[Sign, str]]:
    yield from _written(_attribute(node))


def _macro(node: Node) -> Iterator[tuple[Sign, str]]:
    name = words(node.child_by_field_name("macro"))
    if name in {"todo", "unimplemented"}:
        yield Sign.UNFINISHED, name
    elif name in {"env", "option_env"} and READS_CI.search(text(node)):
        yield Sign.SPECIAL_CASE, "CI"
    elif name == "cfg" and re.search(r"\btest\b", text(node)):
        yield Sign.SPECIAL_CASE, "cfg"


def _let(node: Node) -> Iterator[tuple[Sign, str]]:
    if text(node.child_by_field_name("pattern")) == "_":
        yield Sign.SWALLOWED, "let _"


def _unsafe(_node: Node) -> Iterator[tuple[Sign, str]]:
    yield Sign.UNSAFE, "unsafe"


def _telltale(node: Node) -> Iterator[tuple[Sign, str]]:
    if is_telltale(text(node)):
        yield Sign.SPECIAL_CASE, text(node)
    elif names_framework(text(node)):
        yield Sign.TESTED, "framework"


def _written(attribute: str) -> Iterator[tuple[Sign, str]]:
    if _SUPPRESSES.match(attribute):
        yield Sign.SUPPRESSION, attribute
    if _OUT.match(attribute):
        yield Sign.SKIP, attribute
    elif attribute.startswith("cfg") and re.search(r"\bci\b|not \( test|coverage|miri", attribute):
        yield Sign.SPECIAL_CASE, attribute


def _called(node: Node) -> Iterator[tuple[Sign, str]]:
    called = words(node.child_by_field_name("function"))
    if _POWERFUL.fullmatch(called):
        yield Sign.POWER, called
    elif re.fullmatch(r"(?:std :: )?process :: exit", called) and "( 0 )" in words(node):
        yield Sign.EXIT, called
    elif called.endswith(("env :: var", "env :: var_os")) and READS_CI.search(text(node)):
        yield Sign.SPECIAL_CASE, "CI"
    elif called.endswith(("env :: vars", "env :: vars_os")):
        yield Sign.ENVIRONMENT, called
    elif called.endswith(("env :: current_exe", "Backtrace :: capture", "Backtrace :: force_capture")):
        yield Sign.CALLER, called


def _declared(node: Node) -> Iterator[tuple[Sign, str]]:
    body = words(node.child_by_field_name("body"))[:60]
    one = re.fullmatch(
        r"\{ (?:return )?(?:true|false|(?:\w+ :: )*Ordering :: \w+|Some \( .{0,40} \)) \}", body
    )
    if text(node.child_by_field_name("name")) in {"eq", "ne", "cmp", "partial_cmp"} and one:
        yield Sign.EQUAL, "eq"


def _routine(node: Node) -> Routine | None:
    if node.type != "function_item":
        return None
    given = (node.child_by_field_name("parameters"),)
    return Routine(text(node.child_by_field_name("name")), given, node.child_by_field_name("body"))


def _raised(node: Node) -> int:
    called = words(node.child_by_field_name("function"))[-200:]
    ends = called.endswith("process :: exit") and "( 0 )" not in words(node)
    return (
        ends
        or re.search(r"(?:^|\. )(?:Err|unwrap|expect|ok_or(?:_else)?|context|with_context)$", called)
        is not None
    )


def _macro_raised(node: Node) -> int:
    name = words(node.child_by_field_name("macro")).rsplit(" ", 1)[-1]
    return name in {"panic", "bail", "ensure", "unreachable", "anyhow"}


def _handed_on(_node: Node) -> int:
    return 1


def _handed_on_at_the_end(node: Node) -> int:
    """A function that answers with another's result hands its errors on, without a question mark."""
    body = node.child_by_field_name("body")
    last = body.named_children[-1] if body is not None and body.named_child_count else None
    fallible = text(node.child_by_field_name("return_type")).endswith(">")
    return (
        fallible
        and last is not None
        and last.type == "call_expression"
        and text(last)[:3] not in {"Ok(", "Err"}
    )


def _if(node: Node, child: Node) -> str:
    told = words(node.child_by_field_name("condition"))
    if child == node.child_by_field_name("consequence"):
        return NEVER if told == "false" else f"if {told}"
    if child == node.child_by_field_name("alternative"):
        return NEVER if told == "true" else f"unless {told}"
    return ""


def _arm(node: Node, child: Node) -> str:
    if child == node.child_by_field_name("value"):
        return f"case {words(node.child_by_field_name('pattern'))}"
    return ""


def _for(_node: Node, child: Node) -> str:
    return "for" if child.type == "block" else ""


def _imports(node: Node) -> list[tuple[str, str]] | None:
    if node.type != "use_declaration":
        return None
    told = words(node.child_by_field_name("argument"))
    origin = told.split(" ", 1)[0]
    return [
        (name, f"{origin} {told}" if "{" not in told else origin) for name in re.findall(r"\w+", told)[1:]
    ] or [("", origin)]


def _package(origin: str) -> str:
    crate = origin.split(" ", 1)[0]
    return (
        ""
        if crate in {"std", "core", "alloc", "crate", "self", "super", "::", "proc_macro", "test"}
        else crate
    )


def _call(node: Node) -> str | None:
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        if function is not None and function.type == "field_expression":
            function = function.child_by_field_name("field")
        return words(function)[:200]
    if node.type == "macro_invocation":
        return text(node.child_by_field_name("macro"))
    return None


def _rows(node: Node) -> list[Node]:
    if node.type != "array_expression":
        return []
    above = node.parent
    while above is not None and above.type in {"reference_expression", "macro_invocation"}:
        above = above.parent
    if above is None or above.type not in {"let_declaration", "for_expression", "const_item", "static_item"}:
        return []
    return [each for each in node.named_children if each.type in {"tuple_expression", "struct_expression"}]


RUST: Final = Dialect(
    grammar=Language(tree_sitter_rust.language()),
    definition=_definition,
    assertions=_assertions,
    signs={
        "attribute_item": _attribute_signs,
        "inner_attribute_item": _attribute_signs,
        "macro_invocation": _macro,
        "call_expression": _called,
        "let_declaration": _let,
        "unsafe_block": _unsafe,
        "string_content": _telltale,
        "function_item": _declared,
    },
    guards={"if_expression": _if, "match_arm": _arm, "for_expression": _for, "while_expression": _for},
    imports=_imports,
    package=_package,
    literals=frozenset(
        {"string_literal", "integer_literal", "float_literal", "char_literal", "boolean_literal"}
    ),
    call=_call,
    rows=_rows,
    answers=Answers(
        function=_routine,
        raises={
            "call_expression": _raised,
            "macro_invocation": _macro_raised,
            "try_expression": _handed_on,
            "function_item": _handed_on_at_the_end,
        },
        implicit=True,
    ),
    silent_calls=frozenset(
        {"unwrap", "expect", "into", "to_string", "to_owned", "clone", "println", "Ok", "Some"}
    ),
)
