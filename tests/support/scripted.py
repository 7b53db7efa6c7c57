"""Activities that answer from a script: what a remediation meets, without GitHub, git or tools."""

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from workflows import models, policies
from workflows.models import (
    Action,
    BranchState,
    CiVerdict,
    FailureClass,
    GateDecision,
    ProofState,
    Strategy,
)
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE, patch_id
from workflows.patch_attempt import PatchAttemptWorkflow
from workflows.remediation import RemediationWorkflow
from workflows.repository_settings import TriagedRun
from workflows.session_models import SessionStart

HEAD = "a" * 40
FIX_HEADS = ("1" * 40, "2" * 40, "3" * 40)


def snapshot(**changes: Any) -> TriagedRun:
    facts: dict[str, Any] = {
        "repository": "acme/widgets",
        "run_id": 12,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 7,
        "workflow_name": "CI",
        "workflow_path": ".github/workflows/ci.yml",
        "event": "push",
        "head_branch": "main",
        "head_sha": HEAD,
        "html_url": "https://github.example/acme/widgets/actions/runs/12",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "default_branch": "main",
        "branch_tip": HEAD,
    }
    return TriagedRun(**(facts | changes))


def evidence(**changes: Any) -> models.Evidence:
    job = models.FailedJob(
        job_id=1,
        name="lint",
        key="lint",
        step="Ruff",
        command="ruff check .",
        exit_code=1,
        excerpt=models.Excerpt(text="F401 unused import", total_lines=10),
        fingerprint="v1:0000",
    )
    facts: dict[str, Any] = {
        "run_id": 12,
        "run_attempt": 1,
        "jobs": (job,),
        "failed_jobs": 1,
        "fingerprint": "v1:0000",
    }
    return models.Evidence(**(facts | changes))


def diagnosis(**changes: Any) -> models.Diagnosis:
    facts: dict[str, Any] = {
        "failure_class": FailureClass.LINT,
        "root_cause": "ruff found an unused import.",
        "action": Action.REPAIR,
        "confidence": 0.9,
        "rule": "ruff-check",
    }
    return models.Diagnosis(**(facts | changes))


def opinion(**changes: Any) -> models.ModelOpinion:
    use = models.ModelUse(
        model="claude-sonnet-5-5", input_tokens=2000, output_tokens=100, cached_tokens=500, cost_usd=0.005
    )
    facts: dict[str, Any] = {
        "use": use,
        "diagnosis": diagnosis(root_cause="The model found it.", rule=None),
    }
    return models.ModelOpinion(**(facts | changes))


def proposal(text: str = "one", **changes: Any) -> models.Proposal:
    diff = f"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-import os\n+{text}\n"
    facts: dict[str, Any] = {
        "diff": diff,
        "base_sha": HEAD,
        "patch_id": patch_id(HEAD, diff),
        "strategy": Strategy.RECIPE,
        "recipe": "ruff-check",
        "summary": "ruff check --fix",
        "files": ("x.py",),
        "additions": 1,
        "deletions": 1,
        "proof": models.Proof(state=ProofState.PROVED, command="ruff check .", exit_before=1, exit_after=0),
    }
    return models.Proposal(**(facts | changes))


def reading(verdict: CiVerdict, fix_head: str = FIX_HEADS[0], **changes: Any) -> models.ChecksReading:
    facts: dict[str, Any] = {"verdict": verdict, "branch_tip": fix_head}
    if verdict is CiVerdict.RED:
        facts |= {"failed_run_id": 99}
    return models.ChecksReading(**(facts | changes))


class ScriptedActivities:
    """Every activity by name, answering from a list; the last answer repeats. An exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.answers: dict[str, list[Any]] = {
            "read_run": [snapshot()],
            "collect_evidence": [evidence(fingerprint=f"v1:000{number}") for number in range(4)],
            "diagnose_failure": [diagnosis()],
            "diagnose_by_model": [opinion()],
            "rerun_failed_jobs": [models.RerunResult(state=models.RerunState.STARTED, run_attempt=2)],
            "propose_patch": [proposal("one"), proposal("two"), proposal("three")],
            "open_session": [SessionStart(closed="No model is set up.")],
            "take_turn": [],
            "use_tools": [],
            "prove_submission": [],
            "judge_patch": [models.GateVerdict(decision=GateDecision.ALLOWED)],
            "write_commit": [models.WrittenCommit(sha=sha, tree="e" * 40) for sha in FIX_HEADS],
            "advance_fix_branch": [
                models.BranchResult(state=BranchState.ADVANCED, tip=sha) for sha in FIX_HEADS
            ],
            "open_pull_request": [models.PullRequest(number=5, url="https://github.example/pull/5")],
            "label_pull_request": [None],
            "close_pull_request": [
                models.PullRequest(number=5, url="https://github.example/pull/5", state="closed")
            ],
            "read_pull_request": [
                models.PullRequest(number=5, url="https://github.example/pull/5", state="closed", merged=True)
            ],
            "find_revert": [False],
            "read_checks": [reading(CiVerdict.GREEN)],
            "post_report": [models.PostedReport(url="https://github.example/comment")],
            "authorise_order": [True],
            "report_broken_settings": [models.PostedReport(url="https://github.example/comment")],
            "request_review": [None],
            "request_auto_merge": [models.AutoMergeResult(state=models.AutoMergeState.REQUESTED)],
            "notify_human": [models.NoticeResult(state=models.NoticeState.NOT_CONFIGURED)],
        }
        for name, given in answers.items():
            self.answers[name] = list(given) if isinstance(given, Sequence) else [given]

    def called(self, name: str) -> list[Any]:
        return [argument for called, argument in self.calls if called == name]

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def on(self, queue: str) -> list[Callable[..., Any]]:
        return [self._activity(step) for step in policies.STEPS if step.queue == queue]

    def _activity(self, step: policies.Step[Any, Any]) -> Callable[..., Any]:
        async def answer(argument: Any) -> Any:
            self.calls.append((step.name, argument))
            answers = self.answers[step.name]
            given = answers[0] if len(answers) == 1 else answers.pop(0)
            if callable(given):
                given = await given(argument)
            if isinstance(given, Exception):
                raise given
            return given

        answer.__annotations__ = {"argument": step.takes, "return": step.gives}
        return activity.defn(name=step.name)(answer)


@asynccontextmanager
async def serving(client: Client, script: ScriptedActivities, **options: Any) -> AsyncIterator[None]:
    async with (
        Worker(
            client,
            task_queue=PUBLISHER_QUEUE,
            workflows=[RemediationWorkflow, PatchAttemptWorkflow],
            activities=script.on(PUBLISHER_QUEUE),
            **options,
        ),
        Worker(client, task_queue=ANALYST_QUEUE, activities=script.on(ANALYST_QUEUE)),
    ):
        yield


async def start(
    client: Client, **request: Any
) -> WorkflowHandle[RemediationWorkflow, models.RemediationResult]:
    return await client.start_workflow(
        RemediationWorkflow.run,
        models.RemediationRequest(repository="acme/widgets", run_id=12, **request),
        id=f"ci-remediation/acme/widgets/12-{uuid.uuid4()}",
        task_queue=PUBLISHER_QUEUE,
    )
