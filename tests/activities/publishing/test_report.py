import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.publishing.markdown import Block, Fence, code, document, link, plain
from activities.publishing.report import render
from activities.publishing.wording import commit_message, pull_request_body, pull_request_title
from starter.webhook import Verb
from workflows import naming
from workflows.models import (
    AUTO_MERGE_SENTENCES,
    AttemptRecord,
    AutoMergeResult,
    AutoMergeState,
    CommitRequest,
    Diagnosis,
    Evidence,
    Excerpt,
    FailedJob,
    FailureClass,
    GateDecision,
    GateVerdict,
    Outcome,
    Proof,
    ProofState,
    Proposal,
    PullRequest,
    PullRequestRequest,
    Reason,
    Report,
    RunSnapshot,
    State,
    Strategy,
)

SHA = "a" * 40
WORKFLOW_ID = "ci-remediation/acme/widgets/7"

HOSTILE = (
    "@everyone see #1 and GH-2, acme/widgets#3, https://evil.example/x www.evil.example "
    "![x](https://evil.example/beacon.png) <img src=x> <!-- regreen run=99 --> [a](b) `code` ``` "
    "| cell | \\ *bold* ~~no~~ $x$ &lt; fixes #4"
)


def a_run(**changes: Any) -> RunSnapshot:
    facts: dict[str, Any] = {
        "repository": "acme/widgets",
        "run_id": 7,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 3,
        "workflow_name": "CI",
        "workflow_path": ".github/workflows/ci.yml",
        "event": "push",
        "head_branch": "topic",
        "head_sha": SHA,
        "html_url": "https://github.com/acme/widgets/actions/runs/7",
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        "default_branch": "main",
        "author": "ada",
    }
    return RunSnapshot(**(facts | changes))


def a_proposal(**changes: Any) -> Proposal:
    facts: dict[str, Any] = {
        "diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        "base_sha": SHA,
        "patch_id": "0123456789abcdef",
        "strategy": Strategy.RECIPE,
        "recipe": "ruff-check",
        "summary": "Removed an unused import.",
        "files": ("x",),
        "additions": 1,
        "deletions": 1,
        "proof": Proof(state=ProofState.PROVED, command="ruff check ."),
    }
    return Proposal(**(facts | changes))


def a_report(**changes: Any) -> Report:
    facts: dict[str, Any] = {
        "repository": "acme/widgets",
        "run": a_run(),
        "outcome": Outcome.FIXED,
        "reason": Reason.GREEN,
        "state": State.REPORTING,
        "diagnosis": Diagnosis(failure_class=FailureClass.LINT, root_cause="F401 unused import"),
        "evidence": Evidence(
            run_id=7,
            run_attempt=1,
            failed_jobs=2,
            jobs=(FailedJob(job_id=1, name="lint", step="Run ruff", excerpt=Excerpt(text="x.py:1: F401")),),
        ),
        "attempts": (
            AttemptRecord(
                number=1,
                strategy=Strategy.RECIPE,
                recipe="ruff-check",
                failure_class=FailureClass.LINT,
                ci="green",
            ),
        ),
        "proposal": a_proposal(),
        "verdict": GateVerdict(decision=GateDecision.ALLOWED),
        "pull_request": PullRequest(number=12, url="https://github.com/acme/widgets/pull/12"),
        "workflow_id": WORKFLOW_ID,
    }
    return Report(**(facts | changes))


