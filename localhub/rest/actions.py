"""Workflows, runs, jobs, their logs, and reruns."""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

from starlette.responses import JSONResponse, RedirectResponse, Response

from localhub.records import Attempt, Job, Json, Run, Workflow, stamp
from localhub.rest.routing import ApiError, Call, Routes, invalid, not_found
from localhub.shapes.runs import workflow, workflow_job, workflow_run
from localhub.state import Hub

routes = Routes()

LOG_LINK_LIFETIME_S: Final = 60
_ENDED: Final = "completed"


def _run(call: Call) -> Run:
    run = call.repository.runs.get(call.number("run_id"))
    if run is None:
        raise not_found()
    return run


def _attempt(call: Call, run: Run) -> Attempt:
    attempt = run.attempt(call.number("attempt"))
    if attempt is None:
        raise not_found()
    return attempt


# ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────


def _page_of_runs(call: Call, workflow_id: int | None = None) -> Response:
    wanted_status = call.query("status")
    filters: dict[str, Callable[[Run], str | None]] = {
        "head_sha": lambda run: run.head.sha,
        "branch": lambda run: run.head_branch,
        "event": lambda run: run.event,
        "actor": lambda run: run.actor.login,
        "check_suite_id": lambda run: str(run.check_suite_id),
    }
    created = _date_filter(call.query("created"))
    rows: list[Json] = []
    for run in reversed(call.repository.runs.values()):
        if workflow_id is not None and run.workflow.id != workflow_id:
            continue
        if any(call.query(name) and call.query(name) != value(run) for name, value in filters.items()):
            continue
        if wanted_status and wanted_status not in {run.latest.status, run.latest.conclusion}:
            continue
        if not created(stamp(run.created_at)):
            continue
        rows.append(workflow_run(call.hub, run))
    return call.page(rows, key="workflow_runs")


def _date_filter(asked: str | None) -> Callable[[str], bool]:
    """What `>=` and `..` of GitHub's search syntax for dates let through; stamps sort like their times."""
    if not asked:
        return lambda _: True
    first, dots, last = asked.partition("..")
    if dots:
        return lambda when: first <= when <= last
    if not asked.startswith(">="):
        raise invalid("WorkflowRun", "created")
    return lambda when: when >= asked.removeprefix(">=")


@routes.repository("GET", "/actions/runs", "actions")
async def list_runs(call: Call) -> Response:
    """Runs, newest first."""
    return _page_of_runs(call)


@routes.repository("GET", "/actions/runs/{run_id}", "actions")
async def get_run(call: Call) -> Response:
    """A run as of its latest attempt."""
    return JSONResponse(workflow_run(call.hub, _run(call)))


@routes.repository("GET", "/actions/runs/{run_id}/attempts/{attempt}", "actions")
async def get_attempt(call: Call) -> Response:
    """A run as of one attempt."""
    run = _run(call)
    return JSONResponse(workflow_run(call.hub, run, _attempt(call, run)))


@routes.repository("GET", "/actions/workflows", "actions")
async def list_workflows(call: Call) -> Response:
    """The workflow files seen so far."""
    rows = [workflow(call.hub, call.repository, one) for one in call.repository.workflows.values()]
    return call.page(rows, key="workflows")


def _workflow(call: Call) -> Workflow:
    asked = call.path("workflow_id")
    for one in call.repository.workflows.values():
        if asked in {str(one.id), one.path.rpartition("/")[2]}:
            return one
    raise not_found()


@routes.repository("GET", "/actions/workflows/{workflow_id}", "actions")
async def get_workflow(call: Call) -> Response:
    """A workflow, by its id or its file's name."""
    return JSONResponse(workflow(call.hub, call.repository, _workflow(call)))


@routes.repository("PUT", "/actions/workflows/{workflow_id}/disable", "actions")
async def disable_workflow(call: Call) -> Response:
    """Switch a workflow off: from now on nothing starts it."""
    _workflow(call).state = "disabled_manually"
    return Response(status_code=204)


