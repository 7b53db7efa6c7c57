from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from scripted import ScriptedActivities, diagnosis, reading, snapshot
from workflows import models
from workflows.models import CiVerdict, Limits, Outcome, Reason, TriagePolicy
from workflows.repository_settings import (
    RepositorySettings,
    SettingsReading,
    Standing,
    TriagedRun,
    allows_recipe,
    narrowed_limits,
    narrowed_policy,
)

Remediate = Callable[..., Awaitable[models.RemediationResult]]


def said(**settings: Any) -> SettingsReading:
    return SettingsReading(settings=RepositorySettings.model_validate(settings))


def standing(**facts: Any) -> TriagedRun:
    return snapshot(standing=Standing(**facts))


def says(**settings: Any) -> TriagedRun:
    return standing(settings=said(**settings))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (said(enabled=False), Reason.SETTINGS_DISABLED),
        (said(workflows={"exclude": "CI"}), Reason.SETTINGS_EXCLUDE),
        (said(workflows={"exclude": "ci.yml"}), Reason.SETTINGS_EXCLUDE),
        (said(workflows={"include": "release*"}), Reason.SETTINGS_EXCLUDE),
        (said(branches={"exclude": "ma*"}), Reason.SETTINGS_EXCLUDE),
        (said(branches={"exclude": ["ma*", "[old]"]}), Reason.SETTINGS_EXCLUDE),
        (SettingsReading(problem="Line 3: no."), Reason.SETTINGS_INVALID),
    ],
)
async def test_a_repository_is_left_alone_before_anything_is_spent_on_it(
    remediate: Remediate, found: SettingsReading, reason: Reason
) -> None:
    script = ScriptedActivities(read_run=standing(settings=found))
    result = await remediate(script)
    assert (result.outcome, result.reason, result.detail) == (Outcome.IGNORED, reason, found.problem)
    assert "collect_evidence" not in script.names()
    assert ("report_broken_settings" in script.names()) is bool(found.problem)


@pytest.mark.parametrize(
    "found",
    [
        said(),
        said(workflows={"include": ["release", "CI"]}),
        said(workflows={"include": ".github/workflows/*"}),
        said(branches={"include": "main", "exclude": "release/*"}),
    ],
)
async def test_what_is_included_is_repaired(remediate: Remediate, found: SettingsReading) -> None:
    result = await remediate(ScriptedActivities(read_run=standing(settings=found)))
    assert result.outcome is Outcome.FIXED


async def test_brackets_in_a_workflow_s_name_stand_for_themselves(remediate: Remediate) -> None:
    nightly = snapshot(
        workflow_name="CI [nightly]", standing=Standing(settings=said(workflows={"exclude": "CI [nightly]"}))
    )
    result = await remediate(ScriptedActivities(read_run=nightly))
    assert (result.outcome, result.reason) == (Outcome.IGNORED, Reason.SETTINGS_EXCLUDE)
    assert not allows_recipe(TriagePolicy(recipes=("[ab]*",)), "a")


async def test_a_repository_may_want_fewer_attempts(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=says(budgets={"attempts": 1}), read_checks=reading(CiVerdict.RED))
    result = await remediate(script)
    assert (result.outcome, len(result.attempts)) == (Outcome.EXHAUSTED, 1)


async def test_a_repository_may_forbid_the_model(remediate: Remediate) -> None:
    script = ScriptedActivities(
        read_run=says(repairs={"model": False}), diagnose_failure=diagnosis(wants_model=True)
    )
    await remediate(script)
    assert "diagnose_by_model" not in script.names()
    [request] = script.called("propose_patch")
    assert not request.model_allowed


async def test_protected_paths_and_recipes_reach_whoever_proposes_and_judges(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=says(protected_paths="billing/*", repairs={"recipes": "isort"}))
    await remediate(script)
    for step in ("propose_patch", "judge_patch"):
        [request] = script.called(step)
        assert request.policy.protected_paths == ("billing/*",)
        assert request.policy.recipes == ("isort",)


async def test_the_pull_request_looks_as_the_repository_wants(remediate: Remediate) -> None:
    wanted = {"draft": False, "labels": ["ci"], "reviewers": ["ada"], "comment": "brief"}
    script = ScriptedActivities(read_run=says(publication=wanted))
    await remediate(script)
    assert [request.draft for request in script.called("open_pull_request")] == [False]
    assert [request.labels for request in script.called("label_pull_request")] == [("ci",)]
    assert [request.logins for request in script.called("request_review")] == [("ada",)]
    assert [report.brief for report in script.called("post_report")] == [True]


async def test_a_repository_may_want_no_comment(remediate: Remediate) -> None:
    script = ScriptedActivities(read_run=says(publication={"comment": "off"}))
    await remediate(script)
    assert "post_report" not in script.names()


async def test_a_new_run_does_not_refill_the_attempts(remediate: Remediate) -> None:
    spent = standing(attempts=("v1:0000", "v1:other", "v1:0000"))
    result = await remediate(ScriptedActivities(read_run=spent, read_checks=reading(CiVerdict.RED)))
    assert (result.outcome, result.reason) == (Outcome.EXHAUSTED, Reason.ATTEMPTS_USED)
    assert len(result.attempts) == 1


@pytest.mark.parametrize(
    ("spent", "outcome", "reason"),
    [
        (standing(attempts=("v1:0000",) * 3), Outcome.EXHAUSTED, Reason.ATTEMPTS_SPENT),
        (standing(opened_today=20), Outcome.NEEDS_HUMAN, Reason.DAY_SPENT),
    ],
)
async def test_a_spent_budget_ends_it_before_a_patch_is_looked_for(
    remediate: Remediate, spent: TriagedRun, outcome: Outcome, reason: Reason
) -> None:
    script = ScriptedActivities(read_run=spent)
    result = await remediate(script)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert "propose_patch" not in script.names()
    assert "post_report" in script.names()


def test_a_repository_can_only_narrow_what_the_operator_allows() -> None:
    greedy = RepositorySettings.model_validate(
        {"budgets": {"attempts": 3, "usd": 100, "pull_requests_per_day": 1_000}, "repairs": {"model": True}}
    )
    limits = Limits(attempts=1, session_usd=0.5, pull_requests_per_day=2)
    policy = TriagePolicy(ask_model=False, protected_paths=("a",))
    assert narrowed_limits(limits, greedy) == limits
    narrowed = narrowed_policy(policy, greedy)
    assert (narrowed.ask_model, narrowed.protected_paths) == (False, ("a",))
