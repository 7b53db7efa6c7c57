"""The words of pull requests and commits. Titles and messages hold enums and numbers only."""

import re
from collections.abc import Iterator
from typing import Final

from activities.publishing.markdown import Block, Fence, code, document, link, plain
from workflows import naming
from workflows.models import (
    ATTEMPTS_CEILING,
    CommitRequest,
    FailureClass,
    GateDecision,
    Order,
    Proof,
    ProofState,
    PullRequestRequest,
    Strategy,
)
from workflows.narration import signal_command

FAILURE_NAMES: Final[dict[FailureClass, str]] = {
    FailureClass.LINT: "lint failure",
    FailureClass.FORMAT: "formatting failure",
    FailureClass.TYPE_CHECK: "type-check failure",
    FailureClass.COMPILE: "compile failure",
    FailureClass.UNIT_TEST: "test failure",
    FailureClass.DEPENDENCY: "dependency failure",
    FailureClass.CONFIGURATION: "configuration failure",
    FailureClass.PERMISSION: "permission failure",
    FailureClass.DOCKER_BUILD: "image build failure",
    FailureClass.INFRASTRUCTURE: "infrastructure failure",
    FailureClass.TIMEOUT: "time-out",
    FailureClass.RESOURCE: "resource failure",
    FailureClass.FLAKY: "flaky failure",
    FailureClass.UNKNOWN: "failure",
}

STRATEGY_NAMES: Final[dict[Strategy, str]] = {
    Strategy.RECALL: "an earlier fix, applied again",
    Strategy.RECIPE: "recipe",
    Strategy.MODEL: "model",
}

_PROOFS: Final[dict[ProofState, str]] = {
    ProofState.PROVED: "The failing command failed before the patch and passes after it, in the sandbox.",
    ProofState.IMPROVED: (
        "This failure is gone in the sandbox, "
        "but the command still fails on something the patch does not touch."
    ),
    ProofState.NOT_PROVED_HERE: "The failing command could not be run in the sandbox; CI decides.",
}

_FINGERPRINT: Final = re.compile(r"[A-Za-z0-9:._-]{1,100}", re.ASCII)


def commit_message(request: CommitRequest) -> str:
    """A commit's subject and trailers."""
    subject = f"Fix {FAILURE_NAMES[request.failure_class]} in run {request.run_id}"
    # A line break smuggled into a trailer would forge another.
    fingerprint = _known(request.fingerprint) or "none"
    return f"{subject}\n\n{naming.commit_trailers(request.run_id, request.attempt, fingerprint)}\n"


def _known(fingerprint: str) -> str:
    return fingerprint if _FINGERPRINT.fullmatch(fingerprint) else ""


def pull_request_title(request: PullRequestRequest) -> str:
    """The fix pull request's title."""
    failure = FAILURE_NAMES[request.diagnosis.failure_class]
    return f"Fix {failure} in run {request.run_id} (attempt {request.attempt} of at most {ATTEMPTS_CEILING})"


def pull_request_body(request: PullRequestRequest, base: str) -> str:
    """The fix pull request's text, when it is opened against `base`."""
    proposal = request.proposal
    home = naming.home_of(request.run_url, request.run_id)
    run = link(f"run {request.run_id}", request.run_url, home)
    workflow_id = naming.remediation_id(request.repository, request.run_id)
    return document(
        [
            Block(naming.marker(request.run_id, _known(request.fingerprint))),
            Block(
                f"Repairs the {FAILURE_NAMES[request.diagnosis.failure_class]} of {run} "
                f"(workflow {code(request.workflow_name)})."
            ),
            Block("**What broke**"),
            Fence(request.diagnosis.root_cause, "text"),
            Block("**What changed**"),
            Block(changes(proposal.files, proposal.additions, proposal.deletions, proposal.summary)),
            Block(f"By {source(proposal.strategy, proposal.recipe)}. {proof(proposal.proof)}"),
            Block(_gate(request)),
            *_other_base(request, base),
            Block(
                "**What now**\n\n"
                "CI decides: this counts as a fix when the same workflow is green here. Merge it when you "
                "agree; push to this branch and Regreen steps back. To stop it and close this pull request:"
            ),
            Fence(orders(workflow_id, "stop", Order(by="you")), "sh"),
        ]
    )


def changes(files: tuple[str, ...], additions: int, deletions: int, summary: str) -> str:
    """What a patch changes, as Markdown."""
    shown = ", ".join(code(file) for file in files[:_FILES_SHOWN])
    more = f" and {len(files) - _FILES_SHOWN} more" if len(files) > _FILES_SHOWN else ""
    said = f"{plain(summary)}\n\n" if summary else ""
    return f"{said}{shown}{more} (+{additions}, -{deletions} lines)."


_FILES_SHOWN: Final = 10


def source(strategy: Strategy | None, recipe: str | None) -> str:
    """Where a patch came from, as Markdown."""
    named = STRATEGY_NAMES[strategy] if strategy else "hand"
    return f"{named} {code(recipe)}" if recipe else named


def proof(found: Proof) -> str:
    """What re-running the failing command showed, as Markdown."""
    command = f" Command: {code(found.command)}" if found.command else ""
    return f"{_PROOFS[found.state]}{command}"


def orders(workflow_id: str, order: str, payload: Order) -> str:
    """The commands that give an order: ours, and Temporal's own."""
    ours = f"regreen {order} {workflow_id}"
    return f"{ours}\n{signal_command(workflow_id, order, payload)}"


def _other_base(request: PullRequestRequest, base: str) -> Iterator[Block]:
    if base == request.base_branch:
        return
    yield Block(
        f"**Why {code(base)}**\n\n"
        f"The failure is on {code(request.base_branch)}, but the workflow runs for pull requests against "
        f"{code(base)} and not against that branch, so this shows that branch's commits as well. Once CI is "
        f"green, change the base to {code(request.base_branch)} to take in the fix alone."
    )


def _gate(request: PullRequestRequest) -> str:
    if request.verdict.decision is not GateDecision.NEEDS_APPROVAL:
        return "**Gate**: passed; the patch touches nothing protected."
    by = code(request.approved_by) if request.approved_by else "a human"
    reasons = "\n".join(f"- {plain(reason)}" for reason in request.verdict.reasons)
    return f"**Gate**: approved by {by}, because:\n\n{reasons}"
