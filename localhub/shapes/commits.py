"""Commits, refs, trees and files as GitHub shows them."""

import base64

from localhub.git import Commit, FileChange, Signature, TreeEntry
from localhub.records import Comment, Json, Repository, stamp
from localhub.shapes.people import simple_user
from localhub.shapes.repositories import api_url, html_url
from localhub.state import Hub


def _signature(signature: Signature) -> Json:
    return {"name": signature.name, "email": signature.email, "date": stamp(signature.date)}


def _verification(repository: Repository, sha: str) -> Json:
    signed = sha in repository.signed
    return {
        "verified": signed,
        "reason": "valid" if signed else "unsigned",
        "signature": "-----BEGIN PGP SIGNATURE-----" if signed else None,
        "payload": f"commit {sha}" if signed else None,
        "verified_at": None,
    }


def git_commit(hub: Hub, repository: Repository, commit: Commit) -> Json:
    """A commit as the Git Data API shows it."""
    url = api_url(hub, repository)
    page = html_url(hub, repository)
    return {
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "url": f"{url}/git/commits/{commit.sha}",
        "html_url": f"{page}/commit/{commit.sha}",
        "author": _signature(commit.author),
        "committer": _signature(commit.committer),
        "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
        "message": commit.message,
        "parents": [
            {"sha": sha, "url": f"{url}/git/commits/{sha}", "html_url": f"{page}/commit/{sha}"}
            for sha in commit.parents
        ],
        "verification": _verification(repository, commit.sha),
    }


def commit_summary(hub: Hub, repository: Repository, commit: Commit) -> Json:
    """A commit as lists and comparisons show it."""
    url = api_url(hub, repository)
    page = html_url(hub, repository)
    author = hub.account_of(commit.author.email)
    committer = hub.account_of(commit.committer.email)
    comments = sum(comment.commit_sha == commit.sha for comment in repository.comments.values())
    return {
        "url": f"{url}/commits/{commit.sha}",
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "html_url": f"{page}/commit/{commit.sha}",
        "comments_url": f"{url}/commits/{commit.sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{commit.sha}",
            "author": _signature(commit.author),
            "committer": _signature(commit.committer),
            "message": commit.message,
            "comment_count": comments,
            "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
            "verification": _verification(repository, commit.sha),
        },
        "author": simple_user(hub, author) if author else None,
        "committer": simple_user(hub, committer) if committer else None,
        "parents": [
            {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/commit/{sha}"}
            for sha in commit.parents
        ],
    }


def simple_commit(commit: Commit) -> Json:
    """A commit as runs and check suites carry it."""
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": stamp(commit.committer.date),
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
    }


def pushed_commit(hub: Hub, repository: Repository, commit: Commit) -> Json:
    """A commit as push events carry it."""
    people: Json = {}
    for role, signature in (("author", commit.author), ("committer", commit.committer)):
        account = hub.account_of(signature.email)
        people[role] = {"name": signature.name, "email": signature.email}
        if account:
            people[role]["username"] = account.login
    return {
        **simple_commit(commit),
        **people,
        "distinct": True,
        "url": f"{html_url(hub, repository)}/commit/{commit.sha}",
        "added": [],
        "removed": [],
        "modified": [],
    }


def diff_entry(hub: Hub, repository: Repository, change: FileChange, ref: str) -> Json:
    """A changed file."""
    page = html_url(hub, repository)
    entry = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{page}/blob/{ref}/{change.path}",
        "raw_url": f"{page}/raw/{ref}/{change.path}",
        "contents_url": f"{api_url(hub, repository)}/contents/{change.path}?ref={ref}",
    }
    return {**entry, "patch": change.patch} if change.patch else entry


def git_ref(hub: Hub, repository: Repository, ref: str, sha: str, kind: str) -> Json:
    """A ref with its full name."""
    url = api_url(hub, repository)
    return {
        "ref": ref,
        "node_id": f"REF_{repository.id}_{ref}",
        "url": f"{url}/git/{ref}",
        "object": {"sha": sha, "type": kind, "url": f"{url}/git/{kind}s/{sha}"},
    }


def git_tree(hub: Hub, repository: Repository, sha: str, entries: list[TreeEntry]) -> Json:
    """A tree with its entries."""
    url = api_url(hub, repository)
    rows = []
    for entry in entries:
        row = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        if entry.type != "commit":
            row["url"] = f"{url}/git/{entry.type}s/{entry.sha}"
        rows.append({**row, "size": entry.size} if entry.size is not None else row)
    return {"sha": sha, "url": f"{url}/git/trees/{sha}", "tree": rows, "truncated": False}


def content_file(
    hub: Hub, repository: Repository, path: str, ref: str, *, sha: str, data: bytes | None = None
) -> Json:
    """A file with its content; without `data`, as a folder's listing shows it."""
    url = f"{api_url(hub, repository)}/contents/{path}?ref={ref}"
    page = f"{html_url(hub, repository)}/blob/{ref}/{path}"
    git_url = f"{api_url(hub, repository)}/git/blobs/{sha}"
    shown: Json = {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": len(data or b""),
        "url": url,
        "html_url": page,
        "git_url": git_url,
        "download_url": f"{html_url(hub, repository)}/raw/{ref}/{path}",
        "type": "file",
        "_links": {"self": url, "git": git_url, "html": page},
    }
    if data is not None:
        shown["content"] = base64.encodebytes(data).decode()
        shown["encoding"] = "base64"
    return shown


def short_branch(hub: Hub, repository: Repository, name: str, sha: str) -> Json:
    """A branch as the list shows it."""
    url = f"{api_url(hub, repository)}/commits/{sha}"
    return {"name": name, "commit": {"sha": sha, "url": url}, "protected": False}


def branch(hub: Hub, repository: Repository, name: str, commit: Commit) -> Json:
    """A branch as its own endpoint shows it."""
    url = f"{api_url(hub, repository)}/branches/{name}"
    return {
        "name": name,
        "commit": commit_summary(hub, repository, commit),
        "_links": {"self": url, "html": f"{html_url(hub, repository)}/tree/{name}"},
        "protected": False,
        "protection": {
            "enabled": False,
            "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
        },
        "protection_url": f"{url}/protection",
    }


def commit_comment(hub: Hub, repository: Repository, comment: Comment) -> Json:
    """A comment on a commit."""
    page = f"{html_url(hub, repository)}/commit/{comment.commit_sha}#commitcomment-{comment.id}"
    return {
        "html_url": page,
        "url": f"{api_url(hub, repository)}/comments/{comment.id}",
        "id": comment.id,
        "node_id": f"CC_{comment.id}",
        "body": comment.body,
        "path": None,
        "position": None,
        "line": None,
        "commit_id": comment.commit_sha,
        "user": simple_user(hub, comment.user),
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": association(repository, comment.user.login),
        "reactions": reactions(f"{api_url(hub, repository)}/comments/{comment.id}"),
    }


def association(repository: Repository, login: str) -> str:
    """How an author relates to the repository."""
    if login == repository.owner.login:
        return "OWNER"
    return "COLLABORATOR" if login in repository.collaborators else "NONE"


def reactions(url: str) -> Json:
    """A reaction roll-up without reactions."""
    names = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(names, 0)}
