"""What a commit changed, file by file, read from a mirror."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from activities.adapters.git_process import run_git
from activities.adapters.pulse import Pulse
from activities.errors import PermanentError, UnavailableError

FILES: Final = 50
FILE_BYTES: Final = 1_000_000
_REGULAR: Final = frozenset({"100644", "100755"})
_ABSENT: Final = "000000"


@dataclass(frozen=True)
class FileChange:
    """One file, before and after."""

    path: str
    before: bytes | None
    """None where the commit made the file."""
    after: bytes | None
    """None where the commit removed the file."""


def read_changes(mirror: Path, sha: str, pulse: Pulse) -> tuple[FileChange, ...]:
    """What commit `sha` changed against its first parent.

    Raises:
        PermanentError: (`invalid`) it has no parent here, changed too much, or something that is no file.
        UnavailableError: The mirror is damaged.
    """

    def git(*arguments: str) -> bytes:
        result = run_git(arguments, git_dir=mirror, pulse=pulse)
        if result.exit_code != 0:
            raise UnavailableError(f"git {arguments[0]} failed: {result.stderr.strip()[-300:]}")
        return result.stdout

    if run_git(("rev-parse", "--verify", "--quiet", f"{sha}^1"), git_dir=mirror, pulse=pulse).exit_code != 0:
        raise PermanentError(f"commit {sha} has no parent to compare with", kind="invalid")
    fields = git("diff-tree", "-r", "-z", "--no-renames", f"{sha}^1", sha).split(b"\0")
    if len(fields) > 2 * FILES + 1:
        raise PermanentError(f"commit {sha} changed more than {FILES} files", kind="invalid")
    changes = []
    for facts, name in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, old, new, _ = facts.decode().removeprefix(":").split()
        if {old_mode, new_mode} - _REGULAR - {_ABSENT}:
            raise PermanentError(f"commit {sha} changed something that is no regular file", kind="invalid")
        contents = []
        for mode, oid in ((old_mode, old), (new_mode, new)):
            if mode != _ABSENT and int(git("cat-file", "-s", oid)) > FILE_BYTES:
                raise PermanentError(
                    f"commit {sha} changed a file of more than {FILE_BYTES} bytes", kind="invalid"
                )
            contents.append(git("cat-file", "blob", oid) if mode != _ABSENT else None)
        try:
            changes.append(FileChange(name.decode(), *contents))
        except UnicodeDecodeError as error:
            raise PermanentError("a file's name is not UTF-8", kind="invalid") from error
    return tuple(changes)


def merged(ours: bytes, change: FileChange, folder: Path, pulse: Pulse) -> bytes | None:
    """Three ways: our content with the change made to it; None where they conflict.

    Args:
        ours: The file as it is now.
        change: What was once changed; of a file that was there before and after.
        folder: For git to work in, with room for three files.
        pulse: Called while git runs.
    """
    if change.before is None or change.after is None:
        return None
    names = ("ours", "before", "after")
    for name, content in zip(names, (ours, change.before, change.after), strict=True):
        (folder / name).write_bytes(content)
    result = run_git(("merge-file", "--stdout", "--quiet", *names), git_dir=folder, cwd=folder, pulse=pulse)
    return result.stdout if result.exit_code == 0 else None
