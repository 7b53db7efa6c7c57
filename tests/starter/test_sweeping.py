from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from starter.settings import StarterSettings
from starter.sweeping import keep_sweep_schedule
from workflows import naming
from workflows.sweep_models import SweepRequest


def settings(**changes: Any) -> StarterSettings:
    return StarterSettings(webhook_secret=SecretStr("s3cret"), **changes)


@pytest.fixture(autouse=True)
async def no_schedule(client: Client) -> AsyncIterator[None]:
    yield
    await keep_sweep_schedule(client, settings(sweep_interval="0s"))


async def kept(client: Client) -> Schedule:
    return (await client.get_schedule_handle(naming.SWEEP_SCHEDULE).describe()).schedule


async def request(client: Client) -> SweepRequest:
    action = (await kept(client)).action
    assert isinstance(action, ScheduleActionStartWorkflow)
    found: list[SweepRequest] = await client.data_converter.decode(list(action.args), [SweepRequest])
    return found[0]


async def test_the_schedule_is_made_once_and_follows_the_settings(client: Client) -> None:
    await keep_sweep_schedule(client, settings())
    await keep_sweep_schedule(
        client, settings(sweep_interval="5m", sweep_repositories="acme/widgets", max_attempts=2)
    )
    assert (await kept(client)).spec.intervals[0].every == timedelta(minutes=5)
    second = await request(client)
    assert second.repositories == ("acme/widgets",)
    assert second.limits.attempts == 2
    made = (await client.get_schedule_handle(naming.SWEEP_SCHEDULE).describe()).info.created_at
    assert second.not_before == made


async def test_an_operators_pause_stays(client: Client) -> None:
    await keep_sweep_schedule(client, settings())
    await client.get_schedule_handle(naming.SWEEP_SCHEDULE).pause(note="maintenance")
    await keep_sweep_schedule(client, settings())
    state = (await kept(client)).state
    assert (state.paused, state.note) == (True, "maintenance")


async def test_no_interval_means_no_schedule(client: Client) -> None:
    await keep_sweep_schedule(client, settings())
    await keep_sweep_schedule(client, settings(sweep_interval="0s"))
    await keep_sweep_schedule(client, settings(sweep_interval="0s"))
    with pytest.raises(RPCError):
        await kept(client)
