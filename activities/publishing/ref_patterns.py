"""GitHub's filter patterns for branches and paths, matched in bounded time whatever the pattern.

Their meaning is GitHub's, from its page on the workflow syntax ("Filter pattern cheat sheet"): `*` is
anything but a slash, `**` anything, `?` and `+` make what stands before them optional or repeated, `[]` is
one of a set, and `!` at the start takes back what earlier patterns let in.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

_PIECE: Final = re.compile(r"\*\*/|\*\*|\*|\[[^\]]+\]|\\.|.", re.DOTALL)
_PATTERN_CHARACTERS: Final = 255
"""A longer pattern matches nothing: GitHub has no branch of that length."""
_PATTERNS: Final = 100
"""Patterns of one filter that are looked at."""


class _Part(NamedTuple):
    fits: Callable[[str], bool]
    optional: bool = False
    repeats: bool = False
    skips: int = 0
    """Parts that may be passed over together with this one, which itself takes no character."""


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether the last pattern that fits `name` is one without a leading `!`."""
    verdict = False
    for pattern in islice(patterns, _PATTERNS):
        negated = pattern.startswith("!")
        if _fits(_parts(pattern[negated:]), name):
            verdict = not negated
    return verdict


def _parts(pattern: str) -> list[_Part]:
    parts: list[_Part] = []
    for piece in _PIECE.findall(pattern[: _PATTERN_CHARACTERS + 1]):
        if piece in {"?", "+"} and parts:
            parts[-1] = parts[-1]._replace(optional=piece == "?", repeats=piece == "+")
        elif piece == "**/":
            parts += [_Part(_nothing, skips=3), _any_number_of(_anything), _Part(_literal("/"))]
        elif piece.startswith("*"):
            parts.append(_any_number_of(_anything if piece == "**" else _within_segment))
        elif piece.startswith("[") and len(piece) > 1:
            parts.append(_Part(_one_of(piece[1:-1])))
        else:
            parts.append(_Part(_literal(piece[-1])))
    return parts if len(pattern) <= _PATTERN_CHARACTERS else [_Part(_nothing)]


def _any_number_of(fits: Callable[[str], bool]) -> _Part:
    return _Part(fits, optional=True, repeats=True)


def _fits(parts: Sequence[_Part], name: str) -> bool:
    """Whether the parts take `name` whole: every place that may be reached, character by character."""
    places = _reachable(parts, {0})
    for character in name:
        after = set[int]()
        for place in places:
            if place < len(parts) and parts[place].fits(character):
                after.add(place + 1)
                if parts[place].repeats:
                    after.add(place)
        places = _reachable(parts, after)
    return len(parts) in places


def _reachable(parts: Sequence[_Part], places: set[int]) -> set[int]:
    """`places`, and those behind parts that need not take a character."""
    found = set[int]()
    waiting = list(places)
    while waiting:
        place = waiting.pop()
        if place in found:
            continue
        found.add(place)
        if place < len(parts):
            part = parts[place]
            if part.optional:
                waiting.append(place + 1)
            if part.skips:
                waiting += [place + 1, place + part.skips]
    return found


def _anything(_character: str) -> bool:
    return True


def _nothing(_character: str) -> bool:
    return False


def _within_segment(character: str) -> bool:
    return character != "/"


def _literal(wanted: str) -> Callable[[str], bool]:
    return wanted.__eq__


def _one_of(members: str) -> Callable[[str], bool]:
    ranges = re.findall(r"(.)-(.)|(.)", members, re.DOTALL)
    spans = [(low or single, high or single) for low, high, single in ranges]
    return lambda character: any(low <= character <= high for low, high in spans)
