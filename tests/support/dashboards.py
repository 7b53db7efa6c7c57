"""A dashboard over a real Temporal server, with remediations that really ran in it."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from pydantic import SecretStr
from temporalio.client import Client
from temporalio.service import RPCError

from scripted import ScriptedActivities, diagnosis, evidence, proposal, serving, snapshot
from starter.dispatch import Dispatcher
from starter.settings import StarterSettings
from starter.webhook import StartRemediation
from workflows import models
from workflows.models import Limits, State, TriagePolicy
from workflows.naming import patch_id, remediation_id

TOKEN: Final = "an operator's token, long enough"
GITHUB: Final = "https://github.example"
RUN: Final = 12
ASKS: Final = models.GateVerdict(
    decision=models.GateDecision.NEEDS_APPROVAL, reasons=("It changes a workflow file.",)
)

HOSTILE: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)><a href=javascript:alert(3)>x</a>"
HOSTILE_BIDI: Final = "safe\u202eevil\u2066\x1b[31m"


def settings(**changes: Any) -> StarterSettings:
    facts: dict[str, Any] = {
        "webhook_secret": SecretStr("the webhook secret of the tests"),
        "dashboard_token": SecretStr(TOKEN),
        "github_url": GITHUB,
    }
    return StarterSettings(_env_file=None, **(facts | changes))


def hostile_script(repository: str) -> ScriptedActivities:
    """A remediation in which everything that a stranger can write is an attack; it waits for approval."""
    text = HOSTILE + HOSTILE_BIDI
    job = (
        evidence()
        .jobs[0]
        .model_copy(
            update={
                "name": text,
                "step": text,
                "command": text,
                "note": text,
                "excerpt": models.Excerpt(text=f"</pre>{text}\n{text}", total_lines=2),
            }
        )
    )
    diff = f"--- a/{text}\n+++ b/{text}\n@@ -1 +1 @@\n-</span></pre>{HOSTILE}\n+{text}\n"
    return ScriptedActivities(
        read_run=snapshot(
            repository=repository, workflow_name=text, head_branch=text, html_url="javascript:alert(4)"
        ),
        collect_evidence=evidence(jobs=(job,)),
        diagnose_failure=diagnosis(root_cause=text, rule=text, note=text),
        propose_patch=proposal(
            diff=diff,
            patch_id=patch_id("a" * 40, diff),
            summary=text,
            recipe=text,
            files=(text,),
            proof=models.Proof(state=models.ProofState.PROVED, command=text, detail=text),
        ),
        judge_patch=models.GateVerdict(decision=models.GateDecision.NEEDS_APPROVAL, reasons=(text,)),
    )


def new_repository() -> str:
    return f"acme/{uuid.uuid4().hex}"


async def until(ready: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(600):
        if await ready():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came to that")


@asynccontextmanager
async def remediated(
    client: Client, script: ScriptedActivities, repository: str, *, state: State
) -> AsyncIterator[str]:
    """The id of a remediation that has come to `state`, which lists show; workers serve it until the end."""
    failed = StartRemediation(
        repository=repository, run_id=RUN, run_attempt=1, branch="main", head_sha="a" * 40, workflow_name="CI"
    )
    workflow_id = remediation_id(repository, RUN)
    handle = client.get_workflow_handle(workflow_id)

    async def come() -> bool:
        status: models.Status = await handle.query("status", result_type=models.Status)
        with contextlib.suppress(RPCError):  # it may have ended since
            if status.state is State.AWAITING_CI is not state:
                await handle.signal("checks_completed", models.ChecksCompleted())
            if status.state is State.WATCHING_MERGE is not state:
                await handle.signal("pull_request_closed", models.PullRequestClosed(number=5, merged=True))
        return status.state is state

    async def listed() -> bool:
        query = f"WorkflowId = '{workflow_id}' AND CiState = '{state}'"
        if state is State.DONE:
            query += " AND ExecutionStatus = 'Completed'"
        return (await client.count_workflows(query)).count == 1

    async with serving(client, script):
        await Dispatcher(client, Limits(revert_watch=timedelta(0)), TriagePolicy()).carry_out(failed)
        try:
            await until(come)
            await until(listed)
            yield workflow_id
        finally:
            with contextlib.suppress(RPCError):  # it has ended
                await handle.terminate()
