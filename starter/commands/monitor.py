"""`regreen monitor`: open remediations as they change, or one step by step."""

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import aclosing, nullcontext
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from rich.live import Live
from temporalio.service import RPCError, RPCStatusCode

from starter import terminal
from starter.commands.running import ask, checked_repository, print_json
from starter.exits import CommandError, ExitStatus
from starter.following import Happening, Kind, follow
from starter.remediations import Overview, RemediationNotFoundError, Remediations
from starter.targets import Target, parse_target
from workflows.connection import TemporalUnreachableError

_LOOK_SECONDS: Final = 2.0
_MOST: Final = 200


def monitor(text: str | None, repository: str | None, *, as_json: bool) -> None:
    """Show what changes, until Ctrl-C; one remediation until its outcome is known."""
    checked_repository(repository)
    if text is not None and repository is not None:
        raise CommandError("give a RUN or --repo, not both", ExitStatus.USAGE)
    if text is None:
        ask(lambda remediations: _watch(remediations, repository, as_json=as_json))
    else:
        target = parse_target(text)
        ask(lambda remediations: _follow(remediations, target, as_json=as_json))


async def _follow(remediations: Remediations, target: Target, *, as_json: bool) -> None:
    workflow_id = await remediations.find(target)
    is_open = (await remediations.overview(workflow_id)).open
    with nullcontext(_JsonLines()) if as_json else terminal.Steps(to_stdout=True) as steps:
        await follow_to_outcome(remediations, workflow_id, steps, to_the_end=not is_open)


class Teller(Protocol):
    """Shows happenings."""

    def show(self, happening: Happening) -> None:
        """Show one."""


class _JsonLines:
    def show(self, happening: Happening) -> None:
        shown = dataclasses.asdict(happening) | {"at": happening.at.isoformat()}
        print_json(shown, indent=None)


async def follow_to_outcome(
    remediations: Remediations, workflow_id: str, steps: Teller, *, to_the_end: bool = False
) -> str:
    """Show every step until the outcome is known, which is returned; empty where there is none.

    A green fix is watched for two weeks more, which nobody waits for; `to_the_end` does.

    Raises:
        RemediationNotFoundError: There is none of this id.
        TemporalUnreachableError: Temporal does not answer any more.
    """
    outcome = ""
    try:
        async with aclosing(follow(remediations.client, workflow_id)) as happenings:
            async for happening in happenings:
                steps.show(happening)
                outcome = happening.text if happening.kind is Kind.OUTCOME else outcome
                if outcome and not to_the_end:
                    break
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise RemediationNotFoundError(workflow_id) from error
        raise TemporalUnreachableError(f"Temporal does not answer any more: {error}") from error
    return outcome


async def _watch(remediations: Remediations, repository: str | None, *, as_json: bool) -> None:
    known: dict[str, Overview] = {}
    since = datetime.now(UTC)
    console = terminal.console()
    with (
        Live(console=console, auto_refresh=False)
        if console.is_terminal and not as_json
        else nullcontext() as live
    ):
        while True:
            found = await remediations.recent(limit=_MOST, open_only=False, repository=repository)
            shown = [each for each in found if _is_news(each, since)]
            if live is not None:
                live.update(
                    terminal.watched_table(shown, datetime.now(UTC), width=console.width), refresh=True
                )
            for each in changed(known, shown) if live is None else ():
                _print(each, as_json=as_json)
            known = {each.workflow_id: each for each in shown}
            await asyncio.sleep(_LOOK_SECONDS)


def _is_news(overview: Overview, since: datetime) -> bool:
    """Whether it is open, or has ended while it was watched."""
    return overview.open or (overview.closed_at is not None and overview.closed_at >= since)


def changed(known: dict[str, Overview], found: Sequence[Overview]) -> Iterator[Overview]:
    """Those that are new or not as they were, the oldest first."""
    return (each for each in reversed(found) if known.get(each.workflow_id) != each)


def _print(overview: Overview, *, as_json: bool) -> None:
    if as_json:
        content: dict[str, Any] = overview.model_dump(mode="json")
        print_json(content, indent=None)
    else:
        terminal.console().print(terminal.overview_line(overview, datetime.now(UTC)))
