"""A fix that is merged and then taken back does not count as kept."""

import httpx2
import pytest
from exactly_once import assert_fixed_exactly_once, break_lint

from localhub.stage import REPOSITORY, Stage
from workflows.models import Disposition, RemediationResult
from workflows.naming import fix_branch, remediation_id

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def test_a_fix_that_is_taken_back_by_githubs_button_is_recorded_as_reverted() -> None:
    async with Stage() as stage:
        broken = await break_lint(stage)
        await assert_fixed_exactly_once(stage, broken)
        repository = stage.hub.repository(REPOSITORY)
        run = next(one for one in repository.runs.values() if one.head.sha == broken)
        pull = next(iter(repository.pulls.values()))
        tip = (await repository.git.refs())[f"refs/heads/{fix_branch(run.id)}"]
        await move(stage, "main", tip)
        branch = f"revert-{pull.number}-{fix_branch(run.id)}"
        message = f'Revert "{pull.title}"'
        revert = await stage.hub.commit(
            REPOSITORY, branch, {"NOTES.md": "Not this way.\n"}, message, start="main"
        )
        await call(stage, "POST", "/pulls", title=message, head=branch, base="main")
        await move(stage, "main", revert)
        handle = stage.client.get_workflow_handle(
            remediation_id(REPOSITORY, run.id), result_type=RemediationResult
        )
        assert (await handle.result()).disposition is Disposition.REVERTED


async def move(stage: Stage, branch: str, sha: str) -> None:
    """A person fast-forwards a branch, which merges the pull request whose head that is."""
    await call(stage, "PATCH", f"/git/refs/heads/{branch}", sha=sha)


async def call(stage: Stage, method: str, path: str, **body: str) -> None:
    headers = {"Authorization": f"Bearer {stage.hub.add_token('dev')}"}
    async with httpx2.AsyncClient(base_url=stage.hub.url, headers=headers, trust_env=False) as http:
        answer = await http.request(method, f"/repos/{REPOSITORY}{path}", json=body)
        answer.raise_for_status()
