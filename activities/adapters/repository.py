"""Reading repositories: one bare mirror each, shared by the workers of a disk, and throwaway workspaces."""

import asyncio
import base64
import contextlib
import fcntl
import os
import re
import shutil
import struct
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from activities.adapters.credentials import Credentials
from activities.adapters.file_changes import FileChange, read_changes
from activities.adapters.git_process import GitResult, run_git
from activities.adapters.pulse import Pulse
from activities.adapters.workspace import Workspace
from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError

DEPTH: Final = 2
"""Commits fetched per sha: the one that failed, and its parents, to tell what it changed."""
FETCH_SECONDS: Final = 600.0
_FETCH_OPTIONS: Final = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
_LOCK_SECONDS: Final = 600.0
_LOCK_POLL_SECONDS: Final = 0.05

_READ: Final = {"contents": "read"}
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_SHA: Final = re.compile(r"[0-9a-f]{40}")
_ATTRIBUTES: Final = "* -text -eol -filter -ident -working-tree-encoding\n"
"""Working files are the commit's bytes: no filter runs, no line ending changes, and a diff fits the blobs."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FLAGS: Final = struct.Struct("@l")
_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_TOP_OF_HIERARCHIES: Final = 0x00020000
"""Linux's names: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_TOPDIR_FL (linux/fs.h)."""


