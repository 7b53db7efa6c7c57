import json
from typing import Any
from urllib.parse import quote, unquote

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities.checks.activity import ChecksActivities
from activities.publishing.switch import WriteSwitch
from scripted_wire import API, ScriptedWire, answer
from workflows.models import (
    ChecksReading,
    ChecksRequest,
    CiVerdict,
    RerunRequest,
    RerunState,
    RunSnapshot,
    TriageRequest,
)

REPOSITORY = "acme/widgets"
ROOT = "/repos/acme/widgets"
RUN = f"{ROOT}/actions/runs/7"
HEAD, TIP, BASE = "a" * 40, "b" * 40, "c" * 40


def a_run(**changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 3,
        "name": "CI",
        "path": ".github/workflows/ci.yml",
        "event": "push",
        "head_branch": "topic",
        "head_sha": HEAD,
        "html_url": "https://github.com/acme/widgets/actions/runs/7",
        "created_at": "2026-01-02T03:04:05Z",
        "head_repository": {"full_name": REPOSITORY},
        "repository": {"full_name": REPOSITORY},
        "head_commit": {"message": "Break it", "author": {"name": "Ada", "email": "ada@example.com"}},
        "actor": {"login": "ada", "type": "User"},
        **changes,
    }


def a_pull(number: int = 5, **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "html_url": f"https://github.com/acme/widgets/pull/{number}",
        "state": "open",
        "merged_at": None,
        "head": {"ref": "topic", "repo": {"full_name": REPOSITORY}},
        "base": {"ref": "main"},
        **changes,
    }


def a_ref(branch: str, sha: str) -> httpx2.Response:
    return answer(200, {"ref": f"refs/heads/{branch}", "object": {"sha": sha, "type": "commit"}})


@pytest.fixture
def wire() -> ScriptedWire:
    scripted = ScriptedWire()
    scripted.on("GET", ROOT, answer(200, {"default_branch": "main"}))
    return scripted


def activities(wire: ScriptedWire) -> ChecksActivities:
    github = wire.github()
    return ChecksActivities(github, WriteSwitch(github))


async def read_run(wire: ScriptedWire, **changes: Any) -> RunSnapshot:
    wire.on("GET", RUN, answer(200, a_run(**changes)))
    request = TriageRequest(
        repository=REPOSITORY, run_id=7, run_attempt=1, skip_marker="[skip-ci-remediation]"
    )
    return await activities(wire).read_run(request)


async def test_a_failed_run_is_read_with_its_branch_and_pull_request(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/topic", a_ref("topic", TIP))
    wire.on("GET", f"{ROOT}/pulls", answer(200, [a_pull()]))
    base_run = a_run(id=6, run_attempt=4, head_branch="main", head_sha=BASE)
    wire.on("GET", f"{ROOT}/actions/workflows/3/runs", answer(200, {"workflow_runs": [base_run]}))
    found = await read_run(wire)
    assert (found.run_id, found.conclusion, found.workflow_name) == (7, "failure", "CI")
    assert (found.branch_tip, found.pull_request, found.pull_request_open) == (TIP, 5, True)
    assert (found.base_branch, found.base_failed_run, found.base_failed_run_attempt) == ("main", 6, 4)
    assert (found.default_branch, found.author, found.fix_branch_exists) == ("main", "ada", False)
    assert (found.head_is_fork, found.head_is_bot, found.skip_marker) == (False, False, False)


async def test_a_branch_without_a_pull_request_is_compared_with_the_default_branch(
    wire: ScriptedWire,
) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/topic", a_ref("topic", HEAD))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    on_main = a_run(id=6, run_attempt=2, head_branch="main")
    wire.on("GET", f"{ROOT}/actions/workflows/3/runs?branch=main", answer(200, {"workflow_runs": [on_main]}))
    found = await read_run(wire)
    assert (found.pull_request, found.base_branch) == (None, None)
    assert (found.base_failed_run, found.base_failed_run_attempt) == (6, 2)


async def test_the_default_branch_has_no_base_to_blame(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/main", a_ref("main", HEAD))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    assert (await read_run(wire, head_branch="main")).base_failed_run is None
    assert not [path for path in wire.paths() if "/workflows/" in path]


async def test_a_green_base_is_no_excuse(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, [a_pull()]))
    green = a_run(id=6, conclusion="success")
    wire.on("GET", f"{ROOT}/actions/workflows/3/runs", answer(200, {"workflow_runs": [green]}))
    assert (await read_run(wire)).base_failed_run is None


async def test_a_forks_branch_named_like_the_base_is_not_the_base(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, [a_pull()]))
    stranger = a_run(id=9, head_repository={"full_name": "stranger/widgets"})
    base = a_run(id=6, conclusion="success")
    wire.on("GET", f"{ROOT}/actions/workflows/3/runs", answer(200, {"workflow_runs": [stranger, base]}))
    assert (await read_run(wire)).base_failed_run is None


