"""How long a worker takes from its start until it polls, beside the import of the SDK it stands on.

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

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from localhub.stage import beside_python
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE, SEARCH_ATTRIBUTES

_BASELINE: Final = "import temporalio.worker"
_OURS: Final = "import worker"
_LOOK_SECONDS: Final = 0.01
_PATIENCE_SECONDS: Final = 30.0
_ROOT: Final = Path(__file__).resolve().parent.parent


async def import_seconds(statement: str) -> float:
    """Seconds of a Python process that does nothing but import."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", statement, cwd=_ROOT)
    if await process.wait():
        raise RuntimeError(f"`{statement}` failed")
    return time.perf_counter() - started


async def start_seconds(role: str, queue: str) -> float:
    """Seconds from starting `regreen worker` until `queue` of a fresh server is polled."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(beside_python("temporal")), search_attributes=SEARCH_ATTRIBUTES
    ) as environment:
        with tempfile.TemporaryDirectory() as folder:
            return await _until_polled(environment.client, role, queue, Path(folder))


async def _until_polled(client: Client, role: str, queue: str, folder: Path) -> float:
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "starter.cli", "worker", "--role", role),
        cwd=folder,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(_ROOT),
            "TEMPORAL_ADDRESS": client.service_client.config.target_host,
            "REGREEN_PUBLISHER_TOKEN": "never-used",
            "REGREEN_CACHE_DIR": str(folder),
        },
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        while time.perf_counter() - started < _PATIENCE_SECONDS:
            if await _polled(client, queue):
                return time.perf_counter() - started
            await asyncio.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"the {role} worker does not poll")
    finally:
        process.terminate()
        await process.wait()


async def _polled(client: Client, queue: str) -> bool:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        )
    )
    return bool(answer.pollers)


async def measure(rounds: int) -> dict[str, float]:
    """Medians over `rounds`, in seconds, and their ratio to the baseline."""
    samples: dict[str, list[float]] = {"baseline": [], "imported": [], "publisher": [], "analyst": []}
    for number in range(rounds + 1):
        sys.stderr.write(f"\rworker start {number} of {rounds} ")
        samples["baseline"].append(await import_seconds(_BASELINE))
        samples["imported"].append(await import_seconds(_OURS))
        samples["publisher"].append(await start_seconds("publisher", PUBLISHER_QUEUE))
        samples["analyst"].append(await start_seconds("analyst", ANALYST_QUEUE))
    sys.stderr.write("\n")
    medians = {name: statistics.median(taken[1:]) for name, taken in samples.items()}
    return {
        "rounds": rounds,
        "sdk_import_s": round(medians["baseline"], 3),
        "worker_import_s": round(medians["imported"], 3),
        "publisher_polls_s": round(medians["publisher"], 3),
        "analyst_polls_s": round(medians["analyst"], 3),
        "publisher_polls_over_sdk_import": round(medians["publisher"] / medians["baseline"], 1),
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
    print(f"  start to polling, publisher       {found['publisher_polls_s']:7.3f} s   target < 3 s")
    print(f"  start to polling, analyst         {found['analyst_polls_s']:7.3f} s   target < 3 s")
    print(f"  python -c '{_OURS}'          {found['worker_import_s']:7.3f} s")
    print(f"  python -c '{_BASELINE}'   {found['sdk_import_s']:5.3f} s")
    print(f"  publisher / SDK import            {found['publisher_polls_over_sdk_import']:7.1f} x")


if __name__ == "__main__":
    main()
