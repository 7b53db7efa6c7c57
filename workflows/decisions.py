"""What next, given what we know: pure functions, tested without Temporal."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from workflows import conclusions
from workflows.models import (
    Action,
    Approval,
    AttemptRecord,
    BranchResult,
    BranchState,
    ChecksReading,
    CiVerdict,
    Diagnosis,
    Disposition,
    Evidence,
    GateVerdict,
    Limits,
    LogState,
    Order,
    Outcome,
    Proposal,
    PullRequest,
    Reason,
    Record,
    RemediationResult,
    RunSnapshot,
    Status,
    TriagePolicy,
)
from workflows.naming import parse_fix_branch
from workflows.repository_settings import SettingsReading, Standing

UNMOVED_ATTEMPTS: Final = 2
"""Attempts that leave one and the same failure, before Regreen gives up on it."""


@dataclass(frozen=True)
class Ending:
    """How a remediation ends, and why."""

    outcome: Outcome
    reason: Reason
    detail: str = ""


def triage(run: RunSnapshot, policy: TriagePolicy) -> Ending | None:
    """Whether to look at the run at all; None means yes. Costs no tokens and no log download.

    The first that applies counts, so the author's and the operator's word comes before anything Regreen
    finds out for itself. A fork's branch is not ours to compare or write to, so the rest does not concern it.
    """
    ended = run.conclusion if run.status == "completed" else None
    ours = not run.head_is_fork
    named_ours = ours and parse_fix_branch(run.head_branch) is not None
    on_branch = ours and not run.merge_queue
    moved = run.branch_tip != run.head_sha and not run.tag
    finished = run.pull_request is not None and not run.pull_request_open
    rules = (
        (ended not in conclusions.FAILED, Outcome.IGNORED, Reason.RUN_NOT_FAILED),
        (run.skip_marker, Outcome.IGNORED, Reason.SKIP_MARKER),
        (run.repository in policy.disabled_repositories, Outcome.IGNORED, Reason.REPOSITORY_DISABLED),
        (_workflow_disabled(run, policy), Outcome.IGNORED, Reason.WORKFLOW_DISABLED),
        (run.head_is_fork and not policy.diagnose_forks, Outcome.IGNORED, Reason.FORK),
        (named_ours and run.fix_branch_taken, Outcome.SUPERSEDED, Reason.HUMAN_COMMIT),
        (named_ours, Outcome.IGNORED, Reason.OWN_FIX_BRANCH),
        (ours and run.reverts_fix, Outcome.IGNORED, Reason.FIX_REVERTED),
        (on_branch and run.branch_tip is None, Outcome.SUPERSEDED, Reason.BRANCH_DELETED),
        (ours and finished, Outcome.SUPERSEDED, Reason.PULL_REQUEST_DONE),
        (on_branch and moved, Outcome.SUPERSEDED, Reason.BRANCH_MOVED),
        (ours and run.fix_branch_exists, Outcome.NEEDS_HUMAN, Reason.FIX_BRANCH_EXISTS),
    )
    found = next((Ending(outcome, reason) for applies, outcome, reason in rules if applies), None)
    if found is not None and found.reason is Reason.RUN_NOT_FAILED:
        return replace(found, detail=conclusions.not_failed(ended))
    return found


def _workflow_disabled(run: RunSnapshot, policy: TriagePolicy) -> bool:
    return not {run.workflow_name, run.workflow_path}.isdisjoint(policy.disabled_workflows)


def excluded(reading: SettingsReading, run: RunSnapshot, *, literal: bool = True) -> Ending | None:
    """Whether the repository itself does not want this run looked at; `literal` as `Selection.holds` says."""
    settings = reading.settings
    file = run.workflow_path.rpartition("/")[2]
    names = (run.workflow_name, run.workflow_path, file)
    workflow_left_out = not settings.workflows.holds(*names, literal=literal)
    branch_left_out = not settings.branches.holds(run.head_branch, literal=literal)
    rules = (
        (bool(reading.problem), Outcome.IGNORED, Reason.SETTINGS_INVALID),
        (not settings.enabled, Outcome.IGNORED, Reason.SETTINGS_DISABLED),
        (workflow_left_out or branch_left_out, Outcome.IGNORED, Reason.SETTINGS_EXCLUDE),
    )
    found = (Ending(outcome, reason, reading.problem) for applies, outcome, reason in rules if applies)
    return next(found, None)


def attempts_left(standing: Standing, evidence: Evidence, limits: Limits) -> int:
    """How many attempts other remediations of the same branch have left at the same failure."""
    return max(limits.attempts - standing.attempts.count(evidence.fingerprint), 0)


def within_budgets(standing: Standing, limits: Limits) -> Ending | None:
    """Whether a repair may begin; None means yes."""
    if limits.attempts == 0:
        return Ending(Outcome.EXHAUSTED, Reason.ATTEMPTS_SPENT)
    if standing.opened_today >= limits.pull_requests_per_day:
        return Ending(Outcome.NEEDS_HUMAN, Reason.DAY_SPENT, f"{standing.opened_today} within 24 hours")
    return None


def left_to(twin_run: int | None) -> Ending | None:
    """Whether another run is looked after in place of this one; None means no."""
    return Ending(Outcome.IGNORED, Reason.TWIN_RUN, f"run {twin_run}") if twin_run else None


def after_evidence(evidence: Evidence, base: Evidence | None) -> Ending | None:
    """Whether the evidence allows a diagnosis; `base` is the base branch's failure, where there is one."""
    if base is not None and base.fingerprint and base.fingerprint == evidence.fingerprint:
        return Ending(Outcome.IGNORED, Reason.BASE_RED, f"the base branch's own failed run is {base.run_id}")
    if evidence.failed_jobs == 0:
        return Ending(Outcome.NEEDS_HUMAN, Reason.NO_FAILED_JOB, evidence.workflow_error or "")
    if all(job.log_state is not LogState.PRESENT and not job.annotations for job in evidence.jobs):
        return Ending(Outcome.NEEDS_HUMAN, Reason.LOGS_GONE, evidence.jobs[0].note)
    return None


