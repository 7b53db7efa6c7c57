"""`regreen setup`: what must be there at Temporal before anything starts."""

import dataclasses
from datetime import timedelta

import typer
from pydantic import TypeAdapter, ValidationError
from temporalio.service import RPCError

from starter import terminal
from starter.commands.running import print_json, run
from starter.exits import CommandError, ExitStatus
from starter.temporal_setup import Step, set_up
from workflows.configuration import Duration
from workflows.connection import connect


def set_up_temporal(
    retention: str | None, current: str | None, deployment: str | None, *, as_json: bool
) -> int:
    """Make what Regreen needs at Temporal and say so; the exit status says whether all of it is there."""
    if current is not None and not deployment:
        raise CommandError(
            "--current needs the deployment's name: give --deployment, or set REGREEN_DEPLOYMENT_NAME",
            ExitStatus.USAGE,
        )
    try:
        kept = None if retention is None else TypeAdapter(Duration).validate_python(retention)
    except ValidationError as error:
        raise CommandError("--retention is written like 30d", ExitStatus.USAGE) from error
    if kept is not None and kept < timedelta(days=1):
        raise CommandError("Temporal keeps what has ended for a day at least", ExitStatus.USAGE)

    async def work() -> tuple[Step, ...]:
        try:
            return await set_up(
                await connect(),
                retention=kept,
                current=(deployment, current) if deployment and current is not None else None,
            )
        except RPCError as error:
            raise CommandError(f"Temporal refuses: {error.message}", ExitStatus.FAILED) from error

    steps = run(work)
    complete = all(step.done for step in steps)
    if as_json:
        print_json({"ok": complete, "steps": [dataclasses.asdict(step) for step in steps]})
        return ExitStatus.DONE if complete else ExitStatus.FAILED
    for step in steps:
        mark = "open" if not step.done else "done" if step.changed else "ok"
        typer.echo(terminal.plain(f"{mark:<5} {step.part:<11} {step.text}"))
        if step.command:
            typer.echo(terminal.plain(f"{'':<17} → an administrator runs: {step.command}"))
    return ExitStatus.DONE if complete else ExitStatus.FAILED
