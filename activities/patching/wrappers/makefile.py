"""What a simple Makefile's target runs, and a justfile's recipe."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from activities.patching.commands import Command
from activities.patching.wrappers.tree import Tree

_RULE: Final = re.compile(
    r"^(?P<targets>[\w./ -]{1,300}?)\s*::?(?!=)\s*(?P<needs>[^#;=\n]*?)\s*(?:;(?P<inline>[^\n]*))?(?:#.*)?$"
)
_JUST: Final = re.compile(
    r"^@?(?P<targets>[\w-]{1,100})(?P<given>[^:\n]{0,200}):(?!=)\s*(?P<needs>[^#\n]*?)\s*(?P<inline>)(?:#.*)?$"
)
_VARIABLE: Final = re.compile(
    r"^(?:export\s+)?(?P<name>\w{1,100})\s*(?P<kind>\?=|::?=|:=|=|\+=)\s*(?P<value>[^#\n]*?)\s*(?:#.*)?$"
)
_USE: Final = re.compile(r"(?<!\$)\$(?:\((\w+)\)|\{(\w+)\}|([@<^]))")
_JUST_USE: Final = re.compile(r"\{\{\s*(?P<name>\w+)\s*\}\}")
_PARAMETER: Final = re.compile(
    r"[*+$]{0,2}(?P<name>[A-Za-z_][\w-]*)(?:\s*=\s*(?P<default>'[^']*'|\"[^\"]*\"|[\w./-]+))?"
)
_INCLUDE: Final = re.compile(r"^[-s]?include[ \t]+(?P<files>[\w./ -]+)$", re.MULTILINE)
_INDENTED: Final = ("\t", " ")
_DEPTH: Final = 8
_JUST_FILES: Final = ("justfile", "Justfile", ".justfile")
_MAKE_FILES: Final = ("GNUmakefile", "makefile", "Makefile")


@dataclass
class _Target:
    needs: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    parameters: list[tuple[str, str]] = field(default_factory=list)
    """Of a recipe of just: names, with what they are by default."""


class _Call(NamedTuple):
    """What `make` or `just` is called with."""

    folder: str
    names: tuple[str, ...]
    """Of the file that is looked for."""
    goals: list[str]
    given: dict[str, str]
    """Variables."""
    options: list[str]
    """Options behind the first goal: a recipe of just takes them as its arguments."""


def make_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What `make TARGET` or `just RECIPE` runs, prerequisites first; None for other commands."""
    program, *arguments = command.argv
    if program not in {"make", "gmake", "just"} or "--fmt" in arguments:
        return None
    just = program == "just"
    call = _called(arguments, command.cwd, _JUST_FILES if just else _MAKE_FILES)
    found = tree.text(call.folder, *call.names)
    if not found:
        return []
    text = (
        found[1]
        if just
        else _INCLUDE.sub(lambda match: _included(match["files"], tree, call.folder), found[1])
    )
    targets, variables = _read(text, just=just)
    goals = call.goals or [next((name for name in targets if not name.startswith(".")), "")]
    if just:
        goals, variables = _with_parameters(goals, call.options, targets, variables)
    variables |= call.given
    lines: list[str] = []
    seen: set[str] = set()
    for goal in goals:
        _collect(goal, targets, seen, lines, _DEPTH)
    commands: list[Command] = []
    for line in lines:
        inner = _filled(line, variables) if just else _expanded(line, variables)
        commands += tree.commands(inner, command, cwd=call.folder)
    return commands


def _called(arguments: Sequence[str], folder: str, names: tuple[str, ...]) -> _Call:
    call = _Call(folder, names, [], {}, [])
    words = iter(arguments)
    for word in words:
        if word in {"-C", "--directory", "-d", "--working-directory"}:
            call = call._replace(folder=f"{folder}/{next(words, '')}")
        elif word in {"-f", "--file", "--makefile", "--justfile"}:
            call = call._replace(names=(next(words, ""),))
        elif "=" in word and not word.startswith("-"):
            name, _, value = word.partition("=")
            call.given[name] = value
        elif not word.startswith("-"):
            call.goals.append(word)
        elif call.goals:
            call.options.append(word)
    return call


def _with_parameters(
    goals: list[str], options: Sequence[str], targets: dict[str, _Target], variables: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The goals without what a recipe takes as its arguments, and the values of parameters."""
    defaults = {name: value for target in targets.values() for name, value in target.parameters}
    own = targets.get(goals[0], _Target()).parameters
    given = iter([*goals[1:], *options] if own else [])
    values = {name: next(given, value) for name, value in own}
    return goals[:1] if own else goals, defaults | variables | values


def _included(names: str, tree: Tree, folder: str) -> str:
    return "\n".join(found[1] for name in names.split() if (found := tree.text(folder, name)))


def _filled(line: str, variables: dict[str, str]) -> str:
    """A line of just with its variables' values; else as it is."""
    for _ in range(_DEPTH):
        line = _JUST_USE.sub(lambda use: variables.get(use["name"], use.group()).strip("'\""), line)
    return line


def _read(text: str, *, just: bool) -> tuple[dict[str, _Target], dict[str, str]]:
    targets: dict[str, _Target] = {}
    variables = {"MAKE": "make", "PYTHON": "python3"}
    current: list[_Target] = []
    pattern = _JUST if just else _RULE
    for line in re.sub(r"\\\r?\n[ \t]*", " ", text).splitlines():
        if line.startswith(_INDENTED if just else ("\t", "    ")) and current:
            for target in current:
                target.lines.append(line.strip())
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        current = []
        variable = _VARIABLE.match(line)
        if variable:
            value = re.sub(r"\$\(shell\s+", "$$(", variable["value"])
            _assign(variables, variable["name"], variable["kind"], value)
            continue
        rule = pattern.match(line)
        if rule:
            for name in rule["targets"].split():
                target = targets.setdefault(name, _Target())
                target.needs += rule["needs"].replace("|", " ").split()
                if just and rule["given"]:
                    target.parameters = [
                        (each["name"], (each["default"] or "").strip("'\""))
                        for each in _PARAMETER.finditer(rule["given"])
                    ]
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
    own = targets[goal].lines
    if own and re.match(r"#!.*\b(?:ba|da)?sh\b", own[0]):  # one script, not lines
        own = ["\n".join(own[1:])]
    for line in own:
        signs = re.match(r"[@+-]*", line)
        marks = signs.group() if signs else ""
        if "-" not in marks:  # make forgives such a line's failure
            lines.append(line[len(marks) :].strip())


def _expanded(line: str, variables: dict[str, str]) -> str:
    """The line with its variables' values; `$$` is the shell's own sign."""
    line = re.sub(r"\$\(shell\s+", "$$(", line)
    for _ in range(_DEPTH):
        expanded = _USE.sub(
            lambda use: variables.get(use[1] or use[2] or "", "" if use[1] or use[2] else "$"), line
        )
        if expanded == line or len(expanded) > 20_000:  # noqa: PLR2004 — a step's text is no longer
            break
        line = expanded
    return line.replace("$$", "$")
