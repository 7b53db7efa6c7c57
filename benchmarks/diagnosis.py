"""How often the rules name the right class: a table of failures in the repository, and outputs beside it.

Run as `python -m benchmarks.diagnosis [OUTPUTS]`. OUTPUTS is a file of JSON objects, one per line, each with
`name`, `category`, `command` and `output` of a failing check; it is not part of the repository.
"""

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from activities.diagnosis.diagnosing import diagnose
from workflows.models import (
    Action,
    Diagnosis,
    DiagnosisRequest,
    Evidence,
    Excerpt,
    FailedJob,
    FailureClass,
)

TABLE: Final = Path(__file__).resolve().parent.parent / "tests" / "activities" / "diagnosis" / "data"
EXCERPT_BYTES: Final = 8_192
"""What a job's excerpt may have; a longer output keeps its first and last parts."""
CATEGORIES: Final = {
    "format": FailureClass.FORMAT,
    "docs-format": FailureClass.FORMAT,
    "lint": FailureClass.LINT,
    "docs-lint": FailureClass.LINT,
    "unused-variable": FailureClass.LINT,
    "type": FailureClass.TYPE_CHECK,
    "test": FailureClass.UNIT_TEST,
    "lockfile": FailureClass.DEPENDENCY,
}
"""The class that each `category` of the outputs means."""

LABELLED_OTHERWISE: Final = {
    "datasette-3d19776b-black-codespell": FailureClass.LINT,
    "uvicorn-396f846b-ruff": FailureClass.FORMAT,
    "uvicorn-ba873869-ruff": FailureClass.FORMAT,
    "uvicorn-e34ab316-ruff": FailureClass.FORMAT,
}
"""Outputs whose category is that of the other half of their command, with what the output itself shows.

In the first, black says that nothing would change and codespell finds a word; in the rest, ruff format
shows its diff, and ruff check, behind `&&`, never ran. They count as wrong in the first figure.
"""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failure with the class that a person gave it."""

    name: str
    expected: FailureClass
    text: str
    real: bool
    """Whether the tool itself printed it, rather than somebody who knows how it does."""
    action: Action | None = None
    command: str | None = None
    exit_code: int | None = None
    language: str = ""

    def diagnosis(self) -> Diagnosis:
        """What the rules say of it."""
        job = FailedJob(
            job_id=1,
            name="job",
            command=self.command,
            exit_code=self.exit_code,
            excerpt=Excerpt(text=self.text),
        )
        evidence = Evidence(run_id=1, run_attempt=1, jobs=(job,), failed_jobs=1)
        return diagnose(
            DiagnosisRequest(repository="acme/widgets", workflow_path="ci.yml", evidence=evidence)
        )


def failures() -> list[Failure]:
    """The repository's table, real ones first."""
    return [
        Failure(
            name=row["name"],
            expected=FailureClass(row["failure_class"]),
            text=row["text"],
            real=real,
            action=Action(row["action"]),
            command=row.get("command"),
            exit_code=row["exit_code"],
            language=row["language"],
        )
        for name, real in (("failures-real.toml", True), ("failures-reproduced.toml", False))
        for row in tomllib.loads((TABLE / name).read_text(encoding="utf-8"))["failure"]
    ]


def outputs(path: Path) -> list[Failure]:
    """The outputs of failing checks that `path` holds, each with the class its category means.

    Raises:
        KeyError: A category that no class is known for.
    """
    rows: Iterable[dict[str, Any]] = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Failure(
            name=row["name"],
            expected=CATEGORIES[row["category"]],
            text=_within_budget(row["output"]),
            real=True,
            command=row["command"],
            exit_code=1,
        )
        for row in rows
    ]


def _within_budget(text: str) -> str:
    if len(text) <= EXCERPT_BYTES:
        return text
    head, tail = text[: EXCERPT_BYTES // 3], text[-EXCERPT_BYTES * 2 // 3 :]
    return f"{head}\n… some lines omitted …\n{tail}"


def report(title: str, table: list[Failure]) -> Iterator[str]:
    """The lines of a confusion matrix, of what went wrong, and of the share that is right."""
    began = perf_counter()
    found = [(failure, failure.diagnosis()) for failure in table]
    seconds = perf_counter() - began
    yield f"{title}: {len(table)} failures"
    yield from _matrix(Counter((failure.expected, got.failure_class) for failure, got in found))
    for failure, got in found:
        if failure.expected is not got.failure_class or failure.action not in {None, got.action}:
            yield (
                f"  {failure.name}: expected {failure.expected}/{failure.action or 'any'}, "
                f"got {got.failure_class}/{got.action} ({got.rule or 'no rule'})"
            )
    yield _share("right class", [failure.expected is got.failure_class for failure, got in found])
    agreed = [LABELLED_OTHERWISE.get(failure.name, failure.expected) for failure in table]
    if agreed != [failure.expected for failure in table]:
        right = [expected is got.failure_class for expected, (_, got) in zip(agreed, found, strict=True)]
        yield _share("  taking labels that their output contradicts for what the output shows", right)
    for real, word in ((True, "real"), (False, "reproduced")):
        part = [failure.expected is got.failure_class for failure, got in found if failure.real is real]
        if part:
            yield _share(f"  of the {word} ones", part)
    acted = [failure.action is got.action for failure, got in found if failure.action is not None]
    if acted:
        yield _share("right action", acted)
    yield f"{1000 * seconds / max(len(table), 1):.1f} ms each"


def _share(what: str, right: list[bool]) -> str:
    return f"{what}: {sum(right)} of {len(right)}, {sum(right) / len(right):.1%}"


def _matrix(counts: Counter[tuple[FailureClass, FailureClass]]) -> Iterator[str]:
    """Rows are what was expected, columns what the rules said; only classes that occur."""
    seen = [each for each in FailureClass if any(each in pair for pair in counts)]
    yield " " * 16 + " ".join(f"{each.value[:6]:>6}" for each in seen)
    for expected in seen:
        row = " ".join(f"{counts[expected, got] or '.':>6}" for got in seen)
        yield f"{expected.value:<15} {row}"


def main(arguments: list[str]) -> None:
    """Print the repository's table, and the outputs where a file of them is named and there."""
    print("\n".join(report("rules on the table of failures", failures())))
    for argument in arguments:
        path = Path(argument)
        if path.is_file():
            print()
            print("\n".join(report(f"rules on {path.name}", outputs(path))))
        else:
            print(f"\nno {path.name} here: skipped")


if __name__ == "__main__":
    main(sys.argv[1:])
