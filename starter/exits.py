"""How the `regreen` command ends. Imports nothing heavy: every start of the command pays for it."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the command's exit status means."""

    DONE = 0
    FAILED = 1
    """The order cannot be carried out, or what ran has failed."""
    USAGE = 2
    """Wrong arguments or settings."""
    NOT_FOUND = 3
    """There is no such remediation."""
    UNREACHABLE = 4
    """Temporal does not answer."""


class CommandError(Exception):
    """What is wrong and what to type next, in one line."""

    def __init__(self, message: str, status: ExitStatus) -> None:
        super().__init__(message)
        self.status = status
