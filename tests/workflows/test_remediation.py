import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from scripted import (
    FIX_HEADS,
    HEAD,
    ScriptedActivities,
    diagnosis,
    evidence,
    proposal,
    reading,
    serving,
    snapshot,
    start,
)
from workflows import models, naming
from workflows.models import (
    Action,
    BranchState,
    CiVerdict,
    Disposition,
    GateDecision,
    Limits,
    Order,
    Outcome,
    Reason,
    State,
    TriagePolicy,
)
from workflows.remediation import RemediationWorkflow

Handle = WorkflowHandle[RemediationWorkflow, models.RemediationResult]
Remediate = Callable[..., Awaitable[models.RemediationResult]]
RED_TWICE = [
    reading(CiVerdict.RED, FIX_HEADS[0]),
    reading(CiVerdict.RED, FIX_HEADS[1]),
    reading(CiVerdict.GREEN, FIX_HEADS[2]),
]
ALWAYS_RED = [reading(CiVerdict.RED, sha) for sha in FIX_HEADS]
ASKS = models.GateVerdict(decision=GateDecision.NEEDS_APPROVAL, reasons=("a workflow file",))


async def until(handle: Handle, what: Callable[[models.Status], bool]) -> models.Status:
    for _ in range(200):
        status = await handle.query(RemediationWorkflow.status)
        if what(status):
            return status
        await asyncio.sleep(0.02)
    raise AssertionError(f"never seen; last: {status}")


async def test_a_green_fix_ends_fixed_and_kept_when_merged(remediate: Remediate) -> None:
    script = ScriptedActivities()
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.FIXED, Reason.GREEN)
    assert result.disposition is Disposition.KEPT
    assert result.fix_head_sha == FIX_HEADS[0]
    assert script.names() == [
        "read_run",
        "collect_evidence",
        "diagnose_failure",
        "propose_patch",
        "judge_patch",
        "write_commit",
        "advance_fix_branch",
        "open_pull_request",
        "label_pull_request",
        "read_checks",
        "post_report",
        "read_pull_request",
        "find_revert",
    ]


async def test_a_merged_fix_that_is_taken_back_is_no_success_that_lasts(
    skipping: WorkflowEnvironment,
) -> None:
    script = ScriptedActivities(find_revert=[False, True])
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await until(handle, lambda status: status.state is State.AWAITING_CI)
            await handle.signal(RemediationWorkflow.checks_completed, models.ChecksCompleted())
            await until(handle, lambda status: status.state is State.WATCHING_MERGE)
            closed = models.PullRequestClosed(number=5, merged=True)
            await handle.signal(RemediationWorkflow.pull_request_closed, closed)
            await until(handle, lambda status: status.state is State.WATCHING_REVERT)
            memo = await (await handle.describe()).memo()
            assert memo[naming.MEMO_RECORD]["disposition"] == Disposition.KEPT
            for another in (8, 9):
                merged = models.PullRequestClosed(number=another, merged=True)
                await handle.signal(RemediationWorkflow.pull_request_closed, merged)
                await asyncio.sleep(0.2)
            assert (await handle.result()).disposition is Disposition.REVERTED
        memo = await (await handle.describe()).memo()
        assert memo[naming.MEMO_RECORD]["disposition"] == Disposition.REVERTED
    assert script.called("find_revert")[0].number == 5


async def test_without_a_revert_watch_a_merged_fix_is_the_end(remediate: Remediate) -> None:
    script = ScriptedActivities()
    result = await remediate(script, limits=Limits(revert_watch=timedelta(0)))
    assert result.disposition is Disposition.KEPT
    assert not script.called("find_revert")


async def test_a_repository_that_vanishes_while_the_fix_is_watched_does_not_undo_the_outcome(
    remediate: Remediate,
) -> None:
    gone = ApplicationError("not found", type="not_found", non_retryable=True)
    result = await remediate(ScriptedActivities(read_pull_request=gone))
    assert (result.outcome, result.disposition) == (Outcome.FIXED, None)


async def test_what_is_counted_of_a_remediation_stands_in_its_memo(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(judge_patch=ASKS)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        status = await until(handle, lambda seen: seen.question is not None)
        await handle.signal(RemediationWorkflow.approve, Order(by="ann", question=status.question))
        await handle.result()
        record = models.Record.model_validate((await (await handle.describe()).memo())[naming.MEMO_RECORD])
    assert (record.outcome, record.reason, record.attempts) == (Outcome.FIXED, Reason.GREEN, 1)
    assert (record.approved, record.orders) == (True, 1)
    assert record.disposition is Disposition.KEPT
    assert record.published_at is not None
    assert record.green_at is not None
    assert record.published_at <= record.green_at <= record.ended_at


async def test_what_is_red_beside_a_green_fix_is_said(remediate: Remediate) -> None:
    beside = reading(CiVerdict.GREEN, also_red=("codecov/patch",))
    result = await remediate(ScriptedActivities(read_checks=beside))
    assert result.outcome is Outcome.FIXED
    assert "codecov/patch" in result.detail


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [
        (reading(CiVerdict.BLOCKED), Outcome.NEEDS_HUMAN, Reason.REQUIRED_CHECK_RED),
        (reading(CiVerdict.SKIPPED), Outcome.UNVERIFIED, Reason.CI_SKIPPED),
        (reading(CiVerdict.ABSENT), Outcome.UNVERIFIED, Reason.CI_NEVER_STARTED),
        (reading(CiVerdict.PENDING, failing_branch_moved=True), Outcome.SUPERSEDED, Reason.BRANCH_MOVED),
        (reading(CiVerdict.RED, failing_branch_moved=True), Outcome.SUPERSEDED, Reason.BRANCH_MOVED),
        (reading(CiVerdict.GREEN, failing_branch_moved=True), Outcome.FIXED, Reason.GREEN),
    ],
)
async def test_the_answer_of_ci_ends_it_when(
    remediate: Remediate, seen: models.ChecksReading, outcome: Outcome, reason: Reason
) -> None:
    result = await remediate(ScriptedActivities(read_checks=seen))
    assert (result.outcome, result.reason) == (outcome, reason)
    assert len(result.attempts) == 1


