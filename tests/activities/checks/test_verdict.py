from dataclasses import dataclass, field

import pytest

from activities.checks.verdict import CheckFact, CheckKey, RunFact, failing, judge
from workflows.models import CiVerdict

OURS = 1
GREEN, RED, PENDING = CiVerdict.GREEN, CiVerdict.RED, CiVerdict.PENDING


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
    Case("ours was skipped", CiVerdict.ABSENT, [run("skipped")]),
    Case("ours was neutral", CiVerdict.ABSENT, [run("neutral")]),
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
    Case("a check broke", RED, [run("success")], [check("failure")]),
    Case("a check was red before", GREEN, [run("success")], [check("failure")], CHECK_WAS_RED),
    Case(
        "the same check of another App was red before",
        RED,
        [run("success")],
        [check("failure", app="x")],
        CHECK_WAS_RED,
    ),
    Case("a check is going", PENDING, [run("success")], [check(None, status="queued")]),
    Case("a check is neutral", GREEN, [run("success")], [check("neutral")]),
    Case("a check ended in a word of tomorrow", CiVerdict.CANCELLED, [run("success")], [check("odd")]),
    Case(
        "a check called success that is not done",
        PENDING,
        [run("success")],
        [check("success", status="pending")],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_the_verdict_when(case: Case) -> None:
    assert judge(OURS, case.runs, case.checks, case.red_before).verdict is case.verdict


@pytest.mark.parametrize("conclusion", [None, "", "SUCCESS", "ok", "failure", "skipped", "stale"])
def test_nothing_but_the_word_success_is_green(conclusion: str | None) -> None:
    assert judge(OURS, [run(conclusion)], []).verdict is not GREEN


def test_a_red_verdict_names_the_run_to_look_into() -> None:
    ours = run("failure", run_id=20, attempt=3)
    verdict = judge(OURS, [run("failure", workflow=2, run_id=30), ours], [])
    assert verdict.failed == ours


def test_a_red_check_has_no_run_to_look_into() -> None:
    assert judge(OURS, [run("success")], [check("failure")]).failed is None


def test_a_red_run_is_named_before_a_red_check() -> None:
    other = run("failure", workflow=2)
    assert judge(OURS, [run("success"), other], [check("failure")]).failed == other


def test_what_was_red_is_told_by_the_newest_run_of_each_workflow() -> None:
    runs = [run("failure", workflow=2), run("success", workflow=2, run_id=11), run("timed_out", workflow=3)]
    assert failing(runs, [check("failure"), check("neutral", app="x")]) == {
        ("workflow", "3"),
        ("codecov", "patch"),
    }
