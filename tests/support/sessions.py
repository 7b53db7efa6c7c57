"""A repair session in a test: a real repository, the session's payloads, calls of its tools."""

import os
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
from pydantic import SecretStr
from temporalio.exceptions import ApplicationError

from activities.adapters.claude import Claude, ModelAccess, ModelProvider
from activities.patching.session.tools import EDITOR
from localhub.messages_api import KEY, MODEL, MessagesApi
from workflows.models import (
    Diagnosis,
    Evidence,
    Excerpt,
    FailedJob,
    FailureClass,
    LogRange,
    LogRangeRequest,
    LogState,
    PatchRequest,
)
from workflows.session_models import ToolResult, ToolsResult

TAG: Final = "f00d" * 8
_GIT: Final = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}

PRICING: Final = "def total(prices):\n    return sum(prices) + 1\n"
TEST: Final = """\
import unittest
from pricing import total


class T(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)
"""
FILES: Final = {"pricing.py": PRICING, "test_pricing.py": TEST}
COMMAND: Final = "python3 -m unittest discover"
EVIDENCE: Final = "AssertionError: 4 != 3"

Use = Callable[..., Awaitable[ToolsResult]]
Call = tuple[str, dict[str, Any]]


class Repository:
    """The repository octo/app, as a server has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments], env=_GIT, text=True, capture_output=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes], *, links: Mapping[str, str] | None = None) -> str:
        """The id of a new commit with these files (and links, by their targets) beside those there are."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self.git("init", "--quiet")
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        for name, target in (links or {}).items():
            (self.folder / name).symlink_to(target)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        return self.git("rev-parse", "HEAD")


def failed_job(command: str | None = COMMAND, log: str = EVIDENCE) -> FailedJob:
    return FailedJob(
        job_id=1, name="test", key="test", command=command, excerpt=Excerpt(text=log, total_lines=9)
    )


def patch_request(sha: str, **changes: Any) -> PatchRequest:
    facts: dict[str, Any] = {
        "repository": "octo/app",
        "run_id": 7,
        "base_sha": sha,
        "attempt": 1,
        "workflow_path": ".github/workflows/ci.yml",
        "evidence": Evidence(run_id=7, run_attempt=1, jobs=(failed_job(),), failed_jobs=1),
        "diagnosis": Diagnosis(
            failure_class=FailureClass.UNIT_TEST, root_cause="A test fails.", evidence_lines=(EVIDENCE,)
        ),
        "model_allowed": True,
    }
    return PatchRequest(**(facts | changes))


async def read_log(request: LogRangeRequest) -> LogRange:
    """A log that says what was asked of it; that of job 404 is gone, and job 503's server is away."""
    if request.job_id == 503:
        raise ApplicationError("the server is away", type="unavailable")
    if request.job_id == 403:
        raise ApplicationError("no access to logs", type="forbidden", non_retryable=True)
    if request.job_id == 404:
        return LogRange(log_state=LogState.GONE, problem="The log is gone.")
    return LogRange(text=f"{request.first_line}-{request.last_line} {request.pattern}", total_lines=9)


def claude(api: MessagesApi, http: httpx2.AsyncClient) -> Claude:
    access = ModelAccess(
        provider=ModelProvider.ANTHROPIC, model=MODEL, api_key=SecretStr(KEY), base_url=api.url
    )
    return Claude(access, http)


def said(result: ToolResult) -> str:
    """What a tool answers, without what delimits it."""
    return result.text.replace(f"<untrusted-{TAG}>\n", "").replace(f"\n</untrusted-{TAG}>", "")


def view(path: str, **more: Any) -> Call:
    return EDITOR, {"command": "view", "path": path, **more}


def replace(path: str, old: str, new: str) -> Call:
    return EDITOR, {"command": "str_replace", "path": path, "old_str": old, "new_str": new}


def create(path: str, text: str) -> Call:
    return EDITOR, {"command": "create", "path": path, "file_text": text}


def insert(path: str, line: int, text: str) -> Call:
    return EDITOR, {"command": "insert", "path": path, "insert_line": line, "insert_text": text}


FIX: Final = replace("pricing.py", " + 1", "")
