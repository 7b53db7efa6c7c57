"""What one row of the table of deterministic repairs is."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.workspace import Workspace
from workflows.models import FailureClass, PatchRequest

STYLE: Final = frozenset({FailureClass.LINT, FailureClass.FORMAT, FailureClass.UNKNOWN})
STYLE_OR_COMPILE: Final = STYLE | {FailureClass.COMPILE}
ANY: Final = frozenset(FailureClass)

_RULE_CODE: Final = re.compile(r"\b[A-Z]{1,4}\d{2,4}\b")
_APPLY: Final = '"$@" >/tmp/repair.diff; git apply --whitespace=nowarn /tmp/repair.diff'
"""Run inside the sandbox, whose /tmp is each command's own."""


def options(text: str) -> dict[str, int]:
    """Options with how many values follow each: `--diff -o=1` is `{"--diff": 0, "-o": 1}`."""
    words = (word.partition("=") for word in text.split())
    return {name: int(count or 0) for name, _, count in words}


class Finds(StrEnum):
    """How a check says that it found something."""

    EXIT = "exit"
    """By its exit code."""
    OUTPUT = "output"
    """By printing anything at all, whatever its exit code."""


@dataclass(frozen=True)
class Rewrite:
    """How to make one command of another: options left out with the values that follow, exchanged, put in."""

    drops: Mapping[str, int] = field(default_factory=dict)
    adds: tuple[str, ...] = ()
    swaps: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, int] | None = None
    """All that is kept, where another program would not understand the rest."""
    otherwise: str = ""
    """Where it works when no path is named, for a program that wants one."""
    valued: Mapping[str, int] = field(default_factory=dict)
    """Options with the values that follow, by which a path is told from a value."""

    def __call__(self, arguments: Sequence[str]) -> list[str]:
        """Rewrite the arguments after the subcommand."""
        if self.only is not None:
            return [*self.adds, *self._only(arguments, self.only)]
        kept: list[str] = []
        skip = 0
        for argument in arguments:
            if skip:
                skip -= 1
            elif argument in self.drops:
                skip = self.drops[argument]
            elif argument.split("=")[0] not in self.drops:
                kept.append(self.swaps.get(argument, argument))
        kept = kept[:-1] if kept[-1:] == ["--"] else kept
        unnamed = self.otherwise and not self._names_a_path(kept)
        return [*self.adds, *kept, *([self.otherwise] if unnamed else [])]

    def _names_a_path(self, arguments: Sequence[str]) -> bool:
        words = iter(arguments)
        for word in words:
            if not word.startswith("-"):
                return True
            for _ in range(self.valued.get(word, 0)):
                next(words, None)
        return False

    @staticmethod
    def _only(arguments: Sequence[str], known: Mapping[str, int]) -> list[str]:
        kept: list[str] = []
        for position, argument in enumerate(arguments):
            if argument in known:
                kept += arguments[position : position + 1 + known[argument]]
            elif argument.split("=")[0] in known:
                kept.append(argument)
        return kept


def _rules(said: str) -> list[str]:
    """The codes of rules that a check complains of."""
    return sorted(set(_RULE_CODE.findall(said)))


@dataclass(frozen=True)
class Further:
    """A second repair, held to the rules that the check complains of."""

    command: tuple[str, ...]
    """Program, subcommand and options; the last one is completed by the rules, joined by commas."""
    rules: tuple[str, ...]
    """The rules it may repair: codes, or how they begin."""
    drops: Mapping[str, int]
    """Options of the check that are left out."""

    def argv(self, arguments: Sequence[str], said: str) -> list[str]:
        """The command; empty where the check complains of no such rule."""
        found = [code for code in _rules(said) if code.startswith(self.rules)]
        if not found:
            return []
        return [*self.command[:-1], f"{self.command[-1]}{','.join(found)}", *Rewrite(self.drops)(arguments)]


