"""Git plumbing on a bare repository, without a shared checkout."""

import asyncio
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ZERO_SHA: Final = "0" * 40
_SHA: Final = re.compile(r"[0-9a-f]{40}")
EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_CONFIGURATION: Final = """\
[http]
	receivepack = true
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[receive]
	autogc = false
[gc]
	auto = 0
"""
_COMMIT_FORMAT: Final = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
_COMMIT_FIELDS: Final = 10


class GitError(Exception):
    """Git refused; the text is its own."""


@dataclass(frozen=True)
class Signature:
    """Who made a commit, and when."""

    name: str
    email: str
    date: datetime


@dataclass(frozen=True)
class Commit:
    """A commit object."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str

    @property
    def title(self) -> str:
        """The message's first line."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True)
class TreeEntry:
    """An entry of a tree; `sha` None removes the path when a tree is written."""

    path: str
    mode: str
    type: str
    sha: str | None
    size: int | None = None


@dataclass(frozen=True)
class FileChange:
    """What became of one file between two commits."""

    path: str
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every git process: no settings of this machine or user, no prompts."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **(extra or {}),
    }


class GitRepository:
    """A bare repository in the folder `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._commits: dict[str, Commit] = {}

    @classmethod
    async def create(cls, path: Path, default_branch: str) -> "GitRepository":
        """Make an empty bare repository that accepts pushes over HTTP."""
        path.mkdir(parents=True)  # noqa: ASYNC240 — one call on a local disk
        repository = cls(path)
        await repository.run("init", "--bare", "--quiet", f"--initial-branch={default_branch}", "--template=")
        with (path / "config").open("a") as config:
            config.write(_CONFIGURATION)
        return repository

    async def run(self, *arguments: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """Run one git command here.

        Raises:
            GitError: It ended with a status other than 0.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *arguments,
                cwd=self.path,
                env=environment({"GIT_DIR": str(self.path), **(extra or {})}),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            # ValueError: a client sent a name that no process can be given, such as one with a zero byte.
            raise GitError(str(error)) from error
        out, err = await process.communicate(stdin)
        if process.returncode:
            raise GitError(err.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return out

    async def _says(self, *arguments: str) -> str | None:
        try:
            return (await self.run(*arguments)).decode().strip()
        except GitError:
            return None

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────

    async def refs(self) -> dict[str, str]:
        """All branches and tags: full ref name to object id."""
        out = await self.run("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
        pairs = (line.rpartition(" ") for line in out.decode().splitlines())
        return {name: sha for name, _, sha in pairs}

    async def ref(self, name: str) -> str | None:
        """The object a full ref name points at, or None."""
        return await self._says("rev-parse", "--verify", "--quiet", "--end-of-options", name)

    async def resolve(self, revision: str) -> str | None:
        """The commit a branch, tag, `heads/x` or object id names, or None."""
        names = () if _SHA.fullmatch(revision) else (f"refs/heads/{revision}", f"refs/tags/{revision}")
        for candidate in (*names, revision):
            found = await self._says(
                "rev-parse", "--verify", "--quiet", "--end-of-options", candidate + "^{commit}"
            )
            if found:
                return found
        return None

    async def object_type(self, sha: str) -> str | None:
        """`blob`, `tree`, `commit`, `tag`, or None when there is no such object."""
        return await self._says("cat-file", "-t", sha)

    async def blob(self, sha: str) -> bytes:
        """A blob's bytes."""
        return await self.run("cat-file", "blob", sha)

    async def file(self, commit: str, path: str) -> bytes | None:
        """A file's bytes at a commit, or None."""
        try:
            return await self.run("cat-file", "blob", f"{commit}:{path}")
        except GitError:
            return None

    async def tree(self, tree_ish: str, *, recursive: bool = False, path: str = "") -> list[TreeEntry]:
        """A tree's entries; with `recursive`, those of its subtrees too, trees included."""
        flags = ["-r", "-t"] if recursive else []
        where = ["--", path] if path else []
        out = await self.run("ls-tree", "-z", "-l", *flags, tree_ish, *where)
        entries = []
        for record in out.decode(errors="surrogateescape").split("\0")[:-1]:
            meta, _, name = record.partition("\t")
            mode, kind, sha, size = meta.split()
            entries.append(TreeEntry(name, mode, kind, sha, None if size == "-" else int(size)))
        return entries

    async def commit(self, sha: str) -> Commit:
        """The commit object `sha`.

        Raises:
            GitError: There is none.
        """
        if sha not in self._commits:
            (self._commits[sha],) = await self._log("--no-walk", sha)
        return self._commits[sha]

    async def commits(
        self, since: str | None, until: str, *, path: str | None = None, limit: int = 250
    ) -> list[Commit]:
        """The commits of `until` that `since` lacks, oldest first, at most the newest `limit`.

        With `path`, only those that changed it.
        """
        excluded = [f"^{since}"] if since else []
        paths = ["--", f":(literal){path}"] if path else []
        return await self._log("--reverse", f"--max-count={limit}", until, *excluded, *paths)

    async def _log(self, *arguments: str) -> list[Commit]:
        out = await self.run("log", "-z", f"--format={_COMMIT_FORMAT}", *arguments)
        fields = out.decode(errors="replace").split("\0")
        found = []
        for start in range(0, len(fields) - _COMMIT_FIELDS + 1, _COMMIT_FIELDS):
            sha, tree, parents, an, ae, ad, cn, ce, cd, message = fields[start : start + _COMMIT_FIELDS]
            found.append(
                Commit(
                    sha,
                    tree,
                    tuple(parents.split()),
                    Signature(an, ae, datetime.fromisoformat(ad)),
                    Signature(cn, ce, datetime.fromisoformat(cd)),
                    message.rstrip("\n"),
                )
            )
        return found

    async def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older`."""
        return await self._says("merge-base", "--is-ancestor", older, newer) is not None

    async def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, or None."""
        return await self._says("merge-base", one, other)

    async def counts(self, base: str, head: str) -> tuple[int, int]:
        """How many commits only `base` has, and how many only `head` has."""
        out = await self.run("rev-list", "--left-right", "--count", f"{base}...{head}")
        behind, ahead = out.split()
        return int(behind), int(ahead)

    async def changes(self, base: str, head: str) -> list[FileChange]:
        """The files that differ between two trees, with their patches. Renames count as two files."""
        raw = await self.run("diff-tree", "-r", "-z", "--no-renames", "--raw", "--numstat", base, head)
        rows = raw.decode(errors="surrogateescape").split("\0")[:-1]
        kinds: dict[str, tuple[str, str]] = {}
        counts: dict[str, tuple[int, int]] = {}
        remaining = iter(rows)
        for row in remaining:
            if row.startswith(":"):
                _, _, old, new, letter = row.split(" ")
                kinds[next(remaining)] = (letter, old if letter == "D" else new)
            else:
                added, removed, path = row.split("\t")
                counts[path] = (0, 0) if added == "-" else (int(added), int(removed))
        words = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}
        return [
            FileChange(path, words[letter], sha, *counts[path], await self._patch(base, head, path))
            for path, (letter, sha) in kinds.items()
        ]

    async def _patch(self, base: str, head: str, path: str) -> str:
        text = await self.diff(base, head, path)
        start = text.find("\n@@")
        return text[start + 1 :].rstrip("\n") if start >= 0 else ""

    async def diff(self, base: str, head: str, *paths: str) -> str:
        """The unified diff between two trees."""
        where = ["--", *paths] if paths else []
        out = await self.run("diff", "--no-renames", "--no-color", "--no-ext-diff", base, head, *where)
        return out.decode(errors="replace")

    async def changed_paths(self, base: str | None, head: str) -> list[str]:
        """The paths that differ between two trees; `base` None means an empty one."""
        out = await self.run("diff-tree", "-r", "-z", "--name-only", base or EMPTY_TREE, head)
        return out.decode(errors="surrogateescape").split("\0")[:-1]

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────

    async def write_blob(self, data: bytes) -> str:
        """Store a blob."""
        return (await self.run("hash-object", "-w", "--stdin", stdin=data)).decode().strip()

    async def write_tree(self, base: str | None, entries: Iterable[TreeEntry]) -> str:
        """Store the tree that `entries` make of `base` (a tree, or None for an empty one).

        Raises:
            GitError: A path is not acceptable, or an object is missing or of the wrong type.
        """
        lines = b""
        for entry in entries:
            path = entry.path.encode(errors="surrogateescape")
            if entry.sha is None:
                lines += b"0 " + ZERO_SHA.encode() + b"\t" + path + b"\0"
            elif entry.type == "tree":
                for nested in await self.tree(entry.sha, recursive=True):
                    if nested.type != "tree":
                        full = f"{entry.path}/{nested.path}".encode(errors="surrogateescape")
                        lines += f"{nested.mode} {nested.sha}\t".encode() + full + b"\0"
            else:
                lines += f"{entry.mode} {entry.sha}\t".encode() + path + b"\0"
        with tempfile.TemporaryDirectory(dir=self.path, prefix="index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            if base:
                await self.run("read-tree", base, extra=index)
            await self.run(
                "update-index", "-z", "--add", "--replace", "--index-info", stdin=lines, extra=index
            )
            return (await self.run("write-tree", extra=index)).decode().strip()

    async def write_commit(
        self, tree: str, parents: Sequence[str], message: str, author: Signature, committer: Signature
    ) -> str:
        """Store a commit."""
        identity = {}
        for role, signature in (("AUTHOR", author), ("COMMITTER", committer)):
            identity[f"GIT_{role}_NAME"] = signature.name
            identity[f"GIT_{role}_EMAIL"] = signature.email
            identity[f"GIT_{role}_DATE"] = signature.date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        flags = [part for parent in parents for part in ("-p", parent)]
        out = await self.run(
            "commit-tree", tree, *flags, "-F", "-", stdin=message.encode(errors="replace"), extra=identity
        )
        return out.decode().strip()

    async def update_ref(self, ref: str, new: str, old: str) -> None:
        """Move `ref` from `old` (all zeros: it must not exist) to `new`.

        Raises:
            GitError: It stands elsewhere, or its name collides with another ref.
        """
        await self.run("update-ref", ref, new, old)

    async def delete_ref(self, ref: str) -> None:
        """Remove a ref."""
        await self.run("update-ref", "-d", ref)

    async def merged_tree(self, base: str, head: str) -> str | None:
        """The tree of a merge of two commits, or None on conflict."""
        return await self._says("merge-tree", "--write-tree", base, head)

    async def check_out(self, commit: str, branch: str, into: Path, *, origin: str) -> None:
        """Make a throwaway clone in `into`, at `commit`, on a branch of that name.

        The clone borrows this repository's objects, so it must not outlive it.
        """
        await self.run("clone", "--quiet", "--shared", "--no-checkout", str(self.path), str(into))
        here = {"GIT_DIR": str(into / ".git"), "GIT_WORK_TREE": str(into)}
        await self.run("-C", str(into), "checkout", "--quiet", "-B", branch, commit, extra=here)
        await self.run("remote", "set-url", "origin", origin, extra=here)
