"""Carries a webhook's decision out: starts, signals, or leaves alone. Repeating it changes nothing."""

import asyncio
import weakref
from datetime import timedelta
from enum import StrEnum
from typing import Final

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from starter import addressees
from starter.addressees import whole
from starter.webhook import (
    ChecksCompletedFor,
    Decision,
    HumanOrder,
    Ignore,
    PullRequestClosedFor,
    StartRemediation,
)
from workflows import naming, starting
from workflows.codec import PayloadKeyError
from workflows.models import ChecksCompleted, Limits, Payload, RemediationRequest, TriagePolicy

ANSWER_DEADLINE: Final = timedelta(seconds=6)
"""GitHub drops a delivery after 10 s; the rest is for reading the body and for the way back."""

_CALL: Final = timedelta(seconds=3)
_MOST_ADDRESSEES: Final = 20
"""Open remediations that one comment may speak to."""
_ROUNDS: Final = 4
"""A remediation may close between two calls; each round looks afresh."""


class Verdict(StrEnum):
    """What became of an event."""

    STARTED = "started"
    SIGNALLED = "signalled"
    DUPLICATE = "duplicate"
    """The remediation of this run attempt has been started before, and may have ended."""
    IGNORED = "ignored"
    REFUSED = "refused"
    """Not looked at: wrong signature, too large, wrong content type."""
    UNAVAILABLE = "unavailable"
    """Temporal did not take it; GitHub shall deliver it again."""


class Answer(Payload):
    """What became of an event, and why."""

    decision: Verdict
    reason: str
    """One word of a fixed vocabulary: it labels a metric."""
    workflow_id: str | None = None


class TemporalUnavailableError(Exception):
    """Temporal did not take an event in time, or refused it."""


class Dispatcher:
    """Carries decisions out with a Temporal client, which may be a lazy one.

    Args:
        client: Where remediations run.
        limits: The bounds new remediations start with.
        policy: What new remediations leave alone.
    """

    def __init__(self, client: Client, limits: Limits, policy: TriagePolicy) -> None:
        self._client = client
        self._limits = limits
        self._policy = policy
        self._starting: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def carry_out(self, decision: Decision) -> Answer:
        """Start or signal what the decision asks for.

        Safe to repeat: a run attempt starts at most one remediation, and signals only shorten waits or
        carry the comment id that makes them count once.

        Raises:
            TemporalUnavailableError: Temporal did not take it; the event must be delivered again.
        """
        if isinstance(decision, Ignore):
            return Answer(decision=Verdict.IGNORED, reason=decision.reason)
        try:
            async with asyncio.timeout(ANSWER_DEADLINE.total_seconds()):
                return await self._carry_out(decision)
        except TimeoutError as error:
            raise TemporalUnavailableError("Temporal did not answer in time") from error
        except RPCError as error:
            raise TemporalUnavailableError(f"Temporal refused: {error.status.name}: {error}") from error
        except PayloadKeyError as error:
            raise TemporalUnavailableError(str(error)) from error
        except RuntimeError as error:  # what the SDK raises when a lazy client cannot connect
            raise TemporalUnavailableError(f"Temporal cannot be reached: {error}") from error

    async def _carry_out(
        self, decision: StartRemediation | ChecksCompletedFor | PullRequestClosedFor | HumanOrder
    ) -> Answer:
        match decision:
            case StartRemediation():
                return await self._start(decision)
            case ChecksCompletedFor():
                return await self._signal(decision, "checks_completed", decision.checks)
            case PullRequestClosedFor():
                return await self._signal(decision, "pull_request_closed", decision.closed)
            case HumanOrder():
                return await self._order(decision)

    async def _start(self, failed: StartRemediation) -> Answer:
        workflow_id = naming.remediation_id(failed.repository, failed.run_id)
        # Two deliveries that both find an older, ended remediation must not both start one.
        async with self._starting.setdefault(workflow_id, asyncio.Lock()):
            reuse = WorkflowIDReusePolicy.REJECT_DUPLICATE
            for _ in range(_ROUNDS):
                try:
                    await self._start_workflow(workflow_id, failed, reuse)
                except WorkflowAlreadyStartedError:
                    answer = await self._belongs_to_existing(workflow_id, failed)
                    if answer is not None:
                        return answer
                    reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE
                else:
                    return Answer(decision=Verdict.STARTED, reason="run_failed", workflow_id=workflow_id)
        raise TemporalUnavailableError("the remediation kept changing while it was looked at")

    async def _start_workflow(
        self, workflow_id: str, failed: StartRemediation, reuse: WorkflowIDReusePolicy
    ) -> None:
        request = RemediationRequest(
            repository=failed.repository,
            run_id=failed.run_id,
            run_attempt=failed.run_attempt,
            limits=self._limits,
            policy=self._policy,
        )
        await self._client.start_workflow(
            naming.REMEDIATION_WORKFLOW,
            request,
            id=workflow_id,
            task_queue=naming.PUBLISHER_QUEUE,
            id_reuse_policy=reuse,
            memo=starting.memo(failed),
            search_attributes=starting.search_attributes(failed),
            static_summary=starting.summary(failed),
            rpc_timeout=_CALL,
        )

    async def _belongs_to_existing(self, workflow_id: str, failed: StartRemediation) -> Answer | None:
        """The answer where the run's remediation exists; None when it ended and this attempt is newer."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            description = await handle.describe(rpc_timeout=_CALL)
            known = whole((await description.memo()).get(naming.MEMO_RUN_ATTEMPT)) or 1
            if failed.run_attempt <= known:
                return Answer(decision=Verdict.DUPLICATE, reason="attempt_known", workflow_id=workflow_id)
            if description.status is not WorkflowExecutionStatus.RUNNING:
                return None
            news = ChecksCompleted(
                head_sha=failed.head_sha, run_id=failed.run_id, run_attempt=failed.run_attempt
            )
            await handle.signal("checks_completed", news, rpc_timeout=_CALL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # it ended, or its retention did, in between
                return None
            raise
        return Answer(decision=Verdict.SIGNALLED, reason="newer_attempt", workflow_id=workflow_id)

    async def _signal(
        self, decision: ChecksCompletedFor | PullRequestClosedFor, signal: str, payload: Payload
    ) -> Answer:
        workflow_id = naming.remediation_id(decision.repository, decision.run_id)
        if await self._delivered(workflow_id, signal, payload):
            return Answer(decision=Verdict.SIGNALLED, reason=signal, workflow_id=workflow_id)
        return Answer(decision=Verdict.IGNORED, reason="no_remediation", workflow_id=workflow_id)

    async def _order(self, decision: HumanOrder) -> Answer:
        found = await addressees.of_pull_request(
            self._client, decision.repository, decision.pull_request, open_only=True, rpc_timeout=_CALL
        )
        reached = [
            execution.id
            for execution in found[:_MOST_ADDRESSEES]
            if await self._delivered(execution.id, decision.verb, decision.order)
        ]
        if not reached:
            return Answer(decision=Verdict.IGNORED, reason="no_remediation")
        return Answer(decision=Verdict.SIGNALLED, reason=decision.verb, workflow_id=reached[0])

    async def _delivered(self, workflow_id: str, signal: str, payload: Payload) -> bool:
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            await handle.signal(str(signal), payload, rpc_timeout=_CALL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True
