"""Literals that a text must hold before a regular expression can match in it.

Hundreds of patterns are searched in every excerpt, and all but a few of them name words that are not there.
One pass for all their words (Aho-Corasick) tells which patterns are worth a search.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import cache
from re import _constants as sre  # type: ignore[attr-defined] # no public module gives a pattern's structure
from re import _parser  # type: ignore[attr-defined] # likewise
from typing import Any, Final, NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation

_SHORTEST: Final = 3
"""Shorter words stand in nearly every text."""

_SPELLINGS: Final = 100
"""As many ways to write one piece of text are told apart; more say too little."""
_MANY: Final = 1_000
"""Of more words, the fastest automaton takes longer to build than it ever saves a short-lived process."""
_DIGIT: Final = "0"
_NUMBER: Final = re.compile(r"\d+")
_ASCII: Final = bytes(range(128))
_ALIKE: Final = bytes(range(256)).lower().translate(bytes.maketrans(b"123456789", b"0" * 9))
_ZEROS: Final = re.compile(b"00+")
_LINE_START: Final = (sre.LITERAL, ord("\n"))
"""The line feed before a line's beginning; told by identity from those of a pattern and of `_LINE_END`."""
_LINE_END: Final = (sre.LITERAL, ord("\n"))
_REPEATS: Final = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)

Needles = frozenset[str]
"""In lower case, any number as 0; a match holds at least one of them."""


def needles(pattern: str) -> list[list[Needles]]:
    """What every match of `pattern` holds: in one of these ways, something of each.

    With the line feeds around it, where it begins or ends a line; a text's beginning and end count as such.
    A way without needs says that nothing can be told.
    """
    return [list(dict.fromkeys(_required(way))) for way in _alternatives(pattern)]


class Haystack:
    """Tells which of many patterns can match in a text.

    Args:
        patterns: Groups of regular expressions that must all match; they are spoken of by their place in this
            sequence.
    """

    def __init__(self, patterns: Sequence[Sequence[str]]) -> None:
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
        self._always = {place for wants, place in self._wants if not wants}
        self._owners = list(owners.values())
        self._automaton = BytesAhoCorasick(
            [needle.encode() for needle in owners],
            implementation=Implementation.DFA if len(owners) < _MANY else None,
        )

    def candidates(self, text: str) -> list[int]:
        """The places of the groups that can match in `text`, in order."""
        found: dict[int, int] = {}
        lines = b"\n%b\n" % _folded_bytes(text)
        hits = self._automaton.find_matches_as_indexes(lines, overlapping=True)
        for word in {hit[0] for hit in hits}:
            for way, need in self._owners[word]:
                found[way] = found.get(way, 0) | need
        able = {self._wants[way][1] for way, has in found.items() if has == self._wants[way][0]}
        return sorted(able | self._always)


class Found(NamedTuple):
    """A match."""

    start: int
    end: int
    groups: dict[str, str | None]
    """The named ones."""


def search(pattern: str, text: str) -> Found | None:
    """Where `pattern` first matches in `text`; `^` and `$` match at each line."""
    compiled, before = _compiled(pattern)
    found = compiled.search(before + text)
    return Found(found.start(), found.end() - len(before), found.groupdict()) if found else None


@cache  # few of the program's patterns are ever tried on one text
def _compiled(pattern: str) -> tuple[re.Pattern[str], str]:
    """The pattern ready to be searched, and what the text needs before it.

    One that begins a line is looked for behind a line feed: `re` skips from one to the next, and else would
    try the pattern everywhere.
    """
    if all(way and way[0] is _LINE_START for way in _alternatives(pattern)):
        return re.compile(rf"\n(?:{pattern})", re.MULTILINE), "\n"
    return re.compile(pattern, re.MULTILINE), ""


@cache  # as many as there are patterns in the program
def _alternatives(pattern: str) -> list[list[Any]]:
    return list(_ways(_parser.parse(pattern).data, [], []))


def _ways(parsed: list[Any], before: list[Any], after: list[Any]) -> Iterator[list[Any]]:
    """The nodes of each alternative, with what stands `before` and `after` all of them.

    A line's beginning and end count as the line feeds there.
    """
    if parsed and parsed[0] == (sre.AT, sre.AT_BEGINNING):
        before = [_LINE_START]
    if parsed and parsed[-1] == (sre.AT, sre.AT_END):
        after = [_LINE_END]
    nodes = [node for node in parsed if node[0] is not sre.AT]
    match nodes:
        case [(sre.SUBPATTERN, (*_, inner))]:
            yield from _ways(inner.data, before, after)
        case [(sre.BRANCH, (_, branches))]:
            for branch in branches:
                yield from _ways(branch.data, before, after)
        case _:
            yield [*before, *nodes, *after]


