"""What a patch may not bring in, whatever the file: secrets, hidden characters, blobs, hosts."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from activities.evidence.redaction import contains_secret
from activities.publishing.gate.files import Base
from activities.publishing.gate.findings import Finding, doubtful, refused
from activities.publishing.gate.unseen import unseen
from activities.publishing.patch import FilePatch

LINE_CHARACTERS: Final = 5_000
"""A longer line is nothing that a person wrote, or would look through."""

_BLOB: Final = re.compile(r"[A-Za-z0-9+/=_-]{400,}|(?:\\x[0-9a-fA-F]{2}){40,}")
_ENCODED_LINE: Final = re.compile(
    r"[\s\"'`(+.]{0,40}(?=[A-Za-z+/]{0,60}\d)[A-Za-z0-9+/=_]{40,400}[\s\"'`)+,;\\]{0,20}"
)
_ENCODED_LINES: Final = 6
_MANY_NUMBERS: Final = re.compile(r"(?:\b(?:0x[0-9a-fA-F]{1,2}|\d{1,3})\s{0,4},\s{0,4}){12}")
_NUMBERS: Final = re.compile(r"\b(?:0x[0-9a-fA-F]{1,2}|\d{1,3})\b")
_ENCODED_NUMBERS: Final = 128
_HOST: Final = re.compile(
    r"\b(?:https?|wss?|ftp|ssh|git)(?:\+\w{1,10})?://(?:[^\s/@\"'<>]{0,100}@)?([\w.-]{1,253}|\[[0-9a-f:]+\])",
    re.IGNORECASE,
)
_SCP: Final = re.compile(r"\bgit@([\w.-]{1,253}):")
_KNOWN: Final = re.compile(
    r"(?:[\w.-]+\.)?(?:localhost|example|test|invalid|example\.(?:com|org|net)|w3\.org|json-schema\.org)|127\.[\d.]+|0\.0\.0\.0",
    re.IGNORECASE,
)
"""Names that lead nowhere by their standard (RFC 2606, RFC 6761), and those of schemas nobody fetches."""
_PIPED: Final = re.compile(
    r"\b(?:curl|wget|iwr|Invoke-WebRequest)\b[^\n|]{0,400}\|\s{0,4}(?:sudo\s{1,4})?(?:ba|z|da|k)?sh\b"
    r"|\b(?:ba|z|da)?sh\s{1,4}(?:-c\s{1,4})?[<\"']?[<$]\(\s{0,4}(?:curl|wget)\b"
    r"|\|\s{0,4}(?:python3?|node|perl|ruby|iex)\s{0,4}(?:-\s{0,4})?$"
)


def findings(patch: FilePatch, base: Base) -> Iterator[Finding]:
    """What speaks against the text that a patch adds to a file."""
    if any(len(line) > LINE_CHARACTERS for line in patch.added):
        yield refused(f"has a line of more than {LINE_CHARACTERS} characters")
        return
    hidden = Counter(unseen("\n".join(patch.added))) - Counter(unseen("\n".join(patch.removed)))
    if hidden:
        codes = ", ".join(f"U+{ord(character):04X}" for character in sorted(hidden)[:5])
        yield refused(f"adds characters nobody sees: {codes}")
    if _lookalikes(patch):
        yield doubtful("adds names that mix letters of several alphabets")
    if _count(_BLOB, patch.added) - _count(_BLOB, patch.removed):
        yield refused("holds an encoded blob")
    elif _most_encoded(patch.added) > _most_encoded(patch.removed):
        yield doubtful("holds what may be an encoded blob")
    if adds_secret(patch, base):
        yield refused("adds what looks like a secret")
    if _count(_PIPED, patch.added) - _count(_PIPED, patch.removed):
        yield refused("runs what it downloads")
    yield from _hosts(patch, base)


def _most_encoded(lines: tuple[str, ...]) -> int:
    """The most lines in a row that say nothing to a reader; 0 for few."""
    longest = run = 0
    for line in lines:
        run = run + 1 if _ENCODED_LINE.fullmatch(line) else 0
        longest = max(longest, run)
    numbers = sum(len(_NUMBERS.findall(line)) for line in lines if _MANY_NUMBERS.search(line))
    return max(longest if longest >= _ENCODED_LINES else 0, numbers if numbers >= _ENCODED_NUMBERS else 0)


def adds_secret(patch: FilePatch, base: Base) -> bool:
    """Whether a patch adds what looks like a secret; one that the file holds already is no news."""
    before = base.files.get(patch.path)
    known = (
        {line.strip() for line in before.content.decode(errors="replace").splitlines()} if before else set()
    )
    return contains_secret("\n".join(line for line in patch.added if line.strip() not in known))


def hosts(text: str) -> set[str]:
    """The hosts that a text's addresses lead to, in lower case."""
    found = {match[1].lower() for pattern in (_HOST, _SCP) for match in pattern.finditer(text)}
    return {host for host in found if not _KNOWN.fullmatch(host)}


def _hosts(patch: FilePatch, base: Base) -> Iterator[Finding]:
    new = hosts("\n".join(patch.added))
    if not new:
        return
    known = set().union(*(hosts(file.content.decode(errors="replace")) for file in base.files.values()))
    if new - known:
        yield doubtful(f"leads to another place: {', '.join(sorted(new - known)[:3])}")


_WORD: Final = re.compile(r"[^\W\d_]{2,80}")
_LATIN: Final = re.compile(r"[A-Za-z]")
_LOOKALIKE: Final = re.compile(r"[\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u13a0-\u13ff\uff21-\uff5a]")
"""Greek, Cyrillic, Armenian, Cherokee, full-width: alphabets whose letters pass for Latin ones."""


def _lookalikes(patch: FilePatch) -> bool:
    def mixed(lines: tuple[str, ...]) -> Counter[str]:
        words = (word[0] for line in lines if not line.isascii() for word in _WORD.finditer(line))
        return Counter(word for word in words if _LATIN.search(word) and _LOOKALIKE.search(word))

    return bool(mixed(patch.added) - mixed(patch.removed))


def _count(pattern: re.Pattern[str], lines: tuple[str, ...]) -> Counter[str]:
    return Counter("".join(found[0].split()) for line in lines for found in pattern.finditer(line))
