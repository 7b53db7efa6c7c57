"""A whole attempt with real tools and a model at the wire: faults are waited out, mistakes are told."""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Worker

from activities.adapters.repository import RepositoryMirrors
from activities.patching.sandbox import Sandbox
from activities.patching.session.activity import SessionActivities
from activities.patching.session.tools import EDITOR
from localhub.messages_api import Fault, MessagesApi, Said, Turn, calling, listening, text
from sessions import FILES, FIX, Repository, claude, patch_request, read_log, replace
from workflows.models import (
    AttemptResult,
    GateDecision,
    GateRequest,
    GateVerdict,
    PatchRequest,
    Proof,
    ProofState,
    Proposal,
)
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE
from workflows.patch_attempt import PatchAttemptWorkflow
from workflows.session_models import Message, Speaker, TurnRequest

SUBMIT = ("submit", {"summary": "The sum was off by one."})


@activity.defn(name="propose_patch")
async def no_recipe(request: PatchRequest) -> Proposal:
    return Proposal(
        base_sha=request.base_sha,
        summary="No recipe.",
        proof=Proof(state=ProofState.NOT_PROVED_HERE),
    )


@activity.defn(name="judge_patch")
async def open_gate(request: GateRequest) -> GateVerdict:
    return GateVerdict(decision=GateDecision.ALLOWED)


@pytest.fixture(scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    binary = Path(sys.executable).parent / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(binary), data_converter=pydantic_data_converter
    ) as running:
        yield running


class Attempt:
    """An attempt's result, what the model was asked, and the attempt's history."""

    def __init__(self, result: AttemptResult, api: MessagesApi, history: WorkflowHistory) -> None:
        self.result = result
        self.asked = api.asked
        self.history = history

    def heard(self, turn: int) -> list[dict[str, Any]]:
        """The blocks of the last message before a turn."""
        return list(self.asked[turn]["messages"][-1]["content"])


@pytest.fixture
def attempt(
    environment: WorkflowEnvironment,
    mirrors: RepositoryMirrors,
    sandbox: Sandbox,
    http: httpx2.AsyncClient,
    repository: Repository,
) -> Callable[..., Any]:
    """Runs the workflow `PatchAttempt` on a commit of FILES against a script."""

    @asynccontextmanager
    async def serving(api: MessagesApi) -> AsyncIterator[None]:
        session = SessionActivities(mirrors, sandbox, read_log, claude(api, http))
        tools: list[Callable[..., Any]] = [
            session.open_session,
            session.take_turn,
            session.use_tools,
            session.prove_submission,
        ]
        async with (
            Worker(
                environment.client,
                task_queue=PUBLISHER_QUEUE,
                workflows=[PatchAttemptWorkflow],
                activities=[open_gate],
            ),
            Worker(environment.client, task_queue=ANALYST_QUEUE, activities=[no_recipe, *tools]),
        ):
            yield

    async def run(*script: Turn, **changes: Any) -> Attempt:
        request = patch_request(repository.commit(FILES), **changes)
        async with listening(*script) as api, serving(api):
            handle = await environment.client.start_workflow(
                PatchAttemptWorkflow.run, request, id=f"attempt-{uuid.uuid4()}", task_queue=PUBLISHER_QUEUE
            )
            result = await handle.result()
            return Attempt(result, api, await handle.fetch_history())

    return run


async def test_a_session_repairs_and_proves(attempt: Callable[..., Any]) -> None:
    done = await attempt(calling(("run_check", {})), calling(FIX, ("run_check", {})), calling(SUBMIT))

    assert done.result.proposal.proof.state is ProofState.PROVED
    assert (done.result.spending.calls, len(done.asked)) == (3, 3)
    assert done.result.spending.cost_usd > 0
    assert done.result.spending.model == "claude-sonnet-5-5"


