from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from scripted import FIX_HEADS, ScriptedActivities, reading, serving, snapshot, start
from workflows import models
from workflows.models import (
    AutoMergeRequest,
    AutoMergeResult,
    AutoMergeState,
    CiVerdict,
    Order,
    Outcome,
    TriagePolicy,
)
from workflows.remediation import RemediationWorkflow
from workflows.repository_settings import RepositorySettings, SettingsReading, Standing, TriagedRun

Remediate = Callable[..., Awaitable[models.RemediationResult]]

ALLOWED = TriagePolicy(allow_auto_merge=True)


def run_of(**publication: Any) -> TriagedRun:
    settings = RepositorySettings.model_validate({"publication": publication})
    return snapshot(standing=Standing(settings=SettingsReading(settings=settings)))


WANTED = run_of(draft=False, auto_merge=True)


async def test_a_green_fix_is_asked_to_be_merged_before_its_report_and_the_report_says_so(
    remediate: Remediate,
) -> None:
    script = ScriptedActivities(read_run=WANTED)
    result = await remediate(script, policy=ALLOWED)
    assert result.outcome is Outcome.FIXED
    assert script.called("request_auto_merge") == [
        AutoMergeRequest(repository="acme/widgets", number=5, head_sha=FIX_HEADS[0])
    ]
    names = script.names()
    assert names.index("read_checks") < names.index("request_auto_merge") < names.index("post_report")
    [report] = script.called("post_report")
    assert report.auto_merge == AutoMergeResult(state=AutoMergeState.REQUESTED)


@pytest.mark.parametrize(
    ("run", "policy"),
    [
        (WANTED, TriagePolicy()),
        (run_of(draft=False), ALLOWED),
        (run_of(), ALLOWED),
        (snapshot(), ALLOWED),
    ],
)
async def test_without_both_the_operator_s_and_the_repository_s_word_nobody_asks(
    remediate: Remediate, run: TriagedRun, policy: TriagePolicy
) -> None:
    script = ScriptedActivities(read_run=run)
    assert (await remediate(script, policy=policy)).outcome is Outcome.FIXED
    assert "request_auto_merge" not in script.names()
    assert all(report.auto_merge is None for report in script.called("post_report"))


@pytest.mark.parametrize("verdict", [CiVerdict.RED, CiVerdict.ABSENT, CiVerdict.CANCELLED, CiVerdict.BLOCKED])
async def test_what_is_not_green_is_never_asked_to_be_merged(
    remediate: Remediate, verdict: CiVerdict
) -> None:
    script = ScriptedActivities(read_run=WANTED, read_checks=reading(verdict))
    assert (await remediate(script, policy=ALLOWED)).outcome is not Outcome.FIXED
    assert "request_auto_merge" not in script.names()


@pytest.mark.parametrize("kind", ["settings_disabled", "forbidden", "archived", "invalid"])
async def test_a_request_that_fails_for_good_changes_nothing_but_a_line_in_the_report(
    remediate: Remediate, kind: str
) -> None:
    failure = ApplicationError("no", type=kind, non_retryable=True)
    script = ScriptedActivities(read_run=WANTED, request_auto_merge=failure)
    assert (await remediate(script, policy=ALLOWED)).outcome is Outcome.FIXED
    [report] = script.called("post_report")
    assert (report.outcome, report.auto_merge.state) == (Outcome.FIXED, AutoMergeState.NOT_ASKED)


async def test_a_request_that_cannot_be_made_does_not_hold_up_the_report(remediate: Remediate) -> None:
    outage = ApplicationError("GitHub has not worked it out", type="unavailable")
    script = ScriptedActivities(read_run=WANTED, request_auto_merge=outage)
    assert (await remediate(script, policy=ALLOWED)).outcome is Outcome.FIXED
    [report] = script.called("post_report")
    assert report.auto_merge.state is AutoMergeState.NOT_ASKED


async def test_a_stop_in_that_moment_closes_the_pull_request(skipping: WorkflowEnvironment) -> None:
    handles: list[Any] = []

    async def stop_now(_request: Any) -> AutoMergeResult:
        await handles[0].signal(RemediationWorkflow.stop, Order(by="ana"))
        return AutoMergeResult(state=AutoMergeState.REQUESTED)

    script = ScriptedActivities(read_run=WANTED, request_auto_merge=stop_now)
    async with serving(skipping.client, script):
        handles.append(await start(skipping.client, policy=ALLOWED))
        await handles[0].result()
    assert len(script.called("close_pull_request")) >= 1


async def test_a_stop_before_it_means_that_nobody_asks(skipping: WorkflowEnvironment) -> None:
    handles: list[Any] = []

    async def stop_now(_request: Any) -> models.ChecksReading:
        await handles[0].signal(RemediationWorkflow.stop, Order(by="ana"))
        return reading(CiVerdict.GREEN)

    script = ScriptedActivities(read_run=WANTED, read_checks=stop_now)
    async with serving(skipping.client, script):
        handles.append(await start(skipping.client, policy=ALLOWED))
        await handles[0].result()
    assert "request_auto_merge" not in script.names()
    assert script.called("close_pull_request")
