import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from scripted import ScriptedActivities, proposal, reading, serving, snapshot, start
from temporal_server import dev_server
from workflows import models
from workflows.models import CiVerdict, Need, NoticeResult, NoticeState, Order, Outcome, Reason
from workflows.policies import NOTICE_TRIES
from workflows.remediation import RemediationWorkflow
from workflows.repository_settings import SettingsReading, Standing

Remediate = Callable[..., Awaitable[models.RemediationResult]]

DELIVERED = NoticeResult(state=NoticeState.DELIVERED)
ASKS = models.GateVerdict(decision=models.GateDecision.NEEDS_APPROVAL, reasons=("a workflow file",))


def heard(**answers: Any) -> ScriptedActivities:
    """Where there is a channel."""
    given = {"read_run": snapshot(standing=Standing(notifies=True)), "notify_human": DELIVERED}
    return ScriptedActivities(**(given | answers))


def needs(script: ScriptedActivities) -> list[tuple[Need, str | None]]:
    return [(notice.need, notice.question) for notice in script.called("notify_human")]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"propose_patch": proposal(diff="", patch_id="")}, Outcome.NEEDS_HUMAN),
        ({"read_checks": [reading(CiVerdict.RED, sha * 40) for sha in "123"]}, Outcome.EXHAUSTED),
        ({"read_checks": reading(CiVerdict.ABSENT)}, Outcome.UNVERIFIED),
    ],
)
async def test_an_ending_that_leaves_the_failure_to_a_human_is_told_once(
    remediate: Remediate, answers: dict[str, Any], outcome: Outcome
) -> None:
    script = heard(**answers)
    assert (await remediate(script)).outcome is outcome
    [notice] = script.called("notify_human")
    assert (notice.need, notice.outcome) == (Need.OUTCOME, outcome)
    assert notice.reason is not None


async def test_an_ending_that_needs_nobody_is_not_told(remediate: Remediate) -> None:
    script = heard()
    assert (await remediate(script)).outcome is Outcome.FIXED
    assert needs(script) == []


async def test_nothing_is_asked_of_the_channel_where_there_is_none(remediate: Remediate) -> None:
    script = ScriptedActivities(
        read_run=snapshot(standing=Standing()), propose_patch=proposal(diff="", patch_id="")
    )
    assert (await remediate(script)).outcome is Outcome.NEEDS_HUMAN
    assert needs(script) == []


async def test_a_run_that_could_not_even_be_read_is_told_where_there_is_a_channel(
    remediate: Remediate,
) -> None:
    refused = ApplicationError("401", type="unauthorised", non_retryable=True)
    script = heard(read_run=refused)
    assert (await remediate(script)).reason is Reason.CREDENTIAL_REFUSED
    assert needs(script) == [(Need.OUTCOME, None)]


async def test_a_patch_that_waits_is_told_once_and_then_that_nobody_answered(remediate: Remediate) -> None:
    script = heard(judge_patch=ASKS)
    assert (await remediate(script)).reason is Reason.APPROVAL_EXPIRED
    assert needs(script) == [(Need.APPROVAL, proposal("one").patch_id), (Need.OUTCOME, None)]


async def test_what_was_told_is_kept_in_the_status(skipping: WorkflowEnvironment) -> None:
    script = heard(judge_patch=ASKS)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        status = await handle.query(RemediationWorkflow.status)
        while not status.notified:
            await asyncio.sleep(0.02)
            status = await handle.query(RemediationWorkflow.status)
        await handle.signal(RemediationWorkflow.reject, Order(by="ada", question=status.question))
        await handle.result()
    assert [(each.need, each.question) for each in status.notified] == [(Need.APPROVAL, status.question)]


@pytest.mark.parametrize("kind", ["refused", "unknown"])
async def test_a_channel_that_fails_changes_no_outcome(remediate: Remediate, kind: str) -> None:
    broken = ApplicationError("404", type=kind, non_retryable=True)
    without = await remediate(ScriptedActivities(propose_patch=proposal(diff="", patch_id="")))
    result = await remediate(heard(propose_patch=proposal(diff="", patch_id=""), notify_human=broken))
    assert result == without


async def test_an_approval_is_taken_while_the_channel_is_out_of_reach(
    own_skipping: WorkflowEnvironment,
) -> None:
    asked = asyncio.Event()

    async def out_of_reach(_: Any) -> Exception:
        asked.set()
        return ApplicationError("cannot be reached", type="unavailable")

    script = heard(judge_patch=ASKS, notify_human=[out_of_reach])
    async with serving(own_skipping.client, script):
        handle = await start(own_skipping.client)
        await asyncio.wait_for(asked.wait(), 60)
        question = (await handle.query(RemediationWorkflow.status)).question
        await handle.signal(RemediationWorkflow.approve, Order(by="ada", question=question))
        result = await handle.result()
    assert result.outcome is Outcome.FIXED
    assert {need for need, _ in needs(script)} == {Need.APPROVAL}


@pytest.mark.parametrize(("news", "told"), [(True, [(Need.SETTINGS, None)]), (False, [])])
async def test_broken_settings_are_told_when_their_comment_is_new(
    remediate: Remediate, *, news: bool, told: list[tuple[Need, None]]
) -> None:
    broken = Standing(notifies=True, settings=SettingsReading(problem="Line 3: no."))
    script = heard(
        read_run=snapshot(standing=broken), report_broken_settings=models.PostedReport(changed=news)
    )
    assert (await remediate(script)).reason is Reason.SETTINGS_INVALID
    assert needs(script) == told


# ── what is sent again ──────────────────────────────────────────────────────────────────────────────────────


QUICKLY = dataclasses.replace(NOTICE_TRIES, initial_interval=timedelta(milliseconds=50))


@workflow.defn
class Telling:
    @workflow.run
    async def run(self, only_what_surely_failed: bool) -> None:  # noqa: FBT001 — a workflow takes what comes
        policy = QUICKLY if only_what_surely_failed else dataclasses.replace(QUICKLY, **ANY_ERROR)
        await workflow.execute_activity(
            "tell",
            start_to_close_timeout=timedelta(seconds=1),
            schedule_to_close_timeout=timedelta(seconds=60),
            retry_policy=policy,
        )


ANY_ERROR: dict[str, Any] = {"non_retryable_error_types": None}


@pytest.fixture(scope="module")
def real_server() -> Iterator[str]:
    with dev_server() as address:
        yield address


@pytest.mark.parametrize("only_what_surely_failed", [True, False])
async def test_a_notice_whose_worker_says_nothing_is_not_sent_again(
    real_server: str, *, only_what_surely_failed: bool
) -> None:
    client = await Client.connect(real_server)
    sent, ended = [], asyncio.Event()

    @activity.defn(name="tell")
    async def tell() -> None:
        sent.append(1)
        if len(sent) == 1:
            await ended.wait()

    queue = uuid.uuid4().hex
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Telling],
        activities=[tell],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        handle = await client.start_workflow(Telling.run, only_what_surely_failed, id=queue, task_queue=queue)
        with pytest.raises(WorkflowFailureError) if only_what_surely_failed else contextlib.nullcontext():
            await handle.result()
        ended.set()
    assert len(sent) == (1 if only_what_surely_failed else 2)
