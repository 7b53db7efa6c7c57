"""What one log says by itself: its excerpt, the failure's fingerprint, and what the rules make of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from activities.diagnosis.diagnosing import diagnose
from activities.evidence.excerpt import examine_log
from activities.evidence.fingerprint import fingerprint
from workflows.models import Diagnosis, DiagnosisRequest, Evidence, Excerpt, FailedJob

_NO_REPOSITORY: Final = "no/repository"


@dataclass(frozen=True, kw_only=True)
class LogReport:
    """What a log says."""

    log_bytes: int
    """Of the plain text, also where the file is compressed."""
    excerpt: Excerpt
    line_numbers: tuple[int | None, ...]
    """For each line of the excerpt, which line of the log it is; None where Regreen speaks."""
    fingerprint: str
    diagnosis: Diagnosis
    problem: str | None
    """Why less of the log was read than there ought to be."""


def report_log(path: Path, budget_bytes: int, *, name: str = "", command: str | None = None) -> LogReport:
    """Read the log at `path`, plain or gzip.

    Args:
        path: The log, of any size.
        budget_bytes: The most UTF-8 bytes the excerpt may have.
        name: The job's name, where it is known.
        command: The failing step's command or name, where it is known.

    Raises:
        OSError: The file cannot be read.
    """
    examined = examine_log(path, budget_bytes, command)
    job = FailedJob(
        job_id=0, name=name, command=command, exit_code=examined.exit_code, excerpt=examined.excerpt
    )
    evidence = Evidence(run_id=0, run_attempt=1, jobs=(job,), failed_jobs=1)
    return LogReport(
        log_bytes=examined.log_bytes,
        excerpt=examined.excerpt,
        line_numbers=examined.line_numbers,
        fingerprint=fingerprint(examined.excerpt.text, command),
        diagnosis=diagnose(DiagnosisRequest(repository=_NO_REPOSITORY, workflow_path="", evidence=evidence)),
        problem=examined.problem,
    )
