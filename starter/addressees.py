"""Which remediations a pull request belongs to."""

from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client, WorkflowExecution

from workflows import naming

_MOST_LOOKED_AT: Final = 500
"""Remediations of one repository, the newest."""


async def of_pull_request(
    client: Client, repository: str, number: int, *, open_only: bool = False, rpc_timeout: timedelta
) -> list[WorkflowExecution]:
    """Remediations whose fix, or else whose failure, is that pull request.

    Args:
        client: Where remediations run.
        repository: "owner/name", of a pattern that admits no quote, so that the query cannot be bent.
        number: The pull request.
        open_only: Leave out those that have ended.
        rpc_timeout: Of each call.

    Raises:
        RPCError: Temporal did not answer.
    """
    of_repository = (
        f"WorkflowType = '{naming.REMEDIATION_WORKFLOW}' AND {naming.CI_REPOSITORY.name} = '{repository}'"
    )
    if open_only:
        of_repository += " AND ExecutionStatus = 'Running'"
    by_fix = f"{of_repository} AND {naming.CI_PULL_REQUEST.name} = {number}"
    found = [
        execution
        async for execution in client.list_workflows(by_fix, limit=_MOST_LOOKED_AT, rpc_timeout=rpc_timeout)
    ]
    if found:
        return found
    return [
        execution
        async for execution in client.list_workflows(
            of_repository, limit=_MOST_LOOKED_AT, rpc_timeout=rpc_timeout
        )
        if whole((await execution.memo()).get(naming.MEMO_PULL_REQUEST)) == number
    ]


def whole(value: Any) -> int | None:
    """A memo's number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
