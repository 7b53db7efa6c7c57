"""Made-up secrets in every input of every scenario: none of them is in what Temporal keeps."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.service import RPCError

from localhub.model_api.api import KEY, listening
from localhub.model_api.demo import play
from localhub.model_api.replies import Said
from localhub.records import Run
from localhub.scenarios import CI_FILE, SCENARIOS, Scenario
from localhub.stage import Stage
from workflows.models import Order
from workflows.naming import remediation_id
from workflows.remediation import RemediationWorkflow

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

LOOKS = 900
"""A tenth of a second apart."""
SETTLED = {"watching_merge", "done"}
BY_PUSH_AND_PULL_REQUEST = 2
"""Runs of the breaking commit; each has a remediation of its own."""


def canary(name: str) -> str:
    """Looks like a token of GitHub's."""
    return "ghp_" + (name.title() + "C4n4ry7Zq9Xv2Lm5Tr8Wb3Nd6Kp1Hs0Jg")[:36]


LOGGED = canary("log")
COMMITTED = canary("file")
SAID = canary("message")
TITLED = canary("title")
CONFIGURED = canary("settings")
SPOKEN = canary("model")
AROUND = canary("environment")
CANARIES = (LOGGED, COMMITTED, SAID, TITLED, CONFIGURED, SPOKEN, AROUND, KEY)


def loquacious(body: Mapping[str, Any]) -> Said:
    """The demo's model, which tells a secret with each reply, and looks at the file that holds one."""
    said = play(body)
    blocks = [dict(block) for block in said.content]
    for block in blocks:
        if block["type"] == "text":
            block["text"] = f"{block['text']} The token is {SPOKEN}."
        elif block["name"] == "list":
            block["name"], block["input"] = (
                "str_replace_based_edit_tool",
                {"command": "view", "path": "deploy.env"},
            )
        elif block["name"] == "submit":
            block["input"] = {"summary": f"{block['input']['summary']} The token is {SPOKEN}."}
    return replace(said, content=blocks)


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with listening(player=loquacious) as api:
        settings = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url, "DEPLOY_TOKEN": AROUND}
        async with Stage(settings=settings) as running:
            yield running


def environment_of(pid: int) -> str:
    """The variables of a process, as the kernel has them."""
    return Path(f"/proc/{pid}/environ").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
async def histories(stage: Stage) -> Mapping[str, bytes]:
    """What Temporal keeps once every scenario has been played, by workflow."""
    await asyncio.gather(*(remediated(stage, each) for each in SCENARIOS if not each.tool))
    return await kept(stage)


def planted(chosen: Scenario) -> dict[str, str]:
    """The scenario's repository, with secrets in a log, in a file and the settings, CI on every branch."""
    files = dict(chosen.files)
    ci = files[CI_FILE].replace("branches: [main]", 'branches: ["**"]')
    files[CI_FILE] = ci.replace(
        "      - uses: actions/checkout@v4\n",
        f"      - uses: actions/checkout@v4\n      - run: echo 'denied for {LOGGED}' && cat deploy.env\n",
    )
    files["deploy.env"] = f"TOKEN={COMMITTED}\n"
    files[".github/regreen.yml"] = f"# {CONFIGURED}\nenabled: true\n"
    return files


async def remediated(stage: Stage, chosen: Scenario) -> None:
    """Play a scenario on a branch with a pull request, until nothing more happens."""
    full_name, branch = f"acme/{chosen.name}", "topic"
    await stage.add_repository(full_name)
    await stage.hub.commit(full_name, "main", planted(chosen), "Start")
    await stage.hub.commit(full_name, branch, {"round.txt": "1\n"}, "Begin")
    await stage.hub.idle()
    await opened(stage, full_name, branch)
    breaking = {path: text for path, text in chosen.breaking.items() if path != CI_FILE}
    if CI_FILE in chosen.breaking:
        breaking[CI_FILE] = planted(replace(chosen, files=chosen.breaking))[CI_FILE]
    sha = await stage.hub.commit(full_name, branch, breaking, f"{chosen.message}\n\n{SAID}")
    for _ in range(LOOKS):
        await asyncio.sleep(0.1)
        runs = stage.hub.repository(full_name).runs.values()
        failed = [run for run in runs if run.head.sha == sha and run.latest.conclusion]
        if len(failed) == BY_PUSH_AND_PULL_REQUEST and all(
            [await settled(stage, full_name, run) for run in failed]
        ):
            return
    raise AssertionError(f"{chosen.name} did not end")


async def settled(stage: Stage, full_name: str, run: Run) -> bool:
    """Whether nothing more happens to a run's remediation; what waits for approval gets it."""
    handle = stage.client.get_workflow_handle_for(RemediationWorkflow.run, remediation_id(full_name, run.id))
    with suppress(RPCError):  # the webhook may not have come yet
        status = await handle.query(RemediationWorkflow.status)
        if status.question is not None:
            await handle.signal(RemediationWorkflow.approve, Order(by="dev", question=status.question))
        return status.outcome is not None and status.state in SETTLED
    return False


async def opened(stage: Stage, full_name: str, branch: str) -> None:
    """A person opens a pull request whose title holds a secret."""
    headers = {"Authorization": f"Bearer {stage.hub.add_token('dev')}"}
    async with httpx2.AsyncClient(base_url=stage.hub.url, trust_env=False, headers=headers) as http:
        told = {"title": f"Use {TITLED}", "head": branch, "base": "main"}
        (await http.post(f"/repos/{full_name}/pulls", json=told)).raise_for_status()


def payloads(message: Message) -> Iterator[Payload]:
    """Every payload in a message, however deep."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            values = [each for each in value.values() if isinstance(each, Message)]
        else:
            values = list(value) if field.is_repeated else [value]
        for each in values:
            yield from payloads(each)


async def kept(stage: Stage) -> dict[str, bytes]:
    """What Temporal keeps of every workflow: each history as it is stored, and what its payloads say."""
    found = {}
    codec = stage.client.data_converter.payload_codec
    assert codec is not None
    async for execution in stage.client.list_workflows():
        handle = stage.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        stored = b""
        for event in (await handle.fetch_history()).events:
            said = await codec.decode(list(payloads(event)))
            stored += event.SerializeToString() + b"".join(each.data for each in said)
        found[execution.id] = stored
    return found


async def test_no_secret_of_any_input_is_in_a_history(histories: Mapping[str, bytes]) -> None:
    assert len(histories) > len(SCENARIOS)
    leaks = [
        (workflow, stored[max(stored.index(secret.encode()) - 200, 0) :][:300])
        for workflow, stored in histories.items()
        for secret in CANARIES
        if secret.encode() in stored
    ]
    assert leaks == []


async def test_no_secret_of_the_processes_is_in_a_history(
    stage: Stage, histories: Mapping[str, bytes]
) -> None:
    environment = environment_of(stage.processes["worker"].process.pid)
    variables = dict(each.partition("=")[::2] for each in environment.split("\0"))
    secrets = {
        line
        for name, value in variables.items()
        if re.search(r"SECRET|KEY|TOKEN", name)
        for line in value.splitlines()
        if len(line) > 8 and not line.startswith("-----")
    }
    assert AROUND in secrets
    assert len(secrets) > 20
    assert not [secret for secret in secrets for stored in histories.values() if secret.encode() in stored]
