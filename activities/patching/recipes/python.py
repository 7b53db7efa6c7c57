"""Python's formatters and linters."""

from typing import Final

from activities.patching.recipe import STYLE, FixCommand, Further, Recipe, Rewrite, options
from workflows.models import FailureClass

_PYTHON: Final = ("*.py", "*.pyi", "*.pyw", "*.ipynb")

_RUFF_DROPS: Final = options(
    "--fix --no-fix --fix-only --unsafe-fixes --diff --watch -w --statistics --exit-non-zero-on-fix"
) | options("--output-file=1 -o=1 --output-format=1 --fixable=1 --unfixable=1 --extend-fixable=1")
HARMLESS: Final = (
    *("F841", "RUF059", "B007"),  # a name that nothing uses
    *("UP", "E711", "E712", "E713", "E714", "E731"),  # another spelling of the same
    *("W291", "W293"),  # blanks, in a text over several lines
    *("C4", "SIM", "RET50", "PIE", "FURB", "D2", "D4"),  # comments may get lost, which is why ruff asks
)
"""Rules whose fix ruff calls unsafe and which changes no behaviour that code can rely on."""

_FLAKE8_ONLY: Final = (
    options("--count --statistics --show-source --benchmark -v --verbose -q --quiet --tee --isolated")
    | options("--max-complexity=1 --format=1 --output-file=1 --extend-ignore=1 -j=1 --jobs=1")
    | options("--per-file-ignores=1 --config=1 --color=1 --select=1 --extend-select=1 --ignore=1")
    | options("--extend-exclude=1 --filename=1 --max-doc-length=1 --append-config=1")
    | options("--docstring-convention=1")
)
"""Options that autopep8 does not know, and those by which rules are chosen: the findings choose them."""
_FLAKE8_OPTIONS: Final = _FLAKE8_ONLY | options("--exclude=1 --max-line-length=1")

_MENDING: Final = {
    "pyupgrade": "Modernised syntax with pyupgrade.",
    "add-trailing-comma": "Added trailing commas.",
    "double-quote-string-fixer": "Made string quotes uniform.",
    "reorder-python-imports": "Sorted imports with reorder-python-imports.",
    "django-upgrade": "Modernised code with django-upgrade.",
    "sort-all": "Sorted `__all__`.",
}


def _pycodestyle(tool: str) -> Recipe:
    """A linter whose findings of layout autopep8 repairs, and ruff some of the others."""
    return Recipe(
        name=tool,
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool=tool,
            forbids=frozenset({"--exit-zero"}),
            becomes=("autopep8",),
            names_files=True,
            narrows="--select=",
            further=Further(
                command=("ruff", "check", "--isolated", "--fix", "--unsafe-fixes", "--select="),
                rules=(
                    "F401",
                    "F541",
                    "F632",
                    "F841",
                    "E711",
                    "E712",
                    "E713",
                    "E714",
                    "W291",
                    "W293",
                    "W605",
                ),
                drops=_FLAKE8_OPTIONS,
            ),
            repair=Rewrite(
                # Only what both know is kept; settings in files are read by both.
                drops=_FLAKE8_ONLY,
                adds=("--in-place", "--recursive"),
                otherwise=".",
                valued=_FLAKE8_OPTIONS,
            ),
        ),
        summary="Repaired pycodestyle findings with autopep8.",
    )


