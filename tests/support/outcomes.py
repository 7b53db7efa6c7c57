"""One failing run for every outcome, played on a real stage."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import httpx2
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from localhub.records import Repository, Run
from localhub.scenarios import CI_FILE, scenario
from localhub.stage import Stage
from workflows.models import Disposition, Order, Outcome, Reason, RemediationResult, State, Status
from workflows.naming import attempt_id, remediation_id
from workflows.remediation import RemediationWorkflow

SETTINGS: Final = {"REGREEN_CI_APPEARANCE": "3s", "REGREEN_REVERT_WATCH": "0s"}
"""A fix whose CI never starts is given up after this; the local GitHub starts runs at once. Nobody takes a
merged fix back."""
CANARY: Final = "ghp_" + "c4n4ry" * 6
"""Looks like a GitHub token; the run that ends `needs_human` prints it into its log."""

_PATIENCE_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.05
_TIDY: Final = '"""Tidy."""\n'
_UNTIDY: Final = '"""Untidy."""\n\nimport os\n'


class Play:
    """A case on a stage, in a repository of its own."""

    def __init__(self, stage: Stage, case: "Case") -> None:
        self.stage = stage
        self.case = case
        self.full_name = f"acme/{case.name.replace('_', '-')}"
        self.handle: WorkflowHandle[RemediationWorkflow, RemediationResult]

    @property
    def repository(self) -> Repository:
        """The case's repository, as the local GitHub sees it."""
        return self.stage.hub.repository(self.full_name)

    async def run(self) -> RemediationResult:
        """Push, break, and let the case's people do their part; the remediation's result.

        Raises:
            AssertionError: The remediation does not end as the case promises.
        """
        hub, case = self.stage.hub, self.case
        await self.stage.add_repository(self.full_name)
        await hub.commit(self.full_name, "main", case.files, "Start")
        await self._ended(lambda run: run.number == 1)
        sha = await hub.commit(
            self.full_name, case.branch, case.breaking, case.message, author=case.author, start="main"
        )
        failed = await self._ended(lambda run: run.head.sha == sha)
        workflow_id = remediation_id(self.full_name, failed.id)
        self.handle = self.stage.client.get_workflow_handle_for(RemediationWorkflow.run, workflow_id)
        await self.until(lambda _: True)
        await case.meanwhile(self)
        result = await self.handle.result()
        found = (result.outcome, result.reason, len(result.attempts), result.disposition)
        promised = (case.outcome, case.reason, case.attempts, case.disposition)
        assert found == promised, f"{found}, promised {promised}: {result.detail}"
        return result

    async def until(self, so_far: Callable[[Status], bool]) -> Status:
        """The first status seen for which `so_far` holds."""
        async for _ in self._looks("the remediation"):
            with suppress(RPCError):  # not started yet, or its first task is not done
                status = await self.handle.query(RemediationWorkflow.status)
                if so_far(status):
                    return status
        raise AssertionError

    async def request(self, method: str, path: str, **json: object) -> None:
        """What a person does through GitHub's API, below the repository."""
        token = self.stage.hub.add_token("dev")
        async with httpx2.AsyncClient(base_url=self.stage.hub.url, trust_env=False) as http:
            answer = await http.request(
                method,
                f"/repos/{self.full_name}{path}",
                json=json,
                headers={"Authorization": f"Bearer {token}"},
            )
            answer.raise_for_status()

    async def _ended(self, wanted: Callable[[Run], bool]) -> Run:
        async for _ in self._looks("a CI run"):
            for run in self.repository.runs.values():
                if wanted(run) and run.latest.conclusion is not None:
                    return run
        raise AssertionError

    async def _looks(self, what: str) -> AsyncIterator[None]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.stage.check("worker")
            self.stage.check("starter")
            yield
            await asyncio.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"{self.case.name}: waited {_PATIENCE_SECONDS:.0f} s for {what}")

    async def histories(self) -> dict[str, str]:
        """The histories of the remediation and of its attempts, as JSON, by a name for each."""
        name = self.case.name
        found = {name: (await self.handle.fetch_history()).to_json()}
        for number in range(1, self.case.attempts + 1):
            child = self.stage.client.get_workflow_handle(attempt_id(self.handle.id, number))
            found[f"{name}-attempt-{number}"] = (await child.fetch_history()).to_json()
        return found


async def _stand_by(_: Play) -> None:
    """Nobody does anything."""


async def _merge(play: Play) -> None:
    """A person fast-forwards the branch to the fix, which merges the pull request."""
    status = await play.until(lambda status: status.state is State.WATCHING_MERGE)
    await play.request("PATCH", "/git/refs/heads/main", sha=status.fix_head_sha)


async def _stop(play: Play) -> None:
    """A person orders a stop while CI is at work on the fix, and ends CI after it."""
    status = await play.until(lambda status: status.state is State.AWAITING_CI)
    await play.handle.signal(RemediationWorkflow.stop, Order(by="dev"))
    await play.handle.result()
    for run in list(play.repository.runs.values()):
        if run.head.sha == status.fix_head_sha and run.latest.conclusion is None:
            await play.request("POST", f"/actions/runs/{run.id}/cancel")


async def _overtake(play: Play) -> None:
    """The author repairs it by another commit, and somebody approves the patch nevertheless."""
    status = await play.until(lambda status: status.question is not None)
    await play.stage.hub.commit(play.full_name, "main", play.case.files, "Publish later")
    await play.handle.signal(RemediationWorkflow.approve, Order(by="dev", question=status.question))


