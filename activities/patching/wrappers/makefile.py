"""What a simple Makefile's target runs, and a justfile's recipe."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from activities.patching.commands import Command
from activities.patching.wrappers.tree import Tree

_RULE: Final = re.compile(
    r"^(?P<targets>[\w./ -]{1,300}?)\s*::?(?!=)\s*(?P<needs>[^#;=\n]*?)\s*(?:;(?P<inline>[^\n]*))?(?:#.*)?$"
)
_JUST: Final = re.compile(
    r"^@?(?P<targets>[\w-]{1,100})[^:\n]{0,200}:(?!=)\s*(?P<needs>[^#\n]*?)\s*(?P<inline>)(?:#.*)?$"
)
_VARIABLE: Final = re.compile(
    r"^(?:export\s+)?(?P<name>\w{1,100})\s*(?P<kind>\?=|::?=|:=|=|\+=)\s*(?P<value>[^#\n]*?)\s*(?:#.*)?$"
)
_USE: Final = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\}|([@<^]))")
_DEPTH: Final = 8


@dataclass
class _Target:
    needs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def make_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What `make TARGET` or `just RECIPE` runs, prerequisites first; None for other commands."""
    program, *arguments = command.argv
    if program not in {"make", "gmake", "just"} or "--fmt" in arguments:
        return None
    names: tuple[str, ...] = (
        ("justfile", "Justfile", ".justfile")
        if program == "just"
        else ("GNUmakefile", "makefile", "Makefile")
    )
    cwd, goals, given = command.cwd, [], {}
    words = iter(arguments)
    for word in words:
        if word in {"-C", "--directory"}:
            cwd = f"{cwd}/{next(words, '')}"
        elif word in {"-f", "--file", "--makefile"}:
            names = (next(words, ""),)
        elif "=" in word and not word.startswith("-"):
            name, _, value = word.partition("=")
            given[name] = value
        elif not word.startswith("-"):
            goals.append(word)
    found = tree.text(cwd, *names)
    if not found:
        return []
    targets, variables = _read(found[1], just=program == "just")
    variables |= given
    goals = goals or [next((name for name in targets if not name.startswith(".")), "")]
    lines: list[str] = []
    seen: set[str] = set()
    for goal in goals:
        _collect(goal, targets, seen, lines, _DEPTH)
    commands: list[Command] = []
    for line in lines:
        commands += tree.commands(_expanded(line, variables), command, cwd=cwd)
    return commands


def _read(text: str, *, just: bool) -> tuple[dict[str, _Target], dict[str, str]]:
    targets: dict[str, _Target] = {}
    variables = {"MAKE": "make", "PYTHON": "python3"}
    current: list[_Target] = []
    pattern = _JUST if just else _RULE
    for line in re.sub(r"\\\r?\n[ \t]*", " ", text).splitlines():
        if line.startswith(("\t", "    ")) and current:
            for target in current:
                target.lines.append(line.strip())
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        current = []
        variable = _VARIABLE.match(line)
        if variable:
            _assign(variables, variable["name"], variable["kind"], variable["value"])
            continue
        rule = pattern.match(line)
        if rule:
            for name in rule["targets"].split():
                target = targets.setdefault(name, _Target())
                target.needs += rule["needs"].replace("|", " ").split()
                if rule["inline"]:
                    target.lines.append(rule["inline"].strip())
                current.append(target)
    return targets, variables


def _assign(variables: dict[str, str], name: str, kind: str, value: str) -> None:
    if kind == "+=":
        value = f"{variables.get(name, '')} {value}".strip()
    if kind != "?=" or name not in variables:
        variables[name] = value


def _collect(goal: str, targets: dict[str, _Target], seen: set[str], lines: list[str], depth: int) -> None:
    if goal in seen or goal not in targets or not depth:
        return
    seen.add(goal)
    for need in targets[goal].needs:
        _collect(need, targets, seen, lines, depth - 1)
    for line in targets[goal].lines:
        signs = re.match(r"[@+-]*", line)
        marks = signs.group() if signs else ""
        if "-" not in marks:  # make forgives such a line's failure
            lines.append(line[len(marks) :].strip())


def _expanded(line: str, variables: dict[str, str]) -> str:
    """The line with its variables' values; `$$` is the shell's own sign."""
    for _ in range(_DEPTH):
        expanded = _USE.sub(
            lambda use: variables.get(use[1] or use[2] or "", "" if use[1] or use[2] else "$"), line
        )
        if expanded == line or len(expanded) > 20_000:  # noqa: PLR2004 — a step's text is no longer
            break
        line = expanded
    return line.replace("$$", "$")
