"""Text that nests deeper than people write: it takes parsers quadratic time, and is not read."""

import re
from typing import Final

_BRACKET: Final = re.compile(r"[(\[{}\])]")
_ANGLES: Final = re.compile(r"(?:<[^<>;{}()]{0,40}){60}")


def nests_deeper_than(most: int, text: str) -> bool:
    """Whether more than `most` brackets are open at once, or dozens of angles one after another."""
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in "([{" else -1
        if depth > most:
            return True
    return _ANGLES.search(text) is not None
