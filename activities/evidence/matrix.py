"""Which leg of a matrix a job is, by the name that GitHub shows."""

import re
from collections.abc import Mapping
from typing import Any, Final

_EXPRESSIONS: Final = 6
_NAME_CHARACTERS: Final = 300
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(?:matrix\.(?P<key>[\w-]+(?:\.[\w-]+)*)|[^{}]{0,200}?)\s*\}\}")


def matrix_values(job: Mapping[Any, Any], title: str, shown: str) -> dict[str, str]:
    """The matrix values of a job, as far as its name shows them.

    Args:
        job: As the workflow file gives it.
        title: Its name there, or its key.
        shown: Its name as GitHub shows it.
    """
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, Mapping) else None
    if not isinstance(matrix, Mapping) or len(shown) > _NAME_CHARACTERS:
        return {}
    if "${{" in title:
        return _by_title(title, shown)
    listed = re.fullmatch(rf"{re.escape(title)} \((?P<values>.*)\)", shown)
    return _by_list(matrix, listed["values"]) if listed else {}


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """`text` with the values of a matrix in the place of its expressions; others stay."""
    return _EXPRESSION.sub(
        lambda found: values.get(found["key"], found.group()) if found["key"] else found.group(), text
    )


def _by_title(title: str, shown: str) -> dict[str, str]:
    keys: list[str | None] = [found["key"] for found in _EXPRESSION.finditer(title)]
    if len(keys) > _EXPRESSIONS:
        return {}
    parts = re.split(r"\$\{\{.*?\}\}", title)
    fitting = re.fullmatch("(.{1,200}?)".join(map(re.escape, parts)), shown)
    if fitting is None or len(fitting.groups()) != len(keys):
        return {}
    return {key: value for key, value in zip(keys, fitting.groups(), strict=True) if key}


def _by_list(matrix: Mapping[Any, Any], values: str) -> dict[str, str]:
    """By the values in brackets, which stand in the order of the matrix's keys."""
    included = matrix.get("include")
    for leg in included if isinstance(included, list) else []:
        if isinstance(leg, Mapping) and ", ".join(map(_shown, leg.values())) == values:
            return {str(key): _shown(value) for key, value in leg.items()}
    keys = [str(key) for key in matrix if key not in {"include", "exclude"}]
    found = values.split(", ")
    return dict(zip(keys, found, strict=True)) if len(keys) == len(found) else {}


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