@routes.repository("PUT", "/actions/workflows/{workflow_id}/enable", "actions")
async def enable_workflow(call: Call) -> Response:
    """Switch a workflow on again."""
    _workflow(call).state = "active"
    return Response(status_code=204)


@routes.repository("GET", "/actions/workflows/{workflow_id}/runs", "actions")
async def list_runs_of_workflow(call: Call) -> Response:
    """Runs of one workflow, newest first."""
    return _page_of_runs(call, _workflow(call).id)


# ── jobs and logs ───────────────────────────────────────────────────────────────────────────────────────────


def _page_of_jobs(call: Call, run: Run, attempts: list[Attempt]) -> Response:
    rows = [workflow_job(call.hub, run, attempt, job) for attempt in attempts for job in attempt.jobs]
    return call.page(rows, key="jobs")


@routes.repository("GET", "/actions/runs/{run_id}/jobs", "actions")
async def list_jobs(call: Call) -> Response:
    """The jobs of a run's latest attempt, or of all its attempts."""
    run = _run(call)
    return _page_of_jobs(call, run, run.attempts if call.query("filter") == "all" else [run.latest])


@routes.repository("GET", "/actions/runs/{run_id}/attempts/{attempt}/jobs", "actions")
async def list_jobs_of_attempt(call: Call) -> Response:
    """The jobs of one attempt."""
    run = _run(call)
    return _page_of_jobs(call, run, [_attempt(call, run)])


def _job(call: Call) -> tuple[Run, Attempt, Job]:
    found = call.repository.job(call.number("job_id"))
    if found is None:
        raise not_found()
    return found


@routes.repository("GET", "/actions/jobs/{job_id}", "actions")
async def get_job(call: Call) -> Response:
    """One job."""
    return JSONResponse(workflow_job(call.hub, *_job(call)))


def log_signature(hub: Hub, job_id: int, expires: int) -> str:
    """What makes a log link valid until `expires` (Unix seconds)."""
    return hmac.new(hub.storage_key, f"{job_id}:{expires}".encode(), hashlib.sha256).hexdigest()


@routes.repository("GET", "/actions/jobs/{job_id}/logs", "actions")
async def get_log(call: Call) -> Response:
    """Where a job's log can be had for a minute, without a credential."""
    if call.token is None:
        raise ApiError(403, "Must have admin rights to Repository.")
    _, _, job = _job(call)
    if job.log_expired:
        raise ApiError(410, "Server Error: logs are no longer available")
    if job.status != _ENDED or not job.log.exists():
        raise not_found()
    expires = int(time.time()) + LOG_LINK_LIFETIME_S
    signature = log_signature(call.hub, job.id, expires)
    return RedirectResponse(f"{call.hub.storage_url}/logs/{job.id}?se={expires}&sig={signature}", 302)


# ── reruns and cancellation ─────────────────────────────────────────────────────────────────────────────────


@routes.repository("POST", "/actions/runs/{run_id}/rerun", "actions")
async def rerun(call: Call) -> Response:
    """Run everything once more."""
    run = _run(call)
    _refuse_while_running(run)
    call.services.runner.start(run, call.caller)
    return JSONResponse({}, 201)


@routes.repository("POST", "/actions/runs/{run_id}/rerun-failed-jobs", "actions")
async def rerun_failed_jobs(call: Call) -> Response:
    """Run once more what failed.

    The whole file is executed; of the jobs that were green before, the earlier result stands.
    """
    run = _run(call)
    _refuse_while_running(run)
    if run.latest.conclusion == "success":
        raise ApiError(403, "This workflow run cannot be retried")
    kept = tuple(job for job in run.latest.jobs if job.conclusion == "success")
    call.services.runner.start(run, call.caller, kept=kept)
    return JSONResponse({}, 201)


def _refuse_while_running(run: Run) -> None:
    if run.latest.status != _ENDED:
        raise ApiError(403, "This workflow is already running")


@routes.repository("POST", "/actions/runs/{run_id}/cancel", "actions")
async def cancel(call: Call) -> Response:
    """End a run early."""
    if not call.services.runner.cancel(_run(call)):
        raise ApiError(409, "Cannot cancel a workflow run that is completed.")
    return JSONResponse({}, 202)
