"""Whether Temporal is as Regreen needs it: reachable, set up, and its queues served."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
)
from temporalio.client import Client
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from activities.checks.findings import Finding, fine, problem, warning
from workflows import naming
from workflows.connection import TemporalUnreachableError, connect

TEMPORAL: Final = "temporal"
QUEUES: Final = "queues"

_CALL: Final = timedelta(seconds=5)
_LONGEST_SILENCE: Final = timedelta(minutes=2)
"""A worker asks again at least once a minute; the server remembers its last question for five."""
_ROLES: Final = {naming.PUBLISHER_QUEUE: "publisher", naming.ANALYST_QUEUE: "analyst"}
_KINDS: Final = (
    (naming.PUBLISHER_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, "workflows"),
    (naming.PUBLISHER_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, "activities"),
    (naming.ANALYST_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, "activities"),
)


async def examine_temporal() -> tuple[Finding, ...]:
    """What is wrong with the Temporal that the environment names, and who serves its queues.

    Raises:
        ConfigurationError: The Temporal client configuration is unusable.
    """
    retries = RetryConfig(max_elapsed_time_millis=int(_CALL.total_seconds() * 1_000))
    try:
        client = await connect(connect_timeout=_CALL, retry_config=retries)
    except TemporalUnreachableError as error:
        return (problem(TEMPORAL, str(error), "`regreen up` brings one along"),)
    try:
        system = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_CALL)
        namespace = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), timeout=_CALL
        )
        kept = namespace.config.workflow_execution_retention_ttl.ToTimedelta()
        found = [
            fine(
                TEMPORAL,
                f"{client.service_client.config.target_host}, namespace {client.namespace}, server "
                f"{system.server_version}, ended remediations are kept {kept.days} days",
            )
        ]
        found += await _examine_search_attributes(client)
        for queue, kind, words in _KINDS:
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=client.namespace,
                    task_queue=TaskQueue(name=queue),
                    task_queue_type=kind,
                    report_stats=True,
                ),
                timeout=_CALL,
            )
            found += judge_queue(f"{queue} ({words})", _ROLES[queue], answer, datetime.now(UTC))
    except RPCError as error:
        remedy = "look at TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the credential"
        return (problem(TEMPORAL, f"{error.status.name.lower()}: {error}", remedy),)
    return tuple(found)


async def _examine_search_attributes(client: Client) -> list[Finding]:
    try:
        listed = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_CALL
        )
    except RPCError as error:
        if error.status not in {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}:
            raise
        return [
            warning(TEMPORAL, "this credential may not see the search attributes", "ask an administrator")
        ]
    known = set(listed.custom_attributes)
    missing = [key.name for key in naming.SEARCH_ATTRIBUTES if key.name not in known]
    if not missing:
        return [fine(TEMPORAL, "every search attribute is there")]
    return [
        problem(
            TEMPORAL,
            f"search attributes are missing: {', '.join(missing)}",
            "start a worker or the webhook service with a credential that may add them",
        )
    ]


def judge_queue(queue: str, role: str, answer: DescribeTaskQueueResponse, now: datetime) -> Iterator[Finding]:
    """What Temporal says of who polls a queue.

    Args:
        queue: Its name, for people.
        role: Which worker serves it.
        answer: What Temporal says.
        now: To tell who has fallen silent.
    """
    polling = [each for each in answer.pollers if now - _last(each) <= _LONGEST_SILENCE]
    waiting = answer.stats.approximate_backlog_count
    backlog = (
        f"; {waiting} waiting for {answer.stats.approximate_backlog_age.ToTimedelta()}" if waiting else ""
    )
    if not polling:
        seen = max((_last(each) for each in answer.pollers), default=None)
        since = f" since {seen:%H:%M:%S} UTC" if seen else ""
        yield problem(
            QUEUES, f"{queue}: nobody polls it{since}{backlog}", f"start `regreen worker --role {role}`"
        )
        return
    yield fine(QUEUES, f"{queue}: {', '.join(sorted(map(_who, polling)))}{backlog}")
    current = answer.versioning_info.current_deployment_version
    builds = {(each.deployment_options.deployment_name, each.deployment_options.build_id) for each in polling}
    if current.build_id and (current.deployment_name, current.build_id) not in builds:
        yield problem(
            QUEUES,
            f"{queue}: nobody of the current version {current.deployment_name}.{current.build_id} polls it",
            "start workers of that version, or make another one current: "
            "`temporal worker deployment set-current-version`",
        )


def _who(poller: PollerInfo) -> str:
    """A worker and its build, where it has one."""
    options = poller.deployment_options
    if options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED:
        return f"{poller.identity} (build {options.deployment_name}.{options.build_id})"
    build = options.build_id or poller.worker_version_capabilities.build_id
    return f"{poller.identity} (build {build}, unversioned)" if build else poller.identity


def _last(poller: PollerInfo) -> datetime:
    return poller.last_access_time.ToDatetime(UTC)
