"""What happened to a remediation, read from its history: a timeline for people, and the facts in it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload as RawPayload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from starter.webhook import Verb
from workflows import policies
from workflows.codec import PayloadKeyError
from workflows.models import (
    REASON_SENTENCES,
    Approval,
    AttemptResult,
    ChecksReading,
    Diagnosis,
    Evidence,
    ModelOpinion,
    Order,
    Payload,
    PullRequest,
    RemediationResult,
    RerunResult,
    RunSnapshot,
    State,
    Status,
)

_RESULTS: Final[dict[str, Any]] = {step.name: step.gives for step in policies.STEPS}
_ALIKE_WITHIN: Final = 3
"""Steps that come again among this many last ones are told once, with their number: polls take turns."""


class Kind(StrEnum):
    """What sort of thing happened."""

    BEGIN = "begin"
    STEP = "step"
    WAIT = "wait"
    ATTEMPT = "attempt"
    ORDER = "order"
    NEWS = "news"
    END = "end"


class Moment(Payload):
    """One thing that happened."""

    at: datetime
    kind: Kind
    text: str
    detail: str = ""
    took: timedelta | None = None
    """None for what has no length, or goes on."""
    under_way: bool = False
    problem: bool = False
    times: int = 1
    """How often it happened in a row, polls between."""


class Story(Payload):
    """A remediation's history, told."""

    moments: tuple[Moment, ...] = ()
    facts: Status
    """What the history tells of the workflow's status; times and counts of model calls are not in it."""
    cut: bool = False
    """The history goes on after what was read."""


class _Open(Payload):
    at: datetime
    kind: Kind
    text: str
    name: str = ""


