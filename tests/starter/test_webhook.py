import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deliveries
from deliveries import HEAD, encode, sign
from starter.webhook import (
    ChecksCompletedFor,
    HumanOrder,
    Ignore,
    IgnoreReason,
    PullRequestClosedFor,
    StartRemediation,
    Verb,
    interpret,
    verify,
)
from workflows.models import ChecksCompleted, Order, PullRequestClosed

BODY = b'{"zen": "Keep it logically awesome."}'


# ── signatures ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_body_signed_with_the_secret_is_genuine() -> None:
    assert verify(BODY, sign(BODY, "one"), [b"one"])


def test_during_a_rotation_both_secrets_are_good() -> None:
    assert verify(BODY, sign(BODY, "old"), [b"new", b"old"])
    assert verify(BODY, sign(BODY, "new"), [b"new", b"old"])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        sign(BODY, "another"),
        sign(BODY + b" ", "one"),
        sign(BODY, "one").upper(),
        sign(BODY, "one").removeprefix("sha256="),
        "sha1=" + hmac.new(b"one", BODY, hashlib.sha1).hexdigest(),
        "sha256=\N{SNOWMAN}",
        "sha256=\udcff",
    ],
)
def test_anything_else_is_not_genuine(signature: str | None) -> None:
    assert not verify(BODY, signature, [b"one"])


def test_an_empty_secret_signs_nothing() -> None:
    assert not verify(BODY, sign(BODY, ""), [b""])
    assert not verify(BODY, sign(BODY, ""), [])


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────


def decided(event: str, body: Any) -> Any:
    return interpret(event, encode(body))


@pytest.mark.parametrize("conclusion", ["failure", "timed_out", "startup_failure"])
def test_a_failed_run_starts_a_remediation(conclusion: str) -> None:
    assert decided("workflow_run", deliveries.workflow_run(conclusion=conclusion)) == StartRemediation(
        repository="acme/widgets",
        run_id=12,
        run_attempt=1,
        branch="main",
        head_sha=HEAD,
        workflow_name="CI",
    )


@pytest.mark.parametrize("conclusion", ["failure", "success", "cancelled", None])
def test_a_run_on_a_fix_branch_is_news_for_the_remediation_that_owns_it(conclusion: str | None) -> None:
    body = deliveries.workflow_run(id=77, head_branch="regreen/12", conclusion=conclusion)

    assert decided("workflow_run", body) == ChecksCompletedFor(
        repository="acme/widgets", run_id=12, checks=ChecksCompleted(head_sha=HEAD, run_id=77, run_attempt=1)
    )


@pytest.mark.parametrize("head_repository", ["mallory/widgets", None])
def test_a_forks_branch_with_the_name_of_a_fix_branch_is_an_ordinary_one(head_repository: str | None) -> None:
    body = deliveries.workflow_run(head_branch="regreen/12", head_repository=head_repository)

    assert isinstance(decided("workflow_run", body), StartRemediation)


def test_a_rerun_that_did_not_fail_is_news_for_its_own_remediation() -> None:
    body = deliveries.workflow_run(conclusion="success", run_attempt=2)

    assert decided("workflow_run", body) == ChecksCompletedFor(
        repository="acme/widgets", run_id=12, checks=ChecksCompleted(head_sha=HEAD, run_id=12, run_attempt=2)
    )


def test_fields_that_github_leaves_null_lose_no_failure() -> None:
    body = deliveries.workflow_run(
        name=None, head_branch=None, run_attempt=None, head_repository=None, pull_requests=None, actor=None
    )

    decision = decided("workflow_run", body)

    assert isinstance(decision, StartRemediation)
    assert (decision.branch, decision.workflow_name, decision.run_attempt) == ("", "", 1)


def test_names_are_cut_and_stripped_of_what_cannot_be_seen() -> None:
    decision = decided(
        "workflow_run", deliveries.workflow_run(name="a\x00\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}" + "b" * 999)
    )

    assert decision.workflow_name.startswith("a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2J")
    assert decision.workflow_name.isprintable()
    assert len(decision.workflow_name) == 255


