"""Telling a human, by a chat channel, that they are needed."""

from collections.abc import Iterator
from typing import Final

from temporalio import activity

from activities.adapters.channel import Channel
from activities.errors import translating
from workflows.models import REASON_SENTENCES, Need, Notice, NoticeResult, NoticeState, Reason


class NoticeActivities:
    """Sends notices.

    Args:
        channel: Where to; None where there is none.
        github_url: Web root of GitHub, for links.
        dashboard_url: Where people reach the dashboard; None where they cannot.
    """

    def __init__(self, channel: Channel | None, github_url: str, dashboard_url: str | None) -> None:
        self._channel = channel
        self._github_url = github_url.rstrip("/")
        self._dashboard_url = dashboard_url.rstrip("/") if dashboard_url else None

    @activity.defn
    @translating
    async def notify_human(self, notice: Notice) -> NoticeResult:
        """Send one message.

        A channel has no way to find what was sent before, so it is sent again only where it surely did not
        arrive, and the workflow asks once for each need.
        """
        if self._channel is None:
            return NoticeResult(state=NoticeState.NOT_CONFIGURED)
        await self._channel.post(text_of(notice, self._github_url, self._dashboard_url), notice.key)
        return NoticeResult(state=NoticeState.DELIVERED)


def text_of(notice: Notice, github_url: str, dashboard_url: str | None) -> str:
    """The message in Slack's markup. Nothing in it was written by a stranger, so nobody can be mentioned."""
    return "\n".join(
        [
            f"*Regreen needs a human*: {_escaped(notice.repository)}, run {notice.run_id}",
            _escaped(_why(notice)),
            " · ".join(_links(notice, github_url, dashboard_url)),
        ]
    )


_OF: Final = "of the class"


def _why(notice: Notice) -> str:
    if notice.need is Need.SETTINGS:
        return REASON_SENTENCES[Reason.SETTINGS_INVALID]
    kind = f" {_OF} {notice.failure_class.replace('_', ' ')}" if notice.failure_class else ""
    if notice.need is Need.APPROVAL:
        return f"Patch {notice.question}, for a failure{kind}, waits for your approval."
    ended = f"Its remediation ended as {(notice.outcome or 'unknown').replace('_', ' ')}"
    because = f": {REASON_SENTENCES[notice.reason]}" if notice.reason else "."
    return f"{ended}{because}"


def _links(notice: Notice, github_url: str, dashboard_url: str | None) -> Iterator[str]:
    repository = f"{github_url}/{notice.repository}"
    yield _link(f"{repository}/actions/runs/{notice.run_id}", "failed run")
    if notice.pull_request is not None:
        yield _link(f"{repository}/pull/{notice.pull_request}", f"fix #{notice.pull_request}")
    if dashboard_url is not None:
        yield _link(
            f"{dashboard_url}/dashboard/remediations/{notice.repository}/{notice.run_id}", "dashboard"
        )


def _link(url: str, words: str) -> str:
    return f"<{_escaped(url)}|{_escaped(words)}>"


def _escaped(text: str) -> str:
    """Slack takes markup from `<…>` alone."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
