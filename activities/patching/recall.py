"""Repair by what repaired the same failure before: a merged fix, made again on the commit as it is now."""

import difflib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from activities.adapters.file_changes import FileChange, merged
from activities.adapters.github import GitHub
from activities.adapters.pulse import Pulse
from activities.adapters.repository import RepositoryMirrors
from activities.errors import PermanentError
from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.proofs import proof_by_running
from workflows.models import EXAMPLE_CHARACTERS, PatchRequest, Strategy
from workflows.naming import parse_fingerprint

_RECENT: Final = 100
"""Closed pull requests that are looked through, those changed last first."""


@dataclass(frozen=True)
class Recalled:
    """A merged fix of the same failure."""

    pull_request: int
    changes: tuple[FileChange, ...]

    @property
    def diff(self) -> str:
        """For a reader: unified, with a/ and b/ prefixes, cut at a bound."""
        text = ""
        for change in self.changes:
            before, after = (
                (content or b"").decode(errors="replace").splitlines(keepends=True)
                for content in (change.before, change.after)
            )
            text += "".join(difflib.unified_diff(before, after, f"a/{change.path}", f"b/{change.path}"))
        return text[:EXAMPLE_CHARACTERS]


async def recall(
    github: GitHub, mirrors: RepositoryMirrors, request: PatchRequest, pulse: Pulse
) -> Recalled | None:
    """The newest merged fix whose failure had the fingerprint of this one; None where there is none.

    Only pull requests from fix branches of the repository itself count, and only merged ones: whoever could
    forge one can change the repository anyway. A credential that may not read pull requests recalls nothing.
    """
    wanted = request.evidence.fingerprint
    if not wanted:
        return None
    try:
        fixes = await github.list_merged_fixes(request.repository, limit=_RECENT)
        for fix in fixes:
            if parse_fingerprint(fix.body) == wanted and fix.merge_commit_sha:
                changes = await mirrors.changes_of(request.repository, fix.merge_commit_sha, pulse=pulse)
                return Recalled(fix.number, changes)
    except PermanentError:
        return None
    return None


def make_again(bench: Bench, recalled: Recalled) -> Draft:
    """Make a merged fix's changes again, three ways, and prove them like any other.

    Raises:
        SetbackError: They conflict with the files as they are now, or are made already.
    """
    number = recalled.pull_request
    prove = proof_by_running(bench)
    contents = _contents(
        bench, recalled.changes, f"The fix that pull request {number} merged for the same failure"
    )
    for path, content in contents.items():
        bench.workspace.write(path, content)
    changes = bench.changes()
    if not changes.files:
        raise SetbackError(f"What pull request {number} changed for the same failure is there already.")
    bench.hold_demands(changes)
    summary = f"Made again what pull request {number} changed for the same failure."
    return Draft(Strategy.RECALL, None, summary, prove(), changes)


def _contents(bench: Bench, changes: Sequence[FileChange], what: str) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="regreen-recall-") as folder:
        for change in changes:
            if change.after is None:
                raise SetbackError(f"{what} removed a file.")
            ours = bench.workspace.read(change.path)
            if ours == change.after:
                continue
            if ours == change.before:
                contents[change.path] = change.after
                continue
            made = merged(ours, change, Path(folder), bench.pulse) if ours is not None else None
            if made is None:
                raise SetbackError(f"{what} does not fit {change.path} any more.")
            contents[change.path] = made
    return contents
