"""Rust's formatter and linter."""

from typing import Final

from activities.patching.recipe import STYLE, STYLE_OR_COMPILE, FixCommand, Recipe, Rewrite, options

_RUST: Final = ("*.rs",)
_FIXING: Final = options("--fix --allow-dirty --allow-staged --allow-no-vcs")

RUST: Final[tuple[Recipe, ...]] = (
    Recipe(
        name="cargo-fmt",
        failure_classes=STYLE,
        touches=_RUST,
        repair=FixCommand(
            names_files=True,
            prints=None,
            tool="cargo",
            subcommand="fmt",
            marks=frozenset({"--check"}),
            repair=Rewrite(drops=options("--check")),
        ),
        summary="Formatted with cargo fmt.",
    ),
    Recipe(
        name="rustfmt",
        failure_classes=STYLE,
        touches=_RUST,
        repair=FixCommand(
            names_files=True,
            prints=None,
            tool="rustfmt",
            marks=frozenset({"--check"}),
            repair=Rewrite(drops=options("--check")),
        ),
        summary="Formatted with rustfmt.",
    ),
    Recipe(
        name="cargo-clippy",
        failure_classes=STYLE_OR_COMPILE,
        touches=_RUST,
        repair=FixCommand(
            tool="cargo",
            subcommand="clippy",
            check=Rewrite(drops=_FIXING),
            # `--fix` caps lints at warnings itself, so a `-D warnings` that stays does not undo its work.
            repair=Rewrite(drops=_FIXING | options("--message-format=1"), adds=tuple(_FIXING)),
        ),
        summary="Applied clippy's machine-applicable suggestions.",
    ),
    Recipe(
        name="cargo-sort",
        failure_classes=STYLE,
        touches=("Cargo.toml",),
        repair=FixCommand(
            tool="cargo",
            subcommand="sort",
            marks=frozenset(options("--check -c")),
            repair=Rewrite(drops=options("--check -c")),
        ),
        summary="Sorted Cargo.toml.",
        exercised=False,
    ),
)
