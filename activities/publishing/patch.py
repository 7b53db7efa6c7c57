"""Unified diffs: read strictly, applied in memory to the byte, without any fuzz."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

NEW_FILE_MODE: Final = "100644"
EXECUTABLE_MODE: Final = "100755"
FILE_MODES: Final = frozenset({NEW_FILE_MODE, EXECUTABLE_MODE})
"""The modes of ordinary files; git's others are links, submodules and directories."""

_NOWHERE: Final = "/dev/null"
_MOVED: Final = re.compile(r"(?:rename|copy) (?:from|to) |(?:dis)?similarity index ")
_ESCAPED: Final = re.compile(rb'\\(?:([abtnvfr"\\])|([0-3][0-7]{2}))')
_ESCAPES: Final = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


class MalformedPatchError(Exception):
    """The text is not a diff that can be relied on."""


class PatchConflictError(Exception):
    """The diff speaks of a file that is not what it is applied to."""


class Kind(StrEnum):
    """What a diff does to one file."""

    CHANGED = "changed"
    CREATED = "created"
    DELETED = "deleted"
    MOVED = "moved"
    """Renamed or copied."""
    BINARY = "binary"
    MODE_CHANGED = "mode_changed"


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a diff does to one file."""

    path: str
    kind: Kind
    mode: str | None
    """The mode it gives a new file, or names for an old one; None when it names none."""
    hunks: tuple[Hunk, ...]

    @property
    def makes_executable(self) -> bool:
        """Whether all it does is to set the file's executable bit."""
        return self.kind is Kind.MODE_CHANGED and self.mode == EXECUTABLE_MODE and not self.hunks

    @property
    def added(self) -> tuple[str, ...]:
        """The lines it adds, without their ends."""
        return tuple(line.value.rstrip("\r\n") for hunk in self.hunks for line in hunk if line.is_added)

    @property
    def removed(self) -> tuple[str, ...]:
        """The lines it removes, without their ends."""
        return tuple(line.value.rstrip("\r\n") for hunk in self.hunks for line in hunk if line.is_removed)