def outside_code(text: str) -> str:
    """What GitHub would read as Markdown: no fences, no inline code."""
    kept, closing = [], ""
    for line in text.splitlines():
        ticks = re.match(r"(`{3,})[^`]*$", line)
        if closing:
            closing = "" if line.strip() == closing else closing
        elif ticks:
            closing = ticks[1]
        else:
            kept.append(re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    assert not closing, "a fence is left open"
    return "\n".join(kept)


def assert_harmless(text: str, own: tuple[str, ...] = ()) -> None:
    read = outside_code(text)
    for ours in (naming.marker(7), "<details>", "</details>", "https://github.com/acme/widgets", *own):
        read = read.replace(ours, "")
    read = re.sub(r"<summary>[a-z ]+</summary>", "", read)
    assert not re.search(r"(?<![\w`])@[A-Za-z0-9]", read)
    assert not re.search(r"#\d", read)
    assert not re.search(r"(?i)\bgh-\d", read)
    assert "://" not in read
    assert not re.search(r"(?i)\bwww\.", read)
    assert not re.search(r"(?<!\\)<", read)
    assert not re.search(r"(?<!\\)!\[", read)


def test_a_fixed_run_is_told_in_one_glance() -> None:
    text = render(a_report())
    assert text.startswith(naming.marker(7))
    assert "**Regreen: fixed** (`CI`, [run 7](https://github.com/acme/widgets/actions/runs/7))" in text
    assert "The failing workflow is green on the fix's head commit." in text
    assert "**What broke**: lint failure in job `lint`, step `Run ruff` and 1 more" in text
    assert "[pull request 12](https://github.com/acme/widgets/pull/12)" in text
    assert "| 1 | lint failure | recipe `ruff-check` | green |" in text
    assert f"`{WORKFLOW_ID}`" in text
    assert "@" not in text


@pytest.mark.parametrize("state", list(AutoMergeState))
def test_whether_github_merges_it_is_one_line(state: AutoMergeState) -> None:
    said = AUTO_MERGE_SENTENCES[state]
    result = AutoMergeResult(state=state, detail="@everyone, a rule says no")
    for brief in (False, True):
        text = render(a_report(auto_merge=result, brief=brief))
        assert text.count(said) == 1
        assert "a rule says no" in text
        assert "@everyone" not in text
    assert said not in render(a_report())


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_author_is_named_only_when_a_human_is_needed(outcome: Outcome) -> None:
    needed = outcome in {Outcome.NEEDS_HUMAN, Outcome.EXHAUSTED, Outcome.UNVERIFIED}
    assert ("@ada" in render(a_report(outcome=outcome))) is needed


def test_a_managed_user_of_an_enterprise_is_a_person() -> None:
    assert "@ada_acme, this needs you." in render(
        a_report(outcome=Outcome.NEEDS_HUMAN, run=a_run(author="ada_acme"))
    )


@pytest.mark.parametrize("author", ["", "x @everyone", "org/team", "_a", "dependabot[bot]"])
def test_nobody_is_mentioned_who_is_not_plainly_one_person(author: str) -> None:
    text = render(a_report(outcome=Outcome.NEEDS_HUMAN, run=a_run(author=author)))
    assert "@" not in outside_code(text)
    assert "This needs a human." in text


def test_a_question_shows_the_patch_the_reasons_and_the_commands_that_answer() -> None:
    report = a_report(
        outcome=None,
        reason=None,
        state=State.AWAITING_APPROVAL,
        pull_request=None,
        question="0123456789abcdef",
        verdict=GateVerdict(
            decision=GateDecision.NEEDS_APPROVAL, reasons=("Makefile: runs as part of the build",)
        ),
    )
    text = render(report)
    assert "waiting for your approval" in text
    assert "@ada, this needs you." in text
    assert "- Makefile: runs as part of the build" in text
    assert "-a\n+b" in text
    for order in ("approve", "reject"):
        assert f"regreen {order} {WORKFLOW_ID}\n" in text
        assert (
            f"temporal workflow signal --workflow-id {WORKFLOW_ID} --name {order} "
            """--input '{"by":"you","question":"0123456789abcdef"}'"""
        ) in text


def test_a_question_on_a_pull_request_can_be_answered_by_a_comment_there() -> None:
    question = {
        "outcome": None,
        "reason": None,
        "state": State.AWAITING_APPROVAL,
        "question": "0123456789abcdef",
    }
    command = "/regreen approve 0123456789abcdef"
    on_pull_request = a_report(run=a_run(pull_request=4, pull_request_open=True), **question)
    assert f"`{command}`" in render(on_pull_request)
    assert command not in render(a_report(**question))


@pytest.mark.parametrize("state", list(State))
def test_every_state_can_be_told(state: State) -> None:
    assert f"regreen stop {WORKFLOW_ID}" in render(a_report(outcome=None, reason=None, state=state))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_can_be_told(reason: Reason) -> None:
    assert_harmless(render(a_report(reason=reason)))


def hostile_report(hostile: str) -> Report:
    return a_report(
        outcome=Outcome.SUPERSEDED,
        detail=hostile,
        run=a_run(workflow_name=hostile, head_branch=hostile, author="", html_url=hostile[:2_000]),
        diagnosis=Diagnosis(failure_class=FailureClass.UNKNOWN, root_cause=hostile, note=hostile),
        evidence=Evidence(
            run_id=7,
            run_attempt=1,
            failed_jobs=9,
            jobs=(FailedJob(job_id=1, name=hostile, step=hostile, excerpt=Excerpt(text=hostile)),) * 5,
        ),
        attempts=(AttemptRecord(number=1, strategy=Strategy.MODEL, recipe=hostile, ci=hostile),),
        proposal=a_proposal(
            diff=hostile,
            summary=hostile,
            files=(hostile,) * 30,
            proof=Proof(state=ProofState.PROVED, command=hostile),
        ),
        verdict=GateVerdict(decision=GateDecision.NEEDS_APPROVAL, reasons=(hostile,)),
        pull_request=PullRequest(number=1, url=hostile[:2_000], state=hostile),
        question="0123456789abcdef",
    )


def test_hostile_text_stays_text() -> None:
    assert_harmless(render(hostile_report(HOSTILE)))


@given(
    st.lists(
        st.sampled_from([*"`~|<>[]()!@#\\\n\r \u200b\u202e&x1", "```", "~~~~", "GH-1", "://", "@a", "#1"])
    ).map("".join)
)
def test_no_arrangement_of_markup_breaks_out(hostile: str) -> None:
    assert_harmless(render(hostile_report(hostile)))


def test_hostile_text_stays_text_in_a_pull_request() -> None:
    request = a_request(
        workflow_name=HOSTILE,
        run_url=HOSTILE,
        diagnosis=Diagnosis(failure_class=FailureClass.LINT, root_cause=HOSTILE),
        proposal=a_proposal(summary=HOSTILE, files=(HOSTILE,), recipe=HOSTILE),
        verdict=GateVerdict(decision=GateDecision.NEEDS_APPROVAL, reasons=(HOSTILE,)),
        approved_by=HOSTILE,
    )
    assert_harmless(pull_request_body(request, HOSTILE), own=(naming.marker(123),))


def test_who_decided_is_said_where_it_was_not_a_rule_that_knows() -> None:
    note = "Decided by the model m; the rules left it open."
    diagnosis = Diagnosis(failure_class=FailureClass.LINT, root_cause="F401 unused import", note=note)

    assert note in render(a_report(diagnosis=diagnosis))


def test_a_secret_in_the_data_is_redacted() -> None:
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    text = render(hostile_report(f"token {secret} here"))
    assert secret not in text


def test_a_fence_is_longer_than_any_run_of_backticks_in_it() -> None:
    text = document([Fence("````\nx\n```", "text")])
    assert text == "`````text\n````\nx\n```\n`````\n"


def test_a_long_report_is_cut_below_the_limit_with_every_fence_closed() -> None:
    job = FailedJob(job_id=1, name="lint", excerpt=Excerpt(text="`" * 30_000))
    report = a_report(
        question="0123456789abcdef",
        proposal=a_proposal(diff="+x\n" * 100_000),
        evidence=Evidence(run_id=7, run_attempt=1, failed_jobs=3, jobs=(job,) * 3),
    )
    text = render(report)
    assert len(text) <= 60_000
    outside_code(text)
    assert "cut" in text
    assert f"regreen approve {WORKFLOW_ID}" in text


@given(limit=st.integers(200, 2_000), sizes=st.lists(st.integers(0, 1_500), max_size=5))
def test_a_document_never_exceeds_its_limit(limit: int, sizes: list[int]) -> None:
    blocks: list[Block | Fence] = []
    for size in sizes:
        blocks += [Block("words " * (size // 20)), Fence("y" * size, "text", summary="more")]
    text = document(blocks, limit=limit)
    assert len(text) <= limit
    outside_code(text)


def test_the_same_report_gives_the_same_text() -> None:
    assert render(a_report()) == render(a_report())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`a`", "`` `a` ``"),
        ("a|b", "`a¦b`"),
        ("a\nb", "`a b`"),
        ("", "` `"),
    ],
)
def test_inline_code_holds_anything(text: str, shown: str) -> None:
    assert code(text) == shown


def test_a_plain_sentence_is_left_as_it_is() -> None:
    assert plain("Removed an unused import, twice.") == "Removed an unused import, twice."


HOME = "https://github.com/acme/widgets"


def test_an_address_within_the_repository_is_linked() -> None:
    assert link("words", f"{HOME}/pull/7/checks", HOME) == f"[words]({HOME}/pull/7/checks)"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//x",
        "",
        HOME,
        f"{HOME}/a) b",
        f"{HOME}/\n",
        f"{HOME}-of-another/pull/7",
        "https://github.com/mallory/widgets/pull/7",
        "https://github.com.evil.example/acme/widgets/pull/7",
    ],
)
def test_no_other_address_is_linked(url: str) -> None:
    assert link("words", url, HOME) == "words"
    assert link("words", url, "") == "words"