PYTHON: Final[tuple[Recipe, ...]] = (
    Recipe(
        name="ruff-check",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            names_files=True,
            prints=frozenset({"--diff"}),
            tool="ruff",
            subcommand="check",
            forbids=frozenset(options("--exit-zero -e --add-noqa --add-ignore --show-files --show-settings")),
            check=Rewrite(
                drops=options("--fix --no-fix --fix-only --watch -w --exit-non-zero-on-fix")
                | options("--output-file=1 -o=1"),
                adds=("--no-fix",),
            ),
            repair=Rewrite(
                drops=_RUFF_DROPS,
                adds=("--fix", "--no-unsafe-fixes"),
            ),
            further=Further(
                command=("ruff", "check", "--fix", "--unsafe-fixes", "--fixable="),
                rules=HARMLESS,
                drops=_RUFF_DROPS,
            ),
        ),
        summary="Applied ruff's safe fixes.",
    ),
    Recipe(
        name="ruff-format",
        failure_classes=STYLE,
        touches=(*_PYTHON, "*.md"),
        repair=FixCommand(
            names_files=True,
            prints=frozenset({"--diff"}),
            tool="ruff",
            subcommand="format",
            marks=frozenset({"--check", "--diff", "--exit-non-zero-on-format"}),
            check=Rewrite(swaps={"--exit-non-zero-on-format": "--check"}),
            repair=Rewrite(drops=options("--check --diff --output-format=1 --exit-non-zero-on-format")),
        ),
        summary="Formatted with ruff.",
    ),
    Recipe(
        name="black",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            names_files=True,
            prints=frozenset({"--diff"}),
            tool="black",
            marks=frozenset({"--check"}),
            forbids=frozenset({"--code", "-c"}),
            repair=Rewrite(drops=options("--check --diff --color --no-color")),
        ),
        summary="Formatted with black.",
    ),
    Recipe(
        name="isort",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            names_files=True,
            prints=frozenset({"--diff", "--df"}),
            tool="isort",
            marks=frozenset({"--check", "--check-only", "-c"}),
            repair=Rewrite(drops=options("--check --check-only -c --diff --df")),
        ),
        summary="Sorted imports with isort.",
    ),
    Recipe(
        name="autoflake",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            names_files=True,
            prints=frozenset({"--check-diff", "-cd"}),
            tool="autoflake",
            marks=frozenset(options("--check -c --check-diff -cd")),
            repair=Rewrite(
                drops=options("--check -c --check-diff -cd --in-place -i --quiet"), adds=("--in-place",)
            ),
        ),
        summary="Removed unused imports with autoflake.",
    ),
    Recipe(
        name="autopep8",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            names_files=True,
            prints=frozenset({"--diff", "-d"}),
            tool="autopep8",
            marks=frozenset(options("--exit-code --diff -d")),
            check=Rewrite(
                drops=options("--in-place -i --exit-code --diff -d"), adds=("--diff", "--exit-code")
            ),
            repair=Rewrite(drops=options("--exit-code --diff -d --in-place -i"), adds=("--in-place",)),
        ),
        summary="Formatted with autopep8.",
    ),
    Recipe(
        name="yapf",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            names_files=True,
            prints=frozenset({"--diff", "-d"}),
            tool="yapf",
            marks=frozenset(options("--diff -d --quiet -q")),
            repair=Rewrite(drops=options("--diff -d --quiet -q"), adds=("--in-place",)),
        ),
        summary="Formatted with yapf.",
    ),
    Recipe(
        name="docformatter",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            names_files=True,
            tool="docformatter",
            marks=frozenset(options("--check -c")),
            repair=Rewrite(drops=options("--check -c --diff -d"), adds=("--in-place",)),
        ),
        summary="Formatted docstrings with docformatter.",
    ),
    Recipe(
        name="pyflakes",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool="pyflakes",
            becomes=("ruff", "check"),
            names_files=True,
            # What pyflakes finds has these codes in ruff, which knows how to repair it.
            repair=Rewrite(
                adds=("--isolated", "--fix", "--unsafe-fixes", "--select=F401,F541,F632,F841"), otherwise="."
            ),
        ),
        summary="Repaired pyflakes findings with ruff.",
    ),
    _pycodestyle("flake8"),
    _pycodestyle("pycodestyle"),
    *(
        Recipe(
            name=name,
            failure_classes=STYLE,
            touches=_PYTHON,
            repair=FixCommand(
                tool=name, names_files=True, forbids=frozenset({"--exit-zero-even-if-changed"})
            ),
            summary=summary,
        )
        for name, summary in _MENDING.items()
    ),
    Recipe(
        name="flynt",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool="flynt",
            marks=frozenset(options("--fail-on-change -f")),
            check=Rewrite(drops=options("--dry-run -d --stdout -s"), adds=("--dry-run",)),
            repair=Rewrite(drops=options("--fail-on-change -f --dry-run -d --stdout -s")),
        ),
        summary="Made f-strings of formatted strings.",
    ),
    *(
        Recipe(
            name=tool,
            failure_classes=STYLE,
            touches=_PYTHON,
            repair=FixCommand(
                tool=tool, subcommand="check", names_files=True, becomes=(tool, "format"), repair=Rewrite()
            ),
            summary=f"Formatted with {tool}.",
        )
        for tool in ("usort", "ufmt")
    ),
    Recipe(
        name="unimport",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool="unimport",
            marks=frozenset(options("--check -c")),
            forbids=frozenset(options("--permission -p")),
            names_files=True,
            repair=Rewrite(drops=options("--check -c --diff -d"), adds=("--remove",)),
        ),
        summary="Removed unused imports with unimport.",
    ),
    Recipe(
        name="ssort",
        failure_classes=STYLE,
        touches=_PYTHON,
        repair=FixCommand(
            tool="ssort",
            marks=frozenset({"--check"}),
            names_files=True,
            repair=Rewrite(drops=options("--check --diff")),
        ),
        summary="Sorted statements with ssort.",
    ),
    Recipe(
        name="cog",
        failure_classes=STYLE | {FailureClass.CONFIGURATION},
        touches=("*",),
        repair=FixCommand(
            tool="cog",
            marks=frozenset({"--check"}),
            names_files=True,
            repair=Rewrite(drops=options("--check --diff"), adds=("-r",)),
        ),
        summary="Generated with cog what files say they hold.",
        limits="What cog runs may need packages that are not installed on this worker.",
    ),
)
"""Those that repair while they check have the check for their repair."""
