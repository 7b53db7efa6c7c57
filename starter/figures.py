"""What can be said of the remediations now, from Temporal alone: counted at most once a minute."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from starter.remediations import Overview, Remediations
from starter.statistics import Statistics, add_up
from workflows import naming
from workflows.connection import TemporalUnreachableError
from workflows.models import Limits, Payload, Reason, State

WINDOWS: Final[Mapping[str, timedelta]] = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "28d": timedelta(days=28),
}
"""What is added up: the remediations that started within so long."""
MOST: Final = 5_000
"""Remediations that are looked at, the newest; with more in four weeks `Figures.complete` is false."""
FRESH: Final = timedelta(minutes=1)
"""How long a count is good for."""
PATIENCE: Final = timedelta(seconds=5)
"""How long a caller waits for a new count before it gets the last one."""
QUEUES: Final = (
    (naming.PUBLISHER_QUEUE, "workflow"),
    (naming.PUBLISHER_QUEUE, "activity"),
    (naming.ANALYST_QUEUE, "activity"),
)
"""Task queues with what is polled for there."""

_CALL: Final = timedelta(seconds=3)
_SHARE_OF_TIME: Final = 20
"""A count that takes long is repeated the less often, so that it takes at most a twentieth of the time."""
_TYPES: Final = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}

_log: Final = logging.getLogger(__name__)


class Waiting(Payload):
    """The open remediations in one state."""

    number: int
    oldest: timedelta
    """Since the longest-standing of them started."""


class QueueFigures(Payload):
    """One task queue, for one kind of task."""

    queue: str
    kind: str
    """`workflow` or `activity`."""
    pollers: int
    """Workers that asked for tasks within the last minutes, as Temporal counts them."""
    backlog: int
    """Tasks that wait for a worker, about."""
    backlog_age: timedelta
    """How long the first of them has waited, about."""


class Figures(Payload):
    """What is true of the remediations at one moment."""

    at: datetime
    complete: bool
    """False where there were more than `MOST`, so that the older ones are left out."""
    windows: Mapping[str, Statistics]
    """By the names of `WINDOWS`."""
    reasons: Mapping[str, Mapping[Reason, int]]
    """How often each reason ended a remediation, by the names of `WINDOWS`."""
    waiting: Mapping[State, Waiting]
    """By the state they are in; states without an open remediation are left out."""
    newest: datetime | None
    """When the newest remediation started."""
    dollars_used: float
    """The largest share of its ceiling that an open remediation has spent; 0 without any."""
    pull_requests_used: float
    """The largest share of its fix pull requests of one day that a repository has had."""
    queues: tuple[QueueFigures, ...]


class Survey:
    """Counts, and remembers the last count.

    Args:
        client: A Temporal client; a lazy one may never have connected yet.
        limits: The bounds that remediations start with.
    """

    def __init__(self, client: Client, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._counting: asyncio.Task[None] | None = None
        self._due = 0.0
        self.last: Figures | None = None
        self.reachable = False
        """Whether the last count succeeded."""

    async def latest(self) -> Figures | None:
        """A count of the last minute, or the last one where that takes too long or fails; None before any."""
        if self._counting is None and time.monotonic() >= self._due:
            self._counting = asyncio.create_task(self._count())
        if self._counting is not None:
            await asyncio.wait([self._counting], timeout=PATIENCE.total_seconds())
        return self.last

    async def keep_counting(self) -> None:
        """Count again whenever a count is due, for exporters that do not ask; never returns."""
        while True:
            await self.latest()
            await asyncio.sleep(FRESH.total_seconds())

    async def close(self) -> None:
        """Give up a count that is under way."""
        if self._counting is not None:
            self._counting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._counting

    async def _count(self) -> None:
        began = time.monotonic()
        try:
            self.last = await self._figures(datetime.now(UTC))
            self.reachable = True
        except (TemporalUnreachableError, RPCError, RuntimeError) as error:  # a lazy client raises the last
            self.reachable = False
            _log.warning("the remediations cannot be counted: %s", error)
        finally:
            took = time.monotonic() - began
            self._due = time.monotonic() + max(FRESH.total_seconds(), _SHARE_OF_TIME * took)
            self._counting = None

    async def _figures(self, now: datetime) -> Figures:
        found = await Remediations(self._client).started_since(now - max(WINDOWS.values()), limit=MOST)
        queues = [await self._queue(queue, kind) for queue, kind in QUEUES]
        return figures(found, self._limits, tuple(queues), now, complete=len(found) < MOST)

    async def _queue(self, queue: str, kind: str) -> QueueFigures:
        answer = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=queue),
                task_queue_type=_TYPES[kind],
                report_stats=True,
            ),
            timeout=_CALL,
        )
        return QueueFigures(
            queue=queue,
            kind=kind,
            pollers=len(answer.pollers),
            backlog=answer.stats.approximate_backlog_count,
            backlog_age=answer.stats.approximate_backlog_age.ToTimedelta(),
        )


def figures(
    overviews: list[Overview],
    limits: Limits,
    queues: tuple[QueueFigures, ...],
    now: datetime,
    *,
    complete: bool,
) -> Figures:
    """Add remediations up.

    Args:
        overviews: Those that started within the longest of `WINDOWS`.
        limits: The bounds that remediations start with.
        queues: The task queues.
        now: The moment, with a time zone.
        complete: Whether the remediations are all there are.
    """
    windows = {
        name: add_up(each for each in overviews if each.started_at >= now - window)
        for name, window in WINDOWS.items()
    }
    return Figures(
        at=now,
        complete=complete,
        windows=windows,
        reasons={name: _reasons(overviews, now - window) for name, window in WINDOWS.items()},
        waiting=_waiting(overviews, now),
        newest=max((each.started_at for each in overviews), default=None),
        dollars_used=_dollars_used(overviews, limits),
        pull_requests_used=_pull_requests_used(overviews, limits, now),
        queues=queues,
    )


def _reasons(overviews: Iterable[Overview], since: datetime) -> Counter[Reason]:
    return Counter(each.record.reason for each in overviews if each.record and each.started_at >= since)


def _waiting(overviews: Iterable[Overview], now: datetime) -> dict[State, Waiting]:
    ages: dict[State, list[timedelta]] = {}
    for each in overviews:
        if each.open and each.state in set(State):
            ages.setdefault(State(each.state), []).append(now - each.started_at)
    return {state: Waiting(number=len(those), oldest=max(those)) for state, those in ages.items()}


def _dollars_used(overviews: Iterable[Overview], limits: Limits) -> float:
    spent = [each.cost_usd for each in overviews if each.open and each.record is None and each.cost_usd]
    return max(spent) / limits.remediation_usd if spent and limits.remediation_usd else 0.0


def _pull_requests_used(overviews: Iterable[Overview], limits: Limits, now: datetime) -> float:
    """An open remediation's pull request counts from its start; visibility tells nothing closer."""
    opened: dict[str, int] = {}
    for each in overviews:
        at = each.record.published_at if each.record else each.started_at if each.pull_request else None
        if at is not None and at >= now - WINDOWS["1d"]:
            opened[each.repository] = opened.get(each.repository, 0) + 1
    if not opened or not limits.pull_requests_per_day:
        return 0.0
    return max(opened.values()) / limits.pull_requests_per_day
