"""`regreen check --only github` on a local GitHub: what it finds, and what it says to change."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from activities.adapters.permissions import EVENTS, OPTIONAL, PUBLISHER, READER
from activities.checks.findings import Finding, Level
from localhub import AppCredentials, LocalHub
from localhub.faults import parse_faults
from localhub.records import Workflow
from localhub.serving import Listener
from worker import Role, WorkerSettings, examine_github

ROOT: Final = Path(__file__).parents[2]
REPOSITORY: Final = "acme/widgets"
CI: Final = "on:\n  push:\n    branches: [main]\n  pull_request:\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
FILES: Final = {".github/workflows/ci.yml": CI}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[LocalHub]:
    async with LocalHub(tmp_path / "hub") as running:
        collaborators = {"dev": "write"}
        await running.create_repository(REPOSITORY, files=FILES, collaborators=collaborators, run_ci=True)
        await running.idle()
        yield running


class Service:
    """A webhook service that answers as it is told."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/webhook"
        self.status = 202

    async def answer(self, _: Request) -> Response:
        return Response(status_code=self.status)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    listener = Listener(0)
    made = Service(listener.url)
    await listener.serve(Starlette(routes=[Route("/webhook", made.answer, methods=["POST"])]))
    yield made
    await listener.stop()


async def publisher(hub: LocalHub, service: Service, **changes: Any) -> AppCredentials:
    wanted: dict[str, Any] = {
        "owner": "acme",
        "permissions": {**PUBLISHER, **OPTIONAL},
        "events": EVENTS,
        "webhook_url": service.url,
        "webhook_secret": "secret",
    }
    app = await hub.create_app(**{**wanted, **changes})
    await hub.idle()
    return app


def settings(hub: LocalHub, **more: Any) -> WorkerSettings:
    return WorkerSettings(
        _env_file=None, role=Role.ANALYST, github_api_url=hub.url, github_url=hub.url, **more
    )


def of_publisher(app: AppCredentials) -> dict[str, Any]:
    return {"publisher_app_id": str(app.app_id), "publisher_private_key": SecretStr(app.private_key)}


def of_reader(app: AppCredentials) -> dict[str, Any]:
    return {"reader_app_id": str(app.app_id), "reader_private_key": SecretStr(app.private_key)}


def bad(findings: tuple[Finding, ...], part: str | None = None) -> list[str]:
    return [
        f"{each.text} → {each.remedy}"
        for each in findings
        if each.level is not Level.FINE and part in {None, each.part}
    ]


async def test_an_installation_as_it_should_be_is_fine_throughout(hub: LocalHub, service: Service) -> None:
    reader = await hub.create_app(owner="acme", permissions=READER, slug="regreen-reader")
    both = settings(hub, **of_publisher(await publisher(hub, service)), **of_reader(reader))
    found = await examine_github(both, REPOSITORY)
    # the local service has no certificate, and should have one
    assert bad(found) == ["events travel without a verified TLS connection → use https and verify it"]
    assert {each.part for each in found} == {"publisher", "reader", "webhook", "ci"}
    assert "ci.yml runs on a fix against main" in " ".join(each.text for each in found)


async def test_a_missing_permission_is_named_with_the_place_to_grant_it(
    hub: LocalHub, service: Service
) -> None:
    app = await publisher(hub, service, permissions={**PUBLISHER, "contents": "read"})
    [told] = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "publisher")
    assert told == f"acme: not asked for: contents: write → add it to the App: {hub.url}/apps/regreen"


async def test_what_optional_permissions_are_for_is_said(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service, permissions=PUBLISHER)
    found = await examine_github(settings(hub, **of_publisher(app)), REPOSITORY)
    assert bad(found, "publisher") == []
    assert any("without workflows: write" in each.text for each in found)


async def test_more_than_is_needed_is_said_too(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service, permissions={**PUBLISHER, "administration": "write"})
    [told] = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "publisher")
    assert "more than needed: administration: write" in told


