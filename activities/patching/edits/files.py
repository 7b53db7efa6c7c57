"""What every edit does with its files."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from activities.adapters.workspace import Workspace
from activities.errors import PermanentError
from activities.patching.recipe import EditRefusedError
from workflows.models import PatchRequest

FILE_BYTES: Final = 500_000
_RUNNER: Final = re.compile(
    r"^(?:/home/runner/work/[^/]+/[^/]+/|/Users/runner/work/[^/]+/[^/]+/|/__w/[^/]+/[^/]+/|/github/workspace/|\./)"
)


def matches(request: PatchRequest, pattern: str) -> Iterator[re.Match[str]]:
    """Where the excerpts of the failed jobs match, in order."""
    for job in request.evidence.jobs:
        yield from re.finditer(pattern, job.excerpt.text, re.MULTILINE)


def tracked(workspace: Workspace, path: str) -> str | None:
    """The repository's file that a log means by `path`; None when it is none, or could be several."""
    known = frozenset(workspace.tracked)
    inner = _RUNNER.sub("", path.strip())
    if inner in known:
        return inner
    if inner.startswith("/"):
        # Another runner's folder: the longest end that is a file here.
        parts = PurePosixPath(inner).parts
        found = ("/".join(parts[start:]) for start in range(1, len(parts)))
        return next((each for each in found if each in known), None)
    ends = [each for each in known if each.endswith(f"/{inner}")]
    return ends[0] if len(ends) == 1 else None


def read_text(workspace: Workspace, path: str) -> str:
    """A file's text.

    Raises:
        EditRefusedError: There is none.
    """
    try:
        content = workspace.read(path, max_bytes=FILE_BYTES)
        if content is not None:
            return content.decode()
    except (PermanentError, UnicodeDecodeError):
        pass
    raise EditRefusedError(f"{path} is not a text file that can be edited.")
