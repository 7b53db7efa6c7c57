"""Runs, branches and pull requests in states that the demo does not show, on real parts."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import pytest

from localhub.records import Comment, PullRequest, Repository, Run, TokenKind, now
from localhub.stage import Stage
from workflows.models import Outcome, Reason, RemediationResult
from workflows.naming import fix_branch, remediation_id
from workflows.remediation import RemediationWorkflow

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CI_FILE: Final = ".github/workflows/ci.yml"
TIDY: Final = '"""Tidy."""\n'
UNTIDY: Final = '"""Untidy."""\n\nimport os\n'
EVERYWHERE: Final = "{push: , pull_request: }"
ALL_BRANCHES: Final = {"ref_name": {"include": ["~ALL"], "exclude": []}}
PATIENCE_SECONDS: Final = 120


def workflow(on: str = EVERYWHERE, *, condition: str = "true", steps: str = "") -> str:
    return f"""\
name: CI
on: {on}
jobs:
  lint:
    if: {condition}
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
{steps}      - name: Lint
        run: ruff check .
  other:
    runs-on: ubuntu-latest
    steps:
      - run: "true"
"""


SLOW_ON_THE_FIX: Final = """\
      - name: Slow
        if: startsWith(github.ref, 'refs/heads/regreen/')
        run: sleep 8
"""
SLOW_WHEREVER_THE_FIX_IS: Final = """\
      - name: Slow
        run: case "$(git log -1 --format=%s)" in Fix*) sleep 15;; esac
"""
"""Also where it was merged: a run there that is green is the same proof."""


@dataclass
class Play:
    """One repository in one state."""

    stage: Stage
    name: str
    known_as: str = ""
    """The repository's name when its run failed, where it has been renamed since."""

    @property
    def full_name(self) -> str:
        return f"acme/{self.name}"

    @property
    def repository(self) -> Repository:
        return self.stage.hub.repository(self.full_name)

    async def commit(self, branch: str, files: Mapping[str, str], message: str = "Change") -> str:
        return await self.stage.hub.commit(self.full_name, branch, files, message)

    async def api(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token or self.stage.hub.add_token('acme')}"}
        async with httpx2.AsyncClient(base_url=self.stage.hub.url, trust_env=False) as http:
            path = f"/repos/{self.full_name}{path}"
            answer = await http.request(method, path, json=body, headers=headers)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    async def run(self, wanted: Callable[[Run], bool]) -> Run:
        """The first ended run of that kind."""
        async for _ in patience():
            for run in self.repository.runs.values():
                if wanted(run) and run.latest.conclusion is not None:
                    return run
        raise AssertionError

    async def failed(self, sha: str) -> Run:
        return await self.run(lambda run: run.head.sha == sha)

    async def fix(self, run: Run) -> str:
        """The fix branch's commit, once it is there."""
        async for _ in patience():
            tip = await self.repository.git.ref(f"refs/heads/{fix_branch(run.id)}")
            if tip is not None:
                return tip
        raise AssertionError

    async def ending(self, run: Run) -> RemediationResult:
        handle = self.stage.client.get_workflow_handle_for(
            RemediationWorkflow.run, remediation_id(self.known_as or self.full_name, run.id)
        )
        async for _ in patience():
            try:
                status = await handle.query(RemediationWorkflow.status)
            except Exception:  # noqa: BLE001, S112 — not started yet; patience decides
                continue
            if status.outcome is not None and status.reason is not None:
                return RemediationResult(outcome=status.outcome, reason=status.reason, detail=status.detail)
        raise AssertionError

    async def opened(self, run: Run) -> int:
        """The fix pull request's number, once it is there and has its labels."""
        async for _ in patience():
            for pull in self.repository.pulls.values():
                if pull.head_ref == fix_branch(run.id) and pull.labels:
                    return pull.number
        raise AssertionError

    async def says(self, text: str) -> Comment:
        """Regreen's only comment, once it says that."""
        async for _ in patience():
            found = [one for one in self.repository.comments.values() if "regreen run=" in one.body]
            assert len(found) <= 1
            if found and text in found[0].body:
                return found[0]
        raise AssertionError

    def pull_request_of(self, run: Run) -> PullRequest:
        [found] = [pull for pull in self.repository.pulls.values() if pull.head_ref == fix_branch(run.id)]
        return found


async def patience() -> AsyncIterator[None]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        yield
        await asyncio.sleep(0.1)
    raise TimeoutError


# ── the stories: each breaks CI in its way, and gives the run that failed ───────────────────────────────────


async def broken_on(play: Play, branch: str, file: str | None = None) -> Run:
    await play.commit("main", {CI_FILE: file or workflow(), "prices.py": TIDY}, "Start")
    return await play.failed(await play.commit(branch, {"prices.py": UNTIDY}))