async def test_ci_is_asked_about_the_jobs_that_failed_first_and_the_branch_they_failed_on(
    remediate: Remediate,
) -> None:
    other_job = models.FailedJob(job_id=2, name="docs", excerpt=models.Excerpt(text="red"))
    later = evidence(jobs=(other_job,), fingerprint="v1:0001")
    script = ScriptedActivities(read_checks=RED_TWICE, collect_evidence=[evidence(), later, later])
    await remediate(script)
    asked = script.called("read_checks")
    assert [request.failed_jobs for request in asked] == [("lint",)] * 3
    assert {request.failing_branch for request in asked} == {"main"}


async def test_it_replays_after_every_task_without_a_cache(remediate: Remediate) -> None:
    result = await remediate(ScriptedActivities(read_checks=RED_TWICE), options={"max_cached_workflows": 0})
    assert result.outcome is Outcome.FIXED
    assert [record.ci for record in result.attempts] == ["red", "red", "green"]


async def test_a_red_fix_is_followed_by_another_on_top_of_it(remediate: Remediate) -> None:
    script = ScriptedActivities(read_checks=RED_TWICE)
    result = await remediate(script)
    assert len(result.attempts) == 3
    assert [request.base_sha for request in script.called("propose_patch")] == [HEAD, *FIX_HEADS[:2]]
    assert [request.run_id for request in script.called("collect_evidence")] == [12, 99, 99]
    assert len(script.called("label_pull_request")) == 1


@pytest.mark.parametrize("allowed", [3, 7, 1_000])
async def test_there_are_never_more_than_three_attempts(remediate: Remediate, allowed: int) -> None:
    script = ScriptedActivities(read_checks=ALWAYS_RED)
    result = await remediate(script, limits=Limits(attempts=allowed))
    assert (result.outcome, result.reason) == (Outcome.EXHAUSTED, Reason.ATTEMPTS_USED)
    assert len(script.called("propose_patch")) == 3


async def test_a_failure_that_two_attempts_left_as_it_was_gets_no_third(remediate: Remediate) -> None:
    script = ScriptedActivities(read_checks=ALWAYS_RED, collect_evidence=evidence())
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.SAME_FAILURE)
    assert [record.ci for record in result.attempts] == ["red", "red"]
    assert script.called("post_report")[-1].pull_request.state == "open"


@pytest.mark.parametrize("fingerprints", ["aba", "abb", "aab"])
async def test_another_failure_in_between_or_after_is_news(remediate: Remediate, fingerprints: str) -> None:
    seen = [evidence(fingerprint=f"v1:{each}") for each in (*fingerprints, "x")]
    script = ScriptedActivities(read_checks=ALWAYS_RED, collect_evidence=seen)
    assert len((await remediate(script)).attempts) == 3


async def test_the_last_red_fix_exhausts_whatever_its_diagnosis_says(remediate: Remediate) -> None:
    explained = [diagnosis(), diagnosis(), diagnosis(), diagnosis(action=Action.EXPLAIN)]
    result = await remediate(ScriptedActivities(read_checks=ALWAYS_RED, diagnose_failure=explained))
    assert (result.outcome, result.reason) == (Outcome.EXHAUSTED, Reason.ATTEMPTS_USED)


async def test_fewer_attempts_may_be_configured(remediate: Remediate) -> None:
    script = ScriptedActivities(read_checks=ALWAYS_RED)
    result = await remediate(script, limits=Limits(attempts=1))
    assert result.outcome is Outcome.EXHAUSTED
    assert len(script.called("propose_patch")) == 1


