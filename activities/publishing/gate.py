"""The gate every patch passes: pure, deterministic; deny wins, and what is unknown is denied."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from activities.evidence.redaction import contains_secret
from activities.publishing.gate_rules import (
    BASE_FILE_BYTES,
    CHANGED_LINES,
    FILE_RULES,
    GENERATED_MARK,
    GENERATED_MARK_BYTES,
    LINE_CHARACTERS,
    LINE_RULES,
    PATH_RULES,
    FileRule,
    LineRule,
    unseen,
)
from activities.publishing.patch import (
    EXECUTABLE_MODE,
    FILE_MODES,
    NEW_FILE_MODE,
    BaseFile,
    FilePatch,
    Kind,
    MalformedPatchError,
    PatchConflictError,
    apply_all,
    parse,
)
from workflows.models import Diagnosis, GateDecision, GateVerdict, Limits, TriagePolicy

_REASONS: Final = 20
"""More say nothing new."""

_DIRECTORY: Final = "040000"

_FORBIDDEN_KINDS: Final = {
    Kind.DELETED: "deletes a file",
    Kind.MOVED: "renames or copies a file",
    Kind.BINARY: "changes a binary file",
    Kind.MODE_CHANGED: "changes a file's mode",
}


@dataclass(frozen=True, slots=True)
class Base:
    """What a patch is judged against: the tree of its base commit.

    Attributes:
        modes: Git's mode of every path known to exist: files, links, submodules, directories.
        files: Content of the ordinary files the patch speaks of; one that exists and is not here is too
            large.
    """

    modes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, BaseFile] = field(default_factory=dict)


class Finding(NamedTuple):
    """One reason against publishing a patch unseen, or at all."""

    decision: GateDecision
    why: str


def judge(diff: str, base: Base, diagnosis: Diagnosis, limits: Limits, policy: TriagePolicy) -> GateVerdict:
    """Whether a patch may be published.

    Args:
        diff: The patch.
        base: What it applies to.
        diagnosis: What it is meant to repair; some files may be changed only where the failure is theirs.
        limits: How large it may be.
        policy: Adds paths that need a human.

    Returns:
        Refused if anything speaks against it, else approval if anything asks for it, else allowed.
        `conflict` is set when nothing but a changed base speaks against it.
    """
    try:
        patches = parse(diff)
    except MalformedPatchError as error:
        return _refusal(f"The diff cannot be read: {error}.")
    if not patches:
        return _refusal("There is nothing to publish.")
    findings = [*_size(diff, patches, limits)]
    for patch in patches:
        found = _file(patch, base, diagnosis, policy)
        findings += (Finding(decision, f"{patch.path}: {why}") for decision, why in found)
    refused = [found.why for found in findings if found.decision is GateDecision.REFUSED]
    if refused:
        return _verdict(GateDecision.REFUSED, refused)
    return _fit(patches, base) or _verdict(
        GateDecision.NEEDS_APPROVAL if findings else GateDecision.ALLOWED, [found.why for found in findings]
    )


def _fit(patches: tuple[FilePatch, ...], base: Base) -> GateVerdict | None:
    try:
        apply_all(patches, base.files)
    except MalformedPatchError as error:
        return _refusal(f"The diff cannot be applied: {error}.")
    except PatchConflictError as conflict:
        return GateVerdict(decision=GateDecision.REFUSED, reasons=(str(conflict),), conflict=True)
    return None


def _verdict(decision: GateDecision, reasons: list[str]) -> GateVerdict:
    return GateVerdict(decision=decision, reasons=tuple(dict.fromkeys(reasons))[:_REASONS])


def _refusal(why: str) -> GateVerdict:
    return GateVerdict(decision=GateDecision.REFUSED, reasons=(why,))


def _refused(why: str) -> Finding:
    return Finding(GateDecision.REFUSED, why)


def _size(diff: str, patches: tuple[FilePatch, ...], limits: Limits) -> Iterator[Finding]:
    lines = sum(len(patch.added) + len(patch.removed) for patch in patches)
    size = len(diff.encode(errors="replace"))
    for measured, most, unit in (
        (len(patches), limits.patch_files, "files"),
        (size, limits.patch_bytes, "bytes"),
        (lines, CHANGED_LINES, "changed lines"),
    ):
        if measured > most:
            yield _refused(f"The patch has {measured} {unit}; {most} are allowed.")


def _file(patch: FilePatch, base: Base, diagnosis: Diagnosis, policy: TriagePolicy) -> Iterator[Finding]:
    yield from (_refused(rule.why) for rule in PATH_RULES if rule.applies(patch.path))
    yield from _kind(patch, base, diagnosis)
    yield from _place(patch.path, diagnosis, policy)
    yield from _content(patch, base)


def _kind(patch: FilePatch, base: Base, diagnosis: Diagnosis) -> Iterator[Finding]:
    mode = base.modes.get(patch.path)
    if patch.makes_executable and mode == NEW_FILE_MODE and _was_denied(patch.path, diagnosis):
        yield Finding(GateDecision.NEEDS_APPROVAL, "makes a file executable that could not be started")
    elif patch.kind in _FORBIDDEN_KINDS:
        yield _refused(_FORBIDDEN_KINDS[patch.kind])
    for each in (patch.mode, mode):
        if each is not None and each not in FILE_MODES:
            yield _refused("is not an ordinary file")
            break
    if patch.kind is Kind.CHANGED and patch.mode is not None and mode is not None and patch.mode != mode:
        yield _refused("names another mode than the file has")
    if mode in FILE_MODES and patch.path not in base.files:
        yield _refused(f"is larger than {BASE_FILE_BYTES} bytes")
    if patch.kind is Kind.CREATED:
        yield from _creation(patch, base)


def _was_denied(path: str, diagnosis: Diagnosis) -> bool:
    """Whether the log says that this very file could not be executed."""
    named = re.compile(
        rf"(?:^|[\s'\"/:]){re.escape(path)}'?: Permission denied"
        rf"|ermission denied: '?(?:\S*/)?{re.escape(path)}"
    )
    return any(named.search(line) for line in diagnosis.evidence_lines)


def _creation(patch: FilePatch, base: Base) -> Iterator[Finding]:
    if patch.mode == EXECUTABLE_MODE:
        yield Finding(GateDecision.NEEDS_APPROVAL, "a new executable")
    parts = patch.path.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    if any(base.modes.get(path, _DIRECTORY) != _DIRECTORY for path in above):
        yield _refused("lies below something that is not a directory")
    taken = {path.casefold(): path for path in base.modes}
    for path in (*above, patch.path):
        if path not in base.modes and taken.get(path.casefold(), path) != path:
            yield _refused("differs from an existing path in case only")
            break


def _place(path: str, diagnosis: Diagnosis, policy: TriagePolicy) -> Iterator[Finding]:
    configured = FileRule("configured", policy.protected_paths, "protected by the operator's settings")
    for rule in (*FILE_RULES, configured):
        if rule.covers(path) and diagnosis.failure_class not in rule.unless:
            yield Finding(rule.decision, rule.why)


def _content(patch: FilePatch, base: Base) -> Iterator[Finding]:
    before = base.files.get(patch.path)
    old = before.content if before else b""
    if b"\0" in old[:8_000] or any("\0" in line for line in patch.added):
        yield _refused("changes a binary file")
    if GENERATED_MARK.search(old[:GENERATED_MARK_BYTES]):
        yield _refused("a generated file, as its head says")
    if any(len(line) > LINE_CHARACTERS for line in patch.added):
        yield _refused(f"has a line of more than {LINE_CHARACTERS} characters")
        return
    for rule in LINE_RULES:
        if _matches(rule, patch.added) - _matches(rule, patch.removed):
            yield Finding(rule.decision, rule.why)
    hidden = Counter(unseen("\n".join(patch.added))) - Counter(unseen("\n".join(patch.removed)))
    if hidden:
        codes = ", ".join(f"U+{ord(character):04X}" for character in sorted(hidden)[:5])
        yield _refused(f"adds characters nobody sees: {codes}")
    if adds_secret(patch, base):
        yield _refused("adds what looks like a secret")


def adds_secret(patch: FilePatch, base: Base) -> bool:
    """Whether a patch adds what looks like a secret; one that the file holds already is no news."""
    before = base.files.get(patch.path)
    known = (
        {line.strip() for line in before.content.decode(errors="replace").splitlines()} if before else set()
    )
    return contains_secret("\n".join(line for line in patch.added if line.strip() not in known))


def _matches(rule: LineRule, lines: tuple[str, ...]) -> Counter[str]:
    return Counter("".join(found[0].split()) for line in lines for found in rule.pattern.finditer(line))
