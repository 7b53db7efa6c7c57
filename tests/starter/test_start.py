"""`regreen start` on a local GitHub and a real Temporal server, without a worker."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

import deliveries
from activities.adapters.permissions import READER
from commands import REPOSITORY, Told, break_ci, regreen
from localhub import LocalHub
from starter.commands.start import decide
from starter.exits import CommandError
from workflows.models import RemediationRequest
from workflows.naming import CI_BRANCH, CI_HEAD_SHA, remediation_id

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


class Place:
    def __init__(self, hub: LocalHub, folder: Path, settings: dict[str, str]) -> None:
        self.hub = hub
        self.folder = folder
        self.settings = settings

    async def start(self, *arguments: str) -> Told:
        return await regreen("start", *arguments, cwd=self.folder, environment=self.settings)


@pytest.fixture
async def place(tmp_path: Path, temporal_address: str) -> AsyncIterator[Place]:
    async with LocalHub(tmp_path / "hub") as hub:
        await hub.create_repository(REPOSITORY, collaborators={"dev": "write"})
        reader = await hub.create_app(owner="acme", permissions=READER)
        settings = {
            "TEMPORAL_ADDRESS": temporal_address,
            "REGREEN_GITHUB_API_URL": hub.url,
            "REGREEN_READER_APP_ID": str(reader.app_id),
            "REGREEN_READER_PRIVATE_KEY": reader.private_key,
            "REGREEN_MAX_ATTEMPTS": "2",
        }
        yield Place(hub, tmp_path, settings)


async def test_a_failed_run_is_started_once_with_the_service_s_bounds(place: Place, client: Client) -> None:
    run = await break_ci(place.hub, "lint")
    workflow_id = remediation_id(REPOSITORY, run.id)

    first = await place.start(f"{place.hub.url}/{REPOSITORY}/actions/runs/{run.id}")
    again = await place.start(workflow_id, "--json")

    assert (first.status, first.out) == (
        0,
        f"started {workflow_id}; `regreen monitor {workflow_id}` follows it\n",
    )
    assert (again.status, json.loads(again.out)["decision"]) == (0, "duplicate")
    handle = client.get_workflow_handle(workflow_id)
    described = await handle.describe()
    assert described.typed_search_attributes[CI_BRANCH] == "main"
    assert described.typed_search_attributes[CI_HEAD_SHA] == run.head.sha
    events = [event async for event in handle.fetch_history_events()]
    payloads = events[0].workflow_execution_started_event_attributes.input.payloads
    [request] = await client.data_converter.decode(payloads, [RemediationRequest])
    assert request.limits.attempts == 2
    await handle.terminate()


async def test_a_run_that_did_not_fail_and_one_that_is_not_there_are_refused(place: Place) -> None:
    run = await break_ci(place.hub, "lint")
    [green] = [one for one in place.hub.repository(REPOSITORY).runs.values() if one.id != run.id]

    refused = await place.start(f"{REPOSITORY}/{green.id}")
    missing = await place.start(f"{REPOSITORY}/99")
    unclear = await place.start(f"{REPOSITORY}#7")

    assert refused.status == 1
    assert "starts no remediation: run not failed" in refused.err
    assert missing.status == 1
    assert "`regreen check --only github`" in missing.err
    assert unclear.status == 2


def test_a_run_of_a_fix_branch_is_referred_to_the_remediation_that_it_belongs_to() -> None:
    event = deliveries.encode(deliveries.workflow_run(head_branch="regreen/77"))

    with pytest.raises(CommandError, match=r"it belongs to ci-remediation/acme/widgets/77; `regreen show"):
        decide(event, "acme/widgets/12")
