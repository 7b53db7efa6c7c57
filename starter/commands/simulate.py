"""`regreen simulate`: a failure that is caused on purpose, and the remediation of it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import typer
from pydantic import BaseModel, SecretStr

from starter import terminal
from starter.commands.monitor import follow_to_outcome
from starter.commands.running import checked_repository, own_name, print_json, run
from starter.exits import CommandError, ExitStatus
from starter.following import Happening, Kind
from starter.remediations import RemediationNotFoundError, Remediations, open_remediations
from starter.webhook import Verb
from workflows import naming
from workflows.configuration import load
from workflows.models import REASON_SENTENCES, Order, Outcome, RemediationResult, Status

if TYPE_CHECKING:
    from activities.publishing.simulation import Broken, Simulator
    from localhub.scenarios import Scenario

_CI_SECONDS: Final = 1_800.0
"""GitHub may let a run wait for a machine."""
_START_SECONDS: Final = 90.0
"""From the end of the failed run until its webhook has started a remediation."""
_LOOK_SECONDS: Final = 2.0


class Simulated(BaseModel):
    """How a simulation went."""

    scenario: str
    repository: str
    branch: str
    run: str
    """The failed run's web address."""
    workflow_id: str
    outcome: str
    because: str
    """The outcome's reason in words."""
    promised: str
    attempts: int
    pull_request: str | None
    as_promised: bool


def simulate_here(scenario: str, *, keep: bool, as_json: bool, faults: str = "") -> int:
    """Play a scenario against a GitHub on this machine, and all that belongs to it; its exit status."""
    try:
        from localhub.demo import run as play  # noqa: PLC0415 — only this needs what it imports
    except ModuleNotFoundError as error:
        raise CommandError(
            f"a simulation here needs {error.name}: install regreen with its extra `demo`", ExitStatus.FAILED
        ) from error
    return play(scenario, keep=keep, json=as_json, faults=faults)


def simulate_at(name: str, repository: str, *, credential_from: str, yes: bool, as_json: bool) -> int:
    """Break a branch of a repository at GitHub, and follow its remediation; the exit status."""
    from localhub.scenarios import SCENARIOS, scenario  # noqa: PLC0415 — of no use to any other command

    checked_repository(repository)
    chosen = scenario(name)
    if chosen is None:
        names = ", ".join(one.name for one in SCENARIOS)
        raise CommandError(f"there is no scenario {name}; there are {names}", ExitStatus.USAGE)
    token = os.environ.get(credential_from, "").strip()
    if not token:
        raise CommandError(
            f"{credential_from} is not set: it holds the token of somebody who may push to {repository}, "
            "workflow files too; --token-from names another variable",
            ExitStatus.USAGE,
        )
    branch = naming.simulation_branch(chosen.name, datetime.now(UTC))
    if not yes:
        _confirm(repository, branch, as_json=as_json)
    done = run(lambda: _simulate(chosen, repository, branch, SecretStr(token), quiet=as_json))
    if as_json:
        print_json(done.model_dump())
    else:
        for line in _summary(done):
            typer.echo(terminal.plain(line))
    return ExitStatus.DONE if done.as_promised else ExitStatus.FAILED


def _confirm(repository: str, branch: str, *, as_json: bool) -> None:
    if as_json:
        raise CommandError("nobody is there to confirm; add --yes", ExitStatus.USAGE)
    typer.echo(f"Pushes the branch {branch} to {repository}, with a workflow that fails there, and lets")
    typer.echo(f"Regreen repair it. `regreen cleanup --repo {repository}` takes everything away again.")
    typer.confirm("Go on?", abort=True)


def _summary(done: Simulated) -> list[str]:
    lines = [f"Outcome       {done.outcome}, attempts: {done.attempts}", f"Because       {done.because}"]
    if done.pull_request:
        lines.append(f"Pull request  {done.pull_request}")
    if not done.as_promised:
        lines.append(f"Not as promised: {done.promised} was expected; `regreen show {done.workflow_id}`")
    lines.append(f"Clean up      regreen cleanup --repo {done.repository}")
    return lines


