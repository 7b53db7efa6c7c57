"""`regreen simulate --repo` and `regreen cleanup`, through the API of a GitHub, on real parts."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from commands import Told, break_ci, regreen
from localhub.records import Run
from localhub.scenarios import CI_FILE, SCENARIOS, elsewhere
from localhub.stage import REPOSITORY, Stage
from workflows.models import Outcome
from workflows.naming import fix_branch, is_simulation_branch, remediation_id

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SCRATCH: Final = "acme/scratch"


class Place:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.settings = {
            **stage.settings_of_the_worker(),
            "REGREEN_SIMULATION_TOKEN": stage.hub.add_token("dev"),
        }

    async def command(self, *arguments: str) -> Told:
        return await regreen(*arguments, cwd=self.stage.folder, environment=self.settings)

    async def branches(self, repository: str) -> list[str]:
        refs = await self.stage.hub.repository(repository).git.refs()
        return sorted(ref.removeprefix("refs/heads/") for ref in refs)

    async def cleanup(self, *arguments: str) -> dict[str, dict[str, Any]]:
        told = await self.command("cleanup", "--json", *arguments)
        assert told.status == 0, told.err
        return {item["branch"]: item for item in json.loads(told.out)}

    async def fixed(self, run: Run) -> None:
        told = await self.command("monitor", remediation_id(REPOSITORY, run.id))
        assert "outcome: fixed" in told.out, told


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with Stage() as stage:
        yield Place(stage)


async def test_a_scratch_repository_is_broken_repaired_and_cleaned(place: Place) -> None:
    hub = place.stage.hub
    await place.stage.add_repository(SCRATCH)
    await hub.commit(SCRATCH, "main", {"README.md": "Scratch.\n"}, "Start")
    main = await hub.repository(SCRATCH).git.ref("refs/heads/main")

    told = await place.command("simulate", "docker-build", "--repo", SCRATCH, "--yes", "--json")

    assert told.status == 0, told
    done = json.loads(told.out)
    assert (done["outcome"], done["as_promised"]) == (Outcome.FIXED, True)
    [simulated, fix] = sorted(
        (branch for branch in await place.branches(SCRATCH) if branch != "main"), key=len, reverse=True
    )
    assert is_simulation_branch(simulated)
    assert simulated == done["branch"]
    [pull] = hub.repository(SCRATCH).pulls.values()
    assert (pull.head_ref, pull.base_ref, pull.state) == (fix, simulated, "open")

    listed = await place.cleanup("--dry-run", "--repo", SCRATCH)
    assert {branch: item["action"] for branch, item in listed.items()} == {
        fix: "close and delete",
        simulated: "delete",
    }
    assert len(await place.branches(SCRATCH)) == 3

    cleaned = await place.cleanup("--yes")
    assert cleaned[fix]["done"] == f"#{pull.number} closed, deleted"
    assert cleaned[simulated]["done"] == "deleted"
    assert await place.branches(SCRATCH) == ["main"]
    assert await hub.repository(SCRATCH).git.ref("refs/heads/main") == main
    assert pull.state == "closed"
    assert await place.cleanup("--yes") == {}


async def test_what_people_may_still_need_stays(place: Place) -> None:
    hub = place.stage.hub
    run = await break_ci(hub, "lint")
    await place.fixed(run)
    tip = await hub.repository(REPOSITORY).git.ref(f"refs/heads/{fix_branch(run.id)}")
    await hub.commit(REPOSITORY, "regreen/99", {"a.txt": "a\n"}, "By hand")
    await hub.commit(REPOSITORY, "regreen-simulation/lint/20260101T000000", {"a.txt": "a\n"}, "By hand")
    before = await place.branches(REPOSITORY)

    kept = await place.cleanup("--yes")

    assert {branch: item["action"] for branch, item in kept.items()} == dict.fromkeys(before[1:], "keep")
    assert "under way (watching_merge)" in kept[fix_branch(run.id)]["why"]
    assert "Temporal knows no remediation" in kept["regreen/99"]["why"]
    assert await place.branches(REPOSITORY) == before

    stopped = await place.command("stop", f"{REPOSITORY}/{run.id}")
    assert stopped.status == 0
    await place.stage.client.get_workflow_handle(remediation_id(REPOSITORY, run.id)).result()
    unconfirmed = await place.command("cleanup")
    assert unconfirmed.status == 2
    assert f"delete            {REPOSITORY} {fix_branch(run.id)}: " in unconfirmed.out
    await hub.commit(REPOSITORY, fix_branch(run.id), {"b.txt": "b\n"}, "Go on by hand")
    assert "not what its remediation published" in (await place.cleanup("--yes"))[fix_branch(run.id)]["why"]
    assert await hub.repository(REPOSITORY).git.ref(f"refs/heads/{fix_branch(run.id)}") != tip


async def test_nothing_is_pushed_without_a_token_or_leave(place: Place) -> None:
    unconfirmed = await place.command("simulate", "--repo", REPOSITORY, "--json")
    elsewhere = await place.command("simulate", "--repo", REPOSITORY, "--yes", "--token-from", "NOWHERE")
    empty = await place.command("simulate", "--repo", REPOSITORY, "--yes")
    unknown = await place.command("simulate", "lintt", "--repo", REPOSITORY, "--yes")

    assert [told.status for told in (unconfirmed, elsewhere, empty, unknown)] == [2, 2, 1, 2]
    assert "NOWHERE is not set" in elsewhere.err
    assert "has no commit yet" in empty.err
    assert "two-attempts" in unknown.err
    assert await place.branches(REPOSITORY) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_runs_for_its_own_branch_and_brings_its_tool_along(scenario: Any) -> None:
    files = elsewhere(scenario.files, "regreen-simulation/**", scenario.install)
    assert 'branches: ["regreen-simulation/**"]' in files[CI_FILE]
    uses_ruff = "ruff" in scenario.files[CI_FILE]
    assert ("pipx install ruff" in files[CI_FILE]) is uses_ruff
    assert {path: text for path, text in files.items() if path != CI_FILE} == {
        path: text for path, text in scenario.files.items() if path != CI_FILE
    }