@pytest.mark.parametrize(
    ("answers", "policy", "outcome", "reason"),
    [
        ({"read_run": snapshot(skip_marker=True)}, {}, Outcome.IGNORED, Reason.SKIP_MARKER),
        ({"read_run": snapshot(conclusion="success")}, {}, Outcome.IGNORED, Reason.RUN_NOT_FAILED),
        ({"read_run": snapshot(conclusion="cancelled")}, {}, Outcome.IGNORED, Reason.RUN_NOT_FAILED),
        ({"read_run": snapshot(status="in_progress")}, {}, Outcome.IGNORED, Reason.RUN_NOT_FAILED),
        ({"read_run": snapshot(head_is_fork=True)}, {}, Outcome.IGNORED, Reason.FORK),
        ({"read_run": snapshot(head_branch="regreen/3")}, {}, Outcome.IGNORED, Reason.OWN_FIX_BRANCH),
        ({"read_run": snapshot(conclusion="action_required")}, {}, Outcome.IGNORED, Reason.RUN_NOT_FAILED),
        ({"read_run": snapshot(reverts_fix=True)}, {}, Outcome.IGNORED, Reason.FIX_REVERTED),
        (
            {"read_run": snapshot(head_branch="regreen/3", fix_branch_taken=True)},
            {},
            Outcome.SUPERSEDED,
            Reason.HUMAN_COMMIT,
        ),
        ({"read_run": snapshot(branch_tip=None)}, {}, Outcome.SUPERSEDED, Reason.BRANCH_DELETED),
        ({"read_run": snapshot(branch_tip="b" * 40)}, {}, Outcome.SUPERSEDED, Reason.BRANCH_MOVED),
        ({"read_run": snapshot(pull_request=4)}, {}, Outcome.SUPERSEDED, Reason.PULL_REQUEST_DONE),
        ({"read_run": snapshot(fix_branch_exists=True)}, {}, Outcome.NEEDS_HUMAN, Reason.FIX_BRANCH_EXISTS),
        (
            {},
            {"disabled_repositories": ("acme/widgets",)},
            Outcome.IGNORED,
            Reason.REPOSITORY_DISABLED,
        ),
        ({}, {"disabled_workflows": ("CI",)}, Outcome.IGNORED, Reason.WORKFLOW_DISABLED),
    ],
)
async def test_triage_ends_before_any_log_is_read(
    remediate: Remediate, answers: dict[str, Any], policy: dict[str, Any], outcome: Outcome, reason: Reason
) -> None:
    script = ScriptedActivities(**answers)
    result = await remediate(script, policy=TriagePolicy(**policy))
    assert (result.outcome, result.reason) == (outcome, reason)
    assert "collect_evidence" not in script.names()


async def test_a_fork_is_only_diagnosed_where_that_is_enabled(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=snapshot(head_is_fork=True, branch_tip=None))
    result = await remediate(script, policy=TriagePolicy(diagnose_forks=True))
    assert (result.outcome, result.reason) == (Outcome.DIAGNOSED, Reason.FORK)
    assert "propose_patch" not in script.names()


async def test_another_bots_branch_is_only_diagnosed(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=snapshot(head_is_bot=True))
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.DIAGNOSED, Reason.BOT_BRANCH)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (snapshot(merge_queue=True, branch_tip=None, head_branch="gh-readonly-queue/x"), Reason.MERGE_QUEUE),
        (snapshot(tag=True, head_branch="v1", branch_tip="b" * 40), Reason.TAG),
    ],
)
@pytest.mark.parametrize("action", [Action.REPAIR, Action.RERUN])
async def test_what_cannot_take_a_fix_is_explained_and_not_even_rerun(
    remediate: Remediate, found: models.RunSnapshot, reason: Reason, action: Action
) -> None:
    script = ScriptedActivities(read_run=found, diagnose_failure=diagnosis(action=action))
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.DIAGNOSED, reason)
    assert {"propose_patch", "rerun_failed_jobs"}.isdisjoint(script.names())
    assert "post_report" in script.names()


async def test_a_release_that_is_the_default_branchs_tip_is_repaired_there(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=snapshot(tag=True, head_branch="v1", event="release"))
    assert (await remediate(script)).outcome is Outcome.FIXED
    [branch], [wanted] = script.called("advance_fix_branch"), script.called("open_pull_request")
    assert (branch.failing_branch, wanted.base_branch) == ("main", "main")


async def test_the_same_failure_on_the_base_branch_is_not_this_changes_fault(remediate: Remediate) -> None:
    script = ScriptedActivities(
        read_run=snapshot(head_branch="topic", pull_request=3, pull_request_open=True, base_failed_run=11),
        collect_evidence=[evidence(), evidence(run_id=11)],
    )
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.IGNORED, Reason.BASE_RED)
    assert [request.run_id for request in script.called("collect_evidence")] == [12, 11]
    [said] = script.called("post_report")
    assert (said.reason, said.detail) == (Reason.BASE_RED, "the base branch's own failed run is 11")


TWIN = models.BranchResult(state=BranchState.TWIN, twin_run=11)


async def test_a_run_whose_twin_is_looked_after_says_and_does_nothing(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=snapshot(twin_run=11))
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.IGNORED, Reason.TWIN_RUN)
    assert result.detail == "run 11"
    assert {"diagnose_by_model", "propose_patch", "post_report"}.isdisjoint(script.names())