class RepositoryMirrors:
    """Bare mirrors below `root`, and workspaces made from them.

    Several workers may share `root`: fetching is locked per repository, and workspaces that a killed worker
    left behind are removed when the next one starts.

    Args:
        root: Folder for mirrors and workspaces; a cache, safe to delete while no worker runs.
        server_url: Where repositories live, as `https://github.com`. Only its scheme is spoken.
        credentials: Where the reading token comes from.
        workspaces: Folder for workspaces, where they shall lie elsewhere; in memory, files are made faster.
    """

    def __init__(
        self, root: Path, *, server_url: str, credentials: Credentials, workspaces: Path | None = None
    ) -> None:
        self._mirrors = root / "mirrors"
        self._workspaces = workspaces or root / "workspaces"
        self._server_url = server_url.rstrip("/")
        self._credentials = credentials
        for folder in (self._mirrors, self._workspaces):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _spread(self._workspaces)
        self.sweep()

    @asynccontextmanager
    async def checkout(
        self, repository: str, sha: str, *, pulse: Pulse | None = None
    ) -> AsyncIterator[Workspace]:
        """A workspace with the files of commit `sha` of `repository` ("owner/name"), removed at the end.

        Args:
            repository: `owner/name`.
            sha: Full commit id.
            pulse: Called while git runs.

        Raises:
            PermanentError: `not_found` (repository or commit), `unauthorised`, `forbidden`, `invalid`.
            ThrottledError: The server asks to wait.
            UnavailableError: Network or server trouble.
        """
        pulse = pulse or Pulse()
        mirror = await self._fetched(repository, sha, pulse)
        stack = contextlib.ExitStack()
        try:
            try:
                workspace = await pulse.run(lambda: stack.enter_context(self._workspace(mirror, sha, pulse)))
            except UnavailableError:
                # The mirror may be damaged: the next try fetches the commit anew, and then finds out.
                (mirror / _reference(sha)).unlink(missing_ok=True)
                raise
            yield workspace
        finally:
            await asyncio.shield(asyncio.to_thread(stack.close))

    async def changes_of(self, repository: str, sha: str, *, pulse: Pulse) -> tuple[FileChange, ...]:
        """What commit `sha` changed against its first parent.

        Raises:
            AdapterError: As `checkout` does; `invalid` also where it changed too much.
        """
        mirror = await self._fetched(repository, sha, pulse)
        return await pulse.run(lambda: read_changes(mirror, sha, pulse))

    async def _fetched(self, repository: str, sha: str, pulse: Pulse) -> Path:
        """The mirror, which then holds the commit."""
        mirror = self._mirror(repository)
        if not _SHA.fullmatch(sha):
            raise PermanentError(f"not a commit id: {sha[:60]!r}", kind="invalid")
        if not _holds(mirror, sha):
            token = await self._credentials.token(repository, _READ)
            try:
                await self._fetch_by_name(repository, sha, token, pulse)
            except PermanentError as error:
                # Git follows no redirect, for it would take the token along. Of a repository with a new name,
                # asking for a token shows that name; a token that was at hand did not.
                tried = self._credentials.current_name(repository)
                if error.kind != "not_found" or token is None or not self._credentials.discard(token):
                    raise
                token = await self._credentials.token(repository, _READ)
                if self._credentials.current_name(repository) == tried:
                    raise
                await self._fetch_by_name(repository, sha, token, pulse)
        return mirror

    async def _fetch_by_name(self, repository: str, sha: str, token: str | None, pulse: Pulse) -> None:
        wanted = _Wanted(self._credentials.current_name(repository), sha, token)
        await pulse.run(lambda: self._fetch(wanted, self._mirror(repository), pulse))

    def sweep(self) -> int:
        """Remove the workspaces whose owner is gone; how many there were."""
        removed = 0
        for lock in self._workspaces.glob("*.lock"):
            with contextlib.suppress(FileNotFoundError, BlockingIOError), lock.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(lock.with_suffix(""))
                lock.unlink()
                removed += 1
        return removed

    def _mirror(self, repository: str) -> Path:
        if not _NAME.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
            raise PermanentError(f"not a repository name: {repository[:200]!r}", kind="invalid")
        # The server's names ignore case; a mirror per spelling would fetch everything again.
        return self._mirrors / f"{repository.lower()}.git"

    @contextmanager
    def _workspace(self, mirror: Path, sha: str, pulse: Pulse) -> Iterator[Workspace]:
        folder = self._workspaces / uuid.uuid4().hex
        lock = folder.with_suffix(".lock")
        with lock.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not lock.exists():
                raise UnavailableError("another worker's sweep took the new workspace")
            try:
                folder.mkdir(mode=0o700)
                workspace = Workspace(folder, git_dir=mirror, sha=sha, pulse=pulse)
                workspace.fill()
                yield workspace
            finally:
                _remove(folder)
                lock.unlink(missing_ok=True)

    def _fetch(self, wanted: "_Wanted", mirror: Path, pulse: Pulse) -> None:
        mirror.parent.mkdir(mode=0o700, exist_ok=True)
        with _locked(mirror.with_suffix(".lock"), pulse) as lock:
            if _holds(mirror, wanted.sha):
                return
            try:
                self._fetch_into(mirror, wanted, lock, pulse)
            except _BrokenMirrorError:
                _remove(mirror)
                self._fetch_into(mirror, wanted, lock, pulse)

    def _fetch_into(self, mirror: Path, wanted: "_Wanted", lock: int, pulse: Pulse) -> None:
        _prepare(mirror)
        sha, token = wanted.sha, wanted.token
        url = f"{self._server_url}/{wanted.repository}.git"
        scheme = urlsplit(self._server_url).scheme
        configuration = {f"protocol.{scheme}.allow": "always"}
        if token:
            basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            configuration[f"http.{self._server_url}/.extraHeader"] = f"Authorization: Basic {basic}"

        def fetch(*arguments: str) -> GitResult:
            return run_git(
                ("fetch", *_FETCH_OPTIONS, *arguments),
                git_dir=mirror,
                environment={"GIT_ALLOW_PROTOCOL": scheme},
                configuration=configuration,
                keep_open=[lock],  # a fetch that outlives a killed worker keeps others out until it ends
                timeout=FETCH_SECONDS,
                pulse=pulse,
            )

        result = fetch(f"--depth={DEPTH}", url, f"+{sha}:{_reference(sha)}")
        if result.exit_code != 0 and "does not allow request for unadvertised object" in result.stderr:
            result = fetch(url, "+refs/heads/*:refs/regreen-heads/*")
            if result.exit_code == 0:
                result = run_git(("update-ref", _reference(sha), sha), git_dir=mirror, pulse=pulse)
                if result.exit_code != 0:
                    raise PermanentError(f"{wanted.repository} has no commit {sha}", kind="not_found")
        if result.exit_code != 0:
            raise _error(result.stderr.replace(token or "\0", "***"), wanted)