def wants_rerun(diagnosis: Diagnosis, limits: Limits, *, rerun_used: bool) -> bool:
    """Whether to rerun the unchanged commit before anything else."""
    return diagnosis.action is Action.RERUN and not rerun_used and limits.reruns > 0


def only_explained(run: RunSnapshot, policy: TriagePolicy) -> bool:
    """Whether a failure on this branch may be explained and nothing else."""
    return _why_only_explained(run, policy) is not None


def _why_only_explained(run: RunSnapshot, policy: TriagePolicy) -> Ending | None:
    rules = (
        (run.head_is_fork, Ending(Outcome.DIAGNOSED, Reason.FORK)),
        (run.head_is_bot and not policy.repair_bot_branches, Ending(Outcome.DIAGNOSED, Reason.BOT_BRANCH)),
        (run.merge_queue, Ending(Outcome.DIAGNOSED, Reason.MERGE_QUEUE)),
        (run.tag and run.branch_tip != run.head_sha, Ending(Outcome.DIAGNOSED, Reason.TAG)),
    )
    return next((ending for applies, ending in rules if applies), None)


def after_diagnosis(run: RunSnapshot, diagnosis: Diagnosis, policy: TriagePolicy) -> Ending | None:
    """Whether to try a repair; None means yes."""
    explained = _why_only_explained(run, policy)
    if explained is not None:
        return replace(explained, detail=diagnosis.root_cause)
    if diagnosis.action is not Action.REPAIR:
        return Ending(Outcome.NEEDS_HUMAN, Reason.NOT_REPAIRABLE, diagnosis.root_cause)
    return None


