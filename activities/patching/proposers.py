"""Who may propose a patch, cheapest first, and how a proposal is proved."""

import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.pulse import Pulse
from activities.adapters.workspace import Changes, Workspace
from activities.patching.commands import Command, parse_step
from activities.patching.recipe import EditRefusedError, Finds, FixCommand, Recipe
from activities.patching.recipes import edits_for, fix_command_for
from activities.patching.sandbox import CommandResult, Sandbox, SandboxUnavailableError
from activities.patching.wrappers import unwrapped
from activities.patching.wrappers.tree import Tree
from workflows.models import PatchRequest, Proof, ProofState, Strategy

TOOL_SECONDS: Final = 300.0
"""Wall time of one command."""
_ROUNDS: Final = 3
"""One tool's repair may be the next one's finding (a removed import leaves a blank line too many)."""
_COMMANDS: Final = 20
_REGENERATED: Final = re.compile(
    r"git[ ]+(?:diff|status)\b[^\n;&|]{0,200}(?:--exit-code|--quiet|--porcelain|-s\b)"
)
"""A step that fails when its own commands changed files."""
_INSTALLS: Final = re.compile(
    r"(?:python3? -m )?"
    r"(?:pip|pip3|uv|apt|apt-get|sudo|brew|npm|pnpm|yarn|curl|wget|cargo|go|git|echo|gem|bundle)\b"
    r"(?: (?:pip )?(?:install|i|ci|sync|add|get|update|diff|status|config|fetch|-\w+)\b|$)?"
)
_STEADY: Final = 2
"""A generator that gives the same twice is believed."""


@dataclass
class Bench:
    """What a proposer works with: the request, a workspace of its own, the sandbox, a clock."""

    request: PatchRequest
    workspace: Workspace
    sandbox: Sandbox
    pulse: Pulse = field(default_factory=Pulse)
    tool_timeout: float = TOOL_SECONDS
    tool_seconds: float = 0.0
    """Time spent in git and the repository's tools so far."""

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count what happens inside as a tool's time."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.tool_seconds += time.perf_counter() - started

    def run(self, argv: list[str], command: Command) -> CommandResult:
        """Run `argv` where `command` would run.

        Raises:
            SetbackError: It did not end by itself.
        """
        with self.timed():
            result = self.sandbox.run(
                argv,
                self.workspace,
                cwd=command.cwd,
                env=dict(command.env),
                timeout=self.tool_timeout,
                pulse=self.pulse,
            )
        if result.timed_out:
            raise SetbackError(
                f"`{shlex.join(argv)}` did not end within {self.tool_timeout:.0f} s and was stopped."
            )
        if result.flooded:
            raise SetbackError(f"`{shlex.join(argv)}` wrote without end and was stopped.")
        if result.exhausted:
            raise SetbackError(f"`{shlex.join(argv)}` used too much {result.exhausted} and was stopped.")
        return result

    def changes(self) -> Changes:
        """How the workspace differs from the commit."""
        with self.timed():
            return self.workspace.changes()


@dataclass(frozen=True)
class Draft:
    """A proposer's patch: what changed, by what, and what a proof showed."""

    strategy: Strategy
    recipe: str | None
    summary: str
    proof: Proof
    changes: Changes


class SetbackError(Exception):
    """A proposer has nothing to propose. The text says why, in a sentence for a person."""

    def __init__(self, reason: str, *, proof: Proof | None = None) -> None:
        super().__init__(reason)
        self.proof = proof or Proof(state=ProofState.NOT_PROVED_HERE)


@dataclass(frozen=True)
class _Check:
    """A failing step's command that a recipe can repair."""

    recipe: Recipe
    fix: FixCommand
    command: Command


def edit_files(bench: Bench) -> Draft:
    """Repair by a recipe that edits a file."""
    reasons = []
    for recipe, edit in edits_for(bench.request):
        try:
            summary = edit.apply(bench.request, bench.workspace)
        except EditRefusedError as error:
            reasons.append(str(error))
            continue
        changes = _only_its_own(bench.changes(), [recipe])
        if not changes.files:
            continue
        proof = Proof(state=ProofState.NOT_PROVED_HERE, detail=edit.unproved)
        return Draft(Strategy.RECIPE, recipe.name, summary, proof, changes)
    raise SetbackError(" ".join(reasons))


def run_fix_commands(bench: Bench) -> Draft:
    """Repair by the failing check's own fix command, proved by the check."""
    checks = _checks(bench)
    if not checks:
        raise SetbackError("No recipe knows the failing command.")
    tools = {tool for check in checks for tool in check.fix.programs}
    missing = sorted(tool for tool in tools if not bench.sandbox.has(tool))
    checks = [check for check in checks if not set(check.fix.programs) & set(missing)]
    absent = f"Not installed on this worker: {', '.join(missing)}." if missing else ""
    if not checks:
        raise SetbackError(absent)
    try:
        return _repaired(bench, checks, absent)
    except SandboxUnavailableError as error:
        raise SetbackError(f"Commands cannot be confined on this worker, so none was run: {error}") from error


def regenerate(bench: Bench) -> Draft:
    """Repair generated files that were not committed, by running what generates them."""
    commands = _generators(bench)
    if not commands:
        raise SetbackError("The step's generator is not a plain command that works without the network.")
    told = " && ".join(command.text for command in commands)
    before = ""
    for _ in range(_STEADY):
        for command in commands:
            try:
                result = bench.run(list(command.argv), command)
            except SandboxUnavailableError as error:
                raise SetbackError(f"Commands cannot be confined on this worker: {error}") from error
            if result.exit_code:
                raise SetbackError(f"`{command.text}` fails here, so nothing was generated.")
        changes = bench.changes()
        steady, before = changes.diff == before, changes.diff
    if not before:
        raise SetbackError(f"`{told}` generates here what is committed already.")
    if not steady:
        raise SetbackError(f"`{told}` generates something else each time; the change was dropped.")
    proof = _proof(ProofState.PROVED, told, 1, 0, "Run twice, it gives the same, and nothing more.")
    return Draft(Strategy.RECIPE, "regenerate", f"Ran `{told}` and took over its result.", proof, changes)


