"""Small web pages behind the `html_url`s, for people who follow a link."""

import html

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from localhub.git import EMPTY_TREE
from localhub.records import Repository, Run
from localhub.services import Services


def page_routes(services: Services) -> list[Route]:
    """The pages of public repositories."""

    def repository_of(request: Request) -> Repository | None:
        found = services.hub.repository(f"{request.path_params['owner']}/{request.path_params['repo']}")
        return None if found is None or found.private else found

    async def repository_page(request: Request) -> Response:
        repository = repository_of(request)
        if repository is None:
            return _missing()
        pulls = [
            f'<li><a href="/{repository.full_name}/pull/{pull.number}">#{pull.number}</a> '
            f"{html.escape(pull.title)} ({pull.state})</li>"
            for pull in reversed(repository.pulls.values())
        ]
        runs = [_run_line(run) for run in reversed(repository.runs.values())]
        return _page(repository.full_name, f"<h2>Pull requests</h2><ul>{''.join(pulls)}</ul>{_runs(runs)}")

    async def pull_page(request: Request) -> Response:
        repository = repository_of(request)
        pull = repository.pulls.get(request.path_params["number"]) if repository else None
        if repository is None or pull is None:
            return _missing()
        base = await repository.git.merge_base(pull.base_sha, pull.head_sha)
        diff = await repository.git.diff(base or EMPTY_TREE, pull.head_sha)
        runs = [_run_line(run) for run in repository.runs.values() if run.head.sha == pull.head_sha]
        comments = [
            f"<h3>{html.escape(one.user.login)}</h3><pre>{html.escape(one.body)}</pre>"
            for one in repository.comments.values()
            if one.issue_number == pull.number
        ]
        labels = ", ".join(html.escape(one.name) for one in pull.labels)
        return _page(
            f"{pull.title} #{pull.number}",
            f"<p>{'draft, ' if pull.draft else ''}{pull.state}; {html.escape(pull.head_ref)} into "
            f"{html.escape(pull.base_ref)}; {labels}</p><pre>{html.escape(pull.body or '')}</pre>"
            f"{_runs(runs)}<h2>Diff</h2><pre>{html.escape(diff)}</pre>{''.join(comments)}",
        )

    async def run_page(request: Request) -> Response:
        repository = repository_of(request)
        run = repository.runs.get(request.path_params["run_id"]) if repository else None
        if run is None:
            return _missing()
        jobs = []
        for job in run.latest.jobs:
            log = job.log.read_text(errors="replace") if job.log.exists() and not job.log_expired else ""
            title = f"{html.escape(job.name)}: {job.conclusion or job.status}"
            jobs.append(f"<h2>{title}</h2><pre>{html.escape(log)}</pre>")
        return _page(f"{run.workflow.name} #{run.number}", "".join(jobs))

    return [
        Route("/{owner}/{repo}", repository_page, methods=["GET"]),
        Route("/{owner}/{repo}/pull/{number:int}", pull_page, methods=["GET"]),
        Route("/{owner}/{repo}/actions/runs/{run_id:int}", run_page, methods=["GET"]),
        Route("/{owner}/{repo}/actions/runs/{run_id:int}/job/{job_id:int}", run_page, methods=["GET"]),
    ]


def _run_line(run: Run) -> str:
    result = run.latest.conclusion or run.latest.status
    name = f"{html.escape(run.workflow.name)} #{run.number}"
    where = f"/{run.repository.full_name}/actions/runs/{run.id}"
    return f'<li><a href="{where}">{name}</a> ({run.event}): {result}</li>'


def _runs(lines: list[str]) -> str:
    return f"<h2>Checks</h2><ul>{''.join(lines)}</ul>"


def _page(title: str, body: str, status: int = 200) -> Response:
    title = html.escape(title)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    policy = {"Content-Security-Policy": "default-src 'none'"}
    return HTMLResponse(f"{head}<h1>{title}</h1>{body}</html>", status, policy)


def _missing() -> Response:
    return _page("Not found", "", 404)
