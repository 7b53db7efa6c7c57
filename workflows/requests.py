"""The argument of each step, built from the request and from what is known so far. Pure."""

from datetime import datetime
from typing import TypeVar

from workflows.ci_wait import CiWait
from workflows.consultation import dollars_left, may_repair
from workflows.models import (
    ATTEMPTS_CEILING,
    AttemptResult,
    AuthorisationRequest,
    AutoMergeRequest,
    BranchRequest,
    ChecksRequest,
    CommitRequest,
    Diagnosis,
    DiagnosisRequest,
    Evidence,
    EvidenceRequest,
    GateDecision,
    GateVerdict,
    LabelRequest,
    Limits,
    Need,
    Notice,
    PatchRequest,
    Proposal,
    PullRequestRef,
    PullRequestRequest,
    RemediationRequest,
    Report,
    RerunRequest,
    RevertRequest,
    ReviewRequest,
    RunSnapshot,
    Status,
    TriageRequest,
)
from workflows.naming import fix_branch
from workflows.repository_settings import (
    CommentStyle,
    RepositorySettings,
    SettingsProblem,
    Standing,
    narrowed_limits,
    narrowed_policy,
)

T = TypeVar("T")


class Case:
    """A remediation's request and status, read by the functions below.

    A step that needs a fact asks for it here; a fact that is not there yet is a bug, and raises.
    """

    def __init__(self, request: RemediationRequest, status: Status) -> None:
        self.request = request
        self.status = status
        self.standing = Standing()
        self.commands_asked = False

    def heed(self, standing: Standing) -> None:
        """Take the repository's own settings in, as far as they narrow what the operator allows."""
        self.standing = standing
        settings = self.settings
        limits = narrowed_limits(self.request.limits, settings)
        policy = narrowed_policy(self.request.policy, settings)
        self.request = self.request.model_copy(update={"limits": limits, "policy": policy})

    def leave_attempts(self, left: int) -> None:
        """Allow only the attempts that other remediations have left."""
        limits = self.request.limits.model_copy(update={"attempts": left})
        self.request = self.request.model_copy(update={"limits": limits})

    @property
    def run(self) -> RunSnapshot:
        """The failed run."""
        return _known(self.status.run)

    @property
    def evidence(self) -> Evidence:
        """The newest evidence."""
        return _known(self.status.evidence)

    @property
    def diagnosis(self) -> Diagnosis:
        """The newest diagnosis."""
        return _known(self.status.diagnosis)

    @property
    def proposal(self) -> Proposal:
        """The newest proposal."""
        return _known(self.status.proposal)

    @property
    def attempts_left(self) -> bool:
        """Whether another attempt may follow the present one."""
        return self.status.attempt < min(self.request.limits.attempts, ATTEMPTS_CEILING)

    @property
    def settings(self) -> RepositorySettings:
        """The repository's own settings; the defaults until they are known."""
        return self.standing.settings.settings

    def notice(self, need: Need, question: str | None = None) -> Notice:
        """Argument of `notify_human`."""
        status = self.status
        return Notice(
            repository=self.request.repository,
            run_id=self.request.run_id,
            need=need,
            outcome=status.outcome,
            reason=status.reason,
            failure_class=status.diagnosis.failure_class if status.diagnosis else None,
            pull_request=status.pull_request.number if status.pull_request else None,
            question=question,
        )

    def broken_settings(self) -> SettingsProblem:
        """Argument of `report_broken_settings`."""
        problem = self.standing.settings.problem
        return SettingsProblem(repository=self.request.repository, problem=problem)

    def read_run(self, *, with_standing: bool = False) -> TriageRequest:
        """Argument of `read_run`."""
        return TriageRequest(
            repository=self.request.repository,
            run_id=self.request.run_id,
            run_attempt=self.request.run_attempt,
            skip_marker=self.request.policy.skip_marker,
            with_standing=with_standing,
        )

    def collect_evidence(self) -> EvidenceRequest:
        """Argument of `collect_evidence` for the failed run."""
        return EvidenceRequest(
            repository=self.request.repository,
            run_id=self.run.run_id,
            run_attempt=self.run.run_attempt,
            head_sha=self.run.head_sha,
            workflow_path=self.run.workflow_path,
            excerpt_bytes=self.request.limits.excerpt_bytes,
            green_branches=(self.run.base_branch or self.run.default_branch, self.run.head_branch),
        )

    def diagnose_failure(self, *, rerun_used: bool) -> DiagnosisRequest:
        """Argument of `diagnose_failure`."""
        return DiagnosisRequest(
            repository=self.request.repository,
            workflow_path=self.run.workflow_path,
            evidence=self.evidence,
            rerun_used=rerun_used,
        )

    def rerun(self) -> RerunRequest:
        """Argument of `rerun_failed_jobs`."""
        return RerunRequest(
            repository=self.request.repository, run_id=self.run.run_id, run_attempt=self.run.run_attempt
        )

    def patch(self, hint: str | None) -> PatchRequest:
        """Argument of `PatchAttempt`: on top of the fix so far, or of the failed commit."""
        return PatchRequest(
            repository=self.request.repository,
            run_id=self.request.run_id,
            base_sha=self.status.fix_head_sha or self.run.head_sha,
            attempt=self.status.attempt,
            workflow_path=self.run.workflow_path,
            evidence=self.evidence,
            diagnosis=self.diagnosis,
            earlier=self.status.attempts,
            limits=self._limits_left(),
            policy=self.request.policy,
            hint=hint,
            model_allowed=may_repair(self.run) and self.request.policy.ask_model,
        )

    def _limits_left(self) -> Limits:
        """The limits, with no more money for a session than the remediation has left."""
        limits = self.request.limits
        left = dollars_left(self.status, limits)
        if left is None or left >= limits.session_usd:
            return limits
        return limits.model_copy(update={"session_usd": left})

    def write_commit(self) -> CommitRequest:
        """Argument of `write_commit`."""
        return CommitRequest(
            repository=self.request.repository,
            run_id=self.request.run_id,
            attempt=self.status.attempt,
            proposal=self.proposal,
            failure_class=self.diagnosis.failure_class,
            fingerprint=self.evidence.fingerprint,
            diagnosis=self.diagnosis,
            limits=self.request.limits,
            policy=self.request.policy,
            approval=self.status.approval,
        )

    def advance_fix_branch(self, commit: str) -> BranchRequest:
        """Argument of `advance_fix_branch`."""
        return BranchRequest(
            repository=self.request.repository,
            run_id=self.request.run_id,
            expected_tip=self.status.fix_head_sha,
            pull_request=self.status.pull_request.number if self.status.pull_request else None,
            commit=commit,
            failing_branch=self.run.target_branch,
            failing_sha=self.run.head_sha,
            workflow_id=self.run.workflow_id,
            run_created_at=None if self.run.head_is_fork else self.run.created_at,
        )

    def open_pull_request(self) -> PullRequestRequest:
        """Argument of `open_pull_request`."""
        return PullRequestRequest(
            repository=self.request.repository,
            run_id=self.request.run_id,
            run_url=self.run.html_url,
            base_branch=self.run.target_branch,
            workflow_name=self.run.workflow_name,
            attempt=self.status.attempt,
            diagnosis=self.diagnosis,
            proposal=self.proposal,
            verdict=_known(self.status.verdict),
            approved_by=self.status.approval.by if self.status.approval else None,
            head_sha=self.status.fix_head_sha,
            workflow_path=self.run.workflow_path,
            workflow_id=self.run.workflow_id,
            other_bases=tuple(filter(None, (self.run.base_branch, self.run.default_branch))),
            fingerprint=next((each.fingerprint for each in self.status.attempts), self.evidence.fingerprint),
            draft=self.settings.publication.draft,
        )

    def label(self, number: int) -> LabelRequest:
        """Argument of `label_pull_request`."""
        labels = self.settings.publication.labels
        return LabelRequest(repository=self.request.repository, number=number, labels=labels)

    def request_review(self, number: int) -> ReviewRequest:
        """Argument of `request_review`."""
        logins = self.settings.publication.reviewers
        return ReviewRequest(repository=self.request.repository, number=number, logins=logins)

    @property
    def wants_auto_merge(self) -> bool:
        """Whether both the operator and the repository want GitHub to be asked to merge a green fix."""
        return self.request.policy.allow_auto_merge and self.settings.publication.auto_merge

    def request_auto_merge(self) -> AutoMergeRequest:
        """Argument of `request_auto_merge` for the commit that CI was green on."""
        return AutoMergeRequest(
            repository=self.request.repository,
            number=_known(self.status.pull_request).number,
            head_sha=_known(self.status.fix_head_sha),
        )

    def authorise(self, login: str) -> AuthorisationRequest:
        """Argument of `authorise_order`."""
        commands = self.settings.commands
        return AuthorisationRequest(
            repository=self.request.repository,
            login=login,
            permission=commands.permission,
            logins=commands.logins,
        )

    def read_checks(self) -> ChecksRequest:
        """Argument of `read_checks` for the fix's head commit."""
        pull_request = self.status.pull_request
        return ChecksRequest(
            repository=self.request.repository,
            workflow_id=self.run.workflow_id,
            head_sha=_known(self.status.fix_head_sha),
            baseline_sha=self.run.head_sha,
            fix_branch=fix_branch(self.request.run_id),
            pull_request=pull_request.number if pull_request else None,
            failing_branch=self.run.target_branch,
            failed_jobs=self.status.failed_jobs,
        )

    def ci_wait(self, since: datetime, now: datetime) -> CiWait:
        """How long CI on the fix, or on a rerun, has been waited for."""
        pull_request = self.status.pull_request
        return CiWait(
            fix_head=self.status.fix_head_sha or "",
            since=since,
            now=now,
            limits=self.request.limits,
            obstacle=pull_request.ci_obstacle if pull_request else "",
        )

    def revert(self) -> RevertRequest:
        """Argument of `find_revert` for the fix pull request."""
        return RevertRequest(
            repository=self.request.repository,
            run_id=self.request.run_id,
            number=_known(self.status.pull_request).number,
        )

    def pull_request(self) -> PullRequestRef:
        """Argument of `read_pull_request` for the fix pull request."""
        return PullRequestRef(
            repository=self.request.repository, number=_known(self.status.pull_request).number
        )

    def post_report(self, workflow_id: str) -> Report:
        """Argument of `post_report`: the status, without the excerpts (they stay in the run's logs)."""
        evidence = self.status.evidence
        return Report(
            repository=self.request.repository,
            run=self.run,
            outcome=self.status.outcome,
            reason=self.status.reason,
            detail=self.status.detail,
            state=self.status.state,
            diagnosis=self.status.diagnosis,
            evidence=_short(evidence) if evidence else None,
            attempts=self.status.attempts,
            proposal=self.status.proposal,
            verdict=self.status.verdict,
            pull_request=self.status.pull_request,
            question=self.status.question,
            workflow_id=workflow_id,
            brief=self.settings.publication.comment is CommentStyle.BRIEF,
            commands=self.commands_asked,
            turned_down=self.status.turned_down,
            model_calls=self.status.model_calls,
            cost_usd=self.status.cost_usd,
            unpublished=self._has_unpublished_patch(),
            auto_merge=self.status.auto_merge,
        )

    def _has_unpublished_patch(self) -> bool:
        proposal, verdict = self.status.proposal, self.status.verdict
        if proposal is None or not proposal.diff or verdict is None:
            return False
        # Once it is published, the fix branch's head is no longer what the patch was made for.
        waits = proposal.base_sha == (self.status.fix_head_sha or self.run.head_sha)
        return waits and verdict.decision is not GateDecision.REFUSED

    def needs_approval(self, result: AttemptResult) -> bool:
        """Whether the gate wants a human to approve this patch."""
        return _judged(result).decision is GateDecision.NEEDS_APPROVAL


_REPORT_EXCERPT_CHARACTERS = 2_000
"""Per job: a comment is for a glance; the whole excerpt stands in the workflow's history."""


def _short(evidence: Evidence) -> Evidence:
    jobs = tuple(
        job.model_copy(
            update={
                "excerpt": job.excerpt.model_copy(
                    update={"text": job.excerpt.text[:_REPORT_EXCERPT_CHARACTERS]}
                )
            }
        )
        for job in evidence.jobs
    )
    return evidence.model_copy(update={"jobs": jobs})


def _judged(result: AttemptResult) -> GateVerdict:
    return _known(result.verdict)


def _known(value: T | None) -> T:
    if value is None:
        raise LookupError("a step was reached before the fact it needs")
    return value
