import asyncio
import socket
import uuid
from collections import Counter
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from starter.dispatch import Answer, Dispatcher, TemporalUnavailableError, Verdict
from starter.webhook import (
    ChecksCompletedFor,
    HumanOrder,
    Ignore,
    IgnoreReason,
    PullRequestClosedFor,
    StartRemediation,
    Verb,
)
from workflows import naming
from workflows.connection import connect
from workflows.models import (
    ChecksCompleted,
    Limits,
    Order,
    PullRequestClosed,
    RemediationRequest,
    TriagePolicy,
)

HEAD = "a" * 40
RUN = 12


@pytest.fixture
def repository() -> str:
    return f"acme/{uuid.uuid4().hex}"


@pytest.fixture
def dispatcher(client: Client) -> Dispatcher:
    return Dispatcher(client, Limits(attempts=2), TriagePolicy(skip_marker="[hands off]"))


def failed(repository: str, run_attempt: int = 1, **changes: Any) -> StartRemediation:
    facts = {
        "repository": repository,
        "run_id": RUN,
        "run_attempt": run_attempt,
        "branch": "main",
        "head_sha": HEAD,
        "workflow_name": "CI",
    }
    return StartRemediation.model_validate(facts | changes)


def remediation(client: Client, repository: str) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(naming.remediation_id(repository, RUN))


async def open_by_hand(client: Client, repository: str, **options: Any) -> None:
    await client.start_workflow(
        naming.REMEDIATION_WORKFLOW,
        RemediationRequest(repository=repository, run_id=RUN),
        id=naming.remediation_id(repository, RUN),
        task_queue=naming.PUBLISHER_QUEUE,
        **options,
    )


async def signals(handle: WorkflowHandle[Any, Any], payload_type: type[Any]) -> list[tuple[str, Any]]:
    converter = handle._client.data_converter
    heard = []
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_execution_signaled_event_attributes"):
            attributes = event.workflow_execution_signaled_event_attributes
            (payload,) = await converter.decode(attributes.input.payloads, [payload_type])
            heard.append((attributes.signal_name, payload))
    return heard


