"""`regreen simulate` on this machine: a real red CI run, made green before your eyes."""

import asyncio
import contextlib
import json as jsonlib
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel
from rich.console import Console, Group
from rich.live import Live
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from localhub.faults import Faults, FaultsError, read_faults
from localhub.model_api.demo import model_settings, speaking
from localhub.records import Run
from localhub.scenarios import SCENARIOS, Scenario, scenario
from localhub.stage import REPOSITORY, Stage, StageError, beside_python
from workflows import narration
from workflows.models import REASON_SENTENCES, Order, Outcome, RemediationResult, State, Status
from workflows.naming import remediation_id
from workflows.remediation import RemediationWorkflow

PATIENCE_SECONDS: Final = 180.0
"""A scenario that takes longer than this has failed; the slowest needs about ten seconds."""
SKIPPED: Final = 77
"""Exit status where a tool the scenario needs is absent, as automake's test drivers use it."""
_LOOK_SECONDS: Final = 0.1
_FAILED_PROMISE: Final = 1
_USAGE: Final = 2
_INTERRUPTED: Final = 130

_STEPS: Final = (
    (State.TRIAGE, "look at the run"),
    (State.EVIDENCE, "read the logs"),
    (State.DIAGNOSIS, "find the cause"),
    (State.PATCHING, "make and prove a patch"),
    (State.AWAITING_APPROVAL, "wait for approval"),
    (State.PUBLISHING, "open the pull request"),
    (State.AWAITING_CI, "wait for CI on the fix"),
    (State.REPORTING, "report"),
)


class Summary(BaseModel):
    """What the demo prints as JSON: how the scenario went."""

    scenario: str
    outcome: str
    attempts: int = 0
    strategy: str | None = None
    failure_class: str | None = None
    workflow_id: str | None = None
    pull_request: str | None = None
    fix_head_sha: str | None = None
    time_to_pull_request_s: float | None = None
    time_to_green_s: float | None = None
    history_events: int | None = None
    faults_injected: int = 0


Handle = WorkflowHandle[RemediationWorkflow, RemediationResult]


def run(name: str, *, keep: bool = False, json: bool = False, faults: str = "") -> int:
    """Play the scenario `name` ("list" names them all); the exit status.

    Args:
        name: A scenario's name.
        keep: Leave everything running until Ctrl-C.
        json: Print one JSON object as the last line; progress then goes to standard error.
        faults: What goes wrong at the local GitHub: rules, or a file that holds them.
    """
    console = Console(stderr=json, highlight=False)
    if name == "list":
        _list(Console(highlight=False), json=json)
        return 0
    chosen = scenario(name)
    if chosen is None:
        names = ", ".join(one.name for one in SCENARIOS)
        console.print(Text(f"There is no scenario {name!r}. There are: {names}.", style="red"))
        return _USAGE
    try:
        wrong = read_faults(faults) if faults else Faults()
    except FaultsError as error:
        console.print(Text(str(error), style="red"))
        return _USAGE
    try:
        return asyncio.run(_Demo(chosen, console, keep=keep, json=json, faults=wrong).play())
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Interrupted; everything is stopped and removed.")
        return _INTERRUPTED
    except StageError as error:
        console.print(Text(str(error), style="red"))
        return _FAILED_PROMISE


def _list(console: Console, *, json: bool) -> None:
    if json:
        console.print(jsonlib.dumps([{"scenario": one.name, "shows": one.shows} for one in SCENARIOS]))
        return
    table = Table("SCENARIO=", "shows", box=None, pad_edge=False)
    for one in SCENARIOS:
        table.add_row(one.name, Text(one.shows))
    console.print(table)