async def test_without_evidence_a_twin_keeps_a_second_report_away(remediate: Remediate) -> None:
    nothing = evidence(jobs=(), failed_jobs=0)
    script = ScriptedActivities(read_run=snapshot(twin_run=11), collect_evidence=nothing)
    assert (await remediate(script)).reason is Reason.TWIN_RUN
    assert "post_report" not in script.names()


async def test_a_transient_failure_is_rerun_whatever_its_twin_does(remediate: Remediate) -> None:
    script = ScriptedActivities(
        diagnose_failure=diagnosis(action=Action.RERUN),
        read_run=[snapshot(twin_run=11), snapshot(run_attempt=2, conclusion="success")],
    )
    assert (await remediate(script)).outcome is Outcome.FLAKY


async def test_a_twin_that_fails_while_a_patch_is_made_is_found_before_it_is_published(
    remediate: Remediate,
) -> None:
    script = ScriptedActivities(advance_fix_branch=TWIN)
    result = await remediate(script)
    assert (result.outcome, result.reason, result.detail) == (Outcome.IGNORED, Reason.TWIN_RUN, "run 11")
    assert {"open_pull_request", "post_report"}.isdisjoint(script.names())


async def test_who_approved_a_patch_hears_that_a_twin_went_before_it(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(judge_patch=ASKS, advance_fix_branch=TWIN)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        asked = await until(handle, lambda status: status.question is not None)
        await handle.signal(RemediationWorkflow.approve, Order(by="ada", question=asked.question))
        assert (await handle.result()).reason is Reason.TWIN_RUN
    assert script.called("post_report")[-1].reason is Reason.TWIN_RUN


async def test_another_failure_on_the_base_branch_does_not_excuse_this_one(remediate: Remediate) -> None:
    script = ScriptedActivities(
        read_run=snapshot(head_branch="topic", pull_request=3, pull_request_open=True, base_failed_run=11),
        collect_evidence=[evidence(), evidence(fingerprint="v1:ffff")],
    )
    assert (await remediate(script)).outcome is Outcome.FIXED


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (evidence(jobs=(), failed_jobs=0, workflow_error="line 3: bad"), Reason.NO_FAILED_JOB),
        (
            evidence(jobs=(models.FailedJob(job_id=1, name="x", log_state=models.LogState.GONE),)),
            Reason.LOGS_GONE,
        ),
        (
            evidence(jobs=(models.FailedJob(job_id=1, name="x", log_state=models.LogState.EMPTY),)),
            Reason.LOGS_GONE,
        ),
    ],
)
async def test_without_evidence_a_human_is_asked(
    remediate: Remediate, found: models.Evidence, reason: Reason
) -> None:
    result = await remediate(ScriptedActivities(collect_evidence=found))
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, reason)


async def test_what_cannot_be_repaired_is_explained(remediate: Remediate) -> None:
    script = ScriptedActivities(diagnose_failure=diagnosis(action=Action.EXPLAIN))
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.NOT_REPAIRABLE)
    assert result.detail == "ruff found an unused import."
    assert len(script.called("post_report")) == 1


async def test_a_transient_failure_that_reruns_green_is_flaky(remediate: Remediate) -> None:
    script = ScriptedActivities(
        read_run=[
            snapshot(),
            snapshot(run_attempt=2, status="in_progress", conclusion=None),
            snapshot(run_attempt=2, conclusion="success"),
        ],
        diagnose_failure=diagnosis(action=Action.RERUN),
    )
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.FLAKY, Reason.RERUN_GREEN)
    assert "propose_patch" not in script.names()


async def test_a_transient_failure_that_stays_red_is_diagnosed_again_and_repaired(
    remediate: Remediate,
) -> None:
    script = ScriptedActivities(
        read_run=[snapshot(), snapshot(run_attempt=2)],
        diagnose_failure=[diagnosis(action=Action.RERUN), diagnosis()],
    )
    result = await remediate(script)
    assert result.outcome is Outcome.FIXED
    assert [request.rerun_used for request in script.called("diagnose_failure")] == [False, True]
    assert len(script.called("rerun_failed_jobs")) == 1


async def test_a_rerun_that_is_not_permitted_is_said(remediate: Remediate) -> None:
    script = ScriptedActivities(
        diagnose_failure=diagnosis(action=Action.RERUN),
        rerun_failed_jobs=models.RerunResult(state=models.RerunState.NOT_PERMITTED, run_attempt=1),
    )
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.PERMISSION_MISSING)
    assert "actions: write" in result.detail


async def test_no_patch_means_a_human_and_no_pull_request(remediate: Remediate) -> None:
    nothing = proposal(diff="", patch_id="", summary="No recipe repairs pytest.")
    script = ScriptedActivities(propose_patch=nothing)
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.NO_REPAIR_FOUND)
    assert result.pull_request is None
    assert result.detail == "No recipe repairs pytest. No model is set up."