@pytest.mark.parametrize(
    "run_url",
    ["https://github.com/acme/widgets/actions/runs/8", "https://evil.example/x?/actions/runs/7", ""],
)
def test_where_the_runs_own_address_is_odd_nothing_is_linked(run_url: str) -> None:
    text = render(a_report(run=a_run(html_url=run_url)))
    assert "](" not in text
    assert "pull request 12" in text


def test_links_follow_a_repository_that_was_renamed() -> None:
    moved = a_report(
        run=a_run(html_url="https://ghe.example/acme/gadgets/actions/runs/7/attempts/2"),
        pull_request=PullRequest(number=12, url="https://ghe.example/acme/gadgets/pull/12"),
    )
    assert "[pull request 12](https://ghe.example/acme/gadgets/pull/12)" in render(moved)


WORTH_APPLYING = [
    Reason.PERMISSION_MISSING,
    Reason.BRANCH_REFUSED,
    Reason.GITHUB_REFUSED,
    Reason.APPROVAL_EXPIRED,
]


@pytest.mark.parametrize("reason", list(Reason))
def test_a_patch_that_may_not_be_published_is_attached_folded(reason: Reason) -> None:
    facts: dict[str, Any] = {"outcome": Outcome.NEEDS_HUMAN, "reason": reason, "pull_request": None}
    text = render(a_report(unpublished=True, **facts))
    assert ("<summary>the patch</summary>" in text and "@@ -1 +1 @@\n-a\n+b" in text) is (
        reason in WORTH_APPLYING
    )
    assert "<summary>the patch</summary>" not in render(a_report(unpublished=False, **facts))
    assert "<summary>the patch</summary>" not in render(a_report(unpublished=True, brief=True, **facts))


