"""Diffs that a failing check printed of what it wants: `black --diff`, `cargo fmt --check`, `git diff`."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.workspace import Workspace
from activities.patching.edits.files import read_text, tracked

_UNIFIED: Final = re.compile(
    r"@@ -(?P<line>\d{1,7})(?:,(?P<before>\d{1,7}))? \+\d{1,7}(?:,(?P<after>\d{1,7}))? @@"
)
_RUSTFMT: Final = re.compile(r"Diff in (?P<path>[^\n]{1,400}?)(?: at line |:)(?P<line>\d{1,7}):")
_HEADER: Final = re.compile(
    r"\+\+\+ (?P<path>[^\t\n]{1,400}?)(?::after)?(?:\t[^\n]*|\s+\(reformatted\)|\s+\d{4}-\d\d-\d\d [^\n]*)?"
)
_SIDES: Final = ("a/", "b/", "old/", "new/", "original/", "fixed/")
"""What tools put before a path to say which side it is."""
_GAP: Final = re.compile(r"… [\d,]+ lines? omitted …")
_REPEATED: Final = re.compile(r"… the line above stands (?P<times>\d{1,6}) times …")
_REPETITIONS: Final = 1_000


@dataclass(frozen=True)
class Hunk:
    """One place of a printed diff."""

    path: str
    """As it was printed."""
    line: int
    """About where it begins, from 1."""
    lines: tuple[tuple[str, str], ...] = ()
    """Sign (blank, `-`, `+`) and text; blanks at line ends are not kept by a log."""

    @property
    def before(self) -> list[str]:
        """The lines it takes away or keeps."""
        return [text.rstrip() for sign, text in self.lines if sign != "+"]

    @property
    def changes(self) -> bool:
        """Whether it says anything beside its surroundings."""
        return any(sign != " " for sign, _ in self.lines)


@dataclass(frozen=True)
class Taken:
    """What became of the hunks of a log."""

    applied: int = 0
    left: int = 0
    """Hunks that are cut in the log, or do not fit the files."""


def hunks(text: str) -> Iterator[Hunk]:
    """The hunks that an excerpt shows whole; where the log is cut inside one, it is left out."""
    lines = _unfolded(text.split("\n"))
    path, position = "", 0
    while position < len(lines):
        line = lines[position]
        position += 1
        header, unified, rust = _HEADER.fullmatch(line), _UNIFIED.match(line), _RUSTFMT.fullmatch(line)
        if header:
            path = header["path"].strip()
        elif unified and path:
            hunk, position = _counted(path, unified, lines, position)
            if hunk:
                yield hunk
        elif rust:
            hunk, position = _uncounted(rust, lines, position)
            if hunk:
                yield hunk


def apply(
    found: Sequence[Hunk], workspace: Workspace, *, may_touch: Callable[[str], bool], folder: str = "."
) -> Taken:
    """Make the changes that hunks ask for, where they fit the files exactly.

    Args:
        found: From one log.
        workspace: The files.
        may_touch: Whether a path is one that the tool has business with.
        folder: Where the tool ran; it may print paths as seen from there.

    Raises:
        EditRefusedError: A file that is named is no text.
    """
    by_path: dict[str, list[Hunk]] = {}
    left = 0
    for hunk in found:
        path = _path(hunk.path, workspace, folder)
        if path is None or not may_touch(path):
            left += 1
        elif hunk not in by_path.setdefault(path, []):  # the jobs of a matrix print alike
            by_path[path].append(hunk)
    applied = 0
    for path, wanted in by_path.items():
        text = read_text(workspace, path)
        edited, fitting = _applied(text, wanted)
        applied, left = applied + fitting, left + len(wanted) - fitting
        if edited != text:
            workspace.write(path, edited.encode())
    return Taken(applied, left)


def _unfolded(lines: list[str]) -> list[str]:
    """With the lines that an excerpt names as repeated written out."""
    result: list[str] = []
    for line in lines:
        repeated = _REPEATED.fullmatch(line)
        if repeated and result:
            result += [result[-1]] * min(int(repeated["times"]) - 1, _REPETITIONS)
        else:
            result.append(line)
    return result


def _counted(path: str, head: re.Match[str], lines: list[str], position: int) -> tuple[Hunk | None, int]:
    """A hunk whose head says how many lines it has; None where the log ends before that many."""
    before, after = (int(head[name] or 1) if head[name] != "0" else 0 for name in ("before", "after"))
    found: list[tuple[str, str]] = []
    while position < len(lines) and (before > 0 or after > 0):
        line = lines[position]
        sign, text = line[:1] or " ", line[1:]
        if sign == "\\":
            position += 1
            continue
        if sign not in {" ", "-", "+"}:
            break
        before -= sign != "+"
        after -= sign != "-"
        found.append((sign, text))
        position += 1
    whole = before == after == 0
    return (Hunk(path, int(head["line"]), tuple(found)) if whole else None), position


def _uncounted(head: re.Match[str], lines: list[str], position: int) -> tuple[Hunk | None, int]:
    """A hunk of rustfmt's, which ends where something else begins; None where the log is cut there."""
    found: list[tuple[str, str]] = []
    while position < len(lines) and lines[position][:1] in {"", " ", "-", "+"}:
        found.append((lines[position][:1] or " ", lines[position][1:]))
        position += 1
    cut = position < len(lines) and _GAP.match(lines[position])
    while found and found[-1] == (" ", ""):  # the tool's, or the log's
        found.pop()
    return (None if cut else Hunk(head["path"], int(head["line"]), tuple(found))), position


def _path(printed: str, workspace: Workspace, folder: str) -> str | None:
    first, _, rest = printed.partition("/")
    names = [printed, *([rest] if f"{first}/" in _SIDES else [])]
    for name in names:
        inside = str(PurePosixPath(folder) / name)
        found = inside if inside in workspace.tracked else tracked(workspace, name)
        if found:
            return found
    return None


def _applied(text: str, wanted: Sequence[Hunk]) -> tuple[str, int]:
    """The text with the hunks that fit, and how many did. Lines that stay keep their own bytes."""
    lines = text.split("\n")
    ending = "\r" if lines[0].endswith("\r") else ""
    shift = fitting = 0
    for hunk in sorted(wanted, key=lambda hunk: hunk.line):
        if not hunk.changes:
            continue
        start = _place(lines, hunk.before, hunk.line - 1 + shift)
        if start is None:
            continue
        old = iter(lines[start : start + len(hunk.before)])
        new: list[str] = []
        for sign, content in hunk.lines:
            if sign == "+":
                new.append(content + ending)
            else:
                kept = next(old)
                new += [kept] if sign == " " else []
        lines[start : start + len(hunk.before)] = new
        shift += len(new) - len(hunk.before)
        fitting += 1
    return "\n".join(lines), fitting


def _place(lines: list[str], before: list[str], near: int) -> int | None:
    """Where `before` stands, nearest to `near`; None where it does not, or is nothing but blank lines."""
    if not any(before):
        return None
    bare = [line.rstrip() for line in lines]
    places = [at for at in range(len(bare) - len(before) + 1) if bare[at : at + len(before)] == before]
    return min(places, key=lambda at: abs(at - near)) if places else None
