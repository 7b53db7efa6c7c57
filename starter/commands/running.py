"""What every command does alike: ask Temporal, turn expected errors into one line, print JSON."""

import asyncio
import getpass
import json
import logging
import re
import subprocess
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import typer

from starter.exits import CommandError, ExitStatus
from starter.remediations import (
    RemediationNotFoundError,
    Remediations,
    UnclearTargetError,
    open_remediations,
)
from workflows.codec import PayloadKeyError
from workflows.configuration import ConfigurationError
from workflows.connection import SearchAttributesError, TemporalUnreachableError

T = TypeVar("T")

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", re.ASCII)
_GIT_SECONDS: Final = 5


def ask(question: Callable[[Remediations], Coroutine[Any, Any, T]]) -> T:
    """What the remediations of the namespace answer."""

    async def connect_and_ask() -> T:
        return await question(await open_remediations())

    return run(connect_and_ask)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's work in an event loop of its own.

    Raises:
        CommandError: In the place of every error that an operator can do something about.
    """
    try:
        return asyncio.run(work())
    except ConfigurationError as error:
        raise CommandError(str(error), ExitStatus.USAGE) from error
    except TemporalUnreachableError as error:
        raise CommandError(f"{error}; `regreen check` looks at everything", ExitStatus.UNREACHABLE) from error
    except (SearchAttributesError, PayloadKeyError) as error:
        raise CommandError(str(error), ExitStatus.FAILED) from error
    except UnclearTargetError as error:
        raise CommandError(str(error), ExitStatus.USAGE) from error
    except RemediationNotFoundError as error:
        raise CommandError(
            f"there is no remediation {error}; `regreen list` shows them", ExitStatus.NOT_FOUND
        ) from error


def checked_repository(name: str | None, option: str = "--repo") -> str | None:
    """The repository that an option names, if it does.

    Raises:
        CommandError: It is not written `owner/name`; nothing else may reach a query or an address.
    """
    if name is not None and not _REPOSITORY.fullmatch(name):
        raise CommandError(f"{option} is written owner/name", ExitStatus.USAGE)
    return name


def own_name() -> str:
    """Who gives an order, where it is not said: the name git or the system knows."""
    try:
        asked = subprocess.run(
            ["git", "config", "--get", "user.name"],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        ).stdout.strip()
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        asked = ""
    try:
        return asked or getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user without a name
        return "unknown"


def log_to_stderr(level: int = logging.INFO) -> None:
    """Say on standard error what happens."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # It logs each address, and that of a job's log holds a signature which lets anybody fetch it for a while.
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def print_json(content: Any, *, indent: int | None = 2) -> None:
    """Print JSON in ASCII: hostile text cannot speak to the terminal."""
    typer.echo(json.dumps(content, indent=indent))
