"""Paths that are never written, and the patterns that name paths."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from activities.publishing.gate.unseen import unseen


def glob(pattern: str) -> re.Pattern[str]:
    """A path pattern: `**` crosses directories, `*` and `?` do not; without a slash it is any file's name."""
    regex = ""
    rest = pattern if "/" in pattern else f"**/{pattern}"
    while rest:
        for token, meaning in (("**/", r"(?:.*/)?"), ("**", r".*"), ("*", r"[^/]*"), ("?", r"[^/]")):
            if rest.startswith(token):
                regex, rest = regex + meaning, rest[len(token) :]
                break
        else:
            regex, rest = regex + re.escape(rest[0]), rest[1:]
    return re.compile(regex, re.IGNORECASE | re.DOTALL)


def is_meant(pattern: str, path: str) -> bool:
    """Whether a pattern out of somebody's settings means a path: too much rather than too little.

    `*` and `?` cross directories, a directory stands for all that is below it, `/` or `./` in front for
    nothing, and without a slash inside the pattern is any file's or directory's name. Case does not count.
    """
    named = pattern.removeprefix("./").strip("/").casefold() or "*"
    wanted = named.replace("**/", "*").replace("[", "[[]")
    parts = path.casefold().split("/")
    places = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    names = places if "/" in named else [*places, *parts]
    # `fnmatch` matches without backtracking over what a `*` has taken, whatever the pattern is.
    return any(fnmatchcase(name, wanted) for name in names)


@dataclass(frozen=True, slots=True)
class PathRule:
    """A path that is never written."""

    name: str
    applies: Callable[[str], bool]
    why: str


def _parts(path: str) -> list[str]:
    return path.split("/")


def _is_git_directory(part: str) -> bool:
    """Whether a file system may take `part` for `.git`: HFS+ skips characters, NTFS shortens and trims."""
    visible = "".join(each for each in part if unicodedata.category(each) not in {"Cf", "Mn"})
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return re.fullmatch(r"(?:\.git|git~[0-9]+)[. ]*(?::.*)?", folded) is not None


PATH_RULES: Final = (
    PathRule("absolute", lambda path: path.startswith("/") or path[1:2] == ":", "the path is absolute"),
    PathRule("backslash", lambda path: "\\" in path, "the path holds a backslash"),
    PathRule(
        "escape",
        lambda path: any(part in {"", ".", ".."} for part in _parts(path)),
        "the path leaves its directory",
    ),
    PathRule("unseen", lambda path: bool(unseen(path)) or "\f" in path, "the path holds an unseen character"),
    PathRule("blank", lambda path: any(c in path for c in "\t\r\n"), "the path holds a control character"),
    PathRule(
        "trimmed",
        lambda path: any(part != part.strip() or part.endswith(".") for part in _parts(path)),
        "the path begins or ends with what some file systems drop",
    ),
    PathRule("git", lambda path: any(map(_is_git_directory, _parts(path))), "git's own directory"),
    PathRule("long", lambda path: len(path.encode(errors="replace")) > 1_000, "the path is too long"),  # noqa: PLR2004 — the limit is the rule
)
