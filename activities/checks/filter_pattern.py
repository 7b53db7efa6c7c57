"""GitHub's filter patterns for branches, tags and paths, matched in time linear in the length of the name.

`*` stops at slashes, `**` does not, `?` and `+` count the sign before them, `[]` is a set, and a backslash
takes a sign literally (docs.github.com, "Workflow syntax", filter pattern cheat sheet). A pattern is a
stranger's text, and as a regular expression `a+a+a+…` would take for ever to fail.
"""

import re
from typing import Final, NamedTuple

_PART: Final = re.compile(r"\*+/?|\[[^\]]+\]|\\.|.", re.DOTALL)


class _Step(NamedTuple):
    signs: re.Pattern[str]
    optional: bool = False
    repeats: bool = False
    leap: int = 0
    """So many steps further on, this one among them, one may go on without a sign."""


_ANY: Final = re.compile(r".", re.DOTALL)
_NO_SLASH: Final = re.compile(r"[^/]")
_SLASH: Final = re.compile(r"/")
_NOTHING: Final = re.compile(r"(?!)")


def fits(pattern: str, name: str) -> bool:
    """Whether a pattern, without a leading `!`, fits the whole name."""
    steps = _steps(pattern)
    standing = _reached({0}, steps)
    for sign in name:
        moved = set()
        for place in standing:
            if place < len(steps) and steps[place].signs.fullmatch(sign):
                moved |= {place, place + 1} if steps[place].repeats else {place + 1}
        standing = _reached(moved, steps)
        if not standing:
            return False
    return len(steps) in standing


def _reached(places: set[int], steps: list[_Step]) -> set[int]:
    """The places, and those that can be reached from them without a further sign."""
    found, new = set(places), list(places)
    while new:
        place = new.pop()
        if place == len(steps):
            continue
        step = steps[place]
        nexts = {place + 1} if step.optional else set()
        nexts |= {place + step.leap} if step.leap else set()
        new += nexts - found
        found |= nexts
    return found


def _steps(pattern: str) -> list[_Step]:
    steps: list[_Step] = []
    for part in _PART.findall(pattern):
        if part == "?" and steps:
            steps[-1] = steps[-1]._replace(optional=True)
        elif part == "+" and steps:
            steps[-1] = steps[-1]._replace(repeats=True)
        elif part.startswith("*"):
            steps += _stars(part)
        else:
            steps.append(_Step(_one(part)))
    return steps


def _stars(part: str) -> list[_Step]:
    deep, slash = part.startswith("**"), part.endswith("/")
    any_number = _Step(_ANY if deep else _NO_SLASH, optional=True, repeats=True)
    if not slash:
        return [any_number]
    folders = [any_number, _Step(_SLASH)]
    # `**/` stands for any folders, and for none: then its slash is left out with it.
    return [_Step(_NOTHING, optional=True, leap=3), *folders] if deep else folders


def _one(part: str) -> re.Pattern[str]:
    if part.startswith("[") and len(part) > 1:
        try:
            return re.compile(part)
        except re.error:
            pass
    return re.compile(re.escape(part.removeprefix("\\") or part), re.DOTALL)
