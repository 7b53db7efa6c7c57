"""Literals that a text must hold before a regular expression can match in it.

Hundreds of patterns are searched in every excerpt, and all but a few of them name words that are not there.
One pass for all their words (Aho-Corasick) tells which patterns are worth a search.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from re import _constants as sre  # type: ignore[attr-defined] # no public module gives a pattern's structure
from re import _parser  # type: ignore[attr-defined] # likewise
from typing import Any, Final

from ahocorasick_rs import AhoCorasick

_SHORTEST: Final = 3
"""Shorter words stand in nearly every text."""

_LINE_END: Final = re.compile("\n")

Needles = frozenset[str]
"""In lower case; a match holds at least one of them."""


def needles(pattern: re.Pattern[str]) -> list[list[Needles]]:
    """What every match of `pattern` holds: in one of these ways, something of each.

    A way without needs says that nothing can be told.
    """
    parsed = list(_parser.parse(pattern.pattern, pattern.flags))
    while len(parsed) == 1 and parsed[0][0] is sre.SUBPATTERN:
        parsed = list(parsed[0][1][3])
    ways = parsed[0][1][1] if len(parsed) == 1 and parsed[0][0] is sre.BRANCH else [parsed]
    return [list(dict.fromkeys(_required(way))) for way in ways]


class Haystack:
    """Tells which of many patterns can match in a text.

    Args:
        patterns: Groups of patterns that must all match; they are spoken of by their place in this sequence.
    """

    def __init__(self, patterns: Sequence[Sequence[re.Pattern[str]]]) -> None:
        owners: dict[str, list[tuple[int, int]]] = {}
        self._wants: list[tuple[int, int]] = []
        """For each way to match: a bit for each thing it needs, and the place of the group."""
        for place, group in enumerate(patterns):
            for way in itertools.product(*map(needles, group)):
                wanted = list(itertools.chain(*way))
                for number, alternatives in enumerate(wanted):
                    for needle in alternatives:
                        owners.setdefault(needle, []).append((len(self._wants), 1 << number))
                self._wants.append(((1 << len(wanted)) - 1, place))
        self._owners = list(owners.values())
        self._automaton = AhoCorasick(list(owners))

    def candidates(self, text: str) -> list[int]:
        """The places of the groups that can match in `text`, in order."""
        found = [0] * len(self._wants)
        hits = self._automaton.find_matches_as_indexes(text.lower(), overlapping=True)
        for word in {hit[0] for hit in hits}:
            for way, need in self._owners[word]:
                found[way] |= need
        able = {place for has, (wants, place) in zip(found, self._wants, strict=True) if has == wants}
        return sorted(able)


def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """`pattern.search(text)`; a pattern that begins a line is tried there only. `re` tries everywhere."""
    if not _starts_lines(pattern):
        return pattern.search(text)
    match = pattern.match
    return next((found for start in _line_starts(text) if (found := match(text, start))), None)


@cache  # as many as there are patterns in the program
def _starts_lines(pattern: re.Pattern[str]) -> bool:
    parsed = _parser.parse(pattern.pattern, pattern.flags)
    return bool(pattern.flags & re.MULTILINE) and _begins_at_line(list(parsed))


def _begins_at_line(parsed: Sequence[Any]) -> bool:
    if not parsed:
        return False
    operator, argument = parsed[0]
    if operator is sre.AT:
        return bool(argument is sre.AT_BEGINNING)
    if operator is sre.SUBPATTERN:
        return _begins_at_line(list(argument[3]))
    return operator is sre.BRANCH and all(_begins_at_line(list(branch)) for branch in argument[1])


@lru_cache(maxsize=4)
def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(found.end() for found in _LINE_END.finditer(text)))


def _required(parsed: Iterable[Any]) -> Iterator[Needles]:
    run: list[str] = []
    for operator, argument in parsed:
        if operator is sre.LITERAL:
            run.append(chr(argument))
            continue
        yield from _literal(run)
        run = []
        yield from _of_node(operator, argument)
    yield from _literal(run)


def _of_node(operator: Any, argument: Any) -> Iterator[Needles]:
    if operator is sre.SUBPATTERN:
        yield from _required(argument[3])
    elif operator in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
        least, _, repeated = argument
        if least:
            yield from _required(repeated)
    elif operator is sre.ATOMIC_GROUP:
        yield from _required(argument)
    elif operator is sre.ASSERT:
        yield from _required(argument[1])
    elif operator is sre.BRANCH:
        each = [max(_required(branch), key=_rarity, default=frozenset()) for branch in argument[1]]
        if all(each):
            yield frozenset().union(*each)


def _literal(run: list[str]) -> Iterator[Needles]:
    text = "".join(run).lower()
    if len(text) >= _SHORTEST or (len(text) == _SHORTEST - 1 and not text.isalnum()):
        yield frozenset({text})


def _rarity(wanted: Needles) -> int:
    """Of an alternative, only one need is kept: the one that is least likely to be met by chance."""
    return min(map(len, wanted))
