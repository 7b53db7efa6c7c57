"""A failure whose webhook never came is found by the sweep, and repaired like any other."""

import asyncio

import pytest
from exactly_once import assert_fixed_exactly_once, break_lint
from temporalio.service import RPCError

from localhub.stage import Stage
from workflows import naming

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def test_a_failure_that_no_webhook_told_of_is_repaired() -> None:
    async with Stage(settings={"REGREEN_SWEEP_INTERVAL": "12h"}) as stage:
        schedule = stage.client.get_schedule_handle(naming.SWEEP_SCHEDULE)
        await _until_there(stage)
        await stage.stop("starter")
        broken = await break_lint(stage)
        await stage.hub.idle()
        await stage.start("starter", "serve")
        assert not [each async for each in stage.client.list_workflows("WorkflowType = 'CiRemediation'")]
        await schedule.trigger()
        await assert_fixed_exactly_once(stage, broken)


async def _until_there(stage: Stage) -> None:
    for _ in range(200):
        try:
            await stage.client.get_schedule_handle(naming.SWEEP_SCHEDULE).describe()
        except RPCError:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("the starter makes no schedule")
