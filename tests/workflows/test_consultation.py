from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from scripted import ScriptedActivities, diagnosis, opinion, serving, snapshot, start
from workflows import consultation, models, narration
from workflows.models import Action, FailureClass, Limits, ModelProblem, Outcome, Reason, TriagePolicy
from workflows.naming import CI_COST_USD
from workflows.patch_attempt import PatchAttemptWorkflow
from workflows.policies import OUTAGE_PAUSE
from workflows.remediation import RemediationWorkflow

Remediate = Callable[..., Awaitable[models.RemediationResult]]
OPEN: Final = diagnosis(
    failure_class=FailureClass.UNKNOWN,
    root_cause="No rule.",
    confidence=0.0,
    rule=None,
    wants_model=True,
)
EXPLAIN: Final = diagnosis(root_cause="A secret is missing.", action=Action.EXPLAIN, rule=None)
USE: Final = opinion().use


def problem(what: ModelProblem, **use: Any) -> models.ModelOpinion:
    return models.ModelOpinion(use=USE.model_copy(update=use), problem=what)


def patched_with(script: ScriptedActivities) -> models.Diagnosis:
    request: models.PatchRequest = script.called("propose_patch")[0]
    return request.diagnosis


# ── in a remediation ────────────────────────────────────────────────────────────────────────────────────────


async def test_what_the_rules_know_costs_nothing(remediate: Remediate) -> None:
    script = ScriptedActivities()
    result = await remediate(script)

    assert script.called("diagnose_by_model") == []
    assert result.cost_usd is None


async def test_what_the_rules_leave_open_the_model_decides_and_its_cost_is_kept(remediate: Remediate) -> None:
    script = ScriptedActivities(diagnose_failure=OPEN)
    result = await remediate(script)

    [asked] = script.called("diagnose_by_model")
    assert asked.evidence == script.called("diagnose_failure")[0].evidence
    used = patched_with(script)
    assert used.root_cause == "The model found it."
    assert (used.model, used.input_tokens, used.output_tokens) == ("claude-sonnet-5-5", 2000, 100)
    assert (used.cached_tokens, used.cost_usd) == (500, 0.005)
    assert "Decided by the model" in used.note
    assert (result.outcome, result.root_cause, result.cost_usd) == (
        Outcome.FIXED,
        "The model found it.",
        0.005,
    )


async def test_the_cost_can_be_searched_for_and_the_history_replays(skipping: WorkflowEnvironment) -> None:
    script = ScriptedActivities(diagnose_failure=OPEN, diagnose_by_model=opinion(diagnosis=EXPLAIN))
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        result = await handle.result()
    described = await handle.describe()
    replayer = Replayer(
        workflows=[RemediationWorkflow, PatchAttemptWorkflow],
        data_converter=skipping.client.data_converter,
    )
    await replayer.replay_workflow(await handle.fetch_history())

    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.NOT_REPAIRABLE)
    assert described.typed_search_attributes[CI_COST_USD] == 0.005


async def test_an_answer_that_does_not_fit_is_asked_for_once_more_and_both_are_paid(
    remediate: Remediate,
) -> None:
    script = ScriptedActivities(
        diagnose_failure=OPEN, diagnose_by_model=[problem(ModelProblem.UNFIT), opinion()]
    )
    result = await remediate(script)

    used = patched_with(script)
    assert used.root_cause == "The model found it."
    assert (used.input_tokens, used.cost_usd) == (4000, 0.01)
    assert result.cost_usd == 0.01


async def test_no_second_answer_is_paid_for_once_the_money_is_spent(remediate: Remediate) -> None:
    script = ScriptedActivities(
        diagnose_failure=OPEN, diagnose_by_model=[problem(ModelProblem.UNFIT, cost_usd=0.5), opinion()]
    )
    result = await remediate(script, limits=Limits(remediation_usd=0.5))

    assert len(script.called("diagnose_by_model")) == 1
    assert result.cost_usd == 0.5
    assert "the rules alone decided" in patched_with(script).note


