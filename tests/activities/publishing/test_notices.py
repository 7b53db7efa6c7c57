import re
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.adapters.channel import Channel
from activities.publishing.notices import NoticeActivities, text_of
from scripted_wire import ScriptedWire, answer
from workflows.models import FailureClass, Need, Notice, NoticeState, Outcome, Reason

HOOK = "https://hooks.slack.example/services/T/B/x"
GITHUB = "https://github.example"


def a_notice(need: Need = Need.OUTCOME, **facts: Any) -> Notice:
    return Notice(repository="acme/widgets", run_id=12, need=need, **facts)


def test_an_ending_is_told_with_its_reason_and_links() -> None:
    notice = a_notice(outcome=Outcome.EXHAUSTED, reason=Reason.ATTEMPTS_USED, pull_request=5)
    said = text_of(notice, GITHUB, "https://regreen.example").splitlines()
    assert said[:2] == [
        "*Regreen needs a human*: acme/widgets, run 12",
        "Its remediation ended as exhausted: Every attempt was used and CI is still red.",
    ]
    assert said[2].split(" · ") == [
        "<https://github.example/acme/widgets/actions/runs/12|failed run>",
        "<https://github.example/acme/widgets/pull/5|fix #5>",
        "<https://regreen.example/dashboard/remediations/acme/widgets/12|dashboard>",
    ]


def test_a_patch_that_waits_is_told_with_its_id() -> None:
    notice = a_notice(Need.APPROVAL, question="0123456789abcdef", failure_class=FailureClass.PERMISSION)
    said = text_of(notice, GITHUB, None).splitlines()
    assert (
        said[1] == "Patch 0123456789abcdef, for a failure of the class permission, waits for your approval."
    )
    assert said[2] == "<https://github.example/acme/widgets/actions/runs/12|failed run>"


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("need", Need)
def test_nobody_is_mentioned_and_every_angle_is_a_link_of_ours(need: Need, reason: Reason) -> None:
    notice = a_notice(need, outcome=Outcome.NEEDS_HUMAN, reason=reason, question="<!channel>")
    said = text_of(notice, GITHUB, "https://regreen.example")
    assert "@" not in said
    assert "<!" not in said
    assert all(
        link.startswith((f"{GITHUB}/acme/", "https://regreen.example/dashboard/"))
        for link in re.findall(r"<([^>]*)>", said)
    )


async def test_a_notice_is_one_message() -> None:
    wire = ScriptedWire()
    wire.on("POST", HOOK, answer(200))
    told = NoticeActivities(Channel(wire.client(), SecretStr(HOOK)), GITHUB, None)
    result = await ActivityEnvironment().run(told.notify_human, a_notice(outcome=Outcome.UNVERIFIED))
    assert result.state is NoticeState.DELIVERED
    assert len(wire.asked) == 1


async def test_without_a_channel_nothing_is_sent_and_that_is_said() -> None:
    result = await ActivityEnvironment().run(NoticeActivities(None, GITHUB, None).notify_human, a_notice())
    assert result.state is NoticeState.NOT_CONFIGURED


def test_a_message_s_key_names_the_remediation_and_the_need() -> None:
    keys = {a_notice(need, question=question).key for need in Need for question in (None, "a", "b")}
    assert len(keys) == 9
