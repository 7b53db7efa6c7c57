"""Environments of tox and sessions of nox."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from activities.patching.commands import Command
from activities.patching.wrappers import nox, tox
from activities.patching.wrappers.tree import Tree

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "tox": frozenset({"-e", "--env", "--environment"}),
    "nox": frozenset({"-s", "--session", "--sessions", "-e"}),
}
_SETS: Final[Mapping[str, frozenset[str]]] = {
    "tox": frozenset({"-m"}),
    "nox": frozenset({"-t", "--tag", "--tags"}),
}
"""Options that name sets of them."""


def session_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What `tox` or `nox` runs, for the environments or sessions it names or by default; None for others."""
    program, *arguments = command.argv
    if program not in _NAMES:
        return None
    names, sets, extra = _chosen(program, arguments)
    if program == "nox":
        found: list[Command] = []
        for text in nox.lines(names, sets, extra, tree, command.cwd):
            found += tree.commands(text, command)
        return found
    names = names or tox.expand(dict(command.env).get("TOXENV", ""))
    found = []
    for line in tox.lines(names, sets, shlex.join(extra), tree, command.cwd):
        if not line.text.startswith("-"):  # tox forgives such a line's failure
            folder = f"{command.cwd}/{line.folder}"
            found += tree.commands(line.text.removeprefix("! "), command, cwd=folder)
    return found


def _chosen(program: str, arguments: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """The names and the sets that a command line asks for, and what it hands through."""
    names: list[str] = []
    sets: list[str] = []
    words = iter(arguments)
    for word in words:
        name, _, value = word.partition("=")
        if word == "--":
            return names, sets, list(words)
        if name in _NAMES[program]:
            names += re.split(r"[, ]", value or next(words, ""))
        elif name in _SETS[program]:
            sets += re.split(r"[, ]", value or next(words, ""))
        elif re.match(r"-[es]\w", word):
            names += word[2:].split(",")
    return names, sets, []
