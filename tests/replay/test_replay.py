import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from outcomes import CANARY
from workflows.connection import connect
from workflows.models import Outcome
from workflows.patch_attempt import PatchAttemptWorkflow
from workflows.remediation import RemediationWorkflow

HISTORIES: Final = Path(__file__).resolve().parent.parent / "histories"
DIVERGENT: Final = "divergent"
NAMES: Final = sorted(
    path.relative_to(HISTORIES).with_suffix("").as_posix()
    for path in HISTORIES.rglob("*.json")
    if path.stem != DIVERGENT
)
"""Those of later recordings with their folder's name before them."""
RECORDINGS: Final = ("", "watched-fixes/")
PUBLICATION: Final = ("write_commit", "advance_fix_branch", "open_pull_request")

recorded = pytest.mark.parametrize("name", NAMES)


def text(name: str) -> str:
    return (HISTORIES / f"{name}.json").read_text(encoding="utf-8")


def history(name: str) -> WorkflowHistory:
    recording = json.loads(text(name))
    started = recording["events"][0]["workflowExecutionStartedEventAttributes"]
    # the ids of children derive from it, so a replay under another one would diverge
    return WorkflowHistory.from_json(started["workflowId"], recording)


def texts(value: Any) -> Iterator[str]:
    """Every text of a history, payloads decoded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        if set(value) == {"metadata", "data"}:
            yield base64.b64decode(value["data"]).decode()
        else:
            for each in value.values():
                yield from texts(each)


@pytest.fixture
async def replayer() -> Replayer:
    client = await connect(lazy=True)
    return Replayer(
        workflows=[RemediationWorkflow, PatchAttemptWorkflow], data_converter=client.data_converter
    )


@recorded
async def test_a_recorded_history_replays(replayer: Replayer, name: str) -> None:
    await replayer.replay_workflow(history(name))


def _saying(payload: dict[str, Any], **more: Any) -> None:
    said = json.loads(base64.b64decode(payload["data"]))
    payload["data"] = base64.b64encode(json.dumps(said | more).encode()).decode()


@pytest.mark.parametrize(
    "settings",
    [
        {"publication": {"draft": False, "auto_merge": True}},
        {"workflows": {"include": ["[A-Za-z]*"]}},
    ],
)
async def test_settings_that_older_code_read_otherwise_do_not_break_its_histories(
    replayer: Replayer, settings: dict[str, Any]
) -> None:
    """The publisher may be newer than the workflow that was told what it read."""
    recording = json.loads(text("fixed"))
    started = recording["events"][0]["workflowExecutionStartedEventAttributes"]
    [request] = started["input"]["payloads"]
    policy = json.loads(base64.b64decode(request["data"]))["policy"]
    _saying(request, policy={**policy, "allow_auto_merge": True})
    read = next(
        event["activityTaskCompletedEventAttributes"]["result"]["payloads"][0]
        for event in recording["events"]
        if "activityTaskCompletedEventAttributes" in event
    )
    _saying(read, standing={"settings": {"settings": settings}})
    await replayer.replay_workflow(WorkflowHistory.from_json(started["workflowId"], recording))


async def test_a_history_that_the_workflow_would_not_make_is_found_out(replayer: Replayer) -> None:
    with pytest.raises(NondeterminismError, match="diagnose_failure"):
        await replayer.replay_workflow(history(DIVERGENT))


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_outcome_has_a_history(recording: str) -> None:
    assert {f"{recording}{outcome}" for outcome in Outcome} <= set(NAMES)


@pytest.mark.parametrize("recording", RECORDINGS)
@pytest.mark.parametrize("outcome", Outcome)
def test_a_history_ends_in_the_outcome_it_is_named_after(outcome: Outcome, recording: str) -> None:
    [result] = (
        history(f"{recording}{outcome}")
        .events[-1]
        .workflow_execution_completed_event_attributes.result.payloads
    )
    assert json.loads(result.data)["outcome"] == outcome


@pytest.mark.parametrize("recording", RECORDINGS)
def test_a_remediation_of_one_attempt_has_a_short_history(recording: str) -> None:
    fixed = history(f"{recording}fixed")
    watched = [number for number, event in enumerate(fixed.events) if _is_posting(event)]
    assert watched[-1] < 100
    assert len(fixed.events) < 120
    assert sum(event.ByteSize() for event in fixed.events) < 100_000


def _is_posting(event: HistoryEvent) -> bool:
    return event.activity_task_scheduled_event_attributes.activity_type.name == "post_report"


@recorded
def test_every_activity_timer_and_child_says_what_it_is_for(name: str) -> None:
    awaited = {
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
    }
    silent = [
        EventType.Name(event.event_type)
        for event in history(name).events
        if event.event_type in awaited and not event.user_metadata.summary.data
    ]
    assert silent == []


@pytest.mark.parametrize(("name", "attempts"), [("fixed", 1), ("exhausted", 3)])
def test_what_an_attempt_does_is_grouped_under_it(name: str, attempts: int) -> None:
    groups: dict[str, list[str]] = {}
    for event in history(name).events:
        scheduled = event.activity_task_scheduled_event_attributes.activity_type.name
        if scheduled in PUBLICATION:
            groups.setdefault(scheduled, []).extend(mark.label.id for mark in event.event_group_markers)
    assert groups == {
        step: [f"attempt-{number}" for number in range(1, attempts + 1)] for step in PUBLICATION
    }


@recorded
def test_no_history_holds_the_secret_that_the_failing_run_printed(name: str) -> None:
    whole = "\n".join(texts(json.loads(text(name))))
    assert CANARY not in whole
    assert CANARY.removeprefix("ghp_")[:12] not in whole
    assert "PRIVATE KEY" not in whole
    assert "sk-ant-" not in whole


def test_the_place_of_the_printed_secret_says_that_it_was_removed() -> None:
    shown = [each for each in texts(json.loads(text("needs_human"))) if "AssertionError: refused" in each]
    assert shown
    assert all("«redacted:github-token»" in each for each in shown)


@recorded
def test_no_history_names_the_machine_it_was_recorded_on(name: str) -> None:
    whole = "\n".join(texts(json.loads(text(name))))
    assert set(re.findall(r"https?://([^/:\s\"\\]+)", whole)) <= {"127.0.0.1"}
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|Users)/", whole) == []
    assert re.findall(r"\b\d+@[\w.-]+", whole) == []
