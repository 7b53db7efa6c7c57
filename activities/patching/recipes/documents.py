"""Formatters and linters of documents, data and plain text."""

from typing import Final

from activities.patching.recipe import STYLE, FixCommand, Recipe, Rewrite, options

_MARKDOWN: Final = ("*.md", "*.markdown", "*.mdx", "*.mdc")
_SQL: Final = ("*.sql",)
_TEMPLATES: Final = ("*.html", "*.htm", "*.jinja", "*.jinja2", "*.j2", "*.djhtml", "*.hbs", "*.njk", "*.twig")
_YAML: Final = ("*.yml", "*.yaml")
_TEXT: Final = ("*",)
"""Any text file: where it lies is the gate's to judge."""

_HOOKS: Final = {
    "end-of-file-fixer": (_TEXT, "Ended files with one line break."),
    "trailing-whitespace-fixer": (_TEXT, "Removed trailing blanks."),
    "mixed-line-ending": (_TEXT, "Made line ends uniform."),
    "fix-byte-order-marker": (_TEXT, "Removed byte order marks."),
    "requirements-txt-fixer": (("*.txt", "*.in"), "Sorted requirements."),
    "sort-simple-yaml": (_YAML, "Sorted YAML."),
    "file-contents-sorter": (_TEXT, "Sorted lines."),
}
"""Programs of the pre-commit hooks; they repair while they check."""


def _formatter(
    name: str,
    touches: tuple[str, ...],
    *,
    tool: str = "",
    subcommand: str = "",
    marks: str = "--check",
    drops: str = "",
    adds: str = "",
    mends: bool = False,
) -> Recipe:
    """A formatter that checks when told to, and writes else; or one that does both at once."""
    repair = FixCommand(
        tool=tool or name,
        subcommand=subcommand,
        names_files=True,
        marks=frozenset() if mends else frozenset(options(marks)),
        repair=Rewrite(drops=options(marks) | options(drops), adds=tuple(adds.split()))
        if not mends
        else Rewrite(),
    )
    summary = f"Formatted with {name}."
    return Recipe(name=name, failure_classes=STYLE, touches=touches, repair=repair, summary=summary)


def _markdownlint(tool: str) -> Recipe:
    return Recipe(
        name=tool,
        failure_classes=STYLE,
        touches=_MARKDOWN,
        repair=FixCommand(
            tool=tool,
            names_files=True,
            check=Rewrite(drops=options("--fix -f")),
            repair=Rewrite(drops=options("--fix -f --output=1 -o=1 --json -j --quiet -q"), adds=("--fix",)),
        ),
        summary=f"Applied {tool}'s fixes.",
    )


