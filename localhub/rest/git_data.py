"""The Git Data API: blobs, trees, commits, refs."""

import base64
import binascii
import re
from datetime import datetime
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from localhub.git import EMPTY_TREE, ZERO_SHA, GitError, Signature, TreeEntry
from localhub.records import TokenKind, now
from localhub.rest.routing import ApiError, Call, Routes, not_found
from localhub.rest.rules import guard_ref, is_signed
from localhub.shapes.commits import git_commit, git_ref, git_tree
from localhub.shapes.repositories import api_url
from localhub.tokens import allows
from localhub.workflow_file import FOLDER

routes = Routes()

_SHA: Final = re.compile(r"[0-9a-f]{40}")
_MODES: Final = {"100644": "blob", "100755": "blob", "040000": "tree", "120000": "blob", "160000": "commit"}


async def _expect(call: Call, sha: str, *kinds: str) -> str:
    if not _SHA.fullmatch(sha) or await call.repository.git.object_type(sha) not in kinds:
        raise not_found()
    return sha


# ── blobs and trees ─────────────────────────────────────────────────────────────────────────────────────────


@routes.repository("POST", "/git/blobs", "contents")
async def create_blob(call: Call) -> Response:
    """Store a blob."""
    content: str = call.required("content")
    if call.given("encoding", str, "utf-8") == "base64":
        try:
            data = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ApiError(422, "content is not valid Base64") from error
    else:
        data = content.encode(errors="replace")
    sha = await call.repository.git.write_blob(data)
    url = f"{api_url(call.hub, call.repository)}/git/blobs/{sha}"
    return JSONResponse({"sha": sha, "url": url}, 201, {"Location": url})


@routes.repository("GET", "/git/blobs/{sha}", "contents")
async def get_blob(call: Call) -> Response:
    """A blob, in Base64 or raw."""
    sha = await _expect(call, call.path("sha"), "blob")
    data = await call.repository.git.blob(sha)
    if call.accepts("raw"):
        return Response(data, media_type="application/vnd.github.raw+json; charset=utf-8")
    return JSONResponse(
        {
            "sha": sha,
            "node_id": f"B_{sha}",
            "size": len(data),
            "url": f"{api_url(call.hub, call.repository)}/git/blobs/{sha}",
            "content": base64.encodebytes(data).decode(),
            "encoding": "base64",
        }
    )


@routes.repository("POST", "/git/trees", "contents")
async def create_tree(call: Call) -> Response:
    """Store a tree, made of a base tree and entries."""
    git = call.repository.git
    base = call.given("base_tree", str)
    if base is not None and (
        not _SHA.fullmatch(base) or await git.object_type(base) not in {"tree", "commit"}
    ):
        raise ApiError(422, "base_tree is not a valid tree oid")
    entries = [await _entry(call, entry) for entry in call.required("tree", list)]
    try:
        sha = await git.write_tree(base, entries)
    except GitError as error:
        raise ApiError(422, f"GitRPC::BadObjectState: {error}") from error
    shown = git_tree(call.hub, call.repository, sha, await git.tree(sha))
    return JSONResponse(shown, 201, {"Location": shown["url"]})


async def _entry(call: Call, entry: Any) -> TreeEntry:
    git = call.repository.git
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, str) or not path:
        raise ApiError(422, "Must supply tree.path")
    if (
        path.startswith("/")
        or "\0" in path
        or any(part in {"", ".", "..", ".git"} for part in path.split("/"))
    ):
        raise ApiError(422, "tree.path contains a malformed path component")
    if "sha" in entry and entry["sha"] is None:
        return TreeEntry(path, "0", "blob", None)
    mode = str(entry.get("mode", ""))
    if mode not in _MODES:
        raise ApiError(422, "Must supply a valid tree.mode")
    if isinstance(entry.get("content"), str) and "sha" not in entry:
        sha = await git.write_blob(entry["content"].encode(errors="replace"))
    else:
        sha = str(entry.get("sha", ""))
        if not _SHA.fullmatch(sha):
            raise ApiError(422, "Must supply either tree.sha or tree.content")
        if _MODES[mode] != "commit" and await git.object_type(sha) != _MODES[mode]:
            raise ApiError(422, f"tree.sha {sha} is not a valid {_MODES[mode]}")
    return TreeEntry(path, mode, _MODES[mode], sha)


