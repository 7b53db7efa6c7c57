"""The model's text editor: the commands of the API's own tool type, on a workspace."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter

from activities.adapters.workspace import Workspace

_LISTED: Final = 400
_MATCHES_SHOWN: Final = 10


class ToolError(Exception):
    """A call that cannot be carried out. The text tells the model why."""


class View(BaseModel):
    """Show a file, or the files of a folder."""

    command: Literal["view"]
    path: str
    view_range: tuple[int, int] | None = None
    """1-based first and last line; -1 is the end."""


class StrReplace(BaseModel):
    """Replace a text that stands in a file once."""

    command: Literal["str_replace"]
    path: str
    old_str: str = Field(min_length=1)
    new_str: str = ""


class Create(BaseModel):
    """Write a whole file."""

    command: Literal["create"]
    path: str
    file_text: str


class Insert(BaseModel):
    """Put lines into a file."""

    command: Literal["insert"]
    path: str
    insert_line: int = Field(ge=0)
    """The line to put it after; 0 is the beginning."""
    insert_text: str


EditorCommand = Annotated[View | StrReplace | Create | Insert, Field(discriminator="command")]
EDITOR_COMMAND: Final[TypeAdapter[View | StrReplace | Create | Insert]] = TypeAdapter(EditorCommand)


def place(path: str) -> str:
    """`path` as it stands in the repository, however a model writes it."""
    return str(PurePosixPath(path.removeprefix("/workspace/").removeprefix("/repo/") or "."))


def view(workspace: Workspace, command: View) -> str:
    """The numbered lines of a file, or the paths in a folder."""
    path = place(command.path)
    if _is_folder(workspace, path):
        return listing(workspace, path)
    lines = _lines(_text(workspace, path))
    first, last = command.view_range or (1, -1)
    last = len(lines) if last == -1 else min(last, len(lines))
    if lines and not 1 <= first <= last:
        raise ToolError(f"{path} has {len(lines)} lines; lines {first} to {last} are not there.")
    shown = (f"{number:6}\t{lines[number - 1].rstrip()}" for number in range(first, last + 1))
    return "\n".join(shown) or "(the file is empty)"


def listing(workspace: Workspace, folder: str) -> str:
    """The paths of the repository's files in `folder`; the first of them, where there are many."""
    folder = place(folder)
    paths = sorted(path for path in workspace.paths if folder == "." or path.startswith(f"{folder}/"))
    if not paths:
        raise ToolError(f"There is no folder {folder} with files in it.")
    more = [f"… {len(paths) - _LISTED} more; name a folder further down"] if len(paths) > _LISTED else []
    return "\n".join([*paths[:_LISTED], *more])


def edit(workspace: Workspace, command: StrReplace | Create | Insert) -> str:
    """Change a file; what was done.

    Raises:
        ToolError: It cannot be done.
        PermanentError: The path leaves the repository, or something is in the way.
    """
    path = place(command.path)
    match command:
        case Create():
            new, done = command.file_text, "was written"
        case StrReplace():
            new, done = _replaced(_text(workspace, path), command, path), "was changed"
        case Insert():
            new, done = _inserted(_text(workspace, path), command, path), "was changed"
    try:
        content = new.encode()
    except UnicodeEncodeError:
        raise ToolError("The text holds characters that cannot be written as UTF-8.") from None
    workspace.write(path, content)
    return f"{path} {done}."


def _is_folder(workspace: Workspace, path: str) -> bool:
    return path == "." or any(known.startswith(f"{path}/") for known in workspace.paths)


def _text(workspace: Workspace, path: str) -> str:
    content = workspace.read(path)
    if content is None:
        raise ToolError(f"There is no file {path}.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{path} is not a text in UTF-8.") from None


def _replaced(text: str, command: StrReplace, path: str) -> str:
    old, new = (_with_ends_of(text, each) for each in (command.old_str, command.new_str))
    count = text.count(old)
    if count == 1:
        return text.replace(old, new)
    if not count:
        raise ToolError(f"old_str does not stand in {path}; nothing was changed. View the file, and copy it.")
    lines: list[str] = []
    found = -1
    while len(lines) < _MATCHES_SHOWN and (found := text.find(old, found + 1)) >= 0:
        lines.append(str(text.count("\n", 0, found) + 1))
    raise ToolError(
        f"old_str stands in {path} {count} times, first at the lines {', '.join(lines)}; "
        "nothing was changed. Give more of the text around it."
    )


def _inserted(text: str, command: Insert, path: str) -> str:
    lines = _lines(text)
    if command.insert_line > len(lines):
        raise ToolError(f"{path} has {len(lines)} lines; there is no line {command.insert_line}.")
    before, after = "".join(lines[: command.insert_line]), "".join(lines[command.insert_line :])
    added = _with_ends_of(text, command.insert_text)
    if before and not before.endswith("\n"):
        before += "\n"
    if not added.endswith("\n") and after:
        added += "\r\n" if _has_crlf(text) else "\n"
    return before + added + after


def _lines(text: str) -> list[str]:
    """The lines with their ends, which are line feeds and nothing else."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _has_crlf(text: str) -> bool:
    return "\r\n" in text


def _with_ends_of(text: str, piece: str) -> str:
    """`piece` with the line ends of `text`; models write plain line feeds."""
    return piece.replace("\r\n", "\n").replace("\n", "\r\n") if _has_crlf(text) else piece
