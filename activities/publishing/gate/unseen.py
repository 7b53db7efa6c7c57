"""Characters that a reviewer would not see, or would see elsewhere than they are."""

import unicodedata
from typing import Final

_CONTROL_CATEGORIES: Final = {"Cc", "Cs"}
_INVISIBLE_CATEGORIES: Final = {"Cf", "Zl", "Zp"}
_PLAIN_CONTROLS: Final = "\t\n\r\f"
_VARIATION_SUPPLEMENT: Final = range(0xE0100, 0xE01F0)
_SEEN_AS_NOTHING: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
"""Letters and marks that show as nothing, and have hidden code in published attacks."""


def unseen(text: str) -> list[str]:
    """The characters of `text` that a reviewer would not see, or would see elsewhere than they are."""
    if text.isascii() and text.isprintable():
        return []
    return [character for character in text if _is_unseen(character)]


def _is_unseen(character: str) -> bool:
    if character in _PLAIN_CONTROLS:
        return False
    category = unicodedata.category(character)
    return (
        category in _CONTROL_CATEGORIES
        or category in _INVISIBLE_CATEGORIES
        or ord(character) in _VARIATION_SUPPLEMENT
        or character in _SEEN_AS_NOTHING
    )
