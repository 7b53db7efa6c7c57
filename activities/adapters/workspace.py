"""A throwaway folder with the files of one commit, and what became of them. Its git data lies elsewhere."""

import errno
import hashlib
import io
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gitdb import IStream, LooseObjectDB  # type: ignore[import-untyped]

from activities.adapters.git_process import run_git
from activities.adapters.pulse import Pulse
from activities.errors import PermanentError, UnavailableError

FILE_BYTES: Final = 5_000_000
"""Largest file that is read, written or compared."""
_CHANGED_BYTES: Final = 20_000_000
_ENTRIES: Final = 200_000
_DEPTH: Final = 100
_CLOCK_GRAIN_NS: Final = 50_000_000
"""File times lag by up to a kernel tick; a file touched this close to the checkout is compared in full."""
_SMALL_CHANGE_LINES: Final = 400
_FILES_SHOWN: Final = 20
_LINK: Final = "120000"
_SUBMODULE: Final = "160000"
_REMOVED: Final = ("0", "0" * 40)
_NO_FOLLOW: Final = os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = _NO_FOLLOW | os.O_DIRECTORY | os.O_RDONLY


@dataclass(frozen=True)
class Changes:
    """How the working files differ from the commit."""

    diff: str = ""
    """Unified, with a/ and b/ prefixes; a binary file is named, its content is not given."""
    files: tuple[str, ...] = ()
    additions: int = 0
    deletions: int = 0
    tree: str | None = None
    """Git's name for all files together, changed and unchanged; None where nothing changed."""


