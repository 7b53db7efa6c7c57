"""One way to start git: a known configuration, a cleared environment, a time limit, nothing left running."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import git

from activities.adapters.pulse import Pulse
from activities.errors import PermanentError, UnavailableError

CONFIGURATION: Final[Mapping[str, str]] = {
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.quotePath": "false",
    "core.symlinks": "true",
    "credential.helper": "",
    "diff.ignoreSubmodules": "all",
    "fetch.unpackLimit": "1",  # a pack appears whole or not at all; loose objects may be left by halves
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "safe.directory": "*",
    "submodule.recurse": "false",
}
"""What git obeys beside its own defaults: system, user and repository configuration are not consulted."""

_KEPT: Final = frozenset(
    {"PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"}
    | {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}
)
_BEAT_SECONDS: Final = 0.2


@dataclass(frozen=True)
class GitResult:
    """What a git command left."""

    exit_code: int
    stdout: bytes
    stderr: str


def run_git(
    arguments: Sequence[str],
    *,
    git_dir: Path,
    environment: Mapping[str, str] | None = None,
    configuration: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    umask: int = -1,
    keep_open: Sequence[int] = (),
    timeout: float = 60.0,
    pulse: Pulse | None = None,
) -> GitResult:
    """Run one git command to its end.

    Args:
        arguments: What follows `git`. Never a secret: argument lists are world-readable.
        git_dir: The repository.
        environment: Further variables.
        configuration: Further configuration, handed over in the environment.
        cwd: Working directory; the repository by default.
        stdin: What the command reads.
        umask: Of the files it creates; -1 keeps the worker's.
        keep_open: File descriptors the command inherits, such as a lock that must outlive this process.
        timeout: Seconds after which it is killed.
        pulse: Called while it runs.

    Raises:
        UnavailableError: Not finished within `timeout`.
        PermanentError: (`invalid`) there is no git on this machine.
    """
    variables = _environment(git_dir, environment or {}, {**CONFIGURATION, **(configuration or {})})
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        try:
            handle = git.Git(str(cwd or git_dir)).execute(
                ["git", *arguments],
                istream=source,
                as_process=True,
                env=variables,
                start_new_session=True,
                pass_fds=tuple(keep_open),
                umask=umask,
            )
        except git.GitCommandNotFound as error:
            raise PermanentError("git is not installed on this worker", kind="invalid") from error
        process = handle.proc
        if process is None:  # only before it started
            raise UnavailableError("git did not start")
        return _finish(process, arguments[0], timeout, pulse or Pulse())


def _finish(process: "subprocess.Popen[bytes]", name: str, timeout: float, pulse: Pulse) -> GitResult:
    deadline = time.monotonic() + timeout
    try:
        while True:
            try:
                stdout, stderr = process.communicate(timeout=_BEAT_SECONDS)
            except subprocess.TimeoutExpired:
                pulse()
                if time.monotonic() > deadline:
                    raise UnavailableError(f"git {name} did not finish within {timeout:.0f} s") from None
            else:
                return GitResult(process.returncode, stdout, stderr.decode(errors="replace"))
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _environment(
    git_dir: Path, environment: Mapping[str, str], configuration: Mapping[str, str]
) -> dict[str, str]:
    # GitPython hands children the worker's whole environment, secrets included; blank what git does not need.
    variables = dict.fromkeys(os.environ.keys() - _KEPT, "")
    variables |= {
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DIR": str(git_dir),
        "GIT_INDEX_FILE": str(git_dir / "index"),
        "GIT_OBJECT_DIRECTORY": str(git_dir / "objects"),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_WORK_TREE": str(git_dir),
        "HOME": os.devnull,
        "LANG": "C",
        "LC_ALL": "C",
        "XDG_CONFIG_HOME": os.devnull,
        "GIT_CONFIG_COUNT": str(len(configuration)),
    }
    for number, (key, value) in enumerate(configuration.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return {**variables, **environment}
