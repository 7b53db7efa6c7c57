from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.testing import ActivityEnvironment

from activities.adapters.repository import RepositoryMirrors
from activities.patching.sandbox import Sandbox
from activities.patching.session.activity import SessionActivities
from sessions import FILES, TAG, Repository, Use, failed_job, read_log
from workflows.models import FailedJob
from workflows.session_models import ToolCall, ToolsRequest, ToolsResult


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin" / "octo" / "app.git")


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def session(mirrors: RepositoryMirrors, sandbox: Sandbox) -> SessionActivities:
    """Without a model: what the tools do does not depend on one."""
    return SessionActivities(mirrors, sandbox, read_log)


@pytest.fixture
def use(session: SessionActivities, repository: Repository, tmp_path: Path) -> Use:
    """One reply's calls, each by name and input, on a commit; afterwards no workspace is left."""

    async def run(
        *calls: tuple[str, Any],
        files: Mapping[str, str | bytes] = FILES,
        sha: str = "",
        diff: str = "",
        jobs: tuple[FailedJob, ...] | None = None,
        patch_bytes: int = 200_000,
    ) -> ToolsResult:
        request = ToolsRequest(
            repository="octo/app",
            base_sha=sha or repository.commit(files),
            diff=diff,
            jobs=(failed_job(),) if jobs is None else jobs,
            tag=TAG,
            patch_bytes=patch_bytes,
            calls=tuple(
                ToolCall(id=f"toolu_{number}", name=name, input=given)
                for number, (name, given) in enumerate(calls)
            ),
        )
        result = await ActivityEnvironment().run(session.use_tools, request)
        assert list((tmp_path / "cache" / "workspaces").iterdir()) == []
        return result

    return run
