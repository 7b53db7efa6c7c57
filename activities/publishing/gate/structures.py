"""Structured text as flat entries: TOML, JSON, YAML and INI alike."""

import configparser
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ENTRIES: Final = 50_000
"""More entries than anybody configures: aliases of YAML can make millions of a few lines."""
STRUCTURE_CHARACTERS: Final = 300_000
LIST: Final = "[]"
"""Stands in a key for any place in a list."""

Key = tuple[str, ...]
Entries = Mapping[Key, Counter[str]]

_COMMENT: Final = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/')
_LAST_COMMA: Final = re.compile(r",(\s*[}\]])")
_INI_NAMES: Final = frozenset(
    {".flake8", ".coveragerc", ".pylintrc", "pylintrc", ".isort.cfg", ".bandit", ".codespellrc"}
)
_JSON_NAMES: Final = frozenset({".eslintrc", ".babelrc", ".prettierrc", ".stylelintrc", ".nycrc", ".mocharc"})


class UnreadableError(Exception):
    """The text is not what its name says, or more than can be looked at."""


def is_structured(name: str) -> bool:
    """Whether a file of this name, in lower case, is read here."""
    return _format(name) is not None


def parse(name: str, text: str) -> Any:
    """The content of a structured file.

    Raises:
        UnreadableError: It cannot be parsed, or is too long.
    """
    if len(text) > STRUCTURE_CHARACTERS:
        raise UnreadableError
    try:
        match _format(name):
            case "toml":
                return tomllib.loads(text)
            case "json":
                return _json(text)
            case "yaml":
                return _yaml(text)
            case "ini":
                return _ini(text)
    except (ValueError, RecursionError, YAMLError, configparser.Error, KeyError, TypeError, AttributeError):
        pass
    raise UnreadableError


def flat(content: Any) -> dict[Key, Counter[str]]:
    """Every value with the keys that lead to it; places in lists are not told apart.

    Raises:
        UnreadableError: There are too many.
    """
    found: dict[Key, Counter[str]] = {}
    for count, (key, value) in enumerate(_walk(content)):
        if count >= ENTRIES:
            raise UnreadableError
        found.setdefault(key, Counter())[value] += 1
    return found


def _walk(content: Any) -> Iterator[tuple[Key, str]]:
    pending: list[tuple[Key, Any]] = [((), content)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, Mapping):
            if not value:
                yield key, "{}"
            pending += [((*key, str(name)), each) for name, each in value.items()]
        elif isinstance(value, list | tuple | set):
            pending += [((*key, LIST), each) for each in value]
        else:
            yield key, _scalar(value)
        if len(pending) > ENTRIES:
            raise UnreadableError


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _format(name: str) -> str | None:
    if name.endswith((".toml", "poetry.lock", "uv.lock", "cargo.lock", "pdm.lock")) or name == "pipfile":
        return "toml"
    if (
        name.endswith((".json", ".jsonc", ".json5", "composer.lock", "pipfile.lock", "deno.lock"))
        or name in _JSON_NAMES
    ):
        return "json"
    if name.endswith((".yml", ".yaml")) or name in {".clang-tidy", ".clang-format", ".yamllint"}:
        return "yaml"
    if name.endswith((".ini", ".cfg")) or name in _INI_NAMES:
        return "ini"
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        plain = _COMMENT.sub(lambda found: found[1] or "", text)
        return json.loads(_LAST_COMMA.sub(r"\1", plain))


def _yaml(text: str) -> Any:
    reader = YAML(typ="safe", pure=True)
    documents = list(reader.load_all(io.StringIO(text)))
    return documents[0] if len(documents) == 1 else documents


def _ini(text: str) -> Any:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {
        section: {name: _listed(value) for name, value in parser.items(section)}
        for section in parser.sections()
    }


def _listed(value: str | None) -> Any:
    """An INI value that goes over lines or has commas is a list to the tools that read it."""
    parts = [part.strip() for part in re.split(r"[\n,]", value or "") if part.strip()]
    if len(parts) > 1 or "\n" in (value or ""):
        return parts
    return value.lower() if value and value.lower() in {"true", "false"} else (value or "")
