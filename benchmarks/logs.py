"""How much of what people marked as the reason of a failure `regreen logs` shows, and how fast it reads.

Run by `make bench-logs`. The data is LogChunks (Brandt, Panichella, Zaidman, Beller, MSR 2020) or anything of
its form: a folder or tar archive with `labels.jsonl`, one object per log with `log` (a file name) and `chunk`
(the marked text), and the files in `logs/` beside it. The command itself is run and timed, start-up included;
line numbers are those of the raw files.
"""

import argparse
import contextlib
import functools
import itertools
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from activities.evidence.excerpt import examine_log
from benchmarks import diagnosis

BUDGETS: Final = (4_096, 8_192, 32_768)
RUNS: Final = 3
"""The fastest counts: whatever else the machine does can only make one slower."""
SYNTHETIC_BYTES: Final = 200_000_000
_OUTPUTS: Final = "ci-outputs-dev.jsonl"
_ROOT: Final = Path(__file__).resolve().parent.parent

_ERROR_WORDS: Final = re.compile(rb"error|fail|exception|fatal", re.IGNORECASE)
_CONTEXT_LINES: Final = 3
_DIGITS: Final = re.compile(r"\d+")
_ALIKE: Final = 0.9
_UNLIKE: Final = 0.2
"""What part of two logs' marked lines is the same, where their failures are, and where they are not."""

_MEASURED: Final = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, used = os.wait4(process.pid, 0)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Started from a small process: the peak memory of a child counts that of the process that forked it."""

Range = tuple[int, int]
"""First and last line, 1-based."""


@dataclass(frozen=True)
class Labelled:
    """A log with the lines that a person marked."""

    path: Path
    marked: Range
    project: str = ""
    lines: frozenset[str] = frozenset()
    """The marked ones without their digits."""


@dataclass(frozen=True)
class Shares:
    """How much of the marked lines is shown, on average over logs."""

    lines: float
    whole: float

    def __str__(self) -> str:
        return f"{self.lines:.3f} of the marked lines, {self.whole:.3f} of the logs whole"


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    reports: list[dict[str, Any]]
    cpu_seconds: float
    peak_bytes: int


@contextlib.contextmanager
def unpacked(data: Path) -> Iterator[Path]:
    """The folder that holds `labels.jsonl`, for a folder or an archive."""
    with contextlib.ExitStack() as stack:
        folder = data
        if not data.is_dir():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            with tarfile.open(data) as archive:
                archive.extractall(folder, filter="data")
        labels = next(iter(sorted(folder.rglob("labels.jsonl"))), None)
        if labels is None:
            raise FileNotFoundError(f"{data} holds no labels.jsonl")
        yield labels.parent


def labelled(folder: Path) -> list[Labelled]:
    """The logs of `folder` whose marked text is found in them."""
    rows = map(json.loads, (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines())
    found = []
    for row in rows:
        path = folder / "logs" / row["log"]
        if marked := locate(row["chunk"], path.read_bytes().decode("utf-8", "replace")):
            lines = (_DIGITS.sub("", line).strip() for line in re.split(r"[\r\n]+", row["chunk"]))
            found.append(Labelled(path, marked, row.get("project", ""), frozenset(filter(None, lines))))
        else:
            print(f"{row['log']}: the marked text is not in it", file=sys.stderr)
    return found


def locate(chunk: str, log: str) -> Range | None:
    r"""The lines of `log` that `chunk` spans, ended by `\n`; the two may spell line ends differently."""
    parts = [re.escape(part) for part in re.split(r"[\r\n]+", chunk.strip("\r\n"))]
    found = re.search(r"[\r\n]+".join(parts), log)
    if found is None:
        return None
    first = log.count("\n", 0, found.start()) + 1
    return first, first + found[0].count("\n")


def shares(logs: Sequence[Labelled], shown: Sequence[Sequence[Range]]) -> Shares:
    """What part of each log's marked lines the `shown` ranges hold."""
    each = []
    for log, ranges in zip(logs, shown, strict=True):
        first, last = log.marked
        inside = sum(max(0, min(end, last) - max(start, first) + 1) for start, end in ranges)
        each.append(inside / (last - first + 1))
    return Shares(sum(each) / len(each), sum(share == 1 for share in each) / len(each))


def last_bytes(log: bytes, budget: int) -> list[Range]:
    """The whole lines in the last `budget` bytes."""
    lines = log.removesuffix(b"\n").split(b"\n")
    shown, left = 0, budget
    for line in reversed(lines):
        left -= len(line) + 1
        if left < 0:
            break
        shown += 1
    return [(len(lines) - shown + 1, len(lines))] if shown else []


def grep(log: bytes, budget: int) -> list[Range]:
    """The lines with error words and a few around each, from the front, until the budget is used."""
    lines = log.removesuffix(b"\n").split(b"\n")
    shown: dict[int, None] = {}
    left = budget
    for number, line in enumerate(lines):
        if not _ERROR_WORDS.search(line):
            continue
        for each in range(max(0, number - _CONTEXT_LINES), min(len(lines), number + _CONTEXT_LINES + 1)):
            if each in shown:
                continue
            left -= len(lines[each]) + 1
            if left < 0:
                return [(index + 1, index + 1) for index in shown]
            shown[each] = None
    return [(index + 1, index + 1) for index in shown]