async def test_a_reader_that_may_write_is_a_warning(hub: LocalHub) -> None:
    reader = await hub.create_app(owner="acme", permissions={**READER, "contents": "write"})
    told = bad(await examine_github(settings(hub, **of_reader(reader)), REPOSITORY), "reader")
    assert any("more than needed: contents: write" in each for each in told)


async def test_one_app_for_both_is_a_warning(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service)
    found = await examine_github(settings(hub, **of_publisher(app), **of_reader(app)), REPOSITORY)
    assert any("the same App as the publisher's" in each for each in bad(found, "reader"))


async def test_an_app_that_is_not_installed_there_is_a_problem(hub: LocalHub, service: Service) -> None:
    await hub.create_repository("globex/gears", files=FILES)
    app = await publisher(hub, service)
    told = bad(await examine_github(settings(hub, **of_publisher(app)), "globex/gears"), "publisher")
    assert told[0].startswith("the App is not installed on globex/gears")


async def test_a_suspended_installation_is_a_problem(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service)
    installed = hub.state.installations[app.installation_id]
    installed.suspended_at = installed.created_at
    told = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "publisher")
    assert any("is suspended" in each for each in told)


async def test_a_key_of_another_app_is_a_problem(hub: LocalHub, service: Service) -> None:
    app, other = await publisher(hub, service), await hub.create_app(owner="acme", permissions={}, slug="x")
    mixed = of_publisher(AppCredentials(app.app_id, other.private_key, 0))
    [told] = bad(await examine_github(settings(hub, **mixed), REPOSITORY), "publisher")
    assert "401" in told
    assert "check id and key" in told


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "the secret at GitHub is not the one in REGREEN_WEBHOOK_SECRET"),
        (503, "the service does not reach Temporal"),
        (404, "look into the service's log"),
    ],
)
async def test_how_the_newest_event_was_answered_tells_what_is_wrong(
    hub: LocalHub, service: Service, status: int, says: str
) -> None:
    service.status = status
    app = await publisher(hub, service)
    told = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "webhook")
    assert any(f"answered the newest event with {status}" in each and says in each for each in told)


async def test_a_service_that_github_does_not_reach_is_a_problem(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service, webhook_url="http://127.0.0.1:9/webhook")
    told = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "webhook")
    assert any("GitHub does not reach http://127.0.0.1:9/webhook" in each for each in told)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"webhook_url": ""}, "and its organisation's, cannot be seen with this credential"),
        (
            {"webhook_url": "", "permissions": {**PUBLISHER, "repository_hooks": "read"}},
            "neither the App nor the repository sends events to anybody",
        ),
        ({"webhook_secret": ""}, "events are not signed"),
        ({"events": ("pull_request",)}, "no event tells of a failed run"),
        ({"events": ("workflow_run",)}, "not subscribed: check_suite, issue_comment, pull_request"),
    ],
)
async def test_a_webhook_set_up_wrongly_is_told(
    hub: LocalHub, service: Service, changes: Mapping[str, Any], says: str
) -> None:
    app = await publisher(hub, service, **changes)
    told = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "webhook")
    assert any(says in each for each in told), told


async def test_every_workflow_and_every_installation_is_looked_at(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service)
    for number in range(105):
        path = f"dynamic/w{number}"
        hub.repository(REPOSITORY).workflows[path] = Workflow(hub.state.new_id(), path, "W")
    late = ".github/workflows/late.yml"
    hub.repository(REPOSITORY).workflows[late] = Workflow(hub.state.new_id(), late, "Late", state="disabled")
    first = next(iter(hub.state.installations.values()))
    for number in range(104):
        await hub.create_repository(f"owner{number}/x")
        other = replace(first, id=hub.state.new_id(), account=hub.repository(f"owner{number}/x").owner)
        hub.state.installations[other.id] = other
    configured = settings(hub, **of_publisher(app))
    everywhere = await examine_github(configured, None)
    assert sum("every permission that is needed" in each.text for each in everywhere) == 105
    found = await examine_github(configured, REPOSITORY)
    assert bad(found, "ci") == [f"{late} is disabled → enable it under Actions"]


