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
from typing import Final

from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from localhub.scenarios import CI_FILE, scenario
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


async def remediation_seconds(stage: Stage, number: int) -> tuple[float, float]:
    """Break the lint scenario once; seconds until the pull request is open, and of these in git and ruff."""
    lint = scenario("lint")
    if lint is None:
        raise LookupError("the scenario lint is gone")
    hub, repository = stage.hub, stage.hub.repository(REPOSITORY)
    await hub.commit(REPOSITORY, "main", {**lint.files, "round.txt": f"{number}\n"}, "Start")
    await hub.idle()
    sha = await hub.commit(REPOSITORY, "main", {**lint.breaking, "broken.txt": f"{number}\n"}, lint.message)
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
    return (opened - heard).total_seconds(), status.proposal.tool_seconds


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


async def no_operation_seconds(stage: Stage, rounds: int) -> list[float]:
    """Seconds that the same number of no-op activities take on the same server."""
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
                NoOperation.run, STEPS_TO_PULL_REQUEST, id=f"{queue}-{number}", task_queue=queue
            )
            taken.append(time.perf_counter() - started)
    return taken


async def measure(rounds: int) -> dict[str, float]:
    """Medians over `rounds`, in seconds, and their ratio to the baseline."""
    async with Stage() as stage:
        samples = []
        for number in range(rounds + 1):
            sys.stderr.write(f"\rremediation {number} of {rounds} ")
            samples.append(await remediation_seconds(stage, number))
        sys.stderr.write("\n")
        baseline = await no_operation_seconds(stage, rounds + 1)
    total = statistics.median(seconds for seconds, _ in samples[1:])
    own = statistics.median(seconds - tools for seconds, tools in samples[1:])
    nothing = statistics.median(baseline[1:])
    return {
        "rounds": rounds,
        "webhook_to_pull_request_s": round(total, 3),
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
    print(f"median of {arguments.rounds} remediations of the scenario lint (file {CI_FILE})")
    print(f"  webhook to open pull request      {found['webhook_to_pull_request_s']:7.3f} s   target < 3 s")
    print(f"  of that Regreen's own share       {found['own_share_s']:7.3f} s   target < 1 s")
    print(f"  {STEPS_TO_PULL_REQUEST} no-op activities, same server   {found['no_op_activities_s']:7.3f} s")
    print(f"  own share / no-op activities      {found['own_share_over_no_op']:7.1f} x")


if __name__ == "__main__":
    main()
