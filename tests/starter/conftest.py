from collections.abc import Iterator

import pytest
from temporalio.client import Client

from temporal_server import dev_server
from workflows.connection import connect
from workflows.naming import SEARCH_ATTRIBUTES


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    with dev_server(SEARCH_ATTRIBUTES) as address:
        yield address


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await connect(target_host=temporal_address)
