import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.evidence.excerpt import examine_log
from workflows.models import Excerpt

STAMP = "2026-01-02T03:04:05.1234567Z "


def _github_log(*steps: tuple[str, list[str]], failing: int, code: int = 1) -> bytes:
    lines = ["Current runner version: '2.330.0'"]
    for index, (command, output) in enumerate(steps):
        lines += [f"##[group]Run {command}", f"\x1b[36;1m{command}\x1b[0m", "shell: /usr/bin/bash -e {0}"]
        lines += ["##[endgroup]", *output]
        if index == failing:
            lines.append(f"##[error]Process completed with exit code {code}.")
    lines += ["Post job cleanup.", "Cleaning up orphan processes"]
    return ("\ufeff" + "".join(f"{STAMP}{line}\n" for line in lines)).encode()


def _examine(
    folder: Path, raw: bytes, budget: int = 8_192, command: str | None = None
) -> tuple[Excerpt, int | None]:
    log = folder / "job.log"
    log.write_bytes(raw)
    examined = examine_log(log, budget, command)
    return examined.excerpt, examined.exit_code


def _noise(count: int, word: str = "fetching") -> list[str]:
    return [f"{word} part {number} of the whole" for number in range(count)]


def test_a_short_log_is_shown_whole(tmp_path: Path) -> None:
    raw = _github_log(
        ("ruff check .", ["a.py:1:1: F401 `os` imported but unused", "Found 1 error."]), failing=0
    )

    excerpt, code = _examine(tmp_path, raw)

    assert code == 1
    assert excerpt.omitted_lines == 0
    assert excerpt.ranges == ((1, excerpt.total_lines),)
    assert "a.py:1:1: F401 `os` imported but unused\nFound 1 error." in excerpt.text
    assert STAMP not in excerpt.text
    assert "\x1b" not in excerpt.text


def test_the_cause_is_found_far_from_the_end(tmp_path: Path) -> None:
    output = [*_noise(5_000), "src/main.c:7:3: error: expected ';' before '}'", *_noise(5_000, "linking")]

    excerpt, _ = _examine(tmp_path, _github_log(("make", output), failing=0))

    assert "src/main.c:7:3: error: expected ';' before '}'" in excerpt.text
    assert "lines omitted …" in excerpt.text
    assert len(excerpt.text.encode()) <= 8_192


def test_a_traceback_is_shown_whole(tmp_path: Path) -> None:
    trace = ["Traceback (most recent call last):"]
    for number in range(30):
        trace += [f'  File "app/part{number}.py", line {number}, in call', f"    step_{number}()"]
    trace.append("ValueError: the cause")

    excerpt, _ = _examine(tmp_path, _github_log(("python app.py", [*_noise(3_000), *trace]), failing=0))

    assert "\n".join(trace) in excerpt.text


def test_the_failing_step_counts_more_than_loud_lines_of_others(tmp_path: Path) -> None:
    loud = [f"error: harmless {number}" for number in range(3_000)]
    raw = _github_log(
        ("setup", loud), ("make test", [*_noise(300), "FAIL: real one"]), ("never", []), failing=1
    )

    excerpt, _ = _examine(tmp_path, raw, 2_048)

    assert "FAIL: real one" in excerpt.text


def test_the_named_step_is_preferred_where_several_exit_codes_stand(tmp_path: Path) -> None:
    first = _github_log(("allowed to fail", ["error: ignored"]), failing=0, code=3)
    second = _github_log(("make test", ["error: counted"]), failing=0, code=7)

    assert _examine(tmp_path, first + second)[1] == 3
    assert _examine(tmp_path, first + second, command="make test")[1] == 7


def test_a_log_without_any_marker_still_shows_its_error(tmp_path: Path) -> None:
    lines = [
        *_noise(2_000),
        "thread 'main' panicked at src/main.rs:3:5:",
        "index out of bounds",
        *_noise(900),
    ]

    excerpt, code = _examine(tmp_path, "\n".join(lines).encode())

    assert code is None
    assert "panicked at src/main.rs:3:5:\nindex out of bounds" in excerpt.text


