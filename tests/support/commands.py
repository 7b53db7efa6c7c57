"""The `regreen` command as a person starts it, on a GitHub of this machine."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from localhub import LocalHub
from localhub.records import Run
from localhub.scenarios import Scenario, scenario

ROOT: Final = Path(__file__).resolve().parents[2]
REPOSITORY: Final = "acme/widgets"


class Told(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


async def regreen(*arguments: str, cwd: Path, environment: Mapping[str, str]) -> Told:
    """Run the command to its end, without the variables of this process but for PATH and HOME."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "starter.cli", *arguments),
        cwd=cwd,
        env={**bare_environment(), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Told(process.returncode, out.decode(), err.decode())


def bare_environment() -> dict[str, str]:
    """What every process gets."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT)}


def known_scenario(name: str) -> Scenario:
    """A scenario of that name."""
    found = scenario(name)
    assert found is not None
    return found


async def break_ci(hub: LocalHub, name: str, repository: str = REPOSITORY) -> Run:
    """Push a scenario's green repository and the commit that breaks it; the failed run."""
    chosen = known_scenario(name)
    await hub.commit(repository, "main", chosen.files, "Start")
    await hub.idle()
    sha = await hub.commit(repository, "main", chosen.breaking, chosen.message)
    await hub.idle()
    [run] = [run for run in hub.repository(repository).runs.values() if run.head.sha == sha]
    assert run.latest.conclusion == "failure"
    return run
