"""Markdown whose data stays data: nothing in it can mention, link, embed or break out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from activities.evidence.redaction import redact

COMMENT_CHARACTERS: Final = 60_000
"""GitHub takes 65,536; what it counts is not quite characters."""
CUT: Final = "… cut; the whole text is in the workflow's history …"

_BREAKER: Final = "\u200b"
"""A zero-width space: seen as nothing, and no reference survives it."""
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]()<>|~!&$^=]")
_REFERENCES: Final = (
    (re.compile("@"), f"@{_BREAKER}"),
    (re.compile("#"), f"#{_BREAKER}"),
    (re.compile(r"(?i)\b(gh)-(?=\d)"), rf"\1-{_BREAKER}"),
    (re.compile(r"://"), f":{_BREAKER}//"),
    (re.compile(r"(?i)\bwww\."), f"www{_BREAKER}."),
)
_LONGEST_INLINE: Final = 500
_DIFF_CHARACTERS: Final = 30_000
"""A longer patch is read in the workflow's history: questions and commands must fit beside it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or heading, whose data went through `plain` or `code`."""

    text: str


@dataclass(frozen=True, slots=True)
class Fence:
    """Text shown as it is. It may be shortened to fit, never left open."""

    text: str
    language: str = ""
    summary: str = ""
    """Shown instead until the reader unfolds it; our own words, never data."""


def plain(text: str) -> str:
    """`text` as part of a sentence: one line, nothing in it is markup, a mention or a reference."""
    line = " ".join(redact(text)[:_LONGEST_INLINE].split())
    line = _SPECIAL.sub(r"\\\g<0>", line)
    for pattern, replacement in _REFERENCES:
        line = pattern.sub(replacement, line)
    return line


def code(text: str) -> str:
    """`text` as inline code: one line, in more backticks than it holds in a row."""
    # A table splits cells before it looks for code, so a bar would end this one.
    line = " ".join(redact(text)[:_LONGEST_INLINE].split()).replace("|", "¦") or " "
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def link(words: str, url: str, home: str) -> str:
    """A link to an address within the repository at `home`, or the bare words for any other address."""
    inside = home != "" and url.startswith(f"{home}/")
    if inside and re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~/#?=&%+-]*", url):
        return f"[{words}]({url})"
    return words


def patch(diff: str, summary: str = "") -> Fence:
    """A patch, shown as it is; where it is too long for a comment, it says that it was cut."""
    shown = diff if len(diff) <= _DIFF_CHARACTERS else f"{diff[:_DIFF_CHARACTERS]}\n{CUT}"
    return Fence(shown, "diff", summary)


def document(blocks: Sequence[Block | Fence], *, limit: int = COMMENT_CHARACTERS) -> str:
    """The blocks as one text of at most `limit` characters; what does not fit is cut, every fence closed."""
    written: list[str] = []
    left = limit - len(CUT) - 2
    for block in blocks:
        text = block.text if isinstance(block, Block) else _fenced(block, left)
        if len(text) + 2 > left:
            written.append(CUT)
            break
        written.append(text)
        left -= len(text) + 2
    return "\n\n".join(written) + "\n"


def _fenced(fence: Fence, room: int) -> str:
    text = redact(fence.text).strip("\n")
    ticks = "`" * max(3, _longest_run(text) + 1)
    before = f"{ticks}{fence.language}\n"
    after = f"\n{ticks}"
    if fence.summary:
        before = f"<details><summary>{fence.summary}</summary>\n\n{before}"
        after = f"{after}\n\n</details>"
    space = max(room - len(before) - len(after) - 2, 0)
    if len(text) > space:
        text = f"{text[: max(space - len(CUT) - 1, 0)]}\n{CUT}"
    return before + text + after


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
