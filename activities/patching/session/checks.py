"""The failing steps' own commands, run in the sandbox: for the model to see, and to prove what it submits."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.pulse import Pulse
from activities.adapters.workspace import Workspace
from activities.patching.checks import written_commands
from activities.patching.commands import Command
from activities.patching.sandbox import CommandResult, Sandbox
from activities.patching.wrappers import unwrapped
from activities.patching.wrappers.tree import Tree
from workflows.models import FailedJob, Proof, ProofState

COMMANDS: Final = 8
COMMAND_SECONDS: Final = 300.0
_OUTPUT_BYTES: Final = 16_384
_SHORTEST_SIGN: Final = 6
_PREPARES: Final = re.compile(
    r"(?:sudo|apt|apt-get|apk|brew|curl|wget|git|echo|mkdir|cp)\b"
    r"|(?:python3? -m )?(?:pip|pip3|pipx|uv|poetry|pdm|npm|pnpm|yarn|bun|gem|bundle|composer|cargo|go|rustup)"
    r" (?:\S+ )?(?:install|ci|sync|add|get|update|upgrade|fetch|download|i)\b"
    r"|(?:yarn|pnpm|bundle|composer)$"
)
"""Commands that make a runner ready, and would need the network here; they are not what failed."""


@dataclass(frozen=True)
class Ran:
    """A command and how it ended; `result` is None where its program is not on this worker."""

    command: Command
    result: CommandResult | None

    @property
    def failed(self) -> bool:
        """Whether it ran and did not end well."""
        return self.result is not None and self.result.exit_code != 0

    @property
    def stopped(self) -> bool:
        """Whether it had to be ended."""
        return self.result is not None and self.result.exit_code is None

    def told(self) -> str:
        """Command, output and end, as a terminal shows them."""
        where = f" (in {self.command.cwd})" if self.command.cwd != "." else ""
        if self.result is None:
            return f"$ {self.command.text}{where}\nnot run: {self.command.argv[0]} is not on this worker"
        return f"$ {self.command.text}{where}\n{self.result.output.rstrip()}\n{_end(self.result)}"


def failing_commands(
    workflow_path: str, jobs: Iterable[FailedJob], workspace: Workspace
) -> tuple[Command, ...]:
    """What the failing steps run, as far as it is plain commands; each once, the first few."""
    tree = Tree.of(workspace)
    found: dict[Command, None] = {}
    for job in jobs:
        for command in written_commands(workflow_path, job, tree):
            # A script that is not plain runs as a whole.
            inner = unwrapped([command], tree, programs=False) or [command]
            found |= dict.fromkeys(each for each in inner if not _PREPARES.match(each.text))
    return tuple(found)[:COMMANDS]


def run_all(
    commands: Sequence[Command], workspace: Workspace, sandbox: Sandbox, pulse: Pulse
) -> tuple[Ran, ...]:
    """Run each command, whatever became of those before it.

    Raises:
        SandboxUnavailableError: Commands cannot be confined here.
    """
    return tuple(Ran(command, _run(command, workspace, sandbox, pulse)) for command in commands)


def _run(command: Command, workspace: Workspace, sandbox: Sandbox, pulse: Pulse) -> CommandResult | None:
    argv = _argv(command, workspace, sandbox)
    if argv is None:
        return None
    return sandbox.run(
        argv,
        workspace,
        cwd=command.cwd,
        env=dict(command.env),
        timeout=COMMAND_SECONDS,
        pulse=pulse,
        output_bytes=_OUTPUT_BYTES,
    )


def _argv(command: Command, workspace: Workspace, sandbox: Sandbox) -> Sequence[str] | None:
    """The command as this worker can run it: without what only finds the program, else as it is written."""
    for argv in (command.argv, shlex.split(command.text)):
        program = argv[0] if argv else ""
        inside = "/" in program and str(PurePosixPath(command.cwd) / program) in workspace.paths
        if inside or (program and "/" not in program and sandbox.has(program)):
            return argv
    return None


def prove(before: Sequence[Ran], after: Sequence[Ran], signs: Iterable[str]) -> tuple[Proof, bool]:
    """What running the same commands before and after a patch shows, and whether the patch may go on.

    Args:
        before: How they ended without the patch.
        after: How they ended with it.
        signs: Lines of the failing run's log. A command that fails here without any of them fails for a
            reason of this worker, such as a missing package, and shows nothing.
    """
    pairs = [(one, other) for one, other in zip(before, after, strict=True) if one.result and other.result]
    absent = sorted({ran.command.argv[0] for ran in before if ran.result is None})
    missing = f"Not installed on this worker: {', '.join(absent)}." if absent else ""
    state, detail, goes_on = _weigh(pairs, missing, signs)
    proof = Proof(
        state=state,
        command=" && ".join(ran.command.text for ran in before) or None,
        exit_before=_status([one for one, _ in pairs]),
        exit_after=_status([other for _, other in pairs]),
        detail=detail if before else "No plain command of the failing step is known.",
    )
    return proof, goes_on


def _weigh(
    pairs: Sequence[tuple[Ran, Ran]], missing: str, signs: Iterable[str]
) -> tuple[ProofState, str, bool]:
    unproved = ProofState.NOT_PROVED_HERE
    if any(other.failed and (not one.failed or other.stopped > one.stopped) for one, other in pairs):
        return unproved, "A command ends worse with the patch than without it.", False
    failed_before = [one for one, _ in pairs if one.failed]
    failed_after = [other for _, other in pairs if other.failed]
    if not failed_before:
        return unproved, missing or "The failing command passes here without the patch.", True
    if not failed_after:
        return (unproved if missing else ProofState.PROVED), missing, True
    known = [sign for line in signs if len(sign := _plain(line)) >= _SHORTEST_SIGN]
    if not _shows(failed_before, known):
        return unproved, "The command fails here for another reason than in CI.", True
    if _shows(failed_after, known):
        return unproved, "The command still fails in the same way.", False
    return ProofState.IMPROVED, "This failure is gone; the command fails on something else.", True


def _status(runs: Sequence[Ran]) -> int | None:
    """The first status that is not 0, else 0; None where nothing ran to its end."""
    codes = [ran.result.exit_code for ran in runs if ran.result and ran.result.exit_code is not None]
    return next((code for code in codes if code), 0) if codes else None


def _shows(failed: Sequence[Ran], signs: Sequence[str]) -> bool:
    outputs = "\n".join(_plain(ran.result.output) for ran in failed if ran.result)
    return any(sign in outputs for sign in signs)


def _plain(text: str) -> str:
    """`text` without what differs from run to run or machine to machine: digits, blanks, folders."""
    return re.sub(r"(?:/[\w.+-]+)+/|\d+|\s+", " ", text).strip()


def _end(result: CommandResult) -> str:
    if result.timed_out:
        return f"stopped after {result.seconds:.0f} s"
    if result.flooded or result.exhausted:
        return f"stopped: it used too much {result.exhausted or 'output'}"
    return f"exit status {result.exit_code}"
