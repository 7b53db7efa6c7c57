"""Files and lines of the repository that a log names."""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Final

from workflows.models import Location

LISTED: Final = 20

_WORKSPACE: Final = re.compile(
    r"^(?:/home/runner/work/[^/]+/[^/]+/|/Users/runner/work/[^/]+/[^/]+/|/__w/[^/]+/[^/]+/|/github/workspace/"
    r"|[A-Za-z]:/a/[^/]+/[^/]+/|\./|[ab]/(?=\S))"
)
_FOREIGN: Final = re.compile(
    r"site-packages|node_modules/|/rustc/|\.cargo/registry|/lib/python\d|^/usr/|^/opt/|^<|://"
)
_NAMED: Final = re.compile(
    r"(?<![\w/.:])(?P<path_a>[A-Za-z]?:?[\w./\\@+-]{1,200}\.[A-Za-z]\w{0,7})"
    r"(?::(?P<line_a>\d{1,7})|\((?P<line_b>\d{1,7})[,)]|:\[(?P<line_g>\d{1,7}),\d{1,7}\])"
    r'|File "(?P<path_b>[^"\n]{1,200})", line (?P<line_c>\d{1,7})'
    r"|^(?:would reformat|Would reformat:|\[warn\]|error: cannot format|\+\+\+) "
    r"(?P<path_c>[\w./\\@+-]{1,200}\.\w{1,8})(?=[\s:]|$)"
    r"|^ERROR: (?P<path_d>[\w./\\@+-]{1,200}) Imports are incorrectly"
    r"|^(?P<path_e>/?[\w./@+-]{1,200}\.\w{1,8})$"
    r"|^In (?P<path_f>[\w./@+-]{1,200}) line (?P<line_d>\d{1,7}):$"
    r"| in (?P<path_g>[\w./@+-]{1,200}\.php) on line (?P<line_e>\d{1,7})"
    r"|^  on (?P<path_h>[\w./@+-]{1,200}\.tf) line (?P<line_f>\d{1,7})"
)
_NAMES_AT_ONCE: Final = (
    *("would reformat", "Would reformat:", "[warn]", "error: cannot format", "+++ ", "ERROR: ", "In "),
    "  on ",
)
_POSITION: Final = re.compile(r"\.[A-Za-z]\w{0,7}(?::\[?|\()\d")
"""Of the lines that `_NAMED` may match in, each begins in one of the first ways, or holds the second."""
_UNDER_HEADING: Final = re.compile(r"^ {1,8}(?:✖ {1,4})?(?P<line>\d{1,7}):\d{1,7}\b")
"""A finding below the line that names its file, as eslint and its kin print it."""
_HEADING_ONLY: Final = "path_e"

_Place = tuple[str, int | None]
"""A path and a line."""


def locations(texts: Iterable[str]) -> tuple[Location, ...]:
    """Places in the repository that `texts` name, in order of appearance; at most `LISTED`."""
    named = itertools.chain.from_iterable(map(_named, texts))
    found: dict[_Place, None] = {}
    while len(found) < LISTED and (place := next(named, None)):
        found[place] = None
    return tuple(Location(path=path, line=line) for path, line in found)


def files(places: Iterable[Location]) -> tuple[str, ...]:
    """The files of `places`, each once."""
    return tuple(dict.fromkeys(place.path for place in places))


def in_repository(path: str) -> str:
    """`path` below the repository's root, where it is written with the runner's workspace."""
    return _WORKSPACE.sub("", path.replace("\\", "/"))


def _named(text: str) -> Iterator[_Place]:
    heading: str | None = None
    pending = False
    for line in text.splitlines():
        below = _UNDER_HEADING.match(line) if heading else None
        if heading and below:
            pending = False
            yield heading, int(below["line"])
            continue
        if heading and pending and line.strip():
            # A file on a line of its own with nothing below it, as formatters list them.
            yield heading, None
            pending = False
        if not _may_name(line):
            continue
        for match in _NAMED.finditer(line):
            groups = match.groupdict()
            written = next((value for name, value in groups.items() if name[:4] == "path" and value), "")
            path = written.replace("\\", "/")
            if not path or _FOREIGN.search(path):
                continue
            path = in_repository(path)
            if match.lastgroup == _HEADING_ONLY:
                heading, pending = path, True
                continue
            number = next((value for name, value in groups.items() if name[:4] == "line" and value), None)
            yield path, int(number) if number else None
    if heading and pending:
        yield heading, None


def _may_name(line: str) -> bool:
    """Whether `_NAMED` is worth trying, which takes much longer."""
    if " " not in line:
        return "." in line
    return (
        line.startswith(_NAMES_AT_ONCE)
        or _POSITION.search(line) is not None
        or 'File "' in line
        or " on line " in line
    )