def regreen_logs(paths: Sequence[Path], budget: int) -> Run:
    """Run the command over `paths` in a process of its own."""
    command = [sys.executable, "-m", "starter.cli", "logs", "--budget", str(budget), "--json"]
    with tempfile.TemporaryFile("w+") as answers:
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, *command, *map(str, paths)],
            stdout=answers,
            stderr=subprocess.PIPE,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            text=True,
            check=True,
        )
        answers.seek(0)
        reports = [json.loads(line) for line in answers]
    seconds, peak_kib = done.stderr.split()[-2:]
    return Run(reports, float(seconds), int(peak_kib) * 1024)


def speed(paths: Sequence[Path], run: Run) -> str:
    """Throughput and memory of a run, as one phrase."""
    size = sum(path.stat().st_size for path in paths)
    return f"{size / run.cpu_seconds / 1e6:.0f} MB/s on one core, peak {run.peak_bytes / 1e6:.0f} MB"


def megabytes_a_second(paths: Sequence[Path], work: Callable[[Path], object]) -> float:
    """What `work` reads of `paths` in a second of processor time, in this process."""
    seconds = []
    for _ in range(RUNS):
        started = time.process_time()
        for path in paths:
            work(path)
        seconds.append(time.process_time() - started)
    return sum(path.stat().st_size for path in paths) / min(seconds) / 1e6


def chooser_report(logs: Sequence[Labelled]) -> Iterator[str]:
    """The lines of a table: every budget, the command beside the baselines."""
    paths = [log.path for log in logs]
    size = sum(path.stat().st_size for path in paths)
    yield f"{len(logs)} logs, {size / 1e6:.0f} MB"
    for budget in BUDGETS:
        run = min((regreen_logs(paths, budget) for _ in range(RUNS)), key=lambda run: run.cpu_seconds)
        over = sum(report["excerpt_bytes"] > budget for report in run.reports)
        yield f"\n{budget:,} bytes"
        shown = shares(logs, [report["ranges"] for report in run.reports])
        yield f"  regreen logs  {shown}; {speed(paths, run)}{f'; {over} over budget' if over else ''}"
        alone = megabytes_a_second(paths, functools.partial(examine_log, budget_bytes=budget))
        yield f"                choosing the lines alone {alone:.0f} MB/s"
        for name, baseline in (("last bytes", last_bytes), ("grep", grep)):
            found = shares(logs, [baseline(path.read_bytes(), budget) for path in paths])
            yield f"  {name:<13} {found}"
        if budget == diagnosis.EXCERPT_BYTES:
            yield from fingerprint_report(logs, run.reports)
    words = megabytes_a_second(paths, lambda path: _ERROR_WORDS.findall(path.read_bytes()))
    yield f"\nlooking for four error words in the same logs, and nothing else: {words:.0f} MB/s"


def fingerprint_report(logs: Sequence[Labelled], reports: Sequence[dict[str, Any]]) -> Iterator[str]:
    """How many pairs of a project's logs have one fingerprint, of like failures and of others."""
    alike, unlike = [], []
    for (one, report), (other, second) in itertools.combinations(zip(logs, reports, strict=True), 2):
        if one.project != other.project:
            continue
        common = len(one.lines & other.lines) / max(1, len(one.lines | other.lines))
        same = report["fingerprint"] == second["fingerprint"]
        if common >= _ALIKE:
            alike.append(same)
        elif common < _UNLIKE:
            unlike.append(same)
    yield "  one fingerprint, of pairs of a project's logs"
    yield f"                with the same marked lines {sum(alike)} of {len(alike)}"
    yield f"                with other ones {sum(unlike)} of {len(unlike)}"


def large_report(logs: Sequence[Labelled]) -> Iterator[str]:
    """How a single large log and a single long line are taken."""
    with tempfile.TemporaryDirectory() as folder:
        joined, line = Path(folder, "joined.log"), Path(folder, "line.log")
        with joined.open("wb") as file:
            while file.tell() < SYNTHETIC_BYTES:
                for log in logs:
                    file.write(log.path.read_bytes())
        with line.open("wb") as file:
            for _ in range(SYNTHETIC_BYTES // 1_000_000):
                file.write(b"x" * 1_000_000)
        for path, what in ((joined, "all logs in one file"), (line, "one line")):
            run = regreen_logs([path], diagnosis.EXCERPT_BYTES)
            yield f"{what}, {path.stat().st_size / 1e6:.0f} MB: {speed([path], run)}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure `regreen logs` on labelled logs.")
    parser.add_argument("data", type=Path, help="a folder or tar archive of labelled logs")
    data: Path = parser.parse_args().data
    if data.exists():
        with unpacked(data) as folder:
            logs = labelled(folder)
            for line in (*chooser_report(logs), "", *large_report(logs)):
                print(line, flush=True)
    else:
        print(
            f"{data} is not here: nothing to measure the excerpts on. DATA= names another folder or archive."
        )
    print()
    diagnosis.main([str(data.parent / _OUTPUTS)])


if __name__ == "__main__":
    main()