async def test_the_same_patch_twice_ends_the_loop(remediate: Remediate) -> None:
    script = ScriptedActivities(propose_patch=proposal("same"), read_checks=ALWAYS_RED)
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.REPEATED_PATCH)
    assert len(script.called("write_commit")) == 1


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (models.GateVerdict(decision=GateDecision.REFUSED, reasons=("a symlink",)), Reason.PATCH_REFUSED),
        (models.GateVerdict(decision=GateDecision.REFUSED, conflict=True), Reason.PATCH_CONFLICT),
    ],
)
async def test_a_refused_patch_is_never_published(
    remediate: Remediate, verdict: models.GateVerdict, reason: Reason
) -> None:
    script = ScriptedActivities(judge_patch=verdict)
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, reason)
    assert "write_commit" not in script.names()


@pytest.mark.parametrize(
    ("state", "reason"),
    [(BranchState.TAKEN, Reason.HUMAN_COMMIT), (BranchState.BASE_MOVED, Reason.BRANCH_MOVED)],
)
async def test_a_branch_that_is_not_ours_to_move_supersedes(
    remediate: Remediate, state: BranchState, reason: Reason
) -> None:
    script = ScriptedActivities(advance_fix_branch=models.BranchResult(state=state))
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.SUPERSEDED, reason)
    assert "open_pull_request" not in script.names()


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [
        (reading(CiVerdict.ABSENT), Outcome.UNVERIFIED, Reason.CI_NEVER_STARTED),
        (reading(CiVerdict.PENDING), Outcome.UNVERIFIED, Reason.CI_DEADLINE),
        (reading(CiVerdict.CANCELLED), Outcome.UNVERIFIED, Reason.CI_CANCELLED),
        (reading(CiVerdict.TIMED_OUT), Outcome.UNVERIFIED, Reason.CI_TIMED_OUT),
        (reading(CiVerdict.ACTION_REQUIRED), Outcome.NEEDS_HUMAN, Reason.CI_ACTION_REQUIRED),
        (reading(CiVerdict.RED, "9" * 40), Outcome.SUPERSEDED, Reason.HUMAN_COMMIT),
        (reading(CiVerdict.GREEN, "9" * 40), Outcome.SUPERSEDED, Reason.HUMAN_COMMIT),
        (
            reading(CiVerdict.PENDING, pull_request_open=False),
            Outcome.STOPPED,
            Reason.PULL_REQUEST_CLOSED,
        ),
        (
            reading(CiVerdict.PENDING, pull_request_open=False, pull_request_merged=True),
            Outcome.UNVERIFIED,
            Reason.MERGED_EARLY,
        ),
    ],
)
async def test_only_green_is_green(
    remediate: Remediate, seen: models.ChecksReading, outcome: Outcome, reason: Reason
) -> None:
    result = await remediate(ScriptedActivities(read_checks=seen))
    assert (result.outcome, result.reason) == (outcome, reason)


@pytest.mark.parametrize(("step", "unpublished"), [("write_commit", True), ("read_checks", False)])
async def test_the_report_knows_whether_the_patch_it_names_was_published(
    remediate: Remediate, step: str, *, unpublished: bool
) -> None:
    refused = ApplicationError("workflows: write", type="forbidden", non_retryable=True)
    script = ScriptedActivities(**{step: refused})
    assert (await remediate(script)).reason is Reason.PERMISSION_MISSING
    assert script.called("post_report")[-1].unpublished is unpublished


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("not_found", Reason.REPOSITORY_GONE),
        ("forbidden", Reason.PERMISSION_MISSING),
        ("unauthorised", Reason.CREDENTIAL_REFUSED),
        ("invalid", Reason.GITHUB_REFUSED),
    ],
)
@pytest.mark.parametrize("step", ["read_run", "propose_patch", "write_commit", "read_checks"])
async def test_a_permanent_refusal_is_an_outcome_with_its_reason(
    remediate: Remediate, step: str, kind: str, reason: Reason
) -> None:
    refused = ApplicationError("GitHub said no", type=kind, non_retryable=True)
    result = await remediate(ScriptedActivities(**{step: [refused]}))
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, reason)
    assert result.detail == "GitHub said no"


async def test_an_outage_is_waited_out(remediate: Remediate) -> None:
    down = ApplicationError("502", type="unavailable")
    script = ScriptedActivities(
        open_pull_request=[down] * 5 + [ScriptedActivities().answers["open_pull_request"][0]]
    )
    assert (await remediate(script)).outcome is Outcome.FIXED
    assert len(script.called("open_pull_request")) == 6


async def test_an_endless_outage_ends_with_a_reason(remediate: Remediate) -> None:
    script = ScriptedActivities(write_commit=[ApplicationError("502", type="unavailable")])
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.ACTIVITY_FAILED)


