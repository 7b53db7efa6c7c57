"""`regreen approve`, `reject`, `retry`, `stop`, `pause`, `resume` and `explain`: a human's orders."""

import sys

import typer

from starter import terminal
from starter.commands.running import ask, own_name, print_json
from starter.exits import CommandError, ExitStatus
from starter.remediations import RemediationEndedError, Remediations
from starter.targets import Target, parse_target
from starter.webhook import Verb, order_payload


def answer(verb: Verb, text: str, *, question: str | None, by: str | None, yes: bool, as_json: bool) -> None:
    """Send `approve` or `reject`; without a question, the pending one is shown and confirmed."""
    target = parse_target(text)
    asked = question or _pending_question(target, verb, yes=yes, as_json=as_json)
    _send(verb, target, argument=asked, by=by, as_json=as_json)


def order(verb: Verb, text: str, *, argument: str | None = None, by: str | None, as_json: bool) -> None:
    """Send a human's order."""
    _send(verb, parse_target(text), argument=argument, by=by, as_json=as_json)


def _send(verb: Verb, target: Target, *, argument: str | None, by: str | None, as_json: bool) -> None:
    payload = order_payload(verb, by=by or own_name(), argument=argument)

    async def send(remediations: Remediations) -> str:
        workflow_id = await remediations.find(target)
        await remediations.order(workflow_id, verb, payload)
        return workflow_id

    try:
        workflow_id = ask(send)
    except RemediationEndedError as error:
        raise _ended(str(error), verb) from error
    if as_json:
        given = payload.model_dump(mode="json", exclude_none=True)
        print_json({"workflow_id": workflow_id, "order": verb, **given})
    else:
        typer.echo(f"{verb} sent to {workflow_id}")


def _pending_question(target: Target, verb: Verb, *, yes: bool, as_json: bool) -> str:
    details = ask(lambda remediations: remediations.details_of(target))
    status = details.status
    if not details.overview.open:
        raise _ended(details.overview.workflow_id, verb)
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
        if status.proposal is not None and not as_json:
            reasons = status.verdict.reasons if status.verdict is not None else ()
            terminal.console().print(terminal.proposal_text(status.proposal, reasons))
        if as_json or not sys.stdin.isatty():
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
