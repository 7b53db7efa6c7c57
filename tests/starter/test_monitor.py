"""`regreen monitor`: the steps of one remediation, and the list of all, a line for each change."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from commands import bare_environment, regreen
from scripted import ScriptedActivities, proposal, serving, snapshot
from starter.dispatch import Dispatcher
from starter.webhook import StartRemediation
from workflows import models
from workflows.models import Limits, Order, TriagePolicy

pytestmark = pytest.mark.timeout(120)

HOSTILE = "\x1b]0;owned\x07"


@pytest.fixture
def repository() -> str:
    return f"acme/{uuid.uuid4().hex[:12]}"


async def started(client: Client, repository: str, run_id: int = 12) -> str:
    failed = StartRemediation(
        repository=repository,
        run_id=run_id,
        run_attempt=1,
        branch="main",
        head_sha="a" * 40,
        workflow_name="CI",
    )
    answer = await Dispatcher(client, Limits(), TriagePolicy()).carry_out(failed)
    assert answer.workflow_id is not None
    return answer.workflow_id


def asking(repository: str) -> ScriptedActivities:
    return ScriptedActivities(
        read_run=snapshot(repository=repository),
        propose_patch=proposal(summary=HOSTILE),
        judge_patch=models.GateVerdict(decision=models.GateDecision.NEEDS_APPROVAL),
    )


@pytest.fixture
async def asked(client: Client, repository: str) -> AsyncIterator[str]:
    """A remediation that waits for approval; ended afterwards."""
    async with serving(client, asking(repository)):
        workflow_id = await started(client, repository)
        yield workflow_id
        handle = client.get_workflow_handle(workflow_id)
        with contextlib.suppress(RPCError):  # the test has ended it
            await handle.signal("stop", Order(by="grace"))
        await handle.result()


class Watching:
    """The command running on a pipe."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    @classmethod
    async def start(cls, address: str, folder: Path, *arguments: str) -> "Watching":
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "starter.cli", "monitor", *arguments),
                cwd=folder,
                env={**bare_environment(), "TEMPORAL_ADDRESS": address},
                stdout=asyncio.subprocess.PIPE,
            )
        )

    async def until(self, text: str) -> str:
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode():
            self.lines.append(line.rstrip("\n"))
            if text in line:
                return line
        raise AssertionError(f"{text!r} never came: {self.lines}")

    async def interrupt(self) -> int:
        os.kill(self.process.pid, signal.SIGINT)
        return await self.process.wait()


async def test_one_is_followed_step_by_step_until_its_outcome(
    temporal_address: str, asked: str, tmp_path: Path
) -> None:
    watching = await Watching.start(temporal_address, tmp_path, asked)
    await watching.until("Wait for a human to approve patch")
    told = await regreen(
        "reject",
        asked,
        "--yes",
        "--by",
        "grace",
        cwd=tmp_path,
        environment={"TEMPORAL_ADDRESS": temporal_address},
    )
    assert told.status == 0, told.err
    await watching.until("outcome: stopped")

    assert await watching.process.wait() == 0
    said = [line[10:] for line in watching.lines]
    assert said[0].endswith("run 12")
    assert "Look at the run and its repository's settings" in said
    assert "Attempt 1: pass the gate" in said
    assert "order: reject by grace" in said
    assert all(line.isprintable() for line in watching.lines)


async def test_one_that_has_ended_is_told_to_its_end_as_json_lines(
    temporal_address: str, client: Client, repository: str, tmp_path: Path
) -> None:
    async with serving(client, asking(repository)):
        workflow_id = await started(client, repository)
        handle = client.get_workflow_handle(workflow_id)
        await handle.signal("stop", Order(by="grace"))
        await handle.result()

    environment = {"TEMPORAL_ADDRESS": temporal_address}
    told = await regreen("monitor", f"{repository}/12", "--json", cwd=tmp_path, environment=environment)

    happenings = [json.loads(line) for line in told.out.splitlines()]
    assert [each["kind"] for each in happenings[-2:]] == ["outcome", "ended"]
    assert {"at", "kind", "text", "seconds"} == set(happenings[0])


async def test_all_are_watched_a_line_for_each_change(
    temporal_address: str, client: Client, repository: str, asked: str, tmp_path: Path
) -> None:
    watching = await Watching.start(temporal_address, tmp_path, "--repo", repository)
    line = await watching.until("awaiting_approval")
    assert f"{repository}/12" in line
    await client.get_workflow_handle(asked).signal("stop", Order(by="grace"))
    await watching.until("stopped")

    assert await watching.interrupt() == 130


async def test_changes_come_as_json_lines_too(
    temporal_address: str, repository: str, asked: str, tmp_path: Path
) -> None:
    watching = await Watching.start(temporal_address, tmp_path, "--repo", repository, "--json")
    overview = json.loads(await watching.until('"state": "awaiting_approval"'))

    assert overview["workflow_id"] == asked
    assert await watching.interrupt() == 130


async def test_one_that_does_not_exist_is_not_found(
    temporal_address: str, repository: str, tmp_path: Path
) -> None:
    environment = {"TEMPORAL_ADDRESS": temporal_address}
    told = await regreen("monitor", f"{repository}/12", cwd=tmp_path, environment=environment)

    assert told.status == 3
    both = await regreen("monitor", "a/b/1", "--repo", "a/b", cwd=tmp_path, environment=environment)
    assert both.status == 2


async def test_a_terminal_gets_a_table_that_is_kept_up_to_date(
    temporal_address: str, client: Client, repository: str, asked: str, tmp_path: Path
) -> None:
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "starter.cli", "monitor", "--repo", repository),
        cwd=tmp_path,
        env={
            **bare_environment(),
            "TEMPORAL_ADDRESS": temporal_address,
            "TERM": "xterm",
            "COLUMNS": "80",
            "NO_COLOR": "1",
        },
        stdout=theirs,
    )
    os.close(theirs)

    async def shown(text: str) -> None:
        said = ""
        for _ in range(600):
            with contextlib.suppress(BlockingIOError):
                said += os.read(ours, 65_536).decode()
            if text in said:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(said)

    try:
        await shown("awaiting_approval")
        await shown("  1 open")
        await client.get_workflow_handle(asked).signal("stop", Order(by="grace"))
        await shown("  0 open")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