def test_an_invisible_character_does_not_turn_a_branch_into_a_fix_branch() -> None:
    body = deliveries.workflow_run(head_branch="regreen/\N{ZERO WIDTH SPACE}12")

    assert isinstance(decided("workflow_run", body), StartRemediation)


def test_another_apps_checks_on_a_fix_branch_are_news() -> None:
    assert decided("check_suite", deliveries.check_suite()) == ChecksCompletedFor(
        repository="acme/widgets", run_id=12, checks=ChecksCompleted(head_sha=HEAD)
    )


@pytest.mark.parametrize("merged", [True, False, None])
def test_closing_the_fix_pull_request_is_news(merged: bool | None) -> None:  # noqa: FBT001 — pytest's parameter
    assert decided("pull_request", deliveries.pull_request(merged=merged)) == PullRequestClosedFor(
        repository="acme/widgets",
        run_id=12,
        closed=PullRequestClosed(number=40, merged=bool(merged), by="grace"),
    )


@pytest.mark.parametrize(
    ("text", "verb", "expected"),
    [
        ("/regreen stop", Verb.STOP, Order(by="grace", comment_id=501)),
        ("/regreen pause  ", Verb.PAUSE, Order(by="grace", comment_id=501)),
        ("/regreen resume\r\nthank you", Verb.RESUME, Order(by="grace", comment_id=501)),
        ("/regreen stop at once", Verb.STOP, Order(by="grace", comment_id=501)),
        ("/regreen approve", Verb.APPROVE, Order(by="grace", comment_id=501)),
        ("/regreen approve 0a1b", Verb.APPROVE, Order(by="grace", comment_id=501, question="0a1b")),
        ("/regreen reject 0a1b\nno", Verb.REJECT, Order(by="grace", comment_id=501, question="0a1b")),
        ("/regreen retry pin it", Verb.RETRY, Order(by="grace", comment_id=501, hint="pin it")),
    ],
)
def test_a_comments_first_line_gives_an_order(text: str, verb: Verb, expected: Order) -> None:
    assert decided("issue_comment", deliveries.issue_comment(text)) == HumanOrder(
        repository="acme/widgets", pull_request=40, verb=verb, order=expected
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Please /regreen stop", IgnoreReason.NO_ORDER),
        (" /regreen stop", IgnoreReason.NO_ORDER),
        ("> /regreen stop", IgnoreReason.NO_ORDER),
        ("\n/regreen stop", IgnoreReason.NO_ORDER),
        ("/regreenish stop", IgnoreReason.NO_ORDER),
        ("", IgnoreReason.NO_ORDER),
        (None, IgnoreReason.NO_ORDER),
        ("/regreen", IgnoreReason.UNKNOWN_ORDER),
        ("/regreen Stop", IgnoreReason.UNKNOWN_ORDER),
        ("/regreen  stop", IgnoreReason.UNKNOWN_ORDER),
        ("/regreen stopp", IgnoreReason.UNKNOWN_ORDER),
        ("/regreen merge", IgnoreReason.UNKNOWN_ORDER),
    ],
)
def test_other_comments_order_nothing(text: str | None, reason: IgnoreReason) -> None:
    assert decided("issue_comment", deliveries.issue_comment(text)) == Ignore(reason=reason)


