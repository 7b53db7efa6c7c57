"""What a sandbox uses up as a whole: the memory of all its processes, the disk under its workspace."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from activities.patching.confinement import SandboxLimits

_PROCESSES: Final = 10_000


class Consumption:
    """Measures one running sandbox.

    Args:
        pid: Its outermost process.
        files: A folder on the file system that it may fill.
        limits: What is too much.
    """

    def __init__(self, pid: int, files: Path, limits: SandboxLimits) -> None:
        self._pid = pid
        self._files = files
        self._limits = limits
        self._free = _free_bytes(files)

    def exceeded(self) -> str:
        """`memory` or `disk` where it has used more than it may; else empty."""
        if self._free - _free_bytes(self._files) > self._limits.disk:
            return "disk"
        return "memory" if self._resident_bytes() > self._limits.memory else ""

    def _resident_bytes(self) -> int:
        """Of the whole tree: whatever leaves its parent becomes a child of the sandbox's first process."""
        kilobytes = 0
        pending = [self._pid]
        for _ in range(_PROCESSES):
            if not pending:
                break
            process = Path("/proc", str(pending.pop()))
            # A process may end between two reads.
            with suppress(OSError, ValueError):
                for line in (process / "status").read_text(encoding="ascii").splitlines():
                    if line.startswith(("RssAnon:", "RssShmem:")):
                        kilobytes += int(line.split()[1])
            with suppress(OSError, ValueError):
                for thread in (process / "task").iterdir():
                    pending += map(int, (thread / "children").read_text(encoding="ascii").split())
        return kilobytes * 1024


def _free_bytes(folder: Path) -> int:
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize
