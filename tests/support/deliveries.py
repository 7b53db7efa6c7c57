"""GitHub webhook bodies as GitHub sends them, cut down to the fields around those that matter."""

import hashlib
import hmac
import json
from typing import Any

SECRET = "the webhook secret of the tests"
HEAD = "c0ffee" + "0" * 34

Body = dict[str, Any]


def account(login: str = "ada", kind: str = "User") -> Body:
    return {"login": login, "id": 7, "type": kind, "site_admin": False}


def repository(full_name: str = "acme/widgets") -> Body:
    owner, name = full_name.split("/")
    return {
        "id": 1,
        "name": name,
        "full_name": full_name,
        "private": False,
        "owner": account(owner, "Organization"),
    }


def workflow_run(
    *,
    full_name: str = "acme/widgets",
    head_repository: str | None = "acme/widgets",
    action: str = "completed",
    **changes: Any,
) -> Body:
    run: Body = {
        "id": 12,
        "name": "CI",
        "node_id": "WFR_1",
        "head_branch": "main",
        "head_sha": HEAD,
        "path": ".github/workflows/ci.yml",
        "display_title": "Tidy the widgets",
        "run_number": 3,
        "event": "push",
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 5,
        "url": f"https://api.github.com/repos/{full_name}/actions/runs/12",
        "pull_requests": [],
        "actor": account(),
        "run_attempt": 1,
        "referenced_workflows": [],
        "triggering_actor": account(),
        "head_commit": {"id": HEAD, "message": "Tidy", "author": {"name": "Ada", "email": "ada@example.org"}},
        "repository": repository(full_name),
        "head_repository": repository(head_repository) if head_repository else None,
    }
    return {
        "action": action,
        "workflow_run": run | changes,
        "workflow": {"id": 5, "name": "CI", "path": ".github/workflows/ci.yml", "state": "active"},
        "repository": repository(full_name),
        "sender": account(),
    }


def check_suite(*, action: str = "completed", **changes: Any) -> Body:
    suite: Body = {
        "id": 31,
        "head_branch": "regreen/12",
        "head_sha": HEAD,
        "status": "completed",
        "conclusion": "success",
        "pull_requests": [],
        "app": {"id": 99, "slug": "some-ci", "name": "Some CI"},
        "latest_check_runs_count": 2,
    }
    return {
        "action": action,
        "check_suite": suite | changes,
        "repository": repository(),
        "sender": account(),
    }


def pull_request(
    *,
    action: str = "closed",
    ref: str = "regreen/12",
    head_repository: str | None = "acme/widgets",
    **changes: Any,
) -> Body:
    pull: Body = {
        "number": 40,
        "state": "closed",
        "title": "Fix CI",
        "user": account("regreen[bot]", "Bot"),
        "merged": True,
        "head": {
            "ref": ref,
            "sha": HEAD,
            "repo": repository(head_repository) if head_repository else None,
        },
        "base": {"ref": "main", "sha": HEAD, "repo": repository()},
    }
    return {
        "action": action,
        "number": 40,
        "pull_request": pull | changes,
        "repository": repository(),
        "sender": account("grace"),
    }


def issue_comment(
    text: str | None,
    *,
    full_name: str = "acme/widgets",
    number: int = 40,
    action: str = "created",
    on_pull_request: bool = True,
    user: Body | None = None,
) -> Body:
    issue: Body = {"number": number, "title": "Fix CI", "state": "open", "user": account(), "comments": 1}
    if on_pull_request:
        issue["pull_request"] = {"url": f"https://api.github.com/repos/{full_name}/pulls/{number}"}
    return {
        "action": action,
        "issue": issue,
        "comment": {
            "id": 501,
            "body": text,
            "user": user or account("grace"),
            "author_association": "MEMBER",
        },
        "repository": repository(full_name),
        "sender": user or account("grace"),
    }


def told_by_app(body: Body) -> Body:
    """As an App's webhook tells of it."""
    return body | {"installation": {"id": 43, "node_id": "MDIzOklu"}}


def told_by_organisation(body: Body) -> Body:
    """As an organisation's webhook tells of it, where the organisation belongs to an enterprise."""
    return body | {
        "organization": {
            "login": "acme",
            "id": 9,
            "url": "https://api.github.com/orgs/acme",
            "description": None,
        },
        "enterprise": {"id": 3, "slug": "acme-group", "name": "Acme Group", "website_url": None},
    }


def encode(body: Any) -> bytes:
    return json.dumps(body).encode()


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(event: str, body: bytes, **changes: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": sign(body),
    } | {name.replace("_", "-"): value for name, value in changes.items()}
