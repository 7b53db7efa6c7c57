"""What activities count. `docs/metrics.md` says what each series means; labels are fixed words."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from temporalio import activity
from temporalio.common import MetricMeter

from workflows.models import ModelUse

_RESOURCES: Final = frozenset({"core", "search", "graphql"})
"""GitHub's quotas that Regreen can meet; any other is shown as `other`."""

_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)


def reply_paid(purpose: Literal["diagnosis", "repair"], use: ModelUse) -> None:
    """A reply of a model has come and is paid, whatever becomes of it."""
    if not activity.in_activity():
        return
    meter, label = activity.metric_meter(), {"purpose": purpose}
    meter.create_counter("regreen_model_replies", "Paid replies of a model").add(1, label)
    tokens = meter.create_counter("regreen_model_tokens", "Tokens of paid replies")
    for kind, number in (
        ("input", use.input_tokens - use.cached_tokens),
        ("cached", use.cached_tokens),
        ("output", use.output_tokens),
    ):
        tokens.add(max(0, number), label | {"kind": kind})
    if use.cost_usd is not None:
        meter.create_histogram_float(
            "regreen_model_cost", "What one paid reply cost, where the price is known", "usd"
        ).record(use.cost_usd, label)


class QuotaGauge:
    """Shows how many requests GitHub leaves to the credential that asked last, until the quota is renewed.

    Args:
        meter: The process's own, without an activity's labels: the last value seen is to be the only one.
    """

    def __init__(self, meter: MetricMeter) -> None:
        self._gauge = meter.create_gauge(
            "regreen_github_quota_remaining", "Requests that GitHub leaves to the credential that asked last"
        )

    def __call__(self, headers: Mapping[str, str]) -> None:
        """Take in an answer's headers."""
        left, resource = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-resource", "")
        if _NUMBER.fullmatch(left):
            self._gauge.set(int(left), {"resource": resource if resource in _RESOURCES else "other"})
