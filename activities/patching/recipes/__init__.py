"""The table of deterministic repairs: the failing command each is for, and what it runs or edits instead."""

from collections.abc import Sequence
from typing import Final

from activities.patching.recipe import Edit, FixCommand, Recipe
from activities.patching.recipes.documents import DOCUMENTS
from activities.patching.recipes.edits import EDITS
from activities.patching.recipes.locks import LOCKS
from activities.patching.recipes.python import PYTHON
from activities.patching.recipes.rust import RUST
from activities.patching.recipes.systems import SYSTEMS
from activities.patching.recipes.web import WEB
from workflows.models import FailureClass, PatchRequest, TriagePolicy
from workflows.repository_settings import allows_recipe

RECIPES: Final[tuple[Recipe, ...]] = (*PYTHON, *RUST, *WEB, *SYSTEMS, *DOCUMENTS, *LOCKS, *EDITS)
"""In the order they are tried. A command is taken by the first row that applies."""


_EVERY: Final = TriagePolicy()


def fix_command_for(
    argv: Sequence[str], failure_class: FailureClass, policy: TriagePolicy = _EVERY
) -> tuple[Recipe, FixCommand] | None:
    """The row that repairs the check `argv`, or None where there is none that the policy allows."""
    for recipe in RECIPES:
        if (
            isinstance(recipe.repair, FixCommand)
            and failure_class in recipe.failure_classes
            and allows_recipe(policy, recipe.name)
            and recipe.repair.applies(argv)
        ):
            return recipe, recipe.repair
    return None


def edits_for(request: PatchRequest) -> list[tuple[Recipe, Edit]]:
    """The editing rows for what was diagnosed and logged."""
    return [
        (recipe, recipe.repair)
        for recipe in RECIPES
        if isinstance(recipe.repair, Edit)
        and request.diagnosis.failure_class in recipe.failure_classes
        and allows_recipe(request.policy, recipe.name)
        and recipe.repair.concerns(request)
    ]
