"""`regreen dry-run` on a local GitHub: what it says, and that it writes nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from activities.adapters.permissions import READER
from activities.publishing.rehearsal import READING
from commands import REPOSITORY, Told, break_ci, regreen
from localhub import LocalHub
from localhub.faults import parse_faults
from workflows import policies
from workflows.naming import PUBLISHER_QUEUE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WRITES = "POST,PUT,PATCH,DELETE /repos/*: 500"


class Place:
    def __init__(self, hub: LocalHub, folder: Path, settings: dict[str, str]) -> None:
        self.hub = hub
        self.folder = folder
        self.settings = settings

    async def dry_run(self, *arguments: str) -> Told:
        """The command, with every write to the API counted and refused."""
        self.hub.faults.follow(parse_faults(WRITES).rules)
        before = await self.standing()
        told = await regreen("dry-run", *arguments, cwd=self.folder, environment=self.settings)
        assert self.hub.faults.injected == []
        assert await self.standing() == before
        return told

    async def standing(self) -> list[Any]:
        """Everything that a remediation could change."""
        repository = self.hub.repository(REPOSITORY)
        return [
            await repository.git.refs(),
            list(repository.pulls),
            [comment.body for comment in repository.comments.values()],
            [(run.id, len(run.attempts)) for run in repository.runs.values()],
        ]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with LocalHub(tmp_path / "hub") as hub:
        await hub.create_repository(REPOSITORY, collaborators={"dev": "write"})
        reader = await hub.create_app(owner="acme", permissions=READER)
        settings = {
            "REGREEN_GITHUB_API_URL": hub.url,
            "REGREEN_GITHUB_URL": hub.url,
            "REGREEN_READER_APP_ID": str(reader.app_id),
            "REGREEN_READER_PRIVATE_KEY": reader.private_key,
            "REGREEN_CACHE_DIR": str(tmp_path / "cache"),
            "TMPDIR": str(tmp_path),
        }
        yield Place(hub, tmp_path, settings)


async def test_a_repair_is_shown_with_its_proof_and_pull_request_and_nothing_is_written(place: Place) -> None:
    run = await break_ci(place.hub, "lint")

    told = await place.dry_run(f"{place.hub.url}/{REPOSITORY}/actions/runs/{run.id}")

    assert told.status == 0, told.err
    assert told.out.startswith("Nothing was written to GitHub.\n")
    assert "diagnosis   lint: " in told.out
    assert "proved" in told.out
    assert "gate        allowed" in told.out
    assert f"pull request against main: Fix lint failure in run {run.id} (attempt 1 of at most 3)" in told.out
    assert "-import os" in told.out
    assert "Read the failed jobs' logs" in told.err


async def test_what_needs_approval_stops_at_the_question(place: Place) -> None:
    run = await break_ci(place.hub, "permissions")

    told = await place.dry_run(f"{REPOSITORY}/{run.id}", "--json", "--no-model")

    assert told.status == 0, told.err
    content = json.loads(told.out)
    assert content["verdict"]["decision"] == "needs_approval"
    assert content["proposal"]["files"] == [".github/workflows/ci.yml"]
    assert [each["what"] for each in content["would_write"]] == ["comment"]
    assert content["outcome"] is None
    assert told.err == ""


async def test_an_event_s_file_does_as_well_and_an_ignored_run_says_why(place: Place) -> None:
    run = await break_ci(place.hub, "ignored")
    repository = {"full_name": REPOSITORY}
    event = {
        "action": "completed",
        "repository": repository,
        "workflow_run": {
            "id": run.id,
            "run_attempt": 1,
            "name": "CI",
            "head_branch": "main",
            "head_sha": run.head.sha,
            "conclusion": "failure",
            "head_repository": repository,
        },
    }
    (place.folder / "event.json").write_text(json.dumps(event), encoding="utf-8")

    told = await place.dry_run("event.json")

    assert told.status == 0, told.err
    assert "outcome     ignored" in told.out
    assert "The commit message asks Regreen to stay away." in told.out


async def test_an_event_that_starts_nothing_says_so(place: Place) -> None:
    (place.folder / "event.json").write_text("{}", encoding="utf-8")

    told = await place.dry_run("event.json")

    assert (told.status, told.err) == (
        1,
        "regreen: event.json starts no remediation: malformed\n",
    )


async def test_what_is_neither_a_run_nor_a_file_is_wrong_usage(place: Place) -> None:
    told = await place.dry_run("nothing")

    assert told.status == 2
    assert "neither a run" in told.err


def test_every_activity_that_may_write_is_held_back() -> None:
    publisher = {step.name for step in policies.STEPS if step.queue == PUBLISHER_QUEUE}
    assert publisher - READING == {
        "rerun_failed_jobs",
        "write_commit",
        "advance_fix_branch",
        "open_pull_request",
        "label_pull_request",
        "request_review",
        "request_auto_merge",
        "close_pull_request",
        "post_report",
        "report_broken_settings",
        "notify_human",
    }


async def test_nobody_waits_out_an_outage_before_a_terminal(place: Place) -> None:
    run = await break_ci(place.hub, "lint")
    place.hub.faults.follow(parse_faults("GET /repos/*/attempts/*/jobs: 502").rules)

    told = await regreen("dry-run", f"{REPOSITORY}/{run.id}", cwd=place.folder, environment=place.settings)

    assert told.status == 0, told.err
    assert "outcome     needs_human" in told.out
    assert "A step failed for good" in told.out
    assert len(place.hub.faults.injected) == 3
