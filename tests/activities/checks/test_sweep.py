from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.adapters.credentials import AppInstallation
from activities.checks.sweep import SweepActivities
from scripted_wire import API, ScriptedWire, answer
from workflows.sweep_models import FailedRuns, FailedRunsRequest

SINCE = datetime(2026, 1, 2, 12, tzinfo=UTC)


def a_run(number: int, *, ended: str = "2026-01-02T12:30:00Z", **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 3,
        "name": "CI",
        "head_branch": "topic",
        "head_sha": "a" * 40,
        "html_url": f"https://github.com/acme/widgets/actions/runs/{number}",
        "created_at": "2026-01-02T12:00:00Z",
        "updated_at": ended,
        "repository": {"full_name": "acme/widgets"},
        **changes,
    }


def listed(wire: ScriptedWire, repository: str, **by_conclusion: list[dict[str, Any]]) -> None:
    for conclusion in ("failure", "startup_failure", "timed_out"):
        query = f"per_page=100&status={conclusion}&created=%3E%3D2026-01-02T06%3A00%3A00Z"
        runs = by_conclusion.get(conclusion, [])
        wire.on("GET", f"/repos/{repository}/actions/runs?{query}", answer(200, {"workflow_runs": runs}))


async def sweep(wire: ScriptedWire, *repositories: str, **options: Any) -> FailedRuns:
    activities = SweepActivities(wire.github(**options))
    request = FailedRunsRequest(repositories=repositories, since=SINCE)
    found: FailedRuns = await ActivityEnvironment().run(activities.find_failed_runs, request)
    return found


async def test_every_kind_of_failure_is_found_the_longest_ended_first() -> None:
    wire = ScriptedWire()
    listed(
        wire,
        "acme/widgets",
        failure=[a_run(2)],
        timed_out=[a_run(1, ended="2026-01-02T12:10:00Z", conclusion="timed_out")],
        startup_failure=[a_run(3, ended="2026-01-02T12:40:00Z", conclusion="startup_failure")],
    )
    found = await sweep(wire, "acme/widgets")
    assert [run.run_id for run in found.runs] == [1, 2, 3]
    assert found.runs[1].workflow_name == "CI"
    assert found.repositories == 1


async def test_what_ended_before_or_belongs_to_a_remediation_is_left_out() -> None:
    wire = ScriptedWire()
    early = a_run(1, ended="2026-01-02T11:59:59Z")
    listed(wire, "acme/widgets", failure=[early, a_run(2, head_branch="regreen/77"), a_run(3)])
    found = await sweep(wire, "acme/widgets")
    assert [run.run_id for run in found.runs] == [3]


async def test_a_repository_that_may_not_be_read_is_named_and_does_not_hide_the_others() -> None:
    wire = ScriptedWire()
    listed(wire, "acme/widgets", failure=[a_run(3)])
    found = await sweep(wire, "acme/gone", "acme/widgets")
    assert found.unreadable == ("acme/gone",)
    assert [run.run_id for run in found.runs] == [3]


async def test_an_outage_is_waited_out_and_not_read_as_nothing_failed() -> None:
    wire = ScriptedWire()
    wire.on("GET", "/repos/acme/widgets/actions/runs", answer(502, {"message": "Bad Gateway"}))
    with pytest.raises(ApplicationError) as raised:
        await sweep(wire, "acme/widgets")
    assert not raised.value.non_retryable


async def test_an_app_is_asked_where_it_is_installed_with_tokens_that_may_see_names_only() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    wire = ScriptedWire()
    suspended = {"id": 6, "suspended_at": "2026-01-01T00:00:00Z"}
    wire.on("GET", "/app/installations", answer(200, [{"id": 5, "suspended_at": None}, suspended]))
    minted = {"token": "ghs_" + "x" * 36, "expires_at": "2099-01-01T00:00:00Z"}
    wire.on("POST", "/app/installations/5/access_tokens", answer(201, minted))
    repositories = [
        {"full_name": "acme/widgets", "archived": False},
        {"full_name": "acme/attic", "archived": True},
    ]
    wire.on("GET", "/installation/repositories", answer(200, {"repositories": repositories}))
    wire.on("GET", "/repos/acme/widgets/installation", answer(200, {"id": 5}))
    listed(wire, "acme/widgets", failure=[a_run(3)])
    app = AppInstallation("1", SecretStr(pem.decode()), wire.client(), API)
    found = await sweep(wire, credentials=app)
    assert (found.repositories, [run.run_id for run in found.runs]) == (1, [3])
    first_mint = next(each for each in wire.asked if each.method == "POST")
    assert first_mint.read() == b'{"permissions": {"metadata": "read"}}'
    assert not any("/6/" in path for path in wire.paths())
