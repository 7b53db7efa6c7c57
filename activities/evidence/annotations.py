"""What GitHub remarks beside a job's log: often the only word of a runner that was lost."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from activities.adapters.github import AnnotationRecord
from activities.evidence.log_lines import read_blocks
from activities.evidence.redaction import redact
from workflows.models import Annotation, Excerpt

READ: Final = 200
"""Annotations asked for: GitHub keeps 50 a step, and what follows so many says nothing new."""
KEPT: Final = 20
EXCERPT_SHARE: Final = 4
"""The annotations that a log lacks take at most this part of its excerpt's bytes: one fourth."""

_NO_FILE: Final = ".github"
"""What GitHub gives as the path of a remark about the job."""
_ECHOES: Final = ("Process completed with exit code", "The process '")
_COMPARED: Final = 80
"""Characters of a remark's first line that a log is searched for."""
_HEADING: Final = "… remarks of GitHub that the log lacks: …"


def telling(records: Iterable[AnnotationRecord]) -> tuple[Annotation, ...]:
    """The annotations that say something about the failure, failures first, redacted, each once.

    Warnings about the job are left out: they are about the runner's and the actions' versions.
    """
    found: dict[Annotation, None] = {}
    for record in records:
        failure = record.annotation_level == "failure"
        about_job = record.path in {"", _NO_FILE}
        if record.annotation_level == "notice" or (about_job and not failure):
            continue
        message = redact(record.message or record.title).strip()
        if not message or message.startswith(_ECHOES):
            continue
        path = None if about_job else redact(record.path)
        line = record.start_line if path and record.start_line and record.start_line > 0 else None
        found.setdefault(Annotation(message=message, failure=failure, path=path, line=line))
    return tuple(sorted(found, key=lambda each: not each.failure)[:KEPT])


def lacking(annotations: Sequence[Annotation], log: Path | None) -> list[Annotation]:
    """Those that the log at `log` does not hold; all of them where there is no log.

    Raises:
        OSError: The file cannot be read.
    """
    wanted = {annotation: _beginning(annotation) for annotation in annotations}
    if log is None:
        return list(wanted)
    with log.open("rb") as file:
        for block in read_blocks(file):
            if not wanted:
                break
            for annotation in [each for each, text in wanted.items() if text in block]:
                del wanted[annotation]
    return list(wanted)


def as_text(annotations: Sequence[Annotation], budget_bytes: int) -> str:
    """Annotations as lines of a log, under a heading; as many as fit, and nothing where none does."""
    lines = [_HEADING]
    left = budget_bytes - len(_HEADING.encode())
    for annotation in annotations:
        line = _line(annotation)
        left -= len(line.encode()) + 1
        if left < 0:
            break
        lines.append(line)
    return "\n".join(lines) if len(lines) > 1 else ""


def with_annotations(excerpt: Excerpt, text: str) -> Excerpt:
    """The excerpt with `text` of annotations below it."""
    if not text:
        return excerpt
    return excerpt.model_copy(update={"text": f"{excerpt.text}\n{text}" if excerpt.text else text})


def _line(annotation: Annotation) -> str:
    mark = "##[error]" if annotation.failure else "##[warning]"
    place = ":".join(str(part) for part in (annotation.path, annotation.line) if part)
    return f"{mark}{f'{place}: ' if place else ''}{' '.join(annotation.message.split())}"


def _beginning(annotation: Annotation) -> bytes:
    """What the log would show of it."""
    return annotation.message.partition("\n")[0][:_COMPARED].encode()
