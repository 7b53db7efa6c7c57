"""The demo while GitHub misbehaves: it ends as it promises, and everything is there exactly once."""

import asyncio
import itertools
import json
import os
import sys
import time
from pathlib import Path

import pytest
from exactly_once import assert_fixed_exactly_once, break_lint
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from localhub.app import ENTERPRISE_ROOT
from localhub.faults import WRITES, parse_faults
from localhub.stage import REPOSITORY, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
TENTH = "/v2/*: pass; *: 502 10% seed=1"
FIRST_WRITES = "/v2/*: pass; writes *: cut after first=1 per=address"
FAULTS = {
    "one request in ten answered by 502": TENTH,
    "every first write cut off after it took effect": FIRST_WRITES,
}
SCENARIOS = ("lint", "two-attempts", "permissions", "unfixable")


class Watching:
    """Notes when each write to a repository began and ended."""

    def __init__(self, app: ASGIApp, moments: list[tuple[float, float]]) -> None:
        self._app = app
        self._moments = moments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.monotonic()
        await self._app(scope, receive, send)
        if scope.get("method") in WRITES and scope["path"].startswith(f"{ENTERPRISE_ROOT}/repos/"):
            self._moments.append((begun, time.monotonic()))


async def told_by(scenario: str, faults: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "starter.cli", "simulate", scenario, "--json", "--faults", faults),
        cwd=ROOT,
        env={**os.environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
async def test_every_scenario_keeps_its_promise(faults: str) -> None:
    ends = await asyncio.gather(*(told_by(scenario, faults) for scenario in SCENARIOS))
    told: list[int] = []
    for scenario, (status, out, err) in zip(SCENARIOS, ends, strict=True):
        assert status == 0, (scenario, err)
        told.append(json.loads(out)["faults_injected"])
    assert sum(told) >= len(SCENARIOS)


async def test_a_private_repository_of_an_enterprise_server_is_repaired_write_by_write() -> None:
    moments: list[tuple[float, float]] = []
    async with Stage(
        settings={"REGREEN_GITHUB_WRITE_SPACING": "1s"},
        hub_middleware=[Middleware(Watching, moments=moments)],
        api_root=ENTERPRISE_ROOT,
    ) as stage:
        stage.hub.repository(REPOSITORY).private = True
        await assert_fixed_exactly_once(stage, await break_lint(stage))
        told = [log.read_text(encoding="utf-8") for log in stage.folder.glob("*.log")]
        ids = [workflow.id async for workflow in stage.client.list_workflows()]
        told += [(await stage.client.get_workflow_handle(one).fetch_history()).to_json() for one in ids]
        tokens = [*stage.hub.state.tokens]
    assert len(told) >= 4
    assert len(tokens) >= 6
    for secret in (*tokens, "sig=", "PRIVATE KEY", "x-access-token"):
        assert not any(secret in text for text in told), secret[:4]
    assert len(moments) >= 6
    assert min(begun - ended for (_, ended), (begun, _) in itertools.pairwise(moments)) >= 0.95


async def test_answers_that_are_lost_leave_one_of_everything() -> None:
    faults = parse_faults(FIRST_WRITES)
    async with Stage(faults=faults) as stage:
        await assert_fixed_exactly_once(stage, await break_lint(stage))
    lost = {path.rpartition("/")[2] for _, path, _ in faults.injected}
    assert lost >= {"access_tokens", "trees", "commits", "refs", "pulls", "labels", "comments"}
