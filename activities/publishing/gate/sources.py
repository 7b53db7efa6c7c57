"""Cheating in source files: what a file demands and hides, before and after."""

from collections.abc import Callable, Iterator
from functools import partial
from time import thread_time
from typing import Final

from activities.publishing.gate import lines, scripts
from activities.publishing.gate.comparing import compare
from activities.publishing.gate.files import Change
from activities.publishing.gate.findings import Finding, doubtful
from activities.publishing.gate.inventory import Inventory
from activities.publishing.gate.languages import python, trees
from activities.publishing.gate.languages.go import GO
from activities.publishing.gate.languages.java import JAVA
from activities.publishing.gate.languages.javascript import JAVASCRIPT, TSX, TYPESCRIPT
from activities.publishing.gate.languages.rust import RUST
from activities.publishing.gate.nesting import nests_deeper_than

SOURCE_CHARACTERS: Final = 400_000
"""A larger file takes a while to read and is hardly written by hand; only its lines are judged."""

DEEPEST: Final = 200
"""Brackets in brackets."""

_DIALECTS: Final = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), JAVASCRIPT),
    **dict.fromkeys((".ts", ".mts", ".cts"), TYPESCRIPT),
    ".tsx": TSX,
    ".go": GO,
    ".rs": RUST,
    ".java": JAVA,
}


def inventories(change: Change, *, until: float) -> tuple[Inventory, Inventory] | None:
    """A file's inventory before and after; None where its syntax is not read.

    Args:
        change: The file.
        until: When to give up reading, in seconds of `time.thread_time`.
    """
    reader = _reader(change, until)
    texts = [text for text in (change.before, change.after) if text is not None]
    if reader is None or thread_time() > until or any(_is_too_much(text) for text in texts):
        return None
    before = Inventory() if change.before is None else reader(change.before)
    after = None if before is None else reader(change.after)
    return None if before is None or after is None else (before, after)


def findings(
    change: Change, read: tuple[Inventory, Inventory] | None, removed: tuple[str, ...], added: tuple[str, ...]
) -> Iterator[Finding]:
    """What speaks against a change of a file that is not configuration.

    Args:
        change: The file before and after.
        read: Its inventories, where its syntax is read.
        removed: The lines that the patch removes.
        added: The lines that the patch adds.
    """
    if read is None:
        if _is_source(change):
            yield doubtful("cannot be read as what its name says it is")
        yield from lines.by_lines(change, removed, added)
        yield from scripts.findings(change, removed, added)
        return
    before, after = read
    if before.layout_free == after.layout_free:
        return
    yield from compare(before, after, in_tests=change.in_tests)
    yield from lines.suppressions(before.comments, after.comments)
    if before.whole and not after.whole:
        yield doubtful("cannot be read in full as what its name says it is")


def _reader(change: Change, until: float) -> Callable[[str], Inventory | None] | None:
    if change.suffix in {".py", ".pyi"}:
        return partial(python.read, in_tests=change.in_tests)
    dialect = _DIALECTS.get(change.suffix)
    return partial(trees.read, dialect=dialect, until=until) if dialect else None


def _is_too_much(text: str) -> bool:
    return len(text) > SOURCE_CHARACTERS or nests_deeper_than(DEEPEST, text)


def _is_source(change: Change) -> bool:
    return change.suffix in {".py", ".pyi", *_DIALECTS}
