"""Secrets out of text, before it leaves the process that read it."""

import base64
import bisect
import re
import time
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import re2  # type: ignore[import-untyped] # it carries no types

from activities.evidence.log_lines import strip_unseen
from activities.evidence.secret_forms import FORMS, SecretForm
from activities.needles import Haystack

SECONDS: Final = 5.0
"""The longest one text may take; the forms' own time is linear, so this is for what nobody thought of."""
WITHHELD: Final = "«withheld: looking for secrets took too long»"

_SHORTEST_KNOWN: Final = 6
"""A shorter value stands in any text by chance."""
_ESCAPED_COLOUR: Final = re.compile(r"\\\\?(?:u001[bB]|x1[bB]|033|e)\[[0-9;]{0,20}[A-Za-z]")
_ESCAPE: Final = re.compile(
    r"\\\\{0,2}(?:u00(?P<unicode>[0-7][0-9a-fA-F])|(?P<short>[nrtbf])|(?P<plain>[/\"'\\]))"
)
_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

_known: dict[str, None] = {}


class _Span(NamedTuple):
    start: int
    rank: int
    """Which form found it; of two at one place, the earlier form names it."""
    end: int
    kind: str


class _TooLongError(Exception):
    """The time is up."""


def remember(values: Iterable[str]) -> None:
    """From now on remove these exact values from every text: the process's own secrets.

    Of a value of several lines, each line counts; so do its common encodings.
    """
    for value in values:
        for line in value.replace("\\n", "\n").splitlines():
            for form in _encodings(line.strip()):
                if len(form) >= _SHORTEST_KNOWN and not form.startswith("-----"):
                    _known[form] = None


def redact(text: str) -> str:
    """`text` with every secret replaced by `«redacted:kind»`, and without unseen characters.

    Escape sequences and invisible characters are dropped first, so that they cannot split a secret; so are
    colours written with a backslash. A secret inside an escaped string counts too. Line breaks are kept, also
    those inside a key block, so that lines can still be counted. Linear in the text; redacting twice changes
    nothing more. Where it takes too long all the same, nothing of the text is left.
    """
    text = _visible(text)
    try:
        return _without(text, _spans(text, time.monotonic() + SECONDS))
    except _TooLongError:
        return WITHHELD


def contains_secret(text: str) -> bool:
    """Whether `text` holds something whose form alone proves a secret: a reason not to publish it."""
    try:
        return bool(_spans(_visible(text), time.monotonic() + SECONDS, certain_only=True))
    except _TooLongError:
        return True


def _visible(text: str) -> str:
    text = strip_unseen(text)
    return _ESCAPED_COLOUR.sub("", text) if "\\" in text else text


def _without(text: str, spans: list[_Span]) -> str:
    parts: list[str] = []
    position = 0
    for start, _, end, kind in spans:
        parts += (text[position:start], f"«redacted:{kind}»", "\n" * text.count("\n", start, end))
        position = end
    return "".join((*parts, text[position:]))


def _spans(text: str, deadline: float, *, certain_only: bool = False) -> list[_Span]:
    """Where secrets are, in order, apart from each other."""
    found = list(_found(text, deadline, certain_only=certain_only))
    if "\\" in text and _ESCAPE.search(text):
        plain = _Unescaped(text)
        found += (
            _Span(plain.origin(start), rank, plain.origin(end), kind)
            for start, rank, end, kind in _found(plain.text, deadline, certain_only=certain_only)
        )
    merged: list[_Span] = []
    for span in sorted(found):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _found(text: str, deadline: float, *, certain_only: bool) -> Iterator[_Span]:
    for value in _known:
        start = text.find(value)
        while start >= 0:
            yield _Span(start, -1, start + len(value), "known")
            start = text.find(value, start + len(value))
    encoded = text.encode()
    for place in _haystack().candidates(text):
        if time.monotonic() > deadline:
            raise _TooLongError
        form = FORMS[place]
        if form.certain or not certain_only:
            pattern, group = _compiled(form)
            found = (match.span(group) for match in pattern.finditer(encoded))
            for start, end in _characters(encoded, found):
                if form.accept is None or form.accept(text[start:end]):
                    yield _Span(start, place, end, form.kind)


def _characters(encoded: bytes, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans of a text's UTF-8 bytes, in order, as spans of its characters."""
    byte = character = 0
    for start, end in spans:
        first = character + len(encoded[byte:start].decode())
        byte, character = end, first + len(encoded[start:end].decode())
        yield first, character


@cache
def _haystack() -> Haystack:
    """Tells in one pass which forms can occur at all."""
    return Haystack([[form.pattern] for form in FORMS])


@cache
def _compiled(form: SecretForm) -> tuple[Any, int]:
    """The form's pattern, and which of its groups is the secret."""
    pattern = re2.compile(form.pattern)
    return pattern, pattern.groupindex.get("secret", 0)


class _Unescaped:
    """A text with its backslash escapes resolved, as of JSON, and where each of its characters came from."""

    def __init__(self, text: str) -> None:
        parts: list[str] = []
        self._places: list[int] = [0]
        self._origins: list[int] = [0]
        position = length = 0
        for escape in _ESCAPE.finditer(text):
            before, meant = text[position : escape.start()], _meaning(escape)
            length += len(before) + len(meant)
            parts += (before, meant)
            position = escape.end()
            self._places += (length - len(meant), length)
            self._origins += (escape.start(), position)
        self.text = "".join((*parts, text[position:]))

    def origin(self, place: int) -> int:
        """Where the character at `place` begins in the text with escapes."""
        known = bisect.bisect_right(self._places, place) - 1
        return self._origins[known] + place - self._places[known]


def _meaning(escape: re.Match[str]) -> str:
    if escape["unicode"]:
        return chr(int(escape["unicode"], 16))
    return _SHORT[escape["short"]] if escape["short"] else escape["plain"]


def _encodings(value: str) -> Iterator[str]:
    yield value
    yield quote(value, safe="")
    for text in (value, f"x-access-token:{value}"):
        yield base64.b64encode(text.encode()).decode().rstrip("=")
