"""What the commands of `regreen` do, once `starter.cli` has read their arguments."""

import asyncio
import dataclasses
import getpass
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError
from temporalio.service import RPCError

from starter import terminal
from starter.exits import CommandError, ExitStatus
from starter.remediations import (
    RemediationEndedError,
    RemediationNotFoundError,
    Remediations,
    open_remediations,
)
from starter.webhook import Verb, order_payload
from workflows import naming
from workflows.codec import Codec, PayloadKeyError
from workflows.configuration import ConfigurationError, Duration, load
from workflows.connection import PayloadSettings, SearchAttributesError, TemporalUnreachableError, connect

if TYPE_CHECKING:
    from starter.temporal_setup import Step

T = TypeVar("T")

_TRIPLE: Final = re.compile(r"([\w.-]+/[\w.-]+)/(\d{1,19})", re.ASCII)
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", re.ASCII)
_GIT_SECONDS: Final = 5


def run_demo(scenario: str, *, keep: bool, as_json: bool, faults: str = "") -> int:
    """Run a scenario of the demo; its exit status."""
    try:
        from localhub.demo import run  # noqa: PLC0415 — only the demo needs what this imports
    except ModuleNotFoundError as error:
        raise CommandError(
            f"the demo needs {error.name}: install regreen with its extra `demo`", ExitStatus.FAILED
        ) from error
    return run(scenario, keep=keep, json=as_json, faults=faults)


def serve_webhooks(host: str | None, port: int | None) -> None:
    """Run the webhook service until it is stopped."""
    from starter.app import serve  # noqa: PLC0415 — only the service needs what this imports
    from starter.settings import StarterSettings  # noqa: PLC0415 — likewise

    _log_to_stderr()
    _run(lambda: serve(load(StarterSettings, host=host, port=port)))


def serve_codec(host: str | None, port: int | None) -> None:
    """Run the codec server until it is stopped."""
    from starter.codec_server import CodecServerSettings, serve  # noqa: PLC0415 — only it needs what this imports

    _log_to_stderr()
    _run(lambda: serve(load(CodecServerSettings, host=host, port=port), Codec(load(PayloadSettings).ring())))


def set_up_temporal(
    retention: str | None, current: str | None, deployment: str | None, *, as_json: bool
) -> int:
    """Make what Regreen needs at Temporal and say so; the exit status says whether all of it is there."""
    from starter.temporal_setup import set_up  # noqa: PLC0415 — only this command needs what it imports

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

    async def work() -> "tuple[Step, ...]":
        try:
            return await set_up(
                await connect(),
                retention=kept,
                current=(deployment, current) if deployment and current is not None else None,
            )
        except RPCError as error:
            raise CommandError(f"Temporal refuses: {error.message}", ExitStatus.FAILED) from error

    steps = _run(work)
    complete = all(step.done for step in steps)
    if as_json:
        _print_json({"ok": complete, "steps": [dataclasses.asdict(step) for step in steps]})
        return ExitStatus.DONE if complete else ExitStatus.FAILED
    for step in steps:
        mark = "open" if not step.done else "done" if step.changed else "ok"
        typer.echo(terminal.plain(f"{mark:<5} {step.part:<11} {step.text}"))
        if step.command:
            typer.echo(terminal.plain(f"{'':<17} → an administrator runs: {step.command}"))
    return ExitStatus.DONE if complete else ExitStatus.FAILED


def examine_machine(*, as_json: bool) -> int:
    """Say what a worker would find on this machine; the exit status says whether commands can be confined."""
    import worker  # noqa: PLC0415 — only the worker needs what this imports

    try:
        settings = load(worker.WorkerSettings, role="analyst")
    except ConfigurationError as error:
        raise CommandError(str(error), ExitStatus.USAGE) from error
    found = worker.examine_machine(settings)
    status = ExitStatus.DONE if found.sandbox_works and found.git else ExitStatus.FAILED
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found)))
        return status
    typer.echo(f"sandbox   {'works' if found.sandbox_works else 'does not work'}: {found.sandbox_detail}")
    if not found.sandbox_works:
        typer.echo("          no command of a repository will run here; only recipes that edit files remain")
    typer.echo(f"git       {'found' if found.git else 'missing, and needed'}")
    typer.echo(f"recipes   {found.recipes} of {found.rows} work here")
    typer.echo(f"tools     {', '.join(found.present) or 'none'}")
    typer.echo(f"missing   {', '.join(found.missing) or 'none'}")
    typer.echo("          install what your repositories check with, or name its folder in REGREEN_TOOL_DIRS")
    return status


def examine_github(repository: str | None, *, as_json: bool) -> int:
    """Say what is wrong with the access to GitHub; the exit status says whether remediations can work."""
    import worker  # noqa: PLC0415 — only the worker needs what this imports

    if repository is not None and not _REPOSITORY.fullmatch(repository):
        raise CommandError("--repo is written owner/name", ExitStatus.USAGE)
    try:
        settings = load(worker.WorkerSettings, role="analyst")
        findings = asyncio.run(worker.examine_github(settings, repository))
    except (ConfigurationError, ValueError) as error:
        raise CommandError(str(error), ExitStatus.USAGE) from error
    bad = any(each.level == "problem" for each in findings)
    if as_json:
        _print_json({"ok": not bad, "findings": [dataclasses.asdict(each) for each in findings]})
    else:
        for each in findings:
            typer.echo(terminal.plain(f"{each.level:<8}  {each.part:<10} {each.text}"))
            if each.remedy:
                typer.echo(terminal.plain(f"{'':<20} → {each.remedy}"))
    return ExitStatus.FAILED if bad else ExitStatus.DONE


