"""Answers kept to be read again where GitHub says that nothing changed: such a request costs no quota."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

KEPT_BYTES: Final = 32 * 1024 * 1024
"""For some hundred remediations that wait for CI: each polls half a dozen addresses of some 50 KB."""
ANSWER_BYTES: Final = 1024 * 1024

_FRESH: Final = frozenset({"content-length", "content-type", "content-encoding", "transfer-encoding", "link"})
"""What describes the body, and so comes with the body, not with the word that it has not changed."""


class Answer(NamedTuple):
    """A successful answer to a GET."""

    headers: Mapping[str, str]
    body: bytes

    def repeated(self, headers: Mapping[str, str]) -> "Answer":
        """The same, with the headers of an answer that says it still holds (RFC 9111, section 3.2)."""
        newer = {name: value for name, value in headers.items() if name.lower() not in _FRESH}
        return Answer({**self.headers, **newer}, self.body)


class AnswerCache:
    """The answers used last, up to a number of bytes.

    An answer is found again only by who asked for it: a hash of the credential is part of its name. And it is
    given out only after GitHub has looked at that credential and said 304.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def find(self, url: str, sent: Mapping[str, str]) -> Answer | None:
        """The answer kept for a GET with these headers."""
        name = _name(url, sent)
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def keep(self, url: str, sent: Mapping[str, str], answer: Answer) -> None:
        """Keep an answer that has a validator and is not too large."""
        name = _name(url, sent)
        replaced = self._kept.pop(name, None)
        self._size -= len(replaced.body) if replaced else 0
        if "etag" not in answer.headers or len(answer.body) > ANSWER_BYTES:
            return
        self._kept[name] = answer
        self._size += len(answer.body)
        while self._size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.body)


def _name(url: str, sent: Mapping[str, str]) -> str:
    parts = (url, sent.get("accept", ""), sent.get("authorization", ""))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
