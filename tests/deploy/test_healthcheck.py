import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final

import pytest
from temporalio import activity
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

from temporal_server import dev_server
from workflows.connection import connect
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE
from workflows.remediation import RemediationWorkflow

ROOT: Final = Path(__file__).parents[2]


def check(role: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    # no shell and nothing but this script: its own folder comes first on the path, as in the image
    return subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "healthcheck.py"), role],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with dev_server() as found:
        yield found


class Alive(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — http.server's signature
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Alive) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_starter_that_answers_is_healthy(port: int) -> None:
    assert check("starter", REGREEN_PORT=str(port)).returncode == 0


def test_a_codec_server_is_asked_at_its_own_port(port: int) -> None:
    assert check("codec-server", REGREEN_CODEC_PORT=str(port)).returncode == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = str(taken.getsockname()[1])
        assert check("codec-server", REGREEN_PORT=str(port), REGREEN_CODEC_PORT=closed).returncode == 1


def test_a_starter_that_does_not_answer_is_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = check("starter", REGREEN_PORT=str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert "does not answer" in result.stderr


@activity.defn
async def nothing() -> None:
    """An activity: a worker needs one."""


async def test_a_worker_that_polls_is_healthy_and_only_for_its_own_queue(address: str) -> None:
    client = await connect(target_host=address)
    async with Worker(client, task_queue=PUBLISHER_QUEUE, activities=[nothing]):
        for _ in range(50):
            result = await asyncio.to_thread(check, "publisher", TEMPORAL_ADDRESS=address)
            if result.returncode == 0:
                break
        assert result.returncode == 0, result.stderr
        other = await asyncio.to_thread(check, "analyst", TEMPORAL_ADDRESS=address)
    assert other.returncode == 1
    assert f"no worker of this host polls {ANALYST_QUEUE}" in other.stderr


async def test_a_worker_of_one_build_among_others_is_healthy_though_it_is_not_the_current_one(
    address: str,
) -> None:
    client = await connect(target_host=address)
    version = WorkerDeploymentVersion("regreen", "0.1.0")
    async with Worker(
        client,
        task_queue=PUBLISHER_QUEUE,
        workflows=[RemediationWorkflow],
        activities=[nothing],
        deployment_config=WorkerDeploymentConfig(
            version, use_worker_versioning=True, default_versioning_behavior=VersioningBehavior.PINNED
        ),
    ):
        for _ in range(50):
            result = await asyncio.to_thread(check, "publisher", TEMPORAL_ADDRESS=address)
            if result.returncode == 0:
                break
    assert result.returncode == 0, result.stderr


def test_a_worker_without_temporal_is_not_healthy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = check("analyst", TEMPORAL_ADDRESS=f"127.0.0.1:{taken.getsockname()[1]}")
    assert result.returncode == 1
    assert "Temporal does not answer" in result.stderr


def test_a_role_that_is_none_is_not_healthy() -> None:
    assert check("janitor").returncode == 1
