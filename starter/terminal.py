"""What the `regreen` command prints. Text from GitHub is hostile: only plain text reaches the terminal."""

import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from starter.following import Happening, Kind
from starter.remediations import Details, Overview
from workflows.models import REASON_SENTENCES, AttemptRecord, Proposal, RemediationResult, Status
from workflows.narration import cost

if TYPE_CHECKING:
    from activities.publishing.rehearsal import HeldBack

_OUTCOME_STYLES: Final = {
    "fixed": "green",
    "flaky": "green",
    "needs_human": "yellow",
    "exhausted": "red",
    "unverified": "yellow",
}
_HAPPENING_STYLES: Final = {
    Kind.FAILED: "red",
    Kind.ORDER: "bold cyan",
    Kind.WAITING: "yellow",
    Kind.OUTCOME: "bold",
    Kind.ENDED: "bold",
}
_SELF_EXPLAINING: Final = frozenset({Kind.DONE, Kind.STARTED, Kind.WAITING, Kind.STEP})
_WORTH_SAYING_SECONDS: Final = 1.0
_BREAKS: Final = "\n\t"
_WIDE: Final = 100
"""Columns from which on every heading has its place."""
_NARROWEST: Final = 20
"""Columns that a text has at least."""
_LABEL: Final = 12
_PIPE_WIDTH: Final = 1_000
"""Whoever reads from a pipe wants a row on one line."""


def plain(text: object, *, lines: bool = False) -> str:
    """Text that can do nothing but be read: no escape sequences, control, bidi or invisible characters.

    Args:
        text: Anything; its `str` is taken.
        lines: Keep line breaks and tabs instead of showing them as spaces.
    """
    kept = []
    for character in str(text):
        if character in _BREAKS:
            kept.append(character if lines else " ")
        elif character.isprintable():
            kept.append(character)
        else:
            kept.append(" " if unicodedata.category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}")
    return "".join(kept)


def console() -> Console:
    """A console that takes no markup, emoji codes or highlighting from what it prints."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(markup=False, emoji=False, highlight=False, soft_wrap=True, width=width)


def hanging(label: str, text: str) -> str:
    """A label and what it says, as plain text: on a terminal wrapped beside the label, else on one line."""
    said = plain(text)
    if not sys.stdout.isatty():
        return f"{label}{said}".rstrip()
    width = max(console().width, len(label) + _NARROWEST)
    return textwrap.fill(
        said,
        width=width,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def overview_table(overviews: Sequence[Overview], now: datetime, *, width: int = _PIPE_WIDTH) -> Table:
    """One row per remediation: what names one is never broken, so that it can be copied.

    Args:
        overviews: In the order of the rows.
        now: To tell how old each is.
        width: Of the terminal; a narrow one does without the workflow's name.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    wide = width >= _WIDE
    for heading in ("RUN", "BRANCH", "WORKFLOW", "STATE", "TRY", "PR", "AGE"):
        if heading == "WORKFLOW" and not wide:
            continue
        # Where there is too little room, it is taken from the columns that may wrap; their texts are cut.
        table.add_column(heading, overflow="fold", no_wrap=heading not in {"BRANCH", "WORKFLOW"})
    for overview in overviews:
        table.add_row(
            Text(plain(f"{overview.repository}/{overview.run_id}")),
            Text(plain(overview.branch), overflow="ellipsis", no_wrap=True),
            *([Text(plain(overview.workflow), overflow="ellipsis", no_wrap=True)] if wide else []),
            _state(overview),
            Text("" if overview.attempt is None else str(overview.attempt)),
            Text("" if overview.pull_request is None else f"#{overview.pull_request}"),
            Text(age(now - overview.started_at)),
        )
    return table


def watched_table(overviews: Sequence[Overview], now: datetime, *, width: int) -> Group:
    """The table with a line below it that says when it was true."""
    counted = f"{sum(each.open for each in overviews)} open"
    table = overview_table(overviews, now, width=width)
    return Group(table, Text(f"{now.astimezone():%H:%M:%S}  {counted}", style="dim"))


def overview_line(overview: Overview, now: datetime) -> Text:
    """One remediation on one line."""
    text = Text(f"{now.astimezone():%H:%M:%S}  ", style="dim")
    text.append(plain(f"{overview.repository}/{overview.run_id}  "))
    text.append_text(_state(overview))
    attempt = f"try {overview.attempt}" if overview.attempt else ""
    pull_request = f"#{overview.pull_request}" if overview.pull_request else ""
    text.append(plain("".join(f"  {each}" for each in (overview.branch, attempt, pull_request) if each)))
    return text


def details_text(details: Details) -> Text:
    """Everything about one remediation, a fact a line."""
    text = Text(plain(details.overview.workflow_id), style="bold")
    for label, value in _facts(details):
        _add(text, label, value)
    return text


def _add(text: Text, label: str, value: str) -> None:
    text.append(f"\n{label:<{_LABEL}}", style="dim")
    text.append(hanging(" " * _LABEL, value)[_LABEL:])


def proposal_text(proposal: Proposal, reasons: Iterable[str]) -> Text:
    """A patch that waits for a human's answer."""
    text = Text(plain(proposal.summary))
    for reason in reasons:
        text.append(f"\nneeds approval: {plain(reason)}", style="yellow")
    text.append("\n")
    for line in plain(proposal.diff, lines=True).splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        text.append(f"\n{line}", style=style)
    return text


