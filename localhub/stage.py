"""Everything a remediation needs, on this machine: Temporal, a GitHub, the worker and the starter.

The worker and the starter are the production processes, started with the production command; only base URL
and credentials differ from a real installation.
"""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx2
from starlette.middleware import Middleware
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError

from localhub.faults import Faults
from localhub.server import LocalHub
from workflows.codec import KeyRing, data_converter
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE, SEARCH_ATTRIBUTES

REPOSITORY: Final = "acme/widgets"
READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "CARGO_HOME", "RUSTUP_HOME", "SSL_CERT_FILE")
_PUBLISHER_MAY: Final = {
    "metadata": "read",
    "actions": "write",
    "checks": "read",
    "contents": "write",
    "issues": "read",
    "pull_requests": "write",
    "statuses": "read",
    "workflows": "write",
}
_READER_MAY: Final = dict.fromkeys(("metadata", "actions", "checks", "contents", "pull_requests"), "read")
_HOOK_EVENTS: Final = ("workflow_run", "check_suite", "pull_request", "issue_comment")


class StageError(Exception):
    """A part of the stage did not start or ended early; the text says which and what it printed."""


@dataclass
class _Process:
    name: str
    process: asyncio.subprocess.Process
    log: Path

    def complaint(self) -> str:
        last = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        return f"the {self.name} ended with status {self.process.returncode}: " + " / ".join(last)


