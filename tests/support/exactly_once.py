"""What one remediation of a scenario leaves at GitHub: one of everything, whatever went wrong."""

import asyncio

from temporalio.client import Client

from localhub import LocalHub
from localhub.scenarios import scenario
from localhub.stage import REPOSITORY, Stage
from workflows.models import Order, Outcome, Status
from workflows.naming import FIX_LABELS, remediation_id
from workflows.remediation import RemediationWorkflow


async def break_lint(stage: Stage) -> str:
    """`break_by` the scenario `lint`."""
    return await break_by(stage, "lint")


async def break_by(stage: Stage, name: str) -> str:
    """Push a scenario's green repository, then the commit that breaks it; that commit."""
    found = scenario(name)
    assert found is not None
    await stage.hub.commit(REPOSITORY, "main", found.files, "Start")
    await stage.hub.idle()
    return await stage.hub.commit(REPOSITORY, "main", found.breaking, found.message)


async def assert_fixed_exactly_once(stage: Stage, main: str, *, attempts: int = 1) -> None:
    """Wait for the end, approving what asks for it; the fix of `main` is there, each of its parts once."""
    await assert_fixed_once(stage.hub, stage.client, main, attempts=attempts)


async def assert_fixed_once(hub: LocalHub, client: Client, main: str, *, attempts: int = 1) -> None:
    """The same for a GitHub and a Temporal that do not belong to a stage."""
    repository = hub.repository(REPOSITORY)
    status = await _ended(hub, client, main)
    assert (status.outcome, len(status.attempts)) == (Outcome.FIXED, attempts)
    await hub.idle()
    refs = await repository.git.refs()
    fixes = [ref for ref in refs if ref.startswith("refs/heads/regreen/")]
    assert len(fixes) == 1
    assert refs["refs/heads/main"] == main
    tip = refs[fixes[0]]
    for _ in range(attempts):
        [tip] = (await repository.git.commit(tip)).parents
    assert tip == main
    assert [pull.head_ref for pull in repository.pulls.values()] == [fixes[0].removeprefix("refs/heads/")]
    labels = [label.name for pull in repository.pulls.values() for label in pull.labels]
    assert sorted(labels) == sorted(FIX_LABELS)
    assert len([one for one in repository.comments.values() if "regreen run=" in one.body]) == 1


async def _ended(hub: LocalHub, client: Client, sha: str) -> Status:
    for _ in range(1_000):
        await asyncio.sleep(0.2)
        run = next((one for one in hub.repository(REPOSITORY).runs.values() if one.head.sha == sha), None)
        if run is None:
            continue
        handle = client.get_workflow_handle_for(RemediationWorkflow.run, remediation_id(REPOSITORY, run.id))
        try:
            status = await asyncio.wait_for(handle.query(RemediationWorkflow.status), 5)
        except Exception:  # noqa: BLE001, S112 — no worker answers yet; the loop's bound decides
            continue
        if status.question is not None:
            await handle.signal(RemediationWorkflow.approve, Order(by="dev", question=status.question))
        if status.outcome is not None and status.state in {"watching_merge", "done"}:
            return status
    raise AssertionError("the remediation did not end")
