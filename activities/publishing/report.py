"""The sticky comment: what a busy person wants to know, in the order they want to know it."""

from collections.abc import Iterator
from typing import Final

from activities.publishing.markdown import Block, Fence, code, document, link, patch, plain
from activities.publishing.wording import FAILURE_NAMES, changes, orders, proof, source
from workflows import naming
from workflows.models import (
    AUTO_MERGE_SENTENCES,
    CALLS_FOR_A_HUMAN,
    REASON_SENTENCES,
    AttemptRecord,
    CiVerdict,
    FailedJob,
    LogState,
    Order,
    Outcome,
    Reason,
    Report,
    State,
)
from workflows.narration import cost

_OUTCOMES: Final[dict[Outcome, str]] = {
    Outcome.FIXED: "fixed",
    Outcome.FLAKY: "flaky, nothing changed",
    Outcome.IGNORED: "left alone",
    Outcome.DIAGNOSED: "diagnosed, not repaired",
    Outcome.NEEDS_HUMAN: "needs a human",
    Outcome.EXHAUSTED: "every attempt used, still red",
    Outcome.STOPPED: "stopped",
    Outcome.SUPERSEDED: "superseded",
    Outcome.UNVERIFIED: "fix published, not verified by CI",
}

_STATES: Final[dict[State, str]] = {
    State.TRIAGE: "looking at the run",
    State.EVIDENCE: "reading the logs",
    State.RERUNNING: "rerunning the failed jobs once",
    State.DIAGNOSIS: "finding the cause",
    State.PATCHING: "making a patch",
    State.AWAITING_APPROVAL: "waiting for your approval",
    State.PUBLISHING: "publishing the fix",
    State.AWAITING_CI: "waiting for CI on the fix",
    State.REPORTING: "finishing",
    State.WATCHING_MERGE: "watching whether the fix is merged",
    State.WATCHING_REVERT: "watching whether the fix is taken back",
    State.DONE: "done",
}

_CI_WORDS: Final[dict[str, str]] = {
    CiVerdict.GREEN: "green",
    CiVerdict.RED: "red",
    CiVerdict.PENDING: "pending",
    CiVerdict.ABSENT: "never started",
    CiVerdict.CANCELLED: "cancelled",
    CiVerdict.TIMED_OUT: "timed out",
    CiVerdict.ACTION_REQUIRED: "waits for permission",
    CiVerdict.SKIPPED: "skipped",
    CiVerdict.BLOCKED: "green, but a required check is not",
}
_LOG_STATES: Final[dict[LogState, str]] = {
    LogState.EMPTY: "its log is empty",
    LogState.GONE: "its log is gone",
    LogState.UNUSABLE: "its log cannot be used",
}
_WORTH_APPLYING: Final = {
    Reason.PERMISSION_MISSING,
    Reason.BRANCH_REFUSED,
    Reason.GITHUB_REFUSED,
    Reason.APPROVAL_EXPIRED,
}
"""Ends in which a patch that the gate let through was not published, and a human may want to apply it."""
_JOBS_SHOWN: Final = 3
_COMMANDS: Final = (
    ("approve PATCH_ID", "publish the patch that waits"),
    ("reject PATCH_ID", "drop the patch that waits, and end"),
    ("retry HINT", "give up the current wait and make the next attempt; the hint may be left out"),
    ("stop", "end, and close the fix pull request"),
    ("pause", "take no further step"),
    ("resume", "go on"),
    ("explain", "bring this comment up to date"),
    ("help", "list these orders"),
)


def render(report: Report) -> str:
    """The comment as Markdown. Pure: the same report gives the same text."""
    return document(list(_blocks(report)))


def _blocks(report: Report) -> Iterator[Block | Fence]:
    yield Block(naming.marker(report.run.run_id))
    yield Block(_headline(report))
    if report.turned_down:
        yield Block(plain(report.turned_down))
    if report.question is not None:
        yield from _asked(report, report.question)
    yield from _broken(report)
    yield from _fix(report)
    if not report.brief:
        yield from _unpublished(report)
        if report.attempts:
            yield Block(_table(report.attempts))
        yield from _excerpts(report)
    yield from _footer(report)


def _headline(report: Report) -> str:
    run = link(f"run {report.run.run_id}", report.run.html_url, _home(report))
    state = _OUTCOMES[report.outcome] if report.outcome else _STATES[report.state]
    lines = [f"**Regreen: {state}** ({code(report.run.workflow_name)}, {run})"]
    if report.reason:
        lines.append(REASON_SENTENCES[report.reason])
    if report.detail:
        lines.append(plain(report.detail))
    if report.question is not None or report.outcome in CALLS_FOR_A_HUMAN:
        author = report.run.author
        lines.append(f"@{author}, this needs you." if naming.is_login(author) else "This needs a human.")
    return "\n\n".join(lines)