class Stage:
    """Temporal dev server with its Web UI, local GitHub, worker and starter, in one temporary folder.

    Args:
        settings: Further `REGREEN_…` variables for worker and starter.
        hub_runs: How many workflow runs the local GitHub executes at once.
        hub_middleware: Wraps the local GitHub's API, to watch it.
        faults: What goes wrong at the local GitHub.
        api_root: Where its API is taken to be: `/api/v3` as on GitHub Enterprise Server, or nothing.
    """

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        hub_runs: int = 2,
        hub_middleware: Sequence[Middleware] = (),
        faults: Faults | None = None,
        api_root: str = "",
    ) -> None:
        self._settings = dict(settings or {})
        self._hub_runs = hub_runs
        self._hub_middleware = hub_middleware
        self._faults = faults
        self._api_root = api_root
        self._stack = AsyncExitStack()
        self._environment: dict[str, str] = {}
        self.processes: dict[str, _Process] = {}

    hub: LocalHub
    client: Client
    folder: Path
    address: str
    ui: str
    starter_url: str

    async def __aenter__(self) -> Self:
        try:
            await self._raise_curtain()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _raise_curtain(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="regreen-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.hub = await self._stack.enter_async_context(
            LocalHub(
                self.folder / "github",
                parallel_runs=self._hub_runs,
                middleware=self._hub_middleware,
                faults=self._faults,
            )
        )
        await self._start_temporal()
        await self._settle()
        await self.add_repository(REPOSITORY)
        await asyncio.gather(self.start("starter", "serve"), self.start("worker", "worker"))
        await asyncio.gather(self._starter_ready(), self.worker_ready())

    async def _start_temporal(self) -> None:
        port, ui_port = _free_port(), _free_port()
        attributes = [f"{key.name}={key.indexed_value_type.name.title()}" for key in SEARCH_ATTRIBUTES]
        self.address, self.ui = f"127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}"
        await self._spawn(
            "temporal",
            [
                *(str(beside_python("temporal")), "server", "start-dev", "--ip", "127.0.0.1"),
                *("--port", str(port), "--ui-port", str(ui_port), "--log-level", "error"),
                *(word for attribute in attributes for word in ("--search-attribute", attribute)),
            ],
            {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        )
        async for _ in self._patience("temporal"):
            with suppress(RuntimeError, RPCError):
                self.client = await Client.connect(self.address, data_converter=self._converter())
                return

    def _converter(self) -> DataConverter:
        keys = self._settings.get("REGREEN_PAYLOAD_KEYS")
        return data_converter(KeyRing.parse(keys) if keys else None)

    async def _settle(self) -> None:
        """Install two apps (writer and reader), and prepare the environment of the two processes."""
        port, secret = _free_port(), secrets.token_hex(20)
        owner = REPOSITORY.split("/")[0]
        writer = await self.hub.create_app(owner=owner, permissions=_PUBLISHER_MAY)
        reader = await self.hub.create_app(owner=owner, permissions=_READER_MAY, slug="regreen-reader")
        self.starter_url = f"http://127.0.0.1:{port}"
        self._environment = {
            **{name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            "TEMPORAL_ADDRESS": self.address,
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self.folder),
            "REGREEN_WEBHOOK_SECRET": secret,
            "REGREEN_PORT": str(port),
            "REGREEN_GITHUB_API_URL": self.hub.url + self._api_root,
            "REGREEN_GITHUB_URL": self.hub.url,
            "REGREEN_PUBLISHER_APP_ID": str(writer.app_id),
            "REGREEN_PUBLISHER_PRIVATE_KEY": writer.private_key,
            "REGREEN_READER_APP_ID": str(reader.app_id),
            "REGREEN_READER_PRIVATE_KEY": reader.private_key,
            "REGREEN_CACHE_DIR": str(self.folder / "cache"),
            # The pause protects GitHub from many of us; here it would only be watched.
            "REGREEN_GITHUB_WRITE_SPACING": "0s",
            # No webhook gets lost here, unless somebody wants to see that.
            "REGREEN_SWEEP_INTERVAL": "0s",
            **self._settings,
        }

    def settings_of_the_worker(self) -> Mapping[str, str]:
        """The variables with which the worker reaches Temporal and the local GitHub."""
        return dict(self._environment)

    async def add_repository(self, full_name: str) -> None:
        """Make an empty repository ("owner/name", of the same owner) whose events the starter hears."""
        await self.hub.create_repository(full_name, collaborators={"dev": "write"})
        secret = self._environment["REGREEN_WEBHOOK_SECRET"]
        self.hub.add_webhook(full_name, f"{self.starter_url}/webhook", secret, _HOOK_EVENTS)

    async def start(self, name: str, command: str, settings: Mapping[str, str] | None = None) -> None:
        """Start a `regreen` process, with further variables of its own; it ends with the stage."""
        arguments = [sys.executable, "-m", "starter.cli", command]
        environment = self._environment | {"PYTHONPATH": _import_path()} | dict(settings or {})
        await self._spawn(name, arguments, environment)

    async def _spawn(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process in a session of its own, so that Ctrl-C reaches the stage alone."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                cwd=self.folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes[name] = _Process(name, process, log)
        self._stack.push_async_callback(self.stop, name)

    async def stop(self, name: str, *, kill: bool = False) -> None:
        """End a process: politely, or with SIGKILL."""
        running = self.processes[name].process
        if running.returncode is not None:
            return
        # os.kill, because asyncio's send_signal may reap the process behind the back of its own watcher.
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL if kill else signal.SIGTERM)
        try:
            await asyncio.wait_for(running.wait(), _STOP_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            await running.wait()

    async def _starter_ready(self) -> None:
        async with httpx2.AsyncClient() as http:
            async for _ in self._patience("starter"):
                with suppress(httpx2.HTTPError):
                    if (await http.get(f"{self.starter_url}/readyz")).is_success:
                        return

    async def worker_ready(self) -> None:
        """Return once both queues are polled."""
        async for _ in self._patience("worker"):
            if await self._polled(PUBLISHER_QUEUE) and await self._polled(ANALYST_QUEUE):
                return

    async def _polled(self, queue: str) -> bool:
        answer = await self.client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self.client.namespace,
                task_queue=TaskQueue(name=queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            ),
            retry=True,  # a connection that has just been made may break on a busy machine
        )
        return bool(answer.pollers)

    async def _patience(self, name: str) -> AsyncIterator[None]:
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            self.check(name)
            yield
            await asyncio.sleep(0.05)
        raise StageError(f"the {name} was not ready after {READY_SECONDS:.0f} s")

    def check(self, name: str) -> None:
        """Raise where a process has ended that should be running."""
        found = self.processes.get(name)
        if found is not None and found.process.returncode is not None:
            raise StageError(found.complaint())


def beside_python(tool: str) -> Path:
    """The tool of this Python environment, else the one on PATH.

    Raises:
        StageError: There is none.
    """
    here = Path(sys.executable).parent / tool
    found = str(here) if here.exists() else shutil.which(tool)
    if found is None:
        raise StageError(f"{tool} is not installed; `make install` brings it")
    return Path(found)


def _import_path() -> str:
    return str(Path(__file__).resolve().parent.parent)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
