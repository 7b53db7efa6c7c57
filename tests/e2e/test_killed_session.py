"""A worker killed at every boundary between two turns: no reply of the model is asked for, or paid, twice."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError

from localhub.messages_api import KEY, Said, listening
from localhub.model import REPAIR
from localhub.scenarios import scenario
from localhub.stage import REPOSITORY, Stage
from workflows.models import Outcome, Status, Strategy
from workflows.naming import attempt_id, remediation_id
from workflows.policies import TAKE_TURN
from workflows.remediation import RemediationWorkflow

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ROLES = ("publisher", "analyst")


class Executioner:
    """Stops the workflows while a reply comes, and kills once Temporal has it and nothing is under way.

    The analyst, which asked the model, is killed at every boundary, and the publisher, which holds the
    conversation in memory, at every other one.
    """

    def __init__(self) -> None:
        self.given = 0
        self.kills: Counter[str] = Counter()
        self.stage: Stage | None = None

    def play(self, body: Mapping[str, Any]) -> Said:
        assert self.stage is not None
        os.kill(self.stage.processes["publisher"].process.pid, signal.SIGSTOP)
        self.given += 1
        turns = len([each for each in body["messages"] if each["role"] == "assistant"])
        return REPAIR[turns]

    async def work(self, stage: Stage, workflow_id: str) -> None:
        for boundary in range(1, len(REPAIR) + 1):
            await self._recorded(stage, workflow_id, boundary)
            dying = ROLES if boundary % 2 == 0 else ("analyst",)
            for role in dying:
                await stage.stop(role, kill=True)
                self.kills[role] += 1
            for role in dying:
                await start(stage, role)
            if "publisher" not in dying:
                os.kill(stage.processes["publisher"].process.pid, signal.SIGCONT)

    async def _recorded(self, stage: Stage, workflow_id: str, replies: int) -> None:
        """Return once Temporal has so many replies."""
        handle = stage.client.get_workflow_handle(attempt_id(workflow_id, 1))
        for _ in range(1_000):
            with suppress(RPCError):
                if completed(await handle.fetch_history()) >= replies:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError(f"reply {replies} never came")


def completed(history: Any) -> int:
    """How many replies a history has."""
    scheduled = {
        event.event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and event.activity_task_scheduled_event_attributes.activity_type.name == TAKE_TURN.name
    }
    return sum(
        event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
        and event.activity_task_completed_event_attributes.scheduled_event_id in scheduled
        for event in history.events
    )


async def start(stage: Stage, role: str) -> None:
    await stage.start(role, "worker", {"REGREEN_ROLE": role})


async def ended(stage: Stage, workflow_id: str) -> Status:
    handle = stage.client.get_workflow_handle_for(RemediationWorkflow.run, workflow_id)
    for _ in range(1_000):
        await asyncio.sleep(0.1)
        with suppress(RPCError, TimeoutError):
            status = await asyncio.wait_for(handle.query(RemediationWorkflow.status), 5)
            if status.outcome is not None:
                return status
    raise AssertionError("the remediation did not end")


async def test_a_worker_killed_at_every_turn_boundary_repeats_no_model_call() -> None:
    chosen = scenario("model")
    assert chosen is not None
    executioner = Executioner()
    async with listening(player=executioner.play) as api:
        settings = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
        async with Stage(settings=settings) as stage:
            executioner.stage = stage
            await stage.stop("worker")
            await asyncio.gather(*(start(stage, role) for role in ROLES))
            hub, repository = stage.hub, stage.hub.repository(REPOSITORY)
            await hub.commit(REPOSITORY, "main", chosen.files, "Start")
            await hub.idle()
            sha = await hub.commit(REPOSITORY, "main", chosen.breaking, chosen.message)
            await hub.idle()
            run = next(one for one in repository.runs.values() if one.head.sha == sha)
            workflow_id = remediation_id(REPOSITORY, run.id)

            await asyncio.wait_for(executioner.work(stage, workflow_id), 120)
            status = await ended(stage, workflow_id)

    assert executioner.kills == {"analyst": 4, "publisher": 2}
    assert len(api.asked) == len(REPAIR) == status.model_calls
    assert [len(body["messages"]) for body in api.asked] == [1, 3, 5, 7]
    assert (status.outcome, status.attempts[0].strategy) == (Outcome.FIXED, Strategy.MODEL)
    assert len(status.attempts) == 1
