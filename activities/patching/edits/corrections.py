"""Small corrections that a linter's finding spells out: a word and its right form, a blank too many."""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from activities.adapters.workspace import Workspace
from activities.patching.edits.files import read_text, tracked
from activities.patching.recipe import EditRefusedError
from workflows.models import PatchRequest

_FILE: Final = r"(?P<file>[^\s:'\"(),]{1,250})"
_WORD: Final = r"[\w'-]{1,80}"
_PLACE: Final = rf"{_FILE}:(?P<line>\d{{1,7}})"


class _Finding(NamedTuple):
    """How a tool says what is wrong where, and what sets it right."""

    pattern: re.Pattern[str]
    """Groups `line` and mostly `file`; without that, the last file that stood alone on a line."""
    mend: Callable[[str, re.Match[str]], str | None]
    """The line as it should be; None where the finding does not fit it."""


def _respelled(line: str, found: re.Match[str]) -> str | None:
    word = re.compile(rf"(?<!\w){re.escape(found['wrong'])}(?!\w)")
    return word.sub(lambda _: found["right"], line) if word.search(line) else None


def _without_trailing_blanks(line: str, _: re.Match[str]) -> str:
    return line.rstrip()


def _without_ignore(line: str, found: re.Match[str]) -> str | None:
    """Without a `type: ignore` that the type checker does not need, or without its needless codes."""
    comment = re.search(r"\s*#\s*(?:type|pyright):\s*ignore(?:\[(?P<codes>[^\]]*)\])?", line)
    if not comment:
        return None
    needless = {code.strip() for code in (found["codes"] or "").split(",")} - {""}
    codes = [code.strip() for code in (comment["codes"] or "").split(",") if code.strip()]
    kept = [code for code in codes if needless and code not in needless]
    instead = f"  # type: ignore[{', '.join(kept)}]" if kept else ""
    return line[: comment.start()].rstrip() + instead + line[comment.end() :]


def _with(sign: str) -> Callable[[str, re.Match[str]], str | None]:
    """Put `sign` where the finding points, which is behind what lacks it."""

    def mend(line: str, found: re.Match[str]) -> str | None:
        at = int(found["column"]) - 1
        fits = 0 < at <= len(line) and not line[at - 1].isspace() and line[at : at + 1] != sign
        return line[:at] + sign + line[at:] if fits else None

    return mend


def _indented(line: str, found: re.Match[str]) -> str | None:
    sign = "\t" if found["unit"].startswith("tab") else " "
    inner = line.lstrip(sign)
    as_said = len(line) - len(inner) == int(found["actual"]) and not inner[:1].isspace()
    return sign * int(found["wanted"]) + inner if as_said else None


_STYLISH: Final = r"^\s*(?:✖\s+)?(?P<line>\d{1,7}):(?P<column>\d{1,5})\s+(?:error\s+|warning\s+)?"
"""ESLint's and xo's lines beneath a file's name."""

