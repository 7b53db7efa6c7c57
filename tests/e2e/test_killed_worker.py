"""A worker killed after any single outward call, and restarted: every effect is there exactly once."""

import asyncio
import re
from dataclasses import dataclass, field

import pytest
from exactly_once import assert_fixed_exactly_once, break_by
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from localhub.stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

AT_ONCE = 6
"""Most of the time goes by in waiting for the time-out of the step that died with its worker."""

STEPS = {
    "read_run": r"GET .*/actions/runs/\d+$",
    "collect_evidence": r"GET .*/actions/runs/\d+/attempts/1/jobs",
    "collect_evidence, log": r"GET .*/actions/jobs/\d+/logs",
    "propose_patch": r"POST .*\.git/git-upload-pack",
    "judge_patch": r"GET .*/git/(trees|blobs)/",
    "write_commit, tree": r"POST .*/git/trees",
    "write_commit, commit": r"POST .*/git/commits",
    "advance_fix_branch": r"POST .*/git/refs",
    "open_pull_request": r"POST .*/pulls",
    "label_pull_request": r"POST .*/labels",
    "read_checks": r"GET .*/check-runs",
    "post_report": r"POST .*/comments",
    "two-attempts: advance_fix_branch": r"PATCH .*/git/refs/",
    "two-attempts: open_pull_request": r"PATCH .*/pulls/\d+$",
    "permissions: post_report": r"PATCH .*/comments/\d+$",
}
"""Where the worker is killed, in the scenario `lint` or the one that is named."""
ATTEMPTS = {"two-attempts": 2}


@dataclass
class Killer:
    """Kills the worker once, after the first call that matches took effect and before it is answered."""

    pattern: str
    stages: list[Stage] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    armed: bool = False

    def middleware(self) -> Middleware:
        return Middleware(_Killing, killer=self)


class _Killing:
    def __init__(self, app: ASGIApp, killer: Killer) -> None:
        self._app = app
        self._killer = killer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        killer = self._killer
        call = f"{scope.get('method')} {scope.get('path')}"
        if not killer.armed or killer.done.is_set() or not re.fullmatch(f"(?:{killer.pattern}).*", call):
            await self._app(scope, receive, send)
            return

        async def swallow(message: object) -> None:
            del message

        await self._app(scope, receive, swallow)
        killer.done.set()
        await killer.stages[0].stop("worker", kill=True)


async def remediated(name: str) -> None:
    scenario = name.partition(": ")[0] if ": " in name else "lint"
    killer = Killer(STEPS[name])
    async with Stage(hub_middleware=[killer.middleware()]) as stage:
        killer.stages.append(stage)
        main = await break_by(stage, scenario)
        killer.armed = True
        ending = asyncio.ensure_future(
            assert_fixed_exactly_once(stage, main, attempts=ATTEMPTS.get(scenario, 1))
        )
        await asyncio.wait_for(killer.done.wait(), 60)
        await stage.start("worker", "worker")
        await ending


async def test_a_worker_killed_in_any_step_leaves_one_of_everything() -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> str | None:
        async with turns:
            try:
                await remediated(name)
            except Exception as error:  # noqa: BLE001 — every step is tried, then all are told
                return f"{name}: {type(error).__name__}: {error}"
        return None

    assert [told for told in await asyncio.gather(*map(one, STEPS)) if told] == []
