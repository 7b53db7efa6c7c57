"""Lock files that lag behind their manifest.

The sandbox has no network, so these repair what the tool can lock with what is at hand: npm from the lock
file itself, uv and cargo from their caches. What they leave, `lock_files` tries; anything else fails with the
tool's own words.
"""

from typing import Final

from activities.patching.recipe import STYLE_OR_COMPILE, FixCommand, Recipe, Rewrite, options
from workflows.models import FailureClass

_LIMITS: Final = "What a lock file lacks must be asked of a registry, and commands have no network here."
_LOCK: Final = STYLE_OR_COMPILE | {FailureClass.DEPENDENCY, FailureClass.CONFIGURATION}


def _lock(
    name: str,
    command: str,
    becomes: str,
    file: str,
    *,
    marks: str = "",
    drops: str = "",
    check: str = "",
    exercised: bool = True,
) -> Recipe:
    tool, _, subcommand = command.partition(" ")
    return Recipe(
        name=name,
        failure_classes=_LOCK,
        touches=(file,),
        repair=FixCommand(
            tool=tool,
            subcommand=subcommand,
            marks=frozenset(options(marks)),
            check=Rewrite(adds=tuple(check.split())),
            becomes=tuple(becomes.split()),
            repair=Rewrite(drops=options(marks) | options(drops)),
        ),
        summary=f"Brought {file} up to its manifest, without the network.",
        limits=_LIMITS,
        exercised=exercised,
    )


_NPM: Final = "npm install --package-lock-only --offline --ignore-scripts --no-audit --no-fund"

LOCKS: Final[tuple[Recipe, ...]] = (
    _lock("uv-lock", "uv lock", "uv lock --offline", "uv.lock", marks="--check --locked", check="--offline"),
    *(
        Recipe(
            name=f"uv-lock-{subcommand}",
            failure_classes=_LOCK,
            touches=("uv.lock",),
            repair=FixCommand(
                tool="uv",
                subcommand=subcommand,
                marks=frozenset({"--locked"}),
                checks=("uv", "lock", "--check", "--offline"),
                becomes=("uv", "lock", "--offline"),
                repair=Rewrite(only={}),
            ),
            summary="Brought uv.lock up to its manifest, without the network.",
            limits=_LIMITS,
        )
        for subcommand in ("sync", "export")
    ),
    _lock(
        *("npm-ci", "npm ci", _NPM, "package-lock.json"),
        drops="--dry-run --ignore-scripts --no-audit --no-fund --prefer-offline",
        check="--offline --dry-run --ignore-scripts",
    ),
    *(
        Recipe(
            name=f"cargo-lock-{subcommand}",
            failure_classes=_LOCK,
            touches=("Cargo.lock",),
            repair=FixCommand(
                tool="cargo",
                subcommand=subcommand,
                marks=frozenset({"--locked", "--frozen"}),
                check=Rewrite(adds=("--offline",)),
                becomes=("cargo", "update", "--workspace", "--offline"),
                repair=Rewrite(only=options("--manifest-path=1")),
            ),
            summary="Brought Cargo.lock up to its manifest, without the network.",
            limits=_LIMITS,
        )
        for subcommand in ("build", "check", "test", "run", "doc", "metadata", "tree", "clippy")
    ),
    _lock(
        *("poetry-lock", "poetry check", "poetry lock", "poetry.lock"),
        marks="--lock",
        drops="--strict",
        exercised=False,
    ),
    _lock(
        *("poetry-lock-check", "poetry lock", "poetry lock", "poetry.lock"), marks="--check", exercised=False
    ),
    _lock(
        *("pnpm-install", "pnpm install", "pnpm install --lockfile-only --offline", "pnpm-lock.yaml"),
        marks="--frozen-lockfile",
        check="--offline",
        exercised=False,
    ),
    _lock(*("pdm-lock", "pdm lock", "pdm lock", "pdm.lock"), marks="--check", exercised=False),
    _lock(*("go-mod-tidy", "go mod tidy", "go mod tidy", "go.*"), marks="-diff", exercised=False),
)