class Workspace:
    """The files of one commit, for tools to change.

    Whatever a tool planted there (links, devices, a `.git` folder), nothing here follows or executes it.

    Attributes:
        sha: The commit.
        files: The working files; the only folder a tool gets, with `scratch`.
        scratch: For a tool's caches and build output; lives as long as the workspace.
    """

    def __init__(self, folder: Path, *, git_dir: Path, sha: str, pulse: Pulse) -> None:
        self.sha = sha
        self.files = folder / "files"
        self.scratch = folder / "scratch"
        self._folder = folder
        self._git_dir = git_dir
        self._pulse = pulse
        self._written: set[str] = set()
        self._base: dict[str, tuple[str, str]] = {}
        self._unchanged_before = 0

    @property
    def tracked(self) -> tuple[str, ...]:
        """The paths of the commit's files."""
        return tuple(self._base)

    @property
    def paths(self) -> frozenset[str]:
        """The paths of the commit's files, and of those that were written here."""
        return frozenset(self._base) | self._written

    def fill(self) -> None:
        """Write the commit's files. Called once, by whoever made the folder.

        Raises:
            PermanentError: (`invalid`) the commit holds a path git refuses to write.
        """
        # A worker that is root runs tools as somebody else, who must be able to write here; the parent folder
        # keeps every other user of the machine out.
        umask = _umask()
        for folder in (self.files, self.scratch):
            folder.mkdir()
            if umask == 0:
                folder.chmod(0o777)
        self._git("read-tree", "--reset", "-u", self.sha, umask=umask)
        for entry in self._git("ls-tree", "-r", "-z", self.sha).split(b"\0"):
            if entry:
                facts, _, name = entry.partition(b"\t")
                mode, _, oid = facts.decode().split(" ")
                self._base[os.fsdecode(name)] = (mode, oid)
        marker = self._folder / "filled"
        marker.touch()
        self._unchanged_before = marker.stat().st_ctime_ns - _CLOCK_GRAIN_NS

    def original(self, path: str) -> bytes | None:
        """The content that a file has in the commit; None where the commit holds no such file."""
        mode, oid = self._base.get(path, ("", ""))
        return self._git("cat-file", "blob", oid) if mode not in {"", _SUBMODULE} else None

    def before(self, path: str) -> tuple[bytes, ...]:
        """What a file holds in the parents of the commit, the first parent first; as far as they hold it."""
        header = self._git("cat-file", "commit", self.sha).partition(b"\n\n")[0].decode(errors="replace")
        parents = re.findall(r"^parent ([0-9a-f]{40})$", header, re.MULTILINE)
        listed = [self._git("ls-tree", "-z", parent, "--", path, allowed=(0, 128)) for parent in parents]
        blobs = [re.match(rb"\d+ blob ([0-9a-f]{40})\t", each) for each in listed]
        return tuple(self._git("cat-file", "blob", blob[1].decode()) for blob in blobs if blob)

    def restore(self, paths: Iterable[str]) -> None:
        """Give files the content that they have in the commit."""
        names = b"\0".join(os.fsencode(path) for path in paths)
        umask = 0 if os.geteuid() == 0 else -1
        self._git("checkout-index", "--force", "--quiet", "-z", "--stdin", stdin=names, umask=umask)

    def read(self, path: str, *, max_bytes: int = FILE_BYTES) -> bytes | None:
        """The content of a working file; None when no regular file is there.

        Raises:
            PermanentError: (`invalid`) the path leaves the workspace, or the file is larger than `max_bytes`.
        """
        try:
            with self._parent(path) as (folder, name):
                return _read_regular(folder, name, max_bytes)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}:
                return None
            raise

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a working file.

        Raises:
            PermanentError: (`invalid`) the path leaves the workspace, a link or folder is in the way, or the
                content is larger than `FILE_BYTES`.
        """
        if len(content) > FILE_BYTES:
            raise PermanentError(f"{path} would be larger than {FILE_BYTES} bytes", kind="invalid")
        try:
            with self._parent(path, create=True) as (folder, name):
                flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | _NO_FOLLOW
                with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
                    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                        raise PermanentError(f"{path} is not a regular file", kind="invalid")
                    file.truncate()
                    file.write(content)
        except OSError as error:
            raise PermanentError(f"{path} cannot be written: {error.strerror}", kind="invalid") from error
        self._written.add(path)

    def make_executable(self, path: str) -> None:
        """Set a working file's executable bits.

        Raises:
            PermanentError: (`invalid`) the path leaves the workspace, or no regular file is there.
        """
        try:
            with self._parent(path) as (folder, name):
                descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_FOLLOW, dir_fd=folder)
                try:
                    facts = os.fstat(descriptor)
                    if not stat.S_ISREG(facts.st_mode):
                        raise PermanentError(f"{path} is not a regular file", kind="invalid")
                    os.fchmod(descriptor, stat.S_IMODE(facts.st_mode) | 0o111)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise PermanentError(f"{path} cannot be changed: {error.strerror}", kind="invalid") from error

    def apply(self, diff: str) -> None:
        """Change the working files as a diff says that `changes` gave for the same commit.

        Raises:
            PermanentError: (`conflict`) it does not fit these files.
        """
        if not diff:
            return
        try:
            named = self._git(
                *("apply", "--apply", "--numstat", "-z", "--whitespace=nowarn", "-"),
                stdin=diff.encode(),
                umask=_umask(),
            )
        except UnavailableError as error:
            raise PermanentError(f"the diff does not fit the commit: {error}", kind="conflict") from error
        self._written.update(os.fsdecode(line.split(b"\t", 2)[2]) for line in named.split(b"\0") if line)

    def commit_changes(self) -> str:
        """What the commit changed in its first parent: counts and names, then diffs of its smaller files."""
        options = ("--root", "-r", "-m", "--first-parent", "--no-commit-id", "--no-renames", "--no-color")
        named = self._git("diff-tree", *options, "--numstat", self.sha).decode(errors="replace")
        rows = [line.split("\t", 2) for line in named.splitlines()]
        small = [
            path
            for added, deleted, path in rows
            if "-" not in {added, deleted} and int(added) + int(deleted) <= _SMALL_CHANGE_LINES
        ]
        if not small:
            return named
        shown = self._git(
            *("diff-tree", *options, "--patch", "--no-ext-diff", "--no-textconv", "--src-prefix=a/"),
            *("--dst-prefix=b/", self.sha, "--", *(f":(literal){path}" for path in small[:_FILES_SHOWN])),
            configuration={"core.bigFileThreshold": "1m"},
        )
        return f"{named}\n{shown.decode(errors='replace')}"

    def diff(self, *, new_files: bool = False) -> str:
        """The text of `changes`."""
        return self.changes(new_files=new_files).diff

    def changes(self, *, new_files: bool = False) -> Changes:
        """Compare the working files with the commit.

        Args:
            new_files: Whether files that a tool created count, as far as the repository does not ignore them.
                Files created by `write` always do.

        Raises:
            PermanentError: (`invalid`) too much changed, or changed text is not UTF-8.
        """
        updates = self._updates(new_files=new_files)
        if not updates:
            return Changes()
        index = self._folder / "changed-index"
        shutil.copyfile(self._folder / "index", index)
        ordered = sorted(updates.items(), key=lambda update: update[1] != _REMOVED)
        lines = (f"{mode} {oid} 0\t".encode() + os.fsencode(path) for path, (mode, oid) in ordered)
        self._git("update-index", "--replace", "-z", "--index-info", stdin=b"\0".join(lines), index=index)
        output = self._git(
            *("diff-index", "--cached", "--numstat", "--patch", "--full-index", "--no-color", "--no-renames"),
            *("--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", self.sha),
            index=index,
        )
        try:
            text = output.decode()
            "".join(updates).encode()
        except UnicodeError as error:
            raise PermanentError(
                "the change touches text or names that are not UTF-8", kind="invalid"
            ) from error
        counts, _, diff = text.partition("\n\n")
        added, deleted = zip(*(line.split("\t")[:2] for line in counts.split("\n")), strict=True)
        return Changes(
            diff=diff,
            files=tuple(sorted(updates)),
            additions=sum(int(count) for count in added if count != "-"),
            deletions=sum(int(count) for count in deleted if count != "-"),
            tree=self._git("write-tree", "--missing-ok", index=index).decode().strip(),
        )

    def _updates(self, *, new_files: bool) -> dict[str, tuple[str, str]]:
        """Mode and object id of every path that differs from the commit; the objects are stored."""
        store = LooseObjectDB(str(self._folder / "objects"))
        updates: dict[str, tuple[str, str]] = {}
        missing = {path for path, (mode, _) in self._base.items() if mode != _SUBMODULE}
        fresh: list[str] = []
        budget = _CHANGED_BYTES
        root = os.open(self.files, _FOLDER)
        try:
            folders = None if new_files else self._known_folders()
            for folder, name, path, facts in self._scan(root, "", folders, 0, [0]):
                known = self._base.get(path)
                missing.discard(path)
                if known and facts.st_ctime_ns < self._unchanged_before:
                    continue
                if not known and path not in self._written and not new_files:
                    continue
                mode, content = _snapshot(folder, name, facts)
                oid = hashlib.sha1(
                    b"blob %d\0%s" % (len(content), content), usedforsecurity=False
                ).hexdigest()
                if known == (mode, oid):
                    continue
                budget -= len(content)
                if budget < 0:
                    raise PermanentError(f"more than {_CHANGED_BYTES} bytes changed", kind="invalid")
                store.store(IStream(b"blob", len(content), io.BytesIO(content)))
                updates[path] = (mode, oid)
                if not known and path not in self._written:
                    fresh.append(path)
        finally:
            os.close(root)
        for path in self._ignored(fresh):
            del updates[path]
        return updates | dict.fromkeys(missing, _REMOVED)

    def _scan(
        self, folder: int, prefix: str, folders: frozenset[str] | None, depth: int, seen: list[int]
    ) -> Iterator[tuple[int, str, str, os.stat_result]]:
        """Every regular file and link beneath a folder, as (folder descriptor, name, path, facts).

        `folders` are those worth entering; None means all. `seen` counts the entries of the whole scan.
        """
        if depth > _DEPTH:
            raise PermanentError(f"folders nested deeper than {_DEPTH}", kind="invalid")
        self._pulse()
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        seen[0] += len(found)
        if seen[0] > _ENTRIES:
            raise PermanentError(f"more than {_ENTRIES} files", kind="invalid")
        for name, facts in found:
            path = f"{prefix}{name}"
            if stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode):
                if not _is_git(name):
                    yield folder, name, path, facts
            elif stat.S_ISDIR(facts.st_mode) and self._enters(path, name, folders):
                inner = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    yield from self._scan(inner, f"{path}/", folders, depth + 1, seen)
                finally:
                    os.close(inner)

    def _enters(self, path: str, name: str, folders: frozenset[str] | None) -> bool:
        if _is_git(name) or self._base.get(path, ("",))[0] == _SUBMODULE:
            return False
        return folders is None or path in folders

    def _known_folders(self) -> frozenset[str]:
        """The folders of the commit's files and of our own."""
        return frozenset(
            str(parent) for path in (*self._base, *self._written) for parent in PurePosixPath(path).parents
        )

    def _ignored(self, paths: list[str]) -> list[str]:
        """Those of `paths` that the repository's ignore files exclude."""
        if not paths:
            return []
        source = b"\0".join(os.fsencode(path) for path in paths) + b"\0"
        arguments = ("check-ignore", "--no-index", "-z", "--stdin")
        output = self._git(*arguments, stdin=source, allowed=(0, 1))
        return [os.fsdecode(path) for path in output.split(b"\0") if path]

    @contextmanager
    def _parent(self, path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """The folder that holds `path`, opened one component at a time so that no link is followed."""
        *folders, name = _components(path)
        descriptor = os.open(self.files, _FOLDER)
        try:
            for folder in folders:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(folder, 0o755, dir_fd=descriptor)
                inner = os.open(folder, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor, name
        finally:
            os.close(descriptor)

    def _git(
        self,
        *arguments: str,
        stdin: bytes = b"",
        index: Path | None = None,
        umask: int = -1,
        allowed: tuple[int, ...] = (0,),
        configuration: Mapping[str, str] | None = None,
    ) -> bytes:
        objects = self._folder / "objects"
        objects.mkdir(exist_ok=True)
        result = run_git(
            arguments,
            git_dir=self._git_dir,
            environment={
                "GIT_INDEX_FILE": str(index or self._folder / "index"),
                "GIT_WORK_TREE": str(self.files),
                "GIT_OBJECT_DIRECTORY": str(objects),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self._git_dir / "objects"),
            },
            configuration=configuration,
            cwd=self.files,
            stdin=stdin,
            umask=umask,
            timeout=120,
            pulse=self._pulse,
        )
        if result.exit_code in allowed:
            return result.stdout
        message = result.stderr.strip()[-300:]
        if "invalid path" in message:
            raise PermanentError(f"the commit holds a path git refuses: {message}", kind="invalid")
        raise UnavailableError(f"git {arguments[0]} failed: {message}")


def _umask() -> int:
    """Of files that tools shall be able to change; -1 keeps the worker's."""
    return 0 if os.geteuid() == 0 else -1


def _is_git(name: str) -> bool:
    return name.lower() == ".git"


def _components(path: str) -> list[str]:
    parts = path.split("/")
    if "\0" in path or any(part in {"", ".", ".."} or _is_git(part) for part in parts):
        raise PermanentError(f"not a path inside the repository: {path[:200]!r}", kind="invalid")
    return parts


def _read_regular(folder: int, name: str, max_bytes: int) -> bytes | None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_FOLLOW, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise PermanentError(f"{name} is larger than {max_bytes} bytes", kind="invalid")
    return content


def _snapshot(folder: int, name: str, facts: os.stat_result) -> tuple[str, bytes]:
    """Mode as git writes it, and content: a link's is its target."""
    if stat.S_ISLNK(facts.st_mode):
        return _LINK, os.fsencode(os.readlink(name, dir_fd=folder))
    content = _read_regular(folder, name, FILE_BYTES)
    return ("100755" if facts.st_mode & stat.S_IXUSR else "100644"), content or b""
