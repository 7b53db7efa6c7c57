import uuid
from datetime import UTC, datetime, timedelta

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from workflows import naming
from workflows.models import RemediationRequest
from workflows.sweep import MOST_STARTED, SweepWorkflow
from workflows.sweep_models import EndedRun, FailedRuns, FailedRunsRequest, SweepRequest, SweepResult

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Findings:
    """What a sweep finds, and what it was asked for."""

    def __init__(self, *runs: EndedRun) -> None:
        self.runs = runs
        self.asked: list[FailedRunsRequest] = []

    @activity.defn
    async def find_failed_runs(self, request: FailedRunsRequest) -> FailedRuns:
        self.asked.append(request)
        return FailedRuns(repositories=1, runs=self.runs)


def ended(run_id: int, at: datetime) -> EndedRun:
    return EndedRun(
        repository="acme/widgets",
        run_id=run_id,
        run_attempt=1,
        branch="topic",
        head_sha="a" * 40,
        workflow_name="CI",
        ended_at=at,
    )


async def sweep(client: Client, findings: Findings, not_before: datetime = LONG_AGO) -> SweepResult:
    queue = str(uuid.uuid4())
    async with (
        Worker(client, task_queue=queue, workflows=[SweepWorkflow], activities=[findings.find_failed_runs]),
        Worker(client, task_queue=naming.PUBLISHER_QUEUE, activities=[findings.find_failed_runs]),
    ):
        result: SweepResult = await client.execute_workflow(
            naming.SWEEP_WORKFLOW,
            SweepRequest(not_before=not_before),
            id=f"sweep-{queue}",
            task_queue=queue,
            result_type=SweepResult,
        )
        return result


async def test_an_unknown_failure_gets_its_remediation_and_a_known_one_is_left_alone(
    own_skipping: WorkflowEnvironment,
) -> None:
    client = own_skipping.client
    known = naming.remediation_id("acme/widgets", 1)
    await client.start_workflow(
        naming.REMEDIATION_WORKFLOW,
        RemediationRequest(repository="acme/widgets", run_id=1),
        id=known,
        task_queue=naming.PUBLISHER_QUEUE,
    )
    now = await own_skipping.get_current_time()
    result = await sweep(client, Findings(ended(1, now), ended(2, now)))
    assert result.started == (naming.remediation_id("acme/widgets", 2),)
    assert result.failures == 2
    handle = client.get_workflow_handle(result.started[0])
    description = await handle.describe()
    assert description.typed_search_attributes[naming.CI_REPOSITORY] == "acme/widgets"
    assert (await description.memo())[naming.MEMO_RUN_ATTEMPT] == 1


async def test_a_remediation_outlives_the_sweep_that_started_it(own_skipping: WorkflowEnvironment) -> None:
    now = await own_skipping.get_current_time()
    result = await sweep(own_skipping.client, Findings(ended(3, now)))
    described = await own_skipping.client.get_workflow_handle(result.started[0]).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING


async def test_failures_from_before_regreen_was_there_are_not_asked_for(
    own_skipping: WorkflowEnvironment,
) -> None:
    findings = Findings()
    since = await own_skipping.get_current_time() - timedelta(hours=1)
    await sweep(own_skipping.client, findings, not_before=since)
    assert findings.asked[0].since == since


async def test_it_never_looks_back_further_than_two_days(own_skipping: WorkflowEnvironment) -> None:
    findings = Findings()
    now = await own_skipping.get_current_time()
    await sweep(own_skipping.client, findings)
    assert now - timedelta(days=2, minutes=5) < findings.asked[0].since <= now


async def test_after_a_long_outage_the_repairs_come_in_portions(own_skipping: WorkflowEnvironment) -> None:
    now = await own_skipping.get_current_time()
    runs = [ended(100 + number, now - timedelta(minutes=60 - number)) for number in range(30)]
    result = await sweep(own_skipping.client, Findings(*runs))
    assert len(result.started) == MOST_STARTED
    assert result.swept_until == runs[MOST_STARTED].ended_at


@pytest.mark.parametrize("number", [0, 1])
async def test_what_was_swept_is_told_when_nothing_is_left(
    own_skipping: WorkflowEnvironment, number: int
) -> None:
    now = await own_skipping.get_current_time()
    result = await sweep(own_skipping.client, Findings(*(ended(7, now) for _ in range(number))))
    assert result.swept_until >= now
