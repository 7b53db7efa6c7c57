"""How many signed events the webhook service accepts, and how fast, beside a bare app on the same server.

Run by `make bench-starter`. Temporal, the service and the client that makes the load share this machine; the
load goes to loopback only, over a bounded number of connections and for a bounded time. Every number is taken
in one run, in turns, so that the ratios mean something wherever it runs.
"""

import argparse
import asyncio
import hashlib
import hmac
import itertools
import json
import os
import secrets
import socket
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from starlette.types import Receive, Scope, Send
from temporalio.client import Client

from localhub.stage import Stage
from starter.serving import run_server

CONNECTIONS: Final = 32
EVENTS_PER_SECOND: Final = 200
STARTING_SHARE: Final = 10
"""One event in so many is a failed run, which starts a remediation; the others are green runs."""
LONGEST_SECONDS: Final = 60
LARGEST_RATE: Final = 2_000

_HOST: Final = "127.0.0.1"
_READY_SECONDS: Final = 15.0
_ROOT: Final = Path(__file__).resolve().parent.parent
_LINKS: Final = (
    *(
        "archive",
        "assignees",
        "blobs",
        "branches",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
    ),
    *(
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "hooks",
        "issues",
        "keys",
        "labels",
        "languages",
    ),
    *(
        "merges",
        "milestones",
        "notifications",
        "pulls",
        "releases",
        "stargazers",
        "statuses",
        "subscribers",
        "tags",
    ),
)


class Rate(NamedTuple):
    """How many events a server accepts."""

    per_second: float
    per_processor_second: float
    """Of its process: what it would do with a processor to itself."""


Request = Callable[[], bytes]
"""Makes the next request, ready to be sent."""


async def answer_all(_scope: Scope, receive: Receive, send: Send) -> None:
    """The bare app: reads a body and says nothing about it."""
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


def event(number: int, conclusion: str) -> bytes:
    """The body of a `workflow_run` event, some ten kilobytes as GitHub's are."""
    full_name = "acme/widgets"
    repository = {
        "id": 1,
        "name": "widgets",
        "full_name": full_name,
        "owner": {"login": "acme", "id": 2, "type": "Organization"},
        **{f"{each}_url": f"https://api.github.com/repos/{full_name}/{each}{{/number}}" for each in _LINKS},
    }
    run = {
        "id": number,
        "name": "CI",
        "head_branch": "main",
        "head_sha": hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest(),
        "event": "push",
        "status": "completed",
        "conclusion": conclusion,
        "run_attempt": 1,
        "pull_requests": [],
        "head_commit": {"message": "Tidy the widgets", "author": {"name": "Ada", "email": "ada@example.org"}},
        "repository": repository,
        "head_repository": repository,
    }
    body = {
        "action": "completed",
        "workflow_run": run,
        "repository": repository,
        "sender": {"login": "ada", "id": 3},
    }
    return json.dumps(body).encode()


