import asyncio
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, get_type_hints

import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio import activity
from temporalio.client import Client
from temporalio.common import VersioningBehavior

from localhub.serving import Listener
from temporal_server import dev_server
from worker import Role, WorkerSettings, build_workers, claude, default_build_id, deployment, own_secrets
from workflows.configuration import ConfigurationError, load
from workflows.connection import connect
from workflows.models import AuthorisationRequest
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE, SEARCH_ATTRIBUTES
from workflows.patch_attempt import PatchAttemptWorkflow
from workflows.policies import AUTHORISE_ORDER, STEPS
from workflows.remediation import RemediationWorkflow
from workflows.sweep import SweepWorkflow

ROOT: Final = Path(__file__).resolve().parent.parent
KEY: Final = "-----BEGIN RSA PRIVATE KEY-----"
QUEUES: Final = {
    Role.ALL: {PUBLISHER_QUEUE, ANALYST_QUEUE},
    Role.PUBLISHER: {PUBLISHER_QUEUE},
    Role.ANALYST: {ANALYST_QUEUE},
}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("REGREEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # away from any .env


def test_secrets_of_the_settings_and_of_sdks_are_the_worker_s_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-aws")
    settings = WorkerSettings(
        publisher_token=SecretStr("to-write"),
        reader_token=SecretStr("to-read"),
        anthropic_api_key=SecretStr("to-ask"),
    )

    assert {"to-write", "to-read", "to-ask", "of-aws"} <= set(own_secrets(settings))


# ── settings ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", [Role.ALL, Role.PUBLISHER])
def test_a_worker_that_publishes_names_the_credential_it_lacks_in_one_line(role: Role) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(WorkerSettings, role=role)
    said = str(refused.value)
    assert "\n" not in said
    for name in ("REGREEN_PUBLISHER_APP_ID", "REGREEN_PUBLISHER_PRIVATE_KEY", "REGREEN_PUBLISHER_TOKEN"):
        assert name in said
    assert role in said


@pytest.mark.parametrize("url", ["http://chat.example/hook/s3cr3t", "chat.example/s3cr3t", "ftp://x/s3cr3t"])
def test_a_channel_that_would_be_told_in_the_clear_is_refused_without_naming_it(url: str) -> None:
    with pytest.raises(
        ConfigurationError, match="REGREEN_NOTIFY_URL is unusable: it must be an https"
    ) as said:
        load(WorkerSettings, role="analyst", notify_url=url)
    assert "s3cr3t" not in str(said.value)


def test_the_channel_s_address_is_a_secret_and_an_empty_one_is_none() -> None:
    settings = load(WorkerSettings, role="analyst", notify_url="https://chat.example/s3cr3t")
    assert "https://chat.example/s3cr3t" in own_secrets(settings)
    assert load(WorkerSettings, role="analyst", notify_url="").notify_url is None


def test_half_an_app_is_no_credential() -> None:
    with pytest.raises(ConfigurationError, match="REGREEN_PUBLISHER_PRIVATE_KEY"):
        load(WorkerSettings, publisher_app_id="12")


def test_an_unusable_setting_is_named_and_its_value_kept_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGREEN_ROLE", "s3cret-pasted-into-the-wrong-line")
    with pytest.raises(ConfigurationError, match="REGREEN_ROLE") as refused:
        load(WorkerSettings)
    assert "s3cret" not in str(refused.value)


def test_the_analyst_needs_no_credential() -> None:
    assert load(WorkerSettings, role=Role.ANALYST).role is Role.ANALYST


def test_credentials_may_come_from_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REGREEN_PUBLISHER_TOKEN=a-token\n", encoding="utf-8")
    assert load(WorkerSettings).role is Role.ALL


def test_credentials_may_come_from_mounted_secrets(tmp_path: Path) -> None:
    (tmp_path / "regreen_publisher_app_id").write_text("12", encoding="utf-8")
    (tmp_path / "regreen_publisher_private_key").write_text(KEY, encoding="utf-8")
    settings = load(WorkerSettings, secrets_directory=tmp_path)
    assert settings.publisher_private_key is not None
    assert settings.publisher_private_key.get_secret_value() == KEY


def test_settings_do_not_show_their_secrets() -> None:
    settings = load(WorkerSettings, publisher_token="a-token", reader_private_key=KEY)
    assert "a-token" not in repr(settings)
    assert "BEGIN" not in repr(settings)


def test_the_model_s_key_is_read_under_its_own_name_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anthropic_api_key").write_text("from-a-file", encoding="utf-8")
    mounted = load(WorkerSettings, secrets_directory=tmp_path, role=Role.ANALYST)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-the-environment")
    set_there = load(WorkerSettings, secrets_directory=tmp_path, role=Role.ANALYST)
    assert mounted.anthropic_api_key is not None
    assert mounted.anthropic_api_key.get_secret_value() == "from-a-file"
    assert set_there.anthropic_api_key is not None
    assert set_there.anthropic_api_key.get_secret_value() == "from-the-environment"
    assert "from-the-environment" not in repr(set_there)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, None),
        ({"ANTHROPIC_API_KEY": ""}, None),
        ({"ANTHROPIC_API_KEY": "a-key"}, "claude-sonnet-5-5"),
        ({"ANTHROPIC_API_KEY": "a-key", "REGREEN_MODEL": "house-model"}, "house-model"),
        ({"ANTHROPIC_API_KEY": "a-key", "REGREEN_MODEL_PROVIDER": "off"}, None),
        ({"REGREEN_MODEL_PROVIDER": "bedrock"}, "claude-sonnet-5-5"),
    ],
)
async def test_a_model_is_asked_only_where_one_is_set_up(
    given: dict[str, str], asked: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    async with httpx2.AsyncClient() as http:
        found = claude(load(WorkerSettings, role=Role.ANALYST), http)
    assert (found.model if found else None) == asked


@pytest.mark.parametrize(
    ("given", "repairs"),
    [({}, "claude-sonnet-5-5"), ({"REGREEN_REPAIR_MODEL": "claude-opus-5-5"}, "claude-opus-5-5")],
)
async def test_another_model_may_repair_than_diagnoses(
    given: dict[str, str], repairs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"ANTHROPIC_API_KEY": "a-key"} | given).items():
        monkeypatch.setenv(name, value)
    settings = load(WorkerSettings, role=Role.ANALYST)
    async with httpx2.AsyncClient() as http:
        diagnosing, repairing = claude(settings, http), claude(settings, http, model=settings.repair_model)
    assert diagnosing is not None
    assert repairing is not None
    assert (diagnosing.model, repairing.model) == ("claude-sonnet-5-5", repairs)


