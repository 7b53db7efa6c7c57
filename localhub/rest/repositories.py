"""Repositories, their branches, files, commits and collaborators."""

from starlette.responses import JSONResponse, Response

from localhub.git import EMPTY_TREE, Commit, GitError
from localhub.records import LEVELS, Comment, Json, now, stamp
from localhub.rest.routing import ApiError, Call, Routes, not_found
from localhub.shapes.commits import (
    branch,
    commit_comment,
    commit_summary,
    content_file,
    diff_entry,
    short_branch,
)
from localhub.shapes.people import simple_user
from localhub.shapes.pulls import pull_request_summary
from localhub.shapes.repositories import api_url, full_repository, html_url

routes = Routes()


async def commit_at(call: Call, revision: str) -> Commit:
    """The commit a branch, tag or object id names.

    Raises:
        ApiError: There is none.
    """
    sha = await call.repository.git.resolve(revision)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {revision}")
    return await call.repository.git.commit(sha)


@routes.repository("GET", "", "metadata")
async def get_repository(call: Call) -> Response:
    """The repository itself."""
    caller = call.token.account if call.token else None
    return JSONResponse(full_repository(call.hub, call.repository, caller))


@routes.repository("PATCH", "", "administration")
async def update_repository(call: Call) -> Response:
    """Change how its pull requests may be merged."""
    repository = call.repository
    repository.allow_auto_merge = call.given("allow_auto_merge", bool, repository.allow_auto_merge)
    fields = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
    repository.merge_methods = frozenset(
        method
        for method, name in fields.items()
        if call.given(name, bool, method in repository.merge_methods)
    )
    return JSONResponse(full_repository(call.hub, repository, call.caller))


# ── branches and comparisons ────────────────────────────────────────────────────────────────────────────────


@routes.repository("GET", "/branches", "contents")
async def list_branches(call: Call) -> Response:
    """All branches."""
    refs = await call.repository.git.refs()
    heads = {
        name.removeprefix("refs/heads/"): sha for name, sha in refs.items() if name.startswith("refs/heads/")
    }
    return call.page([short_branch(call.hub, call.repository, name, sha) for name, sha in heads.items()])


@routes.repository("GET", "/branches/{branch:path}", "contents")
async def get_branch(call: Call) -> Response:
    """One branch."""
    name = call.path("branch")
    sha = await call.repository.git.ref(f"refs/heads/{name}")
    if sha is None:
        raise ApiError(404, "Branch not found")
    return JSONResponse(branch(call.hub, call.repository, name, await call.repository.git.commit(sha)))


@routes.repository("GET", "/compare/{basehead:path}", "contents")
async def compare(call: Call) -> Response:
    """What `head` has that `base` lacks."""
    git = call.repository.git
    base_name, dots, head_name = call.path("basehead").partition("...")
    owner = call.repository.owner.login + ":"
    base = await git.resolve(base_name.removeprefix(owner)) if dots else None
    head = await git.resolve(head_name.removeprefix(owner)) if dots else None
    meeting = await git.merge_base(base, head) if base and head else None
    if base is None or head is None or meeting is None:
        raise not_found()
    behind, ahead = await git.counts(base, head)
    status = ("diverged" if behind else "ahead") if ahead else "behind" if behind else "identical"
    commits = await git.commits(base, head)
    changes = await git.changes(meeting, head)
    page = f"{html_url(call.hub, call.repository)}/compare/{base_name}...{head_name}"
    return JSONResponse(
        {
            "url": f"{api_url(call.hub, call.repository)}/compare/{base_name}...{head_name}",
            "html_url": page,
            "permalink_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": commit_summary(call.hub, call.repository, await git.commit(base)),
            "merge_base_commit": commit_summary(call.hub, call.repository, await git.commit(meeting)),
            "status": status,
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [commit_summary(call.hub, call.repository, commit) for commit in commits],
            "files": [diff_entry(call.hub, call.repository, change, head) for change in changes],
        }
    )


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────


@routes.repository("GET", "/contents", "contents")
async def get_root(call: Call) -> Response:
    """The files in the root folder."""
    return await _contents(call, "")


@routes.repository("GET", "/contents/{path:path}", "contents")
async def get_contents(call: Call) -> Response:
    """A file, or the files in a folder."""
    return await _contents(call, call.path("path").strip("/"))