def run_worker(role: str | None) -> None:
    """Run a worker until it is stopped."""
    import worker  # noqa: PLC0415 — only the worker needs what this imports

    _log_to_stderr()
    _run(lambda: worker.run(load(worker.WorkerSettings, role=role)))


def list_remediations(repository: str | None, *, open_only: bool, limit: int, as_json: bool) -> None:
    """Print open and recent remediations."""
    if repository is not None and not _REPOSITORY.fullmatch(repository):
        raise CommandError("--repository is written owner/name", ExitStatus.USAGE)
    found = _ask(
        lambda remediations: remediations.recent(limit=limit, open_only=open_only, repository=repository)
    )
    if as_json:
        _print_json([overview.model_dump(mode="json") for overview in found])
    elif found:
        terminal.console().print(terminal.overview_table(found, datetime.now(UTC)))
    else:
        typer.echo("No remediations.")


def show_remediation(target: str, *, as_json: bool) -> None:
    """Print everything about one remediation."""
    workflow_id = _workflow_id(target)
    details = _ask(lambda remediations: remediations.details(workflow_id))
    if as_json:
        _print_json(details.model_dump(mode="json"))
    else:
        terminal.console().print(terminal.details_text(details))


def answer(verb: Verb, target: str, *, question: str | None, by: str | None, yes: bool) -> None:
    """Send `approve` or `reject`; without a question, the pending one is shown and confirmed."""
    workflow_id = _workflow_id(target)
    asked = question or _pending_question(workflow_id, verb, yes=yes)
    order(verb, target, argument=asked, by=by)


def order(verb: Verb, target: str, *, argument: str | None = None, by: str | None) -> None:
    """Send a human's order."""
    workflow_id = _workflow_id(target)
    payload = order_payload(verb, by=by or _own_name(), argument=argument)
    try:
        _ask(lambda remediations: remediations.order(workflow_id, verb, payload))
    except RemediationEndedError as error:
        raise _ended(workflow_id, verb) from error
    typer.echo(f"{verb} sent to {workflow_id}")


def _pending_question(workflow_id: str, verb: Verb, *, yes: bool) -> str:
    details = _ask(lambda remediations: remediations.details(workflow_id))
    status = details.status
    if not details.overview.open:
        raise _ended(workflow_id, verb)
    if status is None:
        raise CommandError(
            "no worker answers, so the pending question is unknown; "
            "start one with `regreen worker`, or give --question",
            ExitStatus.FAILED,
        )
    if status.question is None:
        raise CommandError(f"nothing waits for an answer; the state is {status.state}", ExitStatus.FAILED)
    question = terminal.plain(status.question)
    if not yes:
        if status.proposal is not None:
            reasons = status.verdict.reasons if status.verdict is not None else ()
            terminal.console().print(terminal.proposal_text(status.proposal, reasons))
        if not sys.stdin.isatty():
            raise CommandError(
                f"nobody is there to confirm; add --question {question} or --yes", ExitStatus.USAGE
            )
        typer.confirm(f"{verb.capitalize()} patch {question}?", abort=True)
    return question


def _ended(workflow_id: str, verb: Verb) -> CommandError:
    advice = f"see `regreen show {workflow_id}`"
    if verb is Verb.RETRY:
        advice = "re-run the failed run on GitHub to start another remediation"
    return CommandError(f"{workflow_id} has ended; {advice}", ExitStatus.FAILED)


def _workflow_id(target: str) -> str:
    triple = _TRIPLE.fullmatch(target)
    named = (
        naming.parse_remediation_id(target)
        or naming.parse_run_url(target)
        or ((triple[1], int(triple[2])) if triple else None)
    )
    if named is None:
        raise CommandError(
            "name a run as owner/repo/run_id, as its web address, or by its workflow id; "
            "`regreen list` shows them",
            ExitStatus.USAGE,
        )
    return naming.remediation_id(*named)


def _own_name() -> str:
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


def _ask(question: Callable[[Remediations], Coroutine[Any, Any, T]]) -> T:
    async def connect_and_ask() -> T:
        return await question(await open_remediations())

    return _run(connect_and_ask)


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return asyncio.run(work())
    except ConfigurationError as error:
        raise CommandError(str(error), ExitStatus.USAGE) from error
    except TemporalUnreachableError as error:
        raise CommandError(str(error), ExitStatus.UNREACHABLE) from error
    except (SearchAttributesError, PayloadKeyError) as error:
        raise CommandError(str(error), ExitStatus.FAILED) from error
    except RemediationNotFoundError as error:
        raise CommandError(
            f"there is no remediation {error}; `regreen list` shows them", ExitStatus.NOT_FOUND
        ) from error


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # It logs each address, and that of a job's log holds a signature which lets anybody fetch it for a while.
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def _print_json(content: Any) -> None:
    # escaped to ASCII: hostile text cannot speak to the terminal
    typer.echo(json.dumps(content, indent=2))
