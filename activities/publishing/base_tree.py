"""Reading the tree that a patch applies to."""

import asyncio
from collections.abc import Sequence

from activities.adapters.github import GitHub, TreeEntry
from activities.errors import PermanentError
from activities.publishing.gate.dependencies import manifests_above
from activities.publishing.gate.files import Base
from activities.publishing.gate.kinds import BASE_FILE_BYTES
from activities.publishing.patch import FILE_MODES, BaseFile


async def read_base(github: GitHub, repository: str, base_sha: str, paths: Sequence[str]) -> tuple[str, Base]:
    """The tree of commit `base_sha`, and what it says of `paths`.

    Returns:
        The tree's own sha, and the base. It holds the content of those paths, and the manifests above,
        as far as they are ordinary files of bearable size.

    Raises:
        AdapterError: The commit cannot be read.
    """
    commit = await github.get_commit(repository, base_sha)
    listing = await github.get_tree(repository, commit.tree, recursive=True)
    if listing.truncated:
        entries = await _along(github, repository, commit.tree, paths)
    else:
        entries = {entry.path: entry for entry in listing.entries}

    async def read(path: str, entry: TreeEntry) -> tuple[str, BaseFile]:
        return path, BaseFile(mode=entry.mode, content=await github.get_blob(repository, entry.sha))

    manifests = [manifest for path in paths for manifest in manifests_above(path)]
    wanted = [
        (path, entries[path])
        for path in dict.fromkeys((*paths, *manifests))
        if path in entries and _is_read(entries[path])
    ]
    files = await asyncio.gather(*(read(path, entry) for path, entry in wanted))
    modes = {path: entry.mode for path, entry in entries.items()}
    return commit.tree, Base(modes=modes, files=dict(files))


def _is_read(entry: TreeEntry) -> bool:
    return entry.mode in FILE_MODES and (entry.size or 0) <= BASE_FILE_BYTES


async def _along(github: GitHub, repository: str, root: str, paths: Sequence[str]) -> dict[str, TreeEntry]:
    """The entries of every directory on the way to `paths`, for a tree too large to be listed at once."""
    entries: dict[str, TreeEntry] = {}
    directories = {"": root}
    wanted = {"/".join(path.split("/")[:depth]) for path in paths for depth in range(path.count("/") + 1)}
    for directory in sorted(wanted, key=lambda name: (name.count("/") + bool(name), name)):
        if directory not in directories:
            continue
        tree = await github.get_tree(repository, directories[directory], recursive=False)
        if tree.truncated:
            raise PermanentError("a directory is too large for GitHub to list", kind="invalid")
        for entry in tree.entries:
            path = f"{directory}/{entry.path}" if directory else entry.path
            entries[path] = entry
            if entry.type == "tree":
                directories[path] = entry.sha
    return entries
