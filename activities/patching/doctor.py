"""What repairs can use on this machine, and what is missing."""

import shutil
from dataclasses import dataclass

from activities.patching.recipe import FixCommand
from activities.patching.recipes import RECIPES
from activities.patching.sandbox import Sandbox


@dataclass(frozen=True)
class Examination:
    """What was found."""

    sandbox_works: bool
    sandbox_detail: str
    git: bool
    present: tuple[str, ...]
    """Programs of recipes that are installed."""
    missing: tuple[str, ...]
    recipes: int
    """Rows of the table that work here."""
    rows: int
    """All rows."""


def examine(sandbox: Sandbox) -> Examination:
    """Probe the sandbox, and look for the program of every recipe."""
    state = sandbox.probe()
    programs = {
        program
        for recipe in RECIPES
        if isinstance(recipe.repair, FixCommand)
        for program in recipe.repair.programs
        if not program.startswith("./")
    }
    present = {program for program in programs if sandbox.has(program)}
    usable = [
        recipe
        for recipe in RECIPES
        if not isinstance(recipe.repair, FixCommand)
        or (state.works and present.issuperset(recipe.repair.programs))
    ]
    return Examination(
        sandbox_works=state.works,
        sandbox_detail=state.detail,
        git=shutil.which("git") is not None,
        present=tuple(sorted(present)),
        missing=tuple(sorted(programs - present)),
        recipes=len(usable),
        rows=len(RECIPES),
    )
