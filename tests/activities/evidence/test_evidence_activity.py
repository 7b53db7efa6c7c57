import itertools
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.adapters.credentials import NoCredentials
from activities.adapters.github import GitHub
from activities.evidence.activity import JOBS_DETAILED, EvidenceActivities
from activities.evidence.log_cache import LogCache
from workflows.models import Evidence, EvidenceRequest, LogRangeRequest, LogState

SHA = "0123456789abcdef0123456789abcdef01234567"
API = "http://127.0.0.1:9"
WORKFLOW = """
on: push
jobs:
  lint:
    runs-on: ubuntu-latest
    defaults: {run: {working-directory: backend}}
    strategy: {matrix: {python: ["3.11", "3.12"]}}
    steps:
      - uses: actions/checkout@v4
      - run: ruff check .
"""
LOG = (
    "\ufeff2026-01-02T03:04:05.1234567Z ##[group]Run ruff check .\n"
    "2026-01-02T03:04:05.1234567Z ##[endgroup]\n"
    "2026-01-02T03:04:06.1234567Z src/app.py:1:8: F401 [*] `os` imported but unused\n"
    "2026-01-02T03:04:06.1234567Z ##[error]Process completed with exit code 1.\n"
    "2026-01-02T03:04:07.1234567Z Post job cleanup.\n"
)
REQUEST = EvidenceRequest(
    repository="acme/widgets",
    run_id=7,
    run_attempt=2,
    head_sha=SHA,
    workflow_path=".github/workflows/ci.yml",
)


GREEN_RUN = {
    "id": 5,
    "run_attempt": 1,
    "workflow_id": 3,
    "head_sha": SHA,
    "html_url": "",
    "created_at": "2026-01-01T00:00:00Z",
}


def _job(
    number: int, name: str, conclusion: str = "failure", step: str = "Run ruff check ."
) -> dict[str, Any]:
    steps = [("Set up job", "success"), ("Run actions/checkout@v4", "success"), (step, conclusion)]
    return {
        "id": number,
        "run_id": 7,
        "run_attempt": 2,
        "name": name,
        "status": "completed",
        "conclusion": conclusion,
        "html_url": "",
        "head_sha": SHA,
        "steps": [
            {"name": title, "number": place, "status": "completed", "conclusion": result}
            for place, (title, result) in enumerate(steps, start=1)
        ],
    }


class Wire:
    """What GitHub would answer, as data."""

    def __init__(self) -> None:
        self.jobs = [_job(1, "lint (3.11)"), _job(2, "build", "success")]
        self.logs: dict[int, httpx2.Response | bytes] = {}
        self.workflow: httpx2.Response | str = WORKFLOW
        self.files: dict[str, str] = {}
        self.annotations: dict[int, list[dict[str, Any]] | httpx2.Response] = {}
        self.green: str | httpx2.Response | None = None
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        return self._green_answer(request) or self._answer(request)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.endswith("/actions/runs/7/attempts/2/jobs"):
            jobs, headers = self._page(request, self.jobs)
            return httpx2.Response(200, json={"total_count": len(self.jobs), "jobs": jobs}, headers=headers)
        if found := re.search(r"/check-runs/(\d+)/annotations$", path):
            return self._remarks(request, int(found[1]))
        if found := re.search(r"/actions/jobs/(\d+)/logs$", path):
            return httpx2.Response(302, headers={"location": f"{API}/blob/{found[1]}"})
        if found := re.search(r"/blob/(\d+)$", path):
            answer = self.logs.get(int(found[1]), LOG.encode())
            return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, content=answer)
        if "/contents/" in path:
            assert request.url.params["ref"] == SHA
            file = self.files.get(path.partition("/contents/")[2], self.workflow)
            return httpx2.Response(200, text=file) if isinstance(file, str) else file
        return httpx2.Response(500)

    def _green_answer(self, request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/actions/runs/5/attempts/1/jobs"):
            return httpx2.Response(200, json={"jobs": [_job(50, "lint (3.11)", "success")]})
        if not request.url.path.endswith("/actions/workflows/ci.yml/runs"):
            return None
        assert request.url.params["status"] == "success"
        if isinstance(self.green, httpx2.Response):
            return self.green
        runs = [GREEN_RUN] if request.url.params["branch"] == self.green else []
        return httpx2.Response(200, json={"workflow_runs": runs})

    def _remarks(self, request: httpx2.Request, check_run: int) -> httpx2.Response:
        remarks = self.annotations.get(check_run, [])
        if isinstance(remarks, httpx2.Response):
            return remarks
        items, headers = self._page(request, remarks)
        return httpx2.Response(200, json=items, headers=headers)

    def _page(
        self, request: httpx2.Request, items: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], dict[str, str]]:
        page, size = int(request.url.params.get("page", 1)), int(request.url.params["per_page"])
        link = f'<{API}{request.url.path}?per_page={size}&page={page + 1}>; rel="next"'
        return items[(page - 1) * size : page * size], {"link": link} if page * size < len(items) else {}


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def collect(wire: Wire, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    cache = tmp_path / "cache"
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(wire)) as http:
        github = GitHub(http, NoCredentials(), api_url=API)
        activities = EvidenceActivities(github, LogCache(github, cache))

        async def run(**changes: Any) -> Evidence:
            request = REQUEST.model_copy(update=changes)
            return await ActivityEnvironment().run(activities.collect_evidence, request)

        yield run