@dataclass(frozen=True)
class _Wanted:
    """What to fetch, and with which token."""

    repository: str
    sha: str
    token: str | None = field(repr=False)


class _BrokenMirrorError(AdapterError):
    """The mirror itself is damaged; it is only a cache."""


def _spread(folder: Path) -> None:
    """Ask ext4 to lay each folder in `folder` into a block group of its own; other file systems need no such.

    For some minutes after a file's removal ext4 does not give its inode away again, and whoever makes a file
    in the same group steps over all of these one by one: among the remains of earlier workspaces a new one
    takes many times as long. This is what `chattr +T` does.
    """
    descriptor = os.open(folder, _FOLDER)
    try:
        flags = bytearray(_FLAGS.size)
        with contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, _GET_FLAGS, flags)
            _FLAGS.pack_into(flags, 0, _FLAGS.unpack(flags)[0] | _TOP_OF_HIERARCHIES)
            fcntl.ioctl(descriptor, _SET_FLAGS, flags)
    finally:
        os.close(descriptor)


def _reference(sha: str) -> str:
    return f"refs/regreen/{sha}"


def _holds(mirror: Path, sha: str) -> bool:
    # git writes the reference only after everything it reaches has arrived, so its file is proof enough.
    try:
        return (mirror / _reference(sha)).read_text(encoding="ascii").strip() == sha
    except (OSError, UnicodeDecodeError):
        return False


def _prepare(mirror: Path) -> None:
    """Make the mirror, or clear what a killed fetch left in it. Under the lock."""
    if not (mirror / "info" / "attributes").is_file():
        # By hand: `git init` obeys the variables that keep git inside this very folder, and refuses.
        _remove(mirror)
        for folder in ("objects", "refs", "info"):
            (mirror / folder).mkdir(mode=0o700, parents=True)
        (mirror / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        (mirror / "config").write_text(
            "[core]\n\trepositoryformatversion = 0\n\tbare = true\n", encoding="ascii"
        )
        (mirror / "info" / "attributes").write_text(_ATTRIBUTES, encoding="ascii")
        return
    for leftover in (
        *mirror.glob("*.lock"),
        *mirror.glob("refs/*/*.lock"),
        *mirror.glob("objects/pack/tmp_*"),
    ):
        leftover.unlink(missing_ok=True)


def _error(stderr: str, wanted: _Wanted) -> AdapterError:
    """What git's words mean. It has no error codes for this; the words are those of LC_ALL=C."""
    words = stderr.lower()
    detail = f"{wanted.repository} cannot be read: {stderr.strip()[-300:]}"
    if "not our ref" in words or "couldn't find remote ref" in words:
        return PermanentError(f"{wanted.repository} has no commit {wanted.sha}", kind="not_found")
    if "returned error: 429" in words:
        return ThrottledError(detail, delay=timedelta(minutes=1))
    permanent = {
        "unauthorised": ("returned error: 401", "could not read username", "authentication failed"),
        "forbidden": ("returned error: 403",),
        "not_found": (
            "returned error: 404",
            "returned error: 410",
            "returned error: 301",
            "not found",
            "does not appear to be",
        ),
        "invalid": ("not allowed",),
    }
    for kind, signs in permanent.items():
        if any(sign in words for sign in signs):
            return PermanentError(detail, kind=kind)
    damaged = (
        "not a git repository",
        "bad object",
        "corrupt",
        "missing blob",
        "missing tree",
        "loose object",
    )
    if any(sign in words for sign in damaged):
        return _BrokenMirrorError(detail)
    return UnavailableError(detail)


@contextmanager
def _locked(path: Path, pulse: Pulse) -> Iterator[int]:
    """Hold a lock file; the descriptor it is held by."""
    deadline = time.monotonic() + _LOCK_SECONDS
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pulse()
                if time.monotonic() > deadline:
                    raise UnavailableError("another worker is still fetching this repository") from None
                time.sleep(_LOCK_POLL_SECONDS)
        yield file.fileno()


def _remove(folder: Path) -> None:
    """Remove a folder whatever a tool did to it."""
    if not folder.is_symlink() and not folder.exists():
        return
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
        return
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                (Path(parent) / name).chmod(0o700, follow_symlinks=False)
    subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False, capture_output=True)
