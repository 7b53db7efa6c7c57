"""The same failure again, after what repaired it was merged."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from temporalio.service import RPCError

from localhub.scenarios import CI_FILE
from localhub.stage import Stage
from workflows.models import Outcome, RemediationResult, State, Strategy
from workflows.naming import remediation_id
from workflows.remediation import RemediationWorkflow

pytestmark = pytest.mark.e2e

REPOSITORY = "acme/recall"
FILES = {
    CI_FILE: (
        "name: CI\non: push\npermissions:\n  contents: read\njobs:\n  check:\n    runs-on: ubuntu-latest\n"
        "    steps:\n      - uses: actions/checkout@v4\n      - name: Lint\n        run: ruff check .\n"
    ),
    "prices.py": '"""Prices."""\n\nPRICE = 1\n',
    "sizes.py": '"""Sizes."""\n',
}
UNTIDY = '"""Prices."""\n\nimport os\n\nPRICE = 1\n'


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage(settings={"REGREEN_REVERT_WATCH": "0s"}) as running:
        yield running


async def merge(stage: Stage, branch: str, tip: str) -> None:
    """A person fast-forwards the branch to the fix."""
    headers = {"Authorization": f"Bearer {stage.hub.add_token('dev')}"}
    async with httpx2.AsyncClient(base_url=stage.hub.url, headers=headers, trust_env=False) as http:
        answer = await http.patch(f"/repos/{REPOSITORY}/git/refs/heads/{branch}", json={"sha": tip})
        answer.raise_for_status()


async def repaired(stage: Stage, branch: str, files: dict[str, str]) -> RemediationResult:
    """Break a new branch, wait for its fix, and merge that."""
    repository = stage.hub.repository(REPOSITORY)
    sha = await stage.hub.commit(REPOSITORY, branch, files, "Change the prices", start="main")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        stage.check("worker")
        await asyncio.sleep(0.05)
        failed = [run for run in repository.runs.values() if run.head.sha == sha and run.latest.conclusion]
        if not failed:
            continue
        handle = stage.client.get_workflow_handle_for(
            RemediationWorkflow.run, remediation_id(REPOSITORY, failed[0].id)
        )
        try:
            status = await handle.query(RemediationWorkflow.status)
        except RPCError:  # not started yet, or its first task is not done
            continue
        if status.state is State.WATCHING_MERGE:
            tip = status.fix_head_sha
            assert tip
            await merge(stage, branch, tip)
            return await handle.result()
    raise AssertionError(f"no fix on {branch}")


async def test_a_merged_fix_is_made_again_when_the_failure_comes_again(stage: Stage) -> None:
    await stage.add_repository(REPOSITORY)
    await stage.hub.commit(REPOSITORY, "main", FILES, "Start")
    first = await repaired(stage, "one", {"prices.py": UNTIDY})
    again = await repaired(stage, "two", {"prices.py": UNTIDY, "sizes.py": '"""Sizes and more."""\n'})
    assert (first.outcome, first.attempts[0].strategy) == (Outcome.FIXED, Strategy.RECIPE)
    assert (again.outcome, again.attempts[0].strategy) == (Outcome.FIXED, Strategy.RECALL)
    pulls = stage.hub.repository(REPOSITORY).pulls.values()
    assert [pull.merged_at is not None for pull in pulls] == [True, True]
