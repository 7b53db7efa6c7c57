import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from starter.cli import app

LOG = "".join(f"fetching part {number}\n" for number in range(900)) + (
    "src/app.py:1:8: F401 [*] `os` imported but unused\nFound 1 error.\n"
)
KEYS = {
    "file",
    "log_bytes",
    "excerpt_bytes",
    "ranges",
    "excerpt",
    "fingerprint",
    "failure_class",
    "root_cause",
}
ROOT = Path(__file__).resolve().parents[2]
SHA = "0123456789abcdef0123456789abcdef01234567"


def logs(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["logs", *map(str, arguments)])


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "job.log"
    path.write_text(LOG)
    return path


def test_each_file_is_one_json_object_on_one_line(log: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.log"
    empty.touch()

    result = logs(log, empty, "--json", "--budget", "1024")

    assert result.exit_code == 0
    first, second = objects(result)
    assert set(first) == set(second) == KEYS
    assert first["file"] == str(log)
    assert first["log_bytes"] == len(LOG)
    assert first["excerpt_bytes"] == len(first["excerpt"].encode()) <= 1024
    assert [901, 902] in [[max(start, 901), end] for start, end in first["ranges"]]
    assert first["failure_class"] == "lint"
    assert first["fingerprint"] != second["fingerprint"]
    assert second["excerpt"] == ""
    assert second["ranges"] == []
    assert second["failure_class"] == "unknown"


def test_people_see_line_numbers_and_the_cause(log: Path) -> None:
    result = logs(log, "--budget", "1024")

    assert "901  src/app.py:1:8: F401 [*] `os` imported but unused" in result.stdout
    assert "lines omitted …" in result.stdout
    assert "lint: ruff reports F401 in src/app.py" in result.stdout


def test_a_line_of_the_log_cannot_be_taken_for_a_note_about_the_excerpt(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text("… 12 lines omitted …\nerror: broken\n")

    shown = logs(path).stdout

    assert "1  ... 12 lines omitted ..." in shown
    assert "2  error: broken" in shown
    assert "…" not in objects(logs(path, "--json"))[0]["excerpt"]


def test_a_compressed_log_says_what_the_plain_one_says(log: Path, tmp_path: Path) -> None:
    packed = tmp_path / "job.log.gz"
    packed.write_bytes(gzip.compress(LOG.encode()))

    plain, unpacked = objects(logs(log, packed, "--json"))

    assert {**plain, "file": ""} == {**unpacked, "file": ""}


@pytest.mark.parametrize(
    ("bend", "said"),
    [(lambda packed: packed[:-20], "ends early"), (lambda packed: packed[:-6] + b"damage", "damaged")],
    ids=["cut", "bent"],
)
@pytest.mark.parametrize("times", [20, 200])
def test_a_broken_compressed_log_is_read_as_far_as_it_goes(
    tmp_path: Path, bend: Any, said: str, times: int
) -> None:
    broken = tmp_path / "job.log.gz"
    broken.write_bytes(bend(gzip.compress(LOG.encode() * times)))

    result = logs(broken, "--json")

    assert said in result.stderr
    assert "F401" in objects(result)[0]["excerpt"]


def test_a_log_comes_through_a_pipe_too(log: Path) -> None:
    command = [sys.executable, "-m", "starter.cli", "logs", "-", "--json"]

    piped = subprocess.run(command, input=log.read_bytes(), capture_output=True, cwd=ROOT, check=True)

    assert {**json.loads(piped.stdout), "file": ""} == {**objects(logs(log, "--json"))[0], "file": ""}


def test_a_log_without_line_feeds_is_one_line_of_which_the_telling_part_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_bytes(LOG.replace("\n", "\r").encode())

    result = logs(path, "--json")

    assert "carriage returns" in result.stderr
    found = objects(result)[0]
    assert "F401" in found["excerpt"]
    assert "lines omitted" in found["excerpt"]
    assert found["ranges"] == [[1, 1]]
    assert found["failure_class"] == "lint"


def test_returns_before_the_first_line_feed_only_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_bytes(b"10%\r20%\r" * 100_000 + b"done\nerror: broken\n")

    result = logs(path, "--json")

    assert result.stderr == ""
    assert objects(result)[0]["ranges"] == [[1, 2]]
    assert "done\nerror: broken" in objects(result)[0]["excerpt"]


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(log: Path, tmp_path: Path) -> None:
    result = logs(tmp_path / "none.log", tmp_path, log, "--json")

    assert result.exit_code == 1
    assert "none.log: No such file or directory" in result.stderr
    assert f"{tmp_path}: Is a directory" in result.stderr
    assert [found["file"] for found in objects(result)] == [str(log)]


def test_a_hostile_file_name_cannot_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2Jb.log"
    path.write_text("error: \x1b[31mred\n")

    assert "\x1b" not in logs(path).stdout


@pytest.mark.parametrize("budget", ["0", "99999999", "many"])
def test_a_budget_out_of_range_is_a_usage_error(log: Path, budget: str) -> None:
    assert logs(log, "--budget", budget).exit_code == 2


@pytest.mark.parametrize(
    "address", ["https://github.com/acme/widgets", "https://github.com/a/b/actions/runs/x"]
)
def test_an_address_that_is_no_run_is_a_usage_error(address: str) -> None:
    result = logs(address)

    assert result.exit_code == 2
    assert "is not the web address of a run" in result.stderr


class OneRun(BaseHTTPRequestHandler):
    """A GitHub with one failed run of two jobs, of which one failed."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/repos/acme/widgets/actions")
        if path == "/jobs/1/logs":
            self._answer(LOG.encode(), "text/plain")
        elif path == "/runs/7/attempts/2/jobs":
            self._answer(json.dumps({"jobs": [self._job(1, "failure"), self._job(2, "success")]}).encode())
        elif path == "/runs/7/attempts/2":
            self._answer(
                json.dumps(
                    {
                        "id": 7,
                        "run_attempt": 2,
                        "workflow_id": 1,
                        "head_sha": SHA,
                        "html_url": "",
                        "created_at": "2026-01-02T03:04:05Z",
                    }
                ).encode()
            )
        else:
            self.send_error(404)

    def _job(self, number: int, conclusion: str) -> dict[str, Any]:
        return {
            "id": number,
            "run_id": 7,
            "run_attempt": 2,
            "name": f"job {number}",
            "conclusion": conclusion,
            "head_sha": SHA,
        }

    def _answer(self, body: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OneRun) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("REGREEN_GITHUB_API_URL", address)
        yield address
        server.shutdown()


def test_a_runs_failed_jobs_are_fetched_and_shown(github: str) -> None:
    result = logs("https://github.com/acme/widgets/actions/runs/7/attempts/2", "--json")

    assert result.exit_code == 0, result.stderr
    assert [found["file"] for found in objects(result)] == ["acme/widgets/7: job 1"]
    assert "F401" in objects(result)[0]["excerpt"]


def test_a_run_that_is_not_there_is_said_in_one_line(github: str) -> None:
    result = logs("https://github.com/acme/widgets/actions/runs/8")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "actions/runs/8: " in result.stderr