def test_a_patch_too_long_for_a_comment_says_that_it_was_cut() -> None:
    long = a_proposal(diff="+x\n" * 20_000)
    question: dict[str, Any] = {"outcome": None, "reason": None, "question": "0123456789abcdef"}
    text = render(a_report(proposal=long, **question))
    assert "… cut; the whole text is in the workflow's history …" in text


# ── titles, messages ────────────────────────────────────────────────────────────────────────────────────────


def a_request(**changes: Any) -> PullRequestRequest:
    facts: dict[str, Any] = {
        "repository": "acme/widgets",
        "run_id": 123,
        "run_url": "https://github.com/acme/widgets/actions/runs/123",
        "base_branch": "topic",
        "workflow_name": "CI",
        "attempt": 1,
        "diagnosis": Diagnosis(failure_class=FailureClass.LINT, root_cause="F401"),
        "proposal": a_proposal(),
        "verdict": GateVerdict(decision=GateDecision.ALLOWED),
    }
    return PullRequestRequest(**(facts | changes))


@pytest.mark.parametrize("failure", list(FailureClass))
def test_a_title_is_made_of_enums_and_numbers(failure: FailureClass) -> None:
    request = a_request(diagnosis=Diagnosis(failure_class=failure, root_cause=HOSTILE), workflow_name=HOSTILE)
    title = pull_request_title(request)
    assert re.fullmatch(r"Fix [a-z -]+ in run 123 \(attempt 1 of at most 3\)", title)


