"""The documents' lines for the `temporal` command, run with the real one; and those for `tctl`."""

import asyncio
import json
import os
import re
import shlex
import sys
import uuid
from pathlib import Path
from typing import Final

import pytest
from temporalio.client import Client

from scripted import ScriptedActivities, serving, snapshot
from starter.dispatch import Dispatcher
from starter.webhook import StartRemediation, Verb
from workflows.models import Limits, Order, TriagePolicy

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = ("README.md", "docs/operations.md")
EXAMPLE: Final = "ci-remediation/acme/widgets/123"


def lines(beginning: str) -> list[str]:
    texts = [(ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ") for name in DOCUMENTS]
    found = [
        line for text in texts for line in re.findall(rf"^ *({re.escape(beginning)}.*)$", text, re.MULTILINE)
    ]
    assert found
    return found


async def temporal(line: str, workflow_id: str, address: str) -> str:
    """Run a line as it is written, but for the workflow id."""
    _, *arguments = shlex.split(line.replace(EXAMPLE, workflow_id), comments=True)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("temporal")),
        *arguments,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "TEMPORAL_ADDRESS": address},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (line, err.decode())
    return out.decode()


async def started(client: Client, repository: str) -> str:
    failed = StartRemediation(
        repository=repository,
        run_id=123,
        run_attempt=1,
        branch="main",
        head_sha="a" * 40,
        workflow_name="CI",
    )
    answer = await Dispatcher(client, Limits(), TriagePolicy()).carry_out(failed)
    assert answer.workflow_id is not None
    return answer.workflow_id


async def test_every_signal_line_reaches_the_remediation_as_it_is_written(
    client: Client, temporal_address: str
) -> None:
    workflow_id = await started(client, f"acme/{uuid.uuid4().hex}")
    handle = client.get_workflow_handle(workflow_id)
    wanted = lines("temporal workflow signal")
    for line in wanted:
        await temporal(line, workflow_id, temporal_address)
    heard = [
        event.workflow_execution_signaled_event_attributes
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    await handle.terminate()
    assert len(heard) == len(wanted)
    for line, signal in zip(wanted, heard, strict=True):
        [order] = await client.data_converter.decode(signal.input.payloads, [Order])
        words = shlex.split(line)
        assert Verb(signal.signal_name) == words[words.index("--name") + 1]
        assert order.by == "you"
        given = json.loads(words[words.index("--input") + 1])
        assert order.model_dump(exclude_none=True) == given


async def test_an_order_by_temporal_s_command_is_carried_out_and_its_query_answered(
    client: Client, temporal_address: str
) -> None:
    repository = f"acme/{uuid.uuid4().hex}"
    async with serving(client, ScriptedActivities(read_run=snapshot(repository=repository))):
        workflow_id = await started(client, repository)
        query = "temporal workflow query --workflow-id ci-remediation/acme/widgets/123 --type status"
        assert query in (ROOT / "docs/operations.md").read_text(encoding="utf-8")
        for _ in range(200):
            said = await temporal(query, workflow_id, temporal_address)
            if "awaiting_ci" in said:
                break
        [stop] = {line for line in lines("temporal workflow signal") if "--name stop" in line}
        await temporal(stop, workflow_id, temporal_address)
        result = await client.get_workflow_handle(workflow_id).result()
    assert (result["outcome"], result["detail"]) == ("stopped", "by you")


async def test_the_list_s_line_finds_by_search_attributes(client: Client, temporal_address: str) -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    [line] = re.findall(r"`(temporal workflow list --query \"CiRepository [^`]+)`", text)
    assert await temporal(line, EXAMPLE, temporal_address) == ""


@pytest.mark.parametrize("verb", Verb)
def test_tctl_is_told_the_same_in_its_own_spelling(verb: Verb) -> None:
    [ours] = {line for line in lines("tctl workflow signal") if f"--name {verb} " in line}
    others = {line for line in lines("temporal workflow signal") if f"--name {verb} " in line}
    assert (
        ours.replace("tctl workflow signal --workflow_id", "temporal workflow signal --workflow-id") in others
    )
