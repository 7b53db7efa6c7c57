from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from localhub import LocalHub
from localhub.serving import Listener
from tests.localhub.probes import GREEN, REPOSITORY, Api, Receiver, Schemas


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[LocalHub]:
    async with LocalHub(tmp_path / "hub") as running:
        yield running


@pytest.fixture
async def api(hub: LocalHub) -> AsyncIterator[Api]:
    """A client with all of acme's rights, on a repository whose CI is green."""
    await hub.create_repository(REPOSITORY, files=GREEN, collaborators={"dev": "write"})
    headers = {"Authorization": f"Bearer {hub.add_token('acme')}"}
    async with httpx2.AsyncClient(base_url=hub.url, headers=headers, trust_env=False) as http:
        yield Api(http)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    listener = Listener(0)
    made = Receiver(f"{listener.url}/webhook")
    await listener.serve(Starlette(routes=[Route("/webhook", made.take, methods=["POST"])]))
    yield made
    await listener.stop()


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    return Schemas()
