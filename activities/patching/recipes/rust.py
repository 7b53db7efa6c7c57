"""Rust's formatter and linter."""

from typing import Final

from activities.patching.recipe import STYLE, STYLE_OR_COMPILE, FixCommand, Recipe, Rewrite, options
from workflows.models import FailureClass

_RUST: Final = ("*.rs",)
_ALLOWED: Final = ("--allow-dirty", "--allow-staged", "--allow-no-vcs")
_FIXING: Final = ("--fix", *_ALLOWED)
_LOCK: Final = ("Cargo.lock",)

_TARGETS: Final = options(
    "--workspace --all --all-features --no-default-features --features=1 -F=1"
) | options(
    "--package=1 -p=1 --exclude=1 --manifest-path=1 --target=1 --release -r --locked --frozen --offline"
)
"""What `cargo fix` understands of another subcommand's options; it takes all targets where none is named."""


def _compiling(subcommand: str, check: Rewrite) -> Recipe:
    """A build that warnings fail, by `RUSTFLAGS` or `#![deny(warnings)]`."""
    return Recipe(
        name=f"cargo-fix-{subcommand}",
        failure_classes=frozenset({FailureClass.LINT}),
        touches=_RUST,
        spills=_LOCK,
        repair=FixCommand(
            tool="cargo",
            subcommand=subcommand,
            check=check,
            becomes=("cargo", "fix"),
            repair=Rewrite(only=_TARGETS, adds=_ALLOWED),
        ),
        summary="Applied the compiler's machine-applicable suggestions.",
    )


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
        spills=_LOCK,
        repair=FixCommand(
            tool="cargo",
            subcommand="clippy",
            check=Rewrite(drops=dict.fromkeys(_FIXING, 0)),
            # `--fix` caps lints at warnings itself, so a `-D warnings` that stays does not undo its work.
            repair=Rewrite(drops=dict.fromkeys(_FIXING, 0) | options("--message-format=1"), adds=_FIXING),
        ),
        summary="Applied clippy's machine-applicable suggestions.",
    ),
    _compiling("check", Rewrite()),
    _compiling("build", Rewrite()),
    _compiling("test", Rewrite(adds=("--no-run",))),
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