def _generators(bench: Bench) -> list[Command]:
    """What a step runs before it asks git whether files changed."""
    found: list[Command] = []
    for job in bench.request.evidence.jobs:
        asked = _REGENERATED.search(job.command or "")
        if not asked:
            continue
        text = (job.command or "")[: asked.start()]
        for command in parse_step(
            text.rstrip(" &;\n"), cwd=job.working_directory or ".", paths=bench.workspace.tracked
        ):
            if not _INSTALLS.fullmatch(" ".join(command.argv[:2])) and command not in found:
                found.append(command)
    return found[:_COMMANDS]


@dataclass(frozen=True)
class Proposer:
    """A source of patches."""

    considers: Callable[[PatchRequest], bool]
    """Whether a workspace is worth making for it."""
    propose: Callable[[Bench], Draft]
    """Raises `SetbackError` with the reason where it has nothing to propose."""


PROPOSERS: Final[tuple[Proposer, ...]] = (
    Proposer(lambda request: bool(edits_for(request)), edit_files),
    Proposer(lambda request: any(job.command for job in request.evidence.jobs), run_fix_commands),
    Proposer(
        lambda request: any(_REGENERATED.search(job.command or "") for job in request.evidence.jobs),
        regenerate,
    ),
)
"""In order; the first draft is taken. Each starts from a workspace of its own."""


def _checks(bench: Bench) -> list[_Check]:
    checks: list[_Check] = []
    tree = Tree.of(bench.workspace)
    folders = {str(parent) for path in bench.workspace.tracked for parent in PurePosixPath(path).parents}
    for job in bench.request.evidence.jobs:
        where = job.working_directory or "."
        plain = parse_step(job.command or "", cwd=where, paths=bench.workspace.tracked)
        for command in unwrapped(plain, tree):
            if command.cwd not in folders:
                continue
            found = fix_command_for(command.argv, bench.request.diagnosis.failure_class)
            check = _Check(*found, command) if found else None
            if check and check not in checks:  # the jobs of a matrix fail alike
                checks.append(check)
    return checks[:_COMMANDS]


def _repaired(bench: Bench, checks: list[_Check], absent: str) -> Draft:
    before = _examine(bench, checks)
    told = " && ".join(check.command.text for check in checks)
    if not any(result.exit_code for result in before):
        detail = f"`{told}` passes here; the runner's tool may be another version, or see other files."
        proof = Proof(state=ProofState.NOT_PROVED_HERE, command=told, exit_before=0, detail=detail)
        raise SetbackError(detail, proof=proof)
    after = before
    used: dict[str, Recipe] = {}
    for _ in range(_ROUNDS):
        for check, result in zip(checks, after, strict=True):
            if result.exit_code:
                bench.run(check.fix.repair_argv(check.command.argv), check.command)
                used[check.recipe.name] = check.recipe
        previous, after = after, _examine(bench, checks)
        if not any(result.exit_code for result in after) or _standing(after) == _standing(previous):
            break
    changes = _only_its_own(bench.changes(), list(used.values()))
    first = next(result.exit_code for result in before if result.exit_code)
    last = next((result.exit_code for result in after if result.exit_code), 0)
    names = " and ".join(used)
    if not changes.diff:
        reason = f"{names} found nothing it repairs by itself; `{told}` still fails."
        raise SetbackError(reason, proof=_proof(ProofState.NOT_PROVED_HERE, told, first, last, reason))
    if last and _standing(after) >= _standing(before):
        reason = f"{names} changed files, and `{told}` still fails as before; the change was dropped."
        raise SetbackError(reason, proof=_proof(ProofState.NOT_PROVED_HERE, told, first, last, reason))
    detail = absent or (f"`{told}` fails on less than before." if last else "")
    improved = ProofState.IMPROVED if last else ProofState.PROVED
    state = ProofState.NOT_PROVED_HERE if absent else improved
    summary = " ".join(recipe.summary for recipe in used.values())
    return Draft(Strategy.RECIPE, "+".join(used), summary, _proof(state, told, first, last, detail), changes)


def _examine(bench: Bench, checks: list[_Check]) -> list[CommandResult]:
    results = []
    for check in checks:
        result = bench.run(check.fix.check_argv(check.command.argv), check.command)
        if check.fix.finds is Finds.OUTPUT and result.exit_code == 0 and result.output.strip():
            result = replace(result, exit_code=1)
        results.append(result)
    return results


def _standing(results: list[CommandResult]) -> tuple[int, int]:
    """How bad it is: checks that fail, then lines they have to say. Smaller is better."""
    failing = [result for result in results if result.exit_code]
    return len(failing), sum(result.output_lines for result in failing)


def _only_its_own(changes: Changes, recipes: list[Recipe]) -> Changes:
    strangers = [path for path in changes.files if not any(recipe.may_touch(path) for recipe in recipes)]
    if strangers:
        raise SetbackError(
            f"The repair changed files it has no business with ({', '.join(strangers[:3])}); it was dropped."
        )
    return changes


def _proof(state: ProofState, command: str, before: int, after: int, detail: str) -> Proof:
    return Proof(state=state, command=command, exit_before=before, exit_after=after, detail=detail)