def test_a_price_that_is_no_price_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGREEN_MODEL_PRICES", '{"house-model": {"input": -1}}')
    with pytest.raises(ConfigurationError, match="REGREEN_MODEL_PRICES"):
        load(WorkerSettings, role=Role.ANALYST)


def test_starting_a_worker_does_not_load_the_model_s_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, worker; print('anthropic' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


# ── versions ────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_deployment_s_name_workflows_are_not_versioned() -> None:
    settings = load(WorkerSettings, publisher_token="a-token", build_id="1.0")
    assert deployment(settings) is None


@pytest.mark.parametrize(("given", "build"), [(None, default_build_id()), ("2026.11.1", "2026.11.1")])
def test_with_one_each_workflow_stays_with_its_build(given: str | None, build: str) -> None:
    found = deployment(
        load(WorkerSettings, publisher_token="a-token", deployment_name="regreen", build_id=given)
    )
    assert found is not None
    assert (found.version.deployment_name, found.version.build_id) == ("regreen", build)
    assert found.default_versioning_behavior is VersioningBehavior.PINNED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGREEN_DEPLOYMENT_NAME", "re.green"),
        ("REGREEN_DEPLOYMENT_NAME", "a b"),
        ("REGREEN_BUILD_ID", "1:0"),
    ],
)
def test_a_name_that_temporal_would_take_apart_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load(WorkerSettings, publisher_token="a-token")


