"""A real Temporal server for one test module or session, on a free port of this machine."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from temporalio.common import SearchAttributeKey
from temporalio.testing import WorkflowEnvironment


@contextmanager
def dev_server(
    search_attributes: Sequence[SearchAttributeKey[Any]] = (), *, port: int | None = None
) -> Iterator[str]:
    """The address of a fresh in-memory dev server; gone at the end. Not for use inside a running loop."""
    with asyncio.Runner() as runner:
        environment = runner.run(
            WorkflowEnvironment.start_local(
                dev_server_existing_path=str(Path(sys.executable).with_name("temporal")),
                search_attributes=search_attributes,
                port=port,
            )
        )
        try:
            yield environment.client.service_client.config.target_host
        finally:
            runner.run(environment.shutdown())
