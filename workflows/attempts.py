"""An attempt at a repair: a patch, a human's approval where it needs one, its publication, CI's answer."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import ci_wait, consultation, decisions, measures, models, naming, narration, policies
    from workflows.decisions import Ending
    from workflows.inquiry import Inquiry
    from workflows.journal import Journal
    from workflows.models import CiVerdict, Order, Outcome, Reason, State
    from workflows.requests import Case
    from workflows.steering import Steering
    from workflows.steps import carry_out
    from workflows.voice import Voice


class Attempts:
    """Makes an attempt, and says how it ended; whether there is another is not decided here."""

    def __init__(
        self, case: Case, journal: Journal, voice: Voice, steering: Steering, inquiry: Inquiry
    ) -> None:
        self._case = case
        self._journal = journal
        self._voice = voice
        self._steering = steering
        self._inquiry = inquiry

    async def make(self, number: int) -> Ending | None:
        """One patch, published and judged by CI; None when CI is red on it and another may be tried."""
        earlier = self._case.status.attempts
        result = await self._patch(number)
        self._journal.pay(consultation.session_spending(self._case.status, result.spending))
        measures.session_ended(result.spending)
        measures.judged(result.verdict)
        record = decisions.attempt_record(number, result.proposal, self._case.evidence, self._case.diagnosis)
        self._journal.know(
            proposal=result.proposal, verdict=result.verdict, approval=None, attempts=(*earlier, record)
        )
        ending = decisions.after_proposal(result.proposal, result.verdict, earlier)
        if ending is not None:
            return ending
        if self._case.needs_approval(result):
            order = await self._await_approval(result.proposal)
            if not isinstance(order, Order):
                return order
            self._journal.know(approval=decisions.approval(order, result.proposal, workflow.now()))
        ending = await self._publish()
        record = record.model_copy(update={"approval": self._case.status.approval})
        self._journal.know(attempts=(*earlier, record))
        if ending is not None:
            return ending
        answer = await self._await_ci()
        self._journal.know(
            attempts=(*earlier, decisions.with_ci(record, answer, self._case.status.fix_head_sha))
        )
        return answer if isinstance(answer, Ending) else await self._inquiry.look_again(answer)

    async def _patch(self, number: int) -> models.AttemptResult:
        retry, self._steering.retry = self._steering.retry, None
        self._journal.know(attempt=number)
        self._journal.enter(
            State.PATCHING,
            naming.CI_ATTEMPT.value_set(number),
            naming.CI_FAILURE_CLASS.value_set(self._case.diagnosis.failure_class),
            naming.CI_FINGERPRINT.value_set(self._case.evidence.fingerprint),
        )
        await self._steering.checkpoint()
        return await self._steering.unless_stopped(
            workflow.execute_child_workflow(
                naming.PATCH_ATTEMPT_WORKFLOW,
                self._case.patch(retry.hint if retry else None),
                id=naming.attempt_id(workflow.info().workflow_id, number),
                result_type=models.AttemptResult,
                static_summary=narration.attempting(self._case.status),
            )
        )

    async def _await_approval(self, proposal: models.Proposal) -> Order | Ending | None:
        """The approving order; an ending; or None when a human asked for another attempt instead."""
        self._steering.answer = None
        self._journal.know(question=proposal.patch_id, turned_down="")
        self._journal.enter(State.AWAITING_APPROVAL)
        await self._voice.post()
        since, deadline = workflow.now(), self._case.request.limits.approval_deadline
        # A first patch has no pull request yet that could be closed.
        closable = self._case.status.pull_request is not None and workflow.patched("approval-ends-by-closing")
        notice = asyncio.ensure_future(self._voice.notify(models.Need.APPROVAL, proposal.patch_id))
        try:
            await self._steering.until(
                lambda: (
                    self._steering.answer is not None
                    or self._steering.retry is not None
                    or (closable and self._steering.closed)
                ),
                deadline,
                narration.asking_approval(proposal, deadline),
            )
        finally:
            notice.cancel()  # if the channel could not be reached until now, nobody needs to hear of it
        measures.approval_awaited(workflow.now() - since)
        self._journal.know(question=None)
        if closable and self._steering.closed:
            return await self._dealt_with() or await self._await_approval(proposal)
        if self._steering.answer is None:
            return None if self._steering.retry else Ending(Outcome.NEEDS_HUMAN, Reason.APPROVAL_EXPIRED)
        verb, order = self._steering.answer
        return order if verb == "approve" else Ending(Outcome.STOPPED, Reason.REJECTED, f"by {order.by}")

    async def _dealt_with(self) -> Ending | None:
        """The ending that closing or merging the pull request means; None when it was opened again."""
        self._steering.closed = False
        found = await self._steering.do(
            policies.READ_PULL_REQUEST, self._case.pull_request(), "Is it closed?"
        )
        self._journal.know(pull_request=found)
        return decisions.after_pull_request(found)

    async def _publish(self) -> Ending | None:
        self._journal.enter(State.PUBLISHING)
        summary = narration.committing(self._case.proposal)
        commit = await self._steering.do(policies.WRITE_COMMIT, self._case.write_commit(), summary)
        approval = self._case.status.approval
        self._journal.know(approval=approval and approval.model_copy(update={"tree": commit.tree}))
        target = self._case.advance_fix_branch(commit.sha)
        summary = f"Put it on {naming.fix_branch(target.run_id)}"
        branch = await self._steering.do(policies.ADVANCE_FIX_BRANCH, target, summary)
        ending = decisions.after_branch(branch)
        if ending is not None:
            return ending
        self._journal.know(fix_head_sha=branch.tip or commit.sha)
        # No checkpoint until the pull request is there: a branch alone would be half a publication. An
        # order to stop that arrives now is honoured right after, by closing the pull request.
        wanted = self._case.open_pull_request()
        summary = narration.publishing(self._case.status)
        pull_request = await carry_out(policies.OPEN_PULL_REQUEST, wanted, summary)
        if self._case.status.pull_request is None:
            self._journal.know(pull_request_opened_at=workflow.now())
            label = self._case.label(pull_request.number)
            await carry_out(policies.LABEL_PULL_REQUEST, label, f"Label pull request #{pull_request.number}")
            if self._case.settings.publication.reviewers:
                review = self._case.request_review(pull_request.number)
                await carry_out(policies.REQUEST_REVIEW, review, "Ask for a review")
        self._journal.know(pull_request=pull_request)
        self._journal.enter(State.AWAITING_CI, naming.CI_PULL_REQUEST.value_set(pull_request.number))
        return decisions.after_pull_request(pull_request)

    async def _await_ci(self) -> Ending | models.ChecksReading:
        """An ending, or the reading that sends the remediation into its next attempt."""
        since = workflow.now()
        polls = 0
        while True:
            asked = await self._steering.until_poll(
                lambda: self._steering.news or self._steering.retry is not None,
                since,
                polls,
                narration.of_pull_request("Wait for CI on", self._case.status),
            )
            reading = await self._steering.do(
                policies.READ_CHECKS, self._case.read_checks(), "What does CI say of the fix?"
            )
            answer = ci_wait.after_checks(reading, self._case.ci_wait(since, workflow.now()))
            given_up = asked and self._steering.retry is not None
            if isinstance(answer, Ending) or answer is CiVerdict.RED or given_up:
                measures.ci_answered(reading.verdict, workflow.now() - since, by_event=asked)
                return answer if isinstance(answer, Ending) else reading
            polls += 1