class _Teller:
    def __init__(self, converter: DataConverter) -> None:
        self._converter = converter
        self._open: dict[int, _Open] = {}
        self._moments: list[Moment] = []
        self._order: Order | None = None
        self.facts: dict[str, Any] = {"state": State.TRIAGE}

    async def hear(self, event: HistoryEvent) -> None:
        teller = _TELLERS.get(event.event_type)
        if teller is not None:
            await teller(self, event)

    def moments(self) -> tuple[Moment, ...]:
        going = [
            Moment(at=each.at, kind=each.kind, text=each.text, under_way=True) for each in self._open.values()
        ]
        return tuple(_told_once(sorted([*self._moments, *going], key=lambda moment: moment.at)))

    async def began(self, event: HistoryEvent) -> None:
        self._tell(event, Kind.BEGIN, "A run failed; its remediation begins")

    async def scheduled(self, event: HistoryEvent) -> None:
        name = event.activity_task_scheduled_event_attributes.activity_type.name
        self._begin(event, Kind.STEP, await self._summary(event) or name.replace("_", " "), name)

    async def completed(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_completed_event_attributes
        begun = self._open.pop(attributes.scheduled_event_id, None)
        if begun is None:
            return
        result = await self._decoded(attributes.result.payloads, _RESULTS.get(begun.name))
        self._learn(result)
        self._finish(event, begun, _gist(result))

    async def activity_failed(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_failed_event_attributes
        self._fail(event, attributes.scheduled_event_id, attributes.failure.message)

    async def activity_timed_out(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_timed_out_event_attributes
        self._fail(event, attributes.scheduled_event_id, "it ran out of time")

    async def activity_canceled(self, event: HistoryEvent) -> None:
        self._open.pop(event.activity_task_canceled_event_attributes.scheduled_event_id, None)

    async def timer_started(self, event: HistoryEvent) -> None:
        self._begin(event, Kind.WAIT, await self._summary(event) or "Wait")

    async def timer_fired(self, event: HistoryEvent) -> None:
        begun = self._open.pop(event.timer_fired_event_attributes.started_event_id, None)
        if begun is not None:
            self._finish(event, begun, "")

    async def timer_canceled(self, event: HistoryEvent) -> None:
        begun = self._open.pop(event.timer_canceled_event_attributes.started_event_id, None)
        if begun is not None:
            self._finish(event, begun, "")

    async def child_initiated(self, event: HistoryEvent) -> None:
        number = self.facts.get("attempt", 0) + 1
        self.facts["attempt"] = number
        self._begin(event, Kind.ATTEMPT, f"Attempt {number}: make and prove a patch")

    async def child_completed(self, event: HistoryEvent) -> None:
        attributes = event.child_workflow_execution_completed_event_attributes
        begun = self._open.pop(attributes.initiated_event_id, None)
        result = await self._decoded(attributes.result.payloads, AttemptResult)
        if begun is None or not isinstance(result, AttemptResult):
            return
        self.facts |= {"proposal": result.proposal, "verdict": result.verdict, "approval": None}
        said = [result.proposal.summary]
        if result.verdict is not None:
            said.append(f"Gate: {result.verdict.decision.replace('_', ' ')}.")
        self._finish(event, begun, " ".join(filter(None, said)))

    async def child_failed(self, event: HistoryEvent) -> None:
        attributes = event.child_workflow_execution_failed_event_attributes
        self._fail(event, attributes.initiated_event_id, attributes.failure.cause.message)

    async def child_canceled(self, event: HistoryEvent) -> None:
        initiated = event.child_workflow_execution_canceled_event_attributes.initiated_event_id
        begun = self._open.pop(initiated, None)
        if begun is not None:
            self._finish(event, begun, "given up")

    async def signaled(self, event: HistoryEvent) -> None:
        attributes = event.workflow_execution_signaled_event_attributes
        name = attributes.signal_name
        if name not in set(Verb):
            self._tell(event, Kind.NEWS, f"GitHub says: {name.replace('_', ' ')}")
            return
        order = await self._decoded(attributes.input.payloads, Order)
        if not isinstance(order, Order):
            return
        said = f"to {order.question}" if order.question else order.hint or ""
        self._tell(event, Kind.ORDER, f"{order.by} says: {name}", said)
        if name in {Verb.PAUSE, Verb.RESUME}:
            self.facts["paused"] = name == Verb.PAUSE
        proposal = self.facts.get("proposal")
        if name == Verb.APPROVE and proposal is not None and order.question == proposal.patch_id:
            at = _time(event.event_time)
            self.facts["approval"] = Approval(by=order.by, at=at, patch_id=proposal.patch_id)

    async def ended(self, event: HistoryEvent) -> None:
        payloads = event.workflow_execution_completed_event_attributes.result.payloads
        result = await self._decoded(payloads, RemediationResult)
        if isinstance(result, RemediationResult):
            same = ("outcome", "reason", "detail", "attempts", "fix_head_sha", "cost_usd")
            self.facts |= {name: getattr(result, name) for name in same}
            self.facts["state"] = State.DONE
            outcome = result.outcome.replace("_", " ")
            self._tell(event, Kind.END, f"Ended: {outcome}", REASON_SENTENCES[result.reason])

    async def ended_badly(self, event: HistoryEvent) -> None:
        word = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_WORKFLOW_EXECUTION_").lower()
        message = event.workflow_execution_failed_event_attributes.failure.message
        self._tell(
            event, Kind.END, f"{word.replace('_', ' ').capitalize()} in Temporal", message, problem=True
        )

    def _learn(self, result: Any) -> None:
        match result:
            case RunSnapshot():
                self.facts["run"] = result
            case Evidence():
                self.facts["evidence"] = result
                self.facts.setdefault("failed_jobs", tuple(job.name for job in result.jobs))
            case Diagnosis():
                self.facts["diagnosis"] = result
            case ModelOpinion(diagnosis=Diagnosis() as diagnosis):
                self.facts["diagnosis"] = diagnosis
            case PullRequest():
                self.facts["pull_request"] = result

    def _begin(self, event: HistoryEvent, kind: Kind, text: str, name: str = "") -> None:
        self._open[event.event_id] = _Open(at=_time(event.event_time), kind=kind, text=text, name=name)

    def _finish(self, event: HistoryEvent, begun: _Open, detail: str, *, problem: bool = False) -> None:
        took = _time(event.event_time) - begun.at
        self._moments.append(
            Moment(at=begun.at, kind=begun.kind, text=begun.text, detail=detail, took=took, problem=problem)
        )

    def _fail(self, event: HistoryEvent, begun_by: int, why: str) -> None:
        begun = self._open.pop(begun_by, None)
        if begun is not None:
            self._finish(event, begun, why, problem=True)

    def _tell(
        self, event: HistoryEvent, kind: Kind, text: str, detail: str = "", *, problem: bool = False
    ) -> None:
        at = _time(event.event_time)
        self._moments.append(Moment(at=at, kind=kind, text=text, detail=detail, problem=problem))

    async def _summary(self, event: HistoryEvent) -> str:
        if not event.user_metadata.summary.data:
            return ""
        found = await self._decoded([event.user_metadata.summary], str)
        return found if isinstance(found, str) else ""

    async def _decoded(self, payloads: Sequence[RawPayload], wanted: Any) -> Any:
        """What a payload holds; None where it is not of that form, or a key to read it is not here."""
        if not payloads or wanted in {None, type(None)}:
            return None
        try:
            [found] = await self._converter.decode(payloads[:1], [wanted])
        except (ValueError, RuntimeError, PayloadKeyError):
            return None
        return found


_TELLERS: Final[dict[Any, Callable[[_Teller, HistoryEvent], Awaitable[None]]]] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: _Teller.began,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: _Teller.scheduled,
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: _Teller.completed,
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: _Teller.activity_failed,
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: _Teller.activity_timed_out,
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: _Teller.activity_canceled,
    EventType.EVENT_TYPE_TIMER_STARTED: _Teller.timer_started,
    EventType.EVENT_TYPE_TIMER_FIRED: _Teller.timer_fired,
    EventType.EVENT_TYPE_TIMER_CANCELED: _Teller.timer_canceled,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: _Teller.child_initiated,
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: _Teller.child_completed,
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: _Teller.child_failed,
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: _Teller.child_canceled,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: _Teller.signaled,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: _Teller.ended,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: _Teller.ended_badly,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: _Teller.ended_badly,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: _Teller.ended_badly,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: _Teller.ended_badly,
}


async def tell(events: Iterable[HistoryEvent], converter: DataConverter, *, cut: bool = False) -> Story:
    """The story that a remediation's history holds.

    Args:
        events: The history from its beginning on.
        converter: What payloads are stored with.
        cut: Whether the history has more than that.
    """
    teller = _Teller(converter)
    for event in events:
        await teller.hear(event)
    return Story(moments=teller.moments(), facts=Status(**teller.facts), cut=cut)


def _told_once(moments: Iterable[Moment]) -> list[Moment]:
    told: list[Moment] = []
    for moment in moments:
        alike = next(
            (
                place
                for place in range(len(told) - 1, max(-1, len(told) - 1 - _ALIKE_WITHIN), -1)
                if _is_repeat(told[place], moment)
            ),
            None,
        )
        if alike is None:
            told.append(moment)
        else:
            times = told[alike].times + 1
            told[alike] = told[alike].model_copy(update={"times": times, "detail": moment.detail})
    return told


def _is_repeat(earlier: Moment, later: Moment) -> bool:
    same = (earlier.kind, earlier.text, earlier.problem) == (later.kind, later.text, later.problem)
    return same and later.kind in {Kind.STEP, Kind.WAIT, Kind.NEWS} and not later.under_way


def _gist(result: Any) -> str:
    """What a step found out, in a few words."""
    said = ""
    match result:
        case RunSnapshot():
            said = f"{result.workflow_name} on {result.head_branch}: {result.conclusion or result.status}"
        case Evidence():
            names = ", ".join(job.name for job in result.jobs[:3]) or "no job"
            said = f"{result.failed_jobs or len(result.jobs)} failed: {names}"
        case Diagnosis():
            said = result.root_cause
        case ModelOpinion():
            said = result.diagnosis.root_cause if result.diagnosis else result.detail
        case ChecksReading():
            said = " ".join(filter(None, (result.verdict.replace("_", " "), result.detail)))
        case RerunResult():
            said = result.state.replace("_", " ")
        case PullRequest():
            said = f"#{result.number}, {'merged' if result.merged else result.state}"
    return said


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
