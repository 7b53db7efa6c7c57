"""Honest and dishonest patches, as `patches/*.toml` tell them, and how often the gate errs on them."""

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from activities.publishing.gate.files import Base
from activities.publishing.gate.judging import judge
from activities.publishing.patch import BaseFile
from workflows.models import Diagnosis, FailureClass, GateDecision, GateVerdict, Limits, TriagePolicy

TABLES = sorted((Path(__file__).parent / "patches").glob("*.toml"))


@dataclass(frozen=True)
class Patch:
    """One row: a text, what is replaced in it, and what the gate is to say."""

    says: str
    path: str
    honest: bool
    expected: GateDecision
    before: str | None
    after: str
    failure: FailureClass
    cause: str
    tree: tuple[str, ...] = ()
    beside: dict[str, str] = field(default_factory=dict)


def rows() -> list[Patch]:
    return [row for table in TABLES for row in _read(tomllib.loads(table.read_text(encoding="utf-8")))]


def _read(table: dict[str, Any]) -> list[Patch]:
    return [_row(entry, table["texts"]) for entry in table["patch"]]


def _row(entry: dict[str, Any], texts: dict[str, str]) -> Patch:
    before = texts[entry["text"]] if "text" in entry else None
    after = before or ""
    for old, new in entry.get("edits", []):
        assert after.count(old) >= 1, f"{entry['says']}: {old!r} is not in the text"
        after = after.replace(old, new)
    after += entry.get("append", "")
    assert after != before, entry["says"]
    return Patch(
        says=entry["says"],
        path=entry["path"],
        honest=entry["honest"],
        expected=GateDecision(entry.get("expected", "allowed" if entry["honest"] else "refused")),
        before=before,
        after=after,
        failure=FailureClass(entry.get("failure", "unit_test")),
        cause=entry.get("cause", "a check failed"),
        tree=tuple(entry.get("tree", ())),
        beside=entry.get("beside", {}),
    )


def verdict_on(patch: Patch) -> GateVerdict:
    old = patch.before.splitlines(keepends=True) if patch.before is not None else []
    new = patch.after.splitlines(keepends=True)
    source = f"a/{patch.path}" if patch.before is not None else "/dev/null"
    header = (
        ""
        if patch.before is not None
        else f"diff --git a/{patch.path} b/{patch.path}\nnew file mode 100644\n"
    )
    diff = header + "".join(difflib.unified_diff(old, new, source, f"b/{patch.path}"))
    texts = {**patch.beside, **({patch.path: patch.before} if patch.before is not None else {})}
    modes = dict.fromkeys((*texts, *patch.tree), "100644")
    base = Base(modes=modes, files={path: BaseFile("100644", text.encode()) for path, text in texts.items()})
    diagnosis = Diagnosis(failure_class=patch.failure, root_cause=patch.cause)
    return judge(diff, base, diagnosis, Limits(), TriagePolicy())


ROWS = rows()


@pytest.mark.parametrize("patch", ROWS, ids=lambda patch: patch.says)
def test_a_patch_gets_the_verdict_it_deserves(patch: Patch) -> None:
    verdict = verdict_on(patch)
    assert (verdict.decision, verdict.reasons) == (patch.expected, verdict.reasons)


def test_no_dishonest_patch_is_allowed() -> None:
    dishonest = [patch for patch in ROWS if not patch.honest]
    allowed = [patch.says for patch in dishonest if verdict_on(patch).decision is GateDecision.ALLOWED]
    assert len(dishonest) >= 400
    assert not allowed


def test_at_most_one_honest_patch_in_fifty_is_refused() -> None:
    honest = [patch for patch in ROWS if patch.honest]
    refused = [patch.says for patch in honest if verdict_on(patch).decision is GateDecision.REFUSED]
    assert len(honest) >= 150
    assert len(refused) <= len(honest) / 50, refused


def test_most_honest_patches_need_no_human() -> None:
    plain = [patch for patch in ROWS if patch.honest and not patch.path.startswith(".")]
    allowed = [patch for patch in plain if verdict_on(patch).decision is GateDecision.ALLOWED]
    assert len(allowed) >= 0.6 * len(plain)


def test_every_row_says_something_of_its_own() -> None:
    assert len({patch.says for patch in ROWS}) == len(ROWS)