async def test_a_deleted_branch_has_no_tip_and_a_fix_branch_is_seen(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/regreen/7", a_ref("regreen/7", TIP))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    found = await read_run(wire)
    assert found.branch_tip is None
    assert found.fix_branch_exists


async def test_an_open_pull_request_is_preferred_to_a_newer_closed_one(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, [a_pull(9, state="closed"), a_pull(5)]))
    found = await read_run(wire)
    assert (found.pull_request, found.pull_request_open) == (5, True)


async def test_a_merged_pull_request_is_known_and_not_open(wire: ScriptedWire) -> None:
    merged = a_pull(state="closed", merged_at="2026-01-02T03:04:05Z")
    wire.on("GET", f"{ROOT}/pulls", answer(200, [merged]))
    found = await read_run(wire)
    assert (found.pull_request, found.pull_request_open) == (5, False)


@pytest.mark.parametrize("head", [{"full_name": "stranger/widgets"}, None])
async def test_a_forks_head_is_a_fork_and_its_branch_is_not_looked_up_here(
    wire: ScriptedWire, head: dict[str, str] | None
) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    found = await read_run(wire, head_repository=head)
    assert found.head_is_fork
    assert found.branch_tip is None
    assert f"{ROOT}/git/ref/heads/topic" not in wire.paths()


async def test_a_renamed_repository_is_not_a_fork_of_itself(wire: ScriptedWire) -> None:
    renamed = {"full_name": "acme/gadgets"}
    wire.on("GET", "/repos/acme/gadgets/git/ref/heads/topic", a_ref("topic", HEAD))
    wire.on("GET", "/repos/acme/gadgets/pulls", answer(200, []))
    found = await read_run(wire, repository=renamed, head_repository=renamed)
    assert not found.head_is_fork
    assert found.branch_tip == HEAD


@pytest.mark.parametrize(
    ("changes", "is_bot"),
    [
        ({}, False),
        ({"actor": {"login": "dependabot[bot]", "type": "Bot"}}, True),
        ({"head_branch": "dependabot/npm/left-pad"}, True),
        ({"head_branch": "renovate/pytest"}, True),
        ({"head_commit": {"message": "x", "author": {"name": "pre-commit-ci[bot]"}}}, True),
        ({"head_branch": "regreen/8", "actor": {"login": "regreen[bot]", "type": "Bot"}}, False),
        ({"head_branch": "regreen/7/more", "actor": {"login": "x[bot]", "type": "Bot"}}, True),
        ({"head_branch": "robots/dependabot"}, False),
        ({"actor": None, "head_commit": None}, False),
    ],
)
async def test_another_bots_branch_is_known_by_its_actor_author_or_prefix(
    wire: ScriptedWire, changes: dict[str, Any], *, is_bot: bool
) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    wire.on("GET", f"{ROOT}/commits/{HEAD}", answer(200, {"author": {"login": "regreen[bot]"}}))
    wire.on("GET", "/user", answer(200, {"login": "regreen[bot]"}))
    assert (await read_run(wire, **changes)).head_is_bot is is_bot


