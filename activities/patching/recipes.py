"""The table of deterministic repairs: the failing command each is for, and what it runs or edits instead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.workspace import Workspace
from activities.patching.permissions import grant_missing_permission
from workflows.models import FailureClass, PatchRequest

_STYLE: Final = frozenset({FailureClass.LINT, FailureClass.FORMAT, FailureClass.UNKNOWN})
_STYLE_OR_COMPILE: Final = _STYLE | {FailureClass.COMPILE}
_PYTHON: Final = ("*.py", "*.pyi", "*.pyw", "*.ipynb")
_RUST: Final = ("*.rs",)
_PRETTIER_SUFFIXES: Final = (
    *("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte", "astro"),
    *("json", "jsonc", "json5", "css", "scss", "less", "html", "hbs", "handlebars"),
    *("md", "mdx", "markdown", "yaml", "yml", "graphql", "gql", "toml", "xml"),
)
_PRETTIER: Final = (*(f"*.{suffix}" for suffix in _PRETTIER_SUFFIXES), ".*rc")


@dataclass(frozen=True)
class Rewrite:
    """How to make one command of another: options left out, with the values that follow them, and put in."""

    drops: Mapping[str, int] = field(default_factory=dict)
    adds: tuple[str, ...] = ()

    def __call__(self, arguments: Sequence[str]) -> list[str]:
        """Rewrite the arguments after the subcommand."""
        kept: list[str] = []
        skip = 0
        for argument in arguments:
            if skip:
                skip -= 1
            elif argument in self.drops:
                skip = self.drops[argument]
            elif argument.split("=")[0] not in self.drops:
                kept.append(argument)
        return [*self.adds, *(kept[:-1] if kept[-1:] == ["--"] else kept)]


@dataclass(frozen=True)
class FixCommand:
    """A check command whose tool can repair what it finds."""

    tool: str
    subcommand: str = ""
    marks: frozenset[str] = frozenset()
    """Options of which one makes the command a check; empty where it always is one."""
    forbids: frozenset[str] = frozenset()
    """Options with which it is no check at all."""
    check: Rewrite = Rewrite()
    """The same check, certain to change nothing."""
    repair: Rewrite = Rewrite()

    def applies(self, argv: Sequence[str]) -> bool:
        """Whether `argv` is a check this repairs."""
        head, arguments = self._split(argv)
        given = {argument.split("=")[0] for argument in arguments}
        return bool(head) and not given & self.forbids and (not self.marks or bool(given & self.marks))

    def check_argv(self, argv: Sequence[str]) -> list[str]:
        """The check as it is run here, before and after the repair."""
        head, arguments = self._split(argv)
        return [*head, *self.check(arguments)]

    def repair_argv(self, argv: Sequence[str]) -> list[str]:
        """The command that repairs, with the check's own paths and options."""
        head, arguments = self._split(argv)
        return [*head, *self.repair(arguments)]

    def _split(self, argv: Sequence[str]) -> tuple[list[str], list[str]]:
        """Program (with a toolchain, as `cargo +nightly`) and subcommand; the rest. Empty where another."""
        size = 2 if argv[0] == "cargo" and len(argv) > 1 and argv[1].startswith("+") else 1
        if argv[0] != self.tool or (self.subcommand and list(argv[size : size + 1]) != [self.subcommand]):
            return [], []
        size += bool(self.subcommand)
        return list(argv[:size]), list(argv[size:])


@dataclass(frozen=True)
class Edit:
    """A repair that parses and edits a file, and runs nothing.

    Attributes:
        apply: Edits the workspace; says in a sentence what it did. Raises `EditRefusedError` with the reason.
    """

    apply: Callable[[PatchRequest, Workspace], str]
    unproved: str = ""
    """Why the repair cannot be proved here."""


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

    def may_touch(self, path: str) -> bool:
        """Whether a change of `path` is what this recipe is for."""
        name = PurePosixPath(path).name
        return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in self.touches)


