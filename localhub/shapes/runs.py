"""Workflow runs, jobs and checks as GitHub shows them."""

from localhub.records import (
    Attempt,
    Job,
    Json,
    PullRequest,
    Repository,
    Run,
    Step,
    Workflow,
    optional_stamp,
    stamp,
)
from localhub.shapes.commits import simple_commit
from localhub.shapes.people import integration, simple_user
from localhub.shapes.pulls import minimal_pull
from localhub.shapes.repositories import api_url, html_url, minimal_repository
from localhub.state import Hub


def pulls_of(run: Run) -> list[PullRequest]:
    """The open pull requests whose head is the run's branch, at the run's commit or not."""
    return [
        pull
        for pull in run.repository.pulls.values()
        if pull.state == "open" and pull.head_ref == run.head_branch and pull.head_sha == run.head.sha
    ]


def workflow(hub: Hub, repository: Repository, one: Workflow) -> Json:
    """A workflow file."""
    page = html_url(hub, repository)
    return {
        "id": one.id,
        "node_id": f"W_{one.id}",
        "name": one.name,
        "path": one.path,
        "state": one.state,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "url": f"{api_url(hub, repository)}/actions/workflows/{one.id}",
        "html_url": f"{page}/blob/{repository.default_branch}/{one.path}",
        "badge_url": f"{page}/actions/workflows/{one.path.rpartition('/')[2]}/badge.svg",
    }


def workflow_run(hub: Hub, run: Run, attempt: Attempt | None = None) -> Json:
    """A run as of one attempt, the latest unless told otherwise."""
    attempt = attempt or run.latest
    repository = run.repository
    url = f"{api_url(hub, repository)}/actions/runs/{run.id}"
    at = url if attempt is run.latest else f"{url}/attempts/{attempt.number}"
    return {
        "id": run.id,
        "name": run.workflow.name,
        "node_id": f"WFR_{run.id}",
        "head_branch": run.head_branch,
        "head_sha": run.head.sha,
        "path": run.workflow.path,
        "display_title": run.display_title,
        "run_number": run.number,
        "event": run.event,
        "status": attempt.status,
        "conclusion": attempt.conclusion,
        "workflow_id": run.workflow.id,
        "check_suite_id": run.check_suite_id,
        "check_suite_node_id": f"CS_{run.check_suite_id}",
        "url": url,
        "html_url": f"{html_url(hub, repository)}/actions/runs/{run.id}",
        "pull_requests": [minimal_pull(hub, pull) for pull in pulls_of(run)],
        "created_at": stamp(run.created_at),
        "updated_at": stamp(attempt.updated_at),
        "actor": simple_user(hub, run.actor),
        "run_attempt": attempt.number,
        "referenced_workflows": [],
        "run_started_at": stamp(attempt.started_at),
        "triggering_actor": simple_user(hub, attempt.triggering_actor),
        "jobs_url": f"{at}/jobs",
        "logs_url": f"{at}/logs",
        "check_suite_url": f"{api_url(hub, repository)}/check-suites/{run.check_suite_id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{attempt.number - 1}" if attempt.number > 1 else None,
        "workflow_url": f"{api_url(hub, repository)}/actions/workflows/{run.workflow.id}",
        "head_commit": simple_commit(run.head),
        "repository": minimal_repository(hub, repository),
        "head_repository": minimal_repository(hub, repository),
    }


def _step(one: Step) -> Json:
    return {
        "name": one.name,
        "status": one.status,
        "conclusion": one.conclusion,
        "number": one.number,
        "started_at": optional_stamp(one.started_at),
        "completed_at": optional_stamp(one.completed_at),
    }


def workflow_job(hub: Hub, run: Run, attempt: Attempt, job: Job) -> Json:
    """A job of one attempt."""
    url = api_url(hub, run.repository)
    started = job.status != "queued" and job.conclusion != "skipped"
    return {
        "id": job.id,
        "run_id": run.id,
        "workflow_name": run.workflow.name,
        "head_branch": run.head_branch,
        "run_url": f"{url}/actions/runs/{run.id}",
        "run_attempt": attempt.number,
        "node_id": f"CR_{job.id}",
        "head_sha": run.head.sha,
        "url": f"{url}/actions/jobs/{job.id}",
        "html_url": f"{html_url(hub, run.repository)}/actions/runs/{run.id}/job/{job.id}",
        "status": job.status,
        "conclusion": job.conclusion,
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at or job.created_at),
        "completed_at": optional_stamp(job.completed_at),
        "name": job.name,
        "steps": [_step(one) for one in job.steps],
        "check_run_url": f"{url}/check-runs/{job.id}",
        "labels": list(job.labels),
        "runner_id": 1 if started else None,
        "runner_name": "localhub" if started else None,
        "runner_group_id": 0 if started else None,
        "runner_group_name": "GitHub Actions" if started else None,
    }


def check_run(hub: Hub, run: Run, job: Job, *, suite: Json | None = None) -> Json:
    """The check run of a job; `suite` replaces the bare reference to its check suite."""
    url = f"{api_url(hub, run.repository)}/check-runs/{job.id}"
    page = f"{html_url(hub, run.repository)}/actions/runs/{run.id}/job/{job.id}"
    return {
        "id": job.id,
        "name": job.name,
        "node_id": f"CR_{job.id}",
        "head_sha": run.head.sha,
        "external_id": f"{run.id}-{job.key}",
        "url": url,
        "html_url": page,
        "details_url": page,
        "status": job.status,
        "conclusion": job.conclusion,
        "started_at": stamp(job.started_at or job.created_at),
        "completed_at": optional_stamp(job.completed_at),
        "output": {
            "title": None,
            "summary": None,
            "text": None,
            "annotations_count": len(job.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": suite or {"id": run.check_suite_id},
        "app": integration(hub, hub.actions_app),
        "pull_requests": [minimal_pull(hub, pull) for pull in pulls_of(run)],
    }


def check_suite(hub: Hub, run: Run) -> Json:
    """The check suite of a run, as of its latest attempt."""
    repository = run.repository
    url = f"{api_url(hub, repository)}/check-suites/{run.check_suite_id}"
    payload = run.event_payload
    return {
        "id": run.check_suite_id,
        "node_id": f"CS_{run.check_suite_id}",
        "head_branch": run.head_branch,
        "head_sha": run.head.sha,
        "status": run.latest.status,
        "conclusion": run.latest.conclusion,
        "url": url,
        "before": payload.get("before"),
        "after": payload.get("after", run.head.sha),
        "pull_requests": [minimal_pull(hub, pull) for pull in pulls_of(run)],
        "app": integration(hub, hub.actions_app),
        "created_at": stamp(run.created_at),
        "updated_at": stamp(run.latest.updated_at),
        "rerequestable": True,
        "runs_rerequestable": False,
        "latest_check_runs_count": len(run.latest.jobs),
        "check_runs_url": f"{url}/check-runs",
        "head_commit": simple_commit(run.head),
    }


def simple_check_suite(hub: Hub, run: Run) -> Json:
    """The check suite as check run events carry it."""
    full = check_suite(hub, run)
    dropped = {
        "rerequestable",
        "runs_rerequestable",
        "latest_check_runs_count",
        "check_runs_url",
        "head_commit",
    }
    return {
        **{name: value for name, value in full.items() if name not in dropped},
        "repository": minimal_repository(hub, run.repository),
    }
