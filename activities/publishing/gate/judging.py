"""The verdict on a patch."""

from collections.abc import Iterable, Iterator
from time import thread_time
from typing import Final, NamedTuple

from activities.publishing.gate import (
    content,
    dependencies,
    kinds,
    places,
    settings_files,
    sources,
    workflow_files,
)
from activities.publishing.gate.files import Base, Change
from activities.publishing.gate.findings import Finding, refused
from activities.publishing.gate.paths import PATH_RULES
from activities.publishing.patch import (
    ChangedFile,
    FilePatch,
    MalformedPatchError,
    PatchConflictError,
    apply_all,
    parse,
)
from workflows.models import Diagnosis, GateDecision, GateVerdict, Limits, TriagePolicy

CHANGED_LINES: Final = 4_000
"""Lines added and removed together, beside files where only layout changes: a person could not look through
more."""

READING_SECONDS: Final = 4.0
"""Of the processor, so that a busy machine changes no verdict. Reading a file takes milliseconds; one made to
take longer needs a human."""

_REASONS: Final = 20
"""More say nothing new."""


class _Judged(NamedTuple):
    """A patch that applies, with what it is judged by."""

    patches: tuple[FilePatch, ...]
    changed: tuple[ChangedFile, ...]
    base: Base
    diagnosis: Diagnosis


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
        sized = [*_size(diff, patches, limits)]
        if not patches or sized:
            return _verdict(sized or [refused("There is nothing to publish.")])
        outside = [
            finding
            for patch in patches
            for finding in _named(patch.path, _outside(patch, base, diagnosis, policy))
        ]
        changed = apply_all(patches, base.files)
    except MalformedPatchError as error:
        return _verdict([refused(f"The diff cannot be read: {error}.")])
    except PatchConflictError as conflict:
        verdict = _verdict(outside)
        reasons = verdict.reasons if verdict.decision is GateDecision.REFUSED else (str(conflict),)
        return GateVerdict(
            decision=GateDecision.REFUSED,
            reasons=reasons,
            conflict=verdict.decision is not GateDecision.REFUSED,
        )
    return _verdict([*outside, *_inside(_Judged(patches, changed, base, diagnosis))])


def _outside(patch: FilePatch, base: Base, diagnosis: Diagnosis, policy: TriagePolicy) -> Iterator[Finding]:
    """What can be said of a file without applying the patch."""
    yield from (refused(rule.why) for rule in PATH_RULES if rule.applies(patch.path))
    yield from kinds.findings(patch, base, diagnosis)
    yield from places.findings(patch.path, diagnosis.failure_class, policy.protected_paths)
    yield from content.findings(patch, base)


def _inside(judged: _Judged) -> Iterator[Finding]:
    """What the files say before and after."""
    lines = 0
    until = thread_time() + READING_SECONDS
    for patch, file in zip(judged.patches, judged.changed, strict=True):
        change = _change(patch, file, judged.base)
        read = sources.inventories(change, until=until)
        if read is None or read[0].layout_free != read[1].layout_free:
            lines += len(patch.added) + len(patch.removed)
        yield from _named(patch.path, sources.findings(change, read, patch.removed, patch.added))
        yield from _named(patch.path, settings_files.findings(change))
        yield from _named(patch.path, workflow_files.findings(change))
        yield from _named(patch.path, dependencies.findings(change, read, judged.base, judged.diagnosis))
    yield from _bound(lines, CHANGED_LINES, "changed lines")


def _change(patch: FilePatch, file: ChangedFile, base: Base) -> Change:
    before = base.files.get(patch.path)
    return Change(
        path=patch.path,
        before=before.content.decode(errors="replace") if before else None,
        after=file.content.decode(errors="replace"),
    )


def _size(diff: str, patches: tuple[FilePatch, ...], limits: Limits) -> Iterator[Finding]:
    yield from _bound(len(patches), limits.patch_files, "files")
    yield from _bound(len(diff.encode(errors="replace")), limits.patch_bytes, "bytes")


def _bound(measured: int, most: int, unit: str) -> Iterator[Finding]:
    if measured > most:
        yield refused(f"The patch has {measured} {unit}; {most} are allowed.")


def _named(path: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    return (Finding(decision, f"{path}: {why}") for decision, why in findings)


def _verdict(findings: list[Finding]) -> GateVerdict:
    """Deny wins; of the reasons, those that decided are given."""
    for decision in (GateDecision.REFUSED, GateDecision.NEEDS_APPROVAL):
        reasons = tuple(dict.fromkeys(found.why for found in findings if found.decision is decision))
        if reasons:
            return GateVerdict(decision=decision, reasons=reasons[:_REASONS])
    return GateVerdict(decision=GateDecision.ALLOWED)
