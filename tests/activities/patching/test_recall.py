"""A merged fix of the same failure is made again, three ways, and proved like any other."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.adapters.repository import RepositoryMirrors
from activities.patching.activity import PatchingActivities
from activities.patching.sandbox import Sandbox
from scripted_wire import ScriptedWire, answer
from workflows.models import PatchRequest, ProofState, Proposal, Strategy
from workflows.naming import marker

Request = Callable[..., PatchRequest]
Commit = Callable[[Mapping[str, str]], str]
Recalling = Callable[..., Awaitable[Proposal]]

OLD = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"
FIXED = OLD.removeprefix("import os\n\n\n")


def pull(
    sha: str, *, fingerprint: str = "v1:abc", branch: str = "regreen/5", merged: bool = True
) -> dict[str, object]:
    repository = {"full_name": "octo/app"}
    return {
        "number": 12,
        "html_url": "https://github.com/octo/app/pull/12",
        "state": "closed",
        "title": "Fix",
        "body": f"{marker(5, fingerprint)}\n\nRepairs …",
        "merged_at": "2026-01-01T00:00:00Z" if merged else None,
        "merge_commit_sha": sha,
        "head": {"ref": branch, "repo": repository},
        "base": {"ref": "main"},
    }


@pytest.fixture
def recalling(mirrors: RepositoryMirrors, sandbox: Sandbox) -> Recalling:
    """Propose, where GitHub lists these closed pull requests."""

    async def propose(request: PatchRequest, *pulls: dict[str, object], status: int = 200) -> Proposal:
        wire = ScriptedWire()
        wire.on(
            "GET",
            "/repos/octo/app/pulls",
            answer(status, list(pulls) if status == 200 else {"message": "no"}),
        )
        activities = PatchingActivities(mirrors, sandbox, wire.github())
        evidence = request.evidence.model_copy(update={"fingerprint": "v1:abc"})
        return await ActivityEnvironment().run(
            activities.propose_patch, request.model_copy(update={"evidence": evidence})
        )

    return propose


def merged_fix(commit: Commit) -> str:
    commit({"app.py": OLD})
    return commit({"app.py": FIXED})


async def test_a_merged_fix_is_made_again_where_the_file_changed_elsewhere(
    commit: Commit, request_for: Request, recalling: Recalling
) -> None:
    fix = merged_fix(commit)
    request = request_for({"app.py": OLD.replace("return 2", "return 3")}, "ruff check .")
    proposal = await recalling(request, pull(fix))
    assert (proposal.strategy, proposal.proof.state) == (Strategy.RECALL, ProofState.PROVED)
    assert "-import os" in proposal.diff
    assert "return 3" not in "".join(line for line in proposal.diff.splitlines() if line[:1] in "+-")
    assert "pull request 12" in proposal.summary


async def test_a_fix_that_conflicts_is_an_example_and_no_patch(
    commit: Commit, request_for: Request, recalling: Recalling
) -> None:
    fix = merged_fix(commit)
    proposal = await recalling(request_for({"app.py": "import os, sys\nundefined()\n"}, "make it"), pull(fix))
    assert proposal.diff == ""
    assert "does not fit app.py" in proposal.summary
    assert "-import os\n" in proposal.example


async def test_what_the_check_turns_down_gives_way_to_a_recipe(
    commit: Commit, request_for: Request, recalling: Recalling
) -> None:
    commit({"b.py": "x = 1\n"})
    fix = commit({"b.py": "x = 2\n"})
    request = request_for({"app.py": OLD, "b.py": "x = 1\n"}, "ruff check .")
    proposal = await recalling(request, pull(fix))
    assert (proposal.strategy, proposal.proof.state) == (Strategy.RECIPE, ProofState.PROVED)


@pytest.mark.parametrize(
    "other", [{"fingerprint": "v1:def"}, {"branch": "feature"}, {"branch": "regreen/x"}, {"merged": False}]
)
async def test_only_merged_fixes_of_the_same_failure_are_recalled(
    commit: Commit, request_for: Request, recalling: Recalling, other: dict[str, Any]
) -> None:
    fix = merged_fix(commit)
    proposal = await recalling(request_for({"app.py": OLD}, "make it"), pull(fix, **other))
    assert (proposal.diff, proposal.example) == ("", "")


async def test_a_fork_s_pull_request_is_not_recalled(
    commit: Commit, request_for: Request, recalling: Recalling
) -> None:
    stranger = pull(merged_fix(commit)) | {"head": {"ref": "regreen/5", "repo": {"full_name": "evil/app"}}}
    assert not (await recalling(request_for({"app.py": OLD}, "make it"), stranger)).diff


async def test_a_fix_never_changes_what_checks_demand(
    commit: Commit, request_for: Request, recalling: Recalling
) -> None:
    commit({"ruff.toml": "line-length = 80\n"})
    fix = commit({"ruff.toml": "line-length = 800\n"})
    request = request_for({"app.py": OLD, "ruff.toml": "line-length = 80\n"}, "make it")
    proposal = await recalling(request, pull(fix))
    assert proposal.diff == ""
    assert "what checks demand" in proposal.summary


async def test_a_credential_that_may_not_read_pull_requests_recalls_nothing(
    commit: Commit, request_for: Request, recalling: Recalling
) -> None:
    request = request_for({"app.py": OLD}, "ruff check .")
    proposal = await recalling(request, status=403)
    assert proposal.strategy is Strategy.RECIPE