async def odd_branch(play: Play) -> Run:
    run = await broken_on(play, "feat/ü#1%+🚀&x=y")
    await play.ending(run)
    assert play.pull_request_of(run).base_ref == "feat/ü#1%+🚀&x=y"
    return run


async def refused_by_a_ruleset(play: Play) -> Run:
    rules = [{"type": "creation"}]
    ruleset = {"name": "guard", "enforcement": "active", "conditions": ALL_BRANCHES, "rules": rules}
    await play.api("POST", "/rulesets", ruleset)
    return await broken_on(play, "main")


async def signatures_required(play: Play) -> Run:
    run = await broken_on(play, "main")
    rules = [{"type": "required_signatures"}]
    ruleset = {"name": "signed", "enforcement": "active", "conditions": ALL_BRANCHES, "rules": rules}
    await play.api("POST", "/rulesets", ruleset)
    return run


async def required_check_red(play: Play) -> Run:
    parameters = {"required_status_checks": [{"context": "coverage"}]}
    rules = [{"type": "required_status_checks", "parameters": parameters}]
    ruleset = {"name": "green", "enforcement": "active", "conditions": ALL_BRANCHES, "rules": rules}
    await play.api("POST", "/rulesets", ruleset)
    run = await broken_on(play, "main", workflow(steps=SLOW_ON_THE_FIX))
    hub = play.stage.hub
    other = await hub.create_app(owner="acme", slug="coverage", permissions={"checks": "write"})
    installed = hub.state.installations[other.installation_id]
    token = hub.state.mint("ghs_", TokenKind.INSTALLATION, installed.app.bot, installation=installed).value
    check = {"name": "coverage", "head_sha": await play.fix(run), "conclusion": "failure"}
    await play.api("POST", "/check-runs", check, token=token)
    return run


async def runs_for_main_only(play: Play) -> Run:
    await play.commit(
        "main",
        {
            CI_FILE: workflow("{push: {branches: [main]}, pull_request: {branches: [main]}}"),
            "prices.py": TIDY,
        },
    )
    sha = await play.commit("topic", {"prices.py": UNTIDY})
    await play.api("POST", "/pulls", {"title": "Prices", "head": "topic", "base": "main"})
    run = await play.failed(sha)
    await play.ending(run)
    assert play.pull_request_of(run).base_ref == "main"
    assert "change the base to `topic`" in (play.pull_request_of(run).body or "")
    return run


async def merge_queue(play: Play) -> Run:
    await play.commit("main", {CI_FILE: workflow("merge_group"), "prices.py": TIDY})
    await play.commit("topic", {"prices.py": UNTIDY})
    pull = await play.api("POST", "/pulls", {"title": "Prices", "head": "topic", "base": "main"})
    branch = await play.stage.hub.enqueue(play.full_name, pull["number"])
    run = await play.run(lambda run: run.head_branch == branch)
    await play.ending(run)
    async for _ in patience():
        if play.repository.comments:
            [comment] = play.repository.comments.values()
            assert comment.issue_number == pull["number"]
            return run
    raise AssertionError


async def skipped_on_the_fix(play: Play) -> Run:
    return await broken_on(play, "main", workflow(condition="github.ref == 'refs/heads/main'"))


async def archived(play: Play) -> Run:
    run = await broken_on(play, "main", workflow(steps="      - run: sleep 1\n"))
    play.stage.hub.archive_repository(play.full_name)
    return run


async def tag(play: Play) -> Run:
    await play.commit("main", {CI_FILE: workflow("{push: {tags: ['v*']}}"), "prices.py": UNTIDY})
    sha = await play.repository.git.ref("refs/heads/main")
    assert sha is not None
    await play.api("POST", "/git/refs", {"ref": "refs/tags/v1.0", "sha": sha})
    run = await play.failed(sha)
    await play.ending(run)
    assert play.pull_request_of(run).base_ref == "main"
    return run


async def old_tag(play: Play) -> Run:
    await play.commit("main", {CI_FILE: workflow("{push: {tags: ['v*']}}"), "prices.py": UNTIDY})
    sha = await play.repository.git.ref("refs/heads/main")
    await play.commit("main", {"README.md": "Later.\n"})
    await play.api("POST", "/git/refs", {"ref": "refs/tags/v1.0", "sha": sha})
    return await play.run(lambda run: run.head_branch == "v1.0")


async def branch_moved_while_ci_looks(play: Play) -> Run:
    run = await broken_on(play, "main", workflow(steps=SLOW_ON_THE_FIX))
    await play.fix(run)
    await play.commit("main", {"prices.py": TIDY}, "Repair it by hand")
    return run