@routes.repository("GET", "/git/trees/{sha:path}", "contents")
async def get_tree(call: Call) -> Response:
    """A tree, by its id, a commit's, or a branch."""
    git = call.repository.git
    asked = call.path("sha")
    if _SHA.fullmatch(asked) and await git.object_type(asked) == "tree":
        sha = asked
    else:
        commit = await git.resolve(asked)
        if commit is None:
            raise not_found()
        sha = (await git.commit(commit)).tree
    entries = await git.tree(sha, recursive=bool(call.query("recursive")))
    return JSONResponse(git_tree(call.hub, call.repository, sha, entries))


# ── commits ─────────────────────────────────────────────────────────────────────────────────────────────────


@routes.repository("POST", "/git/commits", "contents")
async def create_commit(call: Call) -> Response:
    """Store a commit."""
    git = call.repository.git
    message: str = call.required("message")
    tree: str = call.required("tree")
    if not _SHA.fullmatch(tree) or await git.object_type(tree) != "tree":
        raise ApiError(422, "Tree SHA does not exist")
    parents = [str(parent) for parent in call.given("parents", list, [])]
    for parent in parents:
        if not _SHA.fullmatch(parent) or await git.object_type(parent) != "commit":
            raise ApiError(422, "Parent SHA does not exist or is not a commit object")
    caller = Signature(call.caller.login, call.caller.email, now().replace(microsecond=0))
    author = _person(call.given("author", dict), caller)
    committer = _person(call.given("committer", dict), author)
    sha = await git.write_commit(tree, parents, message, author, committer)
    if is_signed(call, author_given=bool(call.given("author", dict) or call.given("committer", dict))):
        call.repository.signed.add(sha)
    shown = git_commit(call.hub, call.repository, await git.commit(sha))
    return JSONResponse(shown, 201, {"Location": shown["url"]})


def _person(given: dict[str, Any] | None, default: Signature) -> Signature:
    if given is None:
        return default
    name, email = given.get("name"), given.get("email")
    if not isinstance(name, str) or not isinstance(email, str):
        raise ApiError(422, 'Invalid request.\n\n"name" and "email" weren\'t supplied.')
    date = given.get("date")
    try:
        moment = datetime.fromisoformat(date) if isinstance(date, str) else default.date
    except ValueError as error:
        raise ApiError(422, f"Invalid request.\n\n{date!r} is not a valid date.") from error
    return Signature(name, email, moment)


@routes.repository("GET", "/git/commits/{sha}", "contents")
async def get_git_commit(call: Call) -> Response:
    """A commit object."""
    sha = await _expect(call, call.path("sha"), "commit")
    return JSONResponse(git_commit(call.hub, call.repository, await call.repository.git.commit(sha)))


# ── refs ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _shown(call: Call, ref: str, sha: str, status: int = 200) -> Response:
    kind = await call.repository.git.object_type(sha)
    return JSONResponse(git_ref(call.hub, call.repository, ref, sha, kind or "commit"), status)


@routes.repository("GET", "/git/ref/{ref:path}", "contents")
async def get_ref(call: Call) -> Response:
    """One ref, by the name after `refs/`."""
    ref = "refs/" + call.path("ref")
    sha = (await call.repository.git.refs()).get(ref)
    if sha is None:
        raise not_found()
    return await _shown(call, ref, sha)


