import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.adapters.credentials import NoCredentials
from activities.adapters.pulse import Pulse
from activities.adapters.repository import RepositoryMirrors
from activities.adapters.workspace import Workspace
from activities.patching.activity import PatchingActivities
from activities.patching.sandbox import Sandbox
from workflows.models import (
    Diagnosis,
    Evidence,
    Excerpt,
    FailedJob,
    FailureClass,
    PatchRequest,
    Proposal,
)

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


NODE_TOOLS = (
    *("prettier", "eslint", "xo", "standard", "oxlint", "stylelint", "@biomejs/biome"),
    *("markdownlint-cli", "markdownlint-cli2", "@bazel/buildifier", "@bufbuild/buf", "deno"),
    *("dprint", "@dprint/json", "pnpm@10", "sort-package-json", "oxfmt"),
    "@johnnymorganz/stylua-bin",
)


def node_tools() -> list[Path]:
    """A folder with the JavaScript tools, installed once by npm; none where npm cannot reach its registry."""
    folder = Path(tempfile.gettempdir()) / f"regreen-node-tools-{os.getuid()}"
    npm = shutil.which("npm")
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o755, exist_ok=True)
    if npm is None or folder.stat().st_uid != os.getuid():
        return []
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # processes that run tests side by side share the folder
        return [folder] if _installed(npm, folder) else []


def _installed(npm: str, folder: Path) -> bool:
    complete = folder / f"complete-{zlib.crc32(' '.join(NODE_TOOLS).encode()):x}"
    if not complete.exists():
        command = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--fetch-retries=0",
            *NODE_TOOLS,
        ]
        try:
            subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=True)
        except (subprocess.SubprocessError, OSError):
            return False
        complete.touch()
    return True


ONE_SANDBOX = Sandbox(tools=node_tools())


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=ENVIRONMENT, text=True, capture_output=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def sandbox() -> Sandbox:
    state = ONE_SANDBOX.probe()
    if not state.works:
        pytest.skip(f"no sandbox here: {state.detail}")
    return ONE_SANDBOX


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace, for commands to run in."""
    workspace = Workspace(tmp_path, git_dir=tmp_path, sha="0" * 40, pulse=Pulse())
    for folder in (workspace.files, workspace.scratch):
        folder.mkdir()
        folder.chmod(0o777)
    return workspace


@pytest.fixture
def commit(tmp_path: Path) -> Callable[[Mapping[str, str]], str]:
    """Commit files (name → text) to the repository octo/app; the commit's id."""
    origin = tmp_path / "origin" / "octo" / "app.git"

    def make(files: Mapping[str, str]) -> str:
        if not origin.exists():
            origin.mkdir(parents=True)
            git(origin, "init", "--quiet")
        for name, text in files.items():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            (origin / name).write_text(text, newline="")
        git(origin, "add", "--all", "--force")
        git(origin, "commit", "--quiet", "--allow-empty", "--message=x")
        return git(origin, "rev-parse", "HEAD")

    return make


Propose = Callable[..., Awaitable[Proposal]]


@pytest.fixture
def mirrors(tmp_path: Path) -> RepositoryMirrors:
    return RepositoryMirrors(
        tmp_path / "cache", server_url=f"file://{tmp_path / 'origin'}", credentials=NoCredentials()
    )


@pytest.fixture
def request_for(commit: Callable[[Mapping[str, str]], str]) -> Callable[..., PatchRequest]:
    """The request to patch a new commit of the given files, whose step `command` failed."""

    def make(
        files: Mapping[str, str],
        command: str | None,
        *,
        failure_class: FailureClass = FailureClass.LINT,
        permission: str | None = None,
        folder: str | None = None,
        log: str = "",
        named: tuple[str, ...] = (),
        step: str | None = None,
    ) -> PatchRequest:
        job = FailedJob(
            job_id=1,
            name="check",
            key="check",
            step=step,
            command=command,
            working_directory=folder,
            excerpt=Excerpt(text=log),
        )
        return PatchRequest(
            repository="octo/app",
            run_id=7,
            base_sha=commit(files),
            attempt=1,
            workflow_path=".github/workflows/ci.yml",
            evidence=Evidence(run_id=7, run_attempt=1, jobs=(job,), failed_jobs=1),
            diagnosis=Diagnosis(
                failure_class=failure_class, root_cause="x", missing_permission=permission, files=named
            ),
        )

    return make


@pytest.fixture
def propose(mirrors: RepositoryMirrors, sandbox: Sandbox, tmp_path: Path) -> Propose:
    """Run the activity as a worker does; afterwards no workspace is left."""

    async def run(
        request: PatchRequest, *, sandbox: Sandbox = sandbox, tool_timeout: float = 60.0
    ) -> Proposal:
        activities = PatchingActivities(mirrors, sandbox, tool_timeout=tool_timeout)
        proposal = await ActivityEnvironment().run(activities.propose_patch, request)
        assert list((tmp_path / "cache" / "workspaces").iterdir()) == []
        return proposal

    return run