async def human_commit_on_the_fix(play: Play) -> Run:
    run = await broken_on(play, "main", workflow(steps=SLOW_ON_THE_FIX))
    await play.fix(run)
    await play.commit(fix_branch(run.id), {"prices.py": TIDY}, "I take over")
    return run


async def suspended(play: Play) -> Run:
    installations = list(play.stage.hub.state.installations.values())
    for one in installations:
        one.suspended_at = now()
    run = await broken_on(play, "main")
    await play.ending(run)
    for one in installations:
        one.suspended_at = None
    return run


async def switched_off(play: Play) -> Run:
    run = await broken_on(play, "main")
    await play.api("PUT", "/actions/workflows/ci.yml/disable")
    return run


async def reverted_fix(play: Play) -> Run:
    await play.commit("main", {CI_FILE: workflow(), "prices.py": TIDY}, "Start")
    message = 'Revert "Fix lint failure in run 7"\n\nThis reverts commit 0123456.'
    return await play.failed(await play.commit("main", {"prices.py": UNTIDY}, message))


async def workflow_file_that_does_not_parse(play: Play) -> Run:
    await play.commit("main", {CI_FILE: workflow(), "prices.py": TIDY}, "Start")
    return await play.failed(await play.commit("main", {CI_FILE: "on: push\njobs: [\n"}))


async def other_default_branch(play: Play) -> Run:
    play.repository.default_branch = "trunk/ü"
    await play.commit("trunk/ü", {CI_FILE: workflow(), "prices.py": TIDY}, "Start")
    run = await play.failed(await play.commit("trunk/ü", {"prices.py": UNTIDY}))
    await play.ending(run)
    assert play.pull_request_of(run).base_ref == "trunk/ü"
    return run


async def renamed_meanwhile(play: Play) -> Run:
    run = await broken_on(play, "main", workflow(steps=SLOW_ON_THE_FIX))
    await play.fix(run)
    old, play.name = play.full_name, "a.new--name_"
    play.stage.hub.rename_repository(old, play.full_name)
    play.known_as = old
    await play.ending(run)
    await play.says("**Regreen: fixed**")
    return run


async def rewritten_while_ci_looks(play: Play) -> Run:
    run = await broken_on(play, "topic", workflow(steps=SLOW_ON_THE_FIX))
    await play.fix(run)
    start = await play.repository.git.ref("refs/heads/main")
    await play.api("PATCH", "/git/refs/heads/topic", {"sha": start, "force": True})
    return run


async def deleted_while_ci_looks(play: Play) -> Run:
    run = await broken_on(play, "topic", workflow(steps=SLOW_ON_THE_FIX))
    await play.opened(run)
    await play.api("DELETE", "/git/refs/heads/topic")
    return run


async def closed_by_hand(play: Play) -> Run:
    run = await broken_on(play, "main", workflow(steps=SLOW_ON_THE_FIX))
    await play.api("PATCH", f"/pulls/{await play.opened(run)}", {"state": "closed"})
    return run


async def merged_by_hand(play: Play) -> Run:
    run = await broken_on(play, "main", workflow(steps=SLOW_WHEREVER_THE_FIX_IS))
    await play.opened(run)
    await play.api("PATCH", "/git/refs/heads/main", {"sha": await play.fix(run)})
    return run


async def matrix(play: Play) -> Run:
    file = workflow().replace("    runs-on", "    strategy: {matrix: {half: [a, b]}}\n    runs-on", 1)
    run = await broken_on(play, "main", file)
    assert {job.name for job in run.latest.jobs} >= {"lint (a)", "lint (b)"}
    return run


async def ordered_by_comment(play: Play) -> Run:
    await play.commit("main", {CI_FILE: workflow(steps=SLOW_ON_THE_FIX), "prices.py": TIDY}, "Start")
    sha = await play.commit("topic", {"prices.py": UNTIDY})
    broken = await play.api(
        "POST", "/pulls", {"title": "Prices", "head": "topic", "base": "main", "draft": True}
    )
    run = await play.failed(sha)
    fix = await play.opened(run)
    hub, number = play.stage.hub, broken["number"]
    for author, order in (
        ("stranger", "/regreen stop"),
        ("dependabot[bot]", "/regreen stop"),
        ("dev", "Please\n/regreen stop"),
        ("dev", "/regreen help"),
    ):
        await hub.comment(play.full_name, number, order, author=author)
    assert (await play.says("`/regreen stop`: end, and close the fix pull request")).issue_number == number
    assert play.pull_request_of(run).state == "open"
    await hub.comment(play.full_name, fix, "/regreen stop\r\nthank you", author="dev")
    assert (await play.says("**Regreen: stopped**")).issue_number == number
    assert play.pull_request_of(run).state == "closed"
    return run


