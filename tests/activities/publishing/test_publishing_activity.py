import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities.adapters.turns import Turns
from activities.publishing.activity import PublishingActivities
from activities.publishing.switch import WriteSwitch
from scripted_wire import ScriptedWire, answer
from small_github import LOGIN, REPOSITORY, SmallGitHub
from workflows import naming
from workflows.models import (
    Approval,
    AuthorisationRequest,
    BranchRequest,
    BranchResult,
    BranchState,
    CloseRequest,
    CommitRequest,
    Diagnosis,
    FailureClass,
    GateDecision,
    GateRequest,
    GateVerdict,
    LabelRequest,
    Limits,
    Outcome,
    PostedReport,
    Proposal,
    PullRequest,
    PullRequestRef,
    PullRequestRequest,
    Report,
    RevertRequest,
    RunSnapshot,
    State,
    WrittenCommit,
)

RUN = 7
BRANCH = "regreen/7"
DIFF = "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,2 +1 @@\n-import os\n print(1)\n"
WORKFLOW = ".github/workflows/ci.yml"
WORKFLOW_DIFF = f"--- a/{WORKFLOW}\n+++ b/{WORKFLOW}\n@@ -1 +1,2 @@\n on: push\n+permissions: {{}}\n"
DIAGNOSIS = Diagnosis(failure_class=FailureClass.LINT, root_cause="F401 unused import")


@pytest.fixture
def hub() -> SmallGitHub:
    small = SmallGitHub()
    failing = small.commit(
        {
            "src/app.py": ("100644", b"import os\nprint(1)\n"),
            "run.sh": ("100755", b"echo a\n"),
            "latin.txt": ("100644", b"caf\xe9\na\n"),
            ".github/workflows/ci.yml": ("100644", b"on: push\n"),
        }
    )
    small.refs["topic"] = failing
    return small


@pytest.fixture
def publish(hub: SmallGitHub) -> PublishingActivities:
    github = hub.github()
    return PublishingActivities(github, WriteSwitch(github))


def proposal(hub: SmallGitHub, diff: str = DIFF, base: str | None = None) -> Proposal:
    sha = base or hub.refs["topic"]
    return Proposal(diff=diff, base_sha=sha, patch_id=naming.patch_id(sha, diff), files=("src/app.py",))


def commit_request(
    hub: SmallGitHub, diff: str = DIFF, attempt: int = 1, base: str | None = None, approved: str | None = None
) -> CommitRequest:
    return CommitRequest(
        repository=REPOSITORY,
        run_id=RUN,
        attempt=attempt,
        proposal=proposal(hub, diff, base),
        failure_class=FailureClass.LINT,
        fingerprint="v1:0123456789abcdef",
        diagnosis=DIAGNOSIS,
        approval=leave(hub, approved) if approved else None,
    )


def leave(hub: SmallGitHub, diff: str) -> Approval:
    return Approval(by="ada", at=datetime(2026, 1, 2, tzinfo=UTC), patch_id=proposal(hub, diff).patch_id)


def branch_request(hub: SmallGitHub, commit: str, expected: str | None = None) -> BranchRequest:
    return BranchRequest(
        repository=REPOSITORY,
        run_id=RUN,
        expected_tip=expected,
        commit=commit,
        failing_branch="topic",
        failing_sha=hub.refs["topic"],
    )


# ── judge_patch ─────────────────────────────────────────────────────────────────────────────────────────────


async def judged(
    publish: PublishingActivities, proposed: Proposal, limits: Limits | None = None
) -> GateVerdict:
    request = GateRequest(
        repository=REPOSITORY, proposal=proposed, diagnosis=DIAGNOSIS, limits=limits or Limits()
    )
    return await publish.judge_patch(request)


async def test_a_patch_that_fits_its_base_is_allowed(hub: SmallGitHub, publish: PublishingActivities) -> None:
    assert (await judged(publish, proposal(hub))).decision is GateDecision.ALLOWED
    assert hub.writes() == []


async def test_a_workflow_file_needs_a_human(hub: SmallGitHub, publish: PublishingActivities) -> None:
    verdict = await judged(publish, proposal(hub, WORKFLOW_DIFF))
    assert verdict.decision is GateDecision.NEEDS_APPROVAL