def rehearsal_text(status: Status, result: RemediationResult | None, held_back: Sequence["HeldBack"]) -> Text:
    """What a remediation found, and what it would have written."""
    text = Text("Nothing was written to GitHub.", style="bold")
    for label, value in _rehearsal_facts(status, result):
        _add(text, label, value)
    for each in held_back:
        base = f" against {each.base}" if each.base else ""
        said = f"{each.what.replace('_', ' ')}{base}: {each.title}".removesuffix(": ")
        _add(text, "would write", said)
    if status.proposal is not None and status.proposal.diff:
        text.append("\n\n")
        text.append_text(proposal_text(status.proposal, ()))
    return text


def _rehearsal_facts(status: Status, result: RemediationResult | None) -> Iterator[tuple[str, str]]:
    if status.run is not None:
        yield "run", f"{status.run.workflow_name} on {status.run.head_branch} at {status.run.head_sha[:7]}"
    if status.diagnosis is not None:
        yield "diagnosis", f"{status.diagnosis.failure_class}: {status.diagnosis.root_cause}"
    if status.proposal is not None and status.proposal.diff:
        proposal = status.proposal
        source = " ".join(filter(None, (proposal.strategy, proposal.recipe)))
        yield "patch", f"{source}, {proposal.proof.state.replace('_', ' ')}"
    if status.verdict is not None:
        yield "gate", "; ".join((status.verdict.decision.replace("_", " "), *status.verdict.reasons))
    if status.model_calls:
        yield "model", f"{status.model_calls} calls, {cost(status.cost_usd)}"
    if result is not None:
        yield "outcome", result.outcome
        yield "because", " ".join(filter(None, (REASON_SENTENCES[result.reason], result.detail)))


class Steps:
    """Steps as they happen, a line each; on a terminal the one at work is shown too.

    Args:
        quiet: Show nothing.
        to_stdout: Write to standard output rather than to standard error.
    """

    def __init__(self, *, quiet: bool = False, to_stdout: bool = False) -> None:
        stream = sys.stdout if to_stdout else sys.stderr
        width = None if stream.isatty() else _PIPE_WIDTH
        self._console = Console(
            file=stream, markup=False, emoji=False, highlight=False, soft_wrap=True, width=width, quiet=quiet
        )
        self._now = self._console.status("") if stream.isatty() and not quiet else None

    def __enter__(self) -> Self:
        if self._now is not None:
            self._now.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._now is not None:
            self._now.stop()

    def show(self, happening: Happening) -> None:
        """Tell of one happening."""
        text = plain(happening.text)
        if happening.kind is Kind.STEP:
            if self._now is not None:
                self._now.update(Text(text))
            return
        if happening.kind is Kind.STATE:
            return
        line = Text(f"{happening.at.astimezone():%H:%M:%S}  ", style="dim")
        said = text if happening.kind in _SELF_EXPLAINING else f"{happening.kind}: {text}"
        line.append(said, style=_HAPPENING_STYLES.get(happening.kind, ""))
        if happening.seconds is not None and happening.seconds >= _WORTH_SAYING_SECONDS:
            line.append(f"  {happening.seconds:.0f} s", style="dim")
        self._console.print(line)


def age(elapsed: timedelta) -> str:
    """A duration in its largest unit: `41s`, `12m`, `5h`, `3d`."""
    seconds = max(0, int(elapsed.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _state(overview: Overview) -> Text:
    if overview.open:
        return Text(plain(overview.outcome or overview.state), style="bold")
    if overview.temporal_status != "completed":
        return Text(plain(overview.temporal_status), style="red")
    return Text(plain(overview.outcome), style=_OUTCOME_STYLES.get(overview.outcome, ""))


def _facts(details: Details) -> Iterator[tuple[str, str]]:
    overview, status, result = details.overview, details.status, details.result
    yield "temporal", overview.temporal_status
    if status is not None:
        yield from _status_facts(status)
    else:
        yield "state", f"{overview.state} (no worker answered; shown from visibility)"
        yield "branch", overview.branch
        yield "workflow", overview.workflow
    attempts = result.attempts if result is not None else status.attempts if status is not None else ()
    for attempt in attempts:
        yield f"attempt {attempt.number}", _attempt(attempt)
    pull_request = (result and result.pull_request) or (status and status.pull_request)
    if pull_request:
        yield "fix", f"{pull_request.url} ({'merged' if pull_request.merged else pull_request.state})"
    if result is not None:
        yield "outcome", result.outcome
        yield "because", " ".join(filter(None, (REASON_SENTENCES[result.reason], result.detail)))
    elif status is not None and status.outcome is not None:
        yield "outcome", status.outcome
        if status.reason is not None:
            yield "because", " ".join(filter(None, (REASON_SENTENCES[status.reason], status.detail)))
    if details.failure:
        yield "failure", details.failure


def _status_facts(status: Status) -> Iterator[tuple[str, str]]:
    progress = f", attempt {status.attempt} of {status.attempts_allowed}" if status.attempt else ""
    yield "state", f"{status.state}{progress}{', paused' if status.paused else ''}"
    if status.run is not None:
        yield "run", f"{status.run.workflow_name} on {status.run.head_branch} at {status.run.head_sha[:7]}"
        yield "", status.run.html_url
    if status.diagnosis is not None:
        yield "diagnosis", f"{status.diagnosis.failure_class}: {status.diagnosis.root_cause}"
    if status.question is not None:
        yield "waits for", f"approve or reject {status.question}"


def _attempt(attempt: AttemptRecord) -> str:
    source = " ".join(filter(None, (attempt.strategy, attempt.recipe))) or "no patch"
    return f"{source}: CI {attempt.ci}" if attempt.ci else source
