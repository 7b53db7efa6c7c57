"""What a submission must show before it becomes a proposal."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.adapters.repository import RepositoryMirrors
from activities.patching.sandbox import Sandbox
from activities.patching.session.activity import SessionActivities
from sessions import (
    FILES,
    FIX,
    PRICING,
    TAG,
    TEST,
    Call,
    Repository,
    Use,
    create,
    failed_job,
    patch_request,
    read_log,
    replace,
)
from workflows.models import AttemptRecord, Evidence, Limits, ProofState, Strategy
from workflows.session_models import Submission, SubmissionRequest

Submit = Callable[..., Awaitable[Submission]]


@pytest.fixture
def submit(session: SessionActivities, use: Use, repository: Repository, tmp_path: Path) -> Submit:
    """The calls' patch of a commit of FILES, submitted; afterwards no workspace is left."""

    async def run(
        *calls: Call, command: str | None = None, session: SessionActivities = session, **changes: Any
    ) -> Submission:
        sha = repository.commit(FILES)
        diff = (await use(*calls, sha=sha)).diff
        if command is not None:
            jobs = (failed_job(command),)
            changes["evidence"] = Evidence(run_id=7, run_attempt=1, jobs=jobs, failed_jobs=1)
        request = SubmissionRequest(
            patch=patch_request(sha, **changes), diff=diff, summary="Off by one.", tag=TAG
        )
        result: Submission = await ActivityEnvironment().run(session.prove_submission, request)
        assert list((tmp_path / "cache" / "workspaces").iterdir()) == []
        return result

    return run


async def test_a_patch_is_proved_where_the_command_fails_without_it_and_passes_with_it(
    submit: Submit,
) -> None:
    proposal = (await submit(FIX)).proposal

    assert proposal is not None
    assert (proposal.proof.state, proposal.proof.exit_before, proposal.proof.exit_after) == (
        ProofState.PROVED,
        1,
        0,
    )
    assert proposal.proof.command == "python3 -m unittest discover"
    assert (proposal.strategy, proposal.recipe, proposal.summary) == (Strategy.MODEL, None, "Off by one.")
    assert (proposal.files, proposal.additions, proposal.deletions) == (("pricing.py",), 1, 1)
    assert proposal.patch_id
    assert proposal.tree


async def test_a_patch_that_does_not_mend_the_failure_goes_back_with_the_output(submit: Submit) -> None:
    told = await submit(create("note.txt", "x\n"))

    assert told.proposal is None
    assert told.setback.startswith("The command still fails in the same way.")
    assert f"<untrusted-{TAG}>" in told.setback
    assert "AssertionError: 4 != 3" in told.setback


async def test_a_patch_that_breaks_another_command_goes_back(submit: Submit) -> None:
    told = await submit(
        FIX, create("broken.py", "def ("), command="python3 -m unittest discover\npython3 -m compileall -q ."
    )

    assert told.proposal is None
    assert "ends worse with the patch" in told.setback


async def test_a_failure_that_gives_way_to_another_is_an_improvement(submit: Submit) -> None:
    other = replace(
        "test_pricing.py",
        "        self.assertEqual",
        "        self.assertIn('x', 'yz')\n        self.assertEqual",
    )

    proposal = (await submit(FIX, other)).proposal

    assert proposal is not None
    assert proposal.proof.state is ProofState.IMPROVED


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("pip install -r requirements.txt", "No plain command of the failing step is known."),
        ("pytest $FLAGS", "No plain command of the failing step is known."),
        ("zebra test", "Not installed on this worker: zebra."),
        ("python3 -c 'print(1)'", "The failing command passes here without the patch."),
        ("python3 -c 'import zebra'", "The command fails here for another reason than in CI."),
        ("python3 -m unittest discover\nzebra test", "Not installed on this worker: zebra."),
    ],
)
async def test_what_cannot_be_proved_here_is_left_to_ci(submit: Submit, command: str, why: str) -> None:
    proposal = (await submit(FIX, command=command)).proposal

    assert proposal is not None
    assert (proposal.proof.state, proposal.proof.detail) == (ProofState.NOT_PROVED_HERE, why)


async def test_without_a_sandbox_nothing_runs_and_nothing_is_proved(
    submit: Submit, mirrors: RepositoryMirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Sandbox()
    monkeypatch.setattr(broken, "_bwrap", None)

    proposal = (await submit(FIX, session=SessionActivities(mirrors, broken, read_log))).proposal

    assert proposal is not None
    assert proposal.proof.state is ProofState.NOT_PROVED_HERE
    assert "bubblewrap is not installed" in proposal.proof.detail


async def test_nothing_changed_is_nothing_to_submit(submit: Submit) -> None:
    assert "Nothing is changed" in (await submit()).setback


async def test_a_patch_beyond_the_limits_goes_back(submit: Submit) -> None:
    told = await submit(FIX, create("a.txt", "x\n"), limits=Limits(patch_files=1))

    assert "too large" in told.setback
    assert "1 files are allowed" in told.setback


async def test_files_that_ci_turned_down_before_go_back_however_they_came_about(submit: Submit) -> None:
    first = (await submit(FIX)).proposal
    assert first is not None
    record = AttemptRecord(number=1, strategy=Strategy.MODEL, tree=first.tree, ci="red")

    again = await submit(
        replace("pricing.py", "sum(prices) + 1", "sum(prices)"), attempt=2, earlier=(record,)
    )

    assert "attempt 1" in again.setback
    assert again.proposal is None


def test_the_failing_sample_fails_as_its_evidence_says() -> None:
    assert "+ 1" in PRICING
    assert "assertEqual(total([1, 2]), 3)" in TEST
