"""Reads any language that has a tree-sitter grammar, by a dialect that says what its nodes mean."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from time import thread_time
from typing import Final, NamedTuple

from tree_sitter import Language, Node, Parser, Tree

from activities.publishing.gate.inventory import NEVER, Assertion, Inventory, Part, Sign
from activities.publishing.gate.languages import tree_answers
from activities.publishing.gate.languages.environment import is_lookalike
from activities.publishing.gate.languages.syntax import COMMENTS, text, words
from activities.publishing.gate.languages.tree_answers import Answers

DEEPEST: Final = 500
"""What a node is takes a look at all below it, so depth times size is what a file costs."""
_CHUNK_BYTES: Final = 65_536


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
        answers: What its nodes have to do with what functions answer.
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
    answers: Answers
    silent_calls: frozenset[str] = field(default_factory=frozenset)


def read(source: str, dialect: Dialect, *, until: float) -> Inventory | None:
    """The inventory of a file; parts of it that the grammar does not know make it less than whole.

    Args:
        source: Its text.
        dialect: What its nodes mean.
        until: When to give up, in seconds of `time.thread_time`: some texts take a grammar quadratic time.

    Returns:
        None for a file that was given up, or nests deeper than people write.
    """
    tree = _parsed(source.encode(errors="replace"), dialect.grammar, until)
    if tree is None or _nests_deeper_than(DEEPEST, tree):
        return None
    reader = _Reader(dialect)
    if not reader.walk(tree.root_node, until):
        return None
    inventory = reader.inventory
    answers = tree_answers.read(tree.root_node, dialect.answers, until=until)
    if answers is None:
        return None
    inventory.functions = answers.functions
    inventory.signs.update({(Sign.CANNED, name): count for name, count in answers.canned.items()})
    inventory.kept[Sign.DROPPED_RAISE, "raise"] = answers.raised
    inventory.whole = not tree.root_node.has_error
    inventory.layout_free = words(tree.root_node) + "\n".join(
        sorted(" ".join(each.split()) for each in inventory.comments)
    )
    return inventory


def _parsed(source: bytes, grammar: Language, until: float) -> Tree | None:
    def chunk(offset: int, _point: object) -> bytes:
        return source[offset : offset + _CHUNK_BYTES]

    def is_too_late(_offset: int, _has_error: bool) -> bool:  # noqa: FBT001 — tree-sitter passes it so
        return thread_time() > until

    parser = Parser(grammar)
    try:
        parser.parse(chunk, progress_callback=is_too_late)
    except ValueError:
        return None
    # Only a text read in chunks can be given up, and only one read at once gives its nodes' text quickly.
    parser.reset()
    return parser.parse(source)


def _nests_deeper_than(most: int, tree: Tree) -> bool:
    cursor = tree.walk()
    while True:
        if cursor.depth > most:
            return True
        if not cursor.goto_first_child():
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return False


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

    def walk(self, top: Node, until: float) -> bool:
        """Fill the inventory; whether there was time enough."""
        pending = [(top, _Place("", (), ()))]
        while pending:
            if thread_time() > until:
                return False
            node, place = pending.pop()
            self._count(node)
            if node.type in COMMENTS:
                self.inventory.comments.append(text(node))
                continue
            pending += reversed(self._enter(node, place))
        for name, shape in self._shapes.items():
            self.inventory.parts[name].shape = " ".join(shape)
        return True

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
        if node.type.endswith("identifier") and is_lookalike(text(node)):
            self.inventory.signs[Sign.LOOKALIKE, text(node)] += 1
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
        children = node.children
        bare: list[tuple[Node, bool]] = []
        for child in children:
            guard = guarded(node, child) if guarded is not None else ""
            more = ((guard,) if guard else ()) + (() if reached else (NEVER,))
            yield child, place._replace(guards=(*place.guards, *more)) if more else place
            left = _leaves(child)
            reached = reached and left is None
            if left is _Left.WITH_NOTHING:
                bare.append((child, bool(guard)))
        if bare and self.inventory.parts[place.part].test:
            self._leave(bare, [each for each in children if each.is_named and each.type not in COMMENTS])

    def _leave(self, bare: list[tuple[Node, bool]], statements: list[Node]) -> None:
        """Count returns that stand under a condition of their own, first in a block, or not last in it."""
        for node, guarded in bare:
            if guarded or node == statements[0] or node != statements[-1]:
                self.inventory.signs[Sign.EARLY_LEAVE, "return"] += 1


class _Left(Enum):
    """How a statement leaves its function."""

    WITH_NOTHING = "nothing"
    WITH_SOMETHING = "something"


def _leaves(statement: Node) -> _Left | None:
    if statement.type == "expression_statement" and statement.child_count:
        statement = statement.children[0]
    if statement.type in {"return_statement", "return_expression", "throw_statement"}:
        return _Left.WITH_SOMETHING if statement.named_child_count else _Left.WITH_NOTHING
    return None
