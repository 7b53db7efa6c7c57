"""Spans of requests to the outside world; attributes are fixed words, numbers and settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from workflows.models import ModelUse

_PROVIDERS: Final = {"anthropic": "anthropic", "bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai"}
"""How OpenTelemetry's conventions for generative models name whom `ModelProvider` names."""

_tracer: Final = trace.get_tracer("regreen.adapters")


@contextmanager
def model_call(provider: str, model: str, *, max_tokens: int) -> Iterator[Span]:
    """The span of one paid reply, by OpenTelemetry's conventions for generative models.

    Args:
        provider: A member of `ModelProvider`.
        model: The model's name, as it is set.
        max_tokens: The reply's bound.
    """
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
        "gen_ai.request.model": model,
        "gen_ai.request.max_tokens": max_tokens,
    }
    with _calling(f"chat {model}", attributes) as span:
        yield span


def used(span: Span, use: ModelUse) -> None:
    """Say on a model call's span what the reply took."""
    span.set_attribute("gen_ai.usage.input_tokens", use.input_tokens)
    span.set_attribute("gen_ai.usage.output_tokens", use.output_tokens)
    span.set_attribute("gen_ai.usage.cache_read.input_tokens", use.cached_tokens)
    if use.cost_usd is not None:
        span.set_attribute("regreen.cost_usd", use.cost_usd)


@contextmanager
def github_request(method: str) -> Iterator[Span]:
    """The span of one request to GitHub. Its path is left out: branches and files are named by strangers."""
    with _calling(f"{method} GitHub", {"http.request.method": method}) as span:
        yield span


def answered(span: Span, status: int) -> None:
    """Say on a request's span how it was answered."""
    span.set_attribute("http.response.status_code", status)
    if status >= 400:  # noqa: PLR2004 — where HTTP's errors begin
        span.set_attribute("error.type", str(status))


@contextmanager
def _calling(name: str, attributes: dict[str, str | int]) -> Iterator[Span]:
    with _tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            raise
