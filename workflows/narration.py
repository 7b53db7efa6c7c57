"""What a person reads in the Temporal Web UI: summaries and the Markdown of a remediation's current details.

Everything here is built from facts the workflow holds, so it replays; text from outside is put in code spans
with its backticks removed.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from workflows.models import (
    AUTO_MERGE_SENTENCES,
    REASON_SENTENCES,
    GateVerdict,
    Order,
    PatchRequest,
    ProofState,
    Proposal,
    Spending,
    State,
    Status,
)
from workflows.naming import parse_remediation_id
from workflows.session_models import ToolCall

_CALLS_SHOWN: Final = 3
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,39}", re.ASCII)
"""Short, too: the server takes 400 bytes of a summary."""
_MODEL_CHARACTERS: Final = 80
_FILES_SHOWN: Final = 5
_REASONS_SHOWN: Final = 8
_PROOFS: Final = {
    ProofState.PROVED: "proved: the failing command passes with it",
    ProofState.IMPROVED: "this failure is gone, the command still fails on something else",
    ProofState.NOT_PROVED_HERE: "not proved here, so CI decides",
}

_STATE_SENTENCES = {
    State.TRIAGE: "Looking at the run.",
    State.EVIDENCE: "Reading the failed jobs' logs.",
    State.RERUNNING: "Rerunning the failed jobs once: the failure looks transient.",
    State.DIAGNOSIS: "Finding the cause.",
    State.PATCHING: "Making and proving a patch.",
    State.AWAITING_APPROVAL: "Waiting for a human to approve the patch.",
    State.PUBLISHING: "Publishing the patch as a pull request.",
    State.AWAITING_CI: "Waiting for CI on the fix.",
    State.REPORTING: "Writing the report.",
    State.WATCHING_MERGE: "Green. Waiting for a human to merge or close the pull request.",
    State.WATCHING_REVERT: "Merged. Watching whether the fix is taken back.",
    State.DONE: "Done.",
}


def code(text: str) -> str:
    """`text` as an inert Markdown code span on one line."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


def details(status: Status, workflow_id: str) -> str:
    """The Markdown shown as a remediation's current details: state, what is asked, then what is known.

    A list needs an empty line before it: the Web UI's renderer takes it for prose without one.
    """
    paused = " _Paused: no further step is taken until `resume`._" if status.paused else ""
    blocks = [f"**{_headline(status)}**{paused}"]
    if status.question is not None:
        blocks.append(_question(status, workflow_id))
    elif status.paused:
        blocks.append(_block(command(workflow_id, "resume", Order(by="you"))))
    blocks.append("\n".join(_facts(status)))
    return "\n\n".join(filter(None, blocks))


def _headline(status: Status) -> str:
    sentence = _STATE_SENTENCES[status.state]
    if status.state is State.DONE and status.outcome is not None and status.reason is not None:
        return f"{status.outcome}: {REASON_SENTENCES[status.reason]}"
    return sentence


def _facts(status: Status) -> Iterator[str]:
    """One line each, none within another: the Web UI's renderer runs lists within lists together."""
    if status.outcome is not None and status.reason is not None:
        if status.state is not State.DONE:
            yield f"- Outcome **{status.outcome}**: {REASON_SENTENCES[status.reason]}"
        if status.detail:
            yield f"- {code(status.detail)}"
    yield from _published(status)
    if status.proposal is not None and status.proposal.diff:
        yield f"- Patch {code(status.proposal.patch_id)}: {_patch(status.proposal)}"
    if status.approval is not None:
        yield f"- Approved by {code(status.approval.by)} at {status.approval.at:%Y-%m-%d %H:%M} UTC"
    if status.turned_down and status.outcome is None:
        yield f"- {code(status.turned_down)}"
    yield from _cause(status)
    if status.run is not None:
        yield (
            f"- Run: [{status.run.run_id}]({status.run.html_url}) of {code(status.run.workflow_name)}"
            f" on {code(status.run.head_branch)} at {code(status.run.head_sha[:10])}"
        )
    yield from _attempts(status)


def _published(status: Status) -> Iterator[str]:
    if status.pull_request is not None:
        yield f"- Pull request: [#{status.pull_request.number}]({status.pull_request.url})"
    if status.auto_merge is not None:
        yield f"- {AUTO_MERGE_SENTENCES[status.auto_merge.state]}"


