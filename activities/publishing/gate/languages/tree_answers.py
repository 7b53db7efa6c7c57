"""What the functions of a parsed file answer with: the same questions for every grammar."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import thread_time
from typing import Final, NamedTuple

from tree_sitter import Node

from activities.publishing.gate.inventory import Function
from activities.publishing.gate.languages.syntax import WORDS, text, words

_NAMES: Final = frozenset({"identifier", "shorthand_property_identifier", "self", "this"})
_BRANCHES: Final = frozenset(
    {"match_expression", "if_expression", "block", "expression_statement", "else_clause"}
)
_STRING: Final = r"\"(?:[^\"\\]|\\.)*\"|`[^`$]*`"
_NUMBER: Final = r"(?:0x[\da-fA-F]+|\d[\d_]*(?:\.\d+)?)\w{0,4}"
_PARTICULAR: Final = rf"(?:\"(?:[^\"\\]|\\.)+\"|`[^`$]+`|-? ?(?!(?:0|1)(?:\.0)?\b){_NUMBER})"
_HAS_PARTICULAR: Final = re.compile(rf"(?<![\w.]){_PARTICULAR}")
_PICKS: Final = re.compile(
    rf"(?:^| )===? {_PARTICULAR}|(?:^|[ (]){_PARTICULAR} ===? |{_PARTICULAR} \. equals \("
    rf"|\. (?:equals|equalsIgnoreCase|eq) \( {_PARTICULAR}"
)
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")
_LITERAL_WORDS: Final = frozenset(
    {"true", "false", "null", "nil", "None", "undefined", "new", "return", "as", "const"}
)
_MAKES: Final = re.compile(r"[A-Z]\w*|to_string|into|to_owned|of|from|valueOf|vec|toString")
_ERROR: Final = re.compile(
    r"Err \(.*|(.*?) ?, (?:err\w*|Err\w*|fmt \. Errorf \(.*|errors \. New \(.*)", re.DOTALL
)


class Routine(NamedTuple):
    """A function as a grammar has it.

    Attributes:
        name: Its own name.
        parameters: The nodes that name what it is given.
        body: Its body; an expression where the language allows that.
    """

    name: str
    parameters: tuple[Node | None, ...]
    body: Node | None


@dataclass(frozen=True)
class Answers:
    """What a grammar's nodes have to do with answers.

    Attributes:
        function: The function that a node is, or None.
        raises: By type of node, how often it raises an error, ends the process with one, or hands one on.
        tables: By type of node, the table in which it looks something up.
        implicit: Whether the last expression of a body is its answer.
    """

    function: Callable[[Node], Routine | None]
    raises: Mapping[str, Callable[[Node], int]]
    tables: Mapping[str, Callable[[Node], Node | None]] = field(default_factory=dict)
    implicit: bool = False


class Found(NamedTuple):
    """The answers of a file: see `Inventory`."""

    functions: dict[str, Function]
    canned: Counter[str]
    raised: int


@dataclass
class _Seen:
    above: str
    given: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    computes: bool = False
    canned: int = 0


def read(top: Node, language: Answers, *, until: float) -> Found | None:
    """The answers of a file; None where there was not time enough, in seconds of `time.thread_time`."""
    seen: dict[str, _Seen] = {"": _Seen("")}
    raised = 0
    pending = [(top, "")]
    while pending:
        if thread_time() > until:
            return None
        node, place = pending.pop()
        raised += language.raises[node.type](node) if node.type in language.raises else 0
        function = language.function(node)
        if function is not None and function.body is not None:
            place = _enter(function, place, seen, language)
        inner = seen[place]
        if node.type in _NAMES:
            inner.named.add(text(node))
        elif "string" in node.type and not node.named_child_count:
            inner.named.update(re.findall(r"\{(\w+)", text(node)))
        if node.type in {"return_statement", "return_expression"}:
            inner.computes |= _computes(node.named_children[0] if node.named_child_count else None)
        inner.canned += _knows(node, language)
        pending += [(child, place) for child in node.children]
    return Found(_functions(seen), _canned(seen), raised)


def _enter(function: Routine, place: str, seen: dict[str, _Seen], language: Answers) -> str:
    name = f"{place}.{function.name}".lstrip(".")
    while name in seen:
        name += "'"
    found = seen[name] = _Seen(place)
    for parameter in function.parameters:
        found.given |= {text(each) for each in _leaves(parameter) if each.type in _NAMES}
    found.given |= {"this", "self"}
    body = function.body
    if body is not None and (language.implicit or body.type not in {"statement_block", "block"}):
        found.computes |= any(_computes(each) for each in _tails(body))
    return name


def _functions(seen: dict[str, _Seen]) -> dict[str, Function]:
    for name in reversed(seen):  # what a function inside reads, the one around reads
        if name:
            seen[seen[name].above].named.update(seen[name].named)
    return {
        name: Function(not each.given.isdisjoint(each.named), each.computes)
        for name, each in seen.items()
        if name
    }


def _canned(seen: Mapping[str, _Seen]) -> Counter[str]:
    return Counter({name: each.canned for name, each in seen.items() if each.computes and each.canned})


def _leaves(node: Node | None) -> Iterator[Node]:
    pending = [node] if node is not None else []
    while pending:
        each = pending.pop()
        if not each.child_count:
            yield each
        pending += each.children


def _tails(node: Node, depth: int = 0) -> Iterator[Node]:
    """The expressions that may be the value of an expression."""
    if node.type not in _BRANCHES or depth > 20:  # noqa: PLR2004 — nobody nests deeper
        yield node
    elif node.type == "match_expression":
        for arm in _arms(node):
            value = arm.child_by_field_name("value")
            yield from _tails(value, depth + 1) if value is not None else ()
    elif node.type == "if_expression":
        for name in ("consequence", "alternative"):
            branch = node.child_by_field_name(name)
            yield from _tails(branch, depth + 1) if branch is not None else ()
    elif node.named_child_count:
        last = node.named_children[-1]
        closed = node.type == "block" and last.type == "expression_statement" and text(last).endswith(";")
        yield from () if closed or last.type.endswith("declaration") else _tails(last, depth + 1)


def _arms(node: Node) -> list[Node]:
    body = node.child_by_field_name("body")
    return [each for each in body.named_children if each.type == "match_arm"] if body is not None else []


def _told(node: Node | None) -> str | None:
    return words(node) if node is not None and node.descendant_count <= WORDS else None


def _computes(value: Node | None) -> bool:
    if value is None:
        return False
    told = _told(value)
    return told is None or not _is_literal(told)


def _is_literal(told: str) -> bool:
    """Whether words are made of literals alone, constructors included; an error is no answer."""
    error = _ERROR.fullmatch(told)
    told = (error[1] or "") if error else told
    bare = re.sub(_STRING, '""', told)
    for found in _WORD.finditer(bare):
        word, after = found[0], bare[found.end() :].lstrip()
        if word in _LITERAL_WORDS or (found.start() and bare[found.start() - 1].isdigit()):
            continue
        if after.startswith(":") and not after.startswith("::"):
            continue  # the key of an object
        if not (after.startswith(("(", "::", "!", ".", "{", "<")) and _MAKES.fullmatch(word)):
            return False
    return True


def _is_particular(told: str | None) -> bool:
    """Whether words are a literal that nobody writes as a default: not empty, none, zero or one."""
    return told is not None and _is_literal(told) and _HAS_PARTICULAR.search(told) is not None


def _knows(node: Node, language: Answers) -> bool:
    """Whether a node answers one input among all by a literal."""
    if node.type in {"if_statement", "if_expression", "ternary_expression", "conditional_expression"}:
        condition = _told(node.child_by_field_name("condition"))
        return (
            condition is not None
            and _PICKS.search(condition) is not None
            and _is_particular(_answer(node.child_by_field_name("consequence")))
            and not (
                node.type.startswith(("ternary", "cond"))
                and not _computes(node.child_by_field_name("alternative"))
            )
        )
    if node.type == "match_arm":
        pattern = _told(node.child_by_field_name("pattern"))
        return _is_particular(pattern) and _is_particular(_answer(node.child_by_field_name("value")))
    if node.type in {"switch_case", "expression_case", "switch_block_statement_group", "switch_rule"}:
        label = node.child_by_field_name("value") or (
            node.named_children[0] if node.named_child_count else None
        )
        return _is_particular((_told(label) or "").removeprefix("case ")) and _is_particular(_answer(node))
    looked_up = language.tables[node.type](node) if node.type in language.tables else None
    return looked_up is not None and _is_particular(_told(looked_up))


def _answer(node: Node | None) -> str | None:
    """What a branch answers with, if answering is what it ends with."""
    while node is not None and node.type not in {"return_statement", "return_expression"}:
        inside = node.type in _BRANCHES or node.type.startswith(("statement", "switch", "expression_case"))
        if not inside or not node.named_child_count:
            return _told(node) if not node.type.endswith(("statement", "declaration")) else None
        node = node.named_children[-1]
    return _told(node.named_children[0]) if node is not None and node.named_child_count else None
