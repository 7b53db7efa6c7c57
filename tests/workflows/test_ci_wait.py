from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workflows.ci_wait import CiWait, after_checks, next_poll
from workflows.decisions import Ending
from workflows.models import ChecksReading, CiVerdict, Limits, Outcome

HEAD = "1" * 40
READINGS = st.builds(
    ChecksReading,
    verdict=st.sampled_from(CiVerdict),
    detail=st.text(max_size=20),
    branch_tip=st.sampled_from([HEAD, "2" * 40, None]),
    pull_request_open=st.booleans(),
    pull_request_merged=st.booleans(),
    failing_branch_moved=st.booleans(),
    also_red=st.sampled_from([(), ("codecov",)]),
)


def waited(seconds: int) -> CiWait:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return CiWait(fix_head=HEAD, since=since, now=since + timedelta(seconds=seconds), limits=Limits())


@given(READINGS, st.integers(0, 20_000))
def test_only_a_green_reading_is_a_fix(reading: ChecksReading, seconds: int) -> None:
    answer = after_checks(reading, waited(seconds))
    if isinstance(answer, Ending) and answer.outcome is Outcome.FIXED:
        assert reading.verdict is CiVerdict.GREEN


@given(READINGS, st.integers(7_200, 20_000))
def test_no_wait_is_longer_than_its_deadline(reading: ChecksReading, seconds: int) -> None:
    assert after_checks(reading, waited(seconds)) is not CiVerdict.PENDING


@given(READINGS, st.integers(0, 20_000))
def test_the_answer_is_an_ending_or_to_try_again_or_to_wait_on(reading: ChecksReading, seconds: int) -> None:
    answer = after_checks(reading, waited(seconds))
    assert isinstance(answer, Ending) or answer in {CiVerdict.RED, CiVerdict.PENDING}


@given(st.integers(0, 7_199), st.integers(0, 100))
def test_a_poll_never_sleeps_past_a_deadline(seconds: int, polls: int) -> None:
    pause = next_poll(waited(seconds), polls)
    assert timedelta(seconds=1) <= pause <= max(timedelta(seconds=7_200 - seconds), timedelta(seconds=1))
