import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.client import Client
from temporalio.service import RPCError
from typer.testing import CliRunner

import deliveries
from scripted import ScriptedActivities, serving, snapshot
from starter.cli import app
from starter.dispatch import Dispatcher
from starter.webhook import StartRemediation
from temporal_server import dev_server
from workflows import models
from workflows.models import Limits, TriagePolicy
from workflows.naming import SEARCH_ATTRIBUTES

ASKS = models.GateVerdict(decision=models.GateDecision.NEEDS_APPROVAL, reasons=("a workflow file",))
RUN = 12
COMMANDS = (
    "simulate",
    "dry-run",
    "logs",
    "list",
    "show",
    "start",
    "approve",
    "reject",
    "retry",
    "stop",
    "pause",
    "resume",
    "explain",
    "serve",
    "worker",
    "codec-server",
    "version",
)


@pytest.fixture(scope="module")
def temporal_address() -> Iterator[str]:
    with dev_server(SEARCH_ATTRIBUTES) as address:
        yield address


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, temporal_address: str) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)


@pytest.fixture
def repository() -> str:
    return f"acme/{uuid.uuid4().hex}"


async def regreen(*arguments: str) -> Any:
    """The command in a thread: it runs its own event loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


Start = Callable[[], Awaitable[str]]


@pytest.fixture
async def start(client: Client, repository: str) -> AsyncIterator[Start]:
    """Starts the remediation of the test's repository; another test's worker never finds it still open."""
    started: list[str] = []

    async def start() -> str:
        failed = StartRemediation(
            repository=repository,
            run_id=RUN,
            run_attempt=1,
            branch="main",
            head_sha="a" * 40,
            workflow_name="CI",
        )
        answer = await Dispatcher(client, Limits(), TriagePolicy()).carry_out(failed)
        assert answer.workflow_id is not None
        started.append(answer.workflow_id)
        return answer.workflow_id

    yield start
    for workflow_id in started:
        with contextlib.suppress(RPCError):  # it has ended
            await client.get_workflow_handle(workflow_id).terminate()


async def until(ready: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(500):
        if await ready():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def until_asked(client: Client, workflow_id: str) -> None:
    async def asked() -> bool:
        status: models.Status = await client.get_workflow_handle(workflow_id).query(
            "status", result_type=models.Status
        )
        return status.question is not None

    await until(asked)


def script(repository: str) -> ScriptedActivities:
    return ScriptedActivities(
        read_run=snapshot(repository=repository),
        judge_patch=ASKS,
        read_checks=models.ChecksReading(verdict=models.CiVerdict.GREEN, branch_tip="1" * 40),
    )


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_open_remediations_are_listed(client: Client, repository: str, start: Start) -> None:
    workflow_id = await start()

    async def listed() -> bool:
        result = await regreen("list", "--open", "--repository", repository, "--json")
        assert result.exit_code == 0, result.output
        return [found["workflow_id"] for found in json.loads(result.stdout)] == [workflow_id]

    await until(listed)
    table = await regreen("list", "-r", repository)
    assert f"{repository}/12" in table.stdout
    assert "triage" in table.stdout


async def test_an_empty_list_says_so(repository: str) -> None:
    result = await regreen("list", "--repository", repository)

    assert (result.exit_code, result.stdout) == (0, "No remediations.\n")


async def test_a_bent_repository_never_reaches_the_query() -> None:
    result = await regreen("list", "--repository", "a/b' OR 'x'='x")

    assert result.exit_code == 2
    assert "owner/name" in result.stderr


async def test_a_remediation_is_shown_also_when_no_worker_answers(
    client: Client, repository: str, start: Start
) -> None:
    await start()

    result = await regreen("show", f"{repository}/12")

    assert result.exit_code == 0
    assert "no worker answered" in result.stdout


async def test_a_remediation_of_nothing_is_not_found(repository: str) -> None:
    result = await regreen("show", f"https://github.com/{repository}/actions/runs/12")

    assert result.exit_code == 3
    assert result.stderr == (
        f"regreen: there is no remediation ci-remediation/{repository}/12; `regreen list` shows them\n"
    )


@pytest.mark.parametrize(
    "target", ["12", "acme/widgets", "ci-remediation/acme/widgets/12/attempt-1", "\x1b[2J"]
)
async def test_a_target_that_names_no_run_is_wrong_usage(target: str) -> None:
    result = await regreen("stop", target)

    assert result.exit_code == 2
    assert "owner/repo/run_id" in result.stderr


async def test_an_unreachable_temporal_is_one_line_and_its_own_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", free_address())

    result = await regreen("list")

    assert result.exit_code == 4
    assert result.stderr.startswith("regreen: Temporal does not answer at 127.0.0.1:")
    assert result.stderr.count("\n") == 1


async def test_a_missing_namespace_is_no_missing_remediation(
    monkeypatch: pytest.MonkeyPatch, repository: str
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")

    result = await regreen("show", f"{repository}/12")

    assert result.exit_code == 4
    assert "TEMPORAL_NAMESPACE" in result.stderr


async def test_a_pull_request_names_its_remediation_by_the_fix_or_by_the_failure(
    client: Client, repository: str, start: Start
) -> None:
    asks = script(repository)
    asks.answers["read_run"] = [snapshot(repository=repository, pull_request=3, pull_request_open=True)]
    asks.answers["judge_patch"] = [models.GateVerdict(decision=models.GateDecision.ALLOWED)]
    async with serving(client, asks):
        workflow_id = await start()

        async def found(number: int) -> bool:
            shown = await regreen("show", f"{repository}#{number}", "--json")
            return shown.exit_code == 0 and workflow_id in shown.stdout

        await until(lambda: found(5))
        await until(lambda: found(3))
        missing = await regreen("show", f"https://github.com/{repository}/pull/4")
        stopped = await regreen("stop", f"https://github.com/{repository}/pull/3", "--json", "--by", "grace")
    assert missing.exit_code == 3
    assert missing.stderr.startswith(f"regreen: there is no remediation of {repository}#4;")
    assert json.loads(stopped.stdout) == {"workflow_id": workflow_id, "order": "stop", "by": "grace"}


# ── orders ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_pending_patch_is_approved_and_the_remediation_goes_on(
    client: Client, repository: str, start: Start
) -> None:
    activities = script(repository)
    async with serving(client, activities):
        workflow_id = await start()
        await until_asked(client, workflow_id)

        unconfirmed = await regreen("approve", f"{repository}/12")
        assert unconfirmed.exit_code == 2
        assert "needs approval: a workflow file" in unconfirmed.stdout
        assert "+one" in unconfirmed.stdout
        assert "--yes" in unconfirmed.stderr

        approved = await regreen("approve", f"{repository}/12", "--yes", "--by", "grace")
        assert (approved.exit_code, approved.stdout) == (0, f"approve sent to {workflow_id}\n")

        async def published() -> bool:
            return bool(activities.called("open_pull_request"))

        await until(published)
        await regreen("stop", workflow_id, "--by", "grace")
        await client.get_workflow_handle(workflow_id).result()

        shown = await regreen("show", workflow_id, "--json")
        assert shown.exit_code == 0
        assert json.loads(shown.stdout)["overview"]["temporal_status"] == "completed"
    assert activities.called("open_pull_request")[0].approved_by == "grace"


async def test_a_rejected_patch_ends_the_remediation_and_a_retry_is_referred_to_github(
    client: Client, repository: str, start: Start
) -> None:
    async with serving(client, script(repository)):
        workflow_id = await start()
        await until_asked(client, workflow_id)

        assert (await regreen("reject", workflow_id, "--yes", "--by", "grace")).exit_code == 0
        result = await client.get_workflow_handle(workflow_id, result_type=models.RemediationResult).result()
        assert (result.outcome, result.reason) == (models.Outcome.STOPPED, models.Reason.REJECTED)

        shown = await regreen("show", workflow_id)
        assert "A human rejected the patch. by grace" in shown.stdout
        retried = await regreen("retry", workflow_id)
        assert retried.exit_code == 1
        assert "re-run the failed run on GitHub" in retried.stderr
        again = await regreen("approve", workflow_id, "--yes")
        assert again.exit_code == 1
        assert "has ended" in again.stderr


async def test_an_answer_where_nothing_is_asked_is_refused(
    client: Client, repository: str, start: Start
) -> None:
    never = asyncio.Event()

    async def hang(_argument: Any) -> None:
        await never.wait()

    activities = ScriptedActivities(read_run=[hang])
    async with serving(client, activities):
        workflow_id = await start()

        result = await regreen("approve", workflow_id, "--yes")

        await client.get_workflow_handle(workflow_id).terminate()
        never.set()
    assert result.exit_code == 1
    assert "nothing waits for an answer" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["retry", "--hint", "pin it"], ("retry", models.Order(by="grace", hint="pin it"))),
        (["stop"], ("stop", models.Order(by="grace"))),
        (["pause"], ("pause", models.Order(by="grace"))),
        (["resume"], ("resume", models.Order(by="grace"))),
        (["explain"], ("explain", models.Order(by="grace"))),
        (["approve", "--question", "0a1b"], ("approve", models.Order(by="grace", question="0a1b"))),
        (["reject", "--question", "0a1b"], ("reject", models.Order(by="grace", question="0a1b"))),
    ],
)
async def test_each_order_is_a_signal(
    client: Client, repository: str, start: Start, arguments: list[str], expected: tuple[str, models.Order]
) -> None:
    workflow_id = await start()
    verb, *options = arguments

    result = await regreen(verb, f"{repository}/12", "--by", "grace", *options)

    assert result.exit_code == 0, result.output
    heard = [
        event.workflow_execution_signaled_event_attributes
        async for event in client.get_workflow_handle(workflow_id).fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    (payload,) = await client.data_converter.decode(heard[0].input.payloads, [models.Order])
    assert (heard[0].signal_name, payload) == expected


async def test_who_gives_the_order_is_known_without_being_told(
    client: Client, repository: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Grace")
    workflow_id = await start()

    await regreen("pause", workflow_id)

    events = [event async for event in client.get_workflow_handle(workflow_id).fetch_history_events()]
    assert b'"by":"Grace"' in events[-1].workflow_execution_signaled_event_attributes.input.payloads[0].data


# ── the command itself ──────────────────────────────────────────────────────────────────────────────────────


def test_the_help_names_every_command_and_every_exit_status() -> None:
    result = CliRunner().invoke(app, ["--help"])

    assert result.exit_code == 0
    assert [command for command in COMMANDS if f"  {command} " not in result.stdout] == []
    assert "0 done, 1 failed, 2 wrong usage" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_the_help_loads_neither_temporal_nor_the_service() -> None:
    program = (
        "import sys\nfrom starter.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit:\n"
        "    print({'temporalio', 'pydantic', 'starlette', 'rich', 'asyncio'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("set()\n")


def test_a_missing_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGREEN_WEBHOOK_SECRET", raising=False)

    result = CliRunner().invoke(app, ["serve"])

    assert result.exit_code == 2
    assert result.stderr.startswith("regreen: REGREEN_WEBHOOK_SECRET is not set")


def test_the_service_starts_without_temporal_answers_and_stops_when_told(tmp_path: Path) -> None:
    host, port = free_address().split(":")
    environment = os.environ | {
        "REGREEN_WEBHOOK_SECRET": deliveries.SECRET,
        "TEMPORAL_ADDRESS": free_address(),
        "PYTHONPATH": str(Path.cwd()),
    }
    command = [sys.executable, "-m", "starter.cli", "serve", "--host", host, "--port", port]
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            with httpx2.Client(base_url=f"http://{host}:{port}") as http:
                for _ in range(500):
                    try:
                        alive = http.get("/healthz")
                        break
                    except httpx2.TransportError:
                        time.sleep(0.02)
                body = deliveries.encode(deliveries.workflow_run())
                untaken = http.post(
                    "/webhook", content=body, headers=deliveries.headers("workflow_run", body)
                )
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=30)
        finally:
            process.kill()

    assert alive.status_code == 200
    assert untaken.status_code == 503
    assert process.returncode == 0, log
    assert "Temporal cannot be reached" in log


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
