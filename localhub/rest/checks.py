"""Check runs and check suites: one per job, one per run."""

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from localhub.records import ForeignCheck, Json, Run
from localhub.rest.repositories import commit_at
from localhub.rest.routing import Call, Routes, not_found
from localhub.rest.statuses import shown_check
from localhub.shapes.repositories import html_url, minimal_repository
from localhub.shapes.runs import check_run, check_suite

routes = Routes()


def _page_of_check_runs(call: Call, runs: list[Run], others: Sequence[ForeignCheck] = ()) -> Response:
    rows: list[Json] = []
    for run in reversed(runs):
        attempts = run.attempts if call.query("filter") == "all" else [run.latest]
        rows += [check_run(call.hub, run, job) for attempt in attempts for job in attempt.jobs]
    rows += [shown_check(call, check) for check in others]
    wanted = {"name": call.query("check_name"), "status": call.query("status")}
    rows = [row for row in rows if all(not value or row[name] == value for name, value in wanted.items())]
    return call.page(rows, key="check_runs")


async def _runs_of_commit(call: Call) -> list[Run]:
    commit = await commit_at(call, call.path("ref"))
    if call.query("app_id") not in {"", str(call.hub.actions_app.id)}:
        return []
    return [run for run in call.repository.runs.values() if run.head.sha == commit.sha]


def _suite(call: Call) -> Run:
    wanted = call.number("suite_id")
    for run in call.repository.runs.values():
        if run.check_suite_id == wanted:
            return run
    raise not_found()


def _shown(call: Call, run: Run) -> Json:
    return {**check_suite(call.hub, run), "repository": minimal_repository(call.hub, run.repository)}


@routes.repository("GET", "/commits/{ref:path}/check-runs", "checks")
async def list_check_runs(call: Call) -> Response:
    """The check runs of a commit."""
    commit = await commit_at(call, call.path("ref"))
    asked = call.query("app_id")
    others = [
        check
        for check in call.repository.foreign_checks.values()
        if check.head_sha == commit.sha and asked in {"", str(check.app.id)}
    ]
    return _page_of_check_runs(call, await _runs_of_commit(call), others)


@routes.repository("GET", "/commits/{ref:path}/check-suites", "checks")
async def list_check_suites(call: Call) -> Response:
    """The check suites of a commit."""
    return call.page([_shown(call, run) for run in await _runs_of_commit(call)], key="check_suites")


@routes.repository("GET", "/check-suites/{suite_id}", "checks")
async def get_check_suite(call: Call) -> Response:
    """One check suite."""
    return JSONResponse(_shown(call, _suite(call)))


@routes.repository("GET", "/check-suites/{suite_id}/check-runs", "checks")
async def list_check_runs_of_suite(call: Call) -> Response:
    """The check runs of one suite."""
    return _page_of_check_runs(call, [_suite(call)])


@routes.repository("GET", "/check-runs/{job_id}", "checks")
async def get_check_run(call: Call) -> Response:
    """One check run."""
    found = call.repository.job(call.number("job_id"))
    if found is None:
        raise not_found()
    run, _, job = found
    return JSONResponse(check_run(call.hub, run, job))


@routes.repository("GET", "/check-runs/{job_id}/annotations", "checks")
async def list_annotations(call: Call) -> Response:
    """What a check run remarked, and where."""
    found = call.repository.job(call.number("job_id"))
    if found is None:
        raise not_found()
    run, _, job = found
    page = html_url(call.hub, call.repository)
    return call.page(
        [
            {
                "path": one.path,
                "blob_href": f"{page}/blob/{run.head.sha}/{one.path}",
                "start_line": one.line,
                "end_line": one.line,
                "start_column": None,
                "end_column": None,
                "annotation_level": one.level,
                "title": one.title,
                "message": one.message,
                "raw_details": "",
            }
            for one in job.annotations
        ]
    )
