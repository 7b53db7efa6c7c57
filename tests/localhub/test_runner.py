import asyncio
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from localhub import LocalHub
from localhub.act import MARKER
from tests.localhub.probes import CI, GREEN, RED, REPOSITORY, Api

REPO = f"/repos/{REPOSITORY}"
WORKFLOW = ".github/workflows/ci.yml"


def workflow(jobs: str, on: str = "push") -> dict[str, str]:
    return {WORKFLOW: f"name: CI\non: {on}\njobs:\n{jobs}"}


def steps_of(job: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
    return [(step["name"], step["conclusion"]) for step in job["steps"]]


async def test_a_push_that_breaks_ci_gives_a_red_run_and_its_mend_a_green_one(
    hub: LocalHub, api: Api
) -> None:
    red = await hub.commit(REPOSITORY, "main", RED, "Break it")
    green = await hub.commit(REPOSITORY, "main", {"check.sh": GREEN["check.sh"]}, "Mend it")
    await hub.idle()
    broken, mended = await api.run_of(red), await api.run_of(green)
    assert (broken["status"], broken["conclusion"]) == ("completed", "failure")
    assert (mended["status"], mended["conclusion"]) == ("completed", "success")
    assert mended["run_number"] == broken["run_number"] + 1
    assert broken["head_commit"]["message"] == "Break it"
    (job,) = await api.jobs_of(broken)
    assert steps_of(job) == [
        ("Set up job", "success"),
        ("Run actions/checkout@v4", "success"),
        ("Syntax", "success"),
        ('Run echo "checking"', "failure"),
        ('Run echo "all good"', "skipped"),
        ("Post Run actions/checkout@v4", "success"),
        ("Complete job", "success"),
    ]
    assert [step["number"] for step in job["steps"]] == list(range(1, 8))


async def test_a_log_has_the_shape_of_githubs(hub: LocalHub, api: Api) -> None:
    sha = await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    (job,) = await api.jobs_of(await api.run_of(sha))
    text = await api.log_of(job)
    assert text.startswith("\ufeff2")
    lines = text.removeprefix("\ufeff").splitlines()
    stamps, contents = zip(*(line.split(" ", 1) for line in lines), strict=True)
    assert all(len(stamp) == len("2026-01-02T03:04:05.1234567Z") and stamp[-1] == "Z" for stamp in stamps)
    assert list(stamps) == sorted(stamps)
    start = contents.index('##[group]Run echo "checking"')
    assert contents[start : start + 8] == (
        '##[group]Run echo "checking"',
        '\x1b[36;1mecho "checking"\x1b[0m',
        "\x1b[36;1msh check.sh\x1b[0m",
        "shell: /usr/bin/bash -e {0}",
        "##[endgroup]",
        "checking",
        "##[error]x is wrong",
        "##[error]Process completed with exit code 3.",
    )
    assert "GITHUB_TOKEN Permissions" in text
    annotations = await api.get(f"{REPO}/check-runs/{job['id']}/annotations")
    assert [(one["path"], one["start_line"], one["message"]) for one in annotations] == [
        ("app.py", 3, "x is wrong"),
        (".github", 1, "Process completed with exit code 3."),
    ]


async def test_nothing_that_a_failing_step_printed_last_is_lost(hub: LocalHub, api: Api) -> None:
    steps = "[{run: 'seq 1 2000; printf the-end; exit 4'}]"
    jobs = f"  one:\n    runs-on: ubuntu-latest\n    steps: {steps}\n"
    shas = [await hub.commit(REPOSITORY, "main", workflow(jobs), f"Print {number}") for number in range(3)]
    await hub.idle()
    for sha in shas:
        (job,) = await api.jobs_of(await api.run_of(sha))
        lines = [line.partition(" ")[2] for line in (await api.log_of(job)).splitlines()]
        end = lines.index("the-end")
        assert lines[end - 2000 : end] == [str(number) for number in range(1, 2001)]
        assert lines[end + 1] == "##[error]Process completed with exit code 4."


async def test_a_step_has_no_terminal_and_no_secret_of_the_server(
    hub: LocalHub, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    script = "{run: 'test -t 0 || test -t 1 || test -t 2 || echo no-terminal; env'}"
    jobs = f"  one:\n    runs-on: ubuntu-latest\n    steps: [{script}]\n"
    sha = await hub.commit(REPOSITORY, "main", workflow(jobs), "Look around")
    await hub.idle()
    (job,) = await api.jobs_of(await api.run_of(sha))
    text = await api.log_of(job)
    assert " no-terminal\n" in text
    assert "sk-canary" not in text
    assert f"GITHUB_API_URL={hub.url}\n" in text
    assert "GITHUB_REPOSITORY=acme/widgets\n" in text


async def test_the_runs_token_is_masked_in_its_log(hub: LocalHub, api: Api) -> None:
    script = '{run: "echo token=${{ secrets.GITHUB_TOKEN }}"}'
    jobs = f"  one:\n    runs-on: ubuntu-latest\n    steps: [{script}]\n"
    sha = await hub.commit(REPOSITORY, "main", workflow(jobs), "Leak")
    await hub.idle()
    (job,) = await api.jobs_of(await api.run_of(sha))
    text = await api.log_of(job)
    assert "token=***" in text
    assert "ghs_" not in text


async def test_a_matrix_gives_one_job_for_each_combination_and_dependants_are_skipped(
    hub: LocalHub, api: Api
) -> None:
    jobs = """\
  test:
    strategy: {matrix: {v: [1, 2]}}
    runs-on: ubuntu-latest
    steps: [{run: "test ${{ matrix.v }} = 1"}]
  named:
    name: Named ${{ matrix.v }}
    strategy: {matrix: {v: [7]}}
    runs-on: ubuntu-latest
    steps: [{run: "true"}]
  after:
    needs: test
    runs-on: ubuntu-latest
    steps: [{run: "true"}]
"""
    sha = await hub.commit(REPOSITORY, "main", workflow(jobs), "Matrix")
    await hub.idle()
    found = {job["name"]: job["conclusion"] for job in await api.jobs_of(await api.run_of(sha))}
    assert found == {"test (1)": "success", "test (2)": "failure", "Named 7": "success", "after": "skipped"}


async def test_continued_errors_are_marked_and_do_not_fail_the_job(hub: LocalHub, api: Api) -> None:
    steps = '[{run: "false", continue-on-error: true}, {run: "true"}]'
    jobs = f"  one:\n    runs-on: ubuntu-latest\n    steps: {steps}\n"
    sha = await hub.commit(REPOSITORY, "main", workflow(jobs), "Tolerate")
    await hub.idle()
    run = await api.run_of(sha)
    assert run["conclusion"] == "success"
    (job,) = await api.jobs_of(run)
    assert ("Run false", "success") in steps_of(job)
    assert "##[error]Process completed with exit code 1." in await api.log_of(job)


async def test_a_workflow_file_that_does_not_parse_gives_a_start_up_failure_without_jobs(
    hub: LocalHub, api: Api
) -> None:
    needs_nobody = "{runs-on: ubuntu-latest, needs: nobody, steps: [{run: 'true'}]}"
    broken = ("jobs: [", "on: push\njobs: {}\n", "\x00", f"on: push\njobs: {{a: {needs_nobody}}}\n")
    shas = [await hub.commit(REPOSITORY, "main", {WORKFLOW: text}, "Break the file") for text in broken]
    await hub.idle()
    runs = [await api.run_of(sha) for sha in shas]
    assert [run["conclusion"] for run in runs] == ["startup_failure"] * 4
    assert runs[0]["name"] == WORKFLOW
    assert [await api.jobs_of(run) for run in runs] == [[]] * 4


async def test_an_action_that_cannot_be_fetched_fails_its_job_only(hub: LocalHub, api: Api) -> None:
    jobs = """\
  missing:
    runs-on: ubuntu-latest
    steps: [{uses: nobody/nothing@v1}]
  fine:
    runs-on: ubuntu-latest
    steps: [{uses: actions/setup-python@v5, with: {python-version: "3.12"}}, {run: "true"}]
"""
    sha = await hub.commit(REPOSITORY, "main", workflow(jobs), "Missing action")
    await hub.idle()
    found = {job["name"]: job for job in await api.jobs_of(await api.run_of(sha))}
    assert found["missing"]["conclusion"] == "failure"
    assert steps_of(found["missing"])[0] == ("Set up job", "failure")
    assert found["fine"]["conclusion"] == "success"


async def test_a_rerun_is_a_new_attempt_of_the_same_run(hub: LocalHub, api: Api) -> None:
    sha = await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    first = await api.run_of(sha)
    (failed,) = await api.jobs_of(first)
    await api.post(f"{REPO}/actions/runs/{first['id']}/rerun-failed-jobs")
    refused = await api.raw("POST", f"{REPO}/actions/runs/{first['id']}/rerun")
    assert refused.status_code == 403
    await hub.idle()
    second = await api.run_of(sha)
    assert (second["id"], second["run_attempt"], second["conclusion"]) == (first["id"], 2, "failure")
    earlier = await api.get(f"{REPO}/actions/runs/{first['id']}/attempts/1")
    assert (earlier["run_attempt"], earlier["conclusion"]) == (1, "failure")
    (again,) = await api.jobs_of(second)
    assert again["id"] != failed["id"]
    pinned = await api.get(f"{REPO}/actions/runs/{first['id']}/attempts/1/jobs")
    assert [job["id"] for job in pinned["jobs"]] == [failed["id"]]
    await api.get(f"{REPO}/actions/runs/{first['id']}/attempts/3", status=404)


async def test_rerunning_failed_jobs_keeps_the_results_of_the_green_ones(hub: LocalHub, api: Api) -> None:
    jobs = """\
  good:
    runs-on: ubuntu-latest
    steps: [{run: "true"}]
  bad:
    runs-on: ubuntu-latest
    steps: [{run: "false"}]
"""
    sha = await hub.commit(REPOSITORY, "main", workflow(jobs), "Half")
    await hub.idle()
    run = await api.run_of(sha)
    before = {job["name"]: job for job in await api.jobs_of(run)}
    await api.post(f"{REPO}/actions/runs/{run['id']}/rerun-failed-jobs")
    await hub.idle()
    after = {job["name"]: job for job in await api.jobs_of(run)}
    assert after["good"]["steps"] == before["good"]["steps"]
    assert after["bad"]["conclusion"] == "failure"
    assert (await api.run_of(sha))["conclusion"] == "failure"


async def test_cancelling_a_run_ends_its_processes(hub: LocalHub, api: Api) -> None:
    jobs = "  one:\n    runs-on: ubuntu-latest\n    steps: [{run: 'touch started; sleep 300'}]\n"
    sha = await hub.commit(REPOSITORY, "main", workflow(jobs), "Hang")
    await _until_a_step_has_started(hub)
    run = await api.run_of(sha)
    await api.post(f"{REPO}/actions/runs/{run['id']}/cancel", status=202)
    await hub.idle()
    assert (await api.run_of(sha))["conclusion"] == "cancelled"
    (job,) = await api.jobs_of(run)
    assert job["conclusion"] == "cancelled"
    assert "The operation was canceled" in await api.log_of(job)
    assert not marked_processes(hub)
    await api.post(f"{REPO}/actions/runs/{run['id']}/cancel", status=409)


async def _until_a_step_has_started(hub: LocalHub) -> None:
    while not list(hub.state.root.glob("runs/*/act/*/hostexecutor/started")):  # noqa: ASYNC110 — no event tells
        await asyncio.sleep(0.01)


def marked_processes(hub: LocalHub) -> list[Path]:
    """The processes that this hub started; another one may be running beside it."""
    needle = f"\0{MARKER}={hub._services.runner._act._identity}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if needle in b"\0" + entry.read_bytes():
                found.append(entry)
        except OSError:
            continue
    return found


async def test_a_run_that_takes_too_long_is_timed_out_and_leaves_nothing(tmp_path: Path) -> None:
    async with LocalHub(tmp_path / "hub", run_timeout=timedelta(seconds=1)) as hub:
        jobs = "  one:\n    runs-on: ubuntu-latest\n    steps: [{run: 'sleep 300 & sleep 300'}]\n"
        repository = await hub.create_repository(REPOSITORY, files=workflow(jobs), run_ci=True)
        await hub.idle()
        (run,) = repository.runs.values()
        assert run.latest.conclusion == "timed_out"
        assert [job.conclusion for job in run.latest.jobs] == ["timed_out"]
        assert not marked_processes(hub)
        assert not list(hub.state.root.glob("runs/*"))


async def test_closing_the_hub_ends_its_runs_and_removes_its_files(tmp_path: Path) -> None:
    root = tmp_path / "hub"
    async with LocalHub(root) as hub:
        jobs = "  one:\n    runs-on: ubuntu-latest\n    steps: [{run: 'touch started; sleep 300'}]\n"
        await hub.create_repository(REPOSITORY, files=workflow(jobs), run_ci=True)
        await _until_a_step_has_started(hub)
    assert not marked_processes(hub)
    assert not root.exists()


async def test_a_commit_message_can_skip_ci(hub: LocalHub, api: Api) -> None:
    await hub.commit(REPOSITORY, "main", RED, "Break it [skip ci]")
    assert (await api.get(f"{REPO}/actions/runs"))["total_count"] == 0


async def test_runs_are_listed_newest_first_in_pages_and_by_filter(hub: LocalHub, api: Api) -> None:
    shas = [await hub.commit(REPOSITORY, "main", {"n": str(number)}, "More") for number in range(3)]
    await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    answer = await api.raw("GET", f"{REPO}/actions/runs?per_page=3&status=success")
    assert [run["head_sha"] for run in answer.json()["workflow_runs"]] == shas[::-1]
    answer = await api.raw("GET", f"{REPO}/actions/runs?per_page=3")
    assert answer.json()["total_count"] == 4
    assert 'rel="next"' in answer.headers["link"]
    last = await api.http.get(answer.links["last"]["url"])
    assert [run["head_sha"] for run in last.json()["workflow_runs"]] == shas[:1]
    assert 'rel="prev"' in last.headers["link"]
    none = await api.get(f"{REPO}/actions/runs?branch=other")
    assert none == {"total_count": 0, "workflow_runs": []}


async def test_log_links_need_no_credential_refuse_one_and_cannot_be_forged(hub: LocalHub, api: Api) -> None:
    sha = await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    (job,) = await api.jobs_of(await api.run_of(sha))
    path = f"{REPO}/actions/jobs/{job['id']}/logs"
    link = (await api.raw("GET", path)).headers["location"]
    async with httpx2.AsyncClient(trust_env=False) as anonymous:
        assert (await anonymous.get(link)).status_code == 200
        assert (await anonymous.get(link, headers={"Authorization": "Bearer x"})).status_code == 400
        assert (await anonymous.get(link[:-1] + "g")).status_code == 403
        assert (await anonymous.get(link.replace("se=", "se=9"))).status_code == 403
        assert (await anonymous.get(hub.url + path)).status_code == 403
    hub.set_log(REPOSITORY, job["id"], "")
    assert await api.log_of(job) == ""
    hub.set_log(REPOSITORY, job["id"], None)
    assert (await api.raw("GET", path)).status_code == 410


async def test_the_workflow_file_of_the_pushed_commit_decides(hub: LocalHub, api: Api) -> None:
    changed = CI.replace("branches: [main", "branches: [release")
    await hub.commit(REPOSITORY, "main", {WORKFLOW: changed}, "Only release branches")
    assert (await api.get(f"{REPO}/actions/runs"))["total_count"] == 0
