"""Told from the recorded histories of real remediations."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

from starter.dashboard.story import Kind, Moment, Story, tell
from workflows.models import GateDecision, Outcome, State

HISTORIES: Final = Path(__file__).resolve().parent.parent / "histories"


def events(name: str) -> list[Any]:
    recording = json.loads((HISTORIES / f"{name}.json").read_text(encoding="utf-8"))
    return list(WorkflowHistory.from_json("ci-remediation/acme/x/1", recording).events)


async def told(name: str, upto: int | None = None) -> Story:
    return await tell(events(name)[:upto], pydantic_data_converter)


def named(story: Story, text: str) -> Moment:
    [found] = [moment for moment in story.moments if text in moment.text]
    return found


@pytest.mark.parametrize("outcome", Outcome)
async def test_every_story_begins_with_the_failure_and_ends_with_the_outcome(outcome: Outcome) -> None:
    story = await told(outcome)
    assert story.moments[0].kind is Kind.BEGIN
    last = story.moments[-1]
    assert (last.kind, last.text) == (Kind.END, f"Ended: {outcome.replace('_', ' ')}")
    assert last.detail
    assert story.facts.outcome is outcome
    assert story.facts.state is State.DONE
    assert not [moment for moment in story.moments if moment.under_way]


@pytest.mark.parametrize("outcome", Outcome)
async def test_a_story_is_told_in_the_order_it_happened(outcome: Outcome) -> None:
    moments = (await told(outcome)).moments
    assert [each.at for each in moments] == sorted(each.at for each in moments)


async def test_a_fix_s_story_names_the_cause_the_patch_the_pull_request_and_ci_s_answer() -> None:
    story = await told("fixed")
    assert "ruff" in named(story, "Find the cause").detail
    attempt = named(story, "Attempt 1")
    assert attempt.kind is Kind.ATTEMPT
    assert attempt.detail.endswith("Gate: allowed.")
    assert named(story, "Open or update the pull request").detail.startswith("#")
    assert named(story, "What does CI say?").detail.startswith("green")


async def test_what_no_worker_answers_is_known_from_the_history() -> None:
    facts = (await told("fixed")).facts
    assert facts.run is not None
    assert facts.evidence is not None
    assert facts.evidence.jobs[0].excerpt.text
    assert facts.diagnosis is not None
    assert facts.proposal is not None
    assert facts.proposal.diff.startswith(("---", "diff"))
    assert facts.verdict is not None
    assert facts.verdict.decision is GateDecision.ALLOWED
    assert facts.pull_request is not None
    assert len(facts.attempts) == 1


async def test_a_story_that_goes_on_says_what_is_under_way() -> None:
    whole = events("fixed")
    scheduled = next(
        place
        for place, event in enumerate(whole)
        if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
    )
    story = await told("fixed", scheduled + 1)
    assert story.moments[-1].under_way
    assert story.moments[-1].text.startswith("Attempt 1")
    assert story.facts.outcome is None


async def test_an_order_is_told_with_who_gave_it() -> None:
    story = await told("stopped")
    [order] = [moment for moment in story.moments if moment.kind is Kind.ORDER]
    assert order.text == "dev says: stop"


async def test_three_attempts_are_three_moments() -> None:
    story = await told("exhausted")
    attempts = [moment.text for moment in story.moments if moment.kind is Kind.ATTEMPT]
    assert [text.split(":")[0] for text in attempts] == ["Attempt 1", "Attempt 2", "Attempt 3"]
    assert story.facts.attempt == 3


async def test_polls_that_take_turns_are_told_once_with_their_number() -> None:
    whole = events("fixed")
    polls = [
        event
        for event in whole
        if event.event_type in {EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_TIMER_FIRED}
    ]
    assert polls
    story = await told("fixed")
    assert len(story.moments) < len(whole) / 2
    many = await tell([*whole, *whole], pydantic_data_converter)
    assert len(many.moments) < 2 * len(story.moments)


async def test_what_cannot_be_read_is_left_out_and_the_rest_is_told() -> None:
    broken = events("fixed")
    for event in broken:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            for payload in event.activity_task_completed_event_attributes.result.payloads:
                payload.data = b"not JSON"
    story = await tell(broken, pydantic_data_converter)
    assert story.moments[-1].text == "Ended: fixed"
    assert story.facts.diagnosis is None
