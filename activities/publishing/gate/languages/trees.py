"""Reads any language that has a tree-sitter grammar, by a dialect that says what its nodes mean."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tree_sitter import Language, Node, Parser

from activities.publishing.gate.inventory import NEVER, Assertion, Inventory, Part, Sign

COMMENTS: Final = frozenset({"comment", "line_comment", "block_comment", "html_comment"})
_STRINGS: Final = frozenset({"string", "string_literal", "interpreted_string_literal", "raw_string_literal"})
_CLOSING: Final = frozenset(")]}>")


Signs = Callable[[Node], Iterator[tuple[Sign, str]]]
Guard = Callable[[Node, Node], str]


class Definition(NamedTuple):
    """A test, a suite or a function.

    Attributes:
        name: Its name, without those it lies in.
        within: The nodes that it is made of, without its name.
        test: Whether the test runner runs it.
        trappings: What is written on it: attributes, annotations, modifiers.
        rows: The cases it is run with.
    """

    name: str
    within: tuple[Node | None, ...]
    test: bool = False
    trappings: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """What the nodes of one grammar mean.

    Attributes:
        grammar: The grammar.
        definition: What a node defines, or None.
        assertions: What a node asserts, given the guards it stands under.
        signs: By type of node, the telling things it is.
        guards: By type of node, what it takes to get from it to one of its children, if anything.
        imports: The names a node imports, each with its origin; None for a node that imports nothing.
        package: The package that an imported name belongs to; empty for the language's and the project's own.
        literals: Types of literals.
        call: The name of what a node calls, or None.
        rows: The rows of the table that a node is; none where it is no table.
        leaves: Types of statements after which nothing of a block is reached.
        silent_calls: Calls whose coming and going tells nothing.
    """

    grammar: Language
    definition: Callable[[Node], Definition | None]
    assertions: Callable[[Node, tuple[str, ...]], list[Assertion]]
    signs: Mapping[str, Signs]
    guards: Mapping[str, Guard]
    imports: Callable[[Node], list[tuple[str, str]] | None]
    package: Callable[[str], str]
    literals: frozenset[str]
    call: Callable[[Node], str | None]
    rows: Callable[[Node], list[Node]]
    leaves: frozenset[str] = frozenset({"return_statement", "throw_statement"})
    silent_calls: frozenset[str] = field(default_factory=frozenset)


def read(source: str, dialect: Dialect) -> Inventory | None:
    """The inventory of a file; parts of it that the grammar does not know make it less than whole."""
    tree = Parser(dialect.grammar).parse(source.encode(errors="replace"))
    reader = _Reader(dialect)
    reader.walk(tree.root_node)
    inventory = reader.inventory
    inventory.whole = not tree.root_node.has_error
    inventory.layout_free = words(tree.root_node) + "\n".join(
        sorted(" ".join(each.split()) for each in inventory.comments)
    )
    return inventory


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
    while node.type in inner:
        below = node.child_by_field_name(inner[node.type])
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


class _Place(NamedTuple):
    """Where the walk is: its part, its guards, what is written on the parts around, whether in a table."""

    part: str
    guards: tuple[str, ...]
    around: tuple[str, ...]
    tabled: bool = False


class _Reader:
    """Goes through a tree once, without recursion: hostile text may nest as deep as it likes."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.inventory = Inventory(parts={"": Part()})
        self._shapes: dict[str, list[str]] = {"": []}

    def walk(self, top: Node) -> None:
        """Fill the inventory."""
        pending = [(top, _Place("", (), ()))]
        while pending:
            node, place = pending.pop()
            self._count(node)
            if node.type in COMMENTS:
                self.inventory.comments.append(text(node))
                continue
            pending += reversed(self._enter(node, place))
        for name, shape in self._shapes.items():
            self.inventory.parts[name].shape = " ".join(shape)

    def _enter(self, node: Node, place: _Place) -> list[tuple[Node, _Place]]:
        """Note what a node is; the nodes of it that need a look of their own."""
        dialect, part = self._dialect, self.inventory.parts[place.part]
        imported = dialect.imports(node)
        if imported is not None:
            self._import(imported)
            return []
        defined = dialect.definition(node)
        if defined is not None:
            inner = self._define(defined, place)
            within = [each for each in defined.within if each is not None]
            self._count_below(node, without=within)
            return [(each, inner) for each in within]
        asserted = dialect.assertions(node, place.guards)
        if asserted:
            part.assertions += asserted
            self._shapes[place.part] += [words(node), *place.guards]
            return []
        rows = dialect.rows(node)
        part.rows.update(words(each) for each in rows)
        self._substance(node, part, self._shapes[place.part], counts=not place.tabled)
        return list(self._below(node, place._replace(tabled=True) if rows else place))

    def _count(self, node: Node) -> None:
        signs = self._dialect.signs.get(node.type)
        if signs is not None:
            self.inventory.signs.update(signs(node))

    def _count_below(self, node: Node, *, without: list[Node]) -> None:
        """The telling things of a definition's head: its modifiers, name and type."""
        pending = [each for each in node.children if each not in without]
        while pending:
            each = pending.pop()
            self._count(each)
            pending += [child for child in each.children if child not in without]

    def _define(self, defined: Definition, place: _Place) -> _Place:
        name = f"{place.part}{defined.name}."
        while name in self.inventory.parts:
            name = f"{name[:-1]}'."
        part = Part(test=defined.test)
        part.trappings.update((*defined.trappings, *place.around, *(f"only {each}" for each in place.guards)))
        part.rows.update(defined.rows)
        self.inventory.parts[name] = part
        self._shapes[name] = [*sorted(part.trappings), *sorted(part.rows)]
        return _Place(name, (), (*place.around, *defined.trappings))

    def _import(self, imported: list[tuple[str, str]]) -> None:
        self.inventory.origins.update(imported)
        self.inventory.packages |= {self._dialect.package(origin) for _, origin in imported} - {""}

    def _substance(self, node: Node, part: Part, shape: list[str], *, counts: bool) -> None:
        dialect = self._dialect
        called = dialect.call(node)
        if counts and called is not None and called not in dialect.silent_calls:
            part.substance[f"{called}()"] += 1
        if counts and node.type in dialect.literals:
            part.substance[words(node)] += 1
        if not node.child_count:
            shape.append(text(node))

    def _below(self, node: Node, place: _Place) -> Iterator[tuple[Node, _Place]]:
        reached = True
        guarded = self._dialect.guards.get(node.type)
        for child in node.children:
            guard = guarded(node, child) if guarded is not None else ""
            more = ((guard,) if guard else ()) + (() if reached else (NEVER,))
            yield child, place._replace(guards=(*place.guards, *more)) if more else place
            reached = reached and child.type not in self._dialect.leaves
