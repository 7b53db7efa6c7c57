"""What the dashboard shows, read from Temporal and this process's counts; bounded, and kept for seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from temporalio.client import Client

from starter.dashboard.story import Story, tell
from starter.metrics import EventCounts
from starter.remediations import Details, Overview, Remediations
from starter.statistics import Statistics, add_up
from starter.webhook import Verb
from workflows import naming
from workflows.connection import TemporalUnreachableError
from workflows.models import CALLS_FOR_A_HUMAN, Order, Outcome, Payload, State, Status

T = TypeVar("T")

MOST_COUNTED: Final = 2_000
"""Remediations of a period that are added up."""
MOST_LISTED: Final = 500
"""Remediations that can be paged through."""
MOST_WAITING: Final = 50
"""Shown in a list of the overview."""
MOST_EVENTS: Final = 3_000
"""Of a history: three attempts with long sessions and polls stay below."""
PAGE: Final = 25
FRESH: Final = timedelta(seconds=5)
"""How long an answer of Temporal is shown again, so that a page that is reloaded costs nothing."""
PATIENCE: Final = timedelta(seconds=12)
"""For all that one page asks of Temporal."""
SILENCE: Final = timedelta(hours=24)
"""Without an event for this long, nobody can tell calm from a webhook that is broken."""

_MOST_KEPT: Final = 200
_RECENT: Final = 10
_NOT_UNDER_WAY: Final = frozenset({State.AWAITING_APPROVAL, State.WATCHING_MERGE, State.WATCHING_REVERT})


class Period(StrEnum):
    """What is added up: remediations that started within it."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def length(self) -> timedelta:
        """How far it reaches back."""
        return {Period.DAY: timedelta(days=1), Period.WEEK: timedelta(days=7)}.get(self, timedelta(days=30))


class Hearing(StrEnum):
    """Whether failures would be noticed, as far as this process can tell."""

    HEARS = "hears"
    """Events come, and failed runs are among them."""
    QUIET = "quiet"
    """Events come; no failed run is among them."""
    SILENT = "silent"
    """No event of GitHub's has come, or none for long."""
    REFUSES = "refuses"
    """Events come, and none of them is signed with the webhook secret."""


class EventCount(Payload):
    """Events that had the same end."""

    decision: str
    reason: str
    number: int


class Events(Payload):
    """What this process heard since it started. Another process of the service counts its own."""

    hearing: Hearing
    since: datetime
    last_signed: datetime | None
    counts: tuple[EventCount, ...]


class Numbers(Payload):
    """The overview."""

    as_of: datetime
    period: Period
    statistics: Statistics
    cut: bool
    """There are more than were added up: these are the open ones, then the last that ended."""
    events: Events
    last_started: Overview | None
    """The remediation that started last, whenever that was."""
    awaiting: tuple[Overview, ...]
    """Open, and waiting for a human's approval."""
    handed_over: tuple[Overview, ...]
    """Ended within the period, and left to a human."""
    under_way: tuple[Overview, ...]
    """Open, and at work: not waiting for a human's approval or merge, nor watching what was merged."""
    green: tuple[Overview, ...]
    """Open: green, and waiting for a human to merge."""
    recent: tuple[Overview, ...]


class Selection(Payload):
    """Which remediations a list shows."""

    repository: str | None = None
    outcome: Outcome | None = None
    page: int = 1


class Listing(Payload):
    """A page of remediations."""

    as_of: datetime
    selection: Selection
    found: tuple[Overview, ...]
    pages: int
    total: int
    """At most `MOST_LISTED`."""
    cut: bool
    """There may be more."""


class Told(Payload):
    """One remediation."""

    as_of: datetime
    details: Details
    status: Status
    """As its worker says, else as its history tells."""
    worker_answered: bool
    story: Story


