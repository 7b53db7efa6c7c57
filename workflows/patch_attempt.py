"""One attempt at a repair: a patch by recipes, else by a model in a session, and the gate's verdict on it."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows import narration, policies
    from workflows.consultation import is_model_s
    from workflows.models import (
        AttemptResult,
        GateDecision,
        GateRequest,
        GateVerdict,
        PatchRequest,
        Proposal,
    )
    from workflows.naming import PATCH_ATTEMPT_WORKFLOW
    from workflows.session import Session, setback, without_patch
    from workflows.session_models import SessionRequest, Turn
    from workflows.steps import carry_out, kind_of


@workflow.defn(name=PATCH_ATTEMPT_WORKFLOW)
class PatchAttemptWorkflow:
    """Makes at most one patch for a failure and has it judged.

    The conversation with a model is this workflow's state. Each of the model's replies and each batch of its
    tool calls is one activity, so whatever worker dies, no reply is paid twice and no turn is lost.
    """

    @workflow.init
    def __init__(self, request: PatchRequest) -> None:
        self._request = request

    @workflow.run
    async def run(self, request: PatchRequest) -> AttemptResult:
        """Returns the patch with the gate's verdict; without a patch, why there is none."""
        workflow.set_current_details(narration.attempt(request, None, None))
        proposal = await carry_out(policies.PROPOSE_PATCH, request, self._summary("make and prove a patch"))
        result = AttemptResult(proposal=proposal)
        if proposal.diff:
            result = AttemptResult(proposal=proposal, verdict=await self._judge(proposal))
        workflow.set_current_details(narration.attempt(request, proposal, result.verdict))
        if _publishable(result) or not self._may_ask_a_model():
            return result
        return await self._hold_session(result)

    async def _hold_session(self, before: AttemptResult) -> AttemptResult:
        """Let a model look for a repair; `before` is what the recipes came to."""
        start = await carry_out(
            policies.OPEN_SESSION,
            SessionRequest(patch=self._request, setback=setback(before), example=before.proposal.example),
            self._summary("open a session with the model"),
        )
        if start.closed:
            return without_patch(before, start.closed)
        session = Session(self._request, start)
        while not (end := session.end):
            self._show(session)
            try:
                turn = await self._ask(session)
            except ActivityError as failure:
                kind, message = kind_of(failure)
                if not is_model_s(kind):
                    raise
                end = f"The model could not be asked: {message}"
                break
            session.hear(turn)
            if session.calls:
                session.answer(await carry_out(policies.USE_TOOLS, session.tools(), self._acting(session)))
            if session.submitted:
                result = await self._submit(session)
                if result is not None:
                    self._show(session, result.proposal.summary)
                    return result
        self._show(session, end)
        return without_patch(before, end, session.spending)

    async def _ask(self, session: Session) -> Turn:
        return await carry_out(
            policies.TAKE_TURN, session.turn(), self._summary(narration.asking(session.spending))
        )

    async def _submit(self, session: Session) -> AttemptResult | None:
        """The submitted patch with its verdict; None where the session goes on."""
        submission = await carry_out(
            policies.PROVE_SUBMISSION, session.submission(), self._summary("prove the submitted patch")
        )
        if submission.proposal is None:
            session.send_back(submission.setback)
            return None
        verdict = await self._judge(submission.proposal)
        result = AttemptResult(proposal=submission.proposal, verdict=verdict, spending=session.spending)
        if _publishable(result) or verdict.conflict or not session.may_return_to_the_model:
            return result
        session.send_back_verdict(verdict)
        return None

    async def _judge(self, proposal: Proposal) -> GateVerdict:
        return await carry_out(
            policies.JUDGE_PATCH,
            GateRequest(
                repository=self._request.repository,
                proposal=proposal,
                diagnosis=self._request.diagnosis,
                limits=self._request.limits,
                policy=self._request.policy,
            ),
            self._summary("pass the gate"),
        )

    def _may_ask_a_model(self) -> bool:
        return self._request.model_allowed and self._request.limits.session_calls > 0

    def _show(self, session: Session, end: str = "") -> None:
        workflow.set_current_details(narration.session(session.spending, session.diff, end))

    def _acting(self, session: Session) -> str:
        return self._summary(narration.acting(session.spending, session.calls))

    def _summary(self, what: str) -> str:
        return f"Attempt {self._request.attempt}: {what}"


def _publishable(result: AttemptResult) -> bool:
    return result.verdict is not None and result.verdict.decision is not GateDecision.REFUSED
