"""What a patch may do to a file: create it or change its text, and little else."""

import re
from collections.abc import Iterator
from typing import Final

from activities.publishing.gate.files import Base
from activities.publishing.gate.findings import Finding, doubtful, refused
from activities.publishing.gate.places import declares_dependencies
from activities.publishing.patch import EXECUTABLE_MODE, FILE_MODES, NEW_FILE_MODE, FilePatch, Kind
from workflows.models import Diagnosis

BASE_FILE_BYTES: Final = 5 * 1024 * 1024
"""A larger file is hardly source, and judging it would hold the publisher up."""

_DIRECTORY: Final = "040000"
_FORBIDDEN: Final = {
    Kind.DELETED: "deletes a file",
    Kind.MOVED: "renames or copies a file",
    Kind.BINARY: "changes a binary file",
    Kind.MODE_CHANGED: "changes a file's mode",
}
_GENERATED_MARK: Final = re.compile(rb"@generated\b|\bDO NOT EDIT\b")
_GENERATED_MARK_BYTES: Final = 2_000
"""A generator's mark stands at the top."""
_STALE: Final = "generated-files-stale"
"""The diagnosis that files are not committed as generated: then they may change, if a human agrees."""


def findings(patch: FilePatch, base: Base, diagnosis: Diagnosis) -> Iterator[Finding]:
    """What speaks against the kind of change that a patch makes to a file."""
    mode = base.modes.get(patch.path)
    if patch.makes_executable and mode == NEW_FILE_MODE and _was_denied(patch.path, diagnosis):
        yield doubtful("makes a file executable that could not be started")
    elif patch.kind in _FORBIDDEN:
        yield refused(_FORBIDDEN[patch.kind])
    for each in (patch.mode, mode):
        if each is not None and each not in FILE_MODES:
            yield refused("is not an ordinary file")
            break
    if patch.kind is Kind.CHANGED and patch.mode is not None and mode is not None and patch.mode != mode:
        yield refused("names another mode than the file has")
    if mode in FILE_MODES and patch.path not in base.files:
        yield refused(f"is larger than {BASE_FILE_BYTES} bytes")
    if patch.kind is Kind.CREATED:
        yield from _creation(patch, base)
    yield from _contents(patch, base, diagnosis)


def _was_denied(path: str, diagnosis: Diagnosis) -> bool:
    """Whether the log says that this very file could not be executed."""
    named = re.compile(
        rf"(?:^|[\s'\"/:]){re.escape(path)}'?: Permission denied"
        rf"|ermission denied: '?(?:\S*/)?{re.escape(path)}"
    )
    return any(named.search(line) for line in diagnosis.evidence_lines)


def _creation(patch: FilePatch, base: Base) -> Iterator[Finding]:
    if patch.mode == EXECUTABLE_MODE:
        yield doubtful("a new executable")
    parts = patch.path.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    if any(base.modes.get(path, _DIRECTORY) != _DIRECTORY for path in above):
        yield refused("lies below something that is not a directory")
    taken = {path.casefold(): path for path in base.modes}
    for path in (*above, patch.path):
        if path not in base.modes and taken.get(path.casefold(), path) != path:
            yield refused("differs from an existing path in case only")
            break


def _contents(patch: FilePatch, base: Base, diagnosis: Diagnosis) -> Iterator[Finding]:
    before = base.files.get(patch.path)
    old = before.content if before else b""
    if b"\0" in old[:8_000] or any("\0" in line for line in patch.added):
        yield refused("changes a binary file")
    # A lock file's tool calls it generated too; what may become of those, the rules of places say.
    if _GENERATED_MARK.search(old[:_GENERATED_MARK_BYTES]) and not declares_dependencies(patch.path):
        finding = doubtful if diagnosis.rule == _STALE else refused
        yield finding("a generated file, as its head says")
