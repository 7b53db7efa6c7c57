import asyncio
import fcntl
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from activities.adapters.credentials import Credentials
from activities.adapters.pulse import Pulse
from activities.adapters.repository import RepositoryMirrors
from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError

NAME = "octo/app"
TOKEN = "ghs_" + "t0ken" * 8
CLEAN = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=CLEAN, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


class Token(Credentials):
    """Credentials that always answer the same."""

    def __init__(self, value: str | None) -> None:
        self.value = value
        self.asked: list[tuple[str, Mapping[str, str] | None]] = []

    async def token(self, repository: str, permissions: Mapping[str, str] | None = None) -> str | None:
        self.asked.append((repository, permissions))
        return self.value


class GitServer:
    """`git http-backend` behind a small HTTP server; `status` makes it answer nothing but that."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[dict[str, str]] = []
        self.status: int | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def do_POST(self) -> None:
                outer.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(dict(request.headers))
        if self.status:
            request.send_response(self.status)
            request.send_header("Location", "/elsewhere/app.git")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        path, _, query = request.path.partition("?")
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=False,
            env=CLEAN
            | {
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": request.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        request.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


@contextmanager
def serving(root: Path) -> Iterator[GitServer]:
    server = GitServer(root)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving(tmp_path / "origin") as running:
        yield running


@pytest.fixture
def origin(server: GitServer) -> Path:
    """The bare repository that the server has under NAME."""
    bare = server.root / "octo" / "app.git"
    bare.mkdir(parents=True)
    git(bare, "init", "--bare", "--quiet")
    return bare


@pytest.fixture
def commit(origin: Path, tmp_path: Path) -> Callable[..., str]:
    """Commit files (name → text) onto main, and push; the commit's id."""
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(origin), str(work))

    def make(files: Mapping[str, str]) -> str:
        for name, text in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(text.encode())
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--message=x")
        git(work, "push", "--quiet", "origin", "HEAD:main")
        return git(work, "rev-parse", "HEAD")

    return make


def mirrors_for(server: GitServer, tmp_path: Path, token: str | None = None) -> RepositoryMirrors:
    return RepositoryMirrors(tmp_path / "cache", server_url=server.url, credentials=Token(token))


async def failure(mirrors: RepositoryMirrors, sha: str, name: str = NAME) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        async with mirrors.checkout(name, sha):
            pass
    return caught.value


