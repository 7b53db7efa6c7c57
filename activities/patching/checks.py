"""The commands of the failing steps that can be run again, and how they stand."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from activities.patching.bench import Bench
from activities.patching.commands import Command, parse_step
from activities.patching.echoes import echoed_commands
from activities.patching.recipe import Finds, FixCommand, Recipe
from activities.patching.recipes import fix_command_for
from activities.patching.sandbox import CommandResult
from activities.patching.wrappers import unwrapped
from activities.patching.wrappers.actions import step_commands, step_environment
from activities.patching.wrappers.tree import Tree
from workflows.models import FailedJob, Proof, ProofState

_COMMANDS: Final = 20
ECHOED: Final = "That the step runs this command stands in the log alone; CI decides."

CHECKERS: Final = frozenset(
    {
        "mypy",
        "pyright",
        "basedpyright",
        "yamllint",
        "actionlint",
        "pylint",
        "pyflakes",
        "pydocstyle",
    }
    | {"djlint", "j2lint", "ansible-lint", "hadolint", "check-yaml", "check-json", "check-toml", "check-xml"}
    | {"check-jsonschema", "check-ast", "tldr-lint", "jinjalint", "tsc", "vulture", "zizmor", "dotenv-linter"}
)
"""Programs that only look and have no repair of their own: what a repair by other means is proved with."""


@dataclass(frozen=True)
class Check:
    """A failing step's command that can be run again."""

    command: Command
    recipe: Recipe | None = None
    """The row whose tool repairs what it finds; None where no tool does."""
    fix: FixCommand | None = None
    echoed: bool = False
    """It stands in the log alone, which anybody's code can write to: its passing proves nothing."""

    @property
    def argv(self) -> tuple[str, ...]:
        """As it is run here: certain to change nothing."""
        return tuple(self.fix.check_argv(self.command.argv)) if self.fix else self.command.argv

    @property
    def programs(self) -> tuple[str, ...]:
        """What has to be installed."""
        return self.fix.programs if self.fix else self.command.argv[:1]


def step_checks(bench: Bench) -> list[Check]:
    """The checks among the failing steps' commands, wrappers looked through; a matrix's jobs count once.

    Where a step's text tells of none, those that its wrappers echo into the log.
    """
    checks: list[Check] = []
    tree = Tree.of(bench.workspace)
    folders = {str(parent) for path in bench.workspace.tracked for parent in PurePosixPath(path).parents}
    for job in bench.request.evidence.jobs:
        found = list(_checks(bench, job_commands(bench, job, tree), folders))
        if not found:
            commands = unwrapped(tuple(echoed_commands(job, tree)), tree)
            found = [replace(check, echoed=True) for check in _checks(bench, commands, folders)]
        for check in found:
            if check not in checks:
                checks.append(check)
    return checks[:_COMMANDS]


def _checks(bench: Bench, commands: Iterable[Command], folders: Collection[str]) -> Iterator[Check]:
    for command in commands:
        if command.cwd not in folders:
            continue
        failure_class, policy = bench.request.diagnosis.failure_class, bench.request.policy
        found = fix_command_for(command.argv, failure_class, policy)
        if found:
            yield Check(command, *found)
        elif command.argv[0] in CHECKERS:
            yield Check(command)


def job_commands(bench: Bench, job: FailedJob, tree: Tree) -> Iterator[Command]:
    """What the job's failing step runs, wrappers looked through."""
    yield from unwrapped(written_commands(bench.request.workflow_path, job, tree), tree)


def written_commands(workflow_path: str, job: FailedJob, tree: Tree) -> list[Command]:
    """What the job's failing step says that it runs, or its action, in the environment it is given."""
    env = step_environment(workflow_path, job, tree)
    if job.command:
        return list(parse_step(job.command, cwd=job.working_directory or ".", paths=tree.paths, env=env))
    plain = step_commands(workflow_path, job, tree)
    return [replace(command, env=(*env.items(), *command.env)) for command in plain]


def told(checks: Sequence[Check]) -> str:
    """The checks' commands, for a person."""
    return " && ".join(check.command.text for check in checks)


def examine_base(bench: Bench, checks: Sequence[Check]) -> list[CommandResult]:
    """How checks end on the commit itself. Called before the workspace is changed."""
    results = []
    for check in checks:
        key = (check.argv, check.command)
        if key not in bench.untouched:
            bench.untouched[key] = _run(bench, check)
        results.append(bench.untouched[key])
    return results


def examine(bench: Bench, checks: Sequence[Check]) -> list[CommandResult]:
    """How checks end on the workspace as it is."""
    return [_run(bench, check) for check in checks]


def _run(bench: Bench, check: Check) -> CommandResult:
    result = bench.run(check.argv, check.command)
    if check.fix and check.fix.finds is Finds.OUTPUT and result.exit_code == 0 and result.output.strip():
        return replace(result, exit_code=1)
    return result


def standing(results: Sequence[CommandResult]) -> tuple[int, int]:
    """How bad it is: checks that fail, then lines they have to say. Smaller is better."""
    failing = [result for result in results if result.exit_code]
    return len(failing), sum(result.output_lines for result in failing)


def proof_of(
    checks: Sequence[Check], before: Sequence[CommandResult], after: Sequence[CommandResult]
) -> Proof:
    """What two examinations show; `not_proved_here` where nothing failed before, or nothing got better."""
    first = next((result.exit_code for result in before if result.exit_code), 0)
    last = next((result.exit_code for result in after if result.exit_code), 0)
    state = ProofState.NOT_PROVED_HERE
    if first and not last:
        state = ProofState.PROVED
    elif first and standing(after) < standing(before):
        state = ProofState.IMPROVED
    return Proof(state=state, command=told(checks), exit_before=first, exit_after=last)
