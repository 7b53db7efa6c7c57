"""`regreen start`: what a webhook would have started."""

import asyncio
from typing import Final

import typer

from starter.commands.running import print_json, run
from starter.dispatch import Answer, Dispatcher, TemporalUnavailableError, Verdict
from starter.exits import CommandError, ExitStatus
from starter.settings import RemediationSettings
from starter.targets import RunTarget, parse_target
from starter.webhook import ChecksCompletedFor, Ignore, StartRemediation, interpret
from workflows import naming
from workflows.configuration import ConfigurationError, load
from workflows.connection import connect

EVENT: Final = "workflow_run"
_SAID: Final = {
    Verdict.STARTED: "started {}; `regreen monitor {}` follows it",
    Verdict.SIGNALLED: "{} is open and has heard of this run attempt; `regreen show {}` shows it",
    Verdict.DUPLICATE: (
        "nothing new: {} is of this run attempt; `regreen show {}` shows it, and re-running the failed run "
        "on GitHub starts another"
    ),
}


def start_remediation(text: str, *, as_json: bool) -> None:
    """Start the remediation of a failed run, as its webhook would: once, however often it is asked for."""
    target = parse_target(text)
    if not isinstance(target, RunTarget):
        raise CommandError("name the failed run: its web address, or owner/repo/run_id", ExitStatus.USAGE)
    decision = decide(read_event(target), str(text))
    answer = run(lambda: _carry_out(decision))
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        typer.echo(_SAID[answer.decision].format(answer.workflow_id, answer.workflow_id))


def read_event(target: RunTarget) -> bytes:
    """The event of a run as GitHub would send it now, read as the analyst.

    Raises:
        CommandError: It cannot be read.
    """
    import worker  # noqa: PLC0415 — only what reads GitHub needs what this imports
    from activities.errors import AdapterError  # noqa: PLC0415 — likewise

    try:
        settings = load(worker.WorkerSettings, role="analyst")
        return asyncio.run(worker.read_run_event(settings, target.repository, target.run_id))
    except ConfigurationError as error:
        raise CommandError(str(error), ExitStatus.USAGE) from error
    except AdapterError as error:
        raise CommandError(
            f"the run cannot be read: {error}; `regreen check --only github` looks at the access",
            ExitStatus.FAILED,
        ) from error


def decide(event: bytes, name: str) -> StartRemediation:
    """What the webhook service would make of the event.

    Raises:
        CommandError: It would start no remediation; the text says why.
    """
    decision = interpret(EVENT, event)
    match decision:
        case StartRemediation():
            return decision
        case ChecksCompletedFor():
            owner = naming.remediation_id(decision.repository, decision.run_id)
            why = f"it belongs to {owner}; `regreen show {owner}` shows that"
        case Ignore():
            why = decision.reason.value.replace("_", " ")
        case _:
            why = f"it tells of something else than a {EVENT}"
    raise CommandError(f"{name} starts no remediation: {why}", ExitStatus.FAILED)


async def _carry_out(decision: StartRemediation) -> Answer:
    settings = load(RemediationSettings)
    dispatcher = Dispatcher(await connect(), settings.limits(), settings.policy())
    try:
        return await dispatcher.carry_out(decision)
    except TemporalUnavailableError as error:
        raise CommandError(f"{error}; `regreen check` looks at everything", ExitStatus.UNREACHABLE) from error