@dataclass(frozen=True, slots=True)
class BaseFile:
    """A file as it is before the patch."""

    mode: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file as it is after the patch."""

    path: str
    mode: str
    content: bytes


def parse(diff: str) -> tuple[FilePatch, ...]:
    """The files a diff speaks of, in its order.

    Args:
        diff: A unified diff with `a/` and `b/` prefixes, as git writes it.

    Raises:
        MalformedPatchError: It is not one, or speaks of a file twice.
    """
    try:
        # Lines end with \n and nothing else: a lone \r belongs to its line.
        found = PatchSet(io.StringIO(diff, newline="\n"))
    except UnidiffParseError as error:
        raise MalformedPatchError(str(error).splitlines()[0][:200]) from None
    except (AttributeError, TypeError, ValueError, AssertionError):
        # unidiff trips over some texts before it can say what is wrong with them.
        raise MalformedPatchError("not a unified diff") from None
    patches = tuple(_file_patch(each) for each in found)
    if len({patch.path for patch in patches}) != len(patches):
        raise MalformedPatchError("a file is named twice")
    return patches


def paths_of(diff: str) -> list[str]:
    """The paths a diff speaks of, in its order; none where it cannot be read."""
    try:
        return [patch.path for patch in parse(diff)]
    except MalformedPatchError:
        return []


def apply(patch: FilePatch, base: bytes) -> bytes:
    """The file's bytes after the patch.

    Raises:
        PatchConflictError: A line the patch speaks of is not where it says.
        MalformedPatchError: The patch contradicts itself.
    """
    old = _lines(base)
    new: list[bytes] = []
    at = 0
    for hunk in patch.hunks:
        start = hunk.source_start - (1 if hunk.source_length else 0)
        if start < at or start > len(old):
            raise PatchConflictError(f"line {hunk.source_start} is not there")
        new += old[at:start]
        at = start
        if len(new) != hunk.target_start - (1 if hunk.target_length else 0):
            raise MalformedPatchError("the line numbers do not add up")
        for sign, text in _instructions(hunk):
            if sign in " -":
                if at >= len(old) or old[at] != text:
                    raise PatchConflictError(f"line {at + 1} is not what the patch says")
                at += 1
            if sign in " +":
                new.append(text)
    new += old[at:]
    if any(not line.endswith(b"\n") for line in new[:-1]):
        raise MalformedPatchError("a line without an end is not the last one")
    return b"".join(new)


def apply_all(patches: Sequence[FilePatch], base: Mapping[str, BaseFile]) -> tuple[ChangedFile, ...]:
    """Every file of a patch after it; `base` holds those that exist before it.

    Raises:
        PatchConflictError: A file is missing, or in the way, or different.
        MalformedPatchError: The patch contradicts itself, or does more than create and change files.
    """
    changed = []
    for patch in patches:
        before = base.get(patch.path)
        if patch.kind is Kind.CREATED:
            if before is not None:
                raise PatchConflictError(f"{patch.path} exists already")
            before = BaseFile(mode=patch.mode or NEW_FILE_MODE, content=b"")
        elif patch.kind is not Kind.CHANGED and not patch.makes_executable:
            raise MalformedPatchError(f"{patch.path} is {patch.kind}")
        if before is None:
            raise PatchConflictError(f"{patch.path} does not exist")
        try:
            content = apply(patch, before.content)
        except PatchConflictError as conflict:
            raise PatchConflictError(f"{patch.path}: {conflict}") from None
        mode = EXECUTABLE_MODE if patch.makes_executable else before.mode
        changed.append(ChangedFile(patch.path, mode, content))
    return tuple(changed)


def _lines(content: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in content.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _instructions(hunk: Hunk) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for line in hunk:
        if line.line_type == "\\":
            if found:
                sign, text = found[-1]
                found[-1] = (sign, text.removesuffix(b"\n"))
        elif line.line_type:  # an empty type is a blank line between two files
            try:
                found.append((line.line_type, line.value.encode()))
            except UnicodeEncodeError:
                raise MalformedPatchError("not text that can be encoded") from None
    return found


def _file_patch(found: PatchedFile) -> FilePatch:
    source, target = _path(found.source_file, "a/"), _path(found.target_file, "b/")
    path = target if target is not None else source
    if path is None:
        raise MalformedPatchError("a file is named nowhere")
    return FilePatch(
        path=path,
        kind=_kind(found, source, target),
        mode=found.target_mode or found.source_mode,
        hunks=tuple(found),
    )


def _kind(found: PatchedFile, source: str | None, target: str | None) -> Kind:
    header = tuple(found.patch_info or ())
    if found.is_binary_file or any(line.startswith(("Binary files ", "GIT binary patch")) for line in header):
        return Kind.BINARY
    if any(_MOVED.match(line) for line in header) or (source and target and source != target):
        return Kind.MOVED
    if target is None:
        return Kind.DELETED
    if source is None:
        return Kind.CREATED
    if found.source_mode != found.target_mode:
        return Kind.MODE_CHANGED
    if not found:
        raise MalformedPatchError(f"{target} is named but not changed")
    return Kind.CHANGED


def _path(name: str, prefix: str) -> str | None:
    if name == _NOWHERE:
        return None
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        name = _unquoted(name[1:-1])
    if not name.startswith(prefix) or name == prefix:
        raise MalformedPatchError(f"a file's name does not begin with {prefix}")
    return name.removeprefix(prefix)


def _unquoted(name: str) -> str:
    """Undo git's C-style quoting of a path that holds other than plain ASCII."""
    quoted = name.encode(errors="replace")
    if b"\\" in _ESCAPED.sub(b"", quoted):
        raise MalformedPatchError("a file's name is quoted wrongly")
    try:
        return _ESCAPED.sub(_escaped_byte, quoted).decode()
    except UnicodeDecodeError:
        raise MalformedPatchError("a file's name is not UTF-8") from None


def _escaped_byte(found: re.Match[bytes]) -> bytes:
    letter, octal = found.groups()
    return bytes([_ESCAPES[letter[0]] if letter else int(octal, 8)])