def after_proposal(
    proposal: Proposal, verdict: GateVerdict | None, earlier: tuple[AttemptRecord, ...]
) -> Ending | None:
    """Whether there is a patch worth publishing; None means yes, approval permitting."""
    if any(repeats(proposal, record) for record in earlier):
        return Ending(Outcome.NEEDS_HUMAN, Reason.REPEATED_PATCH, proposal.summary)
    if not proposal.diff or verdict is None:
        return Ending(Outcome.NEEDS_HUMAN, Reason.NO_REPAIR_FOUND, proposal.summary)
    if verdict.conflict:
        return Ending(Outcome.NEEDS_HUMAN, Reason.PATCH_CONFLICT, "; ".join(verdict.reasons))
    if verdict.decision == "refused":
        return Ending(Outcome.NEEDS_HUMAN, Reason.PATCH_REFUSED, "; ".join(verdict.reasons))
    return None


def unmoved(attempts: tuple[AttemptRecord, ...], evidence: Evidence) -> Ending | None:
    """Whether the failure has come back unchanged from two attempts that were made for it; None means no.

    From one it may: the next is told why that failed. The pull request stays for a human.
    """
    for_it = [record for record in attempts if record.fingerprint == evidence.fingerprint]
    if not evidence.fingerprint or len(for_it) < UNMOVED_ATTEMPTS:
        return None
    return Ending(Outcome.NEEDS_HUMAN, Reason.SAME_FAILURE)


def repeats(proposal: Proposal, record: AttemptRecord) -> bool:
    """Whether a proposal leads to what an earlier attempt led to: the same patch, or the same files."""
    same_patch = record.patch_id is not None and record.patch_id == proposal.patch_id
    return same_patch or (record.tree is not None and record.tree == proposal.tree)


def after_branch(branch: BranchResult) -> Ending | None:
    """Whether the fix branch is ours and in place; None means yes."""
    return {
        BranchState.ADVANCED: None,
        BranchState.TAKEN: Ending(Outcome.SUPERSEDED, Reason.HUMAN_COMMIT),
        BranchState.BASE_MOVED: Ending(Outcome.SUPERSEDED, Reason.BRANCH_MOVED),
        BranchState.CLOSED: Ending(Outcome.STOPPED, Reason.PULL_REQUEST_CLOSED),
        BranchState.MERGED: Ending(Outcome.UNVERIFIED, Reason.MERGED_EARLY),
        BranchState.TWIN: left_to(branch.twin_run),
    }[branch.state]


def after_pull_request(pull_request: PullRequest) -> Ending | None:
    """Whether the fix pull request is open; a human may have dealt with it while it was being updated."""
    if pull_request.merged:
        return Ending(Outcome.UNVERIFIED, Reason.MERGED_EARLY)
    if pull_request.state == "open":
        return None
    return Ending(Outcome.STOPPED, Reason.PULL_REQUEST_CLOSED)


def failed_fix_run(reading: ChecksReading) -> dict[str, object]:
    """What changes in the request for evidence when the fix's own run is the one that failed."""
    found: dict[str, object] = {
        "run_id": reading.failed_run_id,
        "run_attempt": reading.failed_run_attempt,
        "head_sha": reading.branch_tip,
    }
    if reading.failed_run_path:
        found["workflow_path"] = reading.failed_run_path
    return found


def attempt_record(
    number: int, proposal: Proposal, evidence: Evidence, diagnosis: Diagnosis
) -> AttemptRecord:
    """What attempt `number` proposes, before CI has answered."""
    return AttemptRecord(
        number=number,
        strategy=proposal.strategy,
        recipe=proposal.recipe,
        patch_id=proposal.patch_id or None,
        fingerprint=evidence.fingerprint,
        failure_class=diagnosis.failure_class,
        summary=proposal.summary,
        files=proposal.files,
        tree=proposal.tree,
    )


def with_ci(record: AttemptRecord, answer: Ending | ChecksReading, fix_head: str | None) -> AttemptRecord:
    """The record with the published commit and CI's answer to it."""
    if isinstance(answer, ChecksReading):
        ci = str(answer.verdict)
    else:
        ci = str(CiVerdict.GREEN) if answer.outcome is Outcome.FIXED else str(answer.reason)
    return record.model_copy(update={"commit_sha": fix_head, "ci": ci})


def approval(order: Order, proposal: Proposal, at: datetime) -> Approval:
    """What is recorded of an approving order."""
    return Approval(by=order.by, at=at, patch_id=proposal.patch_id, comment_id=order.comment_id)