async def test_what_a_bot_pushes_to_the_default_branch_is_not_the_bots(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/main", a_ref("main", HEAD))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    merged = {"message": "Bump x", "author": {"name": "dependabot[bot]"}}
    actor = {"login": "github-actions[bot]", "type": "Bot"}
    assert not (await read_run(wire, head_branch="main", actor=actor, head_commit=merged)).head_is_bot


@pytest.mark.parametrize("message", ["wip [skip-ci-remediation]", "wip\n\n[SKIP-CI-Remediation] please"])
async def test_the_skip_marker_is_found_anywhere_in_any_case(wire: ScriptedWire, message: str) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    assert (await read_run(wire, head_commit={"message": message, "author": None})).skip_marker


async def test_a_bots_login_or_a_malformed_one_is_never_the_author(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    assert (await read_run(wire, actor={"login": "x @everyone", "type": "User"})).author == ""


async def test_a_managed_user_of_an_enterprise_is_an_author(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    assert (await read_run(wire, actor={"login": "ada_acme", "type": "User"})).author == "ada_acme"


async def test_a_run_that_is_gone_is_a_permanent_error_of_its_kind(wire: ScriptedWire) -> None:
    request = TriageRequest(repository=REPOSITORY, run_id=8, run_attempt=1, skip_marker="[x]")
    with pytest.raises(ApplicationError) as caught:
        await activities(wire).read_run(request)
    assert (caught.value.type, caught.value.non_retryable) == ("not_found", True)


async def test_a_cut_connection_is_an_error_to_retry(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, httpx2.ReadError("cut"))
    request = TriageRequest(repository=REPOSITORY, run_id=7, run_attempt=1, skip_marker="[x]")
    with pytest.raises(ApplicationError) as caught:
        await activities(wire).read_run(request)
    assert (caught.value.type, caught.value.non_retryable) == ("unavailable", False)


# ── where a run's commit belongs ────────────────────────────────────────────────────────────────────────────

QUEUED = f"gh-readonly-queue/release/2.x/pr-5-{BASE}"


async def test_a_merge_queues_entry_is_known_with_the_pull_request_it_tests(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/pulls/5", answer(200, a_pull(base={"ref": "release/2.x"})))
    actor = {"login": "github-merge-queue[bot]", "type": "Bot"}
    found = await read_run(wire, event="merge_group", head_branch=QUEUED, actor=actor)
    assert (found.merge_queue, found.head_is_bot) == (True, False)
    assert (found.pull_request, found.pull_request_open, found.base_branch) == (5, True, "release/2.x")
    assert not [path for path in wire.paths() if "gh-readonly-queue" in path]


async def test_a_branch_that_is_only_named_like_the_merge_queue_is_an_ordinary_one(
    wire: ScriptedWire,
) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/{QUEUED}", a_ref(QUEUED, HEAD))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    found = await read_run(wire, event="push", head_branch=QUEUED)
    assert (found.merge_queue, found.branch_tip) == (False, HEAD)


@pytest.mark.parametrize("event", ["push", "release", "workflow_dispatch"])
@pytest.mark.parametrize("tip", [HEAD, TIP])
async def test_a_tags_run_is_for_the_default_branch(wire: ScriptedWire, event: str, tip: str) -> None:
    wire.on("GET", f"{ROOT}/git/ref/tags/v1.0", a_ref("v1.0", BASE))
    wire.on("GET", f"{ROOT}/git/ref/heads/main", a_ref("main", tip))
    found = await read_run(wire, event=event, head_branch="v1.0")
    assert (found.tag, found.target_branch, found.branch_tip) == (True, "main", tip)


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch", "repository_dispatch"])
async def test_what_a_clock_or_a_person_started_belongs_to_its_branch(wire: ScriptedWire, event: str) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/trunk", a_ref("trunk", HEAD))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    found = await read_run(wire, event=event, head_branch="trunk")
    assert (found.tag, found.target_branch, found.branch_tip) == (False, "trunk", HEAD)


@pytest.mark.parametrize(
    ("author", "taken"), [({"login": "Regreen[bot]"}, False), ({"login": "ada"}, True), (None, True)]
)
async def test_a_fix_branch_is_ours_by_its_name_and_its_commits_author(
    wire: ScriptedWire, author: dict[str, str] | None, *, taken: bool
) -> None:
    wire.on("GET", f"{ROOT}/git/ref/heads/regreen/8", a_ref("regreen/8", HEAD))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    wire.on("GET", f"{ROOT}/commits/{HEAD}", answer(200, {"author": author}))
    wire.on("GET", "/user", answer(200, {"login": "regreen[bot]"}))
    assert (await read_run(wire, head_branch="regreen/8")).fix_branch_taken is taken


ODD_NAMES = [
    "feat/ü#1%",
    "a+b",
    "v1.2.x",
    "🚀/launch",
    "refs/heads/x",
    "a&b=c",
    "what,now;then",
    "100%25",
    "@me",
    "a'b\"c`$(id)",
]


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_branch_with_an_odd_name_is_found_by_just_that_name(wire: ScriptedWire, name: str) -> None:
    asked: list[str] = []

    def here(request: httpx2.Request) -> httpx2.Response:
        asked.append(unquote(request.url.raw_path.decode().partition("?")[0]))
        return a_ref(name, HEAD)

    wire.on("GET", API + quote(f"{ROOT}/git/ref/heads/{name}"), here)
    wire.on(
        "GET", f"{ROOT}/pulls", answer(200, [a_pull(head={"ref": name, "repo": {"full_name": REPOSITORY}})])
    )
    found = await read_run(wire, head_branch=name)
    assert (found.head_branch, found.branch_tip, found.pull_request) == (name, HEAD, 5)
    assert asked == [f"{ROOT}/git/ref/heads/{name}"]
    [listing] = [each for each in wire.asked if each.url.path == f"{ROOT}/pulls"]
    assert listing.url.params["head"] == f"acme:{name}"


# ── read_checks ─────────────────────────────────────────────────────────────────────────────────────────────


def commit_says(
    wire: ScriptedWire,
    sha: str,
    runs: list[dict[str, Any]],
    checks: list[dict[str, Any]],
    statuses: httpx2.Response | None = None,
) -> None:
    wire.on("GET", f"{ROOT}/commits/{sha}/check-runs", answer(200, {"check_runs": checks}))
    wire.on("GET", f"{ROOT}/actions/runs?head_sha={sha}", answer(200, {"workflow_runs": runs}))
    wire.on("GET", f"{ROOT}/commits/{sha}/status", statuses or answer(200, {"statuses": []}))


def a_check(app: str, conclusion: str | None) -> dict[str, Any]:
    status = "completed" if conclusion else "in_progress"
    return {"id": 1, "name": "c", "status": status, "conclusion": conclusion, "app": {"slug": app}}


def a_job(name: str, conclusion: str | None) -> dict[str, Any]:
    return {"id": 1, "run_id": 7, "name": name, "conclusion": conclusion, "head_sha": HEAD}


def checks_request(**changes: Any) -> ChecksRequest:
    return ChecksRequest(repository=REPOSITORY, workflow_id=3, head_sha=HEAD, baseline_sha=BASE, **changes)


async def test_a_green_fix_is_read_with_one_look_at_its_commit(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [a_run(conclusion="success")], [a_check("github-actions", "failure")])
    found = await activities(wire).read_checks(checks_request())
    assert found.verdict is CiVerdict.GREEN
    assert len(wire.asked) == 3


async def test_a_red_fix_names_the_run_attempt_and_file_to_learn_from(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [a_run(id=12, run_attempt=2)], [])
    found = await activities(wire).read_checks(checks_request())
    assert found.verdict is CiVerdict.RED
    assert (found.failed_run_id, found.failed_run_attempt, found.failed_run_path) == (
        12,
        2,
        ".github/workflows/ci.yml",
    )


async def test_what_was_red_before_is_looked_up_only_when_something_else_is_red(wire: ScriptedWire) -> None:
    other = a_run(id=13, workflow_id=4, name="Other")
    commit_says(wire, HEAD, [a_run(conclusion="success"), other], [a_check("codecov", "failure")])
    commit_says(wire, BASE, [a_run(id=2, workflow_id=4)], [a_check("codecov", "failure")])
    found = await activities(wire).read_checks(checks_request())
    assert (found.verdict, found.also_red) == (CiVerdict.GREEN, ("Other", "c"))


RULES = f"{ROOT}/rules/branches/main"
PROTECTION = f"{ROOT}/branches/main"


def a_rule(*contexts: str) -> dict[str, Any]:
    required = [{"context": context, "integration_id": 1} for context in contexts]
    return {"type": "required_status_checks", "parameters": {"required_status_checks": required}}


async def read_with_pull_request(wire: ScriptedWire) -> ChecksReading:
    wire.on("GET", f"{ROOT}/pulls/6", answer(200, a_pull(6)))
    return await activities(wire).read_checks(checks_request(pull_request=6))


@pytest.mark.parametrize("by", ["ruleset", "protection"])
async def test_a_red_check_that_the_base_requires_is_not_passed_over(wire: ScriptedWire, by: str) -> None:
    commit_says(wire, HEAD, [a_run(conclusion="success")], [a_check("codecov", "failure")])
    commit_says(wire, BASE, [], [])
    if by == "ruleset":
        wire.on("GET", RULES, answer(200, [{"type": "deletion"}, a_rule("lint", "c")]))
    else:
        protection = {"required_status_checks": {"contexts": ["c"]}}
        wire.on("GET", PROTECTION, answer(200, {"name": "main", "protection": protection}))
    found = await read_with_pull_request(wire)
    assert (found.verdict, found.detail) == (CiVerdict.BLOCKED, "c of codecov ended as failure.")


async def test_a_red_check_that_nobody_requires_is_only_named(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [a_run(conclusion="success")], [a_check("codecov", "failure")])
    commit_says(wire, BASE, [], [])
    wire.on("GET", RULES, answer(403, {"message": "Upgrade to GitHub Pro to enable this feature."}))
    wire.on("GET", PROTECTION, answer(200, {"name": "main", "protection": {"enabled": False}}))
    found = await read_with_pull_request(wire)
    assert (found.verdict, found.also_red) == (CiVerdict.GREEN, ("c",))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("success", CiVerdict.GREEN),
        ("pending", CiVerdict.PENDING),
        ("failure", CiVerdict.BLOCKED),
        ("error", CiVerdict.BLOCKED),
        ("expected", CiVerdict.BLOCKED),
    ],
)
async def test_a_required_commit_status_counts_like_a_check(
    wire: ScriptedWire, state: str, verdict: CiVerdict
) -> None:
    statuses = answer(200, {"statuses": [{"context": "license/cla", "state": state}]})
    commit_says(wire, HEAD, [a_run(conclusion="success")], [], statuses)
    commit_says(wire, BASE, [], [])
    wire.on("GET", RULES, answer(200, [a_rule("license/cla")]))
    assert (await read_with_pull_request(wire)).verdict is verdict


async def test_without_the_permission_for_statuses_the_rest_still_counts(wire: ScriptedWire) -> None:
    refusal = answer(403, {"message": "Resource not accessible by integration"})
    commit_says(wire, HEAD, [a_run(conclusion="success")], [], refusal)
    assert (await activities(wire).read_checks(checks_request())).verdict is CiVerdict.GREEN


async def test_a_green_run_that_skipped_the_failed_job_proves_nothing(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [a_run(conclusion="success")], [])
    jobs = [a_job("lint", "skipped"), a_job("test", "success")]
    wire.on("GET", f"{RUN}/jobs", answer(200, {"jobs": jobs}))
    found = await activities(wire).read_checks(checks_request(failed_jobs=("lint",)))
    assert found.verdict is CiVerdict.SKIPPED
    assert "lint" in found.detail


async def test_a_rerun_of_the_failed_jobs_alone_is_judged_by_all_of_them(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [a_run(conclusion="success", run_attempt=2)], [])
    first = [a_job("test (1)", "success"), a_job("test (2)", "failure")]
    wire.on("GET", f"{RUN}/jobs?filter=all", answer(200, {"jobs": [*first, a_job("test (2)", "success")]}))
    request = checks_request(failed_jobs=("test (1)", "test (2)"))
    assert (await activities(wire).read_checks(request)).verdict is CiVerdict.GREEN


@pytest.mark.parametrize(("tip", "moved"), [(BASE, False), (TIP, True), (None, True)])
async def test_a_failing_branch_that_moved_on_or_is_gone_is_seen(
    wire: ScriptedWire, tip: str | None, *, moved: bool
) -> None:
    commit_says(wire, HEAD, [], [])
    if tip:
        wire.on("GET", f"{ROOT}/git/ref/heads/topic", a_ref("topic", tip))
    found = await activities(wire).read_checks(checks_request(failing_branch="topic"))
    assert found.failing_branch_moved is moved


async def test_a_failing_branch_forwarded_to_the_fix_has_merged_it(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [], [])
    wire.on("GET", f"{ROOT}/git/ref/heads/topic", a_ref("topic", HEAD))
    found = await activities(wire).read_checks(checks_request(failing_branch="topic"))
    assert (found.pull_request_merged, found.failing_branch_moved) == (True, False)


async def test_what_the_fix_broke_is_red(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [a_run(conclusion="success"), a_run(id=13, workflow_id=4)], [])
    commit_says(wire, BASE, [a_run(id=2, workflow_id=4, conclusion="success")], [])
    found = await activities(wire).read_checks(checks_request())
    assert (found.verdict, found.failed_run_id) == (CiVerdict.RED, 13)


async def test_runs_on_every_page_count(wire: ScriptedWire) -> None:
    wire.on("GET", f"{ROOT}/commits/{HEAD}/check-runs", answer(200, {"check_runs": []}))
    wire.on("GET", f"{ROOT}/commits/{HEAD}/status", answer(200, {"statuses": []}))
    following = {"link": f'<{API}{ROOT}/actions/runs?page=2&head_sha={HEAD}>; rel="next"'}

    def page(request: httpx2.Request) -> httpx2.Response:
        if request.url.params.get("page") == "2":
            return answer(200, {"workflow_runs": [a_run(conclusion="failure")]})
        return answer(200, {"workflow_runs": [a_run(workflow_id=4, conclusion="success")]}, following)

    wire.on("GET", f"{ROOT}/actions/runs", page)
    assert (await activities(wire).read_checks(checks_request())).verdict is CiVerdict.RED


async def test_the_fix_branch_and_pull_request_are_read_when_asked_for(wire: ScriptedWire) -> None:
    commit_says(wire, HEAD, [a_run(conclusion="success")], [])
    wire.on("GET", f"{ROOT}/git/ref/heads/regreen/7", a_ref("regreen/7", TIP))
    merged = a_pull(6, state="closed", merged_at="2026-01-02T03:04:05Z")
    wire.on("GET", f"{ROOT}/pulls/6", answer(200, merged))
    found = await activities(wire).read_checks(checks_request(fix_branch="regreen/7", pull_request=6))
    assert (found.branch_tip, found.pull_request_open, found.pull_request_merged) == (TIP, False, True)


# ── rerun_failed_jobs ───────────────────────────────────────────────────────────────────────────────────────

RERUN = f"{RUN}/rerun-failed-jobs"


def rerun_request() -> RerunRequest:
    return RerunRequest(repository=REPOSITORY, run_id=7, run_attempt=1)


async def test_a_rerun_starts_the_next_attempt(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, answer(200, a_run()))
    wire.on("POST", RERUN, answer(201, {}))
    found = await activities(wire).rerun_failed_jobs(rerun_request())
    assert (found.state, found.run_attempt) == (RerunState.STARTED, 2)
    assert json.loads(wire.asked[-1].content) == {}


async def test_a_rerun_that_was_started_already_is_not_started_again(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, answer(200, a_run(run_attempt=2, status="queued", conclusion=None)))
    found = await activities(wire).rerun_failed_jobs(rerun_request())
    assert (found.state, found.run_attempt) == (RerunState.STARTED, 2)
    assert wire.paths("POST") == []


async def test_a_rerun_whose_answer_was_lost_is_found_by_the_retry(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, answer(200, a_run()), answer(200, a_run(run_attempt=2)))
    wire.on("POST", RERUN, httpx2.ReadError("cut after the effect"))
    with pytest.raises(ApplicationError):
        await activities(wire).rerun_failed_jobs(rerun_request())
    found = await activities(wire).rerun_failed_jobs(rerun_request())
    assert (found.state, found.run_attempt) == (RerunState.STARTED, 2)
    assert len(wire.paths("POST")) == 1


async def test_without_the_permission_nothing_is_rerun(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, answer(200, a_run()))
    wire.on("POST", RERUN, answer(403, {"message": "Resource not accessible by integration"}))
    found = await activities(wire).rerun_failed_jobs(rerun_request())
    assert (found.state, found.run_attempt) == (RerunState.NOT_PERMITTED, 1)


async def test_a_refusal_because_it_runs_again_already_counts_as_started(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, answer(200, a_run()), answer(200, a_run(run_attempt=2)))
    wire.on("POST", RERUN, answer(403, {"message": "This workflow is already running"}))
    found = await activities(wire).rerun_failed_jobs(rerun_request())
    assert found.state is RerunState.STARTED


async def test_a_throttled_rerun_waits_as_github_asks(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, answer(200, a_run()))
    wire.on("POST", RERUN, answer(403, {"message": "secondary rate limit"}, {"retry-after": "30"}))
    with pytest.raises(ApplicationError) as caught:
        await activities(wire).rerun_failed_jobs(rerun_request())
    assert caught.value.next_retry_delay is not None
    assert caught.value.next_retry_delay.total_seconds() == 30


@pytest.mark.parametrize("notifies", [True, False])
async def test_a_run_s_standing_says_whether_humans_can_be_told(
    wire: ScriptedWire, *, notifies: bool
) -> None:
    wire.on("GET", RUN, answer(200, a_run()))
    wire.on("GET", f"{ROOT}/pulls", answer(200, []))
    wire.on("GET", f"{ROOT}/actions/runs", answer(200, {"workflow_runs": []}))
    github = wire.github()
    checks = ChecksActivities(github, WriteSwitch(github), notifies=notifies)
    request = TriageRequest(
        repository=REPOSITORY,
        run_id=7,
        run_attempt=1,
        skip_marker="[skip-ci-remediation]",
        with_standing=True,
    )
    standing = (await checks.read_run(request)).standing
    assert standing is not None
    assert standing.notifies is notifies
