"""What the tests of the local GitHub look through: a client, a webhook receiver, GitHub's schemas."""

import importlib
import json
from collections.abc import Mapping
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.responses import Response

REPOSITORY = "acme/widgets"

CI = """\
name: CI
on:
  push:
    branches: [main, "regreen/**"]
  pull_request:
permissions:
  contents: read
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Syntax
        run: python -m py_compile app.py
      - run: |
          echo "checking"
          sh check.sh
      - run: echo "all good"
"""
GREEN = {".github/workflows/ci.yml": CI, "app.py": "x = 1\n", "check.sh": "exit 0\n"}
RED = {"check.sh": 'echo "::error file=app.py,line=3::x is wrong"\nexit 3\n'}


class Api:
    """A client of the hub; every call returns the decoded answer of an expected status."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        answer = await self.raw(method, path, body, headers=headers)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def raw(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        return await self.http.request(method, path, json=body, headers=headers)

    async def get(self, path: str, **keywords: Any) -> Any:
        return await self.call("GET", path, **keywords)

    async def post(self, path: str, body: Any = None, *, status: int = 201, **keywords: Any) -> Any:
        return await self.call("POST", path, body, status=status, **keywords)

    async def run_of(self, sha: str, event: str = "push") -> Any:
        found = await self.get(f"/repos/{REPOSITORY}/actions/runs?head_sha={sha}&event={event}")
        return found["workflow_runs"][0]

    async def jobs_of(self, run: Mapping[str, Any]) -> list[Any]:
        found = await self.get(f"/repos/{REPOSITORY}/actions/runs/{run['id']}/jobs")
        return list(found["jobs"])

    async def log_of(self, job: Mapping[str, Any]) -> str:
        answer = await self.raw("GET", f"/repos/{REPOSITORY}/actions/jobs/{job['id']}/logs")
        assert answer.status_code == 302, answer.text
        async with httpx2.AsyncClient(trust_env=False) as anonymous:
            return (await anonymous.get(answer.headers["location"])).text


class Receiver:
    """Collects webhook deliveries; `status` is what it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.received: list[tuple[dict[str, str], bytes]] = []

    async def take(self, request: Request) -> Response:
        self.received.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [(headers["x-github-event"], json.loads(body)) for headers, body in self.received]


BEYOND = {
    # The newest API version drops these; the default one, 2022-11-28, has them.
    "assignee",
    "has_downloads",
    "merge_commit_sha",
    "rate",
    # GitHub sends these in more places than its description says.
    "archived_at",
    "archived_by",
    "display_title",
    "user_view_type",
}


def _unknown(given: Any, understood: Any, where: str) -> list[str]:
    if isinstance(given, dict) and isinstance(understood, dict):
        extra = [f"{where}.{name}" for name in given if name not in understood]
        return extra + [
            one
            for name, value in given.items()
            if name in understood
            for one in _unknown(value, understood[name], f"{where}.{name}")
        ]
    if isinstance(given, list) and isinstance(understood, list):
        pairs = zip(given, understood, strict=True)
        return [one for value, other in pairs for one in _unknown(value, other, f"{where}[]")]
    return []


class Schemas:
    """GitHub's own description of its API, as pydantic models."""

    def __init__(self) -> None:
        self._models = importlib.import_module("githubkit_schemas.latest.models")

    def check(self, name: str, payload: Any) -> None:
        """`payload` is a valid, full `name`, and has no field `name` does not have, but those in `BEYOND`."""
        model = getattr(self._models, name)
        understood = model.model_validate(payload).model_dump(by_alias=True, exclude_unset=True)
        unknown = {one for one in _unknown(payload, understood, name) if one.rpartition(".")[2] not in BEYOND}
        assert not unknown, sorted(unknown)
