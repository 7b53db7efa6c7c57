"""The house's walls: what each package may import, and what importing it may load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
OUTSIDE_WORLD: Final = ("anthropic", "git", "gidgethub", "httpcore2", "httpx", "httpx2")
"""What talks to GitHub, to git or to a model."""
WALLS: Final = {
    "workflows": {"activities", "starter", "worker", "localhub", "tests"},
    "activities": {"starter", "worker", "localhub", "tests"},
    "starter": {"activities", "localhub", "tests"},
    "worker.py": {"starter", "localhub", "tests"},
    "localhub": {"activities", "starter", "worker", "tests"},
}
"""Package to what it must not import."""
LATE: Final = {
    ("starter/commands/check.py", "", "activities"),
    ("starter/commands/dry_run.py", "", "activities"),
    ("starter/commands/cleanup.py", "", "activities"),
    ("starter/commands/simulate.py", "", "activities"),
    ("starter/commands/simulate.py", "", "localhub"),
    ("starter/commands/simulate.py", "_break", "localhub"),
    ("starter/commands/simulate.py", "_simulate", "activities"),
    ("starter/commands/simulate.py", "simulate_at", "localhub"),
    ("starter/commands/simulate.py", "simulate_here", "localhub"),
    ("starter/commands/start.py", "read_event", "activities"),
    ("starter/health.py", "", "activities"),
    ("starter/logs.py", "", "activities"),
    ("starter/logs.py", "_fetch_and_report", "activities"),
    ("starter/terminal.py", "", "activities"),
}
"""Ways through the walls that are taken only for single commands, and for the sake of a type."""
LOADED_FOR_THE_MODULE: Final = "import sys, {module}; print(*sorted(sys.modules), sep='\\n')"


def sources(package: str) -> list[Path]:
    there = ROOT / package
    return [there] if there.is_file() else sorted(there.rglob("*.py"))


def imports(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, str]]:
    """Each imported module with the function that imports it, empty at module level."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports would go unseen"
            yield node.module or "", inside
        else:
            within = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else inside
            yield from imports(node, within)


@pytest.mark.parametrize("package", WALLS)
def test_imports_run_one_way(package: str) -> None:
    breaches = {
        (path.relative_to(ROOT).as_posix(), function, top)
        for path in sources(package)
        for module, function in imports(ast.parse(path.read_text(encoding="utf-8")))
        if (top := module.split(".")[0]) in WALLS[package]
    }
    assert breaches - LATE == set()


def test_only_adapters_and_the_composition_root_reach_the_outside_world() -> None:
    reaching = {
        path.relative_to(ROOT).as_posix()
        for package in ("workflows", "activities", "starter", "worker.py")
        for path in sources(package)
        for module, _ in imports(ast.parse(path.read_text(encoding="utf-8")))
        if module.split(".")[0] in OUTSIDE_WORLD
    }
    assert {path for path in reaching if not path.startswith("activities/adapters/")} <= {"worker.py"}


def loaded_with(module: str) -> set[str]:
    """The top-level modules that are there once `module` is imported in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED_FOR_THE_MODULE.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()}


@pytest.mark.parametrize(
    "module", ["workflows.remediation", "workflows.patch_attempt", "starter.webhook", "starter.dispatch"]
)
def test_what_every_process_imports_loads_nothing_that_talks_to_the_outside_world(module: str) -> None:
    loaded = loaded_with(module)
    assert module.split(".", maxsplit=1)[0] in loaded
    assert loaded.isdisjoint(OUTSIDE_WORLD)


def test_showing_a_log_starts_without_temporal_and_http() -> None:
    loaded = loaded_with("starter.logs")
    assert "activities" in loaded
    assert loaded.isdisjoint({*OUTSIDE_WORLD, "temporalio"})
