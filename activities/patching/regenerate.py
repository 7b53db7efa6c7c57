"""Generated files that were not committed: run what generates them."""

import re
from dataclasses import dataclass
from typing import Final

from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.checks import job_commands
from activities.patching.commands import Command, parse_step
from activities.patching.sandbox import CommandResult, SandboxUnavailableError
from activities.patching.wrappers.tree import Tree
from workflows.models import FailedJob, PatchRequest, Proof, ProofState, Strategy

_COMMANDS: Final = 20
_STEADY: Final = 2
"""A generator that gives the same twice is believed."""
_COMPARES: Final = re.compile(
    r"git[ ]+(?:--no-pager[ ]+)?(?:diff|status)\b[^\n;&|]{0,200}(?:--exit-code|--quiet|--porcelain|-s\b)"
)
"""What fails when a step's own commands changed files."""
_WRAPS: Final = re.compile(r"\b(?:make|just|task|npm|yarn|pnpm|tox|nox|bash|sh)\b|\./\w")
_COUNTS_NEW_FILES: Final = re.compile(r"git[ ]+status\b")
_INSTALLS: Final = re.compile(
    r"(?:python3? -m )?"
    r"(?:pip|pip3|uv|apt|apt-get|sudo|brew|npm|pnpm|yarn|curl|wget|cargo|go|git|echo|gem|bundle)\b"
    r"(?: (?:pip )?(?:install|i|ci|sync|add|get|update|diff|status|config|fetch|-\w+)\b|$)?"
)
_NO_REPOSITORY: Final = re.compile(r"not a git repository", re.IGNORECASE)
"""What git says inside the sandbox, where there is none: everything before the comparison went well."""


@dataclass(frozen=True)
class _Generator:
    """What generates files, as it is run here."""

    commands: tuple[Command, ...]
    told: str
    new_files: bool
    """Whether the step also fails for files that are new."""


def compares_generated(request: PatchRequest) -> bool:
    """Whether a failing step asks git if its own commands changed files, or a wrapper of it may."""
    return any(
        _COMPARES.search(job.command or "") or _WRAPS.search(job.command or "")
        for job in request.evidence.jobs
    )


def regenerate(bench: Bench) -> Draft:
    """Repair generated files that were not committed, by running what generates them.

    Raises:
        SetbackError: Nothing is compared, or what generates fails here, or gives something else each time.
    """
    generator = _generator(bench)
    if generator is None:
        raise SetbackError("")
    told = generator.told
    before = ""
    for _ in range(_STEADY):
        for command in generator.commands:
            if not _went_well(_run(bench, command)):
                raise SetbackError(f"`{told}` fails here, so nothing was generated.")
        changes = bench.changes(new_files=generator.new_files)
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


def _run(bench: Bench, command: Command) -> CommandResult:
    try:
        return bench.run(list(command.argv), command)
    except SandboxUnavailableError as error:
        raise SetbackError(f"Commands cannot be confined on this worker: {error}") from error


def _went_well(result: CommandResult) -> bool:
    return result.exit_code == 0 or _NO_REPOSITORY.search(result.output) is not None


def _generator(bench: Bench) -> _Generator | None:
    """What a step runs before it asks git whether files changed; None where none does."""
    tree = Tree.of(bench.workspace)
    for job in bench.request.evidence.jobs:
        text = job.command or ""
        asked = _COMPARES.search(text)
        if asked:
            return _plain(bench, job, text[: asked.start()], asked.group()) or _whole(
                job, text, asked.group()
            )
        inner = next(
            (each.text for each in job_commands(bench, job, tree) if _COMPARES.match(each.text)), None
        )
        if inner:
            return _whole(job, text, inner)
    return None


def _plain(bench: Bench, job: FailedJob, text: str, asked: str) -> _Generator | None:
    """The commands without what only finds a program; None where a shell does more than run them."""
    text = text.rstrip(" &;\n")
    if re.search(r"[<>|]", text):
        return None
    found: list[Command] = []
    for command in parse_step(text, cwd=job.working_directory or ".", paths=bench.workspace.tracked):
        if not _INSTALLS.fullmatch(" ".join(command.argv[:2])) and command not in found:
            found.append(command)
    if not found:
        return None
    told = " && ".join(command.text for command in found[:_COMMANDS])
    return _Generator(tuple(found[:_COMMANDS]), told, bool(_COUNTS_NEW_FILES.match(asked)))


def _whole(job: FailedJob, text: str, asked: str) -> _Generator:
    """The step as it is written, without the lines that install something."""
    lines = [line for line in text.splitlines() if not _INSTALLS.fullmatch(" ".join(line.split()[:2]))]
    script = "\n".join(lines)
    command = Command(
        ("bash", "-e", "-o", "pipefail", "-c", script), job.working_directory or ".", text=script
    )
    return _Generator((command,), script.strip().splitlines()[0], bool(_COUNTS_NEW_FILES.match(asked)))