async def test_errors_that_pass_cost_no_turn_and_no_word_of_the_conversation(
    attempt: Callable[..., Any],
) -> None:
    whole = calling(FIX)
    cut = Said(content=whole.content, stop_reason="tool_use", usage=None, cut_after=5)
    faults = (
        Fault(status=529, headers={"retry-after": "7"}),
        Fault(status=429, headers={"retry-after": "90"}),
        Fault(status=500),
        Fault(status=529, streamed=True),
        cut,
    )

    done = await attempt(*faults, whole, calling(SUBMIT))

    assert done.result.proposal.proof.state is ProofState.PROVED
    assert done.result.spending.calls == 2
    assert len(done.asked) == len(faults) + 2
    assert all(body == done.asked[0] for body in done.asked[: len(faults)])


async def test_the_api_is_waited_for_as_long_as_it_says(attempt: Callable[..., Any]) -> None:
    wait = Fault(status=529, headers={"retry-after": "600"})

    done = await attempt(wait, calling(FIX, SUBMIT))

    assert done.result.proposal.diff
    waited = _turn_took(done.history)
    assert timedelta(seconds=600) <= waited < timedelta(seconds=700)


def _turn_took(history: WorkflowHistory) -> timedelta:
    scheduled = {
        event.event_id: event.event_time.ToDatetime()
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and event.activity_task_scheduled_event_attributes.activity_type.name == "take_turn"
    }
    [ended] = [
        (event.event_time.ToDatetime(), event.activity_task_completed_event_attributes.scheduled_event_id)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
        and event.activity_task_completed_event_attributes.scheduled_event_id in scheduled
    ]
    return ended[0] - scheduled[ended[1]]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "REGREEN_MODEL"),
        (401, "ANTHROPIC_API_KEY"),
        (403, "workspace"),
        (404, "ANTHROPIC_BASE_URL"),
        (413, "too large"),
    ],
)
async def test_a_refusal_ends_the_session_with_what_a_person_can_do(
    attempt: Callable[..., Any], status: int, advice: str
) -> None:
    done = await attempt(calling(("list", {})), Fault(status=status))

    assert done.result.proposal.diff == ""
    assert advice in done.result.proposal.summary
    assert (len(done.asked), done.result.spending.calls) == (2, 1)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (calling(("shell", {"command": "ls"})), "There is no such tool"),
        (calling(("search", '{"pattern": "x')), "not a JSON object"),
        (calling(("search", {"pattern": ["x"]})), "pattern: Input should be a valid string"),
        (calling((EDITOR, {"command": "destroy", "path": "x"})), "does not fit"),
        (calling(replace("pricing.py", "no such line", "x")), "does not stand in pricing.py"),
        (calling(SUBMIT), "Nothing is changed"),
        (text("I think it is done.", usage=None), "No tool was called"),
        (calling(FIX, stop_reason="max_tokens"), "cut at its limit (16,000 tokens)"),
        (text("x" * 300_000, usage=None), "cut at its limit (more than 200,000 characters)"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
async def test_a_mistake_goes_back_as_text_and_the_session_goes_on(
    attempt: Callable[..., Any], mistake: Said, said: str
) -> None:
    done = await attempt(mistake, calling(FIX), calling(SUBMIT))

    assert said in json.dumps(done.heard(1))
    assert done.result.proposal.proof.state is ProofState.PROVED
    assert done.result.spending.calls == 3


async def test_a_cancelled_turn_lets_go_of_the_model(
    mirrors: RepositoryMirrors, sandbox: Sandbox, http: httpx2.AsyncClient
) -> None:
    asked = asyncio.Event()

    async def think(_: dict[str, Any]) -> Turn:
        asked.set()
        await asyncio.sleep(3_600)
        return text("late")

    opening = Message(role=Speaker.USER, content=({"type": "text", "text": "Repair this."},))
    async with listening(player=think) as api:
        session = SessionActivities(mirrors, sandbox, read_log, claude(api, http))
        environment = ActivityEnvironment()
        beats: list[Any] = []
        environment.on_heartbeat = lambda *details: beats.append(details)
        turn = asyncio.ensure_future(environment.run(session.take_turn, TurnRequest(messages=(opening,))))
        await asyncio.wait_for(asked.wait(), 10)
        environment.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(turn, 10)

    assert beats, "a worker that dies meanwhile is noticed by its silence"
