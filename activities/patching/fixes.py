"""Repair by the failing check's own fix command, proved by the check."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from activities.adapters.workspace import Changes
from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.checks import (
    ECHOED,
    Check,
    examine,
    examine_base,
    proof_of,
    standing,
    step_checks,
    told,
)
from activities.patching.recipe import Recipe
from activities.patching.sandbox import CommandResult, SandboxUnavailableError
from activities.patching.versions import difference
from workflows.models import PatchRequest, Proof, ProofState, Strategy

_ROUNDS: Final = 3
"""One tool's repair may be the next one's finding (a removed import leaves a blank line too many)."""
_GAP: Final = re.compile(r"… [\d,]+ lines? omitted …")
_FAILED_HOOK: Final = re.compile(r"^- hook id: (\S+)$", re.MULTILINE)


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
    passed = _passed_on_the_runner(bench.request, checks, before)
    if any(check.fix and check.fix.mends for check in passed):
        bench.workspace.restore(bench.changes().files)
    before = [result for check, result in zip(checks, before, strict=True) if check not in passed]
    checks = [check for check in checks if check not in passed]
    proof = proof_of(checks, before, before)
    if not proof.exit_before:
        reason = (
            _other_version(bench, checks) or "The runner's tool may be another version, or see other files."
        )
        raise _setback(
            f"`{told(checks)}` passes here. {reason}", proof.model_copy(update={"exit_after": None})
        )
    used, after = _mend(bench, checks, before)
    recipes = list(used.values())
    changes = bench.changes(recipes)
    left = _unnamed(bench.request, changes, checks, before)
    if left:
        bench.workspace.restore(left)
        changes, after = bench.changes(recipes), examine(bench, checks)
    proof = proof_of(checks, before, after)
    names = " and ".join(used)
    if not changes.diff:
        found = f"{names} found nothing it repairs by itself; `{told(checks)}` still fails."
        limits = " ".join(dict.fromkeys(recipe.limits for recipe in recipes))
        raise _setback(f"{found} {limits} {_other_version(bench, checks)}", proof)
    if proof.state is ProofState.NOT_PROVED_HERE:
        found = f"{names} changed files, and `{told(checks)}` still fails as before; the change was dropped."
        raise _setback(f"{found} {_other_version(bench, checks)}", proof)
    detail = absent or (f"`{told(checks)}` fails on less than before." if proof.exit_after else "")
    echoed = any(check.echoed for check in checks)
    if echoed and not detail:
        detail = ECHOED
    if left:
        detail = (
            f"The tool here would also change {len(left)} {'file' if len(left) == 1 else 'files'} that the "
            f"runner's did not complain of; they were left alone. {_other_version(bench, checks)}"
        )
    state = ProofState.NOT_PROVED_HERE if absent or echoed else proof.state
    proof = proof.model_copy(update={"state": state, "detail": detail.strip()})
    summary = " ".join(recipe.summary for recipe in recipes)
    return Draft(Strategy.RECIPE, "+".join(used), summary, proof, changes)


def _setback(reason: str, proof: Proof) -> SetbackError:
    reason = " ".join(reason.split())
    shown = proof.model_copy(update={"state": ProofState.NOT_PROVED_HERE, "detail": reason})
    return SetbackError(reason, proof=shown)


def _other_version(bench: Bench, checks: Sequence[Check]) -> str:
    """A sentence that tells a tool's version here from the one the repository pins; else empty."""
    return next(filter(None, (difference(bench, check) for check in checks)), "")


def _mend(
    bench: Bench, checks: Sequence[Check], before: list[CommandResult]
) -> tuple[dict[str, Recipe], list[CommandResult]]:
    """Run the repairs until nothing fails or nothing gets better; the rows used, and how the checks end."""
    after = before
    used: dict[str, Recipe] = {}
    for number in range(_ROUNDS):
        for check, result in zip(checks, after, strict=True):
            if result.exit_code and check.fix and check.recipe:
                bench.run(check.fix.repair_argv(check.command.argv, result.output), check.command)
                further = check.fix.further_argv(check.command.argv, result.output) if number else []
                if further and bench.sandbox.has(further[0]):
                    bench.run(further, check.command)
                used[check.recipe.name] = check.recipe
        previous, after = after, examine(bench, checks)
        stuck = standing(after) == standing(previous)
        if not any(result.exit_code for result in after) or (stuck and number):
            break
    return used, after


def _passed_on_the_runner(
    request: PatchRequest, checks: Sequence[Check], results: Sequence[CommandResult]
) -> list[Check]:
    """Hooks that fail here, by another version of their tool, and that the log does not call failed.

    Known only where the log is whole and names a hook that failed.
    """
    texts = [job.excerpt.text for job in request.evidence.jobs]
    failed = {name for text in texts for name in _FAILED_HOOK.findall(text)}
    if not failed or any(_GAP.search(text) for text in texts):
        return []
    return [
        check
        for check, result in zip(checks, results, strict=True)
        if result.exit_code and check.command.hook and check.command.hook not in failed
    ]


def _unnamed(
    request: PatchRequest, changes: Changes, checks: Sequence[Check], before: Sequence[CommandResult]
) -> tuple[str, ...]:
    """Changed files that no failing check names: not here, and not in the log where that names others.

    A tool of another version complains of files that the runner's was content with. A check whose names the
    log does not show is taken at its word here: the step may have ended before it.
    """
    failing = [(check, result) for check, result in zip(checks, before, strict=True) if result.exit_code]
    by_hooks = len(checks) > 1 and any(check.command.hook for check, _ in failing)
    if by_hooks or not all(check.fix and check.fix.names_files for check, _ in failing):
        return ()  # a hook repairs, and most tools then name nothing
    log = [line for job in request.evidence.jobs for line in job.excerpt.text.split("\n")]
    named: set[str] = set()
    for check, result in failing:
        output = result.output.split("\n")
        here = _places(changes, check, output)
        if not here or result.output_lines > len(output):
            here = {path: [] for path in changes.files}
        logged = {path: lines for path, lines in _places(changes, check, log).items() if path in here}
        named |= set(logged) if logged and not _is_cut(log, logged) else set(here)
    return tuple(path for path in changes.files if path not in named)


def _places(changes: Changes, check: Check, lines: Sequence[str]) -> dict[str, list[int]]:
    """The lines that name changed files, as seen from where the check runs."""
    found = {}
    for path in changes.files:
        inner = path.removeprefix(f"{check.command.cwd}/")
        name = re.compile(rf"(?<![\w.-]){re.escape(inner)}(?![\w-])")
        places = [number for number, line in enumerate(lines) if name.search(line)]
        if places:
            found[path] = places
    return found


def _is_cut(lines: Sequence[str], places: Mapping[str, Sequence[int]]) -> bool:
    """Whether lines are left out among those that name files, or right beside them."""
    first, last = min(map(min, places.values())), max(map(max, places.values()))
    return any(_GAP.match(line) for line in lines[max(first - 1, 0) : last + 2])
