"""Ends everything a run has started, also what left its process group."""

import os
import signal
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_ROUNDS: Final = 20


def kill_group(leader: int) -> None:
    """Kill the process group of `leader`, if it is still there."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def kill_marked(name: str, value: str) -> None:
    """Kill every process whose environment has `name` set to `value`, until none is left.

    Steps run in sessions of their own, so their group is not the one the run was started in. Where there is
    no /proc, nothing is done.
    """
    needle = f"{name}={value}".encode()
    for _ in range(_ROUNDS):
        found = [pid for pid in _processes() if needle in _environment(pid)]
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def _processes() -> list[int]:
    try:
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    except OSError:
        return []


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