DOCUMENTS: Final[tuple[Recipe, ...]] = (
    _markdownlint("markdownlint"),
    _markdownlint("markdownlint-cli2"),
    Recipe(
        name="mdformat",
        failure_classes=STYLE,
        touches=_MARKDOWN,
        repair=FixCommand(
            tool="mdformat", marks=frozenset({"--check"}), repair=Rewrite(drops=options("--check"))
        ),
        summary="Formatted with mdformat.",
    ),
    Recipe(
        name="blacken-docs",
        failure_classes=STYLE,
        touches=("*.md", "*.rst", "*.py", "*.tex", "*.txt"),
        repair=FixCommand(tool="blacken-docs"),
        summary="Formatted code in documents with black.",
    ),
    Recipe(
        name="codespell",
        failure_classes=STYLE,
        touches=_TEXT,
        repair=FixCommand(
            tool="codespell",
            names_files=True,
            check=Rewrite(drops=options("--write-changes -w --interactive=1 -i=1")),
            repair=Rewrite(
                drops=options("--write-changes -w --interactive=1 -i=1 --count --summary"),
                adds=("--write-changes",),
            ),
        ),
        summary="Corrected spelling where codespell knows one correction.",
    ),
    Recipe(
        name="typos",
        failure_classes=STYLE,
        touches=_TEXT,
        repair=FixCommand(
            tool="typos",
            names_files=True,
            check=Rewrite(drops=options("--write-changes -w")),
            repair=Rewrite(drops=options("--write-changes -w --diff --format=1"), adds=("--write-changes",)),
        ),
        summary="Corrected spelling where typos knows one correction.",
    ),
    *(
        Recipe(
            name=f"taplo-{subcommand}",
            failure_classes=STYLE,
            touches=("*.toml",),
            repair=FixCommand(
                tool="taplo",
                subcommand=subcommand,
                marks=frozenset({"--check"}),
                repair=Rewrite(drops=options("--check --diff")),
            ),
            summary="Formatted with taplo.",
        )
        for subcommand in ("fmt", "format")
    ),
    Recipe(
        name="rumdl",
        failure_classes=STYLE,
        touches=_MARKDOWN,
        repair=FixCommand(
            tool="rumdl",
            subcommand="check",
            names_files=True,
            check=Rewrite(drops=options("--fix -f --diff")),
            repair=Rewrite(
                drops=options("--fix -f --diff --output=1 -o=1 --output-format=1 --statistics --quiet -q"),
                adds=("--fix",),
            ),
        ),
        summary="Applied rumdl's fixes.",
    ),
    _formatter("rumdl-fmt", _MARKDOWN, tool="rumdl", subcommand="fmt", drops="--diff"),
    Recipe(
        name="sqlfluff",
        failure_classes=STYLE,
        touches=_SQL,
        repair=FixCommand(
            tool="sqlfluff",
            subcommand="lint",
            names_files=True,
            becomes=("sqlfluff", "fix"),
            repair=Rewrite(drops=options("--format=1 -f=1 --write-output=1 --annotation-level=1 --nofail")),
            forbids=frozenset({"--nofail"}),
        ),
        summary="Applied sqlfluff's fixes.",
    ),
    _formatter("sqlfmt", _SQL, drops="--diff"),
    _formatter("djlint", _TEMPLATES, drops="--quiet", adds="--reformat"),
    _formatter("djhtml", _TEMPLATES, marks="--check -c"),
    _formatter("djade", _TEMPLATES, mends=True),
    _formatter("toml-sort", ("*.toml",), adds="--in-place", drops="-i --in-place"),
    Recipe(
        name="tombi-format",
        failure_classes=STYLE,
        touches=("*.toml",),
        repair=FixCommand(
            tool="tombi",
            subcommand="format",
            marks=frozenset({"--check"}),
            names_files=True,
            check=Rewrite(drops=options("--offline"), adds=("--offline",)),
            repair=Rewrite(drops=options("--offline --check --diff"), adds=("--offline",)),
        ),
        summary="Formatted with tombi.",
    ),
    _formatter("pyproject-fmt", ("pyproject.toml",), drops="--no-print-diff -n"),
    _formatter("setup-cfg-fmt", ("setup.cfg",), mends=True),
    _formatter("docstrfmt", ("*.rst", "*.py", "*.txt"), marks="--check -c"),
    _formatter("yamlfmt", _YAML, marks="-lint -dry", drops="-quiet -output_format=1"),
    _formatter("cmake-format", ("CMakeLists.txt", "*.cmake"), adds="--in-place", drops="-i --in-place"),
    Recipe(
        name="just-fmt",
        failure_classes=STYLE,
        touches=("justfile", "Justfile", ".justfile", "*.just"),
        repair=FixCommand(
            tool="just",
            marks=frozenset({"--fmt"}),
            check=Rewrite(drops=options("--check"), adds=("--check",)),
            repair=Rewrite(drops=options("--check")),
        ),
        summary="Formatted with just.",
    ),
    Recipe(
        name="yamlfix",
        failure_classes=STYLE,
        touches=_YAML,
        repair=FixCommand(
            tool="yamlfix", marks=frozenset({"--check"}), repair=Rewrite(drops=options("--check"))
        ),
        summary="Formatted with yamlfix.",
    ),
    Recipe(
        name="pretty-format-json",
        failure_classes=STYLE,
        touches=("*.json",),
        repair=FixCommand(tool="pretty-format-json", repair=Rewrite(adds=("--autofix",))),
        summary="Formatted JSON.",
    ),
    *(
        Recipe(
            name=name, failure_classes=STYLE, touches=touches, repair=FixCommand(tool=name), summary=summary
        )
        for name, (touches, summary) in _HOOKS.items()
    ),
)
