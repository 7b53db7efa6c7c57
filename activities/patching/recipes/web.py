"""Formatters and linters of JavaScript, TypeScript and styles."""

from typing import Final

from activities.patching.recipe import STYLE, FixCommand, Recipe, Rewrite, options

_SCRIPTS: Final = tuple(
    f"*.{suffix}"
    for suffix in ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte", "astro")
)
_STYLES: Final = ("*.css", "*.scss", "*.sass", "*.less")
_DATA: Final = ("*.json", "*.jsonc", "*.json5")
_PRETTIER: Final = (
    *(*_SCRIPTS, *_STYLES, *_DATA, "*.html", "*.hbs", "*.handlebars", "*.md", "*.mdx", "*.markdown"),
    *("*.yaml", "*.yml", "*.graphql", "*.gql", "*.toml", "*.xml", ".*rc"),
)
_LINTED: Final = (*_SCRIPTS, *_DATA, "*.md", "*.html", "*.yml", "*.yaml")
_WRITES: Final = options("--write --fix --apply")
_BIOME_FILES: Final = (*_SCRIPTS, *_STYLES, *_DATA, "*.graphql", "*.html", "*.md", "*.yml", "*.yaml")


def _linter(name: str, *, forbids: str = "", drops: str = "", exercised: bool = True) -> Recipe:
    """A linter with a `--fix` that applies what it holds for safe."""
    return Recipe(
        name=name,
        failure_classes=STYLE,
        touches=_LINTED,
        repair=FixCommand(
            tool=name,
            names_files=True,
            forbids=frozenset(options(forbids)),
            check=Rewrite(drops=options("--fix")),
            repair=Rewrite(drops=options("--fix") | options(drops), adds=("--fix",)),
        ),
        summary=f"Applied {name}'s fixes.",
        exercised=exercised,
    )


def _biome(subcommand: str, summary: str, becomes: str = "") -> Recipe:
    return Recipe(
        name=f"biome-{subcommand}",
        failure_classes=STYLE,
        touches=_BIOME_FILES,
        repair=FixCommand(
            tool="biome",
            subcommand=subcommand,
            check=Rewrite(drops=_WRITES | options("--unsafe")),
            repair=Rewrite(
                drops=_WRITES | options("--unsafe --reporter=1 --error-on-warnings --changed --since=1"),
                adds=("--write",),
            ),
            becomes=("biome", becomes) if becomes else (),
        ),
        summary=summary,
    )


WEB: Final[tuple[Recipe, ...]] = (
    Recipe(
        name="prettier",
        failure_classes=STYLE,
        touches=_PRETTIER,
        repair=FixCommand(
            names_files=True,
            tool="prettier",
            marks=frozenset(options("--check -c --list-different -l")),
            check=Rewrite(drops=options("--write -w")),
            repair=Rewrite(
                drops=options("--check -c --list-different -l --write -w --cache"), adds=("--write",)
            ),
        ),
        summary="Formatted with prettier.",
    ),
    _linter(
        "eslint",
        forbids="--init --print-config --fix-dry-run",
        drops="--format=1 -f=1 --output-file=1 -o=1 --quiet",
    ),
    _linter("xo", drops="--reporter=1 --quiet"),
    _linter("standard"),
    _linter("oxlint", drops="--format=1 -f=1"),
    Recipe(
        name="stylelint",
        failure_classes=STYLE,
        touches=(*_STYLES, "*.vue", "*.html"),
        repair=FixCommand(
            tool="stylelint",
            names_files=True,
            check=Rewrite(drops=options("--fix")),
            repair=Rewrite(
                drops=options("--fix --formatter=1 -f=1 --output-file=1 -o=1 --quiet -q"), adds=("--fix",)
            ),
        ),
        summary="Applied stylelint's fixes.",
    ),
    _biome("ci", "Formatted and linted with biome.", becomes="check"),
    _biome("check", "Formatted and linted with biome."),
    _biome("lint", "Applied biome's safe fixes."),
    _biome("format", "Formatted with biome."),
    Recipe(
        name="sort-package-json",
        failure_classes=STYLE,
        touches=("package.json",),
        repair=FixCommand(
            tool="sort-package-json",
            marks=frozenset(options("--check -c")),
            repair=Rewrite(drops=options("--check -c --quiet -q")),
        ),
        summary="Sorted package.json.",
    ),
    Recipe(
        name="oxfmt",
        failure_classes=STYLE,
        touches=_PRETTIER,
        repair=FixCommand(
            tool="oxfmt",
            marks=frozenset({"--check", "--list-different"}),
            names_files=True,
            repair=Rewrite(drops=options("--check --list-different")),
        ),
        summary="Formatted with oxfmt.",
    ),
    Recipe(
        name="deno-fmt",
        failure_classes=STYLE,
        touches=_PRETTIER,
        repair=FixCommand(
            tool="deno",
            subcommand="fmt",
            marks=frozenset({"--check"}),
            repair=Rewrite(drops=options("--check"), otherwise="."),
        ),
        summary="Formatted with deno fmt.",
    ),
    Recipe(
        name="deno-lint",
        failure_classes=STYLE,
        touches=_SCRIPTS,
        repair=FixCommand(
            tool="deno",
            subcommand="lint",
            check=Rewrite(drops=options("--fix")),
            repair=Rewrite(drops=options("--fix --json --compact"), adds=("--fix",)),
        ),
        summary="Applied deno lint's fixes.",
    ),
    Recipe(
        name="dprint",
        failure_classes=STYLE,
        touches=(*_PRETTIER, "*.py", "*.rs", "Dockerfile"),
        repair=FixCommand(
            tool="dprint",
            subcommand="check",
            becomes=("dprint", "fmt"),
            repair=Rewrite(drops=options("--list-different")),
        ),
        summary="Formatted with dprint.",
    ),
)
