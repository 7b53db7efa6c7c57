"""What may be taken away: only what is proved to be Regreen's, and that nobody needs any more."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.adapters.records import PullRequestRecord
from activities.publishing.own_branches import OwnBranch
from starter.commands.cleanup import Action, judge_fix, judge_simulation
from starter.remediations import Overview
from workflows.models import Outcome, Reason, RemediationResult
from workflows.naming import SIMULATION_TRAILER

TIP = "1" * 40
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SIMULATED = "regreen-simulation/lint/20260601T120000"


def overview(**changes: Any) -> Overview:
    facts: dict[str, Any] = {
        "workflow_id": "ci-remediation/acme/widgets/12",
        "open": False,
        "temporal_status": "completed",
        "started_at": NOW,
        "branch": "main",
        "pull_request": 5,
    }
    return Overview(**(facts | changes))


def result(head: str | None = TIP) -> RemediationResult:
    return RemediationResult(outcome=Outcome.FIXED, reason=Reason.GREEN, fix_head_sha=head)


def pull(state: str = "closed", *, merged: bool = False, number: int = 5) -> PullRequestRecord:
    return PullRequestRecord(number=number, html_url="", state=state, merged_at=NOW if merged else None)


def fix(*pulls: PullRequestRecord) -> OwnBranch:
    return OwnBranch("regreen/12", TIP, "Fix lint failure in run 12", pulls)


ENDED = (overview(), result())
WATCHED = overview(open=True, state="watching_merge", branch=SIMULATED)


@pytest.mark.parametrize(
    ("branch", "known", "action"),
    [
        (fix(pull(merged=True)), ENDED, Action.DELETE),
        (fix(pull()), ENDED, Action.DELETE),
        (fix(), ENDED, Action.DELETE),
        (fix(pull("open")), ENDED, Action.KEEP),
        (fix(pull("open")), (overview(branch=SIMULATED), result()), Action.CLOSE_AND_DELETE),
        (fix(pull("open")), (WATCHED, None), Action.CLOSE_AND_DELETE),
        # somebody else's pull request from Regreen's branch
        (fix(pull("open", number=6)), (overview(branch=SIMULATED), result()), Action.KEEP),
        (fix(pull("open", number=6)), (WATCHED, None), Action.KEEP),
        # not ended
        (fix(pull("open")), (overview(open=True, state="watching_merge"), None), Action.KEEP),
        (fix(pull()), (overview(open=True, state="awaiting_ci", branch=SIMULATED), None), Action.KEEP),
        (fix(), (WATCHED, None), Action.KEEP),
        # not proved to be what the remediation published
        (fix(pull()), None, Action.KEEP),
        (fix(pull()), (overview(), result(head="2" * 40)), Action.KEEP),
        (fix(pull()), (overview(), result(head=None)), Action.KEEP),
        (fix(pull()), (overview(temporal_status="terminated"), None), Action.KEEP),
    ],
)
def test_a_fix_branch_goes_only_when_it_is_proved_and_done_with(
    branch: OwnBranch, known: Any, action: Action
) -> None:
    item = judge_fix("acme/widgets", branch, known)
    assert item.action is action
    assert item.why
    assert (item.pull_request == 5) is (action is Action.CLOSE_AND_DELETE)


@pytest.mark.parametrize(
    ("message", "running", "action"),
    [
        (f"Tidy up\n\n{SIMULATION_TRAILER}\n", [], Action.DELETE),
        (f"Tidy up\n\n{SIMULATION_TRAILER}\n", [overview(open=True, branch="main")], Action.DELETE),
        (f"Tidy up\n\n{SIMULATION_TRAILER}\n", [overview(open=True, branch=SIMULATED)], Action.KEEP),
        ("A person's commit\n", [], Action.KEEP),
    ],
)
def test_a_simulation_s_branch_goes_when_nothing_repairs_it_any_more(
    message: str, running: list[Overview], action: Action
) -> None:
    branch = OwnBranch(SIMULATED, TIP, message)
    assert judge_simulation("acme/widgets", branch, running, set()).action is action
    ending = {each.workflow_id for each in running}
    with_endings = judge_simulation("acme/widgets", branch, running, ending).action
    assert (with_endings is Action.DELETE) is (SIMULATION_TRAILER in message)
