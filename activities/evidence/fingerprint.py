"""A name for a failure: the same in another run, another for another failure.

Version 2 hashes the failing step's command and the loudest distinct lines of the excerpt, normalised and in
alphabetical order; few, so that it makes no difference what else the log says. Left out on purpose:
timestamps, durations, counts, line and column numbers, commit hashes, identifiers, addresses, the leading
part of paths, runner and tool versions, operating systems, and the job's name, because matrix legs differ in
it. Kept: error codes (`F401`, `E0308`, `TS2304`), names of tests, symbols, files and their last folder, and
the wording of the error. A change of any rule here is a new version.
"""

import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Final

from activities.evidence.signals import LOUD, loudness, names_finding

_VERSION: Final = "v2"
_LINES_HASHED: Final = 6
_LINES_FALLEN_BACK_ON: Final = 3


def _word(first: str, rest: str) -> str:
    r"""`\b`, one character of `first`, then `rest`: `re` skips to those, and tries `\b` everywhere."""
    return rf"[{first}](?<!\w.){rest}"


_HEX: Final = "[0-9a-fA-F]"
_STEP: Final = r"[\w.@+~-]{1,100}/"
_FILE: Final = r"[\w.@+~-]{1,100}/[\w.@+-]{1,100}"
_UNIT: Final = "ns|µs|us|ms|s|sec(?:ond)?s?|min(?:ute)?s?|m|h"
_SUBSTITUTIONS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        re.compile(
            _word("0-9", r"\d{3}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
        ),
        "#",
    ),
    (re.compile(_word("0-9a-fA-F", rf"{_HEX}{{7}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}\b")), "#"),
    (re.compile(r"\\(?=[\w.])"), "/"),
    (re.compile(rf"(?:\b[A-Za-z]:)?/(?:{_STEP}){{0,64}}({_FILE})"), r"\1"),
    (re.compile(rf"(?<![\w/])(?:{_STEP}){{1,64}}({_FILE})"), r"\1"),
    (re.compile(_word("0", rf"x{_HEX}+\b")), "#"),
    (re.compile(r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b"), "#"),
    (
        re.compile(
            r"\b(?:ubuntu|windows|macos|linux|darwin)(?:[-_ ]?(?:latest|\d+(?:\.\d+)*))?\b", re.IGNORECASE
        ),
        "os",
    ),
    (re.compile(r"\b(?:x86_64|amd64|aarch64|arm64|x64|x86)\b", re.IGNORECASE), "cpu"),
    (re.compile(rf"(?<![A-Za-z\d])v?\d+(?:[.,:_-]\d+)*(?:\s?(?:{_UNIT}))?\b"), "#"),
    (re.compile(r"(?<=[a-z_.-])\d+(?:\.\d+)*"), "#"),
    (re.compile(r"#(?:[\s.,:/-]*#)+"), "#"),
    (re.compile(r"\s+"), " "),
)
_BETWEEN: Final = "\0"
_NO_CAUSE: Final = re.compile(
    r"##\[error\]process completed|exit(?:ed)? (?:code|status|with)|short test summary"
)
"""In lower case."""


def fingerprint(excerpt: str, command: str | None) -> str:
    """The failure's name, `v2:` and 16 hex digits.

    Args:
        excerpt: The excerpt's text, redacted.
        command: The failing step's command, or its name where the command is unknown.
    """
    lines = excerpt.splitlines()
    telling = iter(sorted(filter(_tells, dict.fromkeys(lines)), key=loudness, reverse=True))
    distinct: dict[str, None] = {}
    while len(distinct) < _LINES_HASHED and (some := list(itertools.islice(telling, _LINES_HASHED))):
        distinct |= dict.fromkeys(_normalised(some))
    if not distinct:
        plain = [line for line in lines if not _is_no_cause(line)]
        distinct = dict.fromkeys(_normalised(plain[-_LINES_FALLEN_BACK_ON:]))
    return _digest([normalise(command or ""), *sorted(list(distinct)[:_LINES_HASHED])])


def _tells(line: str) -> bool:
    return (loudness(line) >= LOUD or names_finding(line)) and not _is_no_cause(line)


def _is_no_cause(line: str) -> bool:
    """Whether it only says that something failed, marks a place (`^^^`), is a note of Regreen's or blank."""
    return line.startswith("… ") or not line.strip().strip("^") or bool(_NO_CAUSE.search(line.lower()))


def combine(fingerprints: Iterable[str]) -> str:
    """One name for a run, of its failed jobs' names: order and repetition (matrix legs) do not matter."""
    distinct = sorted(set(fingerprints))
    if len(distinct) == 1:
        return distinct[0]
    return _digest(distinct) if distinct else ""


def normalise(line: str) -> str:
    """`line` without what changes from run to run."""
    return _normalised([line])[0]


def _normalised(lines: Sequence[str]) -> list[str]:
    """Many lines at once, at a fraction of the cost: no pattern matches the zero byte between them."""
    text = _BETWEEN.join(lines)
    for pattern, replacement in _SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    return [line.strip() for line in text.split(_BETWEEN)]


def _digest(parts: Iterable[str]) -> str:
    return f"{_VERSION}:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
