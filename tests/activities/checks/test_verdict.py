from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.checks.verdict import (
    Before,
    CheckFact,
    CheckKey,
    RunFact,
    failing,
    judge,
    newest,
    unproved,
)
from workflows.models import CiVerdict

OURS = 1
GREEN, RED, PENDING, BLOCKED = CiVerdict.GREEN, CiVerdict.RED, CiVerdict.PENDING, CiVerdict.BLOCKED


def run(
    conclusion: str | None,
    *,
    workflow: int = OURS,
    run_id: int = 10,
    event: str = "push",
    status: str = "completed",
    attempt: int = 1,
) -> RunFact:
    path = f".github/workflows/{workflow}.yml"
    return RunFact(run_id, attempt, workflow, event, path, f"workflow {workflow}", status, conclusion)


def check(conclusion: str | None, *, app: str = "codecov", status: str = "completed") -> CheckFact:
    return CheckFact(app, "patch", status, conclusion)


def going(
    workflow: int = OURS, status: str = "in_progress", run_id: int = 10, event: str = "push"
) -> RunFact:
    return run(None, workflow=workflow, status=status, run_id=run_id, event=event)


@dataclass
class Case:
    says: str
    verdict: CiVerdict
    runs: list[RunFact] = field(default_factory=list)
    checks: list[CheckFact] = field(default_factory=list)
    red_before: frozenset[CheckKey] = frozenset()
    required: frozenset[str] = frozenset()


PATCH = frozenset({"patch"})
OTHER_WAS_RED = frozenset({("workflow", "2")})
CHECK_WAS_RED = frozenset({("codecov", "patch")})