RECIPES: Final[tuple[Recipe, ...]] = (
    Recipe(
        name="ruff-check",
        failure_classes=_STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool="ruff",
            subcommand="check",
            forbids=frozenset(
                {"--exit-zero", "-e", "--add-noqa", "--add-ignore", "--show-files", "--show-settings"}
            ),
            check=Rewrite(
                drops={"--fix": 0, "--fix-only": 0, "--watch": 0, "-w": 0, "--exit-non-zero-on-fix": 0}
                | {"--output-file": 1, "-o": 1},
                adds=("--no-fix",),
            ),
            repair=Rewrite(
                drops={"--fix": 0, "--no-fix": 0, "--fix-only": 0, "--unsafe-fixes": 0, "--diff": 0}
                | {"--watch": 0, "-w": 0, "--exit-non-zero-on-fix": 0, "--statistics": 0}
                | {"--output-file": 1, "-o": 1, "--output-format": 1},
                adds=("--fix", "--no-unsafe-fixes"),
            ),
        ),
        summary="Applied ruff's safe fixes.",
    ),
    Recipe(
        name="ruff-format",
        failure_classes=_STYLE,
        touches=(*_PYTHON, "*.md"),
        repair=FixCommand(
            tool="ruff",
            subcommand="format",
            marks=frozenset({"--check", "--diff"}),
            repair=Rewrite(
                drops={"--check": 0, "--diff": 0, "--output-format": 1, "--exit-non-zero-on-format": 0}
            ),
        ),
        summary="Formatted with ruff.",
    ),
    Recipe(
        name="black",
        failure_classes=_STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool="black",
            marks=frozenset({"--check"}),
            forbids=frozenset({"--code", "-c"}),
            repair=Rewrite(drops={"--check": 0, "--diff": 0, "--color": 0, "--no-color": 0}),
        ),
        summary="Formatted with black.",
    ),
    Recipe(
        name="isort",
        failure_classes=_STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool="isort",
            marks=frozenset({"--check", "--check-only", "-c"}),
            repair=Rewrite(drops={"--check": 0, "--check-only": 0, "-c": 0, "--diff": 0, "--df": 0}),
        ),
        summary="Sorted imports with isort.",
    ),
    Recipe(
        name="cargo-fmt",
        failure_classes=_STYLE,
        touches=_RUST,
        repair=FixCommand(
            tool="cargo",
            subcommand="fmt",
            marks=frozenset({"--check"}),
            repair=Rewrite(drops={"--check": 0}),
        ),
        summary="Formatted with cargo fmt.",
    ),
    Recipe(
        name="rustfmt",
        failure_classes=_STYLE,
        touches=_RUST,
        repair=FixCommand(tool="rustfmt", marks=frozenset({"--check"}), repair=Rewrite(drops={"--check": 0})),
        summary="Formatted with rustfmt.",
    ),
    Recipe(
        name="cargo-clippy",
        failure_classes=_STYLE_OR_COMPILE,
        touches=_RUST,
        repair=FixCommand(
            tool="cargo",
            subcommand="clippy",
            check=Rewrite(drops={"--fix": 0, "--allow-dirty": 0, "--allow-staged": 0, "--allow-no-vcs": 0}),
            # `--fix` caps lints at warnings itself, so a `-D warnings` that stays does not undo its work.
            repair=Rewrite(
                drops={"--fix": 0, "--allow-dirty": 0, "--allow-staged": 0, "--allow-no-vcs": 0}
                | {"--message-format": 1},
                adds=("--fix", "--allow-dirty", "--allow-staged", "--allow-no-vcs"),
            ),
        ),
        summary="Applied clippy's machine-applicable suggestions.",
    ),
    Recipe(
        name="prettier",
        failure_classes=_STYLE,
        touches=_PRETTIER,
        repair=FixCommand(
            tool="prettier",
            marks=frozenset({"--check", "-c", "--list-different", "-l"}),
            check=Rewrite(drops={"--write": 0, "-w": 0}),
            repair=Rewrite(
                drops={"--check": 0, "-c": 0, "--list-different": 0, "-l": 0, "--write": 0, "-w": 0},
                adds=("--write",),
            ),
        ),
        summary="Formatted with prettier.",
    ),
    Recipe(
        name="workflow-permissions",
        failure_classes=frozenset({FailureClass.PERMISSION}),
        touches=(".github/workflows/*.yml", ".github/workflows/*.yaml"),
        repair=Edit(
            apply=grant_missing_permission,
            unproved="A token's permissions show only where GitHub issues one.",
        ),
        summary="Granted the job the permission its log asks for.",
    ),
)
"""In the order they are tried. A command is taken by the first row that applies."""


def fix_command_for(argv: Sequence[str], failure_class: FailureClass) -> tuple[Recipe, FixCommand] | None:
    """The row that repairs the check `argv`, or None."""
    for recipe in RECIPES:
        if (
            isinstance(recipe.repair, FixCommand)
            and failure_class in recipe.failure_classes
            and recipe.repair.applies(argv)
        ):
            return recipe, recipe.repair
    return None


def edits_for(failure_class: FailureClass) -> list[tuple[Recipe, Edit]]:
    """The editing rows for a diagnosis."""
    return [
        (recipe, recipe.repair)
        for recipe in RECIPES
        if isinstance(recipe.repair, Edit) and failure_class in recipe.failure_classes
    ]
