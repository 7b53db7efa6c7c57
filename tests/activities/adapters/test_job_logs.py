import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from activities.adapters.github import GitHub
from activities.adapters.log_writing import UNUSABLE_LOG
from activities.errors import PermanentError, UnavailableError
from scripted_wire import API, TOKEN, ScriptedWire, answer
from workflows.models import LogState

REPOSITORY = "acme/widgets"
LOGS = "/repos/acme/widgets/actions/jobs/5/logs"
STORE = "https://store.example/log"
SIGNED = f"{STORE}?signature=very-secret"


async def resolve(host: str) -> list[str]:
    return {
        "store.example": ["93.184.216.34"],
        "sneaky.example": ["93.184.216.34", "10.0.0.7"],
        "metadata.example": ["169.254.169.254"],
        "six.example": ["fd00::1"],
    }.get(host, [])


@pytest.fixture
def wire() -> ScriptedWire:
    return ScriptedWire()


@pytest.fixture
def github(wire: ScriptedWire) -> GitHub:
    return wire.github(resolve=resolve)


def text(content: bytes, kind: str = "text/plain; charset=utf-8") -> httpx2.Response:
    return httpx2.Response(200, content=content, headers={"content-type": kind})


def in_pieces(content: bytes, size: int, kind: str) -> Callable[[httpx2.Request], httpx2.Response]:
    class Pieces(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for start in range(0, len(content), size):
                yield content[start : start + size]

    return lambda _: httpx2.Response(200, stream=Pieces(), headers={"content-type": kind})


def assert_nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []


def sent_to(location: str) -> httpx2.Response:
    return answer(302, None, {"location": location})


async def test_a_log_is_streamed_from_the_store_which_never_sees_the_token(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    wire.on("GET", LOGS, sent_to(SIGNED))
    wire.on("GET", STORE, text(b"one\ntwo\n"))
    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert (found.state, found.size, found.omitted_bytes) == (LogState.PRESENT, 8, 0)
    assert found.path is not None
    assert found.path.read_bytes() == b"one\ntwo\n"
    assert wire.asked[0].headers["authorization"] == f"token {TOKEN}"
    assert "authorization" not in wire.asked[1].headers


async def test_of_a_log_beyond_the_cap_the_two_ends_are_kept_and_what_is_missing_is_said(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    lines = [b"line %03d\n" % number for number in range(300)]
    wire.on("GET", LOGS, text(b"".join(lines)))

    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=90)

    kept = (tmp_path / "log").read_bytes()
    head, note, tail = kept.partition("\n… 2619 bytes of the log omitted …\n".encode())
    assert note
    assert head == b"".join(lines)[:45]
    assert tail == b"".join(lines[-4:])
    assert found.omitted_bytes == 2_700 - len(head) - len(tail)
    assert found.size == len(kept)


async def test_a_log_of_exactly_the_cap_is_whole(wire: ScriptedWire, github: GitHub, tmp_path: Path) -> None:
    wire.on("GET", LOGS, text(b"0123"))
    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=4)
    assert (found.size, found.omitted_bytes) == (4, 0)


@pytest.mark.parametrize("kind", ["text/plain", "application/gzip", "application/octet-stream"])
async def test_a_compressed_log_is_unpacked_on_its_way(
    wire: ScriptedWire, github: GitHub, tmp_path: Path, kind: str
) -> None:
    packed = gzip.compress(b"one\n") + gzip.compress(b"two\n" * 100_000)
    wire.on("GET", LOGS, in_pieces(packed, 7, kind))

    await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=1_000_000)

    assert (tmp_path / "log").read_bytes() == b"one\n" + b"two\n" * 100_000


async def test_a_small_log_that_unpacks_to_a_huge_one_is_cut_like_any_other(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    wire.on("GET", LOGS, text(gzip.compress(bytes(20_000_000))))

    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=1_000)

    assert found.size < 1_100
    assert found.omitted_bytes > 19_990_000


@pytest.mark.parametrize("spoil", [lambda packed: packed[:-9], lambda packed: packed[:12] + b"\xff" * 40])
async def test_a_damaged_compressed_log_is_unusable(
    wire: ScriptedWire, github: GitHub, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    wire.on("GET", LOGS, text(spoil(gzip.compress(b"one\ntwo\n" * 1_000))))

    with pytest.raises(PermanentError) as caught:
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)

    assert caught.value.kind == UNUSABLE_LOG
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("behind_redirect", [False, True])
async def test_an_expired_log_is_gone_not_an_error(
    wire: ScriptedWire, github: GitHub, tmp_path: Path, status: int, *, behind_redirect: bool
) -> None:
    gone = answer(status, {"message": "Gone"})
    wire.on("GET", LOGS, sent_to(SIGNED) if behind_redirect else gone)
    wire.on("GET", STORE, gone)
    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=4)
    assert (found.state, found.path) == (LogState.GONE, None)
    assert_nothing_left(tmp_path)