_FINDINGS: Final = (
    # codespell; several forms, or one that it marks as doubtful, are no correction.
    _Finding(re.compile(rf"^{_PLACE}: (?P<wrong>{_WORD}) ==> (?P<right>{_WORD})$"), _respelled),
    # typos, brief; then misspell
    _Finding(re.compile(rf"^{_PLACE}:\d+: `(?P<wrong>{_WORD})` -> `(?P<right>{_WORD})`$"), _respelled),
    _Finding(
        re.compile(rf"^{_PLACE}:\d+: \"(?P<wrong>{_WORD})\" is a misspelling of \"(?P<right>{_WORD})\"$"),
        _respelled,
    ),
    _Finding(
        re.compile(
            rf"^{_PLACE}(?::\d+)?: .*Unused \"type: ignore(?:\[(?P<codes>[\w, -]{{1,200}})\])?\" comment"
        ),
        _without_ignore,
    ),
    _Finding(
        re.compile(rf"^{_PLACE}(?::\d+)?:? .*\b(?:[Tt]railing (?:white)?spaces?|[Tt]railing whitespaces?)\b"),
        _without_trailing_blanks,
    ),
    _Finding(re.compile(_STYLISH + r".*\b[Tt]railing (?:white)?spaces?\b"), _without_trailing_blanks),
    _Finding(re.compile(_STYLISH + r"Missing trailing comma\."), _with(",")),
    _Finding(re.compile(_STYLISH + r"Missing semicolon\."), _with(";")),
    _Finding(
        re.compile(
            _STYLISH + r"Expected indentation of (?P<wanted>\d{1,3}) (?P<unit>tab|space)s? "
            r"but found (?P<actual>\d{1,3})\b"
        ),
        _indented,
    ),
)
_TYPOS: Final = re.compile(rf"^(?:error|warning): `(?P<wrong>{_WORD})` should be `(?P<right>{_WORD})`$")
_TYPOS_PLACE: Final = re.compile(rf"^\s*(?:-->|╭▸)\s*(?:\./)?{_PLACE}:\d+$")
_ALONE: Final = re.compile(r"^\s*(?P<file>(?:/|\.{0,2}/?)[^\s:'\"(),]{1,250}\.\w{1,10})(?::\d+:\d+)?$")

SAID: Final = (
    rf"==> {_WORD}$|` (?:->|should be) `|is a misspelling of|Unused \"type: ignore"
    r"|[Tt]railing (?:white)?space"
    r"|Missing trailing comma\.|Missing semicolon\.|Expected indentation of \d"
)


def correct(request: PatchRequest, workspace: Workspace) -> str:
    """Make the corrections that linters spell out in the logs, line by line.

    Raises:
        EditRefusedError: None fits the files.
    """
    texts: dict[str, list[str]] = {}
    mended = 0
    for note in sorted(set(_said(request, workspace)), reverse=True):  # the last column of a line first
        lines = texts.setdefault(note.path, read_text(workspace, note.path).split("\n"))
        if note.line > len(lines):
            continue
        line = lines[note.line - 1]
        ending = "\r" if line.endswith("\r") else ""
        better = note.mend(line.removesuffix("\r"))
        if better is not None and better + ending != line:
            lines[note.line - 1] = better + ending
            mended += 1
    if not mended:
        raise EditRefusedError("No finding of the log spells out a correction that fits the files.")
    for path, lines in texts.items():
        workspace.write(path, "\n".join(lines).encode())
    return f"Corrected {mended} {'place' if mended == 1 else 'places'} as the log spells out."


class _Note(NamedTuple):
    """A finding of the log, at a file of the repository. In the order of its place."""

    path: str
    line: int
    column: int
    text: str
    kind: int
    """Which of `_FINDINGS`."""

    def mend(self, line: str) -> str | None:
        finding = _FINDINGS[self.kind]
        found = finding.pattern.match(self.text)
        return finding.mend(line, found) if found else None


def _said(request: PatchRequest, workspace: Workspace) -> Iterator[_Note]:
    for job in request.evidence.jobs:
        file: str | None = None
        spelling: re.Match[str] | None = None
        for printed in job.excerpt.text.splitlines():
            text = printed
            place = _TYPOS_PLACE.match(printed)
            if place and spelling:
                text = f"{place['file']}:{place['line']}:1: `{spelling['wrong']}` -> `{spelling['right']}`"
            spelling = _TYPOS.match(printed) or (None if place else spelling)
            alone = _ALONE.match(printed)
            file = tracked(workspace, alone["file"]) or file if alone else file
            for kind, finding in enumerate(_FINDINGS):
                found = finding.pattern.match(text)
                if not found:
                    continue
                groups = found.groupdict()
                path = tracked(workspace, groups["file"]) if "file" in groups else file
                if path:
                    yield _Note(path, int(groups["line"]), int(groups.get("column") or 0), text, kind)
                break