def _required(parsed: list[Any]) -> Iterator[Needles]:
    run = [""]
    for operator, argument in _flat(parsed):
        spelled, is_all = _spelled(operator, argument)
        longer = _joined(run, spelled)
        if longer and is_all:
            run = longer
            continue
        yield from _literal(longer or run)
        run = spelled or [""]  # what is repeated ends as it begins
        if not spelled:
            yield from _of_node(operator, argument)
    yield from _literal(run)


def _flat(parsed: list[Any]) -> Iterator[tuple[Any, Any]]:
    """The nodes of `parsed`, as if its groups had no brackets, and letters in a row as one folded text."""
    letters: list[int] = []
    for operator, argument in parsed:
        if operator is sre.LITERAL:
            letters.append(argument)
            continue
        if letters:
            yield sre.LITERAL, _folded("".join(map(chr, letters)))
            letters.clear()
        if operator is sre.SUBPATTERN:
            yield from _flat(argument[3].data)
        elif operator is sre.ATOMIC_GROUP:
            yield from _flat(argument.data)
        else:
            yield operator, argument
    if letters:
        yield sre.LITERAL, _folded("".join(map(chr, letters)))


def _spelled(operator: Any, argument: Any) -> tuple[list[str], bool]:
    """The few texts that a node stands for, folded, none where they are not few; and whether that is all.

    Else it stands for something that begins with one of them and ends with one.
    """
    if operator is sre.LITERAL:
        return [argument], True
    if operator is sre.AT:
        return [""], True
    if operator is sre.BRANCH:
        each = [_in_a_row(branch.data) for branch in argument[1]]
        return (list(dict.fromkeys(itertools.chain(*each))), True) if all(each) else ([], False)
    if operator in _REPEATS:
        least, most, repeated = argument
        spelled = _in_a_row(repeated.data)
        if spelled and spelled != [_DIGIT] and most > 1:  # how many digits there are makes no difference
            return (spelled, False) if least else ([], False)
        return (spelled if least else ["", *spelled]) if spelled else [], True
    kinds = argument if operator is sre.IN else []
    letters = list(dict.fromkeys(_letter(kind, value) or "" for kind, value in kinds))
    return ([], False) if "" in letters or len(letters) > _SPELLINGS else (letters, True)


def _in_a_row(parsed: list[Any]) -> list[str]:
    """What nodes one after the other stand for, where that is all."""
    run = [""]
    for operator, argument in _flat(parsed):
        spelled, is_all = _spelled(operator, argument)
        run = _joined(run, spelled)
        if not run or not is_all:
            return []
    return run


def _joined(run: list[str], spelled: list[str]) -> list[str]:
    if len(run) * len(spelled) > _SPELLINGS:
        return []
    # Each is folded already, so only where they meet two runs of digits may have become one.
    return list(dict.fromkeys((text + more).replace("00", "0") for text in run for more in spelled))


def _letter(kind: Any, value: Any) -> str | None:
    if kind is sre.LITERAL:
        return _character(value)
    digits = (
        value is sre.CATEGORY_DIGIT if kind is sre.CATEGORY else kind is sre.RANGE and _are_digits(*value)
    )
    return _DIGIT if digits else None


def _character(code: int) -> str:
    return _DIGIT if chr(code).isdecimal() else chr(code).lower()


def _are_digits(first: int, last: int) -> bool:
    return ord("0") <= first and last <= ord("9")


def _folded(text: str) -> str:
    """`text` in lower case, each run of digits as one."""
    return _NUMBER.sub(_DIGIT, text.lower())


def _folded_bytes(text: str) -> bytes:
    """The same as UTF-8, in a fraction of the time where all letters and digits are those of ASCII."""
    plain = text.encode("utf-8", "replace")
    if any(map(str.isalnum, plain.translate(None, _ASCII).decode())):
        return _folded(text).encode("utf-8", "replace")
    return _ZEROS.sub(b"0", plain.translate(_ALIKE))


def _of_node(operator: Any, argument: Any) -> Iterator[Needles]:
    if operator in _REPEATS:
        least, _, repeated = argument
        if least:
            yield from _required(repeated.data)
    elif operator is sre.ASSERT:
        yield from _required(argument[1].data)
    elif operator is sre.BRANCH:
        each = [max(_required(branch.data), key=_rarity, default=frozenset()) for branch in argument[1]]
        if all(each):
            yield frozenset().union(*each)


def _literal(run: list[str]) -> Iterator[Needles]:
    if min(map(len, run)) >= _SHORTEST:
        yield frozenset(run)


def _rarity(wanted: Needles) -> int:
    """Of an alternative, only one need is kept: the one that is least likely to be met by chance."""
    return min(map(len, wanted))