def turned_down(verb: str, order: Order, question: str | None) -> str:
    """Why an answer does not count: it is bound to the patch that it names."""
    asked = f"the question is about patch {question}" if question else "nothing waits for an answer"
    named = f"patch {order.question}" if order.question else "no patch"
    return f"{verb} by {order.by} named {named}, but {asked}; it was not carried out"


def disposition(pull_request: PullRequest) -> Disposition:
    """What became of a green fix."""
    if pull_request.merged:
        return Disposition.KEPT
    return Disposition.OPEN if pull_request.state == "open" else Disposition.CLOSED


def record(status: Status, ending: Ending, ended_at: datetime, disposition: Disposition | None) -> Record:
    """What is counted of a remediation that ended with `ending` at `ended_at`."""
    last = status.attempts[-1] if status.attempts else None
    return Record(
        outcome=ending.outcome,
        reason=ending.reason,
        failure_class=status.diagnosis.failure_class if status.diagnosis else None,
        strategy=last.strategy if last else None,
        recipe=last.recipe if last else None,
        attempts=status.attempt,
        ended_at=ended_at,
        published_at=status.pull_request_opened_at,
        green_at=status.green_at,
        approved=any(attempt.approval is not None for attempt in status.attempts),
        orders=status.orders,
        disposition=disposition,
        model_calls=status.model_calls,
        cost_usd=status.cost_usd,
    )


def result(status: Status, ending: Ending, disposition: Disposition | None) -> RemediationResult:
    """What a remediation that ended with `ending` returns."""
    return RemediationResult(
        outcome=ending.outcome,
        reason=ending.reason,
        detail=ending.detail,
        attempts=status.attempts,
        failure_class=status.diagnosis.failure_class if status.diagnosis else None,
        root_cause=status.diagnosis.root_cause if status.diagnosis else "",
        fingerprint=status.evidence.fingerprint if status.evidence else "",
        pull_request=status.pull_request,
        fix_head_sha=status.fix_head_sha,
        disposition=disposition,
        cost_usd=status.cost_usd,
    )


_OVERTAKEN: Final[dict[str | None, Ending]] = {
    "base_deleted": Ending(Outcome.SUPERSEDED, Reason.BRANCH_DELETED),
    "fix_branch_deleted": Ending(Outcome.SUPERSEDED, Reason.HUMAN_COMMIT),
    "fix_contained": Ending(Outcome.SUPERSEDED, Reason.BRANCH_MOVED),
}
"""What somebody did to the branches between two writes, by the kind of the error it led to."""


def failure_ending(kind: str | None, message: str) -> Ending | None:
    """The ending a permanently failed step means; None where the failure is a bug and must stay one.

    Args:
        kind: The `ApplicationError.type` that `activities.errors` gave it, or `timeout`.
        message: The error's text, for the person who reads the outcome.
    """
    if kind == "settings_disabled":
        return Ending(Outcome.STOPPED, Reason.SETTINGS_DISABLED, message)
    if kind in _OVERTAKEN:
        return replace(_OVERTAKEN[kind], detail=message)
    reasons = {
        "settings_invalid": Reason.SETTINGS_INVALID,
        "not_found": Reason.REPOSITORY_GONE,
        "gone": Reason.RUN_GONE,
        "forbidden": Reason.PERMISSION_MISSING,
        "archived": Reason.REPOSITORY_ARCHIVED,
        "suspended": Reason.INSTALLATION_SUSPENDED,
        "branch_refused": Reason.BRANCH_REFUSED,
        "unauthorised": Reason.CREDENTIAL_REFUSED,
        "refused": Reason.PATCH_REFUSED,
        "conflict": Reason.GITHUB_REFUSED,
        "invalid": Reason.GITHUB_REFUSED,
        "unavailable": Reason.ACTIVITY_FAILED,
        "throttled": Reason.ACTIVITY_FAILED,
        "timeout": Reason.ACTIVITY_FAILED,
    }
    reason = reasons.get(kind or "")
    return Ending(Outcome.NEEDS_HUMAN, reason, message) if reason else None