@pytest.mark.parametrize(
    ("event", "body", "reason"),
    [
        ("ping", {"zen": "Design for failure.", "hook_id": 1, "hook": {"type": "App"}}, IgnoreReason.PING),
        ("push", {"ref": "refs/heads/main", "commits": []}, IgnoreReason.UNSUPPORTED_EVENT),
        ("", {}, IgnoreReason.UNSUPPORTED_EVENT),
        (
            "workflow_run",
            deliveries.workflow_run(action="requested", conclusion=None),
            IgnoreReason.OTHER_ACTION,
        ),
        ("workflow_run", deliveries.workflow_run(conclusion="success"), IgnoreReason.RUN_NOT_FAILED),
        ("workflow_run", deliveries.workflow_run(conclusion="cancelled"), IgnoreReason.RUN_NOT_FAILED),
        ("workflow_run", deliveries.workflow_run(conclusion=None), IgnoreReason.RUN_NOT_FAILED),
        ("check_suite", deliveries.check_suite(action="requested"), IgnoreReason.OTHER_ACTION),
        ("check_suite", deliveries.check_suite(head_branch="main"), IgnoreReason.NOT_A_FIX_BRANCH),
        ("check_suite", deliveries.check_suite(head_branch=None), IgnoreReason.NOT_A_FIX_BRANCH),
        (
            "check_suite",
            deliveries.check_suite(app={"slug": "github-actions"}),
            IgnoreReason.ACTIONS_CHECK_SUITE,
        ),
        ("pull_request", deliveries.pull_request(action="synchronize"), IgnoreReason.OTHER_ACTION),
        ("pull_request", deliveries.pull_request(ref="feature"), IgnoreReason.NOT_A_FIX_BRANCH),
        ("pull_request", deliveries.pull_request(head_repository=None), IgnoreReason.NOT_A_FIX_BRANCH),
        (
            "issue_comment",
            deliveries.issue_comment("/regreen stop", action="edited"),
            IgnoreReason.OTHER_ACTION,
        ),
        (
            "issue_comment",
            deliveries.issue_comment("/regreen stop", on_pull_request=False),
            IgnoreReason.NOT_A_PULL_REQUEST,
        ),
        (
            "issue_comment",
            deliveries.issue_comment("/regreen stop", user=deliveries.account("x[bot]", "Bot")),
            IgnoreReason.BOT,
        ),
    ],
)
def test_what_asks_nothing_is_ignored_with_its_reason(event: str, body: Any, reason: IgnoreReason) -> None:
    assert decided(event, body) == Ignore(reason=reason)


def test_the_merge_of_a_revert_wakes_the_remediation_whose_fix_it_takes_back() -> None:
    decision = decided("pull_request", deliveries.pull_request(ref="revert-40-regreen/12"))
    assert isinstance(decision, PullRequestClosedFor)
    assert (decision.run_id, decision.closed.number) == (12, 40)


def test_a_revert_that_is_closed_unmerged_says_nothing() -> None:
    body = deliveries.pull_request(ref="revert-40-regreen/12", merged=False)
    assert decided("pull_request", body) == Ignore(reason=IgnoreReason.NOT_A_FIX_BRANCH)


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("issue_comment", deliveries.workflow_run()),
        ("workflow_run", deliveries.issue_comment("/regreen approve")),
        ("workflow_run", deliveries.workflow_run() | {"deployment": {"id": 1}}),
        ("pull_request", deliveries.pull_request() | {"review": {"body": "/regreen approve"}}),
        ("ping", deliveries.workflow_run()),
    ],
)
def test_a_header_that_names_another_event_than_the_bodys_is_not_believed(event: str, body: Any) -> None:
    assert decided(event, body) == Ignore(reason=IgnoreReason.EVENT_MISMATCH)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"workflow_run"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"action": "completed"}',
        b'{"action": "completed", "workflow_run": null, "repository": {"full_name": "a/b"}}',
        b'{"action": "completed", "workflow_run": NaN}',
        encode(deliveries.workflow_run(id=None)),
        encode(deliveries.workflow_run(id=0)),
        encode(deliveries.workflow_run(id=-12)),
        encode(deliveries.workflow_run(id=2**63)),
        encode(deliveries.workflow_run(id=True)),
        encode(deliveries.workflow_run(id="12")),
        encode(deliveries.workflow_run(head_sha=None)),
        encode(deliveries.workflow_run(head_sha="main")),
        encode(deliveries.workflow_run() | {"repository": {"full_name": "a/b' OR 1=1"}}),
        encode(deliveries.workflow_run() | {"action": None}),
    ],
)
def test_a_broken_body_is_malformed(body: bytes) -> None:
    assert interpret("workflow_run", body) == Ignore(reason=IgnoreReason.MALFORMED)


