"""How the `regreen` command ends. Imports nothing heavy: every start of the command pays for it."""

import atexit
import contextlib
import os
import sys
from enum import IntEnum
from typing import Final, NoReturn


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
    SKIPPED = 77
    """A simulation that needs a tool which is not on this machine."""
    INTERRUPTED = 130
    """Ctrl-C."""


MEANINGS: Final = {
    ExitStatus.DONE: "done",
    ExitStatus.FAILED: "failed",
    ExitStatus.USAGE: "wrong usage or settings",
    ExitStatus.NOT_FOUND: "no such remediation",
    ExitStatus.UNREACHABLE: "Temporal unreachable",
    ExitStatus.SKIPPED: "skipped",
    ExitStatus.INTERRUPTED: "interrupted",
}
"""In words, for the help."""


class CommandError(Exception):
    """What is wrong and what to type next, in one line."""

    def __init__(self, message: str, status: ExitStatus) -> None:
        super().__init__(message)
        self.status = status


def leave(status: int) -> NoReturn:
    """End the process without tearing the interpreter down.

    A thread of Temporal's SDK that still holds a reference aborts the process (SIGABRT) when it lets go of it
    while the interpreter is being finalised; then a worker that stopped cleanly would not seem to have. What
    finalisation is wanted for is done here: exit functions, telemetry among them, and flushed streams.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 — the one way to run them without finalising
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
