"""What the environments of a tox configuration run: the older format, and TOML."""

import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from activities.patching.wrappers.tree import Tree

_DEPTH: Final = 8
"""How far values may refer to values."""
_ENVIRONMENTS: Final = 50
_CHARACTERS: Final = 20_000
_REFERENCE: Final = re.compile(r"\{\[(?P<section>[^\]{}]{1,100})\](?P<key>[\w-]{1,100})\}")
_VARIABLE: Final = re.compile(r"\{env:\w+(?::(?P<default>[^{}]*))?\}")
_POSARGS: Final = re.compile(r"\{posargs(?::(?P<default>(?:[^{}]|\{[^{}]*\})*))?\}|\[\]")
_ROOT: Final = re.compile(r"\{(?:toxinidir|tox_root)\}")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_CONDITION: Final = re.compile(r"(?P<factors>[\w,!{}. -]{1,200}?):\s+(?P<rest>.*)")


class Line(NamedTuple):
    """One command of an environment."""

    text: str
    folder: str
    """Where it runs, relative to the configuration's folder."""


def expand(names: str) -> list[str]:
    """The names that a list such as `py{310,311}-{a,b}, lint` stands for."""
    found: list[str] = []
    for name in re.split(r"[\s,]+(?![^{]*\})", names.strip()):
        pending = [name] if name else []
        while pending and len(found) < _ENVIRONMENTS:
            first = pending.pop(0)
            group = _BRACES.search(first)
            if group:
                pending += [
                    f"{first[: group.start()]}{each.strip()}{first[group.end() :]}"
                    for each in group[1].split(",")
                ]
            else:
                found.append(first)
    return found


def lines(names: list[str], labels: list[str], arguments: str, tree: Tree, folder: str) -> Iterator[Line]:
    """The commands of environments, in order, with what they refer to filled in.

    Args:
        names: Environments; without any (and without labels), those that run by default.
        labels: Names of sets of environments.
        arguments: What is handed through to the commands, as text for a shell.
        tree: The repository's files.
        folder: The configuration's folder.
    """
    configuration = _Native.read(tree, folder) or _Ini.read(tree, folder)
    if configuration is None:
        return
    if labels:
        names = [*names, *(name for label in labels for name in expand(configuration.label(label)))]
    for name in names or expand(configuration.default()):
        place = _ROOT.sub(
            ".", configuration.value(name, "changedir") or configuration.value(name, "change_dir")
        )
        inner = str(PurePosixPath(place or "."))
        root = "/".join([".."] * len(PurePosixPath(inner).parts)) or "."
        for line in configuration.commands(name):
            text = _POSARGS.sub(lambda match: arguments or match["default"] or "", line)
            text = re.sub(rf"{_ROOT.pattern}/?(?=$|\s)", root, text)
            text = _ROOT.sub(root, text).removeprefix("./" if root == "." else "").replace(" ./", " ")
            yield Line(_VARIABLE.sub(lambda match: match["default"] or "", text), inner)


class _Ini:
    """`tox.ini` and `setup.cfg`."""

    def __init__(self, text: str) -> None:
        self._parser = configparser.ConfigParser(interpolation=None, strict=False)
        self._parser.read_string(text)
        self._sections = {
            expanded: section
            for section in self._parser.sections()
            if section.startswith("testenv:")
            for expanded in expand(section.removeprefix("testenv:"))
        }

    @classmethod
    def read(cls, tree: Tree, folder: str) -> "_Ini | None":
        legacy = _legacy(tree, folder)
        text = legacy or (tree.text(folder, "tox.ini", "setup.cfg") or ("", ""))[1]
        try:
            return cls(text)
        except configparser.Error:
            return None

    def default(self) -> str:
        return self._general("envlist") or self._general("env_list")

    def label(self, name: str) -> str:
        for line in self._general("labels").splitlines():
            key, _, value = line.partition("=")
            if key.strip() == name:
                return value
        return ""

    def value(self, name: str, key: str) -> str:
        # An environment without a section of its own takes what all have.
        for section in (self._sections.get(name), "testenv"):
            value = self._parser.get(section, key, fallback="") if section else ""
            if value:
                return self._filled(value, name)
        return ""

    def commands(self, name: str) -> list[str]:
        joined = re.sub(r"\\\n\s*", " ", self.value(name, "commands"))
        return [line for each in joined.splitlines() if (line := _of_factor(each.strip(), name))]

    def _general(self, key: str) -> str:
        return next(
            (value for each in ("tox", "tox:tox") if (value := self._parser.get(each, key, fallback=""))), ""
        )

    def _filled(self, value: str, name: str) -> str:
        for _ in range(_DEPTH):
            filled = _REFERENCE.sub(
                lambda match: self._parser.get(match["section"], match["key"], fallback=""), value
            )
            if filled == value or len(filled) > _CHARACTERS:
                break
            value = filled
        return value.replace("{envname}", name)


class _Native:
    """Tables of `tox.toml`, or of `pyproject.toml` below `tool.tox`."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table

    @classmethod
    def read(cls, tree: Tree, folder: str) -> "_Native | None":
        for file in ("tox.toml", "pyproject.toml"):
            table = _table(tree, folder, file)
            if isinstance(table.get("env"), dict) or isinstance(table.get("env_run_base"), dict):
                return cls(table)
        return None

    def default(self) -> str:
        names = self._table.get("env_list")
        return ",".join(map(str, names)) if isinstance(names, list) else ""

    def label(self, name: str) -> str:
        labels = self._table.get("labels")
        names = labels.get(name) if isinstance(labels, dict) else None
        return ",".join(map(str, names)) if isinstance(names, list) else ""

    def value(self, name: str, key: str) -> str:
        value = self._of(name, key)
        return value if isinstance(value, str) else ""

    def commands(self, name: str) -> list[str]:
        found = self._of(name, "commands")
        return [
            " ".join(filter(None, map(_word, line)))
            for line in (found if isinstance(found, list) else [])
            if isinstance(line, list)
        ]

    def _of(self, name: str, key: str) -> Any:
        environments = self._table.get("env")
        chosen = environments.get(name) if isinstance(environments, dict) else None
        for place in (chosen, self._table.get("env_run_base")):
            if isinstance(place, dict) and key in place:
                return place[key]
        return None


def _word(word: Any) -> str:
    """A word of a command; where arguments may be handed through, what stands in their place."""
    if isinstance(word, dict):
        default = word.get("default")
        return " ".join(map(str, default)) if word.get("replace") == "posargs" and default else ""
    return str(word)


def _of_factor(line: str, name: str) -> str:
    """The command of a line that may be for some factors only; empty where it is for others."""
    condition = _CONDITION.fullmatch(line)
    if condition is None:
        return line
    own = set(re.split(r"[-]", name))
    for each in expand(condition["factors"]):
        factors = each.split("-")
        if all((factor[1:] not in own) if factor.startswith("!") else (factor in own) for factor in factors):
            return condition["rest"].strip()
    return ""


def _legacy(tree: Tree, folder: str) -> str:
    text = _table(tree, folder, "pyproject.toml").get("legacy_tox_ini")
    return text if isinstance(text, str) else ""


def _table(tree: Tree, folder: str, file: str) -> Mapping[str, Any]:
    found = tree.text(folder, file)
    try:
        data: Any = tomllib.loads(found[1]) if found else {}
    except (ValueError, RecursionError):
        return {}
    if file == "pyproject.toml":
        tools = data.get("tool")
        data = tools.get("tox") if isinstance(tools, dict) else None
    return data if isinstance(data, dict) else {}