CASES = [
    Case("nothing has appeared", CiVerdict.ABSENT),
    Case("only another workflow is green", CiVerdict.ABSENT, [run("success", workflow=2)]),
    Case("only another App's check is green", CiVerdict.ABSENT, [], [check("success")]),
    Case("ours is green", GREEN, [run("success")]),
    Case("ours failed", RED, [run("failure")]),
    Case("ours did not start", RED, [run("startup_failure")]),
    Case("ours is queued", PENDING, [going(status="queued")]),
    Case("ours is waiting", PENDING, [going(status="waiting")]),
    Case("ours is requested", PENDING, [going(status="requested")]),
    Case("ours has a status of tomorrow", PENDING, [going(status="marinating")]),
    Case("ours was cancelled", CiVerdict.CANCELLED, [run("cancelled")]),
    Case("ours went stale", CiVerdict.CANCELLED, [run("stale")]),
    Case("ours timed out", CiVerdict.TIMED_OUT, [run("timed_out")]),
    Case("ours waits for a human", CiVerdict.ACTION_REQUIRED, [run("action_required")]),
    Case("ours was skipped", CiVerdict.SKIPPED, [run("skipped")]),
    Case("ours was neutral", CiVerdict.SKIPPED, [run("neutral")]),
    Case("ours ended in a word of tomorrow", CiVerdict.CANCELLED, [run("splendid")]),
    Case("ours ended without a conclusion", CiVerdict.CANCELLED, [run(None)]),
    Case("both events are green", GREEN, [run("success"), run("success", run_id=11, event="pull_request")]),
    Case(
        "one event is green, one red", RED, [run("success"), run("failure", run_id=11, event="pull_request")]
    ),
    Case("one event is green, one going", PENDING, [run("success"), going(run_id=11, event="pull_request")]),
    Case("one event is red, one going", RED, [run("failure"), going(run_id=11, event="pull_request")]),
    Case("one event is green, one skipped", GREEN, [run("success"), run("skipped", run_id=11, event="x")]),
    Case(
        "one event is green, one cancelled",
        CiVerdict.CANCELLED,
        [run("success"), run("cancelled", event="x")],
    ),
    Case("a newer run replaced a cancelled one", GREEN, [run("cancelled"), run("success", run_id=11)]),
    Case("a newer run replaced a red one", PENDING, [run("failure"), going(run_id=11)]),
    Case("an older green run does not count", RED, [run("success"), run("failure", run_id=11)]),
    Case("the order of the listing does not matter", GREEN, [run("success", run_id=11), run("failure")]),
    Case("another workflow broke", RED, [run("success"), run("failure", workflow=2)]),
    Case("another timed out", RED, [run("success"), run("timed_out", workflow=2)]),
    Case("another was red before", GREEN, [run("success"), run("failure", workflow=2)], [], OTHER_WAS_RED),
    Case("another is going", PENDING, [run("success"), going(workflow=2)]),
    Case("another was skipped", GREEN, [run("success"), run("skipped", workflow=2)]),
    Case("another was cancelled", GREEN, [run("success"), run("cancelled", workflow=2)]),
    Case("another is stale", GREEN, [run("success"), run("stale", workflow=2)]),
    Case("another waits for a human", GREEN, [run("success"), run("action_required", workflow=2)]),
    Case(
        "another ended in a word of tomorrow", CiVerdict.CANCELLED, [run("success"), run("odd", workflow=2)]
    ),
    Case("another broke while ours is going", RED, [going(), run("failure", workflow=2)]),
    Case("another broke before ours appeared", RED, [run("failure", workflow=2)]),
    Case("ours is red while another is going", RED, [run("failure"), going(workflow=2)]),
    Case("ours is cancelled while another is going", PENDING, [run("cancelled"), going(workflow=2)]),
    Case("ours was red before and still is", RED, [run("failure")], [], frozenset({("workflow", "1")})),
    Case("another waits for a deployment's approval", GREEN, [run("success"), going(2, "waiting")]),
    Case("a check nobody requires broke", GREEN, [run("success")], [check("failure")]),
    Case("a check nobody requires is going", GREEN, [run("success")], [check(None, status="queued")]),
    Case("a check nobody requires ended in a word of tomorrow", GREEN, [run("success")], [check("odd")]),
    Case("a required check passed", GREEN, [run("success")], [check("success")], required=PATCH),
    Case("a required check is neutral", GREEN, [run("success")], [check("neutral")], required=PATCH),
    Case("a required check was skipped", GREEN, [run("success")], [check("skipped")], required=PATCH),
    Case("a required check broke", BLOCKED, [run("success")], [check("failure")], required=PATCH),
    Case("a required check was cancelled", BLOCKED, [run("success")], [check("cancelled")], required=PATCH),
    Case("a required check is stale", BLOCKED, [run("success")], [check("stale")], required=PATCH),
    Case(
        "a required check waits for a human",
        BLOCKED,
        [run("success")],
        [check("action_required")],
        required=PATCH,
    ),
    Case("a required check timed out", BLOCKED, [run("success")], [check("timed_out")], required=PATCH),
    Case(
        "a required check ended in a word of tomorrow",
        BLOCKED,
        [run("success")],
        [check("odd")],
        required=PATCH,
    ),
    Case(
        "a required check was red before", GREEN, [run("success")], [check("failure")], CHECK_WAS_RED, PATCH
    ),
    Case(
        "the same check of another App was red before",
        BLOCKED,
        [run("success")],
        [check("failure", app="x")],
        CHECK_WAS_RED,
        PATCH,
    ),
    Case(
        "a required check is going", PENDING, [run("success")], [check(None, status="queued")], required=PATCH
    ),
    Case(
        "a required check called success that is not done",
        PENDING,
        [run("success")],
        [check("success", status="pending")],
        required=PATCH,
    ),
    Case("ours failed and a required check broke", RED, [run("failure")], [check("failure")], required=PATCH),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_the_verdict_when(case: Case) -> None:
    before = Before(case.red_before, case.required)
    assert judge(OURS, case.runs, case.checks, before).verdict is case.verdict


@pytest.mark.parametrize("conclusion", [None, "", "SUCCESS", "ok", "failure", "skipped", "stale"])
def test_nothing_but_the_word_success_is_green(conclusion: str | None) -> None:
    assert judge(OURS, [run(conclusion)], []).verdict is not GREEN


def test_a_red_verdict_names_the_run_to_look_into() -> None:
    ours = run("failure", run_id=20, attempt=3)
    verdict = judge(OURS, [run("failure", workflow=2, run_id=30), ours], [])
    assert verdict.failed == ours


def test_a_red_check_beside_a_green_fix_is_named() -> None:
    assert judge(OURS, [run("success")], [check("failure")]).also_red == ("patch",)


def test_a_required_check_that_is_red_is_named_with_its_app() -> None:
    verdict = judge(OURS, [run("success")], [check("failure")], Before(required=PATCH))
    assert verdict.detail == "patch of codecov ended as failure."


WORDS = st.one_of(
    st.none(), st.text(max_size=20), st.sampled_from(["success", "failure", "neutral", "skipped"])
)
STATUSES = st.one_of(st.sampled_from(["completed", "queued", "in_progress", "waiting"]), st.text(max_size=12))
RUNS = st.lists(
    st.builds(
        run,
        WORDS,
        workflow=st.integers(1, 3),
        run_id=st.integers(1, 9),
        event=st.sampled_from(["push", "pull_request"]),
        status=STATUSES,
        attempt=st.integers(1, 3),
    )
)
CHECKS = st.lists(st.builds(check, WORDS, app=st.sampled_from(["codecov", "status"]), status=STATUSES))


@given(RUNS, CHECKS, st.sampled_from([frozenset[str](), PATCH]))
def test_green_is_only_what_completed_as_success_in_the_workflow_that_failed(
    runs: list[RunFact], checks: list[CheckFact], required: frozenset[str]
) -> None:
    if judge(OURS, runs, checks, Before(required=required)).verdict is not GREEN:
        return
    own = [each for each in newest(runs) if each.workflow_id == OURS]
    assert all(each.status == "completed" for each in own)
    assert "success" in {each.conclusion for each in own}
    assert {each.conclusion for each in own} <= {"success", "skipped", "neutral"}
    assert not required or {each.conclusion for each in checks} <= {"success", "skipped", "neutral"}


@given(RUNS, CHECKS)
def test_a_word_that_github_adds_to_our_workflow_is_never_green(
    runs: list[RunFact], checks: list[CheckFact]
) -> None:
    strange = run("splendid", run_id=10)
    assert judge(OURS, [*runs, strange], checks).verdict is not GREEN


@pytest.mark.parametrize(
    ("failed", "jobs", "missing"),
    [
        (["lint"], [("lint", "success")], None),
        (["lint"], [("lint", "skipped"), ("test", "success")], "lint"),
        (["lint"], [("lint", "neutral")], "lint"),
        (["lint"], [("lint", None)], "lint"),
        (["lint"], [("test", "success")], "lint"),
        (["lint"], [("lint", "skipped"), ("lint", "success")], None),
        (["lint"], [("lint", "failure"), ("lint", "success")], None),
        (["test (3.11)", "test (3.12)"], [("test (3.11)", "success"), ("test (3.12)", "success")], None),
        (
            ["test (3.11)", "test (3.12)"],
            [("test (3.11)", "success"), ("test (3.12)", "skipped")],
            "test (3.12)",
        ),
        (["test (3.11)"], [("test (3.13)", "success")], None),
        (["test (3.11)"], [("test", "skipped")], "test (3.11)"),
        (["call / lint"], [("call / lint", "success")], None),
        (["call / lint"], [("call", "skipped"), ("other / lint", "success")], "call / lint"),
        (["call (1) / lint"], [("call (2) / lint", "success")], None),
        ([], [], None),
    ],
)
def test_a_green_run_proves_only_the_jobs_that_succeeded_in_it(
    failed: list[str], jobs: list[tuple[str, str | None]], missing: str | None
) -> None:
    assert unproved(failed, jobs) == missing


def test_what_was_red_is_told_by_the_newest_run_of_each_workflow() -> None:
    runs = [run("failure", workflow=2), run("success", workflow=2, run_id=11), run("timed_out", workflow=3)]
    assert failing(runs, [check("failure"), check("neutral", app="x")]) == {
        ("workflow", "3"),
        ("codecov", "patch"),
    }
