"""Repair by the diff that the failing check printed: what the runner's own tool wants."""

import re
from typing import Final

from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.checks import job_commands
from activities.patching.edits import diffs
from activities.patching.proofs import proof_by_running
from activities.patching.recipe import EditRefusedError, Recipe
from activities.patching.recipes import fix_command_for
from activities.patching.wrappers.tree import Tree
from workflows.models import FailedJob, PatchRequest, Strategy

_PRINTED: Final = re.compile(r"^@@ -\d|^Diff in ", re.MULTILINE)
_SHOWS_CHANGES: Final = re.compile(
    r"--show-diff-on-failure|pre-commit/action|prek-action"
    r"|\bgit (?:--no-pager )?diff\b(?![^\n;&|]{0,200}--(?:quiet|stat|shortstat|name-only|name-status))"
)
"""A step that shows, as git's diff, what its own tools changed."""


def prints_diff(request: PatchRequest) -> bool:
    """Whether a log shows anything like a diff."""
    return any(_PRINTED.search(job.excerpt.text) for job in request.evidence.jobs)


def apply_printed_diffs(bench: Bench) -> Draft:
    """Apply the diffs that the failing checks printed, where they fit the files exactly.

    Only a command that is known to print what it wants is believed: anybody can print a diff into a log.

    Raises:
        SetbackError: None did, or none fits.
    """
    tree = Tree.of(bench.workspace)
    prove = proof_by_running(bench)
    applied = left = 0
    rows: dict[str, Recipe] = {}
    for job in bench.request.evidence.jobs:
        found = list(diffs.hunks(job.excerpt.text)) if _PRINTED.search(job.excerpt.text) else []
        recipes, folder, any_file = _printers(bench, job, tree)
        if not found or not (recipes or any_file):
            continue
        try:
            taken = diffs.apply(
                found,
                bench.workspace,
                may_touch=lambda path, recipes=recipes, any_file=any_file: (  # type: ignore[misc]
                    any_file or any(recipe.may_touch(path) for recipe in recipes)
                ),
                folder=folder,
            )
        except EditRefusedError as error:
            raise SetbackError(str(error)) from error
        applied, left = applied + taken.applied, left + taken.left
        rows |= {recipe.name: recipe for recipe in recipes}
    if not applied:
        raise SetbackError("The log shows no diff of the failing check that fits the files.")
    changes = bench.changes()
    bench.hold_demands(changes)
    rest = f" {left} more {'is' if left == 1 else 'are'} cut in the log or did not fit." if left else ""
    summary = (
        f"Applied {applied} {'change' if applied == 1 else 'changes'} that the failing check printed.{rest}"
    )
    return Draft(Strategy.RECIPE, "printed-diff", summary, prove(), changes)


def _printers(bench: Bench, job: FailedJob, tree: Tree) -> tuple[list[Recipe], str, bool]:
    """The rows whose checks print diffs, where they run, and whether the step shows what any tool changed."""
    recipes = []
    folder = job.working_directory or "."
    any_file = bool(_SHOWS_CHANGES.search(job.command or job.step or ""))
    for command in job_commands(bench, job, tree):
        failure_class, policy = bench.request.diagnosis.failure_class, bench.request.policy
        found = fix_command_for(command.argv, failure_class, policy)
        if found and found[1].prints_diff(command.argv):
            recipes.append(found[0])
            folder = command.cwd
    return recipes, folder, any_file