async def test_a_checkout_holds_the_commits_files_and_is_gone_afterwards(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    first = commit({"a.txt": "one\n", "dir/b.txt": "two\n"})
    commit({"a.txt": "later\n"})
    async with mirrors_for(server, tmp_path).checkout(NAME, first) as workspace:
        assert workspace.read("a.txt") == b"one\n"
        assert workspace.read("dir/b.txt") == b"two\n"
        assert not (workspace.files / ".git").exists()
        assert set(workspace.tracked) == {"a.txt", "dir/b.txt"}
        folder = workspace.files.parent
    assert not folder.exists()
    assert list((tmp_path / "cache" / "workspaces").iterdir()) == []


async def test_a_checkout_is_gone_when_the_work_in_it_fails(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit({"a.txt": "one\n"})

    async def work() -> None:
        async with mirrors_for(server, tmp_path).checkout(NAME, sha) as workspace:
            (workspace.files / "closed").mkdir(mode=0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert list((tmp_path / "cache" / "workspaces").iterdir()) == []


async def test_a_commit_that_the_mirror_has_asks_neither_server_nor_credentials(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit({"a.txt": "one\n"})
    credentials = Token(TOKEN)
    mirrors = RepositoryMirrors(tmp_path / "cache", server_url=server.url, credentials=credentials)
    for _ in range(2):
        async with mirrors.checkout(NAME, sha):
            pass
    assert credentials.asked == [(NAME, {"contents": "read"})]
    seen = len(server.requests)
    async with mirrors_for(server, tmp_path).checkout(NAME.upper(), sha):
        pass
    assert len(server.requests) == seen


async def test_the_token_travels_in_a_header_and_is_written_nowhere(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit({"a.txt": "one\n"})
    async with mirrors_for(server, tmp_path, TOKEN).checkout(NAME, sha):
        assert {"Authorization", "authorization"} & set(server.requests[0])
        kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        assert kept
        assert not any(TOKEN.encode() in path.read_bytes() for path in kept)
        assert not any(b"Basic" in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "unauthorised"), (403, "forbidden"), (404, "not_found"), (410, "not_found"), (301, "not_found")],
)
async def test_a_refusal_of_the_server_is_permanent_and_says_no_secret(
    server: GitServer, tmp_path: Path, origin: Path, status: int, kind: str
) -> None:
    server.status = status
    error = await failure(mirrors_for(server, tmp_path, TOKEN), "1" * 40)
    assert isinstance(error, PermanentError)
    assert error.kind == kind
    assert TOKEN not in str(error)


async def test_a_busy_server_throttles(server: GitServer, tmp_path: Path, origin: Path) -> None:
    server.status = 429
    assert isinstance(await failure(mirrors_for(server, tmp_path), "1" * 40), ThrottledError)


async def test_a_failing_or_absent_server_is_unavailable(
    server: GitServer, tmp_path: Path, origin: Path
) -> None:
    server.status = 503
    assert isinstance(await failure(mirrors_for(server, tmp_path), "1" * 40), UnavailableError)
    nowhere = RepositoryMirrors(tmp_path / "other", server_url="http://127.0.0.1:1", credentials=Token(None))
    assert isinstance(await failure(nowhere, "1" * 40), UnavailableError)


async def test_a_repository_or_commit_that_vanished_is_not_found(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit({"a.txt": "one\n"})
    for error in (
        await failure(mirrors_for(server, tmp_path), sha, "octo/gone"),
        await failure(mirrors_for(server, tmp_path), "1" * 40),
    ):
        assert isinstance(error, PermanentError)
        assert error.kind == "not_found"


@pytest.mark.parametrize("name", ["octo", "../app", "octo/..", "octo/app/x", "octo/a b", "-x/app\n"])
async def test_a_name_that_is_no_repository_is_invalid(server: GitServer, tmp_path: Path, name: str) -> None:
    error = await failure(mirrors_for(server, tmp_path), "1" * 40, name)
    assert isinstance(error, PermanentError)
    assert error.kind == "invalid"


@pytest.mark.parametrize("sha", ["main", "--upload-pack=x", "", "1" * 39])
async def test_only_a_full_commit_id_is_checked_out(server: GitServer, tmp_path: Path, sha: str) -> None:
    error = await failure(mirrors_for(server, tmp_path), sha)
    assert isinstance(error, PermanentError)
    assert error.kind == "invalid"


async def test_what_a_killed_fetch_left_is_recovered(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    mirrors = mirrors_for(server, tmp_path)
    mirror = tmp_path / "cache" / "mirrors" / "octo" / "app.git"
    (mirror / "objects").mkdir(parents=True)
    (mirror / "HEAD").write_text("ref: refs/hea")
    async with mirrors.checkout(NAME, commit({"a.txt": "one\n"})):
        pass
    (mirror / "shallow.lock").touch()
    (mirror / "objects" / "pack" / "tmp_pack_x").write_bytes(b"PACK")
    async with mirrors.checkout(NAME, commit({"a.txt": "two\n"})) as workspace:
        assert workspace.read("a.txt") == b"two\n"
    assert not (mirror / "objects" / "pack" / "tmp_pack_x").exists()


async def test_a_damaged_mirror_is_replaced_by_the_next_try(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    mirrors = mirrors_for(server, tmp_path)
    first, second = commit({"a.txt": "one\n"}), commit({"a.txt": "two\n"})
    for sha in (first, second):
        async with mirrors.checkout(NAME, sha):
            pass
    for pack in (tmp_path / "cache" / "mirrors").rglob("*.pack"):
        pack.unlink()
    assert isinstance(await failure(mirrors, second), UnavailableError)
    async with mirrors.checkout(NAME, second) as workspace:
        assert workspace.read("a.txt") == b"two\n"


async def test_concurrent_checkouts_share_a_fetch_and_keep_apart(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit({"a.txt": "one\n"})
    workers = [mirrors_for(server, tmp_path) for _ in range(3)]

    async def change(mirrors: RepositoryMirrors, text: str) -> str:
        async with mirrors.checkout(NAME, sha) as workspace:
            workspace.write("a.txt", text.encode())
            return await asyncio.to_thread(workspace.diff)

    diffs = await asyncio.gather(*(change(worker, f"{n}\n") for n, worker in enumerate(workers)))
    assert [f"+{n}" in diff for n, diff in enumerate(diffs)] == [True] * 3
    assert sum("git-upload-pack" in str(request.get("Content-Type")) for request in server.requests) <= 2


async def test_a_new_worker_sweeps_what_a_killed_one_left_and_nothing_else(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit({"a.txt": "one\n"})
    mirrors = mirrors_for(server, tmp_path)
    left = tmp_path / "cache" / "workspaces" / "left"
    (left / "files").mkdir(parents=True)
    left.with_suffix(".lock").touch()
    async with mirrors.checkout(NAME, sha) as workspace:
        mirrors_for(server, tmp_path)
        assert not left.exists()
        assert workspace.read("a.txt") == b"one\n"


async def test_a_fetch_that_waits_for_another_workers_ends_when_told(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit({"a.txt": "one\n"})
    mirrors = mirrors_for(server, tmp_path)
    lock = tmp_path / "cache" / "mirrors" / "octo" / "app.lock"
    lock.parent.mkdir(parents=True)
    waiting = asyncio.Event()
    loop = asyncio.get_running_loop()

    def beat() -> None:
        loop.call_soon_threadsafe(waiting.set)

    async def check_out() -> None:
        async with mirrors.checkout(NAME, sha, pulse=Pulse(beat)):
            pass

    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        task = asyncio.create_task(check_out())
        await asyncio.wait_for(waiting.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert list((tmp_path / "cache" / "workspaces").iterdir()) == []


async def test_files_are_the_commits_bytes_whatever_its_attributes_ask_for(
    server: GitServer, tmp_path: Path, commit: Callable[..., str]
) -> None:
    sha = commit(
        {".gitattributes": "*.txt filter=lfs ident\n*.bat text eol=crlf\n", "a.txt": "$Id$\n", "b.bat": "x\n"}
    )
    async with mirrors_for(server, tmp_path).checkout(NAME, sha) as workspace:
        assert workspace.read("a.txt") == b"$Id$\n"
        assert workspace.read("b.bat") == b"x\n"
        assert workspace.diff(new_files=True) == ""


async def test_a_commit_with_a_git_folder_of_its_own_is_refused(
    server: GitServer, tmp_path: Path, origin: Path
) -> None:
    blob = git(origin, "hash-object", "-w", "--stdin", stdin=b"#!/bin/sh\n")
    inner = git(origin, "mktree", stdin=f"100755 blob {blob}\tpost-checkout\n".encode())
    raw = b"40000 .git\0" + bytes.fromhex(inner)
    tree = git(origin, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    sha = git(origin, "commit-tree", tree, "-m", "x")
    git(origin, "update-ref", "refs/heads/main", sha)
    error = await failure(mirrors_for(server, tmp_path), sha)
    assert isinstance(error, PermanentError)
    assert error.kind == "invalid"


async def test_the_workers_own_environment_does_not_steer_git(
    server: GitServer, tmp_path: Path, commit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = commit({"a.txt": "one\n"})
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_TRACE_CURL", str(tmp_path / "trace"))
    async with mirrors_for(server, tmp_path, TOKEN).checkout(NAME, sha) as workspace:
        assert workspace.read("a.txt") == b"one\n"
    assert not (tmp_path / "trace").exists()


def test_ext4_is_asked_to_lay_workspaces_apart(server: GitServer, tmp_path: Path) -> None:
    try:
        subprocess.run(["chattr", "+T", str(tmp_path)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not an ext file system, or no chattr here")
    mirrors_for(server, tmp_path)

    listed = subprocess.run(
        ["lsattr", "-d", str(tmp_path / "cache" / "workspaces")], check=True, capture_output=True, text=True
    )

    assert "T" in listed.stdout.split()[0]
