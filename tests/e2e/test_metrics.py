"""What a running webhook service and running workers expose, scraped after real remediations."""

import asyncio
import dataclasses
import re
import socket
from pathlib import Path
from typing import Final

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from localhub.model_api.api import KEY, listening
from localhub.model_api.demo import REPAIR, play
from localhub.stage import Stage
from monitoring import alerts, dashboard_queries, named_series
from outcomes import BY_MODEL, CASES, SETTINGS, Play
from promtool import promtool
from workflows.models import Outcome
from workflows.naming import SWEEP_SCHEDULE, SWEEP_WORKFLOW

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

METRICS_DOC: Final = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
PARTS: Final = re.compile(r"_(?:bucket|sum|count)$")


@dataclasses.dataclass
class Exposed:
    """What the two processes expose, as text."""

    starter: str
    worker: str

    def samples(self, name: str) -> list[Sample]:
        text = self.starter + "\n" + self.worker
        return [
            sample
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        ]

    def total(self, name: str, **labels: str) -> float:
        return sum(
            sample.value
            for sample in self.samples(name)
            if all(sample.labels.get(key) == value for key, value in labels.items())
        )

    def names(self) -> set[str]:
        text = self.starter + "\n" + self.worker
        return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def asked_for_approval(stage: Stage) -> None:
    """Return once a patch waits for approval, and leave it waiting."""
    waits = asyncio.Event()

    async def nobody_answers(play: Play) -> None:
        await play.until(lambda status: status.question is not None)
        waits.set()

    case = dataclasses.replace(CASES[Outcome.SUPERSEDED], variant="waiting", meanwhile=nobody_answers)
    running = asyncio.create_task(Play(stage, case).run())
    await waits.wait()
    running.cancel()


async def lose_an_event(stage: Stage) -> None:
    """Break a repository that sends no events, and let the sweep find it."""
    case, unheard = CASES[Outcome.IGNORED], "acme/unheard"
    await stage.hub.create_repository(unheard, collaborators={"dev": "write"})
    await stage.hub.commit(unheard, "main", case.files, "Start")
    await stage.hub.commit(unheard, "main", case.breaking, case.message)
    await stage.hub.idle()
    await stage.client.get_schedule_handle(SWEEP_SCHEDULE).trigger()
    query = f"WorkflowType = '{SWEEP_WORKFLOW}' AND ExecutionStatus = 'Completed'"
    ignored = f"CiRepository = '{unheard}' AND CiOutcome = 'ignored'"
    for _ in range(300):
        if (await stage.client.count_workflows(query)).count and (
            await stage.client.count_workflows(ignored)
        ).count:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the sweep did not end")


@pytest.fixture(scope="module")
async def exposed() -> Exposed:
    port = free_port()
    async with listening(player=play) as api:
        settings = SETTINGS | {
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": api.url,
            "REGREEN_METRICS_ADDRESS": str(port),
            "REGREEN_SWEEP_INTERVAL": "1h",
        }
        async with Stage(settings=settings) as stage:
            await asyncio.gather(
                *(Play(stage, case).run() for case in (BY_MODEL, CASES[Outcome.SUPERSEDED])),
                asked_for_approval(stage),
            )
            await lose_an_event(stage)
            async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
                starter = await http.get(f"{stage.starter_url}/metrics")
                worker = await http.get(f"http://127.0.0.1:{port}/metrics")
    return Exposed(starter.text, worker.text)


def test_both_are_in_prometheus_text_format(exposed: Exposed) -> None:
    for text in (exposed.starter, exposed.worker):
        assert promtool("check", "metrics", given=text) == ""


def test_every_series_that_alerts_and_dashboard_read_is_exposed(exposed: Exposed) -> None:
    queries = [*(alert["expr"] for alert in alerts()), *dashboard_queries()]
    read = {series for query in queries for series in named_series(query)}
    assert read - exposed.names() == set()


def test_the_documentation_names_every_series_and_no_other(exposed: Exposed) -> None:
    documented = set(re.findall(r"^\| `(regreen_\w+)` \|", METRICS_DOC, re.MULTILINE))
    ours = {PARTS.sub("", name) for name in exposed.names() if name.startswith("regreen_")}
    assert ours == documented


def test_the_documentation_names_every_label(exposed: Exposed) -> None:
    rows = dict(re.findall(r"^\| `(regreen_\w+)` \| ([^|]*) \|", METRICS_DOC, re.MULTILINE))
    everywhere = {"role", "namespace", "task_queue", "workflow_type", "activity_type", "le"}
    for name, cell in rows.items():
        labels = {
            label
            for part in ("", "_count")
            for sample in exposed.samples(name + part)
            for label in sample.labels
        }
        assert labels <= everywhere | set(re.findall(r"`(\w+)`", cell)), name


def test_what_was_counted_is_what_happened(exposed: Exposed) -> None:
    assert (
        exposed.total("regreen_outcomes_total", outcome="fixed", reason="green", failure_class="unit_test")
        == 1
    )
    assert exposed.total("regreen_outcomes_total", outcome="superseded") == 1
    assert exposed.total("regreen_outcomes_total", outcome="ignored", failure_class="none") == 1
    assert exposed.total("regreen_dispositions_total", disposition="kept") == 1
    assert exposed.total("regreen_orders_total", order="approve") == 1
    assert exposed.total("regreen_approval_wait_seconds_count") == 1
    assert exposed.total("regreen_attempts_total", strategy="model", ci="green") == 1
    assert exposed.total("regreen_gate_verdicts_total", decision="needs_approval") == 2
    assert exposed.total("regreen_model_replies_total", purpose="repair") == len(REPAIR)
    assert exposed.total("regreen_session_turns_sum") == len(REPAIR)
    assert exposed.total("regreen_missed_events_total") == 1
    assert exposed.total("regreen_events_total", decision="started") == 3
    assert exposed.total("regreen_open_remediations", state="awaiting_approval") == 1


def test_money_is_the_same_by_reply_by_remediation_and_in_the_figures(exposed: Exposed) -> None:
    by_reply = exposed.total("regreen_model_cost_usd_sum")
    assert by_reply > 0
    assert exposed.total("regreen_remediation_cost_usd_sum") == pytest.approx(by_reply)
    assert exposed.total("regreen_model_usd", window="1d") == pytest.approx(by_reply)
    assert exposed.total("regreen_merged_fix_usd", window="1d") == pytest.approx(by_reply)


def test_the_four_targets_are_series_of_their_own(exposed: Exposed) -> None:
    assert exposed.total("regreen_auto_fix_ratio", window="28d") == 1
    assert exposed.total("regreen_time_to_green_rank_seconds", window="28d", rank="median") == pytest.approx(
        exposed.total("regreen_time_to_green_seconds_sum"), abs=1
    )
    assert exposed.total("regreen_false_positive_ratio", window="28d") == 0
    assert exposed.total("regreen_decided_fixes", window="28d") == 1
    assert exposed.total("regreen_human_intervention_ratio", window="28d") == 0


def test_no_label_holds_what_a_repository_says(exposed: Exposed) -> None:
    for word in ("acme", "fixed-by-model", "unheard", "regreen/", "main"):
        assert f'"{word}' not in exposed.starter + exposed.worker
