import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.evidence.log_range import read_range
from processor_time import fastest
from workflows.models import LogRange, LogRangeRequest

STAMP = "2026-01-02T03:04:05.1234567Z "


def _read(folder: Path, raw: bytes, **asked: object) -> LogRange:
    log = folder / "job.log"
    log.write_bytes(raw)
    wanted = LogRangeRequest.model_validate({"repository": "acme/widgets", "job_id": 1, **asked})
    return read_range(log, wanted)


def _numbered(count: int) -> bytes:
    return b"".join(b"%sthis is line %d\n" % (STAMP.encode(), number) for number in range(1, count + 1))


def test_lines_come_by_number(tmp_path: Path) -> None:
    found = _read(tmp_path, _numbered(9_000), first_line=8_001, last_line=8_003)

    assert found.text == (
        "… 8,000 lines omitted …\n8001: this is line 8001\n8002: this is line 8002\n8003: this is line 8003"
    )
    assert found.ranges == ((8_001, 8_003),)
    assert found.total_lines == 9_000


def test_a_pattern_finds_lines_with_their_surroundings(tmp_path: Path) -> None:
    found = _read(tmp_path, _numbered(9_000), pattern=r"LINE (77|4242)$", context_lines=1)

    assert found.matches == 2
    assert found.ranges == ((76, 78), (4_241, 4_243))
    assert "… 4,162 lines omitted …\n4241: this is line 4241" in found.text


def test_a_pattern_is_looked_for_among_the_lines_asked_for_only(tmp_path: Path) -> None:
    found = _read(
        tmp_path, _numbered(9_000), pattern="line", first_line=5_000, last_line=5_001, context_lines=0
    )

    assert found.matches == 2
    assert found.ranges == ((5_000, 5_001),)


@pytest.mark.parametrize("pattern", ["^failed here$", r"failed\s+here", "FAILED HERE"])
def test_a_pattern_sees_a_line_without_its_time_and_colours(tmp_path: Path, pattern: str) -> None:
    raw = f"{STAMP}before\n{STAMP}\x1b[31mfailed\x1b[0m here\n{STAMP}after\n".encode()

    found = _read(tmp_path, raw, pattern=pattern, context_lines=0)

    assert found.ranges == ((2, 2),)
    assert found.text.endswith("2: failed here")


def test_a_pattern_stays_within_one_line(tmp_path: Path) -> None:
    found = _read(tmp_path, b"one\ntwo\nthree\n", pattern=r"one\s+two")

    assert not found.text
    assert found.problem == "No line matches, of 3 in the log."


def test_what_exceeds_the_budget_is_told(tmp_path: Path) -> None:
    found = _read(tmp_path, _numbered(9_000), max_bytes=512)

    assert len(found.text.encode()) <= 512
    assert found.text.endswith("… the budget ends here; what was asked for goes on to line 9,000 …")


def test_a_line_longer_than_the_budget_is_shown_in_part(tmp_path: Path) -> None:
    found = _read(tmp_path, b"x" * 10_000 + b"\nend\n", max_bytes=256)

    assert len(found.text.encode()) <= 256
    assert found.text.startswith("1: xxxx")


@pytest.mark.parametrize("pattern", ["(", "a{1001}", "(?=x)", r"\1", "[[:nope:]]"])
def test_a_pattern_that_cannot_be_used_is_explained(tmp_path: Path, pattern: str) -> None:
    found = _read(tmp_path, b"a\n", pattern=pattern)

    assert found.problem.startswith("The pattern cannot be used: ")


def test_lines_beyond_the_end_are_an_answer(tmp_path: Path) -> None:
    found = _read(tmp_path, _numbered(3), first_line=7)

    assert found.problem == "The log has 3 lines."


def test_the_time_for_a_pattern_that_would_explode_grows_with_the_log_only(tmp_path: Path) -> None:
    def seconds(lines: int) -> float:
        raw = (b"a" * 2_000 + b"\n") * lines
        return fastest(lambda: _read(tmp_path, raw, pattern="^(a+)+(a|aa)*b$"))

    assert seconds(4_000) < 100 * max(seconds(200), 0.001)


def test_a_line_of_a_private_key_stays_secret_though_it_alone_is_asked_for(tmp_path: Path) -> None:
    body = "\n".join(["Ab1+" * 16] * 30)
    raw = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n".encode()

    for line in (2, 16, 31):
        assert "Ab1+" not in _read(tmp_path, raw, first_line=line, last_line=line).text


def test_a_huge_log_is_read_in_little_memory(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    with log.open("wb") as file:
        file.write(b"first\n")
        os.truncate(file.fileno(), 300 * 1024**2)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    wanted = LogRangeRequest(repository="acme/widgets", job_id=1, pattern="^last$")

    found = read_range(log, wanted)

    assert found.ranges == ((1, 3),)


@given(raw=st.binary(max_size=2_000), first=st.integers(1, 40), pattern=st.text(max_size=10))
def test_any_log_and_pattern_give_an_answer_within_the_budget(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, first: int, pattern: str
) -> None:
    folder = tmp_path_factory.getbasetemp()

    found = _read(folder, raw, first_line=first, pattern=pattern, max_bytes=256)

    assert len(found.text.encode()) <= 256
    assert all(1 <= start <= end <= found.total_lines for start, end in found.ranges)
