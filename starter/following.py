"""A remediation step by step, as it happens: its history and those of its attempts, told in its own words."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from temporalio.api.common.v1 import Payload as WirePayload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows import naming
from workflows.models import Order


class Kind(StrEnum):
    """What kind of thing happened."""

    STARTED = "started"
    """The remediation."""
    STEP = "step"
    """A step began."""
    DONE = "done"
    """A step ended well."""
    FAILED = "failed"
    """A step failed for good, or its worker never answered."""
    WAITING = "waiting"
    """A wait began."""
    ORDER = "order"
    """A human gave an order."""
    EVENT = "event"
    """GitHub told of something."""
    STATE = "state"
    OUTCOME = "outcome"
    ENDED = "ended"
    """The remediation's workflow; nothing comes after it."""


@dataclass(frozen=True)
class Happening:
    """One thing that happened."""

    at: datetime
    kind: Kind
    text: str
    """From inside and outside; not fit for a terminal until it is made plain."""
    seconds: float | None = None
    """How long a step took, from when it was scheduled."""


_ENDS: Final = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "completed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "failed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: "terminated",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: "timed out",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: "canceled",
}
_STEP_ENDS: Final = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "activity_task_completed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "activity_task_failed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "activity_task_timed_out_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "activity_task_canceled_event_attributes",
}
_ORDERS: Final = frozenset({"approve", "reject", "retry", "stop", "pause", "resume", "explain", "help"})


async def follow(client: Client, workflow_id: str) -> AsyncGenerator[Happening]:
    """Everything that has happened, and then what happens, until the remediation's workflow ends.

    Raises:
        RPCError: Temporal does not answer, or there is no such workflow.
    """
    reader = _Reader(client)
    reader.start(workflow_id, is_attempt=False)
    try:
        while True:
            found = await reader.heard.get()
            if isinstance(found, BaseException):
                raise found
            yield found
            if found.kind is Kind.ENDED:
                return
    finally:
        await reader.stop()


class _Reader:
    """Reads the histories of a remediation and its attempts at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tasks: list[asyncio.Task[None]] = []
        self.heard: asyncio.Queue[Happening | BaseException] = asyncio.Queue()

    def start(self, workflow_id: str, *, is_attempt: bool) -> None:
        """Begin with one history; what goes wrong with it is heard too."""
        task = asyncio.create_task(self._read(workflow_id, is_attempt=is_attempt))
        task.add_done_callback(self._hear_error)
        self._tasks.append(task)

    async def stop(self) -> None:
        """Read no further."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hear_error(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.heard.put_nowait(error)

    async def _read(self, workflow_id: str, *, is_attempt: bool) -> None:
        scheduled: dict[int, tuple[datetime, str]] = {}
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            async for event in handle.fetch_history_events(wait_new_event=True):
                for happening in await self._told(event, scheduled, is_attempt=is_attempt):
                    self.heard.put_nowait(happening)
                if event.event_type == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                    child = event.child_workflow_execution_started_event_attributes.workflow_execution
                    self.start(child.workflow_id, is_attempt=True)
        except RPCError as error:
            if not is_attempt or error.status is not RPCStatusCode.NOT_FOUND:
                raise  # of an attempt, the history may be gone before its remediation's is

    async def _told(
        self, event: HistoryEvent, scheduled: dict[int, tuple[datetime, str]], *, is_attempt: bool
    ) -> list[Happening]:
        at = event.event_time.ToDatetime(UTC)
        kind = event.event_type
        if kind in _STEP_ENDS:
            return [await self._step_end(event, at, scheduled)]
        if kind == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            text = await self._summary(event) or name
            scheduled[event.event_id] = (at, text)
            return [Happening(at, Kind.STEP, text)]
        if kind == EventType.EVENT_TYPE_TIMER_STARTED:
            limit = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
            text = await self._summary(event) or "Wait"
            return [Happening(at, Kind.WAITING, f"{text} (at most {str(limit).removesuffix(', 0:00:00')})")]
        return [] if is_attempt else await self._of_the_remediation(event, at)

    async def _of_the_remediation(self, event: HistoryEvent, at: datetime) -> list[Happening]:
        kind = event.event_type
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            return [Happening(at, Kind.STARTED, await self._summary(event) or "started")]
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            return [await self._signal(event, at)]
        if kind == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
            found = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
            said = ((Kind.STATE, naming.CI_STATE.name), (Kind.OUTCOME, naming.CI_OUTCOME.name))
            return [
                Happening(at, which, found[name].data.decode().strip('"'))
                for which, name in said
                if name in found
            ]
        if kind in _ENDS:
            text = _ENDS[kind]
            if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
                failure = event.workflow_execution_failed_event_attributes.failure
                text = f"{text}: {await self._failure(failure)}"
            return [Happening(at, Kind.ENDED, text)]
        return []

    async def _step_end(
        self, event: HistoryEvent, at: datetime, scheduled: dict[int, tuple[datetime, str]]
    ) -> Happening:
        attributes: Any = getattr(event, _STEP_ENDS[event.event_type])
        since, text = scheduled.get(attributes.scheduled_event_id, (at, "a step"))
        seconds = round((at - since).total_seconds(), 3)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            return Happening(at, Kind.DONE, text, seconds)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
            return Happening(at, Kind.FAILED, f"{text}: canceled", seconds)
        return Happening(at, Kind.FAILED, f"{text}: {await self._failure(attributes.failure)}", seconds)

    async def _signal(self, event: HistoryEvent, at: datetime) -> Happening:
        attributes = event.workflow_execution_signaled_event_attributes
        name = attributes.signal_name
        if name not in _ORDERS:
            return Happening(at, Kind.EVENT, name.replace("_", " "))
        with suppress(Exception):  # anybody may signal anything: what does not read is named all the same
            [order] = await self._client.data_converter.decode(attributes.input.payloads, [Order])
            return Happening(at, Kind.ORDER, f"{name} by {order.by}")
        return Happening(at, Kind.ORDER, name)

    async def _summary(self, event: HistoryEvent) -> str:
        if not event.HasField("user_metadata") or not event.user_metadata.HasField("summary"):
            return ""
        return str(await self._decoded(event.user_metadata.summary))

    async def _decoded(self, payload: WirePayload) -> Any:
        [found] = await self._client.data_converter.decode([payload], [str])
        return found

    async def _failure(self, failure: Failure) -> str:
        """The innermost cause's text."""
        error: BaseException | None = await self._client.data_converter.decode_failure(failure)
        text = str(error)
        while error is not None:
            text, error = str(error) or text, error.__cause__
        return text