def test_the_default_build_id_follows_the_workflows_source(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workflows", tmp_path / "workflows")

    def there() -> str:
        done = subprocess.run(
            [sys.executable, "-c", "import worker; print(worker.default_build_id())"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{tmp_path}:{ROOT}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert there() == default_build_id()
    with (tmp_path / "workflows" / "policies.py").open("a", encoding="utf-8") as policies:
        policies.write("# another build\n")
    assert there() != default_build_id()


# ── queues ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def temporal_address() -> Iterator[str]:
    with dev_server(SEARCH_ATTRIBUTES) as address:
        yield address


@pytest.fixture
async def temporal(temporal_address: str) -> Client:
    return await connect(target_host=temporal_address)


Served = Callable[[Role], dict[str, dict[str, Any]]]


@pytest.fixture
async def served(temporal: Client) -> AsyncIterator[Served]:
    """The configuration of a role's Temporal workers, by task queue."""
    async with httpx2.AsyncClient() as http:

        def configurations(role: Role) -> dict[str, dict[str, Any]]:
            settings = load(WorkerSettings, role=role, publisher_token="a-token")
            found = [one.config(active_config=False) for one in build_workers(temporal, settings, http)]
            return {str(one["task_queue"]): dict(one) for one in found}

        yield configurations


def _name(function: Callable[..., Any]) -> str | None:
    return activity._Definition.must_from_callable(function).name


@pytest.mark.parametrize("role", Role)
async def test_a_role_serves_its_queues_with_exactly_the_activities_that_belong_there(
    role: Role, served: Served
) -> None:
    registered = {queue: {_name(one) for one in each["activities"]} for queue, each in served(role).items()}
    assert registered == {
        queue: {step.name for step in STEPS if step.queue == queue} for queue in QUEUES[role]
    }


async def test_only_the_publisher_runs_workflows(served: Served) -> None:
    found = served(Role.ALL)
    assert found[PUBLISHER_QUEUE]["workflows"] == [RemediationWorkflow, PatchAttemptWorkflow, SweepWorkflow]
    assert not found[ANALYST_QUEUE].get("workflows")


async def test_only_what_runs_workflows_is_versioned(temporal: Client) -> None:
    async with httpx2.AsyncClient() as http:
        settings = load(WorkerSettings, publisher_token="a-token", deployment_name="regreen", build_id="1.0")
        found = [one.config(active_config=False) for one in build_workers(temporal, settings, http)]
    versioned = {one["task_queue"]: one.get("deployment_config") is not None for one in found}
    assert versioned == {PUBLISHER_QUEUE: True, ANALYST_QUEUE: False}


async def test_activities_take_and_give_what_the_workflows_say(served: Served) -> None:
    registered = [one for each in served(Role.ALL).values() for one in each["activities"]]
    signatures = {_name(one): tuple(get_type_hints(one).values()) for one in registered}
    assert signatures == {step.name: (step.takes, step.gives) for step in STEPS}


# ── shutdown ────────────────────────────────────────────────────────────────────────────────────────────────


class HesitantGitHub:
    """Knows one person, and thinks about it until told to answer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()
        self.app = Starlette(routes=[Route("/{path:path}", self._permission)])

    async def _permission(self, _: Request) -> JSONResponse:
        self.asked.set()
        await self.answer.wait()
        return JSONResponse({"permission": "write", "role_name": "write", "user": {"login": "dev"}})


@pytest.fixture
async def github() -> AsyncIterator[tuple[HesitantGitHub, str]]:
    hesitant, listener = HesitantGitHub(), Listener(0)
    await listener.serve(hesitant.app)
    yield hesitant, listener.url
    hesitant.answer.set()
    await listener.stop()


@pytest.mark.parametrize("received", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_asked_to_stop_finishes_the_activity_at_hand_and_takes_no_other(
    received: signal.Signals,
    github: tuple[HesitantGitHub, str],
    temporal: Client,
    temporal_address: str,
    tmp_path: Path,
) -> None:
    hesitant, url = github
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "starter.cli", "worker", "--role", "publisher"),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TEMPORAL_ADDRESS": temporal_address,
            "REGREEN_PUBLISHER_TOKEN": "a-token",
            "REGREEN_GITHUB_API_URL": url,
        },
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        at_hand = await _may_dev_command(temporal)
        await hesitant.asked.wait()
        process.send_signal(received)
        assert process.stderr is not None
        async for line in process.stderr:
            if b"stopping" in line:
                break
        assert process.returncode is None
        hesitant.answer.set()
        assert await at_hand.result() is True
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (await at_hand.describe()).attempt == 1


async def _may_dev_command(temporal: Client) -> Any:
    return await temporal.start_activity(
        AUTHORISE_ORDER.name,
        AuthorisationRequest(repository="acme/widgets", login="dev"),
        id=f"authorise-{uuid.uuid4()}",
        task_queue=AUTHORISE_ORDER.queue,
        result_type=bool,
        schedule_to_close_timeout=timedelta(seconds=60),
    )