async def _contents(call: Call, path: str) -> Response:
    git = call.repository.git
    ref = call.query("ref") or call.repository.default_branch
    sha = await git.resolve(ref)
    if sha is None:
        raise ApiError(404, f"No commit found for the ref {ref}")
    try:
        entries = await git.tree(f"{sha}:{path}")
    except GitError:
        entries = None
    if entries is not None:
        rows: list[Json] = []
        for entry in entries:
            full = f"{path}/{entry.path}".lstrip("/")
            row = content_file(call.hub, call.repository, full, ref, sha=entry.sha or "")
            kind = {"tree": "dir", "commit": "submodule"}.get(entry.type, "file")
            rows.append({**row, "type": kind, "size": entry.size or 0})
        return JSONResponse(rows)
    data = await git.file(sha, path)
    if data is None:
        raise not_found()
    if call.accepts("raw"):
        return Response(data, media_type="application/vnd.github.raw+json; charset=utf-8")
    blob = await git.ref(f"{sha}:{path}")
    return JSONResponse(content_file(call.hub, call.repository, path, ref, sha=blob or "", data=data))


# ── commits ─────────────────────────────────────────────────────────────────────────────────────────────────


@routes.repository("GET", "/commits", "contents")
async def list_commits(call: Call) -> Response:
    """The history of a branch, or of one file on it, newest first."""
    tip = await commit_at(call, call.query("sha") or call.repository.default_branch)
    since = call.query("since") or ""
    commits = await call.repository.git.commits(None, tip.sha, path=call.query("path"))
    rows = [commit for commit in reversed(commits) if stamp(commit.committer.date) >= since]
    return call.page([commit_summary(call.hub, call.repository, commit) for commit in rows])


@routes.repository("GET", "/commits/{sha}/comments", "contents")
async def list_commit_comments(call: Call) -> Response:
    """What was said about a commit."""
    commit = await commit_at(call, call.path("sha"))
    found = [one for one in call.repository.comments.values() if one.commit_sha == commit.sha]
    return call.page([commit_comment(call.hub, call.repository, one) for one in found])


@routes.repository("POST", "/commits/{sha}/comments", "contents")
async def create_commit_comment(call: Call) -> Response:
    """Say something about a commit."""
    commit = await commit_at(call, call.path("sha"))
    body = call.required("body")
    comment = Comment(call.hub.new_id(), call.caller, body, commit_sha=commit.sha, app=call.calling_app)
    call.repository.comments[comment.id] = comment
    call.services.events.commit_comment(call.repository, comment, call.caller)
    return JSONResponse(commit_comment(call.hub, call.repository, comment), 201)


@routes.repository("PATCH", "/comments/{comment_id}", "contents")
async def update_commit_comment(call: Call) -> Response:
    """Edit a comment on a commit."""
    comment = call.repository.comments.get(call.number("comment_id"))
    if comment is None or comment.commit_sha is None:
        raise not_found()
    comment.body, comment.updated_at = call.required("body"), now()
    return JSONResponse(commit_comment(call.hub, call.repository, comment))


@routes.repository("GET", "/commits/{sha}/pulls", "pull_requests")
async def list_pulls_of_commit(call: Call) -> Response:
    """The pull requests that carry a commit."""
    commit = await commit_at(call, call.path("sha"))
    found = [
        pull
        for pull in call.repository.pulls.values()
        if commit.sha in {one.sha for one in pull.commits} or commit.sha == pull.merge_commit_sha
    ]
    return call.page([pull_request_summary(call.hub, pull) for pull in found])


@routes.repository("GET", "/commits/{ref:path}", "contents")
async def get_commit(call: Call) -> Response:
    """A commit with its files."""
    commit = await commit_at(call, call.path("ref"))
    git = call.repository.git
    if call.accepts("sha"):
        return Response(commit.sha, media_type="application/vnd.github.sha")
    base = commit.parents[0] if commit.parents else EMPTY_TREE
    if call.accepts("diff"):
        return Response(await git.diff(base, commit.sha), media_type="application/vnd.github.diff")
    changes = await git.changes(base, commit.sha)
    added = sum(change.additions for change in changes)
    removed = sum(change.deletions for change in changes)
    return JSONResponse(
        {
            **commit_summary(call.hub, call.repository, commit),
            "stats": {"total": added + removed, "additions": added, "deletions": removed},
            "files": [diff_entry(call.hub, call.repository, change, commit.sha) for change in changes],
        }
    )


# ── people ──────────────────────────────────────────────────────────────────────────────────────────────────


@routes.repository("GET", "/collaborators/{login}/permission", "metadata")
async def get_permission(call: Call) -> Response:
    """What an account may do here."""
    account = call.hub.accounts.get(call.path("login").lower())
    if account is None:
        raise ApiError(404, f"{call.path('login')} is not a user")
    role = call.repository.role(account.login)
    level = LEVELS[role]
    return JSONResponse(
        {
            "permission": {"maintain": "write", "triage": "read"}.get(role, role),
            "role_name": role,
            "user": {
                **simple_user(call.hub, account),
                "role_name": role,
                "permissions": {
                    "admin": level >= LEVELS["admin"],
                    "maintain": role in {"admin", "maintain"},
                    "push": level >= LEVELS["write"],
                    "triage": level >= LEVELS["write"] or role == "triage",
                    "pull": level >= LEVELS["read"],
                },
            },
        }
    )
