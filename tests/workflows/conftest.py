import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from scripted import ScriptedActivities, serving, start
from workflows import models
from workflows.naming import SEARCH_ATTRIBUTES

Remediate = Callable[..., Awaitable[models.RemediationResult]]


@asynccontextmanager
async def _skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    binary = Path(sys.executable).parent / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(binary), data_converter=pydantic_data_converter
    ) as environment:
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={
                    key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in SEARCH_ATTRIBUTES
                },
            )
        )
        yield environment


@pytest.fixture(scope="session")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with _skipping_server() as environment:
        yield environment


@pytest.fixture
async def own_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server of the test's own: an activity abandoned by its workflow keeps time from skipping."""
    async with _skipping_server() as environment:
        yield environment


@pytest.fixture
def remediate(skipping: WorkflowEnvironment) -> Remediate:
    """Runs a whole remediation against a script, skipping time."""

    async def run(
        script: ScriptedActivities, *, options: dict[str, Any] | None = None, **request: Any
    ) -> models.RemediationResult:
        async with serving(skipping.client, script, **(options or {})):
            handle = await start(skipping.client, **request)
            return await handle.result()

    return run