class _Demo:
    def __init__(self, chosen: Scenario, console: Console, *, keep: bool, json: bool, faults: Faults) -> None:
        self._scenario = chosen
        self._console = console
        self._keep = keep
        self._json = json
        self._faults = faults
        self._approved_with: str | None = None

    async def play(self) -> int:
        _cancel_on_sigterm()
        tool = self._scenario.tool
        if tool is not None and shutil.which(tool) is None:
            self._console.print(f"Skipped: the scenario {self._scenario.name} needs {tool} on PATH.")
            self._print_json(Summary(scenario=self._scenario.name, outcome="skipped"))
            return SKIPPED
        self._console.print(Text(f"{self._scenario.name}: {self._scenario.shows}", style="bold"))
        async with contextlib.AsyncExitStack() as stack:
            with self._console.status("Starting Temporal, a local GitHub, the worker and the starter …"):
                settings = await stack.enter_async_context(model_settings()) if self._scenario.model else {}
                stage = await stack.enter_async_context(Stage(faults=self._faults, settings=settings))
            return await self._on(stage)

    async def _on(self, stage: Stage) -> int:
        self._console.print(f"Temporal Web UI  {stage.ui}\nLocal GitHub     {stage.hub.url}/{REPOSITORY}")
        failed = await self._break_ci(stage)
        workflow_id = remediation_id(REPOSITORY, failed.id)
        handle = stage.client.get_workflow_handle_for(RemediationWorkflow.run, workflow_id)
        link = f"{stage.ui}/namespaces/{stage.client.namespace}/workflows/{quote(workflow_id, safe='')}"
        if self._scenario.model:
            self._console.print(f"Model            {speaking()}")
        self._console.print(f"CI is red        {stage.hub.url}/{REPOSITORY}/actions/runs/{failed.id}")
        self._console.print(f"Remediation      {link}", soft_wrap=True)
        status = await self._watch(stage, handle)
        summary = await self._summarise(handle, status)
        broken = self._broken_promises(stage, status)
        self._show_end(status, summary, broken)
        if self._keep:
            self._console.print(f"\nEverything keeps running: {link}\nPress Ctrl-C to stop and remove it.")
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        self._print_json(summary)
        return _FAILED_PROMISE if broken else 0

    async def _break_ci(self, stage: Stage) -> Run:
        """Push a green repository, then the commit that breaks it; the failed run."""
        hub = stage.hub
        with self._console.status("Pushing a repository whose CI is green …"):
            await hub.commit(REPOSITORY, "main", self._scenario.files, "Start", author="dev")
            await hub.idle()
        with self._console.status("Pushing the commit that breaks it …"):
            sha = await hub.commit(
                REPOSITORY, "main", self._scenario.breaking, self._scenario.message, author="dev"
            )
            async for _ in _Looks("the broken commit's run to end"):
                run = next(
                    (one for one in hub.repository(REPOSITORY).runs.values() if one.head.sha == sha), None
                )
                if run is not None and run.latest.conclusion is not None:
                    break
        if run is None or run.latest.conclusion != "failure":
            raise StageError("the scenario's run should have failed, but did not")
        return run

    async def _watch(self, stage: Stage, handle: Handle) -> Status:
        started = time.monotonic()
        progress = _Progress(self._console)
        with progress:
            async for _ in _Looks("the remediation to end"):
                stage.check("worker")
                stage.check("starter")
                status = await _status(handle)
                if status is None:
                    continue
                progress.show(status, time.monotonic() - started)
                if status.question is not None and self._approved_with is None:
                    await self._approve(stage, handle, status.question)
                if status.outcome is not None and status.state in {State.WATCHING_MERGE, State.DONE}:
                    break
        return status or Status(state=State.TRIAGE)

    async def _approve(self, stage: Stage, handle: Handle, question: str) -> None:
        if not self._scenario.approval:
            return
        order = Order(by="demo", question=question)
        self._approved_with = narration.signal_command(handle.id, "approve", order)
        process = await asyncio.create_subprocess_exec(
            str(beside_python("temporal")),
            *("workflow", "signal", "--address", stage.address, "--workflow-id", handle.id),
            *("--name", "approve", "--input", order.model_dump_json(exclude_none=True)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, complaint = await process.communicate()
        if process.returncode:
            raise StageError(f"the signal was not taken: {complaint.decode(errors='replace').strip()}")
        self._console.print(
            Text(f"Approved with    {self._approved_with} --address {stage.address}"), soft_wrap=True
        )

    async def _summarise(self, handle: Handle, status: Status) -> Summary:
        described = await handle.describe()
        opened, green = status.pull_request_opened_at, status.green_at
        last = status.attempts[-1] if status.attempts else None
        return Summary(
            scenario=self._scenario.name,
            outcome=status.outcome or "none",
            attempts=len(status.attempts),
            strategy=last.strategy if last else None,
            failure_class=status.diagnosis.failure_class if status.diagnosis else None,
            workflow_id=handle.id,
            pull_request=status.pull_request.url if status.pull_request else None,
            fix_head_sha=status.fix_head_sha,
            time_to_pull_request_s=_seconds(described.start_time, opened),
            time_to_green_s=_seconds(described.start_time, green),
            history_events=described.history_length,
            faults_injected=len(self._faults.injected),
        )

    def _broken_promises(self, stage: Stage, status: Status) -> list[str]:
        """What is not as the scenario promises, by what the local GitHub itself says."""
        repository = stage.hub.repository(REPOSITORY)
        pulls = list(repository.pulls.values())
        promises: list[tuple[str, object, object]] = [
            ("outcome", status.outcome, self._scenario.outcome),
            ("attempts", len(status.attempts), self._scenario.attempts)
            if self._scenario.outcome is not Outcome.NEEDS_HUMAN
            else ("published attempts", sum(one.commit_sha is not None for one in status.attempts), 0),
            ("pull requests", len(pulls), 1 if self._scenario.outcome is Outcome.FIXED else 0),
            ("approval", self._approved_with is not None, self._scenario.approval),
        ]
        if self._scenario.outcome is Outcome.FIXED:
            verdicts = [
                run.latest.conclusion
                for run in repository.runs.values()
                if run.head.sha == status.fix_head_sha
            ]
            promises.append(("CI on the fix", sorted(set(map(str, verdicts))), ["success"]))
        return [
            f"{what}: {found}, promised {promised}" for what, found, promised in promises if found != promised
        ]

    def _show_end(self, status: Status, summary: Summary, broken: list[str]) -> None:
        console = self._console
        table = Table(box=None, show_header=False, pad_edge=False)
        reason = f" — {REASON_SENTENCES[status.reason]}" if status.reason else ""
        table.add_row(
            "Outcome", Text(f"{summary.outcome}{reason}", style="bold green" if not broken else "bold red")
        )
        if status.diagnosis is not None:
            table.add_row(
                "What broke", Text(f"{status.diagnosis.root_cause} ({status.diagnosis.failure_class})")
            )
        if status.detail:
            table.add_row("Detail", Text(status.detail))
        for record in status.attempts:
            table.add_row(
                f"Attempt {record.number}",
                Text(f"{record.recipe or record.strategy or 'no repair'}, CI: {record.ci or 'not asked'}"),
            )
        if summary.pull_request:
            table.add_row("Pull request", Text(summary.pull_request))
        if summary.time_to_green_s is not None and summary.time_to_pull_request_s is not None:
            text = (
                f"{summary.time_to_green_s:.1f} s (pull request after {summary.time_to_pull_request_s:.1f} s)"
            )
            table.add_row("Time to green", text)
        if status.model_calls:
            table.add_row("Model", f"{status.model_calls} calls, {narration.cost(status.cost_usd)}")
        table.add_row("History", f"{summary.history_events} events")
        if self._faults.injected:
            counted = Counter(answer for _, _, answer in self._faults.injected)
            table.add_row("Faults", ", ".join(f"{times} of {what}" for what, times in counted.most_common()))
        console.print()
        console.print(table)
        if status.proposal is not None and status.proposal.diff:
            console.print(Syntax(status.proposal.diff, "diff", theme="ansi_dark", background_color="default"))
        for promise in broken:
            console.print(Text(f"Not as promised: {promise}", style="red"))

    def _print_json(self, summary: Summary) -> None:
        if self._json:
            print(summary.model_dump_json())  # noqa: T201 — the last line on standard output is the result


class _Progress:
    """The steps with the one at work, live on a terminal, a line each elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, refresh_per_second=8, transient=False) if console.is_terminal else None
        )
        self._seen: list[State] = []
        self._said: tuple[State, int] | None = None

    def __enter__(self) -> None:
        if self._live is not None:
            self._live.start()

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, status: Status, elapsed: float) -> None:
        if status.state not in self._seen:
            self._seen.append(status.state)
        attempt = f"attempt {status.attempt} of {status.attempts_allowed}" if status.attempt else ""
        if self._live is not None:
            self._live.update(Group(self._table(status), Text(f"{elapsed:5.1f} s  {attempt}", style="dim")))
        elif (status.state, status.attempt) != self._said:
            self._said = (status.state, status.attempt)
            self._console.print(f"{elapsed:5.1f} s  {status.state:<18} {attempt}".rstrip())

    def _table(self, status: Status) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False)
        for state, words in _STEPS:
            if state is status.state:
                table.add_row("▶", Text(words, style="bold yellow"))
            elif state in self._seen:
                table.add_row("✓", Text(words, style="green"))
            elif state is not State.AWAITING_APPROVAL:
                table.add_row(" ", Text(words, style="dim"))
        return table


async def _status(handle: Handle) -> Status | None:
    try:
        return await handle.query(RemediationWorkflow.status)
    except RPCError:
        return None  # not started yet, or its first task is not done


class _Looks:
    """Ever again, with a pause between, until patience ends in a `StageError` that says for what."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._deadline = time.monotonic() + PATIENCE_SECONDS
        self._first = True

    def __aiter__(self) -> "_Looks":
        return self

    async def __anext__(self) -> None:
        if time.monotonic() > self._deadline:
            raise StageError(f"waited {PATIENCE_SECONDS:.0f} s for {self._what}")
        if not self._first:
            await asyncio.sleep(_LOOK_SECONDS)
        self._first = False


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if end is not None else None


def _cancel_on_sigterm() -> None:
    task = asyncio.current_task()
    stop: Callable[[], object] = task.cancel if task else lambda: None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
