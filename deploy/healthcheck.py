"""Health of one container: the service answers, or a worker of this very host polls its task queue.

Usage: healthcheck.py starter|codec-server|publisher|analyst. Exit status 0 healthy, 1 not.
"""
# ruff: noqa: INP001 — a script, copied into the images; nobody imports it

import asyncio
import os
import socket
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Final

from starter.exits import leave

LONGEST_SILENCE: Final = timedelta(minutes=3)
"""A poll lasts a minute at most, and a healthy worker starts the next at once."""
_ANSWER_SECONDS: Final = 3
_SERVICES: Final = {"starter": ("REGREEN_PORT", 8080), "codec-server": ("REGREEN_CODEC_PORT", 8081)}
"""Each service's variable for its port, and the port without it."""


def service_answers(role: str) -> str | None:
    """What is wrong with the service of this container, or None."""
    name, otherwise = _SERVICES[role]
    url = f"http://127.0.0.1:{os.environ.get(name) or otherwise}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:
            return None if answer.status == 200 else f"{url} answers {answer.status}"  # noqa: PLR2004 — HTTP's OK
    except (urllib.error.URLError, OSError) as error:
        return f"{url} does not answer: {error}"


async def worker_polls(queue: str) -> str | None:
    """What is wrong with this container's worker of a task queue, or None."""
    from temporalio.api.enums.v1 import TaskQueueType  # noqa: PLC0415 — the starter needs none of this
    from temporalio.api.taskqueue.v1 import TaskQueue  # noqa: PLC0415 — likewise
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest  # noqa: PLC0415 — likewise

    from workflows.configuration import ConfigurationError  # noqa: PLC0415 — likewise
    from workflows.connection import TemporalUnreachableError, connect  # noqa: PLC0415 — likewise

    try:
        client = await connect()
    except (ConfigurationError, TemporalUnreachableError) as error:
        return str(error)
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        ),
        timeout=timedelta(seconds=10),
    )
    here = f"@{socket.gethostname()}"
    polled = [
        poller.last_access_time.ToDatetime(UTC) for poller in answer.pollers if poller.identity.endswith(here)
    ]
    if not polled:
        return f"no worker of this host polls {queue}"
    if datetime.now(UTC) - max(polled) > LONGEST_SILENCE:
        return f"the worker of this host last polled {queue} at {max(polled):%H:%M:%S} UTC"
    return None


def main(role: str) -> int:
    """Check one role, and say on standard error what is wrong."""
    os.environ["OTEL_SDK_DISABLED"] = "true"  # a look at a worker is no part of what is measured
    if role in _SERVICES:
        fault = service_answers(role)
    else:
        from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE  # noqa: PLC0415 — as above

        queues = {"publisher": PUBLISHER_QUEUE, "analyst": ANALYST_QUEUE}
        if role not in queues:
            sys.stderr.write(f"unknown role {role!r}\n")
            return 1
        fault = asyncio.run(worker_polls(queues[role]))
    if fault is not None:
        sys.stderr.write(fault + "\n")
    return 0 if fault is None else 1


if __name__ == "__main__":
    leave(main(sys.argv[1] if len(sys.argv) > 1 else ""))
