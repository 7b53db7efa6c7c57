"""Remediations as a Temporal client sees them: listed, read, and given orders."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
)
from temporalio.common import SearchAttributeKey
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from starter import addressees
from starter.targets import RunTarget, Target
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


class UnclearTargetError(Exception):
    """More than one remediation could be meant; the text names them."""


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

    async def find(self, target: Target) -> str:
        """The workflow id of the remediation that is meant.

        Raises:
            RemediationNotFoundError: No remediation belongs to that pull request.
            UnclearTargetError: Several open ones do.
        """
        if isinstance(target, RunTarget):
            return target.workflow_id
        named = f"of {target.repository}#{target.number}"
        async with _temporal_errors(named):
            found = await addressees.of_pull_request(
                self.client, target.repository, target.number, rpc_timeout=_CALL
            )
        found.sort(key=lambda execution: execution.start_time, reverse=True)
        running = [one.id for one in found if one.status is WorkflowExecutionStatus.RUNNING]
        if len(running) > 1:
            raise UnclearTargetError(
                f"{target.repository}#{target.number} has {len(running)} open remediations; "
                f"name one: {', '.join(running)}"
            )
        if not found:
            raise RemediationNotFoundError(named)
        return running[0] if running else found[0].id

    async def details_of(self, target: Target) -> Details:
        """The details of the remediation that is meant; errors as those of `find` and `details`."""
        return await self.details(await self.find(target))

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

    async def matching(self, *conditions: str, limit: int) -> list[Overview]:
        """The remediations that meet every condition, the newest first.

        Args:
            *conditions: Of Temporal's list filters; nothing in them may come from outside unchecked.
            limit: How many at most. Of more, Temporal gives the open ones, then the last that ended.
        """
        query = " AND ".join((f"WorkflowType = '{naming.REMEDIATION_WORKFLOW}'", *conditions))
        async with _temporal_errors("*"):
            found = await self._listed(query, limit)
        return sorted(found, key=lambda overview: overview.started_at, reverse=True)

    async def history(self, workflow_id: str, *, limit: int) -> list[HistoryEvent]:
        """The first events of a remediation's history.

        Args:
            workflow_id: Whose.
            limit: How many at most.

        Raises:
            RemediationNotFoundError: There is none of this id.
        """
        handle = self.client.get_workflow_handle(workflow_id)
        found: list[HistoryEvent] = []
        async with _temporal_errors(workflow_id):
            async for event in handle.fetch_history_events(rpc_timeout=_CALL):
                found.append(event)
                if len(found) >= limit:
                    break
        return found

    async def _listed(self, query: str, limit: int) -> list[Overview]:
        executions = self.client.list_workflows(query, limit=limit, rpc_timeout=_CALL)
        return [await _overview(execution) async for execution in executions]

    async def overview(self, workflow_id: str) -> Overview:
        """What visibility says of one.

        Raises:
            RemediationNotFoundError: There is none of this id.
        """
        async with _temporal_errors(workflow_id):
            handle = self.client.get_workflow_handle(workflow_id)
            return await _overview(await handle.describe(rpc_timeout=_CALL))

    async def outcome(self, workflow_id: str) -> tuple[Overview, RemediationResult | None]:
        """What visibility says of one, and its result where it ended with one. Needs no worker.

        Raises:
            RemediationNotFoundError: There is none of this id.
        """
        overview = await self.overview(workflow_id)
        if overview.open or overview.temporal_status != "completed":
            return overview, None
        handle = self.client.get_workflow_handle(workflow_id, result_type=RemediationResult)
        async with _temporal_errors(workflow_id):
            return overview, await handle.result(rpc_timeout=_CALL)

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
