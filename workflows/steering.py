"""What humans ordered and CI announced, and the steps and waits that it holds up, cuts short or ends."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from workflows.ci_wait import next_poll
    from workflows.decisions import Ending
    from workflows.models import Order, Outcome, Payload, Reason
    from workflows.policies import Step
    from workflows.requests import Case
    from workflows.steps import carry_out

P = TypeVar("P", bound=Payload)
R = TypeVar("R")


class Halted(Exception):  # noqa: N818 — not an error: a human order ends the remediation between two steps
    """A remediation was ordered to stop."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class Steering:
    """What signals leave for the next step to take up, and the steps and waits that heed it.

    Attributes:
        stop: The order to end; it stays.
        retry: The order to go on to the next attempt, until that begins.
        answer: `approve` or `reject`, and the order that says so, until the next question.
        news: Whether CI or the pull request has changed since it was last read.
        closed: Whether the fix pull request was closed or merged since it was last read.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self.stop: Order | None = None
        self.retry: Order | None = None
        self.answer: tuple[str, Order] | None = None
        self.news = False
        self.closed = False

    async def do(self, step: Step[P, R], payload: P, summary: str) -> R:
        """Carry `step` out, unless an order keeps it from beginning."""
        await self.checkpoint()
        return await carry_out(step, payload, summary)

    async def checkpoint(self) -> None:
        """Between any two steps: hold while paused, end when stopped.

        Raises:
            Halted: A human has ordered to stop.
        """
        if self._case.status.paused:
            await workflow.wait_condition(lambda: self.stop is not None or not self._case.status.paused)
        if self.stop is not None:
            raise Halted(Ending(Outcome.STOPPED, Reason.STOP_ORDERED, f"by {self.stop.by}"))

    async def unless_stopped(self, work: Coroutine[Any, Any, R]) -> R:
        """What `work` comes to; an order to stop cancels it."""
        task = asyncio.ensure_future(work)
        await workflow.wait_condition(lambda: task.done() or self.stop is not None)
        if not task.done():
            task.cancel()
            with contextlib.suppress(ChildWorkflowError, asyncio.CancelledError):
                await task
        await self.checkpoint()
        return await task

    async def until_poll(self, ready: Callable[[], bool], since: datetime, polls: int, summary: str) -> bool:
        """Until `ready`, or CI is to be read again; whether it was `ready`.

        Args:
            ready: What ends the wait.
            since: When CI began to be waited for.
            polls: How often it has been read since.
            summary: What the Temporal Web UI shows beside the timer.
        """
        wait = self._case.ci_wait(since, workflow.now())
        came = await self.until(ready, next_poll(wait, polls), summary)
        self.news = False
        return came

    async def until(self, ready: Callable[[], bool], at_most: timedelta, summary: str) -> bool:
        """Until `ready` or the time is over, then past a checkpoint; whether it was `ready`."""
        came = await self.watch(ready, at_most, summary)
        await self.checkpoint()
        return came

    async def watch(self, came: Callable[[], bool], at_most: timedelta, summary: str) -> bool:
        """Until `came`, a stop, or the time is over; whether it was one of the first two."""
        try:
            await workflow.wait_condition(
                lambda: came() or self.stop is not None, timeout=at_most, timeout_summary=summary
            )
        except TimeoutError:
            return False
        return True