async def test_a_failed_run_starts_its_remediation_with_the_configured_bounds(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    answer = await dispatcher.carry_out(failed(repository))

    workflow_id = f"ci-remediation/{repository}/12"
    assert answer == Answer(decision=Verdict.STARTED, reason="run_failed", workflow_id=workflow_id)
    description = await client.get_workflow_handle(workflow_id).describe()
    assert (description.workflow_type, description.task_queue) == ("CiRemediation", "ci-remediation")
    assert await description.memo() == {"run_attempt": 1}
    assert await description.static_summary() == f"{repository} · CI · run 12"
    shown = {pair.key.name: pair.value for pair in description.typed_search_attributes}
    assert (
        shown
        | {
            "CiRepository": repository,
            "CiBranch": "main",
            "CiWorkflow": "CI",
            "CiHeadSha": HEAD,
            "CiState": "triage",
        }
        == shown
    )
    started = await anext(client.get_workflow_handle(workflow_id).fetch_history_events())
    payloads = started.workflow_execution_started_event_attributes.input.payloads
    (request,) = await client.data_converter.decode(payloads, [RemediationRequest])
    assert request == RemediationRequest(
        repository=repository,
        run_id=12,
        limits=Limits(attempts=2),
        policy=TriagePolicy(skip_marker="[hands off]"),
    )


async def test_a_hostile_workflow_name_does_not_reach_the_summary_as_markdown(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await dispatcher.carry_out(
        failed(repository, workflow_name="[CI](https://evil.example) *now* " + "é" * 300)
    )

    summary = await (await remediation(client, repository).describe()).static_summary()
    assert summary is not None
    assert summary.startswith(f"{repository} · CI https //evil.example now é")
    assert len(summary.encode()) < 400


async def test_the_same_webhook_ten_times_at_once_starts_one_remediation(
    dispatcher: Dispatcher, repository: str
) -> None:
    answers = await asyncio.gather(*(dispatcher.carry_out(failed(repository)) for _ in range(10)))

    assert Counter(answer.decision for answer in answers) == {Verdict.STARTED: 1, Verdict.DUPLICATE: 9}


async def test_ten_starters_that_get_the_same_webhook_at_once_start_one_remediation(
    client: Client, repository: str
) -> None:
    starters = [Dispatcher(client, Limits(), TriagePolicy()) for _ in range(10)]

    answers = await asyncio.gather(*(starter.carry_out(failed(repository)) for starter in starters))

    assert Counter(answer.decision for answer in answers) == {Verdict.STARTED: 1, Verdict.DUPLICATE: 9}


async def test_a_redelivery_after_the_end_starts_nothing(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await dispatcher.carry_out(failed(repository, run_attempt=2))
    ended = await remediation(client, repository).describe()
    await remediation(client, repository).terminate()

    again = await dispatcher.carry_out(failed(repository, run_attempt=2))
    older = await dispatcher.carry_out(failed(repository, run_attempt=1))

    assert (again.decision, older.decision) == (Verdict.DUPLICATE, Verdict.DUPLICATE)
    assert (await remediation(client, repository).describe()).run_id == ended.run_id


async def test_a_newer_attempt_after_the_end_starts_one_remediation_however_often_it_is_told(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await dispatcher.carry_out(failed(repository))
    await remediation(client, repository).terminate()

    answers = await asyncio.gather(
        *(dispatcher.carry_out(failed(repository, run_attempt=2)) for _ in range(5))
    )

    assert Counter(answer.decision for answer in answers) == {Verdict.STARTED: 1, Verdict.DUPLICATE: 4}


async def test_an_attempt_that_the_ended_remediation_heard_of_itself_starts_nothing(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await open_by_hand(client, repository, memo={naming.MEMO_RUN_ATTEMPT: 2})
    await remediation(client, repository).terminate()

    assert (await dispatcher.carry_out(failed(repository, run_attempt=2))).decision is Verdict.DUPLICATE


async def test_a_newer_attempt_is_told_to_the_open_remediation(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await dispatcher.carry_out(failed(repository))

    answer = await dispatcher.carry_out(failed(repository, run_attempt=2))

    assert (answer.decision, answer.reason) == (Verdict.SIGNALLED, "newer_attempt")
    assert await signals(remediation(client, repository), ChecksCompleted) == [
        ("checks_completed", ChecksCompleted(head_sha=HEAD, run_id=RUN, run_attempt=2))
    ]


async def test_finished_checks_are_told_to_the_remediation_they_belong_to(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await dispatcher.carry_out(failed(repository))
    checks = ChecksCompleted(head_sha=HEAD, run_id=77)

    answer = await dispatcher.carry_out(ChecksCompletedFor(repository=repository, run_id=RUN, checks=checks))

    assert answer.decision is Verdict.SIGNALLED
    assert await signals(remediation(client, repository), ChecksCompleted) == [("checks_completed", checks)]


async def test_a_closed_pull_request_is_told_to_the_remediation_it_belongs_to(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await dispatcher.carry_out(failed(repository))
    closed = PullRequestClosed(number=40, merged=True, by="grace")

    answer = await dispatcher.carry_out(
        PullRequestClosedFor(repository=repository, run_id=RUN, closed=closed)
    )

    assert answer.decision is Verdict.SIGNALLED
    assert await signals(remediation(client, repository), PullRequestClosed) == [
        ("pull_request_closed", closed)
    ]


@pytest.mark.parametrize("ended", [False, True])
async def test_news_for_nobody_is_ignored(
    client: Client,
    dispatcher: Dispatcher,
    repository: str,
    ended: bool,  # noqa: FBT001 — pytest's parameter
) -> None:
    if ended:
        await dispatcher.carry_out(failed(repository))
        await remediation(client, repository).terminate()
    news = ChecksCompletedFor(repository=repository, run_id=RUN, checks=ChecksCompleted())

    answer = await dispatcher.carry_out(news)

    assert (answer.decision, answer.reason) == (Verdict.IGNORED, "no_remediation")


@pytest.mark.parametrize("told_by", ["search attribute", "memo"])
async def test_an_order_reaches_the_remediation_by_its_fix_or_by_the_pull_request_that_broke(
    client: Client, dispatcher: Dispatcher, repository: str, told_by: str
) -> None:
    pairs: list[SearchAttributePair[Any]] = [SearchAttributePair(naming.CI_REPOSITORY, repository)]
    if told_by == "search attribute":
        pairs.append(SearchAttributePair(naming.CI_PULL_REQUEST, 40))
    memo = {naming.MEMO_PULL_REQUEST: 40} if told_by == "memo" else {}
    await open_by_hand(client, repository, memo=memo, search_attributes=TypedSearchAttributes(pairs))
    order = HumanOrder(
        repository=repository,
        pull_request=40,
        verb=Verb.APPROVE,
        order=Order(by="grace", comment_id=501, question="0a1b"),
    )

    answer = await until_signalled(dispatcher, order)

    assert answer.workflow_id == naming.remediation_id(repository, RUN)
    assert await signals(remediation(client, repository), Order) == [("approve", order.order)]


async def until_signalled(dispatcher: Dispatcher, order: HumanOrder) -> Answer:
    for _ in range(500):
        answer = await dispatcher.carry_out(order)
        if answer.decision is Verdict.SIGNALLED:
            return answer
        await asyncio.sleep(0.02)  # visibility follows the start with a delay
    raise AssertionError("visibility never showed the remediation")


async def test_an_order_on_any_other_pull_request_is_ignored(
    client: Client, dispatcher: Dispatcher, repository: str
) -> None:
    await open_by_hand(client, repository, memo={naming.MEMO_PULL_REQUEST: 41})
    order = HumanOrder(repository=repository, pull_request=40, verb=Verb.STOP, order=Order(by="grace"))

    answer = await dispatcher.carry_out(order)

    assert (answer.decision, answer.reason) == (Verdict.IGNORED, "no_remediation")


async def test_what_is_ignored_needs_no_temporal() -> None:
    dispatcher = Dispatcher(await connect(target_host=closed_port(), lazy=True), Limits(), TriagePolicy())

    answer = await dispatcher.carry_out(Ignore(reason=IgnoreReason.PING))

    assert (answer.decision, answer.reason) == (Verdict.IGNORED, "ping")


async def test_an_unreachable_temporal_is_said_so(repository: str) -> None:
    dispatcher = Dispatcher(await connect(target_host=closed_port(), lazy=True), Limits(), TriagePolicy())

    with pytest.raises(TemporalUnavailableError, match="cannot be reached"):
        await dispatcher.carry_out(failed(repository))


async def test_a_missing_namespace_is_no_reason_to_lose_a_failure(
    temporal_address: str, repository: str
) -> None:
    client = await connect(target_host=temporal_address, namespace="elsewhere", lazy=True)

    with pytest.raises(TemporalUnavailableError, match="NOT_FOUND"):
        await Dispatcher(client, Limits(), TriagePolicy()).carry_out(failed(repository))


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