async def _simulate(
    chosen: "Scenario", repository: str, branch: str, token: SecretStr, *, quiet: bool
) -> Simulated:
    import worker  # noqa: PLC0415 — only what reads GitHub needs what this imports
    from activities.errors import AdapterError  # noqa: PLC0415 — likewise

    remediations = await open_remediations()
    settings = load(worker.WorkerSettings, role="analyst")
    say: Callable[[str], None] = (lambda _: None) if quiet else typer.echo
    try:
        async with worker.simulating(settings, token) as simulator:
            broken = await _break(simulator, chosen, repository, branch, say)
    except AdapterError as error:
        raise CommandError(f"{repository} cannot be broken: {error}", ExitStatus.FAILED) from error
    say(f"CI is red     {broken.url}")
    workflow_id = naming.remediation_id(repository, broken.run_id)
    await _started(remediations, workflow_id, repository)
    with nullcontext(terminal.Steps(quiet=True)) if quiet else terminal.Steps(to_stdout=True) as steps:
        teller = _Approving(remediations, workflow_id, steps, approves=chosen.approval)
        outcome = await follow_to_outcome(remediations, workflow_id, teller)
        await teller.finish()
    details = await remediations.details(workflow_id)
    known = details.result or details.status
    attempts = len(known.attempts) if known else 0
    pull_request = known.pull_request if known else None
    as_promised = outcome == chosen.outcome and (
        outcome == Outcome.NEEDS_HUMAN or attempts == chosen.attempts
    )
    return Simulated(
        scenario=chosen.name,
        repository=repository,
        branch=branch,
        run=broken.url,
        workflow_id=workflow_id,
        outcome=outcome or details.overview.temporal_status,
        because=because(known),
        promised=chosen.outcome,
        attempts=attempts,
        pull_request=pull_request.url if pull_request else None,
        as_promised=as_promised,
    )


def because(known: RemediationResult | Status | None) -> str:
    """Why it came to its outcome."""
    if known is None or known.reason is None:
        return ""
    return " ".join(filter(None, (REASON_SENTENCES[known.reason], known.detail)))


async def _break(
    simulator: "Simulator",
    chosen: "Scenario",
    repository: str,
    branch: str,
    say: Callable[[str], None],
) -> "Broken":
    from localhub.scenarios import elsewhere  # noqa: PLC0415 — of no use to any other command

    green, breaking = (
        elsewhere(files, f"{naming.SIMULATION_FAMILY}/**", chosen.install)
        for files in (chosen.files, chosen.breaking)
    )
    sha = await simulator.break_branch(repository, branch, green, breaking, chosen.message)
    say(f"Pushed        {branch} at {sha[:10]}")
    async for _ in _looks(_CI_SECONDS):
        found = await simulator.ended_run(repository, sha)
        if found is not None:
            if found.failed:
                return found
            raise CommandError(f"{found.url} should have failed, but did not", ExitStatus.FAILED)
    raise CommandError(
        f"no run of {branch} has ended within {_CI_SECONDS / 60:.0f} minutes; are Actions enabled there?",
        ExitStatus.FAILED,
    )


async def _started(remediations: Remediations, workflow_id: str, repository: str) -> None:
    async for _ in _looks(_START_SECONDS):
        try:
            await remediations.overview(workflow_id)
        except RemediationNotFoundError:
            continue
        return
    raise CommandError(
        f"no remediation has started; `regreen check --repo {repository}` says why, "
        f"and `regreen start {workflow_id}` starts it",
        ExitStatus.FAILED,
    )


class _Approving:
    """Shows steps, and approves the patch where the scenario has one that needs it."""

    def __init__(
        self, remediations: Remediations, workflow_id: str, steps: terminal.Steps, *, approves: bool
    ) -> None:
        self._remediations = remediations
        self._workflow_id = workflow_id
        self._steps = steps
        self._approves = approves
        self._approval: asyncio.Task[None] | None = None

    def show(self, happening: Happening) -> None:
        """Show one happening."""
        self._steps.show(happening)
        if self._approves and self._approval is None and happening.kind is Kind.WAITING:
            self._approval = asyncio.create_task(self._approve())

    async def _approve(self) -> None:
        async for _ in _looks(_START_SECONDS):
            status = await self._remediations.status(self._workflow_id)
            if status is not None and status.question is not None:
                order = Order(by=own_name(), question=status.question)
                await self._remediations.order(self._workflow_id, Verb.APPROVE, order)
                return

    async def finish(self) -> None:
        """Wait for the order; what went wrong with it is raised here."""
        if self._approval is not None:
            await self._approval


async def _looks(seconds: float) -> AsyncIterator[None]:
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        yield
        await asyncio.sleep(_LOOK_SECONDS)
