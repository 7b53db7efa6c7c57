"""How long a worker takes from its start until it serves, beside the import of the SDK it stands on.

Run by `make bench`. Every number is taken in one run on one machine, so that the ratio means something
wherever it runs.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from localhub.stage import Stage
from worker import Role

_BASELINE: Final = "import temporalio.worker"
_OURS: Final = "import worker"
_SERVING: Final = b"serving as"
"""The worker's log line once its queues are polled."""
_ROOT: Final = Path(__file__).resolve().parent.parent


async def import_seconds(statement: str) -> float:
    """Seconds of a Python process that does nothing but import."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", statement, cwd=_ROOT)
    if await process.wait():
        raise RuntimeError(f"`{statement}` failed")
    return time.perf_counter() - started


async def start_seconds(address: str, role: Role) -> float:
    """Seconds from starting `regreen worker` until it serves the role's queue at the server `address`."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "starter.cli", "worker", "--role", role),
            cwd=folder,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": str(_ROOT),
                "TEMPORAL_ADDRESS": address,
                "REGREEN_PUBLISHER_TOKEN": "never-used",
                "REGREEN_CACHE_DIR": folder,
            },
            stderr=asyncio.subprocess.PIPE,
        )
        said = b""
        if process.stderr is not None:
            async for said in process.stderr:
                if _SERVING in said:
                    break
        taken = time.perf_counter() - started
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        if _SERVING not in said:
            raise RuntimeError(f"the {role} worker did not start: {said.decode(errors='replace').strip()}")
        return taken


async def measure(rounds: int) -> dict[str, float]:
    """Medians over `rounds`, in seconds, and their ratio to the baseline."""
    samples: dict[str, list[float]] = {"baseline": [], "imported": [], "publisher": [], "analyst": []}
    async with Stage() as stage:
        for number in range(rounds + 1):
            sys.stderr.write(f"\rworker start {number} of {rounds} ")
            samples["baseline"].append(await import_seconds(_BASELINE))
            samples["imported"].append(await import_seconds(_OURS))
            samples["publisher"].append(await start_seconds(stage.address, Role.PUBLISHER))
            samples["analyst"].append(await start_seconds(stage.address, Role.ANALYST))
    sys.stderr.write("\n")
    medians = {name: statistics.median(taken[1:]) for name, taken in samples.items()}
    return {
        "rounds": rounds,
        "sdk_import_s": round(medians["baseline"], 3),
        "worker_import_s": round(medians["imported"], 3),
        "publisher_serves_s": round(medians["publisher"], 3),
        "analyst_serves_s": round(medians["analyst"], 3),
        "publisher_serves_over_sdk_import": round(medians["publisher"] / medians["baseline"], 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="starts measured, after one to warm up")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.rounds))
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"median of {arguments.rounds} starts of a worker process")
    print(f"  start to serving, publisher       {found['publisher_serves_s']:7.3f} s   target < 3 s")
    print(f"  start to serving, analyst         {found['analyst_serves_s']:7.3f} s   target < 3 s")
    print(f"  python -c '{_OURS}'          {found['worker_import_s']:7.3f} s")
    print(f"  python -c '{_BASELINE}' {found['sdk_import_s']:7.3f} s")
    print(f"  publisher / SDK import            {found['publisher_serves_over_sdk_import']:7.1f} x")


if __name__ == "__main__":
    main()