@routes.repository("GET", "/git/matching-refs/{ref:path}", "contents")
async def list_matching_refs(call: Call) -> Response:
    """The refs whose name begins like that."""
    git = call.repository.git
    prefix = "refs/" + call.path("ref")
    rows = [
        git_ref(call.hub, call.repository, ref, sha, await git.object_type(sha) or "commit")
        for ref, sha in (await git.refs()).items()
        if ref.startswith(prefix)
    ]
    return call.page(rows)


async def _guard_workflow_files(call: Call, old: str | None, new: str) -> None:
    """Apps and runs need a permission of their own to change workflow files.

    GitHub documents the permission, not which call refuses; here it is the one that moves the ref.
    """
    token = call.token
    if (
        token is None
        or token.kind is TokenKind.PERSONAL
        or allows(token, call.repository, "workflows", "write")
    ):
        return
    git = call.repository.git
    base = old or await git.ref(f"refs/heads/{call.repository.default_branch}")
    meeting = await git.merge_base(base, new) if base else None
    if any(path.startswith(f"{FOLDER}/") for path in await git.changed_paths(meeting or EMPTY_TREE, new)):
        accepted = {"X-Accepted-GitHub-Permissions": "contents=write,workflows=write"}
        raise ApiError(403, "Resource not accessible by integration", headers=accepted)


@routes.repository("POST", "/git/refs", "contents")
async def create_ref(call: Call) -> Response:
    """Create a branch or tag."""
    ref, sha = call.required("ref"), call.required("sha")
    git = call.repository.git
    if not re.fullmatch(r"refs/(heads|tags)/.+", ref):
        raise ApiError(422, "Reference name must start with 'refs/heads/' or 'refs/tags/'")
    if not _SHA.fullmatch(sha) or await git.object_type(sha) not in {"commit", "tag"}:
        raise ApiError(422, "Object does not exist")
    async with call.repository.lock:
        before = await git.refs()
        if ref in before:
            raise ApiError(422, "Reference already exists")
        await guard_ref(call, ref, None, sha)
        await _guard_workflow_files(call, None, sha)
        await _move(call, before, ref, sha)
    return await _shown(call, ref, sha, 201)


async def _move(call: Call, before: dict[str, str], ref: str, sha: str) -> None:
    try:
        await call.repository.git.update_ref(ref, sha, before.get(ref, ZERO_SHA))
    except GitError as error:
        raise ApiError(422, "Reference update failed") from error
    kind = call.token.kind if call.token else None
    await call.services.triggers.refs_changed(call.repository, before, call.caller, kind=kind)


@routes.repository("PATCH", "/git/refs/{ref:path}", "contents")
async def update_ref(call: Call) -> Response:
    """Move a branch or tag."""
    ref, sha = "refs/" + call.path("ref"), call.required("sha")
    git = call.repository.git
    if not _SHA.fullmatch(sha) or await git.object_type(sha) not in {"commit", "tag"}:
        raise ApiError(422, "Object does not exist")
    async with call.repository.lock:
        before = await git.refs()
        if ref not in before:
            raise ApiError(422, "Reference does not exist")
        if not call.given("force", bool, default=False) and not await git.is_ancestor(before[ref], sha):
            raise ApiError(422, "Update is not a fast forward")
        await guard_ref(call, ref, before[ref], sha)
        await _guard_workflow_files(call, before[ref], sha)
        await _move(call, before, ref, sha)
    return await _shown(call, ref, sha)


@routes.repository("DELETE", "/git/refs/{ref:path}", "contents")
async def delete_ref(call: Call) -> Response:
    """Delete a branch or tag."""
    ref = "refs/" + call.path("ref")
    git = call.repository.git
    async with call.repository.lock:
        before = await git.refs()
        if ref not in before:
            raise ApiError(422, "Reference does not exist")
        await git.delete_ref(ref)
        kind = call.token.kind if call.token else None
        await call.services.triggers.refs_changed(call.repository, before, call.caller, kind=kind)
    return Response(status_code=204)
