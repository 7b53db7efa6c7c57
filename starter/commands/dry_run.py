"""`regreen dry-run`: a remediation up to the point where it would write to GitHub."""

import dataclasses
import sys
import tempfile
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

import worker
from activities.publishing.rehearsal import HELD_BACK, HeldBack
from starter import terminal
from starter.commands.running import print_json, run
from starter.commands.start import decide, read_event
from starter.exits import CommandError, ExitStatus
from starter.following import Kind, follow
from starter.processes import ProcessError, temporal_server
from starter.settings import RemediationSettings
from starter.targets import RunTarget, parse_target
from starter.webhook import StartRemediation
from workflows import naming
from workflows.codec import data_converter
from workflows.configuration import load
from workflows.connection import register_search_attributes
from workflows.models import RemediationRequest, RemediationResult, Status
from workflows.remediation import RemediationWorkflow

_SHOWN: Final = frozenset({Kind.STEP, Kind.DONE, Kind.FAILED})
_STANDARD_INPUT: Final = "-"
_EVENT_BYTES: Final = 25_000_000
"""GitHub sends no larger one."""


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """How far a remediation would have come, and what it would have written."""

    workflow_id: str
    status: Status
    result: RemediationResult | None
    """None where it would have gone on by writing."""
    held_back: list[HeldBack]


def rehearse(text: str, *, ask_model: bool, as_json: bool) -> None:
    """Print what a remediation of this run, or of the run in this event, would do."""
    decision = decide(_event(text), text)
    settings = load_settings()
    found = run(lambda: _rehearse(decision, settings, ask_model=ask_model, quiet=as_json))
    if as_json:
        print_json(_as_json(found))
    else:
        terminal.console().print(terminal.rehearsal_text(found.status, found.result, found.held_back))


def load_settings() -> worker.WorkerSettings:
    """The analyst's settings: the only credential that is used is the reader's."""

    async def read() -> worker.WorkerSettings:
        return load(worker.WorkerSettings, role="analyst")

    return run(read)


def _event(text: str) -> bytes:
    path = Path(text)
    if text == _STANDARD_INPUT:
        return sys.stdin.buffer.read(_EVENT_BYTES)
    if not text.startswith(("https://", "http://")) and path.is_file():
        return path.read_bytes()
    try:
        target = parse_target(text)
    except CommandError:
        target = None
    if not isinstance(target, RunTarget):
        raise CommandError(
            f"{text} is neither a run (its web address, or owner/repo/run_id) nor a file with an event",
            ExitStatus.USAGE,
        )
    return read_event(target)


async def _rehearse(
    decision: StartRemediation, settings: worker.WorkerSettings, *, ask_model: bool, quiet: bool
) -> Rehearsed:
    bounds = load(RemediationSettings)
    policy = bounds.policy()
    request = RemediationRequest(
        repository=decision.repository,
        run_id=decision.run_id,
        run_attempt=decision.run_attempt,
        limits=bounds.limits(),
        policy=policy.model_copy(update={"ask_model": policy.ask_model and ask_model}),
    )
    try:
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="regreen-dry-run-"))
            server = await stack.enter_async_context(temporal_server(log=Path(folder) / "temporal.log"))
            client = await Client.connect(server.address, data_converter=data_converter(None))
            await register_search_attributes(client)
            rehearsal = await stack.enter_async_context(worker.rehearsing(client, settings))
            return await _carry_out(client, request, rehearsal.held_back, quiet=quiet)
    except ProcessError as error:
        raise CommandError(str(error), ExitStatus.FAILED) from error


async def _carry_out(
    client: Client, request: RemediationRequest, held_back: list[HeldBack], *, quiet: bool
) -> Rehearsed:
    workflow_id = naming.remediation_id(request.repository, request.run_id)
    handle = await client.start_workflow(
        RemediationWorkflow.run, request, id=workflow_id, task_queue=naming.PUBLISHER_QUEUE
    )
    with terminal.Steps(quiet=quiet) as steps:
        async with aclosing(follow(client, workflow_id)) as happenings:
            async for happening in happenings:
                if happening.kind in _SHOWN and not happening.text.endswith(" was held back"):
                    steps.show(happening)
    try:
        result = await handle.result()
    except WorkflowFailureError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ApplicationError):
            cause = cause.__cause__
        if cause is None or cause.type != HELD_BACK:
            raise CommandError(f"a fault in Regreen: {cause or error.cause}", ExitStatus.FAILED) from error
        result = None
    status: Status = await handle.query(RemediationWorkflow.status)
    return Rehearsed(workflow_id, status, result, held_back)


def _as_json(found: Rehearsed) -> dict[str, Any]:
    status, result = found.status, found.result
    return {
        "workflow_id": found.workflow_id,
        "outcome": result.outcome if result else None,
        "reason": result.reason if result else None,
        "detail": result.detail if result else "",
        "run": _dumped(status.run),
        "diagnosis": _dumped(status.diagnosis),
        "proposal": _dumped(status.proposal),
        "verdict": _dumped(status.verdict),
        "would_write": [dataclasses.asdict(each) for each in found.held_back],
        "model_calls": status.model_calls,
        "cost_usd": status.cost_usd,
    }


def _dumped(payload: Any) -> Any:
    return None if payload is None else payload.model_dump(mode="json")