async def test_without_money_no_model_is_asked_and_that_is_said(remediate: Remediate) -> None:
    script = ScriptedActivities(diagnose_failure=OPEN)
    result = await remediate(script, limits=Limits(remediation_usd=0))

    assert script.called("diagnose_by_model") == []
    assert result.cost_usd is None
    assert patched_with(script).note == "US$ 0.00 for models are spent, so the rules alone decided."


async def test_a_session_gets_no_more_than_the_diagnosis_left(remediate: Remediate) -> None:
    dear = opinion(use=USE.model_copy(update={"cost_usd": 4.5}))
    script = ScriptedActivities(diagnose_failure=OPEN, diagnose_by_model=dear)
    await remediate(script)

    [asked] = script.called("propose_patch")
    assert asked.limits.session_usd == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("what", "asked", "words"),
    [
        (ModelProblem.UNFIT, 2, "gave no usable answer"),
        (ModelProblem.REFUSED, 1, "refused to answer"),
        (ModelProblem.TOO_LONG, 1, "too great length"),
    ],
)
async def test_a_model_without_an_answer_is_given_up_with_a_reason_and_the_rules_decide(
    remediate: Remediate, what: ModelProblem, asked: int, words: str
) -> None:
    script = ScriptedActivities(diagnose_failure=OPEN, diagnose_by_model=problem(what))
    await remediate(script)

    assert len(script.called("diagnose_by_model")) == asked
    used = patched_with(script)
    assert used.root_cause == "No rule."
    assert words in used.note
    assert used.cost_usd == asked * 0.005


@pytest.mark.parametrize("kind", ["model_unauthorised", "model_not_found", "model_unpaid"])
async def test_a_model_that_refuses_for_good_does_not_end_the_remediation(
    remediate: Remediate, kind: str
) -> None:
    refused = ApplicationError("check ANTHROPIC_API_KEY", type=kind, non_retryable=True)
    script = ScriptedActivities(diagnose_failure=OPEN, diagnose_by_model=refused)
    result = await remediate(script)

    assert result.outcome is Outcome.FIXED
    assert "check ANTHROPIC_API_KEY" in patched_with(script).note
    assert result.cost_usd is None


async def test_a_model_out_of_reach_is_waited_for_and_then_done_without(remediate: Remediate) -> None:
    script = ScriptedActivities(
        diagnose_failure=OPEN, diagnose_by_model=ApplicationError("answered 529", type="unavailable")
    )
    result = await remediate(script)

    assert result.outcome is Outcome.FIXED
    assert 3 < len(script.called("diagnose_by_model")) < 60
    assert "rules alone decided" in patched_with(script).note


async def test_a_model_that_comes_back_is_asked_again(remediate: Remediate) -> None:
    down = ApplicationError("answered 503", type="unavailable")
    script = ScriptedActivities(diagnose_failure=OPEN, diagnose_by_model=[down, down, opinion()])
    await remediate(script)

    assert patched_with(script).root_cause == "The model found it."


async def test_no_tokens_are_spent_on_a_bot_s_branch(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=snapshot(head_is_bot=True), diagnose_failure=OPEN)
    result = await remediate(script, policy=TriagePolicy(repair_bot_branches=True))

    assert script.called("diagnose_by_model") == []
    assert result.outcome is Outcome.FIXED


async def test_a_fork_s_failure_is_explained_by_the_model_and_nothing_else_is_done(
    remediate: Remediate,
) -> None:
    script = ScriptedActivities(
        read_run=snapshot(head_is_fork=True),
        diagnose_failure=OPEN,
        diagnose_by_model=opinion(diagnosis=diagnosis(root_cause="Flaky.", action=Action.RERUN)),
    )
    result = await remediate(script, policy=TriagePolicy(diagnose_forks=True))

    assert (result.outcome, result.reason, result.detail) == (Outcome.DIAGNOSED, Reason.FORK, "Flaky.")
    assert script.called("rerun_failed_jobs") == []


# ── an outage ───────────────────────────────────────────────────────────────────────────────────────────────

OUTAGE: Final = diagnosis(failure_class=FailureClass.INFRASTRUCTURE, action=Action.RERUN, jobs_alike=5)
RERUN_GREEN: Final = snapshot(run_attempt=2, conclusion="success")


