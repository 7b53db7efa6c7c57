import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.adapters.repository import RepositoryMirrors
from activities.patching import sandbox as sandbox_module
from activities.patching.activity import PatchingActivities
from activities.patching.sandbox import Sandbox
from workflows.models import AttemptRecord, FailureClass, Limits, PatchRequest, ProofState, Proposal
from workflows.naming import patch_id

Request = Callable[..., PatchRequest]
Propose = Callable[..., Awaitable[Proposal]]
UNUSED = "import os\nimport sys\n\nprint(sys.argv)\n"


def fake_tool(folder: Path, name: str, script: str) -> Sandbox:
    """A sandbox in which `name` is a script."""
    tool = folder / "tools" / "bin" / name
    tool.parent.mkdir(parents=True, exist_ok=True)
    tool.write_text(f"#!/bin/bash\n{script}\n")
    tool.chmod(0o755)
    return Sandbox(tools=[folder / "tools"])


async def test_every_failing_command_of_the_step_is_repaired(request_for: Request, propose: Propose) -> None:
    request = request_for(
        {"app.py": "import os\nx = {  'a':1 }\n"}, "pip install ruff\nruff check . && ruff format --check ."
    )
    proposal = await propose(request)
    assert proposal.recipe == "ruff-check+ruff-format"
    assert proposal.proof.state is ProofState.PROVED
    assert proposal.proof.command == "ruff check . && ruff format --check ."
    assert (proposal.proof.exit_before, proposal.proof.exit_after) == (1, 0)
    assert proposal.files == ("app.py",)
    assert (proposal.additions, proposal.deletions) == (1, 2)
    assert proposal.patch_id == patch_id(request.base_sha, proposal.diff)
    assert proposal.tool_seconds > 0


async def test_only_the_failing_steps_command_is_repaired(request_for: Request, propose: Propose) -> None:
    proposal = await propose(request_for({"app.py": "import os\nx = {  'a':1 }\n"}, "ruff format --check ."))
    assert proposal.recipe == "ruff-format"
    assert "import os" not in [line[1:] for line in proposal.diff.splitlines() if line[:1] in "+-"]


async def test_the_steps_folder_is_where_its_command_runs(request_for: Request, propose: Propose) -> None:
    files = {"sub/app.py": UNUSED, "app.py": UNUSED}
    proposal = await propose(request_for(files, "ruff check", folder="sub"))
    assert proposal.files == ("sub/app.py",)


@pytest.mark.parametrize("folder", ["../..", "/etc", "nowhere", "${{ matrix.x }}", "app.py", "a\0b"])
async def test_a_folder_that_is_not_the_repositorys_is_not_entered(
    request_for: Request, propose: Propose, folder: str
) -> None:
    proposal = await propose(request_for({"app.py": UNUSED}, "ruff check .", folder=folder))
    assert proposal.diff == ""
    assert "No recipe knows" in proposal.summary


async def test_a_command_with_a_null_character_is_not_run(request_for: Request, propose: Propose) -> None:
    assert (await propose(request_for({"app.py": UNUSED}, "ruff check a\0b"))).diff == ""


async def test_a_finding_that_stays_is_told(request_for: Request, propose: Propose) -> None:
    proposal = await propose(request_for({"app.py": "import os\nprint(undefined)\n"}, "ruff check ."))
    assert proposal.diff
    assert proposal.proof.state is ProofState.IMPROVED
    assert proposal.proof.exit_after == 1


async def test_a_finding_no_tool_repairs_gives_no_patch(request_for: Request, propose: Propose) -> None:
    proposal = await propose(request_for({"app.py": "print(undefined)\n"}, "ruff check ."))
    assert proposal.diff == ""
    assert proposal.patch_id == ""
    assert "ruff check ." in proposal.summary
    assert proposal.proof.exit_before == 1


async def test_a_check_that_passes_here_gives_no_patch(request_for: Request, propose: Propose) -> None:
    proposal = await propose(request_for({"app.py": "x = 1\n"}, "ruff check ."))
    assert proposal.diff == ""
    assert proposal.proof.state is ProofState.NOT_PROVED_HERE
    assert "passes here" in proposal.summary


@pytest.mark.parametrize("command", ["pytest", "make lint", "ruff check . | sh", None])
async def test_an_unknown_command_gives_no_patch(
    request_for: Request, propose: Propose, command: str | None
) -> None:
    proposal = await propose(request_for({"app.py": UNUSED}, command))
    assert proposal.diff == ""
    assert "recipe" in proposal.summary


