"""How long from the webhook to the open fix pull request, beside the same number of no-op activities.

Run by `make bench`. Every number is taken in one run on one machine, so that the ratios mean something
wherever it runs.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
import uuid
from datetime import timedelta
from typing import Final, NamedTuple

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from localhub.scenarios import scenario
from localhub.stage import REPOSITORY, Stage
from workflows.models import Outcome, Status
from workflows.naming import remediation_id
from workflows.remediation import RemediationWorkflow

STEPS_TO_PULL_REQUEST: Final = 8
"""Activities that finish before the pull request is open: read_run, collect_evidence, diagnose_failure,
propose_patch, judge_patch, write_commit, advance_fix_branch, open_pull_request."""
_PATIENCE_SECONDS: Final = 60.0


@activity.defn
async def do_nothing() -> None:
    """The baseline's whole work."""


@workflow.defn
class NoOperation:
    """As many activities as a remediation needs, one after the other, doing nothing."""

    @workflow.run
    async def run(self, count: int) -> None:
        """Call `do_nothing` `count` times."""
        for _ in range(count):
            await workflow.execute_activity(do_nothing, start_to_close_timeout=timedelta(seconds=10))


class Stopwatch:
    """When the local GitHub's API was at work: it is git processes mostly, and not Regreen's own time."""

    def __init__(self) -> None:
        self._busy: list[tuple[float, float]] = []

    def middleware(self) -> Middleware:
        """What the local GitHub is wrapped in."""
        return Middleware(_Timed, stopwatch=self)

    def note(self, start: float, end: float) -> None:
        """A request was answered between `start` and `end` (seconds since the epoch)."""
        self._busy.append((start, end))

    def seconds(self, start: float, end: float) -> float:
        """Seconds between `start` and `end` in which at least one request was being answered."""
        busy, reached = 0.0, start
        for first, last in sorted(self._busy):
            begun, ended = max(first, reached), min(last, end)
            if ended > begun:
                busy += ended - begun
                reached = ended
        return busy


class _Timed:
    def __init__(self, app: ASGIApp, stopwatch: Stopwatch) -> None:
        self._app = app
        self._stopwatch = stopwatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.time()
        await self._app(scope, receive, send)
        if scope["type"] == "http" and ".git/" not in scope["path"]:  # a fetch counts among the tools
            self._stopwatch.note(start, time.time())


class Sample(NamedTuple):
    """One remediation, in seconds."""

    total: float
    """Webhook to open pull request."""
    tools: float
    """Of that in git and ruff, in the worker."""
    github: float
    """Of that in the local GitHub's answers."""

    @property
    def own(self) -> float:
        """What is left: Regreen and Temporal."""
        return self.total - self.tools - self.github


async def remediation(stage: Stage, stopwatch: Stopwatch, number: int) -> Sample:
    """Break the scenario lint once."""
    lint = scenario("lint")
    if lint is None:
        raise LookupError("the scenario lint is gone")
    hub, repository = stage.hub, stage.hub.repository(REPOSITORY)
    files = {path: text.replace("[main]", '[main, "round-*"]') for path, text in lint.files.items()}
    await hub.commit(REPOSITORY, "main", {**files, "round.txt": f"{number}\n"}, "Start")
    await hub.idle()
    # A branch of its own: attempts at one failure of one branch are counted across its remediations.
    broken = {**lint.breaking, "broken.txt": f"{number}\n"}
    sha = await hub.commit(REPOSITORY, f"round-{number}", broken, lint.message, start="main")
    status = await _green(stage, sha)
    run = next(run for run in repository.runs.values() if run.head.sha == sha)
    heard = next(
        delivery.delivered_at
        for delivery in hub.deliveries(REPOSITORY)
        if delivery.event == "workflow_run"
        and delivery.action == "completed"
        and json.loads(delivery.body)["workflow_run"]["id"] == run.id
    )
    if status.pull_request is None or status.proposal is None:
        raise LookupError(f"no pull request: {status.outcome} {status.reason} {status.detail}")
    opened = repository.pulls[status.pull_request.number].created_at
    github = stopwatch.seconds(heard.timestamp(), opened.timestamp())
    return Sample((opened - heard).total_seconds(), status.proposal.tool_seconds, github)


async def _green(stage: Stage, sha: str) -> Status:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        run = next(
            (run for run in stage.hub.repository(REPOSITORY).runs.values() if run.head.sha == sha), None
        )
        if run is None or run.latest.conclusion is None:
            continue
        handle = stage.client.get_workflow_handle_for(
            RemediationWorkflow.run, remediation_id(REPOSITORY, run.id)
        )
        status = await handle.query(RemediationWorkflow.status)
        if status.outcome is not None:
            if status.outcome is not Outcome.FIXED:
                raise LookupError(f"{status.outcome}: {status.reason} {status.detail}")
            await stage.hub.idle()
            return status
    raise TimeoutError("the remediation did not end")


async def no_operation_seconds(
    stage: Stage, rounds: int, activities: int = STEPS_TO_PULL_REQUEST
) -> list[float]:
    """Seconds that so many no-op activities, one after the other, take on the same server."""
    queue = f"bench-{uuid.uuid4()}"
    taken = []
    async with Worker(
        stage.client,
        task_queue=queue,
        workflows=[NoOperation],
        activities=[do_nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        for number in range(rounds):
            started = time.perf_counter()
            await stage.client.execute_workflow(
                NoOperation.run, activities, id=f"{queue}-{number}", task_queue=queue
            )
            taken.append(time.perf_counter() - started)
    return taken


async def measure(rounds: int) -> dict[str, float]:
    """Medians over `rounds`, in seconds, and their ratio to the baseline."""
    stopwatch = Stopwatch()
    async with Stage(hub_middleware=[stopwatch.middleware()]) as stage:
        samples = []
        for number in range(rounds + 1):
            sys.stderr.write(f"\rremediation {number} of {rounds} ")
            samples.append(await remediation(stage, stopwatch, number))
        sys.stderr.write("\n")
        baseline = await no_operation_seconds(stage, rounds + 1)
    own = statistics.median(sample.own for sample in samples[1:])
    nothing = statistics.median(baseline[1:])
    return {
        "rounds": rounds,
        "webhook_to_pull_request_s": round(statistics.median(sample.total for sample in samples[1:]), 3),
        "git_and_ruff_s": round(statistics.median(sample.tools for sample in samples[1:]), 3),
        "local_github_s": round(statistics.median(sample.github for sample in samples[1:]), 3),
        "own_share_s": round(own, 3),
        "no_op_activities_s": round(nothing, 3),
        "own_share_over_no_op": round(own / nothing, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="remediations measured, after one to warm up")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.rounds))
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"medians of {arguments.rounds} remediations of the scenario lint, in seconds")
    print(f"  webhook to open pull request          {found['webhook_to_pull_request_s']:7.3f}   target < 3")
    print(f"    git and ruff in the worker          {found['git_and_ruff_s']:7.3f}")
    print(f"    the local GitHub's answers (git)    {found['local_github_s']:7.3f}")
    print(f"    Regreen's own share, with Temporal  {found['own_share_s']:7.3f}   target < 1")
    print(
        f"  {STEPS_TO_PULL_REQUEST} no-op activities on the same server   {found['no_op_activities_s']:7.3f}"
    )
    print(f"  own share / no-op activities          {found['own_share_over_no_op']:7.1f} times")


if __name__ == "__main__":
    main()
