"""What a person reads in the Temporal Web UI: summaries and the Markdown of a remediation's current details.

Everything here is built from facts the workflow holds, so it replays; text from outside is put in code spans
with its backticks removed.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from workflows.models import AUTO_MERGE_SENTENCES, REASON_SENTENCES, Order, Spending, State, Status
from workflows.naming import parse_remediation_id
from workflows.session_models import ToolCall

_CALLS_SHOWN: Final = 3
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,39}", re.ASCII)
"""Short, too: the server takes 400 bytes of a summary."""
_MODEL_CHARACTERS: Final = 80

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
    """The Markdown shown as a remediation's current details."""
    lines = [f"**{_STATE_SENTENCES[status.state]}**" + (" _Paused._" if status.paused else "")]
    if status.run is not None:
        lines.append(
            f"- Run: [{status.run.run_id}]({status.run.html_url}) of {code(status.run.workflow_name)}"
            f" on {code(status.run.head_branch)} at {code(status.run.head_sha[:10])}"
        )
    lines.extend(_cause(status))
    if status.attempt:
        lines.append(f"- Attempt {status.attempt} of {status.attempts_allowed}")
    if status.proposal is not None and status.proposal.diff:
        files = ", ".join(code(path) for path in status.proposal.files[:5])
        recipe = code(status.proposal.recipe or "no recipe")
        lines.append(
            f"- Patch {code(status.proposal.patch_id)} by {recipe}: {files}"
            f" (+{status.proposal.additions} -{status.proposal.deletions}), {status.proposal.proof.state}"
        )
    if status.approval is not None:
        lines.append(f"- Approved by {code(status.approval.by)} at {status.approval.at:%Y-%m-%d %H:%M} UTC")
    if status.turned_down and status.outcome is None:
        lines.append(f"- {code(status.turned_down)}")
    lines.extend(_published(status))
    if status.question is not None:
        lines.extend(_question(status, workflow_id))
    if status.outcome is not None and status.reason is not None:
        lines.append(f"- Outcome **{status.outcome}**: {REASON_SENTENCES[status.reason]}")
        if status.detail:
            lines.append(f"- {code(status.detail)}")
    return "\n".join(lines)


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


def outage(jobs: int, pause: timedelta) -> str:
    """What is said while a rerun waits for an outage to pass."""
    minutes = round(pause.total_seconds() / 60)
    return (
        f"{jobs} jobs fail alike with the sign of an outage; the rerun waits {minutes} minutes for it to pass"
    )


def cost(usd: float | None) -> str:
    """US dollars as people read them."""
    return "cost unknown" if usd is None else f"US$ {usd:.4f}"


def _question(status: Status, workflow_id: str) -> list[str]:
    reasons = "; ".join(status.verdict.reasons) if status.verdict else ""
    return [
        f"- Needs approval: {code(reasons)}",
        "",
        "```",
        signal_command(workflow_id, "approve", Order(by="you", question=status.question)),
        "```",
    ]


def signal_command(workflow_id: str, order: str, payload: Order) -> str:
    """The `temporal` command line that gives an order."""
    body = payload.model_dump_json(exclude_none=True)
    return f"temporal workflow signal --workflow-id {workflow_id} --name {order} --input '{body}'"


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
            f"- Model calls: {spent.calls}, {_taken(spent)}",
            f"- Patch: +{added} -{removed}",
            *([f"- {code(end)}"] if end else []),
        ]
    )


def _call(call: ToolCall) -> str:
    what, where = (_plain(call.input.get(name)) for name in ("command", "path"))
    return " ".join(filter(None, (what or _plain(call.name) or "?", where)))


def _plain(word: object) -> str:
    return word if isinstance(word, str) and _PLAIN_WORD.fullmatch(word) else ""


def _taken(spent: Spending) -> str:
    read = f"{spent.input_tokens:,} tokens read, {spent.cached_tokens:,} of them cached"
    return f"so far {read}, {spent.output_tokens:,} written, {cost(spent.cost_usd)}"


def run_title(workflow_id: str) -> str:
    """`acme/widgets run 12` for a remediation's workflow id."""
    parsed = parse_remediation_id(workflow_id)
    return f"{parsed[0]} run {parsed[1]}" if parsed else workflow_id
