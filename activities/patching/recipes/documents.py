"""Formatters and linters of documents, data and plain text."""

from typing import Final

from activities.patching.recipe import STYLE, FixCommand, Recipe, Rewrite, options

_MARKDOWN: Final = ("*.md", "*.markdown", "*.mdx", "*.mdc")
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
