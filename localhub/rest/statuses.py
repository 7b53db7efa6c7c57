"""What others than the workflows say of a commit: commit statuses, and the check runs of Apps."""

from typing import Final

from starlette.responses import JSONResponse, Response

from localhub.records import ForeignCheck, Json, Status, now, optional_stamp, stamp
from localhub.rest.repositories import commit_at
from localhub.rest.routing import ApiError, Call, Routes, invalid
from localhub.shapes.people import integration, simple_user
from localhub.shapes.repositories import api_url, html_url, minimal_repository

routes = Routes()

_STATES: Final = ("success", "pending", "failure", "error")


def _status(call: Call, sha: str, status: Status) -> Json:
    return {
        "url": f"{api_url(call.hub, call.repository)}/statuses/{sha}",
        "avatar_url": simple_user(call.hub, status.creator)["avatar_url"],
        "id": status.id,
        "node_id": f"SC_{status.id}",
        "state": status.state,
        "description": None,
        "target_url": None,
        "context": status.context,
        "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
    }


@routes.repository("POST", "/statuses/{sha}", "statuses")
async def create_status(call: Call) -> Response:
    """Say something of a commit."""
    commit = await commit_at(call, call.path("sha"))
    state = call.required("state")
    if state not in _STATES:
        raise invalid("Status", "state")
    status = Status(call.hub.new_id(), call.given("context", str, "default"), state, call.caller)
    call.repository.statuses.setdefault(commit.sha, {})[status.context] = status
    creator = simple_user(call.hub, call.caller)
    return JSONResponse({**_status(call, commit.sha, status), "creator": creator}, 201)


@routes.repository("GET", "/commits/{ref:path}/status", "statuses")
async def get_combined_status(call: Call) -> Response:
    """The newest status of each context, and what they come to."""
    commit = await commit_at(call, call.path("ref"))
    found = list(call.repository.statuses.get(commit.sha, {}).values())
    states = {status.state for status in found}
    verdict = (
        "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    )
    url = api_url(call.hub, call.repository)
    return JSONResponse(
        {
            "state": verdict,
            "statuses": [_status(call, commit.sha, status) for status in found],
            "sha": commit.sha,
            "total_count": len(found),
            "repository": minimal_repository(call.hub, call.repository),
            "commit_url": f"{url}/commits/{commit.sha}",
            "url": f"{url}/commits/{commit.sha}/status",
        }
    )


def shown_check(call: Call, check: ForeignCheck) -> Json:
    """The check run of an App."""
    url = f"{api_url(call.hub, call.repository)}/check-runs/{check.id}"
    page = f"{html_url(call.hub, call.repository)}/runs/{check.id}"
    nothing = {"title": None, "summary": None, "text": None, "annotations_count": 0}
    return {
        "id": check.id,
        "name": check.name,
        "node_id": f"CR_{check.id}",
        "head_sha": check.head_sha,
        "external_id": "",
        "url": url,
        "html_url": page,
        "details_url": page,
        "status": check.status,
        "conclusion": check.conclusion,
        "started_at": stamp(check.started_at),
        "completed_at": optional_stamp(check.completed_at),
        "output": {**nothing, "annotations_url": f"{url}/annotations"},
        "check_suite": {"id": check.suite_id},
        "app": integration(call.hub, check.app),
        "pull_requests": [],
    }


@routes.repository("POST", "/check-runs", "checks")
async def create_check_run(call: Call) -> Response:
    """An App's check of a commit; people may not make one."""
    app = call.calling_app
    if app is None:
        raise ApiError(403, "You must authenticate via a GitHub App.")
    commit = await commit_at(call, call.required("head_sha"))
    conclusion = call.given("conclusion", str)
    check = ForeignCheck(
        id=call.hub.new_id(),
        suite_id=call.hub.new_id(),
        app=app,
        name=call.required("name"),
        head_sha=commit.sha,
        status="completed" if conclusion else call.given("status", str, "queued"),
        conclusion=conclusion,
        completed_at=now() if conclusion else None,
    )
    call.repository.foreign_checks[check.id] = check
    return JSONResponse(shown_check(call, check), 201)