@pytest.mark.parametrize("told", [deliveries.told_by_app, deliveries.told_by_organisation])
def test_it_does_not_matter_whose_webhook_tells(told: Callable[[Any], Any]) -> None:
    for event, body in REAL:
        assert decided(event, told(body)) == decided(event, body)
        assert decided(event, told(deliveries.told_by_organisation(body))) == decided(event, body)


@pytest.mark.parametrize("repository", ["acme/.github", "A-b/-._", "mona_acme/w.i--d_gets", "0/0"])
@pytest.mark.parametrize(
    "branch",
    ["feat/ü#1%+🚀&x=y", "refs/heads/main", "-", "a'b\"c`d", "regreen/12/x", "regreen", "HEAD~1@{0}"],
)
def test_odd_names_start_remediations_like_any(repository: str, branch: str) -> None:
    body = deliveries.workflow_run(
        full_name=repository, head_repository=repository, head_branch=branch, name="| *CI* <b>@all</b> |"
    )
    decision = decided("workflow_run", body)
    assert isinstance(decision, StartRemediation)
    assert (decision.repository, decision.branch) == (repository, branch)


def test_a_managed_user_of_an_enterprise_gives_orders() -> None:
    body = deliveries.issue_comment("/regreen stop", user=deliveries.account("mona_acme"))
    decision = decided("issue_comment", body)
    assert isinstance(decision, HumanOrder)
    assert decision.order.by == "mona_acme"


def test_what_an_app_writes_in_a_persons_name_orders_nothing() -> None:
    body = deliveries.issue_comment("/regreen approve 0a1b")
    body["comment"]["performed_via_github_app"] = {"id": 5, "slug": "assistant"}
    assert decided("issue_comment", body) == Ignore(reason=IgnoreReason.BOT)
    body["comment"]["performed_via_github_app"] = None
    assert isinstance(decided("issue_comment", body), HumanOrder)


# ── totality ────────────────────────────────────────────────────────────────────────────────────────────────

EVENTS = (
    st.sampled_from(["workflow_run", "check_suite", "pull_request", "issue_comment", "ping", "push"])
    | st.text()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
REAL = [
    ("workflow_run", deliveries.workflow_run()),
    ("workflow_run", deliveries.workflow_run(head_branch="regreen/12")),
    ("check_suite", deliveries.check_suite()),
    ("pull_request", deliveries.pull_request()),
    ("issue_comment", deliveries.issue_comment("/regreen approve 0a1b")),
]


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [prefix, *(path for key, child in children for path in paths(child, (*prefix, key)))]


@settings(deadline=None)
@given(event=EVENTS, body=st.binary())
def test_any_bytes_give_a_decision(event: str, body: bytes) -> None:
    interpret(event, body)


@settings(deadline=None)
@given(event=EVENTS, body=JSON)
def test_any_json_gives_a_decision(event: str, body: Any) -> None:
    interpret(event, encode(body))


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_real_body_with_any_part_replaced_or_gone_gives_a_decision(data: st.DataObject) -> None:
    event, real = data.draw(st.sampled_from(REAL))
    body = json.loads(json.dumps(real))
    path = data.draw(st.sampled_from([path for path in paths(body) if path]))
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    if data.draw(st.booleans()):
        del parent[path[-1]]
    else:
        parent[path[-1]] = data.draw(JSON)

    interpret(event, encode(body))


# ── the import boundary ─────────────────────────────────────────────────────────────────────────────────────


def test_interpreting_webhooks_loads_no_client_library() -> None:
    program = (
        "import sys, starter.webhook;"
        "print(sorted({'httpx', 'httpx2', 'anthropic', 'git', 'temporalio.client'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