async def test_a_failed_job_comes_with_command_excerpt_exit_code_and_fingerprint(
    collect: Callable[..., Any],
) -> None:
    evidence = await collect()

    assert evidence.failed_jobs == 1
    assert evidence.workflow_error is None
    (job,) = evidence.jobs
    assert (job.job_id, job.name, job.key, job.step) == (1, "lint (3.11)", "lint", "Run ruff check .")
    assert (job.command, job.working_directory, job.exit_code) == ("ruff check .", "backend", 1)
    assert job.log_state is LogState.PRESENT
    assert "src/app.py:1:8: F401 [*] `os` imported but unused" in job.excerpt.text
    assert job.fingerprint == evidence.fingerprint
    assert job.fingerprint.startswith("v2:")


async def test_matrix_legs_that_fail_alike_share_one_fingerprint(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    alone = await collect()
    wire.jobs.append(_job(3, "lint (3.12)"))

    both = await collect()

    assert len(both.jobs) == 2
    assert both.fingerprint == alone.fingerprint


async def test_every_page_is_counted_and_the_first_twenty_are_detailed(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.jobs = [_job(number, f"lint ({number})") for number in range(1, 131)]

    evidence = await collect()

    assert evidence.failed_jobs == 130
    assert [job.job_id for job in evidence.jobs] == list(range(1, JOBS_DETAILED + 1))
    assert sum(len(job.excerpt.text.encode()) for job in evidence.jobs) <= REQUEST.excerpt_bytes


async def test_logs_that_are_gone_or_empty_are_an_answer(wire: Wire, collect: Callable[..., Any]) -> None:
    wire.jobs = [_job(1, "lint (3.11)"), _job(3, "lint (3.12)")]
    wire.logs = {1: httpx2.Response(410), 3: b""}

    evidence = await collect()

    assert [job.log_state for job in evidence.jobs] == [LogState.GONE, LogState.EMPTY]
    assert [job.command for job in evidence.jobs] == ["ruff check .", "ruff check ."]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx2.Response(404), "does not exist at this commit"),
        ("jobs: [", "is not valid YAML"),
        (httpx2.Response(403, json={"message": "Resource not accessible"}), "cannot be read"),
    ],
    ids=["missing", "broken", "forbidden"],
)
async def test_an_unreadable_workflow_file_is_told_and_the_logs_still_count(
    wire: Wire, collect: Callable[..., Any], answer: httpx2.Response | str, says: str
) -> None:
    wire.workflow = answer

    evidence = await collect()

    assert says in (evidence.workflow_error or "")
    assert evidence.jobs[0].command is None
    assert "F401" in evidence.jobs[0].excerpt.text


