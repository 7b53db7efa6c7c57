"""A warm workspace beside a fresh full clone, a recipe's attempt beside the bare tool, a sandbox beside none.

Run by `make bench`. Ratios compare numbers of one run on one machine.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from temporalio.testing import ActivityEnvironment

from activities.adapters.credentials import NoCredentials
from activities.adapters.pulse import Pulse
from activities.adapters.repository import RepositoryMirrors
from activities.adapters.workspace import Workspace
from activities.patching.activity import PatchingActivities
from activities.patching.sandbox import Sandbox
from workflows.models import Diagnosis, Evidence, FailedJob, FailureClass, PatchRequest

COMMITS: Final = 5_000
FILES: Final = 300
LINES: Final = 150
_ROUNDS: Final = 7
_UNTIDY: Final = "import os\nimport sys\n\nprint(sys.argv)\n"
_ENVIRONMENT: Final = {
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def history() -> Iterator[str]:
    """A stream for `git fast-import`: each commit changes lines of three files, the last breaks a check."""
    words = random.Random(4)  # noqa: S311 — the same repository each time
    files = [[_line(words) for _ in range(LINES)] for _ in range(FILES)]
    for number in range(COMMITS):
        yield f"commit refs/heads/main\ncommitter A <a@example.org> {1_700_000_000 + number} +0000\n"
        yield "data 2\nx\n\n"
        # The first commits bring all files in.
        chosen = {number % FILES, *words.choices(range(min(number + 1, FILES)), k=2)}
        for index in sorted(chosen):
            for place in words.choices(range(LINES), k=8):
                files[index][place] = _line(words)
            text = "".join(files[index])
            yield f"M 100644 inline src/part_{index % 20}/module_{index}.py\ndata {len(text)}\n{text}\n"
    yield f"commit refs/heads/main\ncommitter A <a@example.org> {1_800_000_000} +0000\ndata 2\nx\n\n"
    yield f"M 100644 inline app.py\ndata {len(_UNTIDY)}\n{_UNTIDY}\n"


def _line(words: random.Random) -> str:
    return f"name_{words.getrandbits(40):x} = {words.getrandbits(60)}\n"


def git(*arguments: str, folder: Path, stdin: str | None = None) -> str:
    """Run git; its output."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=_ENVIRONMENT,
        input=stdin,
        text=True,
        capture_output=True,
        check=True,
    )
    return done.stdout.strip()


async def best(works: dict[str, Callable[[], Awaitable[float | None]]], rounds: int) -> dict[str, float]:
    """Seconds of each work's quickest round; a work may say when it was ready, before it cleans up.

    The works take turns, so that whatever else the machine does meets all of them.
    """
    quickest = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            started = time.perf_counter()
            ready = await work()
            quickest[name] = min(quickest[name], (ready or time.perf_counter()) - started)
    return quickest


async def measure(folder: Path) -> dict[str, float]:  # noqa: C901 — one small function per number
    """All numbers, in seconds."""
    origin = folder / "origin" / "octo" / "app.git"
    origin.mkdir(parents=True)
    git("init", "--quiet", "--bare", "--initial-branch=main", folder=origin)
    git("fast-import", "--quiet", folder=origin, stdin="".join(history()))
    git("gc", "--quiet", folder=origin)
    sha = git("rev-parse", "main", folder=origin)
    url = f"file://{origin}"

    async def clone() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as target:
            await asyncio.to_thread(git, "clone", "--quiet", url, target, folder=folder)
            return time.perf_counter()

    mirrors = RepositoryMirrors(
        folder / "cache", server_url=f"file://{folder / 'origin'}", credentials=NoCredentials()
    )

    async def checkout() -> float:
        async with mirrors.checkout("octo/app", sha):
            return time.perf_counter()

    await checkout()
    sandbox = Sandbox()
    state = sandbox.probe()
    if not state.works:
        raise SystemExit(f"no sandbox here: {state.detail}")
    job = FailedJob(job_id=1, name="lint", key="lint", command="ruff check .")
    request = PatchRequest(
        repository="octo/app",
        run_id=1,
        base_sha=sha,
        attempt=1,
        workflow_path=".github/workflows/ci.yml",
        evidence=Evidence(run_id=1, run_attempt=1, jobs=(job,), failed_jobs=1),
        diagnosis=Diagnosis(failure_class=FailureClass.LINT, root_cause="x"),
    )
    activities = PatchingActivities(mirrors, sandbox)

    async def attempt() -> None:
        proposal = await ActivityEnvironment().run(activities.propose_patch, request)
        if not proposal.diff:
            raise SystemExit(f"the recipe found nothing: {proposal.summary}")

    work = folder / "work"
    git("clone", "--quiet", url, str(work), folder=folder)
    ruff = str(Path(sys.executable).parent / "ruff")

    async def bare() -> None:
        (work / "app.py").write_text(_UNTIDY, encoding="utf-8")
        for extra in (["--no-fix"], ["--fix"], ["--no-fix"]):
            await asyncio.to_thread(
                subprocess.run,
                [ruff, "check", "--no-cache", *extra, "."],
                cwd=work,
                capture_output=True,
                check=False,
            )

    empty = folder / "empty"
    empty.mkdir()
    workspace = Workspace(empty, git_dir=empty, sha=sha, pulse=Pulse())
    for each in (workspace.files, workspace.scratch):
        each.mkdir()
        each.chmod(0o777)

    async def confined() -> None:
        await asyncio.to_thread(sandbox.run, ["true"], workspace)

    async def unconfined() -> None:
        await asyncio.to_thread(subprocess.run, ["true"], check=True)

    return {
        **await best({"fresh_clone_s": clone, "warm_workspace_s": checkout}, _ROUNDS),
        **await best({"bare_tool_s": bare, "recipe_attempt_s": attempt}, _ROUNDS),
        **await best({"sandboxed_true_s": confined, "bare_true_s": unconfined}, 20),
    }


def main() -> None:
    """Measure and print, one JSON object last."""
    with tempfile.TemporaryDirectory(prefix="regreen-bench-") as folder:
        Path(folder).chmod(0o755)
        found = asyncio.run(measure(Path(folder)))
    share = found["warm_workspace_s"] / found["fresh_clone_s"]
    overhead = found["recipe_attempt_s"] - found["bare_tool_s"]
    sandbox = found["sandboxed_true_s"] - found["bare_true_s"]
    rows = (
        (f"Fresh full clone, {COMMITS} commits", found["fresh_clone_s"], ""),
        ("Warm workspace", found["warm_workspace_s"], f"{share:.1%} of the clone"),
        ("The bare tool, three runs", found["bare_tool_s"], ""),
        (
            "A recipe's whole attempt",
            found["recipe_attempt_s"],
            f"{overhead * 1000:.0f} ms more than the tool",
        ),
        ("A command's sandbox", sandbox, ""),
    )
    for name, seconds, note in rows:
        print(f"{name:32} {seconds * 1000:7.1f} ms   {note}".rstrip())
    rounded = {name: round(value, 4) for name, value in found.items()}
    print(json.dumps({"benchmark": "patching", **rounded, "warm_share": round(share, 4)}))


if __name__ == "__main__":
    main()
