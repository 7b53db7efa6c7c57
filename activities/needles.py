"""Literals that a text must hold before a regular expression can match in it.

Hundreds of patterns are searched in every excerpt, and all but a few of them name words that are not there.
One pass for all their words (Aho-Corasick) tells which patterns are worth a search.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from re import _constants as sre  # type: ignore[attr-defined] # no public module gives a pattern's structure
from re import _parser  # type: ignore[attr-defined] # likewise
from typing import Any, Final

from ahocorasick_rs import AhoCorasick

_SHORTEST: Final = 3
"""Shorter literals stand in nearly every text."""

Needles = frozenset[str]
"""In lower case; a match holds at least one of them."""


def needles(pattern: re.Pattern[str]) -> list[Needles]:
    """What every match of `pattern` holds: something of each of these. Empty where nothing can be told."""
    return list(dict.fromkeys(_required(_parser.parse(pattern.pattern, pattern.flags))))


class Haystack:
    """Tells which of many patterns can match in a text.

    Args:
        patterns: Groups of patterns that must all match; they are spoken of by their place in this sequence.
    """

    def __init__(self, patterns: Sequence[Sequence[re.Pattern[str]]]) -> None:
        owners: dict[str, list[tuple[int, int]]] = {}
        self._wants: list[int] = []
        """For each group, a bit for each thing it needs."""
        for place, group in enumerate(patterns):
            wanted = [each for pattern in group for each in needles(pattern)]
            self._wants.append((1 << len(wanted)) - 1)
            for number, alternatives in enumerate(wanted):
                for needle in alternatives:
                    owners.setdefault(needle, []).append((place, 1 << number))
        self._owners = list(owners.values())
        self._automaton = AhoCorasick(list(owners))

    def candidates(self, text: str) -> list[int]:
        """The places of the groups that can match in `text`, in order."""
        found = [0] * len(self._wants)
        hits = self._automaton.find_matches_as_indexes(text.lower(), overlapping=True)
        for word in {hit[0] for hit in hits}:
            for place, need in self._owners[word]:
                found[place] |= need
        return [place for place, wants in enumerate(self._wants) if found[place] == wants]


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
    if len(text) >= _SHORTEST:
        yield frozenset({text})


def _rarity(wanted: Needles) -> int:
    """Of an alternative, only one need is kept: the one that is least likely to be met by chance."""
    return min(map(len, wanted))
