"""Every ending that the demo does not show, on real parts; `tests/support/outcomes.py` tells the stories."""

from collections.abc import AsyncIterator

import pytest

from localhub.records import PullRequest
from localhub.stage import Stage
from outcomes import CASES, SETTINGS, Play
from workflows.models import Outcome
from workflows.naming import fix_branch, parse_remediation_id

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage(settings=SETTINGS) as running:
        yield running


@pytest.fixture
async def play(request: pytest.FixtureRequest, stage: Stage) -> Play:
    outcome: Outcome = request.param
    return Play(stage, CASES[outcome])


def playing(outcome: Outcome) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("play", [outcome], indirect=True, ids=[outcome])


async def fix_tip(play: Play) -> str | None:
    _, run_id = parse_remediation_id(play.handle.id) or ("", 0)
    return await play.repository.git.ref(f"refs/heads/{fix_branch(run_id)}")


def only_pull_request(play: Play) -> PullRequest:
    [pull_request] = play.repository.pulls.values()
    return pull_request


def only_comment(play: Play) -> str:
    [comment] = play.repository.comments.values()
    return comment.body


@playing(Outcome.FLAKY)
async def test_a_failure_that_a_rerun_clears_changes_nothing(play: Play) -> None:
    await play.run()
    broken = list(play.repository.runs.values())[-1]
    assert [attempt.conclusion for attempt in broken.attempts] == ["failure", "success"]
    assert await fix_tip(play) is None
    assert play.repository.pulls == {}
    assert "a rerun of the same commit was green" in only_comment(play)


@playing(Outcome.DIAGNOSED)
async def test_another_bots_branch_gets_an_explanation_and_no_commit(play: Play) -> None:
    result = await play.run()
    assert "F401" in result.root_cause
    assert await fix_tip(play) is None
    assert play.repository.pulls == {}
    assert "belongs to another bot" in only_comment(play)


@playing(Outcome.EXHAUSTED)
async def test_three_attempts_land_on_one_pull_request_and_there_is_no_fourth(play: Play) -> None:
    result = await play.run()
    pull_request = only_pull_request(play)
    assert [record.recipe for record in result.attempts] == ["ruff-format", "ruff-check", "isort"]
    assert [record.ci for record in result.attempts] == ["red", "red", "red"]
    assert [commit.sha for commit in pull_request.commits] == [
        record.commit_sha for record in result.attempts
    ]
    assert pull_request.state == "open"
    assert "Every attempt was used" in only_comment(play)


@playing(Outcome.STOPPED)
async def test_an_order_to_stop_while_ci_is_at_work_closes_the_pull_request(play: Play) -> None:
    await play.run()
    pull_request = only_pull_request(play)
    assert (pull_request.state, pull_request.merged_at) == ("closed", None)


@playing(Outcome.SUPERSEDED)
async def test_an_approval_that_comes_after_a_newer_commit_publishes_nothing(play: Play) -> None:
    await play.run()
    assert await fix_tip(play) is None
    assert play.repository.pulls == {}


@playing(Outcome.UNVERIFIED)
async def test_a_fix_that_no_ci_ever_looked_at_is_not_called_fixed(play: Play) -> None:
    await play.run()
    assert only_pull_request(play).state == "open"
    assert "No check ever started on the fix" in only_comment(play)
