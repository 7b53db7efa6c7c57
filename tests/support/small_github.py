"""A GitHub in memory: git objects, refs, pull requests and comments of one repository."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from pydantic import SecretStr

from activities.adapters.credentials import PersonalToken
from activities.adapters.github import GitHub
from activities.adapters.turns import Turns

REPOSITORY = "acme/widgets"
LOGIN = "fixer"
_ROOT = "https://api.github.com/repos/acme/widgets"
_HTML = "https://github.com/acme/widgets"

Files = dict[str, tuple[str, bytes]]
Handler = Callable[..., httpx2.Response]


def _sha(*parts: object) -> str:
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()


def _refusal(status: int, message: str, **more: Any) -> httpx2.Response:
    return httpx2.Response(status, json={"message": message, **more})


class SmallGitHub:
    """Answers as GitHub does, keeps what it is given, and can lose an answer after doing what was asked."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.trees: dict[str, Files] = {}
        self.commits: dict[str, dict[str, Any]] = {}
        self.refs: dict[str, str] = {}
        self.pulls: list[dict[str, Any]] = []
        self.labels: dict[int, set[str]] = {}
        self.comments: list[dict[str, Any]] = []
        self.permissions: dict[str, dict[str, str]] = {}
        self.asked: list[httpx2.Request] = []
        self.settings: bytes | None = None
        """What `.github/regreen.yml` on the default branch holds."""
        self.settings_commit = "5e" * 20
        self.reviewers: dict[int, list[str]] = {}
        self.drafts = True
        self.truncated = False
        self.lose_answer_of: tuple[str, str] | None = None
        """Method and end of the path of the request whose answer is lost, once."""
        self.rules: list[str] = []
        """Kinds of the rules that a ruleset sets for every branch; those for writes refuse it."""
        self.refusal: tuple[int, str] | None = None
        """What every attempt to create a branch is answered."""
        self.workflow_state = "active"
        self.runs: list[dict[str, Any]] = []
        self.before: Callable[[httpx2.Request], None] | None = None
        """Called before each write: what somebody else does in that moment."""

    # ── arranging ───────────────────────────────────────────────────────────────────────────────────────────

    def github(self, turns: Turns | None = None) -> GitHub:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))
        token = PersonalToken(SecretStr("ghp_test"))
        return GitHub(client, token, turns=turns or Turns(timedelta(0)))

    def commit(self, files: Files, *, parent: str | None = None, message: str = "A commit") -> str:
        tree = self._store_tree(files)
        return self._store_commit({"message": message, "tree": tree, "parents": [parent] if parent else []})

    def files_at(self, sha: str) -> Files:
        return self.trees[self.commits[sha]["tree"]]

    def writes(self) -> list[str]:
        return [f"{each.method} {each.url.path}" for each in self.asked if each.method != "GET"]

    def comment(self, body: str, *, login: str, on: str) -> None:
        number = len(self.comments) + 1
        self.comments.append(
            {
                "id": number,
                "body": body,
                "html_url": f"{_HTML}/comment/{number}",
                "user": {"login": login},
                "on": on,
            }
        )

    # ── answering ───────────────────────────────────────────────────────────────────────────────────────────

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if request.url.path == "/user":
            return httpx2.Response(200, json={"login": LOGIN})
        if self.before and request.method != "GET":
            act, self.before = self.before, None
            act(request)
        path = str(request.url.copy_with(query=None)).removeprefix(_ROOT)
        for method, pattern, handler in self._routes():
            match = re.fullmatch(pattern, path)
            if method == request.method and match:
                body = json.loads(request.content) if request.content else {}
                response = handler(request, body, *match.groups())
                if self.lose_answer_of == (
                    method,
                    path[-len(self.lose_answer_of[1]) :] if self.lose_answer_of else "",
                ):
                    self.lose_answer_of = None
                    raise httpx2.ReadError("the answer is lost")
                return response
        return _refusal(404, "Not Found")

    def _get_runs(self, request: httpx2.Request, _body: Any) -> httpx2.Response:
        wanted = request.url.params["head_sha"]
        found = [run for run in self.runs if run["head_sha"] == wanted]
        return httpx2.Response(200, json={"total_count": len(found), "workflow_runs": found})

    def _routes(self) -> tuple[tuple[str, str, Handler], ...]:
        return (
            ("GET", r"/git/ref/heads/(.+)", self._get_ref),
            ("GET", r"/rules/branches/.+", self._get_rules),
            ("GET", r"/actions/runs", self._get_runs),
            ("GET", r"/contents/.github/regreen.yml", self._get_settings),
            ("GET", r"/contents/(.+)", self._get_contents),
            ("GET", r"/actions/workflows/\d+", self._get_workflow),
            ("POST", r"/git/refs", self._create_ref),
            ("PATCH", r"/git/refs/heads/(.+)", self._update_ref),
            ("GET", r"/git/commits/(\w+)", self._get_commit),
            ("POST", r"/git/commits", self._create_commit),
            ("GET", r"/commits/(\w+)", self._get_commit),
            ("GET", r"/commits", self._list_commits),
            ("GET", r"/pulls/(\d+)/commits", self._list_pull_commits),
            ("POST", r"/pulls/(\d+)/requested_reviewers", self._request_review),
            ("GET", r"/git/trees/(\w+)", self._get_tree),
            ("POST", r"/git/trees", self._create_tree),
            ("GET", r"/git/blobs/(\w+)", self._get_blob),
            ("POST", r"/git/blobs", self._create_blob),
            ("GET", r"/pulls", self._list_pulls),
            ("POST", r"/pulls", self._create_pull),
            ("GET", r"/pulls/(\d+)", self._get_pull),
            ("PATCH", r"/pulls/(\d+)", self._update_pull),
            ("POST", r"/issues/(\d+)/labels", self._add_labels),
            ("GET", r"/(issues/\d+|commits/\w+)/comments", self._list_comments),
            ("POST", r"/(issues/\d+|commits/\w+)/comments", self._create_comment),
            ("PATCH", r"/(?:issues/)?comments/(\d+)", self._update_comment),
            ("GET", r"/collaborators/([\w-]+)/permission", self._permission),
        )

    def _get_ref(self, _request: httpx2.Request, _body: Any, branch: str) -> httpx2.Response:
        if branch not in self.refs:
            return _refusal(404, "Not Found")
        return httpx2.Response(200, json=self._ref(branch))

    def _ref(self, branch: str) -> dict[str, Any]:
        return {"ref": f"refs/heads/{branch}", "object": {"sha": self.refs[branch], "type": "commit"}}

    def _get_rules(self, _request: httpx2.Request, _body: Any) -> httpx2.Response:
        return httpx2.Response(200, json=[{"type": kind, "ruleset_id": 1} for kind in self.rules])

    def _get_contents(self, request: httpx2.Request, _body: Any, path: str) -> httpx2.Response:
        found = self.files_at(request.url.params["ref"]).get(path)
        return httpx2.Response(200, content=found[1]) if found else _refusal(404, "Not Found")

    def _get_workflow(self, _request: httpx2.Request, _body: Any) -> httpx2.Response:
        return httpx2.Response(200, json={"id": 3, "state": self.workflow_state})

    def _create_ref(self, _request: httpx2.Request, body: Any) -> httpx2.Response:
        branch = body["ref"].removeprefix("refs/heads/")
        if self.refusal:
            return _refusal(*self.refusal)
        if "creation" in self.rules:
            said = (
                "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n"
            )
            return _refusal(422, said)
        if any(branch.startswith(f"{other}/") for other in self.refs):
            return _refusal(422, "Reference update failed")
        if branch in self.refs:
            return _refusal(422, "Reference already exists")
        if body["sha"] not in self.commits:
            return _refusal(422, "Object does not exist")
        self.refs[branch] = body["sha"]
        return httpx2.Response(201, json=self._ref(branch))

    def _update_ref(self, _request: httpx2.Request, body: Any, branch: str) -> httpx2.Response:
        if branch not in self.refs:
            return _refusal(422, "Reference does not exist")
        if body.get("force") is not False or not self._contains(body["sha"], self.refs[branch]):
            return _refusal(422, "Update is not a fast forward")
        self.refs[branch] = body["sha"]
        return httpx2.Response(200, json=self._ref(branch))

    def _contains(self, sha: str, ancestor: str) -> bool:
        return sha == ancestor or any(
            self._contains(parent, ancestor) for parent in self.commits[sha]["parents"]
        )

    def _get_commit(self, _request: httpx2.Request, _body: Any, sha: str) -> httpx2.Response:
        if sha not in self.commits:
            return _refusal(404, "Not Found")
        return httpx2.Response(200, json=self._commit(sha))

    def _commit(self, sha: str) -> dict[str, Any]:
        commit = self.commits[sha]
        files = self.trees[commit["tree"]]
        before = self.files_at(commit["parents"][0]) if commit["parents"] else {}
        return {
            "sha": sha,
            "message": commit["message"],
            "tree": {"sha": commit["tree"]},
            "parents": [{"sha": parent} for parent in commit["parents"]],
            "files": [{"filename": path} for path in files if files[path] != before.get(path)],
        }

    def _create_commit(self, _request: httpx2.Request, body: Any) -> httpx2.Response:
        return httpx2.Response(201, json=self._commit(self._store_commit(body)))

    def _store_commit(self, body: dict[str, Any]) -> str:
        sha = _sha("commit", body, len(self.commits))
        self.commits[sha] = body
        return sha

    def _store_tree(self, files: Files) -> str:
        sha = _sha("tree", sorted(files.items()))
        self.trees[sha] = files
        return sha

    def _get_tree(self, request: httpx2.Request, _body: Any, sha: str) -> httpx2.Response:
        recursive = "recursive" in request.url.params
        cut = recursive and self.truncated
        return httpx2.Response(
            200,
            json={
                "sha": sha,
                "tree": [] if cut else self._entries(sha, recursive=recursive),
                "truncated": cut,
            },
        )

    def _entries(self, sha: str, *, recursive: bool) -> list[dict[str, Any]]:
        files = self.trees[sha]
        entries = []
        for path, (mode, content) in files.items():
            if recursive or "/" not in path:
                blob = self._store_blob(content)
                kind = "commit" if mode == "160000" else "blob"
                entries.append({"path": path, "mode": mode, "type": kind, "sha": blob, "size": len(content)})
        for folder in sorted({path.rpartition("/")[0] for path in files if "/" in path}):
            names = [folder[:at] for at in range(len(folder) + 1) if folder[at : at + 1] in {"/", ""}]
            for name in names:
                if (recursive or "/" not in name) and name not in {entry["path"] for entry in entries}:
                    below = {
                        path.removeprefix(f"{name}/"): file
                        for path, file in files.items()
                        if path.startswith(f"{name}/")
                    }
                    tree = self._store_tree(below)
                    entries.append({"path": name, "mode": "040000", "type": "tree", "sha": tree})
        return entries

    def _create_tree(self, _request: httpx2.Request, body: Any) -> httpx2.Response:
        files = dict(self.trees[body["base_tree"]])
        for entry in body["tree"]:
            content = self.blobs[entry["sha"]] if "sha" in entry else entry["content"].encode()
            files[entry["path"]] = (entry["mode"], content)
        return httpx2.Response(201, json={"sha": self._store_tree(files)})

    def _get_blob(self, _request: httpx2.Request, _body: Any, sha: str) -> httpx2.Response:
        if sha not in self.blobs:
            return _refusal(404, "Not Found")
        encoded = base64.encodebytes(self.blobs[sha]).decode()
        return httpx2.Response(200, json={"content": encoded, "encoding": "base64"})

    def _create_blob(self, _request: httpx2.Request, body: Any) -> httpx2.Response:
        return httpx2.Response(201, json={"sha": self._store_blob(base64.b64decode(body["content"]))})

    def _store_blob(self, content: bytes) -> str:
        sha = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self.blobs[sha] = content
        return sha

    def _get_settings(self, _request: httpx2.Request, _body: Any) -> httpx2.Response:
        if self.settings is None:
            return _refusal(404, "Not Found")
        return httpx2.Response(200, content=self.settings)

    def _list_commits(self, _request: httpx2.Request, _body: Any) -> httpx2.Response:
        return httpx2.Response(200, json=[{"sha": self.settings_commit}] if self.settings else [])

    def _list_pull_commits(self, _request: httpx2.Request, _body: Any, number: str) -> httpx2.Response:
        sha: str | None = self.refs[self.pulls[int(number) - 1]["head"]["ref"]]
        found = []
        while sha is not None:
            found.append({"sha": sha, "commit": {"message": self.commits[sha]["message"]}})
            sha = next(iter(self.commits[sha]["parents"]), None)
        return httpx2.Response(200, json=found[::-1])

    def _request_review(self, _request: httpx2.Request, body: Any, number: str) -> httpx2.Response:
        if unknown := [login for login in body["reviewers"] if login not in self.permissions]:
            return _refusal(422, f"Reviews may only be requested from collaborators, not {unknown[0]}.")
        self.reviewers.setdefault(int(number), []).extend(body["reviewers"])
        return httpx2.Response(201, json=self.pulls[int(number) - 1])

    def _list_pulls(self, request: httpx2.Request, _body: Any) -> httpx2.Response:
        head = request.url.params.get("head", ":").partition(":")[2]
        found = [each for each in reversed(self.pulls) if head in {"", each["head"]["ref"]}]
        return httpx2.Response(200, json=found)

    def _create_pull(self, _request: httpx2.Request, body: Any) -> httpx2.Response:
        if body["draft"] and not self.drafts:
            return _refusal(422, "Draft pull requests are not supported in this repository.", errors=[])
        for end in ("base", "head"):
            if body[end] not in self.refs:
                return _refusal(422, "Validation Failed", errors=[{"field": end, "code": "invalid"}])
        if self._contains(self.refs[body["base"]], self.refs[body["head"]]):
            said = f"No commits between {body['base']} and {body['head']}"
            return _refusal(422, "Validation Failed", errors=[{"code": "custom", "message": said}])
        if any(each["head"]["ref"] == body["head"] and each["state"] == "open" for each in self.pulls):
            said = f"A pull request already exists for acme:{body['head']}."
            return _refusal(422, "Validation Failed", errors=[{"code": "custom", "message": said}])
        return httpx2.Response(201, json=self.add_pull(**body))

    def add_pull(self, *, head: str, base: str, title: str, body: str, draft: bool) -> dict[str, Any]:
        number = len(self.pulls) + 1
        pull = {
            "number": number,
            "html_url": f"{_HTML}/pull/{number}",
            "state": "open",
            "title": title,
            "body": body,
            "draft": draft,
            "created_at": datetime.now(UTC).isoformat(),
            "merged_at": None,
            "head": {"ref": head, "repo": {"full_name": REPOSITORY}},
            "base": {"ref": base},
        }
        self.pulls.append(pull)
        return pull

    def _get_pull(self, _request: httpx2.Request, _body: Any, number: str) -> httpx2.Response:
        found = [each for each in self.pulls if each["number"] == int(number)]
        return httpx2.Response(200, json=found[0]) if found else _refusal(404, "Not Found")

    def _update_pull(self, _request: httpx2.Request, body: Any, number: str) -> httpx2.Response:
        self.pulls[int(number) - 1].update(body)
        return httpx2.Response(200, json=self.pulls[int(number) - 1])

    def _add_labels(self, _request: httpx2.Request, body: Any, number: str) -> httpx2.Response:
        self.labels.setdefault(int(number), set()).update(body["labels"])
        return httpx2.Response(200, json=[{"name": name} for name in self.labels[int(number)]])

    def _list_comments(self, _request: httpx2.Request, _body: Any, on: str) -> httpx2.Response:
        return httpx2.Response(200, json=[each for each in self.comments if each["on"] == on])

    def _create_comment(self, _request: httpx2.Request, body: Any, on: str) -> httpx2.Response:
        self.comment(body["body"], login=LOGIN, on=on)
        return httpx2.Response(201, json=self.comments[-1])

    def _update_comment(self, _request: httpx2.Request, body: Any, number: str) -> httpx2.Response:
        self.comments[int(number) - 1]["body"] = body["body"]
        return httpx2.Response(200, json=self.comments[int(number) - 1])

    def _permission(self, _request: httpx2.Request, _body: Any, login: str) -> httpx2.Response:
        found = self.permissions.get(login)
        return httpx2.Response(200, json=found) if found else _refusal(404, "Not Found")