@dataclass(frozen=True)
class Case:
    """A failing run, what people do meanwhile, and the promised end."""

    outcome: Outcome
    reason: Reason
    files: Mapping[str, str]
    breaking: Mapping[str, str]
    message: str = "Change the prices"
    author: str = "dev"
    branch: str = "main"
    attempts: int = 0
    disposition: Disposition | None = None
    meanwhile: Callable[[Play], Awaitable[None]] = _stand_by
    variant: str = ""
    """Another way to an outcome that has a case of its own."""

    @property
    def name(self) -> str:
        """The outcome's, or the variant's."""
        return self.variant or str(self.outcome)


def _workflow(steps: str, on: str = "{push: {branches: [main]}, pull_request: }") -> str:
    return f"""\
name: CI
on: {on}
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
{steps}"""


_RUFF: Final = """\
      - name: Lint
        run: ruff check .
"""

_FOUR_CHECKS: Final = """\
      - name: Format
        run: ruff format --check format.py
      - name: Lint
        run: ruff check lint.py
      - name: Imports
        run: isort --check-only imports.py
      - name: Black
        run: black --check black.py
"""

_DOWNLOAD: Final = """\
      - name: Download
        run: sh tools/download.sh
"""

_FLAKY_MIRROR: Final = """\
# The mirror is out of reach on the first attempt of the run only.
if [ "$GITHUB_RUN_ATTEMPT" = 1 ]; then
  echo "curl: (6) Could not resolve host: mirror.invalid" >&2
  exit 6
fi
"""

_SLOW_ON_THE_FIX: Final = """\
      - name: Slow
        if: github.event_name == 'pull_request'
        run: sleep 120
"""

_PRINTS_CANARY: Final = """\
\"\"\"Fails, and is careless with a secret.\"\"\"

import unittest


class TokenTest(unittest.TestCase):
    \"\"\"Prints what it should not.\"\"\"

    def test_token(self) -> None:
        \"\"\"No recipe repairs it.\"\"\"
        self.fail("refused the token ghp_" + "c4n4ry" * 6)
"""


def _demonstrated(name: str, file: str | None = None) -> tuple[Mapping[str, str], Mapping[str, str], str]:
    """What the demo's scenario of that name pushes first, how it breaks it, and the message."""
    found = scenario(name)
    if found is None:
        raise LookupError(f"the demo has no scenario {name}")
    return found.files, found.breaking, found.message


def _cases() -> tuple[Case, ...]:
    lint, permissions = _demonstrated("lint"), _demonstrated("permissions")
    unfixable, ignored = _demonstrated("unfixable"), _demonstrated("ignored")
    linted = {CI_FILE: _workflow(_RUFF), "prices.py": _TIDY}
    return (
        Case(
            Outcome.FIXED,
            Reason.GREEN,
            *lint,
            attempts=1,
            disposition=Disposition.KEPT,
            meanwhile=_merge,
        ),
        Case(
            Outcome.FLAKY,
            Reason.RERUN_GREEN,
            {CI_FILE: _workflow(_DOWNLOAD), "tools/download.sh": "true\n"},
            {"tools/download.sh": _FLAKY_MIRROR},
        ),
        Case(Outcome.IGNORED, Reason.SKIP_MARKER, *ignored),
        Case(
            Outcome.DIAGNOSED,
            Reason.BOT_BRANCH,
            {**linted, CI_FILE: _workflow(_RUFF, on="push")},
            {"prices.py": _UNTIDY},
            message="Bump widgets from 1.0 to 2.0",
            author="dependabot[bot]",
            branch="dependabot/pip/widgets-2.0",
        ),
        Case(
            Outcome.NEEDS_HUMAN,
            Reason.NO_REPAIR_FOUND,
            unfixable[0],
            {"test_token.py": _PRINTS_CANARY},
            attempts=1,
        ),
        Case(
            Outcome.EXHAUSTED,
            Reason.ATTEMPTS_USED,
            {
                CI_FILE: _workflow(_FOUR_CHECKS),
                **dict.fromkeys(("format.py", "lint.py", "imports.py", "black.py"), _TIDY),
            },
            {
                "format.py": '"""Untidy."""\n\nPRICE = ( 1 )\n',
                "lint.py": _UNTIDY,
                "imports.py": '"""Untidy."""\n\nimport sys\nimport os\n',
                "black.py": '"""Untidy."""\n\nPRICE = ( 2 )\n',
            },
            attempts=3,
        ),
        Case(
            Outcome.STOPPED,
            Reason.STOP_ORDERED,
            {**linted, CI_FILE: _workflow(_RUFF + _SLOW_ON_THE_FIX)},
            {"prices.py": _UNTIDY},
            attempts=1,
            meanwhile=_stop,
        ),
        Case(Outcome.SUPERSEDED, Reason.BRANCH_MOVED, *permissions, attempts=1, meanwhile=_overtake),
        Case(
            Outcome.UNVERIFIED,
            Reason.CI_NEVER_STARTED,
            {**linted, CI_FILE: _workflow(_RUFF, on="{push: {branches: [main]}}")},
            {"prices.py": _UNTIDY},
            attempts=1,
        ),
    )


BY_MODEL: Final = Case(
    Outcome.FIXED,
    Reason.GREEN,
    *_demonstrated("model"),
    attempts=1,
    disposition=Disposition.KEPT,
    meanwhile=_merge,
    variant="fixed_by_model",
)
"""Repaired in a session; the stage has to have a model."""

CASES: Final = {case.outcome: case for case in _cases()}
"""One for every outcome."""