class Reader:
    """Reads for pages.

    Every method raises `TemporalUnreachableError` when Temporal does not answer in time.

    Args:
        client: Where remediations run; it may be a lazy one.
        counts: What this process heard.
    """

    def __init__(self, client: Client, counts: EventCounts) -> None:
        self._remediations = Remediations(client)
        self._converter = client.data_converter
        self._counts = counts
        self._kept = _Kept()

    async def numbers(self, period: Period) -> Numbers:
        """The overview."""
        return await self._kept.get(("numbers", period), lambda: self._numbers(period))

    async def listing(self, selection: Selection) -> Listing:
        """A page of remediations."""
        every = selection.model_copy(update={"page": 1})
        as_of, found = await self._kept.get(("listing", every), lambda: self._listed(every))
        pages = max(1, -(-len(found) // PAGE))
        page = min(max(1, selection.page), pages)
        return Listing(
            as_of=as_of,
            selection=selection.model_copy(update={"page": page}),
            found=tuple(found[(page - 1) * PAGE : page * PAGE]),
            pages=pages,
            total=len(found),
            cut=len(found) >= MOST_LISTED,
        )

    async def told(self, workflow_id: str) -> Told:
        """One remediation.

        Raises:
            RemediationNotFoundError: There is none of this id.
        """
        return await self._kept.get(("told", workflow_id), lambda: self._told(workflow_id))

    async def order(self, workflow_id: str, verb: Verb, order: Order) -> None:
        """Give a human's order; the remediation is read afresh after it.

        Raises:
            RemediationNotFoundError: There is none of this id.
            RemediationEndedError: It has ended.
        """
        await _patiently(lambda: self._remediations.order(workflow_id, verb, order))
        self._kept.forget(("told", workflow_id))

    async def _numbers(self, period: Period) -> Numbers:
        now = datetime.now(UTC)
        handed_over = ", ".join(f"'{outcome}'" for outcome in sorted(CALLS_FOR_A_HUMAN))
        since = (now - period.length).isoformat(timespec="seconds")
        running = "ExecutionStatus = 'Running'"
        within, going, awaiting, given, newest = await asyncio.gather(
            self._remediations.started_since(now - period.length, limit=MOST_COUNTED),
            self._remediations.matching(running, limit=MOST_LISTED),
            self._remediations.matching(
                running, f"{naming.CI_STATE.name} = '{State.AWAITING_APPROVAL}'", limit=MOST_WAITING
            ),
            self._remediations.matching(
                f"{naming.CI_OUTCOME.name} IN ({handed_over})", f"CloseTime >= '{since}'", limit=MOST_WAITING
            ),
            self._remediations.matching(limit=MOST_WAITING),
        )
        return Numbers(
            as_of=now,
            period=period,
            statistics=add_up(within),
            cut=len(within) >= MOST_COUNTED,
            events=events(self._counts, now),
            last_started=max([*newest, *within], key=lambda each: each.started_at, default=None),
            awaiting=tuple(awaiting),
            handed_over=tuple(given),
            under_way=tuple(each for each in going if each.state not in _NOT_UNDER_WAY)[:MOST_WAITING],
            green=tuple(each for each in going if each.state == State.WATCHING_MERGE)[:MOST_WAITING],
            recent=tuple((within or newest)[:_RECENT]),
        )

    async def _listed(self, selection: Selection) -> tuple[datetime, list[Overview]]:
        conditions = []
        if selection.repository is not None:
            conditions.append(f"{naming.CI_REPOSITORY.name} = '{selection.repository}'")
        if selection.outcome is not None:
            conditions.append(f"{naming.CI_OUTCOME.name} = '{selection.outcome}'")
        return datetime.now(UTC), await self._remediations.matching(*conditions, limit=MOST_LISTED)

    async def _told(self, workflow_id: str) -> Told:
        details, history = await asyncio.gather(
            self._remediations.details(workflow_id),
            self._remediations.history(workflow_id, limit=MOST_EVENTS),
        )
        story = await tell(history, self._converter, cut=len(history) >= MOST_EVENTS)
        return Told(
            as_of=datetime.now(UTC),
            details=details,
            status=details.status or _as_far_as_told(story.facts, details.overview),
            worker_answered=details.status is not None,
            story=story,
        )


def events(counts: EventCounts, now: datetime) -> Events:
    """What a process heard, and what that says of whether it hears at all."""
    counted = counts.counted()
    refused = any(reason == "signature" for _, reason in counted)
    deaf = counts.last_signed is None or now - counts.last_signed >= SILENCE
    if deaf:
        hearing = Hearing.REFUSES if refused else Hearing.SILENT
    else:
        failures = any(decision in {"started", "duplicate"} for decision, _ in counted)
        hearing = Hearing.HEARS if failures else Hearing.QUIET
    return Events(
        hearing=hearing,
        since=counts.since,
        last_signed=counts.last_signed,
        counts=tuple(
            EventCount(decision=decision, reason=reason, number=number)
            for (decision, reason), number in sorted(counted.items(), key=lambda item: -item[1])
        ),
    )


def _as_far_as_told(facts: Status, overview: Overview) -> Status:
    """What the history tells, with the state that visibility knows."""
    state = State(overview.state) if overview.state in set(State) else facts.state
    asked = overview.open and state is State.AWAITING_APPROVAL and facts.proposal is not None
    return facts.model_copy(
        update={
            "state": state,
            "question": facts.proposal.patch_id if asked and facts.proposal else None,
            "cost_usd": facts.cost_usd if facts.cost_usd is not None else overview.cost_usd,
        }
    )


class _Kept:
    """Answers of the last seconds. Who asks for one that is being fetched waits for that one."""

    def __init__(self) -> None:
        self._answers: dict[Any, tuple[float, asyncio.Task[Any]]] = {}

    async def get(self, key: Any, fetch: Callable[[], Awaitable[T]]) -> T:
        now = time.monotonic()
        fresh = {each: kept for each, kept in self._answers.items() if not kept[1].done() or kept[0] > now}
        self._answers = dict(list(fresh.items())[-_MOST_KEPT:])
        if key not in self._answers:
            task = asyncio.ensure_future(_patiently(fetch))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._answers[key] = (now + FRESH.total_seconds(), task)
        # one visitor who goes away must not end the answer for the others
        answer: T = await asyncio.shield(self._answers[key][1])
        return answer

    def forget(self, key: Any) -> None:
        self._answers.pop(key, None)


async def _patiently(fetch: Callable[[], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await fetch()
    except TimeoutError as error:
        raise TemporalUnreachableError("Temporal does not answer in time") from error
    except RuntimeError as error:  # what the SDK raises when a lazy client cannot connect
        raise TemporalUnreachableError(f"Temporal cannot be reached: {error}") from error