async def test_a_patch_that_is_not_what_its_id_names_is_refused(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    forged = proposal(hub).model_copy(update={"diff": DIFF.replace("print(1)", "print(2)")})
    assert (await judged(publish, forged)).decision is GateDecision.REFUSED


async def test_a_patch_for_another_base_is_a_conflict(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    verdict = await judged(publish, proposal(hub, DIFF.replace("import os", "import sys")))
    assert (verdict.decision, verdict.conflict) == (GateDecision.REFUSED, True)


async def test_a_tree_too_large_to_list_is_walked(hub: SmallGitHub, publish: PublishingActivities) -> None:
    hub.truncated = True
    assert (await judged(publish, proposal(hub))).decision is GateDecision.ALLOWED
    nested = "--- /dev/null\n+++ b/src/app.py/x\n@@ -0,0 +1 @@\n+a\n"
    assert (await judged(publish, proposal(hub, nested))).decision is GateDecision.REFUSED
    absent = "--- a/no/such/file\n+++ b/no/such/file\n@@ -1 +1 @@\n-a\n+b\n"
    assert (await judged(publish, proposal(hub, absent))).conflict


async def test_a_text_that_is_no_diff_is_refused(hub: SmallGitHub, publish: PublishingActivities) -> None:
    assert (await judged(publish, proposal(hub, "@@ nonsense"))).decision is GateDecision.REFUSED


async def test_no_more_files_are_read_than_a_patch_may_have(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    shell = "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-echo a\n+echo b\n"
    verdict = await judged(publish, proposal(hub, DIFF + shell), Limits(patch_files=1))
    assert verdict.decision is GateDecision.REFUSED
    assert len([each for each in hub.asked if "/git/blobs/" in each.url.path]) == 1


# ── write_commit ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_commit_holds_the_patched_files_and_the_attempts_trailers(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    written = await publish.write_commit(commit_request(hub))
    assert hub.files_at(written.sha)["src/app.py"] == ("100644", b"print(1)\n")
    assert hub.files_at(written.sha)["run.sh"] == ("100755", b"echo a\n")
    commit = hub.commits[written.sha]
    assert commit["parents"] == [hub.refs["topic"]]
    assert "Regreen-Run: 7\nRegreen-Attempt: 1\nRegreen-Fingerprint: v1:0123456789abcdef" in commit["message"]
    assert list(hub.refs) == ["topic"]


async def test_an_executable_stays_one_and_bytes_that_are_not_text_survive(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    diff = (
        "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-echo a\n+echo b\n"
        "--- a/latin.txt\n+++ b/latin.txt\n@@ -2 +2 @@\n-a\n+b\n"
        "diff --git a/new.sh b/new.sh\nnew file mode 100755\n--- /dev/null\n+++ b/new.sh\n@@ -0,0 +1 @@\n+n\n"
    )
    written = await publish.write_commit(commit_request(hub, diff, approved=diff))
    files = hub.files_at(written.sha)
    assert files["run.sh"] == ("100755", b"echo b\n")
    assert files["latin.txt"] == ("100644", b"caf\xe9\nb\n")
    assert files["new.sh"] == ("100755", b"n\n")


async def test_many_files_that_are_not_text_wait_for_their_turns_and_are_written_once() -> None:
    hub = SmallGitHub()
    names = [f"{number}.txt" for number in range(10)]
    hub.refs["topic"] = hub.commit({name: ("100644", b"caf\xe9 %b\na\n" % name.encode()) for name in names})
    diff = "".join(f"--- a/{name}\n+++ b/{name}\n@@ -2 +2 @@\n-a\n+b\n" for name in names)
    spacing = timedelta(seconds=0.02)
    github = hub.github(turns=Turns(spacing, patience=spacing * 2))
    publish = PublishingActivities(github, WriteSwitch(github))
    for _ in range(2):  # as when the first answer was lost
        written = await publish.write_commit(commit_request(hub, diff))
    assert len(hub.files_at(written.sha)) == len(names)
    assert len([each for each in hub.writes() if each.endswith("/git/blobs")]) == len(names)


async def test_a_commit_on_the_fix_branch_is_found_not_written_again(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    first = await publish.write_commit(commit_request(hub))
    hub.refs[BRANCH] = first.sha
    assert await publish.write_commit(commit_request(hub)) == first
    assert len([write for write in hub.writes() if write.endswith("/git/commits")]) == 1


async def test_another_attempts_commit_is_not_taken_for_this_ones(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    first = await publish.write_commit(commit_request(hub))
    hub.refs[BRANCH] = first.sha
    second = await publish.write_commit(commit_request(hub, attempt=2))
    assert second.sha != first.sha


@pytest.mark.parametrize(
    ("diff", "kind"),
    [
        (DIFF.replace("import os", "import sys"), "conflict"),
        ("not a diff", "refused"),
        ("--- a/src/app.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-import os\n-print(1)\n", "refused"),
        ("--- a/src/app.py\n+++ b/src/app.py\n@@ -1 +1 @@\n-import os\n+import os\n", "invalid"),
        (
            DIFF.replace("@@ -1,2 +1 @@", "@@ -1,2 +1,2 @@")
            + "+x = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'\n",
            "refused",
        ),
        (DIFF.replace("-import os", "-import os\n+import os  # noqa").replace("+1 @@", "+1,2 @@"), "refused"),
        (WORKFLOW_DIFF, "refused"),
    ],
)
async def test_a_patch_that_cannot_be_published_writes_no_commit(
    hub: SmallGitHub, publish: PublishingActivities, diff: str, kind: str
) -> None:
    with pytest.raises(ApplicationError) as caught:
        await publish.write_commit(commit_request(hub, diff))
    assert caught.value.type == kind
    assert "ghp_" not in str(caught.value)
    assert not [write for write in hub.writes() if write.endswith("/git/commits")]


async def test_an_approved_patch_is_written(hub: SmallGitHub, publish: PublishingActivities) -> None:
    written = await publish.write_commit(commit_request(hub, WORKFLOW_DIFF, approved=WORKFLOW_DIFF))
    assert hub.files_at(written.sha)[WORKFLOW][1] == b"on: push\npermissions: {}\n"


async def test_an_approval_of_another_patch_is_none(hub: SmallGitHub, publish: PublishingActivities) -> None:
    with pytest.raises(ApplicationError) as caught:
        await publish.write_commit(commit_request(hub, WORKFLOW_DIFF, approved=DIFF))
    assert caught.value.type == "refused"
    assert "nobody approved this patch" in str(caught.value)
    assert hub.writes() == []


async def test_an_approval_does_not_publish_what_the_gate_refuses(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    cheat = "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,2 +1,2 @@\n-import os\n+import os  # noqa\n print(1)\n"
    with pytest.raises(ApplicationError) as caught:
        await publish.write_commit(commit_request(hub, cheat, approved=cheat))
    assert caught.value.type == "refused"
    assert hub.writes() == []


async def test_a_commit_whose_answer_is_lost_leaves_nothing_to_see(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.lose_answer_of = ("POST", "/git/commits")
    with pytest.raises(ApplicationError) as caught:
        await publish.write_commit(commit_request(hub))
    assert (caught.value.type, caught.value.non_retryable) == ("unavailable", False)
    written = await publish.write_commit(commit_request(hub))
    assert (await publish.advance_fix_branch(branch_request(hub, written.sha))).state is BranchState.ADVANCED
    assert hub.refs[BRANCH] == written.sha


# ── advance_fix_branch ──────────────────────────────────────────────────────────────────────────────────────


async def first_commit(hub: SmallGitHub, publish: PublishingActivities) -> WrittenCommit:
    return await publish.write_commit(commit_request(hub))


async def advance(publish: PublishingActivities, request: BranchRequest) -> tuple[BranchState, str | None]:
    found: BranchResult = await publish.advance_fix_branch(request)
    return found.state, found.tip


async def test_the_first_attempt_creates_the_fix_branch(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    assert await advance(publish, branch_request(hub, commit.sha)) == (BranchState.ADVANCED, commit.sha)
    assert hub.refs[BRANCH] == commit.sha


async def test_the_second_attempt_moves_it_forward(hub: SmallGitHub, publish: PublishingActivities) -> None:
    first = await first_commit(hub, publish)
    hub.refs[BRANCH] = first.sha
    diff = "--- a/src/app.py\n+++ b/src/app.py\n@@ -1 +1 @@\n-print(1)\n+print(2)\n"
    second = await publish.write_commit(commit_request(hub, diff, attempt=2, base=first.sha))
    request = branch_request(hub, second.sha, expected=first.sha)
    assert await advance(publish, request) == (BranchState.ADVANCED, second.sha)
    assert hub.commits[second.sha]["parents"] == [first.sha]


async def test_advancing_twice_writes_once(hub: SmallGitHub, publish: PublishingActivities) -> None:
    commit = await first_commit(hub, publish)
    request = branch_request(hub, commit.sha)
    assert await advance(publish, request) == await advance(publish, request)
    assert len([write for write in hub.writes() if "/git/refs" in write]) == 1


async def test_a_branch_whose_answer_was_lost_is_found_in_place(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    request = branch_request(hub, commit.sha)
    hub.lose_answer_of = ("POST", "/git/refs")
    with pytest.raises(ApplicationError):
        await publish.advance_fix_branch(request)
    assert await advance(publish, request) == (BranchState.ADVANCED, commit.sha)


async def test_a_failing_branch_that_moved_on_stops_publication(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    request = branch_request(hub, commit.sha)
    hub.refs["topic"] = hub.commit({}, parent=hub.refs["topic"])
    assert (await advance(publish, request))[0] is BranchState.BASE_MOVED
    assert BRANCH not in hub.refs


async def test_a_failing_branch_that_is_gone_stops_publication(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    request = branch_request(hub, commit.sha)
    del hub.refs["topic"]
    assert (await advance(publish, request))[0] is BranchState.BASE_MOVED


async def test_what_was_published_before_the_failing_branch_moved_is_said_to_be(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    request = branch_request(hub, commit.sha)
    hub.refs[BRANCH] = commit.sha
    hub.refs["topic"] = hub.commit({}, parent=hub.refs["topic"])
    assert await advance(publish, request) == (BranchState.ADVANCED, commit.sha)


async def test_a_humans_commit_on_the_fix_branch_wins(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    human = hub.commit({"src/app.py": ("100644", b"mine\n")}, parent=hub.refs["topic"])
    hub.refs[BRANCH] = human
    for expected in (None, commit.sha):
        request = branch_request(hub, commit.sha, expected)
        assert await advance(publish, request) == (BranchState.TAKEN, human)
    assert hub.refs[BRANCH] == human


async def test_a_fix_branch_that_a_human_deleted_is_not_brought_back(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    first = await first_commit(hub, publish)
    second = hub.commit({}, parent=first.sha)
    assert await advance(publish, branch_request(hub, second, expected=first.sha)) == (
        BranchState.TAKEN,
        None,
    )
    assert BRANCH not in hub.refs


async def test_a_human_who_is_faster_by_a_moment_wins_at_creation(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    human = hub.commit({}, parent=hub.refs["topic"])
    hub.before = lambda _: hub.refs.update({BRANCH: human})
    assert await advance(publish, branch_request(hub, commit.sha)) == (BranchState.TAKEN, human)


async def test_a_human_who_is_faster_by_a_moment_wins_at_the_update(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    first = await first_commit(hub, publish)
    hub.refs[BRANCH] = first.sha
    second = hub.commit({}, parent=first.sha)
    human = hub.commit({}, parent=first.sha, message="mine")
    hub.before = lambda _: hub.refs.update({BRANCH: human})
    request = branch_request(hub, second, expected=first.sha)
    assert await advance(publish, request) == (BranchState.TAKEN, human)
    assert hub.refs[BRANCH] == human


async def test_the_same_commit_written_twice_counts_as_in_place(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    one, other = await first_commit(hub, publish), await first_commit(hub, publish)
    assert one.sha != other.sha
    hub.refs[BRANCH] = one.sha
    assert await advance(publish, branch_request(hub, other.sha)) == (BranchState.ADVANCED, one.sha)


async def test_a_commit_that_does_not_exist_is_an_error_not_a_state(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    with pytest.raises(ApplicationError) as caught:
        await publish.advance_fix_branch(branch_request(hub, "f" * 40))
    assert caught.value.non_retryable


@pytest.mark.parametrize(
    ("state", "merged_at", "expected"),
    [
        ("closed", None, BranchState.CLOSED),
        ("closed", "2026-01-02T03:04:05Z", BranchState.MERGED),
        ("open", None, BranchState.ADVANCED),
    ],
)
async def test_nothing_is_pushed_behind_the_back_of_who_closed_the_pull_request(
    hub: SmallGitHub,
    publish: PublishingActivities,
    state: str,
    merged_at: str | None,
    expected: BranchState,
) -> None:
    first = await first_commit(hub, publish)
    hub.refs[BRANCH] = first.sha
    ours(hub, state)["merged_at"] = merged_at
    second = hub.commit({}, parent=first.sha)
    request = branch_request(hub, second, expected=first.sha).model_copy(update={"pull_request": 1})
    assert (await advance(publish, request))[0] is expected
    assert (hub.refs[BRANCH] == second) is (expected is BranchState.ADVANCED)


async def refused(hub: SmallGitHub, publish: PublishingActivities) -> ApplicationError:
    commit = await first_commit(hub, publish)
    with pytest.raises(ApplicationError) as caught:
        await publish.advance_fix_branch(branch_request(hub, commit.sha))
    assert caught.value.non_retryable
    assert BRANCH not in hub.refs
    return caught.value


async def test_a_ruleset_that_refuses_the_fix_branch_is_named(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.rules = ["creation", "deletion", "required_signatures"]
    error = await refused(hub, publish)
    assert error.type == "branch_refused"
    assert "Cannot create ref due to creations being restricted" in error.message
    assert "branches may not be created; commits must be signed" in error.message


async def test_a_lacking_permission_is_not_blamed_on_the_rules(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.rules = ["required_signatures"]
    hub.refusal = (403, "Resource not accessible by integration")
    assert (await refused(hub, publish)).type == "forbidden"


async def test_a_protection_that_gives_no_reason_is_still_known_for_one(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.refusal = (422, "Reference update failed")
    assert (await refused(hub, publish)).type == "branch_refused"


async def test_a_branch_that_leaves_no_room_for_the_fix_branch_is_named(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.refs["regreen"] = hub.refs["topic"]
    error = await refused(hub, publish)
    assert error.type == "branch_refused"
    assert "A branch named `regreen`" in error.message


async def test_commits_name_no_author_so_that_github_signs_them_for_an_app(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    await first_commit(hub, publish)
    [body] = [json.loads(each.content) for each in hub.asked if each.url.path.endswith("/git/commits")]
    assert body.keys() == {"message", "tree", "parents"}


async def test_no_branch_but_the_fix_branch_is_ever_written(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    before = hub.refs["topic"]
    commit = await first_commit(hub, publish)
    await publish.advance_fix_branch(branch_request(hub, commit.sha))
    assert hub.refs == {"topic": before, BRANCH: commit.sha}


# ── pull requests ───────────────────────────────────────────────────────────────────────────────────────────


def pull_request(hub: SmallGitHub, attempt: int = 1) -> PullRequestRequest:
    hub.refs.setdefault(BRANCH, hub.commit({}, parent=hub.refs["topic"]))
    return PullRequestRequest(
        repository=REPOSITORY,
        run_id=RUN,
        run_url="https://github.com/acme/widgets/actions/runs/7",
        base_branch="topic",
        workflow_name="CI",
        attempt=attempt,
        diagnosis=DIAGNOSIS,
        proposal=proposal(hub),
        verdict=GateVerdict(decision=GateDecision.ALLOWED),
    )


async def test_a_draft_is_opened_against_the_failing_branch(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    opened = await publish.open_pull_request(pull_request(hub))
    url = "https://github.com/acme/widgets/pull/1"
    assert opened == PullRequest(number=1, url=url, base_branch="topic")
    (pull,) = hub.pulls
    assert (pull["draft"], pull["base"]["ref"], pull["head"]["ref"]) == (True, "topic", BRANCH)
    assert pull["title"] == "Fix lint failure in run 7 (attempt 1 of at most 3)"


async def test_opening_twice_writes_once(hub: SmallGitHub, publish: PublishingActivities) -> None:
    first = await publish.open_pull_request(pull_request(hub))
    assert await publish.open_pull_request(pull_request(hub)) == first
    assert hub.writes() == ["POST /repos/acme/widgets/pulls"]


async def test_a_later_attempt_updates_the_same_pull_request(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    first = await publish.open_pull_request(pull_request(hub))
    second = await publish.open_pull_request(pull_request(hub, attempt=2))
    assert second.number == first.number
    assert "attempt 2" in hub.pulls[0]["title"]


async def test_a_pull_request_whose_answer_was_lost_is_found(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.lose_answer_of = ("POST", "/pulls")
    with pytest.raises(ApplicationError):
        await publish.open_pull_request(pull_request(hub))
    assert (await publish.open_pull_request(pull_request(hub))).number == 1
    assert len(hub.pulls) == 1


def ours(hub: SmallGitHub, state: str = "open") -> dict[str, Any]:
    pull = hub.add_pull(head=BRANCH, base="topic", title="t", body=naming.marker(RUN), draft=True)
    pull["state"] = state
    return pull


async def test_a_rival_request_that_was_faster_by_a_moment_is_found_and_updated(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    def rival(_: httpx2.Request) -> None:
        ours(hub)

    hub.before = rival
    assert (await publish.open_pull_request(pull_request(hub))).number == 1
    assert len(hub.pulls) == 1
    assert hub.pulls[0]["title"].startswith("Fix lint failure")


async def test_a_strangers_pull_request_from_our_branch_is_not_rewritten(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.add_pull(head=BRANCH, base="topic", title="mine", body="no marker", draft=False)
    with pytest.raises(ApplicationError) as caught:
        await publish.open_pull_request(pull_request(hub))
    assert caught.value.type == "invalid"
    assert hub.pulls[0]["title"] == "mine"


async def test_a_closed_pull_request_stays_closed_and_is_said_to_be(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    ours(hub, state="closed")
    assert (await publish.open_pull_request(pull_request(hub))).state == "closed"
    assert hub.writes() == []


@pytest.mark.parametrize(
    ("gone", "kind"), [("topic", "base_deleted"), (BRANCH, "fix_branch_deleted"), (None, "fix_contained")]
)
async def test_a_branch_that_changed_before_the_pull_request_is_told_apart_from_a_refusal(
    hub: SmallGitHub, publish: PublishingActivities, gone: str | None, kind: str
) -> None:
    request = pull_request(hub)
    if gone is None:
        hub.refs["topic"] = hub.refs[BRANCH]
    else:
        del hub.refs[gone]
    with pytest.raises(ApplicationError) as caught:
        await publish.open_pull_request(request)
    assert caught.value.type == kind


def with_workflow(hub: SmallGitHub, on: str, **changes: Any) -> PullRequestRequest:
    text = f"on:\n  {on}\njobs: {{}}\n".encode()
    hub.refs[BRANCH] = hub.commit({WORKFLOW: ("100644", text)}, parent=hub.refs["topic"])
    facts = {
        "head_sha": hub.refs[BRANCH],
        "workflow_path": WORKFLOW,
        "workflow_id": 3,
        "other_bases": ("main", "main"),
    }
    return pull_request(hub).model_copy(update=facts | changes)


async def test_a_workflow_for_pull_requests_against_main_gets_one_against_main(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.refs["main"] = hub.commit({})
    opened = await publish.open_pull_request(with_workflow(hub, "pull_request: {branches: [main]}"))
    assert (opened.base_branch, opened.ci_obstacle) == ("main", "")
    assert "change the base to `topic`" in hub.pulls[0]["body"]


async def test_a_later_attempt_leaves_the_pull_request_where_it_is(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.refs["main"] = hub.commit({})
    first = await publish.open_pull_request(with_workflow(hub, "pull_request: {branches: [main]}"))
    second = await publish.open_pull_request(
        with_workflow(hub, "pull_request: {branches: [main]}", attempt=2)
    )
    assert (second.number, second.base_branch, second.ci_obstacle) == (first.number, "main", "")


async def test_a_workflow_that_never_runs_on_fixes_is_said_to_be_one(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    opened = await publish.open_pull_request(with_workflow(hub, "schedule: [{cron: '0 0 * * *'}]"))
    assert opened.base_branch == "topic"
    assert "neither on pushes nor on pull requests" in opened.ci_obstacle


async def test_a_workflow_that_is_switched_off_is_said_to_be(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.workflow_state = "disabled_inactivity"
    opened = await publish.open_pull_request(with_workflow(hub, "pull_request:"))
    assert "disabled_inactivity" in opened.ci_obstacle


async def test_where_ci_skips_drafts_it_is_opened_ready(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    types = "pull_request: {types: [opened, synchronize, reopened, ready_for_review]}"
    await publish.open_pull_request(with_workflow(hub, types))
    assert hub.pulls[0]["draft"] is False


async def test_where_drafts_are_not_supported_it_is_opened_ready(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.drafts = False
    await publish.open_pull_request(pull_request(hub))
    assert hub.pulls[0]["draft"] is False


async def test_labels_are_added_and_adding_them_again_changes_nothing(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    for _ in range(2):
        await publish.label_pull_request(LabelRequest(repository=REPOSITORY, number=1))
    assert hub.labels == {1: {"ci-fix", "automated-fix"}}


async def test_closing_closes_once(hub: SmallGitHub, publish: PublishingActivities) -> None:
    ours(hub)
    for _ in range(2):
        closed = await publish.close_pull_request(CloseRequest(repository=REPOSITORY, number=1))
        assert closed.state == "closed"
    assert len(hub.writes()) == 1


async def test_closing_whose_answer_was_lost_closes_once(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    ours(hub)
    hub.lose_answer_of = ("PATCH", "/pulls/1")
    with pytest.raises(ApplicationError):
        await publish.close_pull_request(CloseRequest(repository=REPOSITORY, number=1))
    assert (await publish.close_pull_request(CloseRequest(repository=REPOSITORY, number=1))).state == "closed"
    assert len(hub.writes()) == 1


async def test_a_merged_pull_request_is_read_as_merged(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    ours(hub, state="closed")["merged_at"] = "2026-01-02T03:04:05Z"
    found = await publish.read_pull_request(PullRequestRef(repository=REPOSITORY, number=1))
    assert (found.state, found.merged) == ("closed", True)


@pytest.mark.parametrize(
    ("messages", "reverted"),
    [
        (["Another change", 'Revert "Fix lint failure in run 7"'], True),
        ([f'Revert "Merge pull request #1 from acme/regreen/{RUN}"'], True),
        (['Revert "Fix lint failure in run 13"', "Fix lint failure in run 7"], False),
        ([], False),
    ],
)
async def test_a_revert_is_found_among_the_commits_since_the_merge(
    messages: list[str], *, reverted: bool
) -> None:
    wire = ScriptedWire()
    pull = {"number": 1, "html_url": "x", "state": "closed", "base": {"ref": "main"}}
    wire.on("GET", f"/repos/{REPOSITORY}/pulls/1", answer(200, pull | {"merged_at": "2026-01-02T03:04:05Z"}))
    since = "sha=main&since=2026-01-02T03%3A04%3A05Z&per_page=100"
    commits = [{"sha": "a" * 40, "commit": {"message": message}} for message in messages]
    wire.on("GET", f"/repos/{REPOSITORY}/commits?{since}", answer(200, commits))
    github = wire.github()
    activities = PublishingActivities(github, WriteSwitch(github))
    request = RevertRequest(repository=REPOSITORY, run_id=RUN, number=1)
    assert await activities.find_revert(request) is reverted


# ── post_report ─────────────────────────────────────────────────────────────────────────────────────────────


def report(hub: SmallGitHub, outcome: Outcome | None = None, **run: Any) -> Report:
    facts: dict[str, Any] = {
        "repository": REPOSITORY,
        "run_id": RUN,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 3,
        "workflow_name": "CI",
        "workflow_path": ".github/workflows/ci.yml",
        "event": "push",
        "head_branch": "topic",
        "head_sha": hub.refs["topic"],
        "html_url": "https://github.com/acme/widgets/actions/runs/7",
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        "default_branch": "main",
    }
    return Report(
        repository=REPOSITORY,
        run=RunSnapshot(**(facts | run)),
        outcome=outcome,
        state=State.AWAITING_CI,
        diagnosis=DIAGNOSIS,
        workflow_id="ci-remediation/acme/widgets/7",
    )


@pytest.mark.parametrize(
    ("run", "where"),
    [
        ({"pull_request": 5, "pull_request_open": True}, "issues/5"),
        ({"pull_request": 5, "pull_request_open": False}, "commits/"),
        ({}, "commits/"),
    ],
)
async def test_the_comment_stands_where_the_failure_was_seen(
    hub: SmallGitHub, publish: PublishingActivities, run: dict[str, Any], where: str
) -> None:
    posted = await publish.post_report(report(hub, **run))
    assert posted == PostedReport(url="https://github.com/acme/widgets/comment/1", changed=True)
    assert hub.comments[0]["on"].startswith(where)


@pytest.mark.parametrize("run", [{"pull_request": 5, "pull_request_open": True}, {}])
async def test_the_comment_is_edited_in_place_and_silent_when_nothing_changed(
    hub: SmallGitHub, publish: PublishingActivities, run: dict[str, Any]
) -> None:
    await publish.post_report(report(hub, **run))
    again = await publish.post_report(report(hub, **run))
    assert (again.changed, len(hub.writes())) == (False, 1)
    changed = await publish.post_report(report(hub, Outcome.FIXED, **run))
    assert changed.changed
    (comment,) = hub.comments
    assert "Regreen: fixed" in comment["body"]


async def test_line_ends_that_github_rewrote_are_no_change(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    await publish.post_report(report(hub))
    hub.comments[0]["body"] = hub.comments[0]["body"].replace("\n", "\r\n").strip()
    assert not (await publish.post_report(report(hub))).changed


async def test_a_strangers_copy_of_the_marker_is_ignored(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    forged = f"{naming.marker(RUN)}\nmine"
    hub.comment(forged, login="stranger", on="issues/5")
    await publish.post_report(report(hub, pull_request=5, pull_request_open=True))
    theirs, ours = hub.comments
    assert (theirs["body"], ours["user"]) == (forged, {"login": LOGIN})


async def test_another_runs_comment_and_a_quoted_marker_are_left_alone(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.comment(naming.marker(RUN + 1), login=LOGIN, on="issues/5")
    hub.comment(f"I saw {naming.marker(RUN)}", login=LOGIN, on="issues/5")
    await publish.post_report(report(hub, pull_request=5, pull_request_open=True))
    assert len(hub.comments) == 3


async def test_a_comment_whose_answer_was_lost_is_not_posted_twice(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    hub.lose_answer_of = ("POST", "/comments")
    with pytest.raises(ApplicationError):
        await publish.post_report(report(hub))
    assert not (await publish.post_report(report(hub))).changed
    assert len(hub.comments) == 1


# ── twins: failed runs of one push ──────────────────────────────────────────────────────────────────────────

PUSHED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_twin(hub: SmallGitHub, **changes: Any) -> None:
    run = {
        "id": RUN - 1,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 3,
        "name": "CI",
        "path": WORKFLOW,
        "event": "pull_request",
        "head_branch": "topic",
        "head_sha": hub.refs["topic"],
        "html_url": "https://github.com/acme/widgets/actions/runs/6",
        "created_at": PUSHED.isoformat(),
    }
    hub.runs += [{**run, "id": RUN}, {**run, **changes}]


@pytest.mark.parametrize(
    ("other", "published", "found"),
    [
        ({}, False, RUN - 1),
        ({"conclusion": "startup_failure", "created_at": "2026-01-02T03:05:00Z"}, False, RUN - 1),
        ({"id": RUN + 1}, False, None),
        ({"id": RUN + 1}, True, RUN + 1),
        ({"conclusion": "success"}, True, None),
        ({"conclusion": None, "status": "in_progress"}, False, None),
        ({"workflow_id": 4}, False, None),
        ({"created_at": "2026-01-01T03:04:05Z"}, False, None),
        ({"head_sha": "0" * 40}, False, None),
    ],
)
async def test_of_the_runs_of_one_push_the_first_is_looked_after_or_the_one_whose_fix_is_there(
    hub: SmallGitHub,
    publish: PublishingActivities,
    other: dict[str, Any],
    found: int | None,
    *,
    published: bool,
) -> None:
    a_twin(hub, **other)
    if published:
        hub.refs[f"regreen/{other.get('id', RUN - 1)}"] = hub.refs["topic"]
    commit = await first_commit(hub, publish)
    request = branch_request(hub, commit.sha)
    asked = request.model_copy(update={"workflow_id": 3, "run_created_at": PUSHED})
    result: BranchResult = await publish.advance_fix_branch(asked)
    assert (result.state is BranchState.TWIN, result.twin_run) == (found is not None, found)
    assert (BRANCH in hub.refs) is (found is None)


async def test_a_fix_that_is_published_already_is_not_left_to_a_twin(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    commit = await first_commit(hub, publish)
    request = branch_request(hub, commit.sha)
    asked = request.model_copy(update={"workflow_id": 3, "run_created_at": PUSHED})
    assert (await publish.advance_fix_branch(asked)).state is BranchState.ADVANCED
    a_twin(hub)
    assert (await publish.advance_fix_branch(asked)).state is BranchState.ADVANCED


@pytest.mark.parametrize("run", [{"pull_request": 5, "pull_request_open": True}, {}])
async def test_what_is_said_of_a_twin_is_not_said_again(
    hub: SmallGitHub, publish: PublishingActivities, run: dict[str, Any]
) -> None:
    a_twin(hub)
    await publish.post_report(report(hub, run_id=RUN - 1, created_at=PUSHED, **run))
    again = await publish.post_report(report(hub, created_at=PUSHED, **run))
    assert (again.changed, len(hub.comments)) == (False, 1)


async def test_a_question_is_asked_whatever_was_said_of_a_twin(
    hub: SmallGitHub, publish: PublishingActivities
) -> None:
    a_twin(hub)
    await publish.post_report(report(hub, run_id=RUN - 1, created_at=PUSHED))
    asked = report(hub, created_at=PUSHED).model_copy(update={"question": "0123456789abcdef"})
    assert (await publish.post_report(asked)).changed


# ── authorise_order ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("login", "permission", "allowed"),
    [
        ("ada", {"permission": "admin", "role_name": "admin"}, True),
        ("ada", {"permission": "write", "role_name": "maintain"}, True),
        ("ada", {"permission": "write", "role_name": "write"}, True),
        ("ada", {"permission": "write", "role_name": "a custom role"}, True),
        ("ada", {"permission": "read", "role_name": "triage"}, False),
        ("ada", {"permission": "none", "role_name": "none"}, False),
        ("ada", {}, False),
        ("stranger", {"permission": "read"}, False),
        ("../../user", {"permission": "admin"}, False),
        ("", {"permission": "admin"}, False),
    ],
)
async def test_only_people_who_may_write_may_give_orders(
    hub: SmallGitHub, publish: PublishingActivities, login: str, permission: dict[str, str], *, allowed: bool
) -> None:
    hub.permissions[login] = permission
    request = AuthorisationRequest(repository=REPOSITORY, login=login)
    assert await publish.authorise_order(request) is allowed
