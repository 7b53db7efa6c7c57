"""Commands that only say where the real command stands: package scripts, targets, environments, hooks."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from activities.patching.commands import Command
from activities.patching.launchers import stages
from activities.patching.wrappers.hooks import hook_commands
from activities.patching.wrappers.makefile import make_commands
from activities.patching.wrappers.packages import package_commands
from activities.patching.wrappers.programs import program_commands
from activities.patching.wrappers.sessions import session_commands
from activities.patching.wrappers.tasks import task_commands
from activities.patching.wrappers.tree import Tree
from activities.patching.wrappers.workspaces import workspace_commands

_DEPTH: Final = 6
"""How far a script may call a script."""
_COMMANDS: Final = 200

_Wrapper = Callable[[Command, Tree], Sequence[Command] | None]

WRAPPERS: Final[tuple[_Wrapper, ...]] = (
    workspace_commands,
    package_commands,
    task_commands,
    make_commands,
    session_commands,
    hook_commands,
)
"""Each answers None where the command is not its own, else what the command runs as far as that is plain."""


def unwrapped(commands: Sequence[Command], tree: Tree, *, programs: bool = True) -> tuple[Command, ...]:
    """The commands with every wrapper among them replaced by what it runs, in order.

    Args:
        commands: In order.
        tree: The repository's files.
        programs: Whether programs of the repository's own count as wrappers, which do more than run commands.
    """
    found = []
    wrappers = (*WRAPPERS, program_commands) if programs else WRAPPERS
    for command in _unwrapped(commands, tree, wrappers, _DEPTH):
        found.append(command)
        if len(found) >= _COMMANDS:
            break
    return tuple(found)


def _readings(command: Command) -> list[Command]:
    """With what only finds the program, and without: `yarn lint` may be the program `lint`, or a script."""
    found = [replace(command, argv=argv) for argv in stages(shlex.split(command.text))]
    return [*found, command]


def _unwrapped(
    commands: Sequence[Command], tree: Tree, wrappers: Sequence[_Wrapper], depth: int
) -> Iterator[Command]:
    for command in commands:
        inner = next(
            (
                found
                for candidate in _readings(command)
                for each in wrappers
                if (found := each(candidate, tree)) is not None
            ),
            None,
        )
        if inner is None:
            yield command
        elif depth:
            yield from _unwrapped(inner, tree, wrappers, depth - 1)
