"""What `regreen logs` does: the lines of a log that explain its failure, for files and for runs."""

import gc
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from activities.log_report import LogReport, report_log
from starter.exits import CommandError, ExitStatus

_ATTEMPT: Final = re.compile(r"/attempts/(\d{1,9})")


def show_logs(targets: Sequence[str], budget_bytes: int, *, as_json: bool) -> int:
    """Print what each log says, one after the other; the exit status says whether all could be read."""
    gc.set_threshold(100_000)  # reading logs makes many small objects and no cycles
    status = ExitStatus.DONE
    for target in targets:
        try:
            for name, report in _reports(target, budget_bytes):
                sys.stdout.write(_json(name, report) if as_json else _text(name, report))
                if report.problem:
                    _complain(name, report.problem)
        except _UnreadableError as error:
            _complain(target, str(error))
            status = ExitStatus.FAILED
    return status


class _UnreadableError(Exception):
    """Why a target could not be read. The others can."""


def _reports(target: str, budget_bytes: int) -> Iterator[tuple[str, LogReport]]:
    if target.startswith(("http://", "https://")):
        yield from _run_reports(target, budget_bytes)
    else:
        yield target, _file_report(Path("/dev/stdin" if target == "-" else target), budget_bytes)


def _file_report(path: Path, budget_bytes: int) -> LogReport:
    try:
        return report_log(path, budget_bytes)
    except OSError as error:
        raise _UnreadableError(error.strerror or str(error)) from error


def _run_reports(address: str, budget_bytes: int) -> list[tuple[str, LogReport]]:
    import asyncio  # noqa: PLC0415 — files need none of this

    from workflows.naming import parse_run_url  # noqa: PLC0415 — likewise

    named = parse_run_url(address)
    if named is None:
        raise CommandError(
            f"{address} is not the web address of a run, as https://github.com/owner/repo/actions/runs/1",
            ExitStatus.USAGE,
        )
    attempt = _ATTEMPT.search(address)
    try:
        return asyncio.run(_fetch_and_report(*named, int(attempt[1]) if attempt else None, budget_bytes))
    except OSError as error:
        raise _UnreadableError(error.strerror or str(error)) from error


async def _fetch_and_report(
    repository: str, run_id: int, attempt: int | None, budget_bytes: int
) -> list[tuple[str, LogReport]]:
    import worker  # noqa: PLC0415 — likewise
    from activities.errors import AdapterError  # noqa: PLC0415 — likewise
    from workflows.configuration import ConfigurationError, load  # noqa: PLC0415 — likewise

    try:
        settings = load(worker.WorkerSettings, role="analyst")
    except ConfigurationError as error:
        raise CommandError(str(error), ExitStatus.USAGE) from error
    reports = []
    with tempfile.TemporaryDirectory(prefix="regreen-logs-") as folder:
        try:
            async for log in worker.failed_logs(settings, repository, run_id, attempt, Path(folder)):
                name = f"{repository}/{run_id}: {log.job}"
                if log.problem:
                    _complain(name, log.problem)
                if log.path is not None:
                    reports.append((name, report_log(log.path, budget_bytes, name=log.job)))
        except AdapterError as error:
            raise _UnreadableError(str(error)) from error
    if not reports:
        raise _UnreadableError("no failed job of this run has a log")
    return reports


def _json(name: str, report: LogReport) -> str:
    found: dict[str, Any] = {
        "file": name,
        "log_bytes": report.log_bytes,
        "excerpt_bytes": len(report.excerpt.text.encode()),
        "ranges": report.excerpt.ranges,
        "excerpt": report.excerpt.text,
        "fingerprint": report.fingerprint,
        "failure_class": report.diagnosis.failure_class,
        "root_cause": report.diagnosis.root_cause,
    }
    return json.dumps(found) + "\n"


def _text(name: str, report: LogReport) -> str:
    """The excerpt with the log's line numbers. It holds no control characters: the excerpt has none."""
    excerpt = report.excerpt
    shown = f"{excerpt.total_lines - excerpt.omitted_lines:,} of {excerpt.total_lines:,} lines"
    lines = [
        _plain(name),
        f"{report.diagnosis.failure_class}: {report.diagnosis.root_cause}",
        f"{report.fingerprint}, {shown}",
        "",
    ]
    width = len(str(excerpt.total_lines))
    for number, text in zip(report.line_numbers, excerpt.text.split("\n"), strict=False):
        lines.append(f"{'' if number is None else number:>{width}}  {text}".rstrip())
    return "\n".join(lines) + "\n\n"


def _complain(name: str, problem: str) -> None:
    sys.stderr.write(f"regreen: {_plain(name)}: {_plain(problem)}\n")


def _plain(text: str) -> str:
    """A file's or a job's name may hold anything."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
