import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from localhub.demo import SKIPPED, Summary
from localhub.scenarios import SCENARIOS
from workflows.models import Outcome

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


class Demo:
    """The command as a person starts it, with a temporary folder of its own to look for leftovers in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "starter.cli", "simulate", *arguments),
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.folder)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    def leftovers(self) -> list[str]:
        files = [str(path) for path in self.folder.iterdir()]
        return files + [
            line for line in map(_command_line, Path("/proc").glob("[0-9]*")) if str(self.folder) in line
        ]


def _command_line(process: Path) -> str:
    try:
        environment = (process / "environ").read_bytes()
        return (
            f"{process.name} "
            + (process / "cmdline").read_bytes().decode()
            + environment.decode(errors="replace")
        )
    except OSError:
        return ""


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


@pytest.mark.parametrize("name", [scenario.name for scenario in SCENARIOS])
async def test_a_scenario_ends_as_it_promises_and_leaves_nothing_behind(demo: Demo, name: str) -> None:
    process = await demo.start(name, "--json")
    out, err = await process.communicate()
    if process.returncode == SKIPPED:
        pytest.skip(err.decode())
    assert process.returncode == 0, err.decode()
    assert len(out.splitlines()) == 1, "standard output carries the JSON object alone"
    told: dict[str, Any] = json.loads(out)
    assert list(told) == list(Summary.model_fields)
    assert told["scenario"] == name
    fixed = told["outcome"] == Outcome.FIXED
    assert (told["pull_request"] is not None) is fixed
    assert (told["time_to_green_s"] is not None) is fixed
    assert told["strategy"] == (("model" if name == "model" else "recipe") if fixed else None)
    assert told["workflow_id"].startswith("ci-remediation/acme/widgets/")
    assert told["attempts"] != 1 or told["history_events"] < 100
    assert demo.leftovers() == []


async def test_ctrl_c_in_the_middle_leaves_nothing_behind(demo: Demo) -> None:
    process = await demo.start("lint")
    assert process.stdout is not None
    while b"patching" not in (line := await process.stdout.readline()):
        assert line, "the demo ended before it could be interrupted"
    os.killpg(process.pid, signal.SIGINT)
    out, _ = await process.communicate()
    assert b"Interrupted" in out
    assert process.returncode == 130
    assert demo.leftovers() == []


async def test_an_unknown_scenario_is_answered_with_those_there_are(demo: Demo) -> None:
    process = await demo.start("lintt")
    out, _ = await process.communicate()
    assert process.returncode == 2
    assert b"two-attempts" in out


async def test_the_list_names_every_scenario(demo: Demo) -> None:
    process = await demo.start("list")
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert all(scenario.name.encode() in out for scenario in SCENARIOS)
