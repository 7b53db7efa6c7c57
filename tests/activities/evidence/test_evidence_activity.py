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
from workflows.models import Evidence, EvidenceRequest, LogState

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

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.endswith("/actions/runs/7/attempts/2/jobs"):
            page, size = int(request.url.params.get("page", 1)), int(request.url.params["per_page"])
            jobs = self.jobs[(page - 1) * size : page * size]
            link = f'<{API}{path}?per_page={size}&page={page + 1}>; rel="next"'
            headers = {"link": link} if page * size < len(self.jobs) else {}
            return httpx2.Response(200, json={"total_count": len(self.jobs), "jobs": jobs}, headers=headers)
        if found := re.search(r"/actions/jobs/(\d+)/logs$", path):
            return httpx2.Response(302, headers={"location": f"{API}/blob/{found[1]}"})
        if found := re.search(r"/blob/(\d+)$", path):
            answer = self.logs.get(int(found[1]), LOG.encode())
            return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, content=answer)
        if "/contents/" in path:
            assert request.url.params["ref"] == SHA
            file = self.workflow
            return httpx2.Response(200, text=file) if isinstance(file, str) else file
        return httpx2.Response(500)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def collect(wire: Wire, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    cache = tmp_path / "cache"
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(wire)) as http:
        activities = EvidenceActivities(GitHub(http, NoCredentials(), api_url=API), cache)

        async def run(**changes: Any) -> Evidence:
            request = REQUEST.model_copy(update=changes)
            return await ActivityEnvironment().run(activities.collect_evidence, request)

        yield run
    assert not cache.exists() or not list(cache.iterdir())


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
    assert job.fingerprint.startswith("v1:")


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


async def test_github_being_down_is_worth_another_try(wire: Wire, collect: Callable[..., Any]) -> None:
    wire.logs = {1: httpx2.Response(503)}

    with pytest.raises(ApplicationError) as caught:
        await collect()

    assert not caught.value.non_retryable


async def test_a_vanished_repository_is_not_tried_again(wire: Wire, tmp_path: Path) -> None:
    def gone(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, json={"message": "Not Found"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(gone)) as http:
        activities = EvidenceActivities(GitHub(http, NoCredentials(), api_url=API), tmp_path)
        with pytest.raises(ApplicationError) as caught:
            await ActivityEnvironment().run(activities.collect_evidence, REQUEST)

    assert caught.value.type == "not_found"
    assert caught.value.non_retryable
