"""Job logs on this machine's disk: fetched once, kept while there is room."""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from activities.adapters.github import GitHub
from activities.adapters.job_logs import Beat
from activities.adapters.log_writing import UNUSABLE_LOG
from activities.errors import PermanentError, UnavailableError
from workflows.models import LogState

LOG_CACHE_BYTES: Final = 4 * 1024**3


class JobLog(NamedTuple):
    """A job's log, or why there is none."""

    state: LogState
    path: Path | None = None
    """Readable until the log is let go, whatever becomes of the cache; None where there is no log."""
    omitted_bytes: int = 0
    """What is missing in the middle of a log that is too long; a line of the file says so too."""
    problem: str = ""
    """Why it is unusable."""


class LogCache:
    """The logs of jobs that have ended, from disk or else from GitHub.

    Safe with several processes on one folder: a file appears whole or not at all, and one that is being read
    outlives its removal.

    Args:
        github: Read access is enough.
        folder: Made if need be; holds nothing else.
        capacity_bytes: When the files exceed it, those go that were not asked for the longest. Of a log that
            is longer than half of it, only the two ends are kept.
    """

    def __init__(self, github: GitHub, folder: Path, capacity_bytes: int = LOG_CACHE_BYTES) -> None:
        self._github = github
        self._folder = folder
        self._capacity = capacity_bytes

    @asynccontextmanager
    async def open(self, repository: str, job_id: int, beat: Beat | None = None) -> AsyncIterator[JobLog]:
        """The log of a job; `beat` is called as it comes.

        Raises:
            AdapterError: GitHub gives no answer or refuses it, or the disk is full.
        """
        stem = f"{repository.replace('/', '~')}~{job_id}"
        found = await asyncio.to_thread(self._find, stem)
        if found is None:
            log = await self._fetch(repository, job_id, stem, beat)
            if log is not None:
                yield log
                return
            found = await asyncio.to_thread(self._find, stem)
        if found is None:
            raise UnavailableError("a log vanished from the cache as it came")
        descriptor, omitted = found
        try:
            yield JobLog(LogState.PRESENT, Path(f"/proc/self/fd/{descriptor}"), omitted)
        finally:
            os.close(descriptor)

    def _find(self, stem: str) -> tuple[int, int] | None:
        """An open descriptor of the log on disk, which keeps it readable, and how much of it is missing."""
        for path in self._folder.glob(f"{stem}~*.log"):
            with contextlib.suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                _touch(descriptor)
                return descriptor, int(path.stem.rpartition("~")[2])
        return None

    async def _fetch(self, repository: str, job_id: int, stem: str, beat: Beat | None) -> JobLog | None:
        """Put the log on disk; the answer where there is none to put."""
        coming = await asyncio.to_thread(self._new_file)
        try:
            log = await self._github.download_job_log(
                repository, job_id, coming, max_bytes=self._capacity // 2, beat=beat
            )
            if log.state is not LogState.PRESENT:
                return JobLog(log.state)
            await asyncio.to_thread(self._keep, coming, f"{stem}~{log.omitted_bytes}.log")
        except PermanentError as error:
            if error.kind != UNUSABLE_LOG:
                raise
            return JobLog(LogState.UNUSABLE, problem=str(error))
        except OSError as error:
            raise UnavailableError(f"the log cannot be kept on disk: {error.strerror}") from error
        finally:
            await asyncio.to_thread(coming.unlink, missing_ok=True)
        return None

    def _new_file(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="coming-", dir=self._folder)
        os.close(descriptor)
        return Path(name)

    def _keep(self, coming: Path, name: str) -> None:
        _touch(coming)
        kept = coming.replace(self._folder / name)
        files = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                about = path.stat()
                files.append((about.st_mtime_ns, about.st_size, path))
        excess = sum(size for _, size, _ in files) - self._capacity
        for _, size, path in sorted(files):
            if excess <= 0:
                break
            if path != kept:
                path.unlink(missing_ok=True)
                excess -= size


def _touch(file: int | Path) -> None:
    """Note that the file was asked for now, more finely than the file system's own clock would."""
    now = time.time_ns()
    os.utime(file, ns=(now, now))