@dataclass(frozen=True)
class FixCommand:
    """A check command whose tool, or a tool of its family, can repair what it finds."""

    tool: str
    subcommand: str = ""
    """Words that follow the program."""
    marks: frozenset[str] = frozenset()
    """Options of which one makes the command a check; empty where it always is one."""
    forbids: frozenset[str] = frozenset()
    """Options with which it is no check at all."""
    check: Rewrite = Rewrite()
    """The same check, certain to change nothing."""
    checks: tuple[str, ...] = ()
    """Another command that asks the same and needs less, which is run in the check's place."""
    repair: Rewrite = Rewrite()
    becomes: tuple[str, ...] = ()
    """Program and subcommand of the repair, where they are others than the check's."""
    finds: Finds = Finds.EXIT
    gives_patch: bool = False
    """The repair prints a unified diff and changes nothing itself."""
    names_files: bool = False
    """It names every file it complains of. A formatter's other version complains of others."""
    narrows: str = ""
    """Option that holds the repair to rules: completed by those the check complains of, joined by commas."""
    further: "Further | None" = None
    """A repair that reaches further, for what the first one leaves."""
    prints: frozenset[str] | None = frozenset()
    """Options of the check with which it prints, as a diff, what it wants; None where it always does."""

    def applies(self, argv: Sequence[str]) -> bool:
        """Whether `argv` is a check this repairs."""
        head, arguments = self._split(argv)
        given = {argument.split("=")[0] for argument in arguments} | set(arguments)
        return bool(head) and not given & self.forbids and (not self.marks or bool(given & self.marks))

    def prints_diff(self, argv: Sequence[str]) -> bool:
        """Whether the check `argv` prints what it wants as a diff."""
        return self.prints is None or any(word in self.prints for word in argv)

    @property
    def mends(self) -> bool:
        """Whether the check itself repairs."""
        return self.check == self.repair and not self.becomes

    @property
    def programs(self) -> tuple[str, ...]:
        """What has to be installed."""
        return tuple(dict.fromkeys((self.tool, *self.becomes[:1])))

    def check_argv(self, argv: Sequence[str]) -> list[str]:
        """The check as it is run here, before and after the repair."""
        head, arguments = self._split(argv)
        return [*(self.checks or (*head, *self.check(arguments)))]

    def further_argv(self, argv: Sequence[str], said: str) -> list[str]:
        """The command that reaches further, for a check that said this; empty where there is none."""
        _, arguments = self._split(argv)
        return self.further.argv(arguments, said) if self.further else []

    def repair_argv(self, argv: Sequence[str], said: str = "") -> list[str]:
        """The command that repairs, with the check's own paths and options, for a check that said this."""
        head, arguments = self._split(argv)
        rules = ",".join(_rules(said)) if self.narrows else ""
        held = [f"{self.narrows}{rules}"] if rules else []
        command = [*(self.becomes or head), *held, *self.repair(arguments)]
        return ["sh", "-c", _APPLY, "sh", *command] if self.gives_patch else command

    def _split(self, argv: Sequence[str]) -> tuple[list[str], list[str]]:
        """Program (with a toolchain, as `cargo +nightly`) and subcommand; the rest. Empty where another."""
        size = 2 if argv[0] == "cargo" and len(argv) > 1 and argv[1].startswith("+") else 1
        words = self.subcommand.split()
        if argv[0] != self.tool or list(argv[size : size + len(words)]) != words:
            return [], []
        size += len(words)
        return list(argv[:size]), list(argv[size:])


@dataclass(frozen=True)
class Edit:
    """A repair that parses and edits a file, and runs nothing.

    Attributes:
        apply: Edits the workspace; says in a sentence what it did. Raises `EditRefusedError` with the reason.
    """

    apply: Callable[[PatchRequest, Workspace], str]
    sign: str = ""
    """Pattern that a failed job's excerpt must match; empty where the diagnosis alone decides."""
    unproved: str = ""
    """Why the repair cannot be proved here."""

    def concerns(self, request: PatchRequest) -> bool:
        """Whether the logs speak of what this repairs."""
        return any(
            re.search(self.sign, job.excerpt.text, re.MULTILINE) is not None for job in request.evidence.jobs
        )


@dataclass(frozen=True)
class Recipe:
    """One row."""

    name: str
    failure_classes: frozenset[FailureClass]
    """The diagnoses it is for."""
    touches: tuple[str, ...]
    """Patterns of the only files it may change: by name, or by path where they hold a slash."""
    repair: FixCommand | Edit
    summary: str
    spills: tuple[str, ...] = ()
    """Patterns of files that its tool writes by the way: they are put back."""
    limits: str = ""
    """Why it may repair nothing, in a sentence for a person."""
    changes_demands: bool = False
    """It may change what checks demand; all others may only lay out anew the files that say so."""
    exercised: bool = True
    """The tests run the real tool on a failing sample; else only what becomes of its arguments is tested."""

    def may_touch(self, path: str) -> bool:
        """Whether a change of `path` is what this recipe is for."""
        return _is_one_of(path, self.touches)

    def spills_on(self, path: str) -> bool:
        """Whether a change of `path` is no more than its tool's way of working."""
        return _is_one_of(path, self.spills)


def _is_one_of(path: str, patterns: Sequence[str]) -> bool:
    name = PurePosixPath(path).name
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in patterns)


class EditRefusedError(Exception):
    """The edit does not fit here. The text says why, in a sentence for a person."""
