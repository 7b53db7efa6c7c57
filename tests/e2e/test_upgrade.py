"""An upgrade while remediations are open: each ends on the build that started it, and none fails.

The second build's workflows could not continue the first one's histories: only pinning keeps them apart.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from localhub.scenarios import scenario
from localhub.stage import Stage
from workflows.models import Order, Outcome, RemediationResult, State, Status
from workflows.naming import attempt_id, remediation_id
from workflows.remediation import RemediationWorkflow

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ROOT: Final = Path(__file__).resolve().parents[2]
DEPLOYMENT: Final = "regreen"
OLD: Final = [f"acme/old-{number}" for number in range(3)]
NEW: Final = [f"acme/new-{number}" for number in range(2)]

Handle = WorkflowHandle[RemediationWorkflow, RemediationResult]


def regreen(stage: Stage, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "starter.cli", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TEMPORAL_ADDRESS": stage.address},
        cwd=stage.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def temporal(stage: Stage, *words: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("temporal")), *words, "--address", stage.address],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def incompatible_copy(folder: Path) -> Path:
    """The application with a timer more at the beginning of each workflow, not guarded by a patch."""
    for package in ("workflows", "activities", "starter"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "worker.py", folder)
    module = folder / "workflows" / "remediation.py"
    text = module.read_text(encoding="utf-8")
    first = "        self._journal.know()\n        try:\n"
    assert text.count(first) == 1
    module.write_text(text.replace(first, "        await workflow.sleep(0.1)\n" + first), encoding="utf-8")
    return folder


async def break_ci(stage: Stage, name: str) -> Handle:
    """A repository whose CI has failed for want of a permission: its fix waits for a human's approval."""
    case = scenario("permissions")
    assert case is not None
    await stage.add_repository(name)
    await ended(stage, name, await stage.hub.commit(name, "main", case.files, "Start"))
    own = name.rpartition("/")[2]  # the package that is pushed belongs to a repository of its own
    breaking = {path: text.replace("widgets", own) for path, text in case.breaking.items()}
    sha = await stage.hub.commit(name, "main", breaking, case.message)
    run = await ended(stage, name, sha)
    return stage.client.get_workflow_handle_for(RemediationWorkflow.run, remediation_id(name, run))


async def ended(stage: Stage, name: str, sha: str) -> int:
    """The id of the CI run of a commit, once it has ended."""
    async for _ in looks():
        for run in stage.hub.repository(name).runs.values():
            if run.head.sha == sha and run.latest.conclusion is not None:
                return run.id
    raise AssertionError


async def looks() -> AsyncIterator[None]:
    for _ in range(900):
        yield
        await asyncio.sleep(0.1)
    raise TimeoutError


async def until(handle: Handle, so_far: Callable[[Status], bool]) -> Status:
    async for _ in looks():
        try:
            status = await handle.query(RemediationWorkflow.status)
        except RPCError:  # not started yet, or its first task is not done
            continue
        if so_far(status):
            return status
    raise AssertionError


async def waiting(handle: Handle) -> Status:
    return await until(handle, lambda status: status.question is not None)


async def approve(stage: Stage, handle: Handle) -> RemediationResult:
    """Approve the patch, and end the watch on its merge once the fix is green."""
    status = await waiting(handle)
    await handle.signal(RemediationWorkflow.approve, Order(by="dev", question=status.question))
    await until(handle, lambda status: status.state in {State.WATCHING_MERGE, State.DONE})
    await handle.signal(RemediationWorkflow.stop, Order(by="dev"))
    return await handle.result()


async def build_of(handle: WorkflowHandle[Any, Any]) -> str:
    description = (await handle.describe()).raw_description
    version = description.workflow_execution_info.versioning_info.deployment_version
    assert version.deployment_name == DEPLOYMENT
    return version.build_id


async def failed_tasks(handle: Handle) -> list[str]:
    """Why workflow tasks failed; not those that the server had done again because of a signal meanwhile."""
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    meanwhile = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
    tasks = [
        event.workflow_task_failed_event_attributes
        for event in (await handle.fetch_history()).events
        if event.event_type == failed
    ]
    return [
        f"{WorkflowTaskFailedCause.Name(task.cause)}: {task.failure.message}"
        for task in tasks
        if task.cause != meanwhile
    ]


def build(name: str, **more: str) -> dict[str, str]:
    return {"REGREEN_DEPLOYMENT_NAME": DEPLOYMENT, "REGREEN_BUILD_ID": name, **more}


async def test_an_upgrade_under_load_breaks_no_remediation(tmp_path: Path) -> None:
    async with Stage(settings=build("1.0"), hub_runs=3) as stage:
        await asyncio.to_thread(regreen, stage, "setup", "--deployment", DEPLOYMENT, "--current", "1.0")
        old = await asyncio.gather(*(break_ci(stage, name) for name in OLD))
        for handle in old[:-1]:
            await waiting(handle)  # the last is somewhere on its way when the new build comes

        second = build("1.1", PYTHONPATH=str(incompatible_copy(tmp_path)), REGREEN_ROLE="publisher")
        await stage.start("worker-1.1", "worker", second)
        said = await asyncio.to_thread(
            regreen, stage, "setup", "--deployment", DEPLOYMENT, "--current", "1.1"
        )
        assert "1.1 of regreen starts new remediations now; those that 1.0 started stay with it" in said
        new = await asyncio.gather(*(break_ci(stage, name) for name in NEW))
        results = await asyncio.gather(*(approve(stage, handle) for handle in (*old, *new)))

        stage.check("worker")
        stage.check("worker-1.1")
        assert Counter(result.outcome for result in results) == {Outcome.FIXED: len(OLD) + len(NEW)}
        assert [await build_of(handle) for handle in (*old, *new)] == ["1.0"] * len(OLD) + ["1.1"] * len(NEW)
        attempts = [stage.client.get_workflow_handle(attempt_id(each.id, 1)) for each in (*old, *new)]
        assert [await build_of(each) for each in attempts] == ["1.0"] * len(OLD) + ["1.1"] * len(NEW)
        assert [await failed_tasks(handle) for handle in (*old, *new)] == [[]] * (len(OLD) + len(NEW))
