"""`regreen cleanup`: takes away what ended remediations and simulations have left at GitHub."""

import asyncio
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

import typer

import worker
from activities.errors import AdapterError
from activities.publishing.own_branches import OwnBranch, OwnBranches
from starter import terminal
from starter.commands.running import checked_repository, print_json, run
from starter.exits import CommandError, ExitStatus
from starter.remediations import (
    Overview,
    RemediationNotFoundError,
    Remediations,
    open_remediations,
)
from workflows import naming
from workflows.configuration import load
from workflows.models import RemediationResult, State

_MOST: Final = 1_000
_ENDING_SECONDS: Final = 20.0
"""A remediation ends within this time after its pull request was closed, if its webhook arrives."""
_LOOK_SECONDS: Final = 0.5


class Action(StrEnum):
    """What is done with a branch."""

    KEEP = "keep"
    DELETE = "delete"
    CLOSE_AND_DELETE = "close and delete"
    """Its pull request is closed first; the branch goes when the remediation has ended."""


@dataclasses.dataclass(frozen=True)
class Item:
    """One branch, what is to be done with it, and why."""

    repository: str
    branch: str
    tip: str
    action: Action
    why: str
    pull_request: int | None = None
    """The open one that is closed."""
    workflow_id: str = ""
    """The remediation that must end before the branch is deleted; empty where that is not waited for."""
    done: str = ""
    """What became of it; empty while nothing did."""