async def test_a_workflow_that_would_not_run_on_a_fix_is_named_with_its_reason(
    hub: LocalHub, service: Service
) -> None:
    narrow = "on:\n  push:\n    branches: [main]\njobs: {a: {runs-on: ubuntu-latest}}\n"
    await hub.commit(REPOSITORY, "main", {".github/workflows/ci.yml": narrow}, "Narrow it")
    await hub.idle()
    app = await publisher(hub, service)
    [told] = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "ci")
    assert ".github/workflows/ci.yml would not run on a fix" in told
    assert "its filters leave out regreen/1" in told
    assert "Let it run on `pull_request`, or on pushes to `regreen/**`" in told


async def test_a_personal_token_is_looked_at_likewise(hub: LocalHub, service: Service) -> None:
    hub.add_webhook(REPOSITORY, service.url, "secret", EVENTS)
    await hub.idle()
    token = SecretStr(hub.add_token("acme"))
    found = await examine_github(settings(hub, publisher_token=token, reader_token=token), REPOSITORY)
    told = bad(found)
    assert any("the scope `repo` may write" in each for each in told)
    assert bad(found, "publisher") == []
    assert any("the token of acme is valid" in each.text for each in found)


async def test_a_token_that_may_only_read_is_a_problem_for_the_publisher(hub: LocalHub) -> None:
    hub.repository(REPOSITORY).collaborators["guest"] = "read"
    token = SecretStr(hub.add_token("guest", {"metadata": "read", "contents": "read", "actions": "read"}))
    told = bad(await examine_github(settings(hub, publisher_token=token), REPOSITORY), "publisher")
    assert any("guest may not push to acme/widgets" in each for each in told)


async def test_a_revoked_token_is_a_problem(hub: LocalHub) -> None:
    token = hub.add_token("acme")
    hub.revoke_token(token)
    [told] = bad(await examine_github(settings(hub, publisher_token=SecretStr(token)), None), "publisher")
    assert "Bad credentials" in told


async def test_the_token_of_a_workflow_run_is_a_problem_whatever_it_may_do(hub: LocalHub) -> None:
    token = SecretStr("ghs_" + "x" * 36)
    [told] = bad(await examine_github(settings(hub, publisher_token=token), REPOSITORY), "publisher")
    assert "GitHub starts no CI on what it pushes" in told


async def test_a_github_that_cannot_be_reached_is_a_problem(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service)
    hub.faults.follow(parse_faults("*: cut").rules)
    told = bad(await examine_github(settings(hub, **of_publisher(app)), REPOSITORY), "publisher")[0]
    assert "check REGREEN_GITHUB_API_URL" in told


async def test_nothing_is_ever_written(hub: LocalHub, service: Service) -> None:
    app = await publisher(hub, service)
    hub.faults.follow(parse_faults("POST,PUT,PATCH,DELETE /repos/*: 500").rules)
    await examine_github(settings(hub, **of_publisher(app)), REPOSITORY)
    assert hub.faults.injected == []


def test_the_command_prints_findings_and_fails_on_a_problem(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "REGREEN_GITHUB_API_URL": "http://127.0.0.1:9",
        "REGREEN_PUBLISHER_TOKEN": "ghp_" + "x" * 36,
    }

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "starter.cli", "check", "--only", "github", *options]
        return subprocess.run(
            arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    told = run("--json")
    assert told.returncode == 1
    content = json.loads(told.stdout)
    assert content["ok"] is False
    assert content["findings"][0]["level"] == "problem"
    assert "problem   publisher" in run().stdout
    assert run("--repo", "nonsense").returncode == 2
