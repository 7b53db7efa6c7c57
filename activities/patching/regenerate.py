"""Generated files that were not committed: run what generates them."""

import re
from typing import Final

from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.commands import Command, parse_step
from activities.patching.sandbox import SandboxUnavailableError
from workflows.models import PatchRequest, Proof, ProofState, Strategy

_COMMANDS: Final = 20
_STEADY: Final = 2
"""A generator that gives the same twice is believed."""
_REGENERATED: Final = re.compile(
    r"git[ ]+(?:diff|status)\b[^\n;&|]{0,200}(?:--exit-code|--quiet|--porcelain|-s\b)"
)
"""A step that fails when its own commands changed files."""
_INSTALLS: Final = re.compile(
    r"(?:python3? -m )?"
    r"(?:pip|pip3|uv|apt|apt-get|sudo|brew|npm|pnpm|yarn|curl|wget|cargo|go|git|echo|gem|bundle)\b"
    r"(?: (?:pip )?(?:install|i|ci|sync|add|get|update|diff|status|config|fetch|-\w+)\b|$)?"
)


def compares_generated(request: PatchRequest) -> bool:
    """Whether a failing step asks git if its own commands changed files."""
    return any(_REGENERATED.search(job.command or "") for job in request.evidence.jobs)


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
    bench.hold_demands(changes)
    proof = Proof(
        state=ProofState.PROVED,
        command=told,
        exit_before=1,
        exit_after=0,
        detail="Run twice, it gives the same, and nothing more.",
    )
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
