"""Whether GitHub's events reach the webhook service, judged by how the last ones were answered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from activities.adapters.access import DELIVERIES, DeliveryRecord, HookRecord
from activities.adapters.permissions import EVENTS
from activities.checks.findings import Finding, fine, problem, warning

Hook = tuple[HookRecord, list[DeliveryRecord]]

_PATH: Final = "/webhook"
_PART: Final = "webhook"
_NEEDED: Final = "workflow_run"
_UNREACHED: Final = 0
_UNSIGNED: Final = 401
_UNAVAILABLE: Final = 503
_SUCCESS: Final = range(200, 300)
_DAY: Final = timedelta(days=1)


def judge_hooks(hooks: Sequence[Hook] | None, app_events: set[str] | None) -> Iterator[Finding]:
    """What is wrong with the webhooks that may be Regreen's.

    Args:
        hooks: Each with what was sent to it last, newest first; None where they could not be seen.
        app_events: What an App is subscribed to, which goes for its own webhook, the first of `hooks`.
    """
    if hooks is None:
        yield warning(
            _PART,
            "the repository's webhooks, and its organisation's, cannot be seen with this credential",
            "look under the settings of whichever has one: the last deliveries should be green",
        )
        return
    set_up = [hook for hook in hooks if hook[0].url]
    if not set_up:
        yield problem(
            _PART,
            "neither the App nor the repository sends events to anybody",
            f"set a webhook to the service's address with {_PATH}, unless the organisation has one",
        )
    for index, hook in enumerate(set_up):
        of_app = app_events is not None and index == 0 and hook[0].id is None
        yield from _judge(hook, app_events if of_app and app_events is not None else set(hook[0].events))


def _judge(hook: Hook, events: set[str]) -> Iterator[Finding]:
    config, sent = hook
    address = urlsplit(config.url)
    if not address.path.endswith(_PATH):
        yield warning(_PART, f"{config.url} does not end in {_PATH}", f"the service listens at {_PATH}")
    if address.scheme != "https" or str(config.insecure_ssl) == "1":
        yield warning(_PART, "events travel without a verified TLS connection", "use https and verify it")
    if config.content_type != "json":
        yield problem(_PART, "events are not sent as JSON", "set the content type to application/json")
    if not config.secret:
        yield problem(_PART, "events are not signed", "set the secret that is in REGREEN_WEBHOOK_SECRET")
    missing = sorted(set(EVENTS) - events) if "*" not in events else []
    if _NEEDED in missing:
        yield problem(_PART, f"no event tells of a failed run: {_NEEDED}", "subscribe to it")
    others = [event for event in missing if event != _NEEDED]
    if others:
        yield warning(
            _PART, f"not subscribed: {', '.join(others)}", "without them Regreen polls, or misses orders"
        )
    yield _judge_deliveries(config.url, sent, datetime.now(UTC))


def _judge_deliveries(url: str, sent: list[DeliveryRecord], now: datetime) -> Finding:
    if not sent:
        return warning(_PART, f"nothing was sent to {url} yet", "push a commit, and look again")
    newest = sent[0]
    if newest.status_code == _UNREACHED:
        return problem(
            _PART, f"GitHub does not reach {url}: {newest.status}", "open the way from GitHub to the service"
        )
    if newest.status_code not in _SUCCESS:
        remedy = {
            _UNSIGNED: "the secret at GitHub is not the one in REGREEN_WEBHOOK_SECRET",
            _UNAVAILABLE: "the service does not reach Temporal; when it does, redeliver what was missed",
        }.get(newest.status_code, "look into the service's log; the answer is shown under Advanced at GitHub")
        return problem(_PART, f"{url} answered the newest event with {newest.status_code}", remedy)
    today = [each for each in sent if each.delivered_at is None or now - each.delivered_at <= _DAY]
    if not today:
        return warning(_PART, f"nothing was sent to {url} within a day", "is CI quiet, or the webhook off?")
    failed = Counter(each.status_code for each in today if each.status_code not in _SUCCESS)
    count = f"{len(today)}{' or more' if len(today) == len(sent) >= DELIVERIES else ''}"
    if not failed:
        return fine(_PART, f"{url} took the newest event; of the last day's {count}, 0 failed")
    answers = ", ".join(f"{times} with {status}" for status, times in failed.most_common())
    return warning(
        _PART,
        f"{url} took the newest event; of the last day's {count}, {failed.total()} failed ({answers})",
        "redeliver those at GitHub, under Advanced; `regreen start RUN` does as well",
    )
