import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker, WorkerDeploymentConfig
from typer.testing import CliRunner, Result

from starter.cli import app
from starter.temporal_setup import DEFAULT_RETENTION, Step, set_up
from temporal_server import dev_server
from workflows.connection import SearchAttributesError, connect, register_search_attributes
from workflows.naming import PUBLISHER_QUEUE, SEARCH_ATTRIBUTES
from workflows.patch_attempt import PatchAttemptWorkflow
from workflows.remediation import RemediationWorkflow

NAMES = tuple(key.name for key in SEARCH_ATTRIBUTES)
Made = Callable[..., Awaitable[tuple[Step, ...]]]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with dev_server() as found:
        yield found


@pytest.fixture
async def client(address: str, request: pytest.FixtureRequest) -> Client:
    """Of a namespace that is the test's own, and not there yet."""
    return await connect(target_host=address, namespace=request.node.name[:60].replace("_", "-"))


def facts(steps: tuple[Step, ...]) -> list[tuple[str, bool, bool]]:
    return [(step.part, step.done, step.changed) for step in steps]


def temporal(address: str, *words: str) -> str:
    binary = str(Path(sys.executable).with_name("temporal"))
    done = subprocess.run(
        [binary, *words, "--address", address], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ── what it makes ───────────────────────────────────────────────────────────────────────────────────────────


async def test_everything_is_made_once_and_found_the_second_time(client: Client, address: str) -> None:
    first, second = await set_up(client), await set_up(client)

    assert facts(first) == [("namespace", True, True), ("attributes", True, True)]
    assert first[1].text == f"added: {', '.join(NAMES)}"
    assert facts(second) == [("namespace", True, False), ("attributes", True, False)]
    described = temporal(
        address, *("operator", "namespace", "describe", "-n", client.namespace, "--output", "json")
    )
    kept = json.loads(described)["config"]["workflowExecutionRetentionTtl"]
    assert kept == f"{int(DEFAULT_RETENTION.total_seconds())}s"


async def test_retention_is_changed_only_where_it_is_asked_for(client: Client) -> None:
    await set_up(client, retention=timedelta(days=7))

    [left_alone, _] = await set_up(client)
    [changed, _] = await set_up(client, retention=timedelta(days=60))

    assert (left_alone.changed, left_alone.text) == (
        False,
        f"{client.namespace} exists, and keeps ended remediations for 7 days",
    )
    assert (changed.changed, changed.text) == (
        True,
        f"{client.namespace} now keeps ended remediations for 60 days instead of 7 days",
    )


def worker(client: Client, build: str) -> Worker:
    return Worker(
        client,
        task_queue=PUBLISHER_QUEUE,
        workflows=[RemediationWorkflow, PatchAttemptWorkflow],
        deployment_config=WorkerDeploymentConfig(
            version=WorkerDeploymentVersion("regreen", build),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.PINNED,
        ),
    )


async def test_a_build_is_made_current_once_its_worker_polls(client: Client) -> None:
    await set_up(client)
    making = asyncio.create_task(set_up(client, current=("regreen", "1.0")))
    async with worker(client, "1.0"), worker(client, "1.1"):
        first = (await making)[-1]
        again = (await set_up(client, current=("regreen", "1.0")))[-1]
        upgraded = (await set_up(client, current=("regreen", "1.1")))[-1]

    assert (first.changed, first.text) == (True, "1.0 of regreen starts new remediations now")
    assert (again.changed, again.text) == (False, "1.0 of regreen starts new remediations, as before")
    assert upgraded.text.endswith("now; those that 1.0 started stay with it")


async def test_a_build_made_current_by_a_request_without_an_answer_is_said_to_be_new(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_up(client)
    name = "set_worker_deployment_current_version"
    make_current, requests = getattr(client.workflow_service, name), []

    async def answer_lost_once(request: Any) -> Any:
        requests.append(request)
        try:
            answer = await make_current(request)
        except RPCError:
            requests.pop()  # its worker does not poll yet
            raise
        if len(requests) == 1:
            raise RPCError("the answer was lost", RPCStatusCode.FAILED_PRECONDITION, b"")
        return answer

    monkeypatch.setattr(client.workflow_service, name, answer_lost_once)
    making = asyncio.create_task(set_up(client, current=("regreen", "1.0")))
    async with worker(client, "1.0"):
        step = (await making)[-1]

    assert len(requests) == 2
    assert (step.changed, step.text) == (True, "1.0 of regreen starts new remediations now")


# ── what it may not do ──────────────────────────────────────────────────────────────────────────────────────


async def _refused(*_: Any, **__: Any) -> NoReturn:
    raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")


@pytest.fixture
async def made(client: Client, monkeypatch: pytest.MonkeyPatch) -> Made:
    """`set_up` with a credential that the server refuses the named calls."""

    async def run(*refused: str, at: str = "", **asked: Any) -> tuple[Step, ...]:
        for call in refused:
            service = client.operator_service if "search" in call else client.workflow_service
            monkeypatch.setattr(service, call, _refused)
        if at:
            monkeypatch.setattr(client.service_client.config, "target_host", at)
        return await set_up(client, **asked)

    return run


async def test_a_namespace_that_may_not_be_created_is_left_to_an_administrator(
    made: Made, client: Client, address: str
) -> None:
    [step] = await made("register_namespace", retention=timedelta(days=14))

    assert not step.done
    binary, *words = shlex.split(step.command)
    assert binary == "temporal"
    temporal(address, *words)
    assert facts(await set_up(client))[0] == ("namespace", True, False)


async def test_attributes_that_may_not_be_added_are_left_to_an_administrator(
    made: Made, client: Client, address: str
) -> None:
    [_, step] = await made("add_search_attributes")

    assert not step.done
    assert step.text == "this credential may not manage search attributes"
    binary, *words = shlex.split(step.command)
    assert binary == "temporal"
    temporal(address, *words)
    assert facts(await made())[1] == ("attributes", True, False)


async def test_a_credential_that_may_not_list_attributes_finds_out_by_searching(
    made: Made, client: Client
) -> None:
    await set_up(client)

    assert facts(await made("list_search_attributes", "add_search_attributes"))[1] == (
        "attributes",
        True,
        False,
    )


async def test_it_names_those_that_a_search_does_not_know(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await connect(target_host=client.service_client.config.target_host)  # attributes lack there
    monkeypatch.setattr(client.operator_service, "list_search_attributes", _refused)
    monkeypatch.setattr(client.operator_service, "add_search_attributes", _refused)

    with pytest.raises(SearchAttributesError, match=" ".join(f"--name {name} .*" for name in NAMES)):
        await register_search_attributes(client)


@pytest.mark.parametrize("cloud", ["ours.a1b2c.tmprl.cloud:7233", "eu-central-1.aws.api.temporal.io:7233"])
async def test_on_temporal_cloud_the_commands_are_those_of_tcld(
    cloud: str, made: Made, client: Client, address: str
) -> None:
    [creation] = await made("register_namespace", at=cloud)
    assert creation.command.startswith("tcld namespace create --namespace ")

    temporal(address, "operator", "namespace", "create", "-n", client.namespace, "--retention", "7d")
    retention, attributes = await made(
        "update_namespace", "add_search_attributes", at=cloud, retention=timedelta(days=60)
    )
    assert (
        retention.command
        == f"tcld namespace retention set --namespace {client.namespace} --retention-days 60"
    )
    assert attributes.command.split() == [
        *("tcld", "namespace", "search-attributes", "add", "--namespace", client.namespace),
        *(
            word
            for key in SEARCH_ATTRIBUTES
            for word in ("--search-attribute", f"{key.name}={key.indexed_value_type.name.title()}")
        ),
    ]


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────


def command(address: str, *words: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["setup", *words], env={"TEMPORAL_ADDRESS": address, **environment})


def test_the_command_says_what_it_did(address: str) -> None:
    first = command(address, TEMPORAL_NAMESPACE="by-command")
    again = command(address, "--json", TEMPORAL_NAMESPACE="by-command")

    assert first.exit_code == 0, first.output
    assert first.output.splitlines()[0] == (
        "done  namespace   by-command was created, and keeps ended remediations for 30 days"
    )
    assert json.loads(again.output)["ok"] is True
    assert [step["changed"] for step in json.loads(again.output)["steps"]] == [False, False]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--current", "1.0"], "REGREEN_DEPLOYMENT_NAME"),
        (["--retention", "soon"], "30d"),
        (["--retention", "1h"], "a day at least"),
    ],
)
def test_the_command_says_what_is_wrong_with_its_options(words: list[str], said: str, address: str) -> None:
    result = command(address, *words)

    assert result.exit_code == 2
    assert said in result.output
