"""`regreen check`: Temporal, its queues, the model; GitHub and the machine have tests of their own."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.deployment.v1 import WorkerDeploymentOptions
from temporalio.api.enums.v1 import WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse
from temporalio.client import Client
from typer.testing import CliRunner

from activities.adapters.access import DeliveryRecord, HookRecord
from activities.checks.deliveries import judge_hooks
from activities.checks.findings import Finding, Level
from localhub.model_api.api import KEY, listening
from scripted import ScriptedActivities, serving
from starter.cli import app
from starter.health import judge_queue
from temporal_server import dev_server
from workflows.naming import SEARCH_ATTRIBUTES

ADDRESS = "https://ci.example/webhook"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def temporal_address() -> Iterator[str]:
    with dev_server(SEARCH_ATTRIBUTES) as address:
        yield address


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, temporal_address: str, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("REGREEN_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.chdir(tmp_path)


async def check(*arguments: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, app, ["check", *arguments])


async def findings(*arguments: str) -> list[dict[str, str]]:
    told = json.loads((await check(*arguments, "--json")).stdout)
    assert told["ok"] is not any(each["level"] == "problem" for each in told["findings"])
    found: list[dict[str, str]] = told["findings"]
    return found


async def test_queues_that_nobody_polls_are_a_problem_with_the_command_that_helps() -> None:
    result = await check("--only", "temporal")

    assert result.exit_code == 1
    assert "fine      temporal   127.0.0.1:" in result.stdout
    assert "ci-patching (activities): nobody polls it" in result.stdout
    assert "→ start `regreen worker --role analyst`" in result.stdout


async def test_queues_that_are_polled_name_who_polls_them(client: Client) -> None:
    async with serving(client, ScriptedActivities()):
        for _ in range(100):
            found = await findings("--only", "temporal")
            if all(each["level"] == "fine" for each in found):
                break
            await asyncio.sleep(0.1)

    assert [each["level"] for each in found] == ["fine"] * 5
    assert [each["text"].split(":")[0] for each in found[2:]] == [
        "ci-remediation (workflows)",
        "ci-remediation (activities)",
        "ci-patching (activities)",
    ]
    assert all(f"{os.getpid()}@" in each["text"] for each in found[2:])


async def test_an_unreachable_temporal_has_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")

    result = await check("--only", "temporal")

    assert result.exit_code == 4
    assert "does not answer at 127.0.0.1:9" in result.stdout


async def test_a_missing_namespace_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")

    result = await check("--only", "temporal")

    assert result.exit_code == 4
    assert "TEMPORAL_NAMESPACE" in result.stdout


def judged(*pollers: PollerInfo, current: str = "") -> list[Finding]:
    answer = DescribeTaskQueueResponse(pollers=pollers)
    if current:
        name, build = current.split(".")
        version = answer.versioning_info.current_deployment_version
        version.deployment_name, version.build_id = name, build
    return list(judge_queue("ci-patching", "analyst", answer, NOW))


def poller(*, seconds_ago: int = 1, build: str = "") -> PollerInfo:
    found = PollerInfo(identity="1@host")
    found.last_access_time.FromDatetime(NOW - timedelta(seconds=seconds_ago))
    if build:
        name, number = build.split(".")
        options = WorkerDeploymentOptions(
            deployment_name=name,
            build_id=number,
            worker_versioning_mode=WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED,
        )
        found.deployment_options.CopyFrom(options)
    return found


def test_a_worker_that_fell_silent_does_not_count() -> None:
    [found] = judged(poller(seconds_ago=200))
    assert found.level is Level.PROBLEM
    assert "nobody polls it since 11:56:40 UTC" in found.text


def test_a_worker_s_build_is_named() -> None:
    [found] = judged(poller(build="regreen.abc"), current="regreen.abc")
    assert (found.level, found.text) == (Level.FINE, "ci-patching: 1@host (build regreen.abc)")


def test_a_current_version_that_nobody_serves_is_a_problem() -> None:
    found = judged(poller(build="regreen.old"), current="regreen.new")
    assert [each.level for each in found] == [Level.FINE, Level.PROBLEM]
    assert "nobody of the current version regreen.new polls it" in found[1].text


# ── the model ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_model_is_no_problem() -> None:
    [found] = await findings("--only", "model")
    assert (found["level"], found["text"]) == ("fine", "none is set up; rules and recipes work alone")


@pytest.mark.parametrize(
    ("key", "model", "level", "says"),
    [
        (KEY, "claude-sonnet-5-5", "fine", "claude-sonnet-5-5 at http://127.0.0.1"),
        ("sk-ant-another", "claude-sonnet-5-5", "problem", "401"),
        (KEY, "gpt", "problem", "404"),
    ],
)
async def test_the_model_is_looked_up_and_nothing_paid_is_asked(
    monkeypatch: pytest.MonkeyPatch, key: str, model: str, level: str, says: str
) -> None:
    async with listening() as api:
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        monkeypatch.setenv("REGREEN_MODEL", model)

        [found] = await findings("--only", "model")

    assert found["level"] == level
    assert says in found["text"]
    assert key not in str(found)
    assert api.asked == []


# ── the webhook's last day ──────────────────────────────────────────────────────────────────────────────────


def deliveries(*statuses: int, hours_ago: float = 1) -> list[str]:
    hook = HookRecord(url=ADDRESS, content_type="json", secret="********", events=("*",))
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    sent = [DeliveryRecord(event="workflow_run", status_code=each, delivered_at=at) for each in statuses]
    return [f"{each.level}: {each.text}" for each in judge_hooks([(hook, sent)], None)]


def test_events_of_the_last_day_are_counted() -> None:
    assert deliveries(202, 200) == [f"fine: {ADDRESS} took the newest event; of the last day's 2, 0 failed"]


def test_events_that_were_lost_within_a_day_are_a_warning() -> None:
    assert deliveries(202, 503, 503, 0) == [
        f"warning: {ADDRESS} took the newest event; of the last day's 4, 3 failed (2 with 503, 1 with 0)"
    ]


def test_a_silent_day_is_a_warning() -> None:
    assert deliveries(202, hours_ago=30) == [f"warning: nothing was sent to {ADDRESS} within a day"]
