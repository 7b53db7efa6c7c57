"""The webhook service: what GitHub calls, and what operators probe and scrape."""

import asyncio
import contextlib
import logging
import re
import time
from contextlib import AbstractContextManager
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from starter.bodies import BodyReader, RefusedError
from starter.dashboard import routes as dashboard
from starter.dispatch import Answer, Dispatcher, TemporalUnavailableError, Verdict
from starter.exposition import CONTENT_TYPE, Exposition
from starter.figures import Survey
from starter.metrics import EventCounts
from starter.serving import run_server
from starter.settings import StarterSettings
from starter.sweeping import keep_sweep_schedule
from starter.webhook import interpret, verify
from workflows.connection import SearchAttributesError, connect, register_search_attributes
from workflows.telemetry import chosen_exporter, install_metrics

_PROBE: Final = timedelta(seconds=3)
_SETUP_PAUSE: Final = timedelta(seconds=5)
_DELIVERY_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)

_STATUSES: Final = {
    Verdict.STARTED: HTTPStatus.ACCEPTED,
    Verdict.SIGNALLED: HTTPStatus.ACCEPTED,
    Verdict.DUPLICATE: HTTPStatus.OK,
    Verdict.IGNORED: HTTPStatus.OK,
    Verdict.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}

_log: Final = logging.getLogger(__name__)
_tracer: Final = trace.get_tracer("regreen.starter")


def create_app(settings: StarterSettings, client: Client) -> Starlette:
    """The ASGI application.

    Args:
        settings: Secrets, limits and policy.
        client: A Temporal client; a lazy one lets the service start while Temporal is down.
    """
    survey = Survey(client, settings.limits())
    counts = EventCounts()
    exposition = Exposition(counts, survey)
    dispatcher = Dispatcher(client, settings.limits(), settings.policy())
    secrets = settings.webhook_secrets()
    bodies = BodyReader(settings.max_body_bytes)

    async def receive_event(request: Request) -> Response:
        event, began = request.headers.get("x-github-event", ""), time.time_ns()
        try:
            body = await _read_verified(request, bodies, secrets)
        except RefusedError as refused:
            counts.count(Verdict.REFUSED, refused.reason, verified=False)
            _log.warning("refused an event: %s", refused.reason)
            content = {"decision": Verdict.REFUSED, "reason": refused.reason, "advice": refused.advice}
            return JSONResponse(content, status_code=refused.status)
        delivery = _delivery(request)
        with _event_span(began, delivery) as span:
            try:
                answer = await dispatcher.carry_out(interpret(event, body))
            except TemporalUnavailableError as unavailable:
                _log.error("delivery %s is not taken: %s", delivery, unavailable)
                answer = Answer(decision=Verdict.UNAVAILABLE, reason="temporal")
            span.set_attributes({"regreen.decision": answer.decision, "regreen.reason": answer.reason})
        counts.count(answer.decision, answer.reason)
        # Most events ask nothing of Regreen: they are counted with their reason, a line for each is noise.
        level = logging.DEBUG if answer.decision is Verdict.IGNORED else logging.INFO
        _log.log(
            level,
            "delivery %s: %s (%s) %s",
            delivery,
            answer.decision,
            answer.reason,
            answer.workflow_id or "",
        )
        told = answer.model_dump_json()
        return Response(told, _STATUSES[answer.decision], media_type="application/json")

    async def report_alive(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def report_ready(_request: Request) -> JSONResponse:
        if await _temporal_answers(client):
            return JSONResponse({"status": "ready"})
        advice = "Temporal does not answer; look at TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE"
        return JSONResponse({"status": "unavailable", "advice": advice}, HTTPStatus.SERVICE_UNAVAILABLE)

    async def expose_metrics(_request: Request) -> Response:
        return Response(await exposition.text(), media_type=CONTENT_TYPE)

    app = Starlette(
        routes=[
            Route("/webhook", receive_event, methods=["POST"]),
            Route("/healthz", report_alive),
            Route("/readyz", report_ready),
            Route("/metrics", expose_metrics),
            *dashboard.routes(settings, client, counts),
        ]
    )
    app.state.survey = survey
    return app


async def serve(settings: StarterSettings) -> None:
    """Run the service until it is told to stop; requests in flight are answered first.

    Raises:
        ConfigurationError: The Temporal client configuration is unusable.
    """
    install_metrics()
    retries = RetryConfig(max_elapsed_time_millis=int(_PROBE.total_seconds() * 1_000))
    client = await connect(lazy=True, retry_config=retries)
    app = create_app(settings, client)
    beside = [asyncio.create_task(_set_up(client, settings))]
    if chosen_exporter("metrics"):
        beside.append(asyncio.create_task(app.state.survey.keep_counting()))
    try:
        await run_server(app, settings.host, settings.port)
    finally:
        for task in beside:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await app.state.survey.close()


async def _set_up(client: Client, settings: StarterSettings) -> None:
    """Make what Temporal must know, as soon as it answers.

    Without its search attributes no remediation starts; without the schedule lost events stay lost.
    """
    while True:
        try:
            await register_search_attributes(client)
            await keep_sweep_schedule(client, settings)
        except SearchAttributesError as error:
            _log.warning("%s", error)
            return
        except (RPCError, RuntimeError) as error:
            _log.warning("Temporal does not answer yet: %s", error)
            await asyncio.sleep(_SETUP_PAUSE.total_seconds())
        else:
            return


async def _read_verified(request: Request, bodies: BodyReader, secrets: tuple[bytes, ...]) -> bytes:
    body = await bodies.read_json(request)
    if not verify(body, request.headers.get("x-hub-signature-256"), secrets):
        advice = "the X-Hub-Signature-256 header must be made with the webhook secret"
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "signature", advice)
    return body


async def _temporal_answers(client: Client) -> bool:
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        async with asyncio.timeout(2 * _PROBE.total_seconds()):
            await client.workflow_service.describe_namespace(request, timeout=_PROBE)
    except RPCError as error:
        return error.status is RPCStatusCode.PERMISSION_DENIED  # it answers, and only hides the namespace
    except (TimeoutError, RuntimeError):
        return False
    return True


def _event_span(began: int, delivery: str) -> AbstractContextManager[Span]:
    """The span of an event, from its first byte: the root of its remediation's trace.

    Only a verified event has one, and no trace that a caller's header may name is continued.
    """
    return _tracer.start_as_current_span(
        "POST /webhook",
        context=Context(),
        kind=SpanKind.SERVER,
        start_time=began,
        attributes={"http.request.method": "POST", "http.route": "/webhook", "regreen.delivery": delivery},
    )


def _delivery(request: Request) -> str:
    """The delivery id for the log; the header is not signed, so only the shape of an id is let through."""
    found = _DELIVERY_ID.fullmatch(request.headers.get("x-github-delivery", ""))
    return found[0] if found else "unnamed"
