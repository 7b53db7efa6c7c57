"""Files that say what checks demand. A repair may lay them out anew, and may not change what they say."""

import configparser
import json
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_FOLDERS: Final = (".github", ".circleci", ".gitlab", ".husky", ".config", ".cargo", ".vscode")
_NAMES: Final = (
    # what several tools read
    *("pyproject.toml", "setup.cfg", "tox.ini", "noxfile.py", "tox.toml", "package.json", ".editorconfig"),
    *("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "deno.json*", "composer.json"),
    # what one tool reads
    *("*.config.js", "*.config.cjs", "*.config.mjs", "*.config.ts", "*.config.mts", "*.config.cts"),
    *(
        ".*rc",
        ".*rc.*",
        ".*.toml",
        ".*.yml",
        ".*.yaml",
        ".*.json",
        ".*.jsonc",
        ".flake8",
        ".clang-*",
        ".yamllint*",
    ),
    *("ruff.toml", "rustfmt.toml", "clippy.toml", "taplo.toml", "typos.toml", "_typos.toml", "biome.json*"),
    *("dprint.json*", "mypy.ini", "pylintrc", "pytest.ini", "tsconfig*.json", "buf*.yaml", "codecov.yml"),
    *(
        "phpcs.xml*",
        "phpcs.*.xml",
        "checkstyle*.xml",
        "stylua.toml",
        "action.yml",
        "action.yaml",
        "rubocop*.yml",
    ),
    # what tools are told to leave alone
    *(".*ignore", "*ignore-words*", "*wordlist*", "*baseline*.json", "*-baseline.*"),
)
_SECTIONS: Final = frozenset(
    {"setup.cfg", "tox.ini", ".flake8", "mypy.ini", "pytest.ini", ".coveragerc", ".isort.cfg"}
)
_LAYOUT: Final = re.compile(r"[\s,;'\"]+")


def states_demands(path: str) -> bool:
    """Whether the file is one that checks take their rules, exceptions or files from."""
    inner = PurePosixPath(path)
    return inner.parts[0] in _FOLDERS or any(fnmatchcase(inner.name, pattern) for pattern in _NAMES)


def same_demands(path: str, before: bytes, after: bytes) -> bool:
    """Whether a file says the same in two layouts. What cannot be compared is not the same."""
    try:
        old, new = before.decode(), after.decode()
    except UnicodeDecodeError:
        return False
    try:
        return bool(_said(path, old) == _said(path, new))
    except (ValueError, YAMLError, RecursionError):
        return False


def _said(path: str, text: str) -> Any:
    name = PurePosixPath(path).name
    if name.endswith(".toml"):
        data = tomllib.loads(text)
        if name == "pyproject.toml" and isinstance(data.get("project"), dict):
            data["project"].pop("classifiers", None)  # formatters derive them; no check reads them
        return _unordered(data)
    if name in _SECTIONS:
        return _sections(text)
    if name.endswith((".yml", ".yaml")):
        return YAML(typ="safe", pure=True).load(text)
    if name.endswith(".json") or name in {".prettierrc", ".eslintrc", ".stylelintrc"}:
        try:
            return json.loads(text)
        except ValueError:
            pass  # with comments, or YAML after all
    if name.endswith("ignore"):
        return {line.strip() for line in text.splitlines()} - {""}
    return _LAYOUT.sub("", text)


def _unordered(data: Any) -> Any:
    """The same with lists of texts in one order, which is nobody's demand."""
    if isinstance(data, dict):
        return {key: _unordered(value) for key, value in data.items()}
    if isinstance(data, list):
        plain = all(isinstance(each, str) for each in data)
        return sorted(data) if plain else [_unordered(each) for each in data]
    return data


def _sections(text: str) -> Any:
    """Sections and keys in whatever order, values without their layout."""
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text)
    except configparser.Error:
        return _LAYOUT.sub("", text)
    return {
        section: {key: _LAYOUT.sub(" ", value or "").strip() for key, value in parser.items(section)}
        for section in parser.sections()
    }
