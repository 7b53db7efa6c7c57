from pathlib import Path

import httpx2
import pytest

from activities.errors import PermanentError, UnavailableError
from activities.evidence.log_cache import LogCache
from scripted_wire import ScriptedWire, answer
from workflows.models import LogState

REPOSITORY = "acme/widgets"


def _logs(job_id: int) -> str:
    return f"/repos/{REPOSITORY}/actions/jobs/{job_id}/logs"


def _text(content: bytes) -> httpx2.Response:
    return httpx2.Response(200, content=content, headers={"content-type": "text/plain"})


@pytest.fixture
def wire() -> ScriptedWire:
    wire = ScriptedWire()
    for job_id in range(1, 6):
        wire.on("GET", _logs(job_id), _text(b"%d" % job_id * 1_000))
    return wire


def _left(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


async def _read(cache: LogCache, job_id: int) -> bytes:
    async with cache.open(REPOSITORY, job_id) as log:
        assert log.path is not None
        return log.path.read_bytes()


async def test_a_log_is_fetched_once(wire: ScriptedWire, tmp_path: Path) -> None:
    cache = LogCache(wire.github(), tmp_path / "logs")

    assert await _read(cache, 1) == await _read(cache, 1) == b"1" * 1_000
    assert len(wire.asked) == 1


async def test_another_process_finds_it_too(wire: ScriptedWire, tmp_path: Path) -> None:
    await _read(LogCache(wire.github(), tmp_path), 1)

    assert await _read(LogCache(wire.github(), tmp_path), 1) == b"1" * 1_000
    assert len(wire.asked) == 1


async def test_jobs_of_one_number_in_two_repositories_are_two(wire: ScriptedWire, tmp_path: Path) -> None:
    wire.on("GET", "/repos/acme/gadgets/actions/jobs/1/logs", _text(b"other"))
    cache = LogCache(wire.github(), tmp_path)
    await _read(cache, 1)

    async with cache.open("acme/gadgets", 1) as log:
        assert log.path is not None
        assert log.path.read_bytes() == b"other"


async def test_without_room_those_go_that_were_not_asked_for_the_longest(
    wire: ScriptedWire, tmp_path: Path
) -> None:
    cache = LogCache(wire.github(), tmp_path, capacity_bytes=2_500)
    for job_id in (1, 2, 1, 3):
        await _read(cache, job_id)
    asked = len(wire.asked)

    await _read(cache, 1)
    assert len(wire.asked) == asked
    await _read(cache, 2)
    assert len(wire.asked) == asked + 1
    assert sum(_left(tmp_path).values()) <= 2_500


async def test_a_log_that_is_being_read_outlives_its_removal(wire: ScriptedWire, tmp_path: Path) -> None:
    cache = LogCache(wire.github(), tmp_path, capacity_bytes=2_000)
    async with cache.open(REPOSITORY, 1) as log:
        for job_id in (2, 3, 4):
            await _read(cache, job_id)
        assert not [name for name in _left(tmp_path) if "~1~" in name]
        assert log.path is not None
        assert log.path.read_bytes() == b"1" * 1_000


async def test_a_log_longer_than_half_the_cache_says_what_is_missing_also_later(
    wire: ScriptedWire, tmp_path: Path
) -> None:
    wire.on("GET", _logs(9), _text(b"line\n" * 1_000))
    cache = LogCache(wire.github(), tmp_path, capacity_bytes=1_000)
    async with cache.open(REPOSITORY, 9) as log:
        first = log.omitted_bytes
    async with cache.open(REPOSITORY, 9) as log:
        assert log.omitted_bytes == first > 4_000
    assert len(wire.asked) == 1


@pytest.mark.parametrize(("status", "state"), [(410, LogState.GONE), (200, LogState.EMPTY)])
async def test_a_log_that_is_not_there_leaves_nothing_and_is_asked_for_again(
    wire: ScriptedWire, tmp_path: Path, status: int, state: LogState
) -> None:
    wire.on("GET", _logs(9), answer(410) if status == 410 else _text(b""))
    cache = LogCache(wire.github(), tmp_path)
    for _ in range(2):
        async with cache.open(REPOSITORY, 9) as log:
            assert (log.state, log.path) == (state, None)

    assert len(wire.asked) == 2
    assert not _left(tmp_path)


async def test_what_is_no_log_is_unusable_and_leaves_nothing(wire: ScriptedWire, tmp_path: Path) -> None:
    wire.on("GET", _logs(9), _text(b"PK\x03\x04bomb"))
    async with LogCache(wire.github(), tmp_path).open(REPOSITORY, 9) as log:
        assert (log.state, log.problem) == (LogState.UNUSABLE, "the log is an archive, not text")
    assert not _left(tmp_path)


async def test_a_refusal_by_github_is_not_taken_for_a_bad_log(wire: ScriptedWire, tmp_path: Path) -> None:
    wire.on("GET", _logs(9), answer(403, {"message": "Resource not accessible by integration"}))
    with pytest.raises(PermanentError):
        async with LogCache(wire.github(), tmp_path).open(REPOSITORY, 9):
            pass
    assert not _left(tmp_path)


async def test_a_full_disk_is_told_and_may_pass(
    wire: ScriptedWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.adapters.log_writing.TwoEnds.write", _full)
    with pytest.raises(UnavailableError, match="No space left on device"):
        async with LogCache(wire.github(), tmp_path).open(REPOSITORY, 1):
            pass
    assert not _left(tmp_path)


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")