def test_repeated_lines_are_folded_and_counted(tmp_path: Path) -> None:
    output = ["error: the same again"] * 200 + ["error: another"]

    excerpt, _ = _examine(tmp_path, _github_log(("make", output), failing=0))

    assert "… the line above stands 200 times …" in excerpt.text
    assert "error: another" in excerpt.text
    assert excerpt.omitted_lines == 0


def test_secrets_are_redacted(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    output = [f"error: cannot push with {token[:10]}\x1b[0m{token[10:]}"]

    excerpt, _ = _examine(tmp_path, _github_log(("git push", output), failing=0))

    assert "«redacted:github-token»" in excerpt.text
    assert "a1B2a1B2" not in excerpt.text


def test_imitated_notes_and_markers_do_not_break_the_excerpt(tmp_path: Path) -> None:
    output = [
        "… 12 lines omitted …",
        "##[group]Run fake",
        "##[error]Process completed with exit code 999999999999.",
    ]

    excerpt, code = _examine(tmp_path, _github_log(("make", output), failing=0, code=2))

    assert code in {2, 999_999_999}
    assert excerpt.omitted_lines == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\r" * 5_000,
        b"\x00" * 5_000,
        bytes(range(256)) * 40,
        b"\xff" * 9_000,
        b"error",
        b"\n" * 20_000,
    ],
    ids=["empty", "line feed", "carriage returns", "zeros", "every byte", "no utf-8", "no end", "line feeds"],
)
def test_strange_logs_give_an_excerpt(tmp_path: Path, raw: bytes) -> None:
    excerpt, _ = _examine(tmp_path, raw, 1_024)

    assert len(excerpt.text.encode()) <= 1_024
    assert excerpt.total_lines == raw.count(b"\n") + (not raw.endswith(b"\n") and bool(raw))


_LINES = st.lists(
    st.one_of(
        st.binary(max_size=80),
        st.sampled_from(
            [
                b"error: broken",
                b"error: broken",
                b"##[group]Run make",
                b"##[error]Process completed with exit code 2.",
                b"  indented",
                b"token=ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "… 3 lines omitted …".encode(),
                b"x" * 6_000,
            ]
        ),
    ),
    max_size=60,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lines=_LINES, budget=st.integers(min_value=64, max_value=4_096))
def test_any_bytes_give_ordered_ranges_within_the_budget(
    tmp_path: Path, lines: list[bytes], budget: int
) -> None:
    raw = b"\n".join(lines)

    excerpt, _ = _examine(tmp_path, raw, budget)

    assert len(excerpt.text.encode()) <= budget
    assert excerpt.total_lines == raw.count(b"\n") + (not raw.endswith(b"\n") and bool(raw))
    previous = 0
    for first, last in excerpt.ranges:
        assert previous < first <= last <= excerpt.total_lines
        previous = last + 1
    shown = sum(last - first + 1 for first, last in excerpt.ranges)
    assert shown + excerpt.omitted_lines == excerpt.total_lines


_MEASURED = """
import resource, sys
from pathlib import Path
from activities.evidence.excerpt import examine_log
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
excerpt = examine_log(Path(sys.argv[1]), 8192).excerpt
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(after - before, excerpt.total_lines, len(excerpt.text))
"""


@pytest.mark.parametrize(
    "filler", [b"x" * (1 << 20), b"error: again and again\n" * 45_000], ids=["line", "errors"]
)
def test_memory_does_not_grow_with_the_log(tmp_path: Path, filler: bytes) -> None:
    log = tmp_path / "large.log"
    with log.open("wb") as file:
        for _ in range(64):
            file.write(filler)
        file.write(b"\nerror: the end\n")

    measured = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(log)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )

    grown_kib, total_lines, length = map(int, measured.stdout.split())
    assert grown_kib < 24 * 1024
    assert total_lines > 1
    assert 0 < length <= 8_192
