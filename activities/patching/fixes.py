"""Repair by the failing check's own fix command, proved by the check."""

import re
from collections.abc import Sequence
from typing import Final

from activities.adapters.workspace import Changes
from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.checks import Check, examine, examine_base, proof_of, standing, step_checks, told
from activities.patching.recipe import FixCommand, Recipe
from activities.patching.sandbox import CommandResult, SandboxUnavailableError
from workflows.models import PatchRequest, ProofState, Strategy

_ROUNDS: Final = 3
"""One tool's repair may be the next one's finding (a removed import leaves a blank line too many)."""
_GAP: Final = re.compile(r"… [\d,]+ lines? omitted …")


def run_fix_commands(bench: Bench) -> Draft:
    """Repair by the failing check's own fix command, proved by the check.

    Raises:
        SetbackError: No recipe knows it, its tool is not here, or it repairs nothing.
    """
    checks = [check for check in step_checks(bench) if check.fix]
    if not checks:
        raise SetbackError("No recipe knows the failing command.")
    missing = sorted({tool for check in checks for tool in check.programs if not bench.sandbox.has(tool)})
    checks = [check for check in checks if not set(check.programs) & set(missing)]
    absent = f"Not installed on this worker: {', '.join(missing)}." if missing else ""
    if not checks:
        raise SetbackError(absent)
    try:
        return _repaired(bench, checks, absent)
    except SandboxUnavailableError as error:
        raise SetbackError(f"Commands cannot be confined on this worker, so none was run: {error}") from error


def _repaired(bench: Bench, checks: Sequence[Check], absent: str) -> Draft:
    before = examine_base(bench, checks)
    proof = proof_of(checks, before, before)
    if not proof.exit_before:
        detail = (
            f"`{told(checks)}` passes here; the runner's tool may be another version, or see other files."
        )
        raise SetbackError(detail, proof=proof.model_copy(update={"exit_after": None, "detail": detail}))
    used, after = _mend(bench, checks, before)
    changes = bench.changes(list(used.values()))
    left = _unnamed(
        bench.request, changes, [check for check in checks if check.recipe and check.recipe.name in used]
    )
    if left:
        bench.workspace.restore(left)
        changes, after = bench.changes(list(used.values())), examine(bench, checks)
    proof = proof_of(checks, before, after)
    names = " and ".join(used)
    if not changes.diff:
        reason = f"{names} found nothing it repairs by itself; `{told(checks)}` still fails."
        raise SetbackError(reason, proof=proof.model_copy(update={"detail": reason}))
    if proof.state is ProofState.NOT_PROVED_HERE:
        reason = f"{names} changed files, and `{told(checks)}` still fails as before; the change was dropped."
        raise SetbackError(reason, proof=proof.model_copy(update={"detail": reason}))
    detail = absent or (f"`{told(checks)}` fails on less than before." if proof.exit_after else "")
    if left:
        detail = (
            f"The tool here would also change {len(left)} {'file' if len(left) == 1 else 'files'} that the "
            "runner's did not complain of; they were left alone."
        )
    state = ProofState.NOT_PROVED_HERE if absent else proof.state
    summary = " ".join(recipe.summary for recipe in used.values())
    proof = proof.model_copy(update={"state": state, "detail": detail})
    return Draft(Strategy.RECIPE, "+".join(used), summary, proof, changes)


def _mend(
    bench: Bench, checks: Sequence[Check], before: list[CommandResult]
) -> tuple[dict[str, Recipe], list[CommandResult]]:
    """Run the repairs until nothing fails or nothing gets better; the rows used, and how the checks end."""
    after = before
    used: dict[str, Recipe] = {}
    for number in range(_ROUNDS):
        for check, result in zip(checks, after, strict=True):
            if result.exit_code and check.fix and check.recipe:
                for argv in _repairs(check.fix, check.command.argv, again=number > 0):
                    bench.run(argv, check.command)
                used[check.recipe.name] = check.recipe
        previous, after = after, examine(bench, checks)
        stuck = standing(after) == standing(previous)
        if not any(result.exit_code for result in after) or (stuck and number):
            break
    return used, after


def _repairs(fix: FixCommand, argv: tuple[str, ...], *, again: bool) -> list[list[str]]:
    """The repair; where that has left something, its further reaching form as well."""
    return [fix.repair_argv(argv), *([fix.further_argv(argv)] if again and fix.further else [])]


def _unnamed(request: PatchRequest, changes: Changes, checks: Sequence[Check]) -> tuple[str, ...]:
    """Changed files that the log does not name, where it names others and shows all that it names.

    A formatter of another version changes files that the runner's was content with.
    """
    if len(checks) != 1 or not (checks[0].fix and checks[0].fix.names_files):
        return ()
    lines = [line for job in request.evidence.jobs for line in job.excerpt.text.split("\n")]
    named: dict[str, list[int]] = {}
    for path in changes.files:
        inner = path.removeprefix(f"{checks[0].command.cwd}/")
        name = re.compile(rf"(?<![\w.-]){re.escape(inner)}(?![\w-])")
        places = [number for number, line in enumerate(lines) if name.search(line)]
        if places:
            named[path] = places
    if not named:
        return ()
    first, last = min(map(min, named.values())), max(map(max, named.values()))
    if any(_GAP.match(line) for line in lines[max(first - 1, 0) : last + 2]):
        return ()
    return tuple(path for path in changes.files if path not in named)
