"""The sweep: on a schedule, finds failures whose webhook never came, and starts their remediations."""

import contextlib
from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from workflows import naming, policies, starting
    from workflows.models import FailedRun, RemediationRequest
    from workflows.steps import carry_out
    from workflows.sweep_models import EndedRun, FailedRunsRequest, SweepRequest, SweepResult

MOST_STARTED: Final = 20
"""Remediations that one sweep starts; the next goes on where it stopped. After a long outage the repairs
come in portions."""
_OVERLAP: Final = timedelta(minutes=15)
"""Looked at twice: GitHub lists a run a while after it ended, and clocks differ."""
_REACH: Final = timedelta(days=2)
"""The longest way back. An older failure is rarely anybody's concern still, and must be younger than the
namespace keeps ended remediations: its remediation would be started again."""


@workflow.defn(name=naming.SWEEP_WORKFLOW)
class SweepWorkflow:
    """Starts the remediation of every failure that no event has told of."""

    @workflow.run
    async def run(self, request: SweepRequest) -> SweepResult:
        """Look at every repository since the last sweep; start what is not known."""
        now = workflow.now()
        since = max(self._swept_until(request) - _OVERLAP, now - _REACH, request.not_before)
        wanted = FailedRunsRequest(repositories=request.repositories, since=since)
        found = await carry_out(policies.FIND_FAILED_RUNS, wanted, "Look for failures that no event told of")
        started: list[str] = []
        until = now
        for run in found.runs:
            if len(started) == MOST_STARTED:
                until = min(now, run.ended_at)
                break
            if await self._start(run, request):
                started.append(naming.remediation_id(run.repository, run.run_id))
        if started:
            workflow.metric_meter().create_counter(
                "regreen_missed_events", "Failures that no webhook had told of"
            ).add(len(started))
        return SweepResult(
            repositories=found.repositories,
            failures=len(found.runs),
            started=tuple(started),
            unreadable=found.unreadable,
            swept_until=until,
        )

    def _swept_until(self, request: SweepRequest) -> datetime:
        last = (
            workflow.get_last_completion_result(SweepResult)
            if workflow.has_last_completion_result()
            else None
        )
        return last.swept_until if last else request.not_before

    async def _start(self, run: EndedRun, request: SweepRequest) -> bool:
        """Whether the run had no remediation yet."""
        wanted = RemediationRequest(
            repository=run.repository,
            run_id=run.run_id,
            run_attempt=run.run_attempt,
            limits=request.limits,
            policy=request.policy,
        )
        failed = FailedRun.model_validate(run.model_dump())
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await workflow.start_child_workflow(
                naming.REMEDIATION_WORKFLOW,
                wanted,
                id=naming.remediation_id(run.repository, run.run_id),
                task_queue=naming.PUBLISHER_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=ParentClosePolicy.ABANDON,
                memo=starting.memo(failed),
                search_attributes=starting.search_attributes(failed),
                static_summary=starting.summary(failed),
            )
            return True
        return False
