"""`regreen up`: everything on one machine, for a laptop or a small team."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import typer

import worker
from starter.commands.running import run
from starter.exits import CommandError, ExitStatus
from starter.processes import ProcessError, child, temporal_server
from starter.settings import StarterSettings
from workflows.configuration import load

_OF_ANOTHER_SERVER: Final = ("TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_CONFIG_FILE", "TEMPORAL_PROFILE")
"""Variables, by what they begin with, that would lead the worker and the service to another Temporal."""


def bring_up(database: Path, *, temporal_port: int, ui_port: int) -> None:
    """Run a Temporal server that keeps its state in a file, a worker and the webhook service, until stopped.

    What was under way when it was stopped, or killed, goes on when it is started again.
    """
    run(lambda: _bring_up(database.expanduser(), temporal_port, ui_port))


async def _bring_up(database: Path, temporal_port: int, ui_port: int) -> None:
    service = load(StarterSettings)
    load(worker.WorkerSettings, role="all")
    stopping = asyncio.Event()
    for received in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(received, stopping.set)
    _prepare(database)
    try:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                temporal_server(
                    database=database, port=temporal_port, ui_port=ui_port, log=database.with_suffix(".log")
                )
            )
            environment = _environment(server.address)
            running = {"Temporal server": server.process}
            for name, arguments in (("worker", ("worker", "--role", "all")), ("webhook service", ("serve",))):
                command = (sys.executable, "-m", "starter.cli", *arguments)
                running[name] = await stack.enter_async_context(child(command, environment))
            typer.echo(f"Temporal         {server.address}, state in {database}")
            typer.echo(f"Temporal Web UI  {server.ui}")
            typer.echo(f"Webhook service  http://{service.host}:{service.port}/webhook")
            typer.echo("Ctrl-C stops it; `regreen check` looks at it, `regreen monitor` watches it.")
            await _until_stopped(stopping, running)
    except ProcessError as error:
        raise CommandError(str(error), ExitStatus.FAILED) from error


def _prepare(database: Path) -> None:
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"{database.parent}: {error.strerror}; name another --database", ExitStatus.USAGE
        ) from error


def _environment(address: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_ANOTHER_SERVER)}
    return {**kept, "TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "default"}


async def _until_stopped(stopping: asyncio.Event, running: Mapping[str, asyncio.subprocess.Process]) -> None:
    """Return when told to stop.

    Raises:
        ProcessError: One of the processes ended by itself; who supervises this command may start it anew.
    """
    told = asyncio.create_task(stopping.wait())
    ends = {asyncio.create_task(process.wait()): name for name, process in running.items()}
    try:
        done, _ = await asyncio.wait({told, *ends}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (told, *ends):
            task.cancel()
    for task in done - {told}:
        status = running[ends[task]].returncode
        raise ProcessError(f"the {ends[task]} ended by itself, with status {status}; its output says why")
