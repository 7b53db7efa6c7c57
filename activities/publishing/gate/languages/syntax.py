"""Nodes of any grammar as text."""

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

COMMENTS: Final = frozenset({"comment", "line_comment", "block_comment", "html_comment"})
LINKS: Final = 60
"""Longer chains of calls are no assertions."""
WORDS: Final = 60
"""Nodes below an expression that is looked at as a whole, at most."""
_STRINGS: Final = frozenset({"string", "string_literal", "interpreted_string_literal", "raw_string_literal"})
_CLOSING: Final = frozenset(")]}>")


def text(node: Node | None) -> str:
    """A node as it is written."""
    return node.text.decode(errors="replace") if node is not None and node.text is not None else ""


def words(node: Node | None) -> str:
    """A node without layout, comments, and what formatters change: semicolons, last commas, quotes."""
    if node is None:
        return ""
    found: list[str] = []
    pending = [node]
    while pending:
        each = pending.pop()
        if each.type in COMMENTS or each.type == ";":
            continue
        if each.type in _STRINGS or not each.child_count:
            word = text(each)
            if each.type in _STRINGS and word[:1] == "'":
                word = '"' + word[1:-1] + '"'
            if found and found[-1] == "," and word in _CLOSING:
                found.pop()
            if word:
                found.append(word)
        else:
            pending += reversed(each.children)
    return " ".join(found)


def root(node: Node, inner: dict[str, str]) -> Node:
    """The leftmost expression of a chain of calls and members; `inner` names each type's way inwards."""
    for _ in range(LINKS):
        below = node.child_by_field_name(inner[node.type]) if node.type in inner else None
        if below is None:
            break
        node = below
    return node


def of_type(node: Node, *types: str) -> Iterator[Node]:
    """The direct children of these types."""
    return (each for each in node.children if each.type in types)


def is_literal(word: str) -> bool:
    """Whether words are a single literal."""
    return (
        re.fullmatch(r"-? ?[\d.][\w.]*|true|false|null|nil|undefined|\"[^\"]*\"|`[^`$]*`", word) is not None
    )