async def test_an_approved_patch_is_published_and_names_who_approved(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(judge_patch=ASKS)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        status = await until(handle, lambda status: status.question is not None)
        assert status.state is State.AWAITING_APPROVAL
        await handle.signal(RemediationWorkflow.approve, Order(by="mallory", question="0" * 16))
        await handle.signal(RemediationWorkflow.approve, Order(by="mallory"))
        assert (await handle.query(RemediationWorkflow.status)).state is State.AWAITING_APPROVAL
        await handle.signal(RemediationWorkflow.approve, Order(by="ana", question=status.question))
        assert (await handle.result()).outcome is Outcome.FIXED
    assert [request.approved_by for request in script.called("open_pull_request")] == ["ana"]


async def test_an_approval_is_kept_with_who_when_and_for_which_tree(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(judge_patch=ASKS)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        status = await until(handle, lambda status: status.question is not None)
        await handle.signal(RemediationWorkflow.approve, Order(by="ana", question=status.question))
        result = await handle.result()
    approval = result.attempts[0].approval
    assert approval is not None
    assert (approval.by, approval.patch_id) == ("ana", status.question)
    assert approval.at.tzinfo is not None
    assert approval.tree == script.answers["write_commit"][0].tree
    written = script.called("write_commit")[0]
    assert (written.approval.by, written.approval.patch_id) == ("ana", written.proposal.patch_id)


@pytest.mark.parametrize("allowed", [True, False])
async def test_an_answer_about_another_patch_is_turned_down_and_those_who_may_answer_are_told_why(
    skipping: WorkflowEnvironment, *, allowed: bool
) -> None:
    script = ScriptedActivities(judge_patch=ASKS, authorise_order=allowed)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            status = await until(handle, lambda status: status.question is not None)
            await handle.signal(RemediationWorkflow.approve, Order(by="bo", question="0" * 16, comment_id=5))
            await handle.signal(RemediationWorkflow.pause, Order(by="ana"))
            status = await until(handle, lambda status: status.paused)
            if allowed:
                status = await until(handle, lambda status: bool(status.turned_down))
                assert f"approve by bo named patch {'0' * 16}" in status.turned_down
                assert f"patch {status.question}" in status.turned_down
            assert (status.state, bool(status.turned_down)) == (State.AWAITING_APPROVAL, allowed)
            await handle.signal(RemediationWorkflow.stop, Order(by="ana"))
            await handle.result()
    assert "write_commit" not in script.names()


async def test_an_approval_of_another_patch_is_answered_in_the_comment_at_the_failure(
    skipping: WorkflowEnvironment,
) -> None:
    script = ScriptedActivities(judge_patch=ASKS)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await until(handle, lambda status: status.question is not None)
            await handle.signal(RemediationWorkflow.approve, Order(by="bo", question="0" * 16, comment_id=5))
            await until(handle, lambda status: bool(status.turned_down))
            await handle.signal(RemediationWorkflow.stop, Order(by="ana"))
            await handle.result()
    assert any(f"named patch {'0' * 16}" in report.turned_down for report in script.called("post_report"))


@pytest.mark.parametrize(("verb", "listed"), [("explain", False), ("help", True)])
@pytest.mark.parametrize("allowed", [True, False])
async def test_who_may_give_orders_may_ask_for_an_explanation_and_for_the_orders(
    skipping: WorkflowEnvironment, verb: str, *, listed: bool, allowed: bool
) -> None:
    script = ScriptedActivities(judge_patch=ASKS, authorise_order=allowed)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await until(handle, lambda status: status.question is not None)
            for _ in range(2):  # a redelivered comment counts once
                await handle.signal(verb, Order(by="bo", comment_id=5))
            answered = ["authorise_order", "post_report"] if allowed else ["authorise_order"]
            await until(handle, lambda _: script.names()[-len(answered) :] == answered)
            await handle.signal(RemediationWorkflow.stop, Order(by="ana"))
            await handle.result()
    said = [report.commands for report in script.called("post_report")]
    assert said == ([False, listed, listed] if allowed else [False, False])
    assert len(script.called("authorise_order")) == 1


async def test_two_comments_at_once_are_answered_one_after_the_other(skipping: WorkflowEnvironment) -> None:
    at_once = 0

    async def post(_: models.Report) -> models.PostedReport:
        nonlocal at_once
        at_once += 1
        assert at_once == 1
        await asyncio.sleep(0.05)
        at_once -= 1
        return models.PostedReport()

    script = ScriptedActivities(judge_patch=ASKS, post_report=post)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await until(handle, lambda status: status.question is not None)
            for number in range(4):
                await handle.signal(RemediationWorkflow.explain, Order(by="bo", comment_id=number + 1))
            await handle.signal(RemediationWorkflow.stop, Order(by="ana"))
            result = await handle.result()
    assert result.reason is Reason.STOP_ORDERED
    assert len(script.called("post_report")) >= 5


async def test_a_rejected_patch_is_not_published(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(judge_patch=ASKS)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        status = await until(handle, lambda status: status.question is not None)
        await handle.signal(RemediationWorkflow.reject, Order(by="ana", question=status.question))
        result = await handle.result()
    assert (result.outcome, result.reason) == (Outcome.STOPPED, Reason.REJECTED)
    assert "write_commit" not in script.names()


A_PULL_REQUEST = models.PullRequest(number=5, url="https://github.example/pull/5")
CLOSED = A_PULL_REQUEST.model_copy(update={"state": "closed"})
MERGED = CLOSED.model_copy(update={"merged": True})


async def asked_about_the_second_patch(handle: Handle) -> None:
    await until(handle, lambda status: status.state is State.AWAITING_CI)
    await handle.signal(RemediationWorkflow.checks_completed, models.ChecksCompleted())
    await until(handle, lambda status: status.question is not None)


def second_patch_asks(**answers: Any) -> ScriptedActivities:
    allowed = models.GateVerdict(decision=GateDecision.ALLOWED)
    return ScriptedActivities(judge_patch=[allowed, ASKS], read_checks=ALWAYS_RED, **answers)


@pytest.mark.parametrize(
    ("found", "outcome", "reason"),
    [
        (CLOSED, Outcome.STOPPED, Reason.PULL_REQUEST_CLOSED),
        (MERGED, Outcome.UNVERIFIED, Reason.MERGED_EARLY),
    ],
)
async def test_a_pull_request_dealt_with_while_approval_is_waited_for_ends_the_wait(
    skipping: WorkflowEnvironment, found: models.PullRequest, outcome: Outcome, reason: Reason
) -> None:
    script = second_patch_asks(read_pull_request=found)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await asked_about_the_second_patch(handle)
            await handle.signal(RemediationWorkflow.pull_request_closed, models.PullRequestClosed(number=5))
            result = await handle.result()
    assert (result.outcome, result.reason) == (outcome, reason)
    assert len(script.called("write_commit")) == 1


async def test_one_that_was_opened_again_at_once_is_still_waited_for(skipping: WorkflowEnvironment) -> None:
    script = second_patch_asks(read_pull_request=A_PULL_REQUEST)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await asked_about_the_second_patch(handle)
            await handle.signal(RemediationWorkflow.pull_request_closed, models.PullRequestClosed(number=5))
            await until(handle, lambda _: "read_pull_request" in script.names())
            status = await until(handle, lambda status: status.question is not None)
            await handle.signal(RemediationWorkflow.reject, Order(by="ana", question=status.question))
            result = await handle.result()
    assert (result.outcome, result.reason) == (Outcome.STOPPED, Reason.REJECTED)


@pytest.mark.parametrize(
    ("state", "outcome", "reason"),
    [
        (BranchState.CLOSED, Outcome.STOPPED, Reason.PULL_REQUEST_CLOSED),
        (BranchState.MERGED, Outcome.UNVERIFIED, Reason.MERGED_EARLY),
    ],
)
async def test_a_pull_request_dealt_with_while_the_next_patch_is_made_gets_no_further_commit(
    remediate: Remediate, state: BranchState, outcome: Outcome, reason: Reason
) -> None:
    first = models.BranchResult(state=BranchState.ADVANCED, tip=FIX_HEADS[0])
    second = models.BranchResult(state=state)
    script = ScriptedActivities(read_checks=ALWAYS_RED, advance_fix_branch=[first, second])
    result = await remediate(script)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert [request.pull_request for request in script.called("advance_fix_branch")] == [None, 5]


@pytest.mark.parametrize(
    ("step", "kind", "outcome", "reason"),
    [
        ("open_pull_request", "base_deleted", Outcome.SUPERSEDED, Reason.BRANCH_DELETED),
        ("open_pull_request", "fix_branch_deleted", Outcome.SUPERSEDED, Reason.HUMAN_COMMIT),
        ("open_pull_request", "fix_contained", Outcome.SUPERSEDED, Reason.BRANCH_MOVED),
        ("advance_fix_branch", "branch_refused", Outcome.NEEDS_HUMAN, Reason.BRANCH_REFUSED),
    ],
)
async def test_what_github_says_no_to_ends_it_with_a_reason_of_its_own(
    remediate: Remediate, step: str, kind: str, outcome: Outcome, reason: Reason
) -> None:
    error = ApplicationError("what GitHub said", type=kind, non_retryable=True)
    result = await remediate(ScriptedActivities(**{step: error}))
    assert (result.outcome, result.reason, result.detail) == (outcome, reason, "what GitHub said")


@pytest.mark.parametrize(
    ("found", "outcome", "reason"),
    [
        (CLOSED, Outcome.STOPPED, Reason.PULL_REQUEST_CLOSED),
        (MERGED, Outcome.UNVERIFIED, Reason.MERGED_EARLY),
    ],
)
async def test_a_pull_request_dealt_with_before_ci_is_waited_for_ends_it(
    remediate: Remediate, found: models.PullRequest, outcome: Outcome, reason: Reason
) -> None:
    script = ScriptedActivities(open_pull_request=found)
    result = await remediate(script)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert "read_checks" not in script.names()


async def test_a_fix_that_ci_never_looks_at_says_which_filter_it_was(remediate: Remediate) -> None:
    filtered = A_PULL_REQUEST.model_copy(update={"ci_obstacle": "Its branch filters leave it out."})
    script = ScriptedActivities(open_pull_request=filtered, read_checks=reading(CiVerdict.ABSENT))
    result = await remediate(script)
    assert (result.outcome, result.reason) == (Outcome.UNVERIFIED, Reason.CI_NEVER_STARTED)
    assert result.detail == "Its branch filters leave it out."


async def test_an_approval_nobody_gives_expires(remediate: Remediate) -> None:
    result = await remediate(ScriptedActivities(judge_patch=ASKS))
    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.APPROVAL_EXPIRED)


async def test_stop_while_waiting_for_ci_closes_the_pull_request(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(read_checks=reading(CiVerdict.PENDING))
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await until(handle, lambda status: status.state is State.AWAITING_CI)
            await handle.signal(RemediationWorkflow.stop, Order(by="ana"))
            result = await handle.result()
    assert (result.outcome, result.reason, result.detail) == (
        Outcome.STOPPED,
        Reason.STOP_ORDERED,
        "by ana",
    )
    assert len(script.called("close_pull_request")) == 1


async def test_stop_while_a_patch_is_made_ends_at_once_without_a_write(
    own_skipping: WorkflowEnvironment,
) -> None:
    started = asyncio.Event()

    async def forever(_request: Any) -> Any:
        started.set()
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.02)

    script = ScriptedActivities(propose_patch=forever)
    async with serving(own_skipping.client, script):
        handle = await start(own_skipping.client)
        await started.wait()
        await handle.signal(RemediationWorkflow.stop, Order(by="ana"))
        result = await handle.result()
    assert result.outcome is Outcome.STOPPED
    assert not {"write_commit", "advance_fix_branch", "open_pull_request"} & set(script.names())


async def test_stop_racing_a_publication_ends_with_the_pull_request_closed(
    skipping: WorkflowEnvironment,
) -> None:
    handles: list[Handle] = []

    async def stop_now(_request: Any) -> models.BranchResult:
        await handles[0].signal(RemediationWorkflow.stop, Order(by="ana"))
        return models.BranchResult(state=BranchState.ADVANCED, tip=FIX_HEADS[0])

    script = ScriptedActivities(advance_fix_branch=stop_now)
    async with serving(skipping.client, script):
        handles.append(await start(skipping.client))
        result = await handles[0].result()
    assert result.outcome is Outcome.STOPPED
    assert script.names()[-4:] == [
        "open_pull_request",
        "label_pull_request",
        "close_pull_request",
        "post_report",
    ]


async def test_pause_holds_the_next_step_until_resume(skipping: WorkflowEnvironment) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def hold(_request: Any) -> models.RunSnapshot:
        started.set()
        await go_on.wait()
        return snapshot()

    script = ScriptedActivities(read_run=hold)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        await started.wait()
        await handle.signal(RemediationWorkflow.pause, Order(by="ana"))
        go_on.set()
        await until(handle, lambda status: status.run is not None and status.paused)
        assert script.names() == ["read_run"]
        await handle.signal(RemediationWorkflow.resume, Order(by="ana"))
        assert (await handle.result()).outcome is Outcome.FIXED


async def test_retry_gives_up_a_wait_and_counts_as_an_attempt(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(judge_patch=[ASKS, models.GateVerdict(decision=GateDecision.ALLOWED)])
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        await until(handle, lambda status: status.question is not None)
        await handle.signal(RemediationWorkflow.retry, Order(by="ana", hint="try the other import"))
        result = await handle.result()
    assert result.outcome is Outcome.FIXED
    assert [request.hint for request in script.called("propose_patch")] == [None, "try the other import"]
    assert [record.number for record in result.attempts] == [1, 2]


async def test_an_order_by_comment_counts_only_with_write_access(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(read_checks=reading(CiVerdict.PENDING), authorise_order=[False, True])
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        with skipping.auto_time_skipping_disabled():
            await until(handle, lambda status: status.state is State.AWAITING_CI)
            await handle.signal(RemediationWorkflow.stop, Order(by="mallory", comment_id=1))
            await handle.signal(RemediationWorkflow.stop, Order(by="ana", comment_id=2))
            result = await handle.result()
    assert result.detail == "by ana"
    assert [request.login for request in script.called("authorise_order")] == ["mallory", "ana"]


async def test_a_webhook_shortens_the_wait_for_ci(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(read_checks=[reading(CiVerdict.PENDING), reading(CiVerdict.GREEN)])
    async with serving(skipping.client, script):
        handle = await start(skipping.client, limits=Limits(revert_watch=timedelta(0)))
        with skipping.auto_time_skipping_disabled():
            await until(handle, lambda status: status.state is State.AWAITING_CI)
            for _ in range(2):
                await handle.signal(RemediationWorkflow.checks_completed, models.ChecksCompleted())
                await asyncio.sleep(0.2)
            await until(handle, lambda status: status.outcome is Outcome.FIXED)
            await handle.signal(RemediationWorkflow.checks_completed, models.ChecksCompleted())
            await handle.signal(RemediationWorkflow.pull_request_closed, models.PullRequestClosed(number=6))
            assert (await handle.query(RemediationWorkflow.status)).state is State.WATCHING_MERGE
            closed = models.PullRequestClosed(number=5, merged=True)
            await handle.signal(RemediationWorkflow.pull_request_closed, closed)
            assert (await handle.result()).disposition is Disposition.KEPT


async def test_a_report_that_cannot_be_posted_does_not_change_the_outcome(remediate: Remediate) -> None:
    refused = ApplicationError("no", type="forbidden", non_retryable=True)
    assert (await remediate(ScriptedActivities(post_report=[refused]))).outcome is Outcome.FIXED
