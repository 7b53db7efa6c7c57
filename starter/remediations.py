"""Remediations as a Temporal client sees them: listed, read, and given orders."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
)
from temporalio.common import SearchAttributeKey
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from starter.webhook import Verb
from workflows import naming
from workflows.codec import PayloadKeyError
from workflows.connection import TemporalUnreachableError, connect
from workflows.models import Order, Payload, Record, RemediationResult, Status

_CALL: Final = timedelta(seconds=5)
_QUERY: Final = timedelta(seconds=3)
_UNANSWERED: Final = frozenset(
    {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.FAILED_PRECONDITION}
)
"""What a query gets when no worker serves the workflow."""


class RemediationNotFoundError(Exception):
    """There is no remediation of that run in this namespace."""


class RemediationEndedError(Exception):
    """The remediation has ended and takes no more orders."""


class Overview(Payload):
    """A remediation as visibility shows it: its search attributes and its times."""

    workflow_id: str
    open: bool
    temporal_status: str
    """`running`, `completed`, `failed`, `terminated`, …; whatever ends by its own rules is completed."""
    started_at: datetime
    closed_at: datetime | None = None
    repository: str = ""
    run_id: int | None = None
    branch: str = ""
    workflow: str = ""
    state: str = ""
    outcome: str = ""
    failure_class: str = ""
    attempt: int | None = None
    pull_request: int | None = None
    cost_usd: float | None = None
    record: Record | None = None
    """What is counted of it; None until its outcome is known."""


class Details(Payload):
    """Everything there is to know about one remediation."""

    overview: Overview
    status: Status | None = None
    """None when no worker answered the query."""
    result: RemediationResult | None = None
    """None while it is open, and when it failed, was terminated or timed out."""
    failure: str = ""
    """Why there is no result although it has closed."""


@dataclass(frozen=True)
class Remediations:
    """The remediations of one Temporal namespace.

    Every method raises `TemporalUnreachableError` when Temporal does not answer.

    Attributes:
        client: A connected client.
    """

    client: Client

    async def recent(self, *, limit: int, open_only: bool, repository: str | None = None) -> list[Overview]:
        """The newest remediations, open ones first.

        Args:
            limit: How many at most.
            open_only: Leave out those that have ended.
            repository: `owner/name`, already checked: only this repository's.
        """
        query = f"WorkflowType = '{naming.REMEDIATION_WORKFLOW}'"
        if open_only:
            query += " AND ExecutionStatus = 'Running'"
        if repository is not None:
            query += f" AND {naming.CI_REPOSITORY.name} = '{repository}'"
        async with _temporal_errors("*"):
            found = await self._listed(query, limit)
        return sorted(found, key=lambda overview: (overview.open, overview.started_at), reverse=True)

    async def started_since(self, since: datetime, *, limit: int) -> list[Overview]:
        """The remediations that started at `since` or later, the newest first.

        Args:
            since: With a time zone.
            limit: How many at most.
        """
        query = (
            f"WorkflowType = '{naming.REMEDIATION_WORKFLOW}'"
            f" AND StartTime >= '{since.astimezone(UTC).isoformat(timespec='seconds')}'"
        )
        async with _temporal_errors("*"):
            found = await self._listed(query, limit)
        return sorted(found, key=lambda overview: overview.started_at, reverse=True)

    async def _listed(self, query: str, limit: int) -> list[Overview]:
        executions = self.client.list_workflows(query, limit=limit, rpc_timeout=_CALL)
        return [await _overview(execution) async for execution in executions]

    async def details(self, workflow_id: str) -> Details:
        """What visibility, the workflow's own status and its result say.

        Raises:
            RemediationNotFoundError: There is none of this id.
        """
        handle = self.client.get_workflow_handle(workflow_id, result_type=RemediationResult)
        async with _temporal_errors(workflow_id):
            overview = await _overview(await handle.describe(rpc_timeout=_CALL))
            status = await self.status(workflow_id)
            if overview.open:
                return Details(overview=overview, status=status)
            try:
                result = await handle.result(rpc_timeout=_CALL)
            except WorkflowFailureError as error:
                return Details(overview=overview, status=status, failure=str(error.cause))
        return Details(overview=overview, status=status, result=result)

    async def status(self, workflow_id: str) -> Status | None:
        """The answer of the query `status`, or None when no worker gives one.

        Raises:
            RemediationNotFoundError: There is none of this id.
        """
        handle = self.client.get_workflow_handle(workflow_id)
        async with _temporal_errors(workflow_id):
            try:
                answer: Status = await handle.query("status", result_type=Status, rpc_timeout=_QUERY)
            except WorkflowQueryFailedError:
                return None
            except RPCError as error:
                if error.status in _UNANSWERED:
                    return None
                raise
        return answer

    async def order(self, workflow_id: str, verb: Verb, order: Order) -> None:
        """Send a human's order as a signal.

        Raises:
            RemediationNotFoundError: There is none of this id.
            RemediationEndedError: It has ended.
        """
        handle = self.client.get_workflow_handle(workflow_id)
        async with _temporal_errors(workflow_id):
            description = await handle.describe(rpc_timeout=_CALL)
            if description.status is not WorkflowExecutionStatus.RUNNING:
                raise RemediationEndedError(workflow_id)
            try:
                await handle.signal(verb.value, order, rpc_timeout=_CALL)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:  # it ended between the two calls
                    raise RemediationEndedError(workflow_id) from error
                raise


async def open_remediations() -> Remediations:
    """The remediations of the namespace that the environment names.

    Raises:
        ConfigurationError: The Temporal client configuration is unusable.
        TemporalUnreachableError: No server answers.
    """
    retries = RetryConfig(max_elapsed_time_millis=int(_CALL.total_seconds() * 1_000))
    return Remediations(await connect(connect_timeout=_CALL, retry_config=retries))


@contextlib.asynccontextmanager
async def _temporal_errors(workflow_id: str) -> AsyncIterator[None]:
    try:
        yield
    except RPCError as error:
        text = str(error)
        if error.status is RPCStatusCode.NOT_FOUND and "namespace" not in text.lower():
            raise RemediationNotFoundError(workflow_id) from error
        raise TemporalUnreachableError(
            f"Temporal refused ({error.status.name.lower()}): {text}; "
            "look at TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE"
        ) from error


async def _overview(execution: WorkflowExecution) -> Overview:
    def attribute(key: SearchAttributeKey[Any]) -> Any:
        return execution.typed_search_attributes.get(key)

    named = naming.parse_remediation_id(execution.id)
    status = execution.status
    return Overview(
        workflow_id=execution.id,
        open=status is WorkflowExecutionStatus.RUNNING,
        temporal_status=status.name.lower() if status is not None else "",
        started_at=execution.start_time,
        closed_at=execution.close_time,
        repository=named[0] if named else "",
        run_id=named[1] if named else None,
        branch=attribute(naming.CI_BRANCH) or "",
        workflow=attribute(naming.CI_WORKFLOW) or "",
        state=attribute(naming.CI_STATE) or "",
        outcome=attribute(naming.CI_OUTCOME) or "",
        failure_class=attribute(naming.CI_FAILURE_CLASS) or "",
        attempt=attribute(naming.CI_ATTEMPT),
        pull_request=attribute(naming.CI_PULL_REQUEST),
        cost_usd=attribute(naming.CI_COST_USD),
        record=await _record(execution),
    )


async def _record(execution: WorkflowExecution) -> Record | None:
    """What the memo holds; None where it holds nothing, or a key to read it is not here."""
    with contextlib.suppress(PayloadKeyError, ValueError, RuntimeError):  # or a form of a later version
        kept = (await execution.memo()).get(naming.MEMO_RECORD)
        return None if kept is None else Record.model_validate(kept)
    return None