def _asked(report: Report, question: str) -> Iterator[Block | Fence]:
    reasons = report.verdict.reasons if report.verdict else ()
    yield Block(
        "\n".join(
            ["**May this patch be published?** It needs a human because:", ""]
            + [f"- {plain(reason)}" for reason in reasons]
        )
    )
    if report.proposal and not report.brief:
        yield patch(report.proposal.diff)
    yield Block("Answer with one of each pair:")
    answer = Order(by="you", question=question)
    yield Fence("\n".join(orders(report.workflow_id, verb, answer) for verb in ("approve", "reject")), "sh")
    if report.run.pull_request is not None and report.run.pull_request_open:
        commands = " or ".join(code(f"/regreen {verb} {question}") for verb in ("approve", "reject"))
        yield Block(f"Or write {commands} as the first line of a comment here.")


def _broken(report: Report) -> Iterator[Block | Fence]:
    if report.diagnosis is None:
        return
    jobs = report.evidence.jobs if report.evidence else ()
    where = f" in {_place(jobs[0])}" if jobs else ""
    more = (
        f" and {report.evidence.failed_jobs - 1} more"
        if report.evidence and report.evidence.failed_jobs > 1
        else ""
    )
    yield Block(f"**What broke**: {FAILURE_NAMES[report.diagnosis.failure_class]}{where}{more}")
    yield Fence(report.diagnosis.root_cause, "text")
    if report.diagnosis.note:
        yield Block(plain(report.diagnosis.note))


def _place(job: FailedJob) -> str:
    step = f", step {code(job.step)}" if job.step else ""
    log = f" ({_LOG_STATES[job.log_state]})" if job.log_state in _LOG_STATES else ""
    return f"job {code(job.name)}{step}{log}"


def _fix(report: Report) -> Iterator[Block]:
    proposal, pull_request = report.proposal, report.pull_request
    if pull_request is not None:
        state = "merged" if pull_request.merged else pull_request.state
        ci = link("what CI says of it", f"{pull_request.url}/checks", _home(report))
        opened = link(f"pull request {pull_request.number}", pull_request.url, _home(report))
        yield Block(f"**Fix**: {opened} ({plain(state)}); {ci}")
    if report.auto_merge is not None:
        refused = f" It said: {plain(report.auto_merge.detail)}" if report.auto_merge.detail else ""
        yield Block(f"{AUTO_MERGE_SENTENCES[report.auto_merge.state]}{refused}")
    if proposal is not None and proposal.diff and (pull_request is not None or report.question is not None):
        yield Block(
            f"{changes(proposal.files, proposal.additions, proposal.deletions, proposal.summary)}\n\n"
            f"By {source(proposal.strategy, proposal.recipe)}. {proof(proposal.proof)}"
        )


def _unpublished(report: Report) -> Iterator[Block | Fence]:
    """The patch itself, where Regreen made one and may not publish it."""
    if report.unpublished and report.proposal is not None and report.reason in _WORTH_APPLYING:
        yield Block(
            f"The patch for {code(report.proposal.base_sha[:10])}, which `git apply` takes. "
            f"{proof(report.proposal.proof)}"
        )
        yield patch(report.proposal.diff, summary="the patch")


def _home(report: Report) -> str:
    return naming.home_of(report.run.html_url, report.run.run_id)


def _table(attempts: tuple[AttemptRecord, ...]) -> str:
    rows = ["| attempt | repairs | by | CI |", "|---|---|---|---|"]
    for attempt in attempts:
        ci = _CI_WORDS.get(attempt.ci, code(attempt.ci)) if attempt.ci else "not published"
        rows.append(
            f"| {attempt.number} | {FAILURE_NAMES[attempt.failure_class]} "
            f"| {source(attempt.strategy, attempt.recipe) if attempt.strategy else 'no patch'} | {ci} |"
        )
    return "\n".join(rows)


def _excerpts(report: Report) -> Iterator[Block | Fence]:
    for job in (report.evidence.jobs if report.evidence else ())[:_JOBS_SHOWN]:
        if job.excerpt.text.strip():
            yield Block(f"Log of {_place(job)}:")
            yield Fence(job.excerpt.text, "text", summary="the lines that tell")


def _footer(report: Report) -> Iterator[Block | Fence]:
    yield Block(f"Workflow {code(report.workflow_id)} · {_cost(report)}")
    if report.outcome is None:
        by_command = orders(report.workflow_id, "stop", Order(by="you"))
        by_comment = "# or, as the first line of a comment on the pull request: /regreen stop"
        yield Fence(f"{by_command}\n{by_comment}", "sh", summary="to stop this")
    if report.commands:
        rows = "\n".join(f"- {code(f'/regreen {order}')}: {meaning}" for order, meaning in _COMMANDS)
        yield Block(f"**Orders**, each as the first line of a comment:\n\n{rows}")


def _cost(report: Report) -> str:
    if not report.model_calls:
        return "no model was asked, so it cost nothing"
    calls = "1 call" if report.model_calls == 1 else f"{report.model_calls} calls"
    return f"{cost(report.cost_usd)} for {calls} of a model"
