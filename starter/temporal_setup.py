"""What Regreen needs at Temporal: a namespace, its retention, search attributes, a build for new work."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeWorkerDeploymentRequest,
    RegisterNamespaceRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.connection import (
    NOT_PERMITTED,
    SearchAttributesError,
    on_cloud,
    register_search_attributes,
)

DEFAULT_RETENTION: Final = timedelta(days=30)
"""Of a namespace made here. A failed run that GitHub reports again within it starts nothing."""
_PATIENCE_SECONDS: Final = 60.0
"""For a new namespace to be known everywhere, and for the workers of a new build to be seen."""
_PAUSE_SECONDS: Final = 0.5

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One thing that was looked at, and made where it was missing."""

    part: str
    """`namespace`, `attributes` or `build`."""
    done: bool
    """It is now as Regreen needs it."""
    changed: bool
    text: str
    command: str = ""
    """What an administrator must run, where this credential may not."""


async def set_up(
    client: Client, *, retention: timedelta | None = None, current: tuple[str, str] | None = None
) -> tuple[Step, ...]:
    """Bring the client's namespace into the state that Regreen needs. Repeating it changes nothing.

    Args:
        client: Connected to the server; its namespace need not exist.
        retention: How long ended remediations are kept, at least a day. None leaves a namespace that
            exists as it is, and makes a new one with `DEFAULT_RETENTION`.
        current: Deployment name and build id of the workers that shall start new remediations.

    Raises:
        RPCError: The server did not answer, or refused for another reason than permission.
    """
    steps = [await _namespace(client, retention)]
    if steps[0].done or not steps[0].command.startswith(_CREATE):
        steps.append(await _attributes(client))
        if current is not None:
            steps.append(await _build(client, *current))
    return tuple(steps)


_CREATE: Final = ("temporal operator namespace create", "tcld namespace create")


async def _namespace(client: Client, retention: timedelta | None) -> Step:
    name, service = client.namespace, client.workflow_service
    try:
        found = await service.describe_namespace(DescribeNamespaceRequest(namespace=name))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return await _create(client, retention or DEFAULT_RETENTION)
        if error.status in NOT_PERMITTED:
            text = f"this credential may not look at {name}; taken to exist"
            return Step("namespace", done=retention is None, changed=False, text=text)
        raise
    kept = found.config.workflow_execution_retention_ttl.ToTimedelta()
    if retention in {None, kept}:
        text = f"{name} exists, and keeps ended remediations for {_days(kept)}"
        return Step("namespace", done=True, changed=False, text=text)
    assert retention is not None  # noqa: S101 — for the type checker: the set above holds None
    try:
        await service.update_namespace(
            UpdateNamespaceRequest(
                namespace=name, config=NamespaceConfig(workflow_execution_retention_ttl=_proto(retention))
            )
        )
    except RPCError as error:
        if error.status not in NOT_PERMITTED:
            raise
        text = f"{name} keeps ended remediations for {_days(kept)}; this credential may not change that"
        return Step("namespace", done=False, changed=False, text=text, command=_retention(client, retention))
    text = f"{name} now keeps ended remediations for {_days(retention)} instead of {_days(kept)}"
    return Step("namespace", done=True, changed=True, text=text)


async def _create(client: Client, retention: timedelta) -> Step:
    name = client.namespace
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=_proto(retention))
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:  # where it is, another process was faster
            if error.status not in NOT_PERMITTED:
                raise
            text = f"{name} does not exist, and this credential may not create it"
            command = _creation(client, retention)
            return Step("namespace", done=False, changed=False, text=text, command=command)
    text = f"{name} was created, and keeps ended remediations for {_days(retention)}"
    return Step("namespace", done=True, changed=True, text=text)


async def _attributes(client: Client) -> Step:
    try:
        added = await _patiently(lambda: register_search_attributes(client), RPCStatusCode.NOT_FOUND)
    except SearchAttributesError as error:
        text, _, command = str(error).partition("; let an administrator run: ")
        return Step("attributes", done=False, changed=False, text=text, command=command)
    text = f"added: {', '.join(added)}" if added else "all there"
    return Step("attributes", done=True, changed=bool(added), text=text)


async def _build(client: Client, deployment: str, build: str) -> Step:
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=deployment, build_id=build, identity="regreen setup"
    )
    try:
        # Not taken from the answer: that may be the second one, to a request that has taken effect already.
        before = await _current_build(client, deployment)
        if before == build:
            text = f"{build} of {deployment} starts new remediations, as before"
            return Step("build", done=True, changed=False, text=text)
        await _patiently(
            lambda: client.workflow_service.set_worker_deployment_current_version(request),
            RPCStatusCode.NOT_FOUND,
            RPCStatusCode.FAILED_PRECONDITION,
        )
    except RPCError as error:
        text = f"{build} of {deployment} could not be made the current build: {error.message}"
        command = (
            f"temporal worker deployment set-current-version --namespace {client.namespace} "
            f"--deployment-name {deployment} --build-id {build}"
        )
        return Step("build", done=False, changed=False, text=text, command=command)
    text = f"{build} of {deployment} starts new remediations now"
    if before:
        text += f"; those that {before} started stay with it"
    return Step("build", done=True, changed=True, text=text)


async def _current_build(client: Client, deployment: str) -> str:
    """The build that starts new remediations; empty where there is none."""
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
    try:
        found = await client.workflow_service.describe_worker_deployment(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return ""
    return found.worker_deployment_info.routing_config.current_deployment_version.build_id


async def _patiently(ask: Callable[[], Awaitable[T]], *not_yet: RPCStatusCode) -> T:
    """Ask again while the answer is one of `not_yet`; then let it be the answer."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except RPCError as error:
            if error.status not in not_yet or time.monotonic() > deadline:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


def _creation(client: Client, retention: timedelta) -> str:
    name = client.namespace
    if on_cloud(client.service_client.config.target_host):
        short = name.rsplit(".", 1)[0]
        create = f"tcld namespace create --namespace {short} --region REGION --auth-method api_key"
        return f"{create} --retention-days {_whole_days(retention)}"
    return f"temporal operator namespace create --namespace {name} --retention {_whole_days(retention)}d"


def _retention(client: Client, retention: timedelta) -> str:
    name, days = client.namespace, _whole_days(retention)
    if on_cloud(client.service_client.config.target_host):
        return f"tcld namespace retention set --namespace {name} --retention-days {days}"
    return f"temporal operator namespace update --namespace {name} --retention {days}d"


def _whole_days(span: timedelta) -> int:
    return max(1, round(span / timedelta(days=1)))


def _days(span: timedelta) -> str:
    hours = round(span / timedelta(hours=1))
    count, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{count} {unit}{'s' * (count != 1)}"


def _proto(span: timedelta) -> Duration:
    found = Duration()
    found.FromTimedelta(span)
    return found
