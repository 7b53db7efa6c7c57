"""What proposers of patches work with, and what they come to."""

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from activities.adapters.pulse import Pulse
from activities.adapters.workspace import Changes, Workspace
from activities.patching.commands import Command
from activities.patching.demands import same_demands, states_demands
from activities.patching.recipe import Recipe
from activities.patching.sandbox import CommandResult, Sandbox
from workflows.models import PatchRequest, Proof, ProofState, Strategy

TOOL_SECONDS: Final = 300.0
"""Wall time of one command."""


class SetbackError(Exception):
    """A proposer has nothing to propose. The text says why, in a sentence for a person."""

    def __init__(self, reason: str, *, proof: Proof | None = None) -> None:
        super().__init__(reason)
        self.proof = proof or Proof(state=ProofState.NOT_PROVED_HERE)


@dataclass(frozen=True)
class Draft:
    """A proposer's patch: what changed, by what, and what a proof showed."""

    strategy: Strategy
    recipe: str | None
    summary: str
    proof: Proof
    changes: Changes


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
    untouched: dict[tuple[tuple[str, ...], Command], CommandResult] = field(default_factory=dict)
    """How checks ended on the commit itself; proposers of one request share it."""

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count what happens inside as a tool's time."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.tool_seconds += time.perf_counter() - started

    def run(self, argv: Sequence[str], command: Command) -> CommandResult:
        """Run `argv` where `command` would run.

        Raises:
            SetbackError: It did not end by itself.
            SandboxUnavailableError: Commands cannot be confined here.
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

    def changes(self, recipes: Sequence[Recipe] | None = None, *, new_files: bool = False) -> Changes:
        """How the workspace differs from the commit.

        Args:
            recipes: Whose work it is, which is held to the files that they may touch and to the rule that no
                repair changes what checks demand; None where the caller answers for it.
            new_files: Whether files count that are not the commit's.

        Raises:
            SetbackError: Something else was changed as well.
        """
        with self.timed():
            changes = self.workspace.changes(new_files=new_files)
            if recipes is not None:
                spilled = [path for path in changes.files if _is_spilled(path, recipes)]
                if spilled:
                    self.workspace.restore(spilled)
                    changes = self.workspace.changes(new_files=new_files)
                self._hold(changes, recipes)
        return changes

    def _hold(self, changes: Changes, recipes: Sequence[Recipe]) -> None:
        strangers = [path for path in changes.files if not any(recipe.may_touch(path) for recipe in recipes)]
        if strangers:
            raise SetbackError(
                f"The repair changed files it has no business with ({', '.join(strangers[:3])}); "
                "it was dropped."
            )
        if not any(recipe.changes_demands for recipe in recipes):
            self.hold_demands(changes)

    def hold_demands(self, changes: Changes) -> None:
        """See that files which say what checks demand still say the same.

        Raises:
            SetbackError: One says something else.
        """
        for path in filter(states_demands, changes.files):
            before, after = self.workspace.original(path), self.workspace.read(path)
            if before is None or after is None or not same_demands(path, before, after):
                raise SetbackError(f"The repair would change what checks demand ({path}); it was dropped.")


def _is_spilled(path: str, recipes: Sequence[Recipe]) -> bool:
    return not any(recipe.may_touch(path) for recipe in recipes) and any(
        recipe.spills_on(path) for recipe in recipes
    )