def request(secret: str, body: bytes) -> bytes:
    """A signed delivery, as it goes over the wire."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST /webhook HTTP/1.1\r\nhost: {_HOST}\r\ncontent-type: application/json\r\n"
        "x-github-event: workflow_run\r\n"
        f"x-hub-signature-256: sha256={signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Sends requests over connections that stay open.

    Args:
        port: Of the server, on loopback.
        pid: Of the server's process.
    """

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid
        self.refused = 0
        """Answers that were no acceptance: 503 where Temporal did not keep up."""

    async def as_many_as_go(self, make: Request, seconds: float) -> Rate:
        """Requests accepted, when each connection sends its next as soon as it is answered."""
        started, processor = time.perf_counter(), self._processor_seconds()

        async def send() -> int:
            count = 0
            async with self._connection() as exchange:
                while time.perf_counter() < started + seconds:
                    count += await exchange(make())
            return count

        count = sum(await asyncio.gather(*(send() for _ in range(CONNECTIONS))))
        spent = max(self._processor_seconds() - processor, 0.01)
        return Rate(count / (time.perf_counter() - started), count / spent)

    def _processor_seconds(self) -> float:
        """What the server's process has used of the processors so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def at_a_rate(self, make: Request, rate: int, seconds: float) -> list[float]:
        """Seconds from when each request was due until it was answered; a late start counts as waiting."""
        begin = time.perf_counter() + 0.1
        due: Iterator[float] = iter([begin + number / rate for number in range(int(rate * seconds))])
        taken: list[float] = []

        async def send() -> None:
            async with self._connection() as exchange:
                for moment in due:  # shared: whoever is free takes the next
                    await asyncio.sleep(moment - time.perf_counter())
                    await exchange(make())
                    taken.append(time.perf_counter() - moment)

        await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
        return taken

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Callable[[bytes], Awaitable[bool]]]:
        reader, writer = await asyncio.open_connection(_HOST, self._port)

        async def exchange(sent: bytes) -> bool:
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            accepted = head.split(b" ", 2)[1] in {b"200", b"202"}
            self.refused += not accepted
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            return accepted

        try:
            yield exchange
        finally:
            writer.close()


@asynccontextmanager
async def bare_server() -> AsyncIterator[Load]:
    """The bare app in a process of its own, on the server that the service uses."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port = int(probe.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.starter", "--bare", str(port)),
        cwd=_ROOT,
        env={"PATH": os.defpath},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while not await _answers(port):  # noqa: ASYNC110 — another process has no event to wait for
                await asyncio.sleep(0.05)
        yield Load(port, process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(_HOST, port)
    except ConnectionError:
        return False
    writer.close()
    return True


async def starts_per_second(client: Client, seconds: float) -> float:
    """Workflows that a bare client starts a second at the same Temporal, with as many requests at once."""
    until = time.perf_counter() + seconds

    async def start() -> int:
        count = 0
        while time.perf_counter() < until:
            await client.start_workflow("Nothing", id=f"bare-{uuid.uuid4()}", task_queue="bare")
            count += 1
        return count

    started = time.perf_counter()
    counts = await asyncio.gather(*(start() for _ in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - started)


async def measure(rounds: int, seconds: float, rate: int) -> dict[str, float]:
    """Throughputs in events a second, latencies in milliseconds; medians over rounds that take turns."""
    secret = secrets.token_hex(20)
    numbers = itertools.count(1)
    green = request(secret, event(1, "success"))

    def failed() -> bytes:
        return request(secret, event(next(numbers), "failure"))

    def mixed() -> bytes:
        return failed() if next(numbers) % STARTING_SHARE == 0 else green

    async with Stage(settings={"REGREEN_WEBHOOK_SECRET": secret}) as stage, bare_server() as bare:
        await stage.stop("worker")  # what is started waits: only its start is measured
        port, pid = int(stage.starter_url.rpartition(":")[2]), stage.processes["starter"].process.pid
        service = Load(port, pid)
        rates: dict[str, list[Rate]] = {"bare": [], "accepted": [], "started": []}
        client_rates = []
        for _ in range(rounds):
            rates["bare"].append(await bare.as_many_as_go(lambda: green, seconds))
            rates["accepted"].append(await service.as_many_as_go(lambda: green, seconds))
            rates["started"].append(await service.as_many_as_go(failed, seconds))
            client_rates.append(await starts_per_second(stage.client, seconds))
        paced = {
            "bare": await bare.at_a_rate(lambda: green, rate, rounds * seconds),
            "mixed": await service.at_a_rate(mixed, rate, rounds * seconds),
        }
    found: dict[str, float] = {
        "rounds": rounds,
        "seconds": seconds,
        "rate": rate,
        "body_bytes": len(event(1, "x")),
    }
    found["refused"] = service.refused
    found["client_per_s"] = round(statistics.median(client_rates))
    for name, each in rates.items():
        found[f"{name}_per_s"] = round(statistics.median(rate.per_second for rate in each))
        found[f"{name}_per_cpu_s"] = round(statistics.median(rate.per_processor_second for rate in each))
    found["accepted_over_bare_cpu"] = round(found["accepted_per_cpu_s"] / found["bare_per_cpu_s"], 2)
    found["started_over_client"] = round(found["started_per_s"] / found["client_per_s"], 2)
    found["accepted_over_bare"] = round(found["accepted_per_s"] / found["bare_per_s"], 2)
    for name, taken in paced.items():
        cuts = statistics.quantiles(taken, n=100)
        found |= {f"{name}_p50_ms": round(1_000 * cuts[49], 1), f"{name}_p99_ms": round(1_000 * cuts[98], 1)}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="rounds of each throughput")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each round")
    parser.add_argument(
        "--rate", type=int, default=EVENTS_PER_SECOND, help="events a second of the latencies"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--bare", type=int, metavar="PORT", help="serve the bare app on loopback, nothing else"
    )
    arguments = parser.parse_args()
    if arguments.bare:
        asyncio.run(run_server(answer_all, _HOST, arguments.bare))
        return
    if arguments.rounds * arguments.seconds > LONGEST_SECONDS or arguments.rate > LARGEST_RATE:
        parser.error(f"at most {LONGEST_SECONDS} seconds of each load, and {LARGEST_RATE} events a second")
    found = asyncio.run(measure(arguments.rounds, arguments.seconds, arguments.rate))
    if arguments.json:
        print(json.dumps(found))
        return
    print(
        f"signed events of {found['body_bytes']} bytes over {CONNECTIONS} connections, Temporal beside them"
    )
    for name, told in (
        ("bare", "bare ASGI app"),
        ("accepted", "accepted, starting nothing"),
        ("client", "starts by a bare Temporal client"),
        ("started", "accepted, each starting one"),
    ):
        print(f"  {told:<34}{found[f'{name}_per_s']:7.0f} /s")
    print(f"  accepted / bare ASGI app          {found['accepted_over_bare']:7.2f}      target >= 0.5")
    print(f"  likewise, per second of processor {found['accepted_over_bare_cpu']:7.2f}")
    print(f"  started / bare Temporal client    {found['started_over_client']:7.2f}")
    print(f"at {arguments.rate} events a second, until answered")
    for name, told in (
        ("bare", "bare ASGI app"),
        ("mixed", f"service, one in {STARTING_SHARE} starting one"),
    ):
        p50, p99 = found[f"{name}_p50_ms"], found[f"{name}_p99_ms"]
        print(f"  {told:<34}{p50:7.1f} ms p50 {p99:7.1f} ms p99   target p99 < 100 ms")


if __name__ == "__main__":
    main()