def _cause(status: Status) -> Iterator[str]:
    if status.diagnosis is not None:
        yield f"- Cause ({status.diagnosis.failure_class}): {code(status.diagnosis.root_cause)}"
        if status.diagnosis.note:
            yield f"- {code(status.diagnosis.note)}"
    if status.model_calls:
        yield f"- Model calls: {status.model_calls}, {cost(status.cost_usd)}"
    if status.outcome is None and status.detail:
        yield f"- {code(status.detail)}"


def _attempts(status: Status) -> Iterator[str]:
    """What CI said of each attempt, and which one is under way."""
    answered = [record for record in status.attempts if record.ci is not None]
    for record in answered:
        tool = code(record.recipe or record.strategy or "no repair")
        yield f"- Attempt {record.number} ({record.failure_class}) by {tool}: CI {code(record.ci or '')}"
    if status.attempt > len(answered):
        yield f"- Attempt {status.attempt} of {status.attempts_allowed}"


def _patch(proposal: Proposal) -> str:
    shown = ", ".join(code(path) for path in proposal.files[:_FILES_SHOWN])
    more = len(proposal.files) - _FILES_SHOWN
    return (
        f"+{proposal.additions} -{proposal.deletions} in {shown}{f' and {more} more' if more > 0 else ''}"
        f" by {code(proposal.recipe or proposal.strategy or 'no recipe')}, {_PROOFS[proposal.proof.state]}"
    )


def outage(jobs: int, pause: timedelta) -> str:
    """What is said while a rerun waits for an outage to pass."""
    minutes = round(pause.total_seconds() / 60)
    return (
        f"{jobs} jobs fail alike with the sign of an outage; the rerun waits {minutes} minutes for it to pass"
    )


def cost(usd: float | None) -> str:
    """US dollars as people read them."""
    return "cost unknown" if usd is None else f"US$ {usd:.4f}"


def _question(status: Status, workflow_id: str) -> str:
    """What a human is asked, and the commands that answer it."""
    reasons = status.verdict.reasons if status.verdict else ()
    because = [f"- {code(reason)}" for reason in reasons[:_REASONS_SHOWN]]
    if len(reasons) > _REASONS_SHOWN:
        because.append(f"- and {len(reasons) - _REASONS_SHOWN} more")
    answer = Order(by="you", question=status.question)
    parsed = parse_remediation_id(workflow_id)
    target = f"{parsed[0]}/{parsed[1]}" if parsed else workflow_id
    return "\n\n".join(
        [
            f"Patch {code(status.question or '')} needs approval: it touches what a person decides on.",
            "\n".join(because),
            "Look at it and answer with",
            _block(f"regreen approve {target}"),
            "or, without asking anything, with",
            _block(command(workflow_id, "approve", answer)),
            "`reject` in the place of `approve` drops the patch and ends.",
        ]
    )


def _block(text: str) -> str:
    return f"```\n{text}\n```"


def command(workflow_id: str, order: str, payload: Order) -> str:
    """The `temporal` command that gives an order, on lines that fit beside the Web UI's summary."""
    words = signal_command(workflow_id, order, payload).split(" --")
    return " \\\n  --".join(words)


def signal_command(workflow_id: str, order: str, payload: Order) -> str:
    """The `temporal` command line that gives an order."""
    body = payload.model_dump_json(exclude_none=True)
    return f"temporal workflow signal --workflow-id {workflow_id} --name {order} --input '{body}'"


def attempting(status: Status) -> str:
    """The summary of an attempt."""
    what = f": repair {status.diagnosis.failure_class}" if status.diagnosis else ""
    return f"Attempt {status.attempt} of {status.attempts_allowed}{what}"


def committing(proposal: Proposal) -> str:
    """The summary of writing a commit: what it changes, and by whom."""
    by = plain(proposal.recipe) or proposal.strategy or "nobody"
    size = f"+{proposal.additions} -{proposal.deletions}, files: {len(proposal.files)}"
    return f"Write the commit ({size}, by {by})"


def posting(status: Status) -> str:
    """The summary of a comment: what it says."""
    if status.outcome is not None:
        return f"Say on GitHub: {status.outcome}, {status.reason}"
    sentence = _STATE_SENTENCES[status.state]
    return f"Say on GitHub: {sentence[0].lower()}{sentence[1:-1]}"


def of_pull_request(what: str, status: Status) -> str:
    """A summary that names the fix pull request, where there is one."""
    return f"{what} #{status.pull_request.number}" if status.pull_request else what


def publishing(status: Status) -> str:
    """The summary of opening the pull request, or of bringing it up to date."""
    return (
        "Open the pull request"
        if status.pull_request is None
        else of_pull_request("Update pull request", status)
    )


def asking_approval(proposal: Proposal, deadline: timedelta) -> str:
    """The summary of the wait for a human's answer."""
    return at_most(f"Wait for a human to approve patch {plain(proposal.patch_id)}", deadline)


def at_most(what: str, span: timedelta) -> str:
    """The summary of a timer: what is waited for, and how long."""
    days, minutes = span.days, round(span.total_seconds() / 60)
    return f"{what}, at most {f'{days} days' if days > 1 else f'{minutes} minutes'}"


def attempt(request: PatchRequest, proposal: Proposal | None, verdict: GateVerdict | None) -> str:
    """The Markdown shown as an attempt's current details while no model is in session."""
    lines = [f"- Cause ({request.diagnosis.failure_class}): {code(request.diagnosis.root_cause)}"]
    if proposal is None:
        return "\n\n".join(["**Looking for a patch without a model, and proving it.**", *lines])
    lines.append(f"- Patch: {_patch(proposal)}" if proposal.diff else f"- No patch: {code(proposal.summary)}")
    if verdict is not None:
        lines.append(f"- Gate: {verdict.decision}")
        lines += [f"- {code(reason)}" for reason in verdict.reasons[:_REASONS_SHOWN]]
    found = "A patch was found." if proposal.diff else "No patch was found."
    return "\n\n".join([f"**{found}**", "\n".join(lines)])


def asking(spent: Spending) -> str:
    """The summary of a model call, with what the session took before it."""
    return f"turn {spent.calls + 1}, ask {(spent.model or '')[:_MODEL_CHARACTERS]} ({_taken(spent)})"


def acting(spent: Spending, calls: Sequence[ToolCall]) -> str:
    """The summary of a batch of tool calls: the model's own words only where they are plain."""
    shown = [_call(call) for call in calls[:_CALLS_SHOWN]]
    more = [f"{len(calls) - _CALLS_SHOWN} more"] if len(calls) > _CALLS_SHOWN else []
    return f"turn {spent.calls}, {', '.join(shown + more)} ({_taken(spent)})"


def session(spent: Spending, diff: str, end: str) -> str:
    """The Markdown shown as an attempt's current details while a model works on it, and after it."""
    added = sum(line.startswith("+") and not line.startswith("+++") for line in diff.splitlines())
    removed = sum(line.startswith("-") and not line.startswith("---") for line in diff.splitlines())
    state = "Was" if end else "Is"
    return "\n".join(
        [
            f"**{state} in session with {code(spent.model or 'the model')}.**",
            "",
            f"- Model calls: {spent.calls}, {_taken(spent)}",
            f"- Patch: +{added} -{removed}",
            *([f"- {code(end)}"] if end else []),
        ]
    )


def _call(call: ToolCall) -> str:
    what, where = (plain(call.input.get(name)) for name in ("command", "path"))
    return " ".join(filter(None, (what or plain(call.name) or "?", where)))


def plain(word: object) -> str:
    """The word where it is short and holds no markup, else nothing."""
    return word if isinstance(word, str) and _PLAIN_WORD.fullmatch(word) else ""


def _taken(spent: Spending) -> str:
    read = f"{spent.input_tokens:,} tokens read, {spent.cached_tokens:,} of them cached"
    return f"so far {read}, {spent.output_tokens:,} written, {cost(spent.cost_usd)}"


def run_title(workflow_id: str) -> str:
    """`acme/widgets run 12` for a remediation's workflow id."""
    parsed = parse_remediation_id(workflow_id)
    return f"{parsed[0]} run {parsed[1]}" if parsed else workflow_id
