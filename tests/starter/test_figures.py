import asyncio
import base64
import socket
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio.client import Client
from temporalio.service import RetryConfig

from starter import figures
from starter.exposition import SERIES, Exposition
from starter.figures import QueueFigures, Survey
from starter.metrics import EventCounts
from starter.remediations import Overview
from workflows import naming
from workflows.codec import KeyRing, data_converter
from workflows.connection import connect
from workflows.models import Disposition, FailureClass, Limits, Outcome, Reason, Record, State

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


def remediation(
    ago: timedelta, *, record: Record | None = None, state: State = State.AWAITING_CI, **facts: Any
) -> Overview:
    values: dict[str, Any] = {
        "workflow_id": f"ci-remediation/acme/widgets/{uuid.uuid4().int % 10_000}",
        "repository": "acme/widgets",
        "open": record is None or record.disposition is None,
        "temporal_status": "running" if record is None else "completed",
        "started_at": NOW - ago,
        "state": str(state),
        "record": record,
    }
    return Overview(**(values | facts))


def fixed(ago: timedelta, minutes: int = 10, **facts: Any) -> Record:
    started = NOW - ago
    given: dict[str, Any] = {
        "failure_class": FailureClass.LINT,
        "attempts": 1,
        "published_at": started,
    } | facts
    return Record(
        outcome=Outcome.FIXED,
        reason=Reason.GREEN,
        ended_at=started,
        green_at=started + timedelta(minutes=minutes),
        **given,
    )


def counted(*overviews: Overview, limits: Limits | None = None) -> figures.Figures:
    return figures.figures(list(overviews), limits or Limits(), (), NOW, complete=True)


def test_each_window_adds_up_what_started_within_it() -> None:
    old = timedelta(days=3)
    found = counted(
        remediation(timedelta(hours=1), record=fixed(timedelta(hours=1), disposition=Disposition.KEPT)),
        remediation(old, record=fixed(old, minutes=50, disposition=Disposition.CLOSED)),
    )

    assert {name: each.seen for name, each in found.windows.items()} == {"1d": 1, "7d": 2, "28d": 2}
    assert found.windows["1d"].false_positives.value == 0
    assert found.windows["7d"].false_positives.value == 0.5
    assert found.windows["1d"].time_to_green.p90 == timedelta(minutes=10)


def test_what_waits_is_counted_by_state_with_the_longest_wait() -> None:
    found = counted(
        remediation(timedelta(hours=5), state=State.AWAITING_APPROVAL),
        remediation(timedelta(hours=30), state=State.AWAITING_APPROVAL),
        remediation(
            timedelta(hours=2), state=State.DONE, record=fixed(timedelta(), disposition=Disposition.KEPT)
        ),
    )

    assert set(found.waiting) == {State.AWAITING_APPROVAL}
    waiting = found.waiting[State.AWAITING_APPROVAL]
    assert (waiting.number, waiting.oldest) == (2, timedelta(hours=30))


def test_the_budget_of_money_is_that_of_the_open_remediation_that_spent_most() -> None:
    limits = Limits(remediation_usd=4)
    found = counted(
        remediation(timedelta(hours=1), cost_usd=1.0),
        remediation(timedelta(hours=1), cost_usd=3.0),
        remediation(timedelta(hours=1), cost_usd=4.0, record=fixed(timedelta())),
        limits=limits,
    )

    assert found.dollars_used == 0.75
    assert counted(remediation(timedelta()), limits=limits).dollars_used == 0
    assert counted(remediation(timedelta(), cost_usd=1), limits=Limits(remediation_usd=0)).dollars_used == 0


def test_the_budget_of_pull_requests_is_that_of_the_repository_that_opened_most_today() -> None:
    limits = Limits(pull_requests_per_day=4)
    hour, long_ago = timedelta(hours=1), timedelta(hours=30)
    found = counted(
        remediation(hour, pull_request=1),
        remediation(hour, record=fixed(hour), pull_request=2),
        remediation(long_ago, record=fixed(long_ago), pull_request=3),
        remediation(hour),
        remediation(hour, pull_request=4, repository="acme/gadgets"),
        limits=limits,
    )

    assert found.pull_requests_used == 0.5
    assert (
        counted(remediation(hour, pull_request=1), limits=Limits(pull_requests_per_day=0)).pull_requests_used
        == 0
    )


