"""The lines that a job also prints when it is green: they explain no failure."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from activities.adapters.github import GitHub, Job
from activities.adapters.job_logs import Beat
from activities.errors import AdapterError
from activities.evidence.log_cache import LogCache
from activities.evidence.log_lines import cap_line, clean_line, line_key, read_blocks

SECONDS: Final = 30.0
"""What all comparisons of one run may take; after that, logs are read without one."""
_READ_BYTES: Final = 32 * 1024**2
_LINES_KEPT: Final = 200_000
"""Of distinct lines: some twenty megabytes of memory."""
_WORKFLOWS: Final = ".github/workflows/"

log = logging.getLogger("regreen.evidence")


class GreenLogs:
    """Logs of the newest green run of the same workflow, as far as they are to be had cheaply.

    Nothing here ever fails: without a green run, its log or the time to fetch it, there is no comparison.

    Args:
        github: Read access is enough.
        logs: Where logs come from.
        repository: "owner/name".
        workflow_path: The workflow file.
        branches: Where to look, in this order.
    """

    def __init__(
        self, github: GitHub, logs: LogCache, repository: str, workflow_path: str, branches: Sequence[str]
    ) -> None:
        self._github = github
        self._logs = logs
        self._repository = repository
        self._workflow = workflow_path
        self._branches = tuple(dict.fromkeys(branches))
        self._deadline = asyncio.get_running_loop().time() + SECONDS
        self._turn = asyncio.Lock()
        self._jobs: dict[str, Job] | None = None

    async def known_lines(self, job_name: str, beat: Beat) -> frozenset[bytes] | None:
        """The `line_key` of each line that the green job of this name printed; None where none is known."""
        try:
            async with asyncio.timeout_at(self._deadline):
                job = (await self._green_jobs()).get(job_name)
                if job is None:
                    return None
                async with self._logs.open(self._repository, job.id, beat) as green:
                    return await asyncio.to_thread(_keys, green.path) if green.path else None
        except (AdapterError, OSError, TimeoutError) as error:
            log.info("not compared with a green log: %s", type(error).__name__)
            return None

    async def _green_jobs(self) -> dict[str, Job]:
        async with self._turn:
            if self._jobs is None:
                self._jobs = await self._find()
            return self._jobs

    async def _find(self) -> dict[str, Job]:
        if not self._workflow.startswith(_WORKFLOWS):
            return {}
        for branch in self._branches:
            runs = await self._github.list_runs(
                self._repository,
                workflow_id=self._workflow.removeprefix(_WORKFLOWS),
                branch=branch,
                status="success",
                limit=1,
            )
            for run in runs:
                jobs = await self._github.list_jobs(self._repository, run.id, run.run_attempt)
                return {job.name: job for job in jobs if job.conclusion == "success"}
        return {}


def _keys(path: Path) -> frozenset[bytes]:
    keys: set[bytes] = set()
    for line in _lines(path):
        keys.add(line_key(clean_line(cap_line(line))))
        if len(keys) >= _LINES_KEPT:
            break
    return frozenset(keys)


def _lines(path: Path) -> Iterator[bytes]:
    read = 0
    with path.open("rb") as file:
        for block in read_blocks(file):
            yield from block.split(b"\n")
            read += len(block)
            if read >= _READ_BYTES:
                return