async def test_an_empty_log_is_empty_and_leaves_no_file(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    wire.on("GET", LOGS, text(b""))
    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=4)
    assert (found.state, found.path, found.size) == (LogState.EMPTY, None, 0)
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize(
    "location",
    [
        "http://store.example/log",
        "https://127.0.0.1/log",
        "https://[::1]/log",
        "https://10.1.2.3/log",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/log",
        "https://[64:ff9b::a9fe:a9fe]/log",
        "https://[2002:a00:1::]/log",
        "https://[fec0::1]/log",
        "https://[ff02::1]/log",
        "https://localhost/log",
        "https://a.localhost/log",
        "https://vault.internal/log",
        "https://sneaky.example/log",
        "https://metadata.example/log",
        "https://six.example/log",
        "ftp://store.example/log",
        "file:///etc/passwd",
    ],
)
async def test_a_log_is_never_fetched_from_a_private_or_plain_address(
    wire: ScriptedWire, github: GitHub, tmp_path: Path, location: str
) -> None:
    wire.on("GET", LOGS, sent_to(location))
    with pytest.raises(PermanentError) as caught:
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert caught.value.kind == UNUSABLE_LOG
    assert len(wire.asked) == 1


async def test_a_fourth_redirect_is_not_followed(wire: ScriptedWire, github: GitHub, tmp_path: Path) -> None:
    wire.on("GET", LOGS, sent_to(SIGNED))
    wire.on("GET", STORE, sent_to(SIGNED))
    with pytest.raises(PermanentError):
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert len(wire.asked) == 4


LOCAL = "http://127.0.0.1:8080"


@pytest.mark.parametrize(("port", "told"), [(8080, True), (9090, False)])
async def test_a_local_github_may_send_to_its_own_host(
    wire: ScriptedWire, tmp_path: Path, port: int, *, told: bool
) -> None:
    wire.on("GET", f"{LOCAL}{LOGS}", sent_to(f"http://127.0.0.1:{port}/signed"))
    wire.on("GET", f"http://127.0.0.1:{port}/signed", text(b"local"))
    github = wire.github(api_url=LOCAL, resolve=resolve)
    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert found.size == 5
    assert ("authorization" in wire.asked[-1].headers) is told


@pytest.mark.parametrize(
    "location", ["http://10.0.0.1/log", "https://store.example/log", "http://localhost/log"]
)
async def test_a_local_github_may_send_to_no_other_host(
    wire: ScriptedWire, tmp_path: Path, location: str
) -> None:
    wire.on("GET", f"{LOCAL}{LOGS}", sent_to(location))
    github = wire.github(api_url=LOCAL, resolve=resolve)
    with pytest.raises(PermanentError):
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert len(wire.asked) == 1


@pytest.mark.parametrize("kind", ["application/zip", "application/json", "image/png"])
async def test_anything_but_text_is_refused_by_type(
    wire: ScriptedWire, github: GitHub, tmp_path: Path, kind: str
) -> None:
    wire.on("GET", LOGS, text(b"data", kind))
    with pytest.raises(PermanentError):
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_an_archive_that_calls_itself_text_is_refused(
    wire: ScriptedWire, github: GitHub, tmp_path: Path, size: int
) -> None:
    wire.on("GET", LOGS, in_pieces(b"PK\x03\x04bomb", size, "text/plain"))
    with pytest.raises(PermanentError):
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert_nothing_left(tmp_path)


async def test_a_download_that_breaks_off_leaves_no_file(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    class Breaking(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half a "
            raise httpx2.ReadError(f"cut at {SIGNED}")

    wire.on(
        "GET", LOGS, lambda _: httpx2.Response(200, stream=Breaking(), headers={"content-type": "text/plain"})
    )
    with pytest.raises(UnavailableError) as caught:
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert "very-secret" not in str(caught.value)
    assert_nothing_left(tmp_path)


async def test_a_signed_address_that_ran_out_is_asked_for_again_later(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    wire.on("GET", LOGS, sent_to(SIGNED))
    wire.on("GET", STORE, httpx2.Response(403, text="<Error>AuthenticationFailed</Error>"))
    with pytest.raises(UnavailableError) as caught:
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert "very-secret" not in str(caught.value)


async def test_a_refusal_by_github_itself_is_permanent(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    wire.on("GET", LOGS, answer(403, {"message": "Must have admin rights to Repository."}))
    with pytest.raises(PermanentError) as caught:
        await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert caught.value.kind == "forbidden"


async def test_a_renamed_repositorys_log_is_still_asked_for_with_the_token(
    wire: ScriptedWire, github: GitHub, tmp_path: Path
) -> None:
    wire.on("GET", LOGS, answer(301, None, {"location": f"{API}/repositories/9/actions/jobs/5/logs"}))
    wire.on("GET", "/repositories/9/actions/jobs/5/logs", text(b"moved"))
    found = await github.download_job_log(REPOSITORY, 5, tmp_path / "log", max_bytes=100)
    assert found.size == 5
    assert wire.asked[1].headers["authorization"] == f"token {TOKEN}"
