"""One remediation, one trace: from the webhook through every process to each reply of the model."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from localhub.model_api.api import KEY, listening
from localhub.model_api.demo import REPAIR, play
from localhub.model_api.replies import MODEL
from localhub.stage import Stage
from otlp_receiver import Received, attributes, receiving
from outcomes import BY_MODEL, SETTINGS, Play
from workflows.models import RemediationResult

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

CANARY = "canary-in-a-commit-message"
STRANGER = {
    "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01",
    "host": "stranger.example",
    "user-agent": "stranger",
}
ROLES = {"worker": "publisher", "analyst": "analyst"}
"""Name of a process to its role."""


@dataclasses.dataclass
class Traced:
    """A remediation by two workers and a model, and what a collector heard of it."""

    received: Received
    result: RemediationResult
    workflow_id: str
    secrets: tuple[str, ...]

    @property
    def root(self) -> Span:
        (starting,) = (
            span
            for span in self.received.named("StartWorkflow:CiRemediation")
            if attributes(span)["temporalWorkflowID"] == self.workflow_id
        )
        return next(span for span in self.received.spans if span.span_id == starting.parent_span_id)

    @property
    def trace(self) -> list[Span]:
        return self.received.trace_of(self.root)


@pytest.fixture(scope="module")
async def traced() -> AsyncIterator[Traced]:
    case = dataclasses.replace(BY_MODEL, message=CANARY)
    with receiving() as received:
        async with listening(player=play) as api:
            settings = SETTINGS | {
                "ANTHROPIC_API_KEY": KEY,
                "ANTHROPIC_BASE_URL": api.url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
                "OTEL_METRIC_EXPORT_INTERVAL": "500",
                "OTEL_SERVICE_NAME": "starter",
            }
            async with Stage(settings=settings) as stage:
                await stage.stop("worker")
                for process, role in ROLES.items():
                    named = {"REGREEN_ROLE": role, "OTEL_SERVICE_NAME": role}
                    await stage.start(process, "worker", named)
                await stage.worker_ready()
                played = Play(stage, case)
                result = await played.run()
                async with httpx2.AsyncClient(trust_env=False) as http:
                    await http.post(f"{stage.starter_url}/webhook", headers=STRANGER, content=b"{}")
                await asyncio.gather(*(stage.stop(name) for name in (*ROLES, "starter")))
                secrets = (KEY, stage._environment["REGREEN_WEBHOOK_SECRET"], "PRIVATE KEY")
        yield Traced(received, result, played.handle.id, secrets)


def ancestors(span: Span, trace: list[Span]) -> Iterator[Span]:
    parents = {each.span_id: each for each in trace}
    while span.parent_span_id in parents:
        span = parents[span.parent_span_id]
        yield span


def test_the_webhook_is_the_root_and_every_process_adds_to_its_trace(traced: Traced) -> None:
    assert traced.root.name == "POST /webhook"
    assert not traced.root.parent_span_id
    assert attributes(traced.root)["regreen.decision"] == "started"
    services = {traced.received.services[span.span_id] for span in traced.trace}
    assert services == {"starter", "publisher", "analyst"}


def test_every_span_of_the_trace_hangs_below_the_webhook(traced: Traced) -> None:
    loose = [
        span.name
        for span in traced.trace
        if span.span_id != traced.root.span_id
        and next((each for each in ancestors(span, traced.trace) if each is traced.root), None) is None
    ]
    assert loose == []


def test_the_remediation_its_attempt_and_each_of_their_activities_has_one_span(traced: Traced) -> None:
    names = [span.name for span in traced.trace]
    for once in ("RunWorkflow:CiRemediation", "RunWorkflow:PatchAttempt", "RunActivity:open_pull_request"):
        assert names.count(once) == 1
    attempt = next(span for span in traced.trace if span.name == "RunWorkflow:PatchAttempt")
    above = [span.name for span in ancestors(attempt, traced.trace)]
    assert above[-4:] == [
        "StartChildWorkflow:PatchAttempt",
        "RunWorkflow:CiRemediation",
        "StartWorkflow:CiRemediation",
        "POST /webhook",
    ]


def test_each_paid_reply_has_a_span_that_says_what_it_took(traced: Traced) -> None:
    calls = [span for span in traced.trace if span.name == f"chat {MODEL}"]
    assert len(calls) == len(REPAIR)
    for call in calls:
        said = attributes(call)
        assert said["gen_ai.operation.name"] == "chat"
        assert said["gen_ai.provider.name"] == "anthropic"
        assert said["gen_ai.request.model"] == MODEL
        assert isinstance(said["gen_ai.usage.input_tokens"], int)
        assert said["gen_ai.usage.input_tokens"] > 0
        above = next(ancestors(call, traced.trace))
        assert above.name == "RunActivity:take_turn"
    costs = [cost for call in calls if isinstance(cost := attributes(call)["regreen.cost_usd"], float)]
    assert sum(costs) == pytest.approx(traced.result.cost_usd)


def test_each_request_to_github_has_a_span_below_its_activity(traced: Traced) -> None:
    requests = [span for span in traced.trace if span.name == "POST GitHub"]
    assert requests
    for request in requests:
        assert attributes(request)["http.response.status_code"] in {200, 201}
        assert any(span.name.startswith("RunActivity:") for span in ancestors(request, traced.trace))


def test_who_cannot_sign_leaves_no_span_and_no_label(traced: Traced) -> None:
    assert bytes.fromhex("ab" * 16) not in {span.trace_id for span in traced.received.spans}
    assert b"stranger" not in b"".join(traced.received.raw)
    assert not [name for name in traced.received.metrics if not name.startswith(("regreen_", "temporal_"))]


def test_metrics_go_the_same_way_where_nothing_else_is_set(traced: Traced) -> None:
    sent = traced.received.metrics
    assert {"regreen_events", "regreen_remediations", "regreen_queue_pollers"} <= {
        name for name, services in sent.items() if services == {"starter"}
    }
    assert sent["regreen_outcomes"] == sent["regreen_time_to_green"] == {"publisher"}
    assert sent["regreen_model_tokens"] == {"analyst"}
    assert sent["temporal_activity_schedule_to_start_latency"] == {"publisher", "analyst"}


def test_no_secret_and_nothing_that_a_stranger_wrote_is_sent(traced: Traced) -> None:
    sent = b"".join(traced.received.raw)
    assert traced.workflow_id.encode() in sent
    for word in (*traced.secrets, CANARY, "test_pricing", "pricing.py", "AssertionError"):
        assert word.encode() not in sent, word
