"""`regreen up`: everything on one machine, killed in the middle and started again."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest
from exactly_once import assert_fixed_once
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from activities.adapters.permissions import EVENTS, OPTIONAL, PUBLISHER, READER
from commands import REPOSITORY, bare_environment, known_scenario, regreen
from localhub import LocalHub
from workflows.connection import connect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SECRET: Final = "a-secret"
WRITTEN: Final = re.compile(r"POST .*/pulls")
"""The call in whose middle everything is killed: it took effect, and nobody learns of it."""


class Killer:
    def __init__(self) -> None:
        self.victim: asyncio.subprocess.Process | None = None
        self.done = asyncio.Event()


class Killing:
    def __init__(self, app: ASGIApp, killer: Killer) -> None:
        self._app = app
        self._killer = killer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        victim = self._killer.victim
        call = f"{scope.get('method')} {scope.get('path')}"
        if victim is None or self._killer.done.is_set() or not WRITTEN.fullmatch(call):
            await self._app(scope, receive, send)
            return

        async def swallow(_message: Message) -> None:
            """The answer never arrives."""

        await self._app(scope, receive, swallow)
        victim.kill()
        await victim.wait()
        self._killer.done.set()


class Place:
    """A folder with a database, and the ports that belong to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporal, self.ui, self.webhook = free_ports(3)
        self.environment = bare_environment()

    def arguments(self) -> Sequence[str]:
        database = str(self.folder / "state" / "temporal.db")
        ports = ("--temporal-port", str(self.temporal), "--ui-port", str(self.ui))
        return (sys.executable, "-m", "starter.cli", "up", "--database", database, *ports)

    async def settle(self, hub: LocalHub) -> None:
        await hub.create_repository(REPOSITORY, collaborators={"dev": "write"})
        writer = await hub.create_app(owner="acme", permissions={**PUBLISHER, **OPTIONAL})
        reader = await hub.create_app(owner="acme", permissions=READER, slug="regreen-reader")
        hub.add_webhook(REPOSITORY, f"http://127.0.0.1:{self.webhook}/webhook", SECRET, tuple(EVENTS))
        self.environment |= {
            "TMPDIR": str(self.folder),
            "TEMPORAL_ADDRESS": "127.0.0.1:9",
            "REGREEN_WEBHOOK_SECRET": SECRET,
            "REGREEN_PORT": str(self.webhook),
            "REGREEN_CI_POLL": "2s",
            "REGREEN_GITHUB_API_URL": hub.url,
            "REGREEN_GITHUB_URL": hub.url,
            "REGREEN_GITHUB_WRITE_SPACING": "0s",
            "REGREEN_PUBLISHER_APP_ID": str(writer.app_id),
            "REGREEN_PUBLISHER_PRIVATE_KEY": writer.private_key,
            "REGREEN_READER_APP_ID": str(reader.app_id),
            "REGREEN_READER_PRIVATE_KEY": reader.private_key,
            "REGREEN_CACHE_DIR": str(self.folder / "cache"),
        }

    @asynccontextmanager
    async def up(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Running and ready; interrupted at the end, as with Ctrl-C."""
        with (self.folder / "up.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self.arguments(), cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        try:
            await self._ready(process)
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            await process.wait()

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        async with httpx2.AsyncClient(trust_env=False) as http:
            for _ in range(1_200):
                assert process.returncode is None, self.said()
                try:
                    if (await http.get(f"http://127.0.0.1:{self.webhook}/readyz")).is_success:
                        return
                except httpx2.HTTPError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(self.said())

    def said(self) -> str:
        return (self.folder / "up.log").read_text(encoding="utf-8")

    def leftovers(self) -> list[str]:
        """Processes that still know of this folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if str(self.folder).encode() in line and int(process.name) != os.getpid():
                found.append(process.name)
        return found


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


async def test_a_remediation_survives_the_death_of_everything_and_ends_fixed_once(tmp_path: Path) -> None:
    killer, place = Killer(), Place(tmp_path)
    lint = known_scenario("lint")
    async with LocalHub(tmp_path / "hub", middleware=[Middleware(Killing, killer=killer)]) as hub:
        await place.settle(hub)
        await hub.commit(REPOSITORY, "main", lint.files, "Start")
        await hub.idle()
        async with place.up() as first:
            killer.victim = first
            main = await hub.commit(REPOSITORY, "main", lint.breaking, lint.message)
            await asyncio.wait_for(killer.done.wait(), 240)
        assert first.returncode == -signal.SIGKILL
        for _ in range(100):
            if not place.leftovers():
                break
            await asyncio.sleep(0.1)
        assert place.leftovers() == []

        async with place.up() as second:
            client = await connect(target_host=f"127.0.0.1:{place.temporal}")
            await assert_fixed_once(hub, client, main)
            listed = await regreen(
                "list", cwd=tmp_path, environment={"TEMPORAL_ADDRESS": f"127.0.0.1:{place.temporal}"}
            )
        assert "fixed" in listed.out
        assert second.returncode == 0, place.said()
    assert place.leftovers() == []


async def test_a_missing_setting_is_one_line_before_anything_starts(tmp_path: Path) -> None:
    told = await regreen("up", cwd=tmp_path, environment={"REGREEN_WEBHOOK_SECRET": "s"})

    assert told.status == 2
    assert told.err.count("\n") == 1
    assert "REGREEN_PUBLISHER_TOKEN" in told.err


async def test_a_port_that_is_taken_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = {"REGREEN_WEBHOOK_SECRET": "s", "REGREEN_PUBLISHER_TOKEN": "t"}
        told = await regreen(
            "up", "--temporal-port", str(port), "--database", "x.db", cwd=tmp_path, environment=settings
        )

    assert told.status == 1
    assert f"something else listens at 127.0.0.1:{port}" in told.err


async def test_a_part_that_ends_by_itself_ends_the_whole_and_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path)
    settings = {
        "TMPDIR": str(tmp_path),
        "REGREEN_WEBHOOK_SECRET": "s",
        "REGREEN_PUBLISHER_TOKEN": "t",
        "REGREEN_PORT": str(place.webhook),
    }
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", place.webhook))
        taken.listen()
        told = await regreen(*place.arguments()[3:], cwd=tmp_path, environment=settings)

    assert told.status == 1
    assert "the webhook service ended by itself" in told.err
    assert place.leftovers() == []