async def test_a_run_without_failed_jobs_is_an_answer(wire: Wire, collect: Callable[..., Any]) -> None:
    wire.jobs = []
    wire.workflow = "on: push\njobs: {a: {}}\n"

    evidence = await collect()

    assert evidence.jobs == ()
    assert evidence.failed_jobs == 0
    assert "neither `runs-on` nor `uses`" in (evidence.workflow_error or "")


async def test_cancelled_jobs_count_where_none_failed(wire: Wire, collect: Callable[..., Any]) -> None:
    wire.jobs = [_job(1, "lint (3.11)", "cancelled"), _job(2, "build", "success")]

    evidence = await collect()

    assert [job.step for job in evidence.jobs] == ["Run ruff check ."]


async def test_secrets_leave_neither_by_log_nor_by_command_nor_by_name(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    token = "ghp_" + "a1B2" * 9
    command = f"curl -H 'Authorization: Bearer {token}' https://example.test"
    wire.workflow = WORKFLOW.replace("ruff check .", f'"{command}"')
    wire.jobs = [_job(1, f"lint ({token})", step=f"Run {command}")]
    wire.logs = {1: LOG.replace("`os`", token).encode()}

    evidence = await collect()

    assert "curl" in (evidence.jobs[0].command or "")
    assert "a1B2a1B2" not in evidence.model_dump_json()


def _remark(message: str, path: str = ".github", line: int = 1, level: str = "failure") -> dict[str, Any]:
    return {
        "path": path,
        "start_line": line,
        "end_line": line,
        "annotation_level": level,
        "title": "",
        "message": message,
        "raw_details": "",
    }


async def test_remarks_that_the_log_lacks_stand_below_the_excerpt(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.annotations[1] = [
        _remark("Process completed with exit code 1."),
        _remark("`os` imported but unused", "src/app.py", 1),
        _remark("Undefined name `x`", "src/new.py", 7),
        _remark("unused argument", "src/new.py", 9, "warning"),
        _remark("Node.js 16 actions are deprecated.", level="warning"),
        _remark("something to know", "src/new.py", 3, "notice"),
    ]

    (job,) = (await collect()).jobs

    assert [(each.path, each.line, each.failure) for each in job.annotations] == [
        ("src/app.py", 1, True),
        ("src/new.py", 7, True),
        ("src/new.py", 9, False),
    ]
    assert job.excerpt.text.endswith(
        "… remarks of GitHub that the log lacks: …\n"
        "##[error]src/new.py:7: Undefined name `x`\n"
        "##[warning]src/new.py:9: unused argument"
    )


async def test_many_remarks_leave_most_of_the_excerpt_to_the_log(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.annotations[1] = [_remark(f"number {n} {'x' * 300}", "a.py", n) for n in range(1, 250)]
    wire.logs[1] = LOG.replace("Post job", "error: here\n" * 3_000).encode()

    (job,) = (await collect()).jobs

    assert len(job.annotations) == 20
    assert len(job.excerpt.text.encode()) <= 8_192
    assert job.excerpt.text.count("##[error]a.py") < 7


async def test_a_lost_runner_is_known_by_its_remark_though_there_is_no_log(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    lost = "The hosted runner lost communication with the server."
    wire.annotations[1] = [_remark(lost)]
    wire.logs[1] = httpx2.Response(404)

    (job,) = (await collect()).jobs

    assert job.log_state is LogState.GONE
    assert lost in job.excerpt.text
    assert job.annotations[0].path is None


async def test_remarks_that_may_not_be_read_are_missed_and_said(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.annotations[1] = httpx2.Response(403, json={"message": "Resource not accessible by integration"})

    (job,) = (await collect()).jobs

    assert "F401" in job.excerpt.text
    assert job.note.startswith("Annotations cannot be read: ")


async def test_a_log_from_elsewhere_is_unusable_and_the_other_jobs_count(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.jobs = [_job(1, "lint (3.11)"), _job(3, "lint (3.12)")]
    wire.logs[1] = httpx2.Response(302, headers={"location": "https://10.0.0.7/log"})

    first, second = (await collect()).jobs

    assert first.log_state is LogState.UNUSABLE
    assert first.note == "The log is unusable: the log's address is not https."
    assert "F401" in second.excerpt.text


CALLER = """
on: push
jobs:
  checks:
    strategy: {matrix: {python: ["3.11"]}}
    uses: ./.github/workflows/checks.yml
  elsewhere:
    uses: octo/ci/.github/workflows/lint.yml@v1
"""
CALLED = """
on: workflow_call
jobs:
  style: {name: Style, uses: ./.github/workflows/style.yml}
"""
INNERMOST = """
on: workflow_call
jobs:
  ruff:
    runs-on: ubuntu-latest
    steps: [{run: ruff check ., working-directory: backend}]
"""


async def test_the_command_of_a_job_of_a_called_workflow_comes_from_the_called_file(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.workflow = CALLER
    wire.files = {".github/workflows/checks.yml": CALLED, ".github/workflows/style.yml": INNERMOST}
    wire.jobs = [_job(1, "checks (3.11) / Style / ruff"), _job(3, "checks (3.11) / Style / ruff")]

    first, second = (await collect()).jobs

    assert (first.command, first.working_directory) == ("ruff check .", "backend")
    assert (first.key, first.defined_in) == ("checks", ".github/workflows/style.yml")
    assert second.command == first.command
    assert sum("style.yml" in path for path in wire.asked) == 1


async def test_a_workflow_of_another_repository_is_not_read_and_the_log_gives_the_command(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.workflow = CALLER
    wire.jobs = [_job(1, "elsewhere / ruff")]
    wire.logs[1] = LOG.replace("##[endgroup]", "\x1b[36;1mruff check .\x1b[0m\nshell: bash", 1).encode()

    (job,) = (await collect()).jobs

    assert job.command == "ruff check ."
    assert job.defined_in == "octo/ci/.github/workflows/lint.yml@v1"
    assert "in another repository, which is not read" in job.note
    assert not any("octo" in path for path in wire.asked)


async def test_a_called_workflow_that_is_missing_is_said(wire: Wire, collect: Callable[..., Any]) -> None:
    wire.workflow = CALLER
    wire.files = {".github/workflows/checks.yml": "jobs: ["}
    wire.jobs = [_job(1, "checks (3.11) / Style / ruff")]

    (job,) = (await collect()).jobs

    assert job.command is None
    assert "The workflow file .github/workflows/checks.yml is not valid YAML" in job.note


async def test_the_command_of_an_action_s_own_step_comes_from_the_log(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.jobs = [_job(1, "lint (3.11)", step="Run ./.github/actions/lint")]
    wire.workflow = WORKFLOW.replace("run: ruff check .", "uses: ./.github/actions/lint")
    wire.logs[1] = (
        b"##[group]Run ./.github/actions/lint\nwith:\n##[endgroup]\n"
        b"##[group]Run ruff format --check .\n\x1b[36;1mruff format --check .\x1b[0m\n##[endgroup]\nfine\n"
        b"##[group]Run set -e\n\x1b[36;1mset -e\x1b[0m\n\x1b[36;1mruff check src\x1b[0m\nshell: bash\n"
        b"##[endgroup]\nF401\n##[error]Process completed with exit code 1.\n"
    )

    (job,) = (await collect()).jobs

    assert job.command == "set -e\nruff check src"


async def test_a_log_is_fetched_once_and_any_of_its_lines_can_be_read_later(
    wire: Wire, tmp_path: Path
) -> None:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(wire)) as http:
        github = GitHub(http, NoCredentials(), api_url=API)
        activities = EvidenceActivities(github, LogCache(github, tmp_path))
        await ActivityEnvironment().run(activities.collect_evidence, REQUEST)
        wanted = LogRangeRequest(repository="acme/widgets", job_id=1, pattern="F401", context_lines=0)
        found = await ActivityEnvironment().run(activities.read_log, wanted)

    assert found.text.endswith("3: src/app.py:1:8: F401 [*] `os` imported but unused")
    assert sum(path.endswith("/logs") for path in wire.asked) == 1


async def test_lines_of_a_log_that_is_gone_are_an_answer(wire: Wire, tmp_path: Path) -> None:
    wire.logs[1] = httpx2.Response(410)
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(wire)) as http:
        github = GitHub(http, NoCredentials(), api_url=API)
        activities = EvidenceActivities(github, LogCache(github, tmp_path))
        wanted = LogRangeRequest(repository="acme/widgets", job_id=1)
        found = await ActivityEnvironment().run(activities.read_log, wanted)

    assert (found.log_state, found.problem) == (LogState.GONE, "The log is gone.")


def _noisy(*words: str) -> bytes:
    """Errors about many things, as logs that are green all the same are full of, and the given ones."""
    noise = [f"error: cannot find the part of {word} in the cache" for word in _WORDS]
    middle = len(noise) // 2
    return "".join(f"{line}\n\n\n" for line in (*noise[:middle], *words, *noise[middle:])).encode()


_WORDS = ["".join(letters) for letters in itertools.product("abcdefgh", repeat=3)]
FAILED_LOG = _noisy("error: the only news")


async def test_what_a_green_log_has_too_makes_room_for_what_is_new(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.logs = {1: FAILED_LOG, 50: _noisy()}
    (without,) = (await collect()).jobs

    wire.green = "main"
    (compared,) = (await collect(green_branches=("develop", "main"))).jobs

    assert "the only news" not in without.excerpt.text
    assert "the only news" in compared.excerpt.text


async def test_a_log_that_is_shown_whole_is_compared_with_nothing(
    wire: Wire, collect: Callable[..., Any]
) -> None:
    wire.green = "main"
    await collect(green_branches=("main",))

    assert not any("/workflows/ci.yml/" in path for path in wire.asked)


@pytest.mark.parametrize(
    "trouble",
    [httpx2.Response(503), httpx2.Response(403, json={"message": "no"}), httpx2.Response(200, json={})],
    ids=["down", "forbidden", "nonsense"],
)
async def test_a_green_log_that_cannot_be_had_is_done_without(
    wire: Wire, collect: Callable[..., Any], trouble: httpx2.Response
) -> None:
    wire.logs = {1: FAILED_LOG}
    wire.green = trouble

    (job,) = (await collect(green_branches=("main",))).jobs

    assert "error: cannot find the part" in job.excerpt.text


async def test_a_green_log_that_takes_too_long_is_done_without(
    wire: Wire, collect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.evidence.green_log.SECONDS", 0.0)
    wire.logs = {1: FAILED_LOG, 50: FAILED_LOG}
    wire.green = "main"

    (job,) = (await collect(green_branches=("main",))).jobs

    assert "error: cannot find the part" in job.excerpt.text


async def test_github_being_down_is_worth_another_try(wire: Wire, collect: Callable[..., Any]) -> None:
    wire.logs = {1: httpx2.Response(503)}

    with pytest.raises(ApplicationError) as caught:
        await collect()

    assert not caught.value.non_retryable


async def test_a_vanished_repository_is_not_tried_again(wire: Wire, tmp_path: Path) -> None:
    def gone(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, json={"message": "Not Found"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(gone)) as http:
        github = GitHub(http, NoCredentials(), api_url=API)
        activities = EvidenceActivities(github, LogCache(github, tmp_path))
        with pytest.raises(ApplicationError) as caught:
            await ActivityEnvironment().run(activities.collect_evidence, REQUEST)

    assert caught.value.type == "not_found"
    assert caught.value.non_retryable
