"""Search in a workspace with ripgrep: patterns in linear time, files as they stand, bounded in every way."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

from activities.adapters.workspace import Workspace
from activities.patching.session.editor import ToolError, place

_SECONDS: Final = 10.0
_OUTPUT_BYTES: Final = 64_000
_NO_MATCH: Final = 1
_OPTIONS: Final = (
    *("--no-config", "--no-ignore", "--hidden", "--no-follow", "--no-messages", "--sort=path"),
    *(
        "--with-filename",
        "--line-number",
        "--no-heading",
        "--color=never",
        "--max-columns=300",
        "--max-columns-preview",
    ),
    *("--max-count=50", "--max-filesize=5M", "--glob=!.git", "--engine=default"),
)
"""Every file is looked at, since every file is the commit's; a link is not followed."""


class Search(BaseModel):
    """Find lines in the repository's files; each is given as path:line:text."""

    pattern: str = Field(min_length=1, max_length=500, description="a regular expression, or a literal text")
    path: str = Field(default=".", description="a file or folder to search in")
    literal: bool = Field(default=False, description="whether the pattern is a literal text")


def search(workspace: Workspace, wanted: Search) -> str:
    """The matching lines, in order of their paths.

    Raises:
        ToolError: The pattern cannot be read, there is no such path, or no ripgrep on this worker.
    """
    folder = place(wanted.path)
    if folder != "." and not any(path == folder or path.startswith(f"{folder}/") for path in workspace.paths):
        raise ToolError(f"There is no file or folder {folder}.")
    if (workspace.files / folder).is_symlink():  # ripgrep follows a link that is named to it
        raise ToolError(f"{folder} is a link; links are not followed.")
    literal = ("--fixed-strings",) if wanted.literal else ()
    under = "./" if folder == "." else f"./{folder}"
    output, complaint, code = _run(
        [*_ripgrep(), *_OPTIONS, *literal, "--regexp", wanted.pattern, "--", under], workspace.files
    )
    if code > _NO_MATCH and not output:
        raise ToolError(f"The pattern cannot be searched for: {complaint.strip()[-300:]}")
    lines = output.decode(errors="replace").splitlines()
    return "\n".join(line.removeprefix("./") for line in lines) or "No line matches."


def _ripgrep() -> list[str]:
    beside = Path(sys.executable).parent / "rg"
    found = str(beside) if beside.exists() else shutil.which("rg")
    if found is None:
        raise ToolError("Search is not available on this worker.")
    return [found]


def _run(command: list[str], folder: Path) -> tuple[bytes, str, int]:
    """Output up to a limit, complaints, exit status; ended when it takes too long or says too much."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    alarm = threading.Timer(_SECONDS, process.kill)
    alarm.start()
    try:
        with process:
            output = process.stdout.read(_OUTPUT_BYTES) if process.stdout else b""
            if len(output) == _OUTPUT_BYTES:
                process.kill()
            complaint = process.stderr.read(_OUTPUT_BYTES) if process.stderr else b""
    finally:
        alarm.cancel()
    return output, complaint.decode(errors="replace"), process.returncode