async def test_a_tool_that_is_missing_is_named(
    request_for: Request, propose: Propose, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox()
    monkeypatch.setattr(sandbox, "has", lambda tool: tool != "black")
    proposal = await propose(request_for({"app.py": UNUSED}, "black --check ."), sandbox=sandbox)
    assert proposal.diff == ""
    assert "black" in proposal.summary
    partly = await propose(
        request_for({"app.py": UNUSED}, "black --check . && ruff check ."), sandbox=sandbox
    )
    assert partly.recipe == "ruff-check"
    assert partly.proof.state is ProofState.NOT_PROVED_HERE
    assert "black" in partly.proof.detail


async def test_a_tool_that_hangs_is_stopped_and_said_so(
    request_for: Request, propose: Propose, tmp_path: Path
) -> None:
    sandbox = fake_tool(tmp_path, "black", "sleep 60")
    proposal = await propose(
        request_for({"app.py": UNUSED}, "black --check ."), sandbox=sandbox, tool_timeout=0.3
    )
    assert proposal.diff == ""
    assert "did not end within" in proposal.summary


async def test_a_tool_that_changes_what_is_not_its_business_is_not_believed(
    request_for: Request, propose: Propose, tmp_path: Path
) -> None:
    sandbox = fake_tool(
        tmp_path,
        "black",
        'if [ "$1" = --check ]; then test -e done; else touch done; echo evil > conf.yml; fi',
    )
    proposal = await propose(
        request_for({"app.py": UNUSED, "conf.yml": "x\n"}, "black --check ."), sandbox=sandbox
    )
    assert proposal.diff == ""
    assert "conf.yml" in proposal.summary


async def test_a_change_after_which_the_check_fails_as_before_is_dropped(
    request_for: Request, propose: Propose, tmp_path: Path
) -> None:
    sandbox = fake_tool(tmp_path, "black", 'echo wrong; [ "$1" = --check ] || echo "# x" >> app.py; exit 1')
    proposal = await propose(request_for({"app.py": UNUSED}, "black --check ."), sandbox=sandbox)
    assert proposal.diff == ""
    assert "still fails" in proposal.summary


async def test_files_a_tool_leaves_behind_are_not_part_of_the_patch(
    request_for: Request, propose: Propose, tmp_path: Path
) -> None:
    script = 'echo x > new.py; [ "$1" = --check ] || echo "x = 1" > app.py; ! grep -q os app.py'
    proposal = await propose(
        request_for({"app.py": UNUSED}, "black --check ."), sandbox=fake_tool(tmp_path, "black", script)
    )
    assert proposal.files == ("app.py",)


async def test_a_patch_beyond_the_limits_is_not_proposed(request_for: Request, propose: Propose) -> None:
    request = request_for({"a.py": UNUSED, "b.py": UNUSED}, "ruff check .")
    for limits in (Limits(patch_bytes=100), Limits(patch_files=1)):
        proposal = await propose(request.model_copy(update={"limits": limits}))
        assert proposal.diff == ""
        assert "too large" in proposal.summary


async def test_an_earlier_attempts_patch_is_not_repeated(request_for: Request, propose: Propose) -> None:
    request = request_for({"app.py": UNUSED}, "ruff check .")
    first = await propose(request)
    earlier = (AttemptRecord(number=2, patch_id=first.patch_id),)
    again = await propose(request.model_copy(update={"earlier": earlier}))
    assert again.diff == ""
    assert "attempt 2" in again.summary


async def test_running_twice_gives_the_same_patch(request_for: Request, propose: Propose) -> None:
    request = request_for({"app.py": UNUSED}, "ruff check .")
    first, second = await propose(request), await propose(request)
    assert first.diff == second.diff
    assert first.patch_id == second.patch_id


@pytest.mark.parametrize(
    ("files", "permission", "words"),
    [
        ({"x": ""}, "packages: write", "no workflow file"),
        ({".github/workflows/ci.yml": "jobs: {"}, "packages: write", "does not parse"),
        ({".github/workflows/ci.yml": "jobs:\n  check:\n    runs-on: x\n"}, None, "which permission"),
        (
            {".github/workflows/ci.yml": "permissions: write-all\njobs:\n  check:\n    runs-on: x\n"},
            "packages: write",
            "already",
        ),
    ],
)
async def test_a_permission_that_cannot_be_granted_is_explained(
    request_for: Request, propose: Propose, files: dict[str, str], permission: str | None, words: str
) -> None:
    request = request_for(
        files, "docker push x", failure_class=FailureClass.PERMISSION, permission=permission
    )
    proposal = await propose(request)
    assert proposal.diff == ""
    assert words in proposal.summary


async def test_without_a_sandbox_no_command_runs_and_edits_still_work(
    request_for: Request, propose: Propose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_module, "bwrap_path", lambda: tmp_path / "nothing")
    sandbox = Sandbox()
    refused = await propose(request_for({"app.py": UNUSED}, "ruff check ."), sandbox=sandbox)
    assert refused.diff == ""
    assert "none was run" in refused.summary
    workflow = {".github/workflows/ci.yml": "jobs:\n  check:\n    runs-on: x\n"}
    request = request_for(workflow, "x", failure_class=FailureClass.PERMISSION, permission="packages: write")
    assert (await propose(request, sandbox=sandbox)).recipe == "workflow-permissions"


async def test_a_commit_that_vanished_is_a_permanent_error(request_for: Request, propose: Propose) -> None:
    request = request_for({"app.py": UNUSED}, "ruff check .")
    for update in ({"base_sha": "1" * 40}, {"repository": "octo/gone"}):
        with pytest.raises(ApplicationError) as caught:
            await propose(request.model_copy(update=update))
        assert caught.value.type == "not_found"
        assert caught.value.non_retryable


def alive(marker: str) -> list[str]:
    """Processes of this machine with `marker` among their arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if marker.encode() in process.read_bytes().split(b"\0"):
                found.append(process.parent.name)
    return found


async def test_a_cancelled_activity_beats_until_then_and_leaves_nothing(
    request_for: Request, mirrors: RepositoryMirrors, sandbox: Sandbox, tmp_path: Path
) -> None:
    marker = f"6{os.getpid()}.125"
    hanging = fake_tool(tmp_path, "black", f"sleep {marker}")
    environment = ActivityEnvironment()
    beating = asyncio.Event()
    environment.on_heartbeat = lambda *_: beating.set()
    request = request_for({"app.py": UNUSED}, "black --check .")
    task = asyncio.ensure_future(environment.run(PatchingActivities(mirrors, hanging).propose_patch, request))
    await asyncio.wait_for(beating.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((tmp_path / "cache" / "workspaces").iterdir()) == []
    assert alive(marker) == []
