"""The repository's files, as far as a wrapper has to look into them."""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.workspace import Workspace
from activities.errors import PermanentError
from activities.patching.commands import Command, parse_step

FILE_BYTES: Final = 500_000
_SNIFFED_BYTES: Final = 8_000
_TEXT_BYTES: Final = bytes({7, 8, 9, 10, 11, 12, 13, 27} | set(range(0x20, 0x7F)) | set(range(0x80, 0x100)))
"""What pre-commit and git take a file for text by."""


class Tree:
    """Paths and texts of a commit.

    Args:
        paths: All of them.
        read: The bytes of one; None where there is no such file.
    """

    def __init__(self, paths: Iterable[str], read: Callable[[str], bytes | None]) -> None:
        self.paths = tuple(paths)
        self._read = read

    @classmethod
    def of(cls, workspace: Workspace) -> "Tree":
        """The tree of a workspace."""
        return cls(workspace.tracked, lambda path: workspace.read(path, max_bytes=FILE_BYTES))

    def text(self, folder: str, *names: str) -> tuple[str, str] | None:
        """Name and text of the first of `names` that is a file in `folder`; None when there is none."""
        for name in names:
            path = str(PurePosixPath(folder) / name)
            try:
                content = self._read(path)
                if content is not None:
                    return name, content.decode()
            except (PermanentError, UnicodeDecodeError):
                continue
        return None

    def is_text(self, path: str) -> bool:
        """Whether a file begins as text does; one that is too large to be read counts for none."""
        try:
            content = self._read(path)
        except PermanentError:
            return False
        return not (content or b"")[:_SNIFFED_BYTES].translate(None, _TEXT_BYTES)

    def commands(self, text: str, outer: Command, *, cwd: str | None = None) -> tuple[Command, ...]:
        """The commands of a script that `outer` runs."""
        inner = parse_step(text, cwd=outer.cwd if cwd is None else cwd, paths=self.paths)
        return tuple(
            Command(command.argv, command.cwd, outer.env + command.env, command.text, outer.hook)
            for command in inner
        )
