import asyncio
import itertools
import time
from datetime import timedelta

import pytest

from activities.adapters.turns import NoWrites, Turns
from activities.errors import PermanentError, ThrottledError

SPACING = 0.05


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def write(turns: Turns, moments: list[tuple[float, float]], account: str = "acme") -> None:
    async with turns.writing(account):
        begun = time.monotonic()
        await asyncio.sleep(0.01)
        moments.append((begun, time.monotonic()))


async def refused(turns: Turns, account: str = "acme") -> ThrottledError:
    with pytest.raises(ThrottledError) as caught:
        async with turns.reading(account):
            pass
    return caught.value


async def throttle(turns: Turns, delay: float, *, guessed: bool = False) -> ThrottledError:
    with pytest.raises(ThrottledError) as caught:
        async with turns.reading("acme"):
            raise ThrottledError("slow down", delay=timedelta(seconds=delay), guessed=guessed)
    return caught.value


async def test_writes_of_an_installation_come_one_by_one_with_a_pause_between() -> None:
    turns, moments = Turns(timedelta(seconds=SPACING)), list[tuple[float, float]]()
    await asyncio.gather(*(write(turns, moments) for _ in range(5)))
    gaps = [begun - ended for (_, ended), (begun, _) in itertools.pairwise(moments)]
    assert len(gaps) == 4
    assert min(gaps) >= SPACING * 0.99


async def test_the_pause_is_kept_after_a_write_that_failed() -> None:
    turns, moments = Turns(timedelta(seconds=SPACING)), list[tuple[float, float]]()
    with pytest.raises(RuntimeError):
        async with turns.writing("acme"):
            raise RuntimeError
    failed = time.monotonic()
    await write(turns, moments)
    assert moments[0][0] - failed >= SPACING * 0.9


async def test_reads_and_other_installations_do_not_wait() -> None:
    turns = Turns(timedelta(hours=1))
    async with turns.writing("acme"), turns.reading("acme"), turns.writing("globex"):
        pass


async def test_a_queue_that_is_too_long_is_left_to_temporal() -> None:
    turns = Turns(timedelta(seconds=2), patience=timedelta(seconds=5))
    queued = [asyncio.ensure_future(write(turns, [])) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ThrottledError, match="other writes of this installation come first") as caught:
        async with turns.writing("acme"):
            pass
    assert caught.value.delay == timedelta(seconds=6)
    for each in queued:
        each.cancel()
    await asyncio.gather(*queued, return_exceptions=True)


async def test_a_write_that_is_given_up_leaves_the_queue() -> None:
    turns = Turns(timedelta(seconds=60), patience=timedelta(seconds=60))
    async with turns.writing("acme"):
        waiting = asyncio.ensure_future(write(turns, []))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    turns._lines["acme"].free_at = 0.0
    await asyncio.wait_for(write(turns, []), 5)


async def test_nobody_asks_while_github_asks_to_wait() -> None:
    clock = Clock()
    turns = Turns(timedelta(0), clock=clock)
    assert (await throttle(turns, 30)).delay == timedelta(seconds=30)
    clock.now += 10
    assert (await refused(turns)).delay == timedelta(seconds=20)
    async with turns.reading("globex"):
        pass
    clock.now += 21
    async with turns.reading("acme"), turns.writing("acme"):
        pass


async def test_a_delay_that_was_not_named_doubles_until_something_succeeds() -> None:
    clock = Clock()
    turns = Turns(timedelta(0), clock=clock)
    delays = []
    for _ in range(3):
        delays.append((await throttle(turns, 60, guessed=True)).delay.total_seconds())
        clock.now += 10_000
    async with turns.reading("acme"):
        pass
    delays.append((await throttle(turns, 60, guessed=True)).delay.total_seconds())
    assert delays == [60, 120, 240, 60]


async def test_no_answer_stops_us_for_more_than_two_hours() -> None:
    clock = Clock()
    turns = Turns(timedelta(0), clock=clock)
    for _ in range(30):
        assert (await throttle(turns, 60, guessed=True)).delay <= timedelta(hours=2)
        clock.now += 7_201
    async with turns.reading("acme"):
        pass


async def test_many_remediations_with_two_writes_each_all_get_through() -> None:
    """As Temporal would: whoever is sent away comes back after the delay, and begins anew."""
    turns = Turns(timedelta(seconds=0.01), patience=timedelta(seconds=0.05))
    moments: list[tuple[float, float]] = []

    async def remediation() -> None:
        while True:
            try:
                await write(turns, moments)
                await write(turns, moments)
            except ThrottledError as error:
                await asyncio.sleep(error.delay.total_seconds())
            else:
                return

    await asyncio.wait_for(asyncio.gather(*(remediation() for _ in range(30))), 60)
    assert len(moments) < 30 * 2 * 4


async def test_a_rehearsal_never_gets_a_turn_to_write() -> None:
    turns = NoWrites()
    async with turns.reading("acme"):
        pass
    with pytest.raises(PermanentError, match="nothing may be written for acme"):
        async with turns.writing("acme"):
            raise AssertionError