async def test_every_series_is_exposed_in_prometheus_format_with_fixed_words_as_labels() -> None:
    survey = Survey(await connect(lazy=True), Limits())
    survey.last = figures.figures(
        [
            remediation(
                timedelta(hours=1),
                record=fixed(timedelta(hours=1), disposition=Disposition.KEPT),
                cost_usd=1.0,
            ),
            remediation(timedelta(hours=2), branch="`rm -rf`", workflow="${evil}"),
        ],
        Limits(),
        (
            QueueFigures(
                queue="ci-patching", kind="activity", pollers=0, backlog=3, backlog_age=timedelta(minutes=2)
            ),
        ),
        NOW,
        complete=True,
    )
    survey._due = float("inf")

    text = (await Exposition(EventCounts(), survey).text()).decode()

    families = {family.name: family for family in text_string_to_metric_families(text)}
    for series in SERIES:
        assert families[series.name].samples, series.name
    assert "evil" not in text
    assert "acme" not in text
    assert 'regreen_queue_backlog_age_seconds{kind="activity",queue="ci-patching"} 120.0' in text
    assert 'regreen_auto_fix_ratio{window="7d"} 1.0' in text
    assert 'regreen_time_to_green_rank_seconds{rank="p90",window="28d"} 600.0' in text


async def start_remediation(client: Client) -> None:
    await client.start_workflow(
        naming.REMEDIATION_WORKFLOW,
        id=naming.remediation_id("acme/widgets", uuid.uuid4().int % 10**9),
        task_queue=f"nobody-{uuid.uuid4().hex}",
    )


async def test_figures_come_from_temporal_and_are_kept_for_a_while(client: Client) -> None:
    survey = Survey(client, Limits())
    before = await survey.latest()
    assert before is not None
    await start_remediation(client)

    kept = await survey.latest()
    assert kept is before
    async with asyncio.timeout(20):
        while (now := survey.last) is None or now.windows["1d"].seen <= before.windows["1d"].seen:
            survey._due = 0.0
            await survey.latest()

    assert now.complete
    assert now.newest is not None
    assert survey.reachable
    assert {(each.queue, each.kind) for each in now.queues} == set(figures.QUEUES)


async def test_many_scrapes_at_once_ask_temporal_once(client: Client) -> None:
    survey = Survey(client, Limits())

    found = await asyncio.gather(*(survey.latest() for _ in range(20)))

    assert len({id(each) for each in found}) == 1


@pytest.fixture
async def cut_off() -> Client:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    impatient = RetryConfig(max_elapsed_time_millis=200)
    return await connect(target_host=f"127.0.0.1:{port}", lazy=True, retry_config=impatient)


async def test_without_temporal_the_scrape_is_answered_and_says_so(cut_off: Client) -> None:
    counts = EventCounts()
    counts.count("started", "run_failed")

    text = (await Exposition(counts, Survey(cut_off, Limits())).text()).decode()

    assert "regreen_temporal_up 0.0" in text
    assert 'regreen_events_total{decision="started",reason="run_failed"} 1.0' in text
    assert "regreen_last_event_timestamp_seconds 1" in text
    assert "regreen_auto_fix_ratio{" not in text


async def test_an_event_that_is_not_github_s_is_no_sign_of_life(cut_off: Client) -> None:
    counts = EventCounts()
    counts.count("refused", "signature", verified=False)

    text = (await Exposition(counts, Survey(cut_off, Limits())).text()).decode()

    assert 'regreen_events_total{decision="refused",reason="signature"} 1.0' in text
    assert "\nregreen_last_event_timestamp_seconds " not in text


async def test_a_remediation_whose_memo_cannot_be_read_is_counted_as_seen(
    client: Client, temporal_address: str
) -> None:
    other = KeyRing.parse(f"elsewhere:{base64.b64encode(bytes(32)).decode()}")
    sealed = await connect(target_host=temporal_address, data_converter=data_converter(other))
    before = await Survey(client, Limits()).latest()
    await sealed.start_workflow(
        naming.REMEDIATION_WORKFLOW,
        id=naming.remediation_id("acme/sealed", uuid.uuid4().int % 10**9),
        task_queue=f"nobody-{uuid.uuid4().hex}",
        memo={naming.MEMO_RECORD: fixed(timedelta()).model_dump(mode="json")},
    )

    async with asyncio.timeout(20):
        while True:
            survey = Survey(client, Limits())
            now = await survey.latest()
            assert survey.reachable
            if before and now and now.windows["1d"].seen > before.windows["1d"].seen:
                break

    assert now.windows["1d"].green == before.windows["1d"].green