async def test_several_jobs_in_one_outage_are_said_and_rerun_after_a_pause(
    skipping: WorkflowEnvironment,
) -> None:
    script = ScriptedActivities(read_run=[snapshot(), snapshot(), RERUN_GREEN], diagnose_failure=OUTAGE)
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        began = await skipping.get_current_time()
        result = await handle.result()
        waited = await skipping.get_current_time() - began

    assert result.outcome is Outcome.FLAKY
    assert waited >= OUTAGE_PAUSE
    said = script.called("post_report")[0]
    assert "5 jobs fail alike" in said.detail
    assert "10 minutes" in said.detail
    assert said.outcome is None
    assert result.detail == ""


async def test_a_branch_that_moves_on_during_the_pause_is_not_rerun(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=[snapshot(), snapshot(branch_tip="b" * 40)], diagnose_failure=OUTAGE)
    result = await remediate(script)

    assert (result.outcome, result.reason) == (Outcome.SUPERSEDED, Reason.BRANCH_MOVED)
    assert script.called("rerun_failed_jobs") == []


async def test_one_job_s_network_failure_is_rerun_at_once(remediate: Remediate) -> None:
    transient = OUTAGE.model_copy(update={"jobs_alike": 0})
    script = ScriptedActivities(read_run=[snapshot(), RERUN_GREEN], diagnose_failure=transient)
    result = await remediate(script)

    assert result.outcome is Outcome.FLAKY
    assert [report.outcome for report in script.called("post_report")] == [Outcome.FLAKY]


async def test_a_transient_failure_where_nothing_may_be_repaired_is_explained_without_a_rerun(
    remediate: Remediate,
) -> None:
    script = ScriptedActivities(read_run=snapshot(head_is_bot=True), diagnose_failure=OUTAGE)
    result = await remediate(script)

    assert (result.outcome, result.reason) == (Outcome.DIAGNOSED, Reason.BOT_BRANCH)
    assert script.called("rerun_failed_jobs") == []


# ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_less_sure_than_the_rules_does_not_overrule_them() -> None:
    guess = diagnosis(confidence=0.4, root_cause="A linter fails.")
    unsure = opinion(diagnosis=diagnosis(confidence=0.3, root_cause="Who knows."))

    decided = consultation.with_opinion(guess, (unsure,))

    assert decided.root_cause == "A linter fails."
    assert "less sure" in decided.note
    assert decided.cost_usd == 0.005


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    dear, unknown = opinion(), opinion(use=USE.model_copy(update={"cost_usd": None}))
    status = models.Status(state=models.State.DIAGNOSIS)

    after_one = status.model_copy(update=consultation.spending(status, dear))
    after_two = after_one.model_copy(update=consultation.spending(after_one, unknown))
    after_three = after_two.model_copy(update=consultation.spending(after_two, dear))

    assert (after_one.model_calls, after_one.cost_usd) == (1, 0.005)
    assert (after_two.model_calls, after_two.cost_usd) == (2, None)
    assert (after_three.model_calls, after_three.cost_usd) == (3, None)
    assert consultation.with_opinion(OPEN, (dear, unknown)).cost_usd is None


@pytest.mark.parametrize(("cost", "shown"), [(0.0123, "US$ 0.0123"), (None, "cost unknown")])
def test_a_person_who_looks_sees_who_decided_and_what_it_cost(cost: float | None, shown: str) -> None:
    status = models.Status(
        state=models.State.DIAGNOSIS,
        diagnosis=diagnosis(note="Decided by the model `m`; the rules left it open."),
        model_calls=2,
        cost_usd=cost,
    )

    lines = narration.details(status, "ci-remediation/acme/widgets/12").splitlines()

    assert f"- Model calls: 2, {shown}" in lines
    assert "- `Decided by the model 'm'; the rules left it open.`" in lines


def test_a_failure_of_no_known_kind_is_a_bug_and_stays_one() -> None:
    assert consultation.without_model(OPEN, "KeyError", "x") is None
    assert consultation.without_model(OPEN, None, "x") is None


def test_the_pause_is_longer_than_a_blip_and_shorter_than_a_working_day() -> None:
    assert timedelta(minutes=1) < OUTAGE_PAUSE < timedelta(hours=1)
