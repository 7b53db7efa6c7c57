"""Reads one job's log of any size as the analyst does, and prints what that took.

Run as `python large_log.py MEBIBYTES KIND FOLDER`; KIND is `lines`, or `line` for a log of one line. The log
comes as a compressed stream, piece by piece, so that the stand-in holds none of it.
"""

import asyncio
import json
import sys
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

from activities.adapters.credentials import NoCredentials
from activities.adapters.github import GitHub, Job
from activities.evidence.job_evidence import JobEvidence
from activities.evidence.job_source import JobSources
from activities.evidence.log_cache import LogCache

_MEBIBYTE = 1024**2
_LINE = b"2026-01-02T03:04:05.1234567Z [%06d/100000] Building CXX object src/CMakeFiles/app.dir/part.cpp.o\n"
_CAUSE = b"2026-01-02T03:04:05.1234567Z src/part.cpp:7:3: error: expected ';' before '}' token\n"


class _Log(httpx2.AsyncByteStream):
    def __init__(self, mebibytes: int, kind: str) -> None:
        self._mebibytes = mebibytes
        self._kind = kind

    async def __aiter__(self) -> AsyncIterator[bytes]:
        packer = zlib.compressobj(1, wbits=31)
        for part in range(self._mebibytes):
            text = b"x" * _MEBIBYTE if self._kind == "line" else _LINE % part * (_MEBIBYTE // len(_LINE))
            yield packer.compress(text)
            if part == self._mebibytes // 2:
                yield packer.compress(_CAUSE)
        yield packer.flush()


def _peak_kibibytes() -> int:
    """This program's own peak; what `getrusage` tells counts the process that started it as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


async def main(mebibytes: int, kind: str, folder: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/logs"):
            return httpx2.Response(200, stream=_Log(mebibytes, kind), headers={"content-encoding": "gzip"})
        return httpx2.Response(404, json={"message": "Not Found"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        github = GitHub(http, NoCredentials())
        logs = LogCache(github, folder)
        sources = JobSources(github, "acme/widgets", "0" * 40, ".github/workflows/ci.yml")
        evidence = JobEvidence(github, logs, "acme/widgets", sources, 8_192)
        job = Job(id=1, run_id=1, name="build", head_sha="0" * 40)
        began = time.perf_counter()
        found = await evidence.gather(job, lambda: None)
        seconds = time.perf_counter() - began
    peak = _peak_kibibytes() // 1024
    lines, shown = found.excerpt.total_lines, "expected ';'" in found.excerpt.text
    print(json.dumps({"peak_mebibytes": peak, "seconds": seconds, "lines": lines, "cause_shown": shown}))  # noqa: T201 — its answer


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