async def two_runs_of_one_push(play: Play) -> Run:
    await play.commit("main", {CI_FILE: workflow(), "prices.py": TIDY}, "Start")
    await play.commit("topic", {"README.md": "Prices.\n"}, "Begin")
    await play.api("POST", "/pulls", {"title": "Prices", "head": "topic", "base": "main"})
    sha = await play.commit("topic", {"prices.py": UNTIDY})
    failed = [
        await play.run(lambda run: (run.head.sha, run.event) == (sha, "push")),
        await play.run(lambda run: (run.head.sha, run.event) == (sha, "pull_request")),
    ]
    endings = {run.id: await play.ending(run) for run in failed}
    [fixed] = [run for run in failed if endings[run.id].outcome is Outcome.FIXED]
    [left] = [run for run in failed if run is not fixed]
    assert (endings[left.id].reason, endings[left.id].detail) == (Reason.TWIN_RUN, f"run {fixed.id}")
    assert await play.repository.git.ref(f"refs/heads/{fix_branch(left.id)}") is None
    await play.says("**Regreen: fixed**")
    assert len(play.repository.pulls) == 2
    return fixed


@dataclass(frozen=True)
class Case:
    outcome: Outcome
    reason: Reason
    story: Callable[[Play], Awaitable[Run]]
    says: str = field(default="")


CASES: Final = (
    Case(Outcome.FIXED, Reason.GREEN, odd_branch),
    Case(Outcome.NEEDS_HUMAN, Reason.BRANCH_REFUSED, refused_by_a_ruleset, "branches may not be created"),
    Case(Outcome.FIXED, Reason.GREEN, signatures_required),
    Case(Outcome.NEEDS_HUMAN, Reason.REQUIRED_CHECK_RED, required_check_red, "coverage of coverage"),
    Case(Outcome.FIXED, Reason.GREEN, runs_for_main_only),
    Case(Outcome.DIAGNOSED, Reason.MERGE_QUEUE, merge_queue),
    Case(Outcome.UNVERIFIED, Reason.CI_SKIPPED, skipped_on_the_fix, "the job lint did not run"),
    Case(Outcome.NEEDS_HUMAN, Reason.REPOSITORY_ARCHIVED, archived, "read-only"),
    Case(Outcome.NEEDS_HUMAN, Reason.INSTALLATION_SUSPENDED, suspended, "suspended"),
    Case(Outcome.UNVERIFIED, Reason.CI_NEVER_STARTED, tag, "its filters leave out"),
    Case(Outcome.DIAGNOSED, Reason.TAG, old_tag),
    Case(Outcome.SUPERSEDED, Reason.BRANCH_MOVED, branch_moved_while_ci_looks),
    Case(Outcome.SUPERSEDED, Reason.HUMAN_COMMIT, human_commit_on_the_fix),
    Case(Outcome.UNVERIFIED, Reason.CI_NEVER_STARTED, switched_off, "switched off"),
    Case(Outcome.IGNORED, Reason.FIX_REVERTED, reverted_fix),
    Case(Outcome.NEEDS_HUMAN, Reason.NO_FAILED_JOB, workflow_file_that_does_not_parse),
    Case(Outcome.FIXED, Reason.GREEN, other_default_branch),
    Case(Outcome.FIXED, Reason.GREEN, renamed_meanwhile),
    Case(Outcome.SUPERSEDED, Reason.BRANCH_MOVED, rewritten_while_ci_looks),
    Case(Outcome.SUPERSEDED, Reason.BRANCH_MOVED, deleted_while_ci_looks),
    Case(Outcome.STOPPED, Reason.PULL_REQUEST_CLOSED, closed_by_hand),
    Case(Outcome.UNVERIFIED, Reason.MERGED_EARLY, merged_by_hand),
    Case(Outcome.FIXED, Reason.GREEN, matrix),
    Case(Outcome.FIXED, Reason.GREEN, two_runs_of_one_push),
    Case(Outcome.STOPPED, Reason.STOP_ORDERED, ordered_by_comment, "by dev"),
)


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    settings = {"REGREEN_CI_APPEARANCE": "10s", "REGREEN_CI_POLL": "2s"}
    async with Stage(settings=settings, hub_runs=4) as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.story.__name__)
async def test_it_ends_as_promised(stage: Stage, case: Case) -> None:
    play = Play(stage, case.story.__name__.replace("_", "-"))
    await stage.add_repository(play.full_name)
    result = await play.ending(await case.story(play))
    assert (result.outcome, result.reason) == (case.outcome, case.reason), result.detail
    assert case.says in result.detail
