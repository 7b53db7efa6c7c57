"""The schedule that looks for failures whose webhook never came."""

import dataclasses
from datetime import UTC, datetime
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from starter.settings import StarterSettings
from workflows import naming
from workflows.sweep_models import SweepRequest

_JITTER: Final = 0.1
"""Share of the interval by which a sweep may be late: many installations shall not ask GitHub at once."""


async def keep_sweep_schedule(client: Client, settings: StarterSettings) -> None:
    """Make the schedule what the settings say; repeating it changes nothing.

    Failures from before the schedule was first made are left alone.

    Raises:
        RPCError: Temporal did not answer.
    """
    handle = client.get_schedule_handle(naming.SWEEP_SCHEDULE)
    if not settings.sweep_interval:
        try:
            await handle.delete()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        return
    try:
        await client.create_schedule(naming.SWEEP_SCHEDULE, _schedule(settings, datetime.now(UTC)))
    except ScheduleAlreadyRunningError:
        await handle.update(lambda found: _updated(found, settings))


def _updated(found: ScheduleUpdateInput, settings: StarterSettings) -> ScheduleUpdate:
    """What is there, with our settings: whether it is paused stays as an operator left it."""
    wanted = _schedule(settings, found.description.info.created_at)
    return ScheduleUpdate(schedule=dataclasses.replace(wanted, state=found.description.schedule.state))


def _schedule(settings: StarterSettings, not_before: datetime) -> Schedule:
    interval = settings.sweep_interval
    request = SweepRequest(
        not_before=not_before,
        repositories=settings.sweep_repositories,
        limits=settings.limits(),
        policy=settings.policy(),
    )
    return Schedule(
        action=ScheduleActionStartWorkflow(
            naming.SWEEP_WORKFLOW,
            request,
            id=naming.SWEEP_SCHEDULE,
            task_queue=naming.PUBLISHER_QUEUE,
            static_summary="Look for failures that no webhook told of",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=interval)], jitter=interval * _JITTER),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
