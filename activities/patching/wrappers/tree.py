"""The repository's files, as far as a wrapper has to look into them."""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.workspace import Workspace
from activities.errors import PermanentError
from activities.patching.commands import Command, parse_step

FILE_BYTES: Final = 500_000


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

    def commands(self, text: str, outer: Command, *, cwd: str | None = None) -> tuple[Command, ...]:
        """The commands of a script that `outer` runs."""
        inner = parse_step(text, cwd=outer.cwd if cwd is None else cwd, paths=self.paths)
        return tuple(
            Command(command.argv, command.cwd, outer.env + command.env, command.text) for command in inner
        )