def clean_up(repository: str | None, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """List what can go, ask, and take it away."""
    checked_repository(repository)
    if as_json and not (yes or dry_run):
        raise CommandError("nobody is there to confirm; add --yes or --dry-run", ExitStatus.USAGE)
    return run(lambda: _clean_up(repository, dry_run=dry_run, yes=yes, as_json=as_json))


async def _clean_up(repository: str | None, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    settings = load(worker.WorkerSettings, role="publisher")
    remediations = await open_remediations()
    try:
        async with worker.own_branches(settings) as branches:
            names = [repository] if repository else await _repositories(remediations)
            items = [item for name in names for item in await _plan(remediations, branches, name)]
            wanted = [item for item in items if item.action is not Action.KEEP]
            if not as_json:
                for line in listing(items):
                    typer.echo(line)
            if wanted and not dry_run:
                _confirm(wanted, yes=yes)
                kept = [item for item in items if item.action is Action.KEEP]
                items = [await _carry_out(remediations, branches, item) for item in wanted]
                for item in () if as_json else items:
                    typer.echo(terminal.plain(f"{item.repository} {item.branch}: {item.done}"))
                items += kept
    except AdapterError as error:
        said = f"{error}; `regreen check --only github` looks at the access"
        raise CommandError(said, ExitStatus.FAILED) from error
    if as_json:
        print_json([dataclasses.asdict(item) for item in items])
    return ExitStatus.DONE


def _confirm(wanted: Sequence[Item], *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("nobody is there to confirm; add --yes, or --dry-run", ExitStatus.USAGE)
    typer.confirm(f"Take {len(wanted)} away?", abort=True)


def listing(items: Sequence[Item]) -> Iterator[str]:
    """A line for each branch."""
    if not items:
        yield "No branches of Regreen's."
    for item in sorted(items, key=lambda item: (item.action is Action.KEEP, item.repository, item.branch)):
        yield terminal.hanging(f"{item.action:<17} ", f"{item.repository} {item.branch}: {item.why}")


async def _repositories(remediations: Remediations) -> list[str]:
    found = await remediations.recent(limit=_MOST, open_only=False)
    return sorted({overview.repository for overview in found if overview.repository})


# ── what is to be done ──────────────────────────────────────────────────────────────────────────────────────


async def _plan(remediations: Remediations, branches: OwnBranches, repository: str) -> list[Item]:
    found = await branches.find(repository)
    items = []
    for branch in found:
        run_id = naming.parse_fix_branch(branch.name)
        if run_id is None:
            continue
        try:
            known = await remediations.outcome(naming.remediation_id(repository, run_id))
        except RemediationNotFoundError:
            known = None
        items.append(judge_fix(repository, branch, known))
    simulated = [branch for branch in found if naming.is_simulation_branch(branch.name)]
    if simulated:
        running = await remediations.recent(limit=_MOST, open_only=True, repository=repository)
        going = {item.workflow_id for item in items if item.action is Action.CLOSE_AND_DELETE}
        items += [judge_simulation(repository, branch, running, going) for branch in simulated]
    return items


def judge_fix(
    repository: str, branch: OwnBranch, known: tuple[Overview, RemediationResult | None] | None
) -> Item:
    """What is to be done with a fix branch.

    It goes only where its remediation has ended and says that the branch's tip is what it published, and
    nobody needs it any more. Whatever is not known is a reason to keep it.

    Args:
        repository: Where it is.
        branch: The branch as it stands, with its pull requests.
        known: What Temporal knows of the remediation that its name names; None where it knows none.
    """
    item = Item(repository, branch.name, branch.tip, Action.KEEP, "")
    if known is None:
        return dataclasses.replace(item, why="Temporal knows no remediation of it, or not any more")
    overview, result = known
    opened = next((each.number for each in branch.pull_requests if each.state == "open"), None)
    simulated = naming.is_simulation_branch(overview.branch) and opened in {None, overview.pull_request}
    if overview.open:
        if not simulated or opened is None or overview.state != State.WATCHING_MERGE:
            return dataclasses.replace(item, why=f"its remediation is under way ({overview.state})")
        item = dataclasses.replace(item, workflow_id=overview.workflow_id)
    elif not _published(result, branch.tip):
        return dataclasses.replace(item, why="its commit is not what its remediation published")
    if opened is None:
        return dataclasses.replace(item, action=Action.DELETE, why=_end_of(branch))
    if not simulated:
        return dataclasses.replace(item, why=f"its pull request #{opened} is open")
    why = f"simulated; closes #{opened}"
    return dataclasses.replace(item, action=Action.CLOSE_AND_DELETE, why=why, pull_request=opened)


def _published(result: RemediationResult | None, tip: str) -> bool:
    return result is not None and result.fix_head_sha == tip


def _end_of(branch: OwnBranch) -> str:
    newest = next(iter(branch.pull_requests), None)
    if newest is None:
        return "its remediation has ended, without a pull request"
    return f"#{newest.number} is {'merged' if newest.merged else 'closed'}"


def judge_simulation(
    repository: str, branch: OwnBranch, running: Sequence[Overview], going: set[str]
) -> Item:
    """What is to be done with a branch that was broken on purpose.

    Args:
        repository: Where it is.
        branch: The branch as it stands.
        running: The repository's open remediations.
        going: Workflow ids of those that end because their pull request is closed now.
    """
    waiting = [each.workflow_id for each in running if each.branch == branch.name]
    others = [each for each in waiting if each not in going]
    if naming.SIMULATION_TRAILER not in branch.message.splitlines():
        action, why = Action.KEEP, "its commit was not made by a simulation"
    elif others:
        action, why = Action.KEEP, f"{others[0]} is under way"
    else:
        action, why = Action.DELETE, "simulated"
    return Item(repository, branch.name, branch.tip, action, why, workflow_id=next(iter(waiting), ""))


# ── doing it ────────────────────────────────────────────────────────────────────────────────────────────────


async def _carry_out(remediations: Remediations, branches: OwnBranches, item: Item) -> Item:
    said = []
    if item.pull_request is not None:
        await branches.close(item.repository, item.pull_request)
        said.append(f"#{item.pull_request} closed")
    kept = await _why_not_yet(remediations, item)
    if kept:
        said.append(f"kept: {kept}")
    elif await branches.delete(item.repository, item.branch, item.tip):
        said.append("deleted")
    else:
        said.append("kept: it has moved meanwhile")
    return dataclasses.replace(item, done=", ".join(said))


async def _why_not_yet(remediations: Remediations, item: Item) -> str:
    """Why a branch whose remediation was open has to stay; empty where it may go."""
    if not item.workflow_id:
        return ""
    if not await _has_ended(remediations, item.workflow_id):
        return "its remediation has not ended yet; run this again later"
    _, result = await remediations.outcome(item.workflow_id)
    if naming.parse_fix_branch(item.branch) is not None and not _published(result, item.tip):
        return "its commit is not what its remediation published"
    return ""


async def _has_ended(remediations: Remediations, workflow_id: str) -> bool:
    deadline = asyncio.get_running_loop().time() + _ENDING_SECONDS
    while (await remediations.overview(workflow_id)).open:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True