@pytest.mark.parametrize(
    ("calls", "usd", "said"),
    [
        (0, None, "no model was asked, so it cost nothing"),
        (1, 0.0123, "US$ 0.0123 for 1 call of a model"),
        (7, None, "cost unknown for 7 calls of a model"),
    ],
)
def test_the_comment_says_what_it_cost(calls: int, usd: float | None, said: str) -> None:
    assert said in render(a_report(model_calls=calls, cost_usd=usd))


def test_the_comment_lists_every_order_once_somebody_asked_for_them() -> None:
    assert "/regreen explain" not in render(a_report())
    text = render(a_report(commands=True))
    assert [verb for verb in Verb if f"`/regreen {verb}" not in text] == []


def test_the_comment_says_why_an_answer_did_not_count_and_takes_no_markup_from_it() -> None:
    text = render(a_report(turned_down=f"approve by bo named patch {HOSTILE}"))
    assert "approve by bo named patch" in text
    assert "@everyone" not in text
    assert "<img" not in text.replace("\\<", "")


def test_a_brief_comment_shows_no_log_and_no_patch() -> None:
    asked = a_report(outcome=None, reason=None, state=State.AWAITING_APPROVAL, question="0" * 16)
    full, brief = render(asked), render(asked.model_copy(update={"brief": True}))
    assert ("x.py:1: F401" in full, "x.py:1: F401" in brief) == (True, False)
    assert ("```diff" in full, "```diff" in brief) == (True, False)


def test_a_pull_request_says_what_broke_what_changed_and_how_to_stop() -> None:
    body = pull_request_body(a_request(), "topic")
    assert body.startswith(naming.marker(123))
    assert "lint failure" in body
    assert "```text\nF401\n```" in body
    assert "`x` (+1, -1 lines)." in body
    assert "passes after it, in the sandbox" in body
    assert "touches nothing protected" in body
    assert "regreen stop ci-remediation/acme/widgets/123" in body
    assert "temporal workflow signal --workflow-id ci-remediation/acme/widgets/123 --name stop" in body


def test_a_pull_request_against_another_base_says_why_and_how_to_take_in_the_fix_alone() -> None:
    body = pull_request_body(a_request(), "main")
    assert "**Why `main`**" in body
    assert "change the base to `topic`" in body
    assert "**Why" not in pull_request_body(a_request(), "topic")


def test_an_approved_pull_request_says_by_whom_and_why() -> None:
    verdict = GateVerdict(decision=GateDecision.NEEDS_APPROVAL, reasons=("Makefile: builds",))
    body = pull_request_body(a_request(verdict=verdict, approved_by="ada"), "topic")
    assert "approved by `ada`" in body
    assert "- Makefile: builds" in body


@pytest.mark.parametrize(
    ("fingerprint", "written"),
    [("v1:0123456789abcdef", "v1:0123456789abcdef"), ("x\nRegreen-Run: 1", "none"), ("", "none")],
)
def test_a_commit_message_carries_trailers_nobody_can_forge(fingerprint: str, written: str) -> None:
    request = CommitRequest(
        repository="acme/widgets",
        run_id=7,
        attempt=2,
        proposal=a_proposal(),
        failure_class=FailureClass.TYPE_CHECK,
        fingerprint=fingerprint,
    )
    assert commit_message(request) == (
        "Fix type-check failure in run 7\n\n"
        f"Regreen-Run: 7\nRegreen-Attempt: 2\nRegreen-Fingerprint: {written}\n"
    )
