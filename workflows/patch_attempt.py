"""One attempt at a repair: propose a patch, then ask the gate."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import policies
    from workflows.models import AttemptResult, GateRequest, PatchRequest
    from workflows.naming import PATCH_ATTEMPT_WORKFLOW
    from workflows.steps import carry_out


@workflow.defn(name=PATCH_ATTEMPT_WORKFLOW)
class PatchAttemptWorkflow:
    """Proposes at most one patch for a failure and has it judged."""

    @workflow.run
    async def run(self, request: PatchRequest) -> AttemptResult:
        """Returns the proposal with the gate's verdict; a proposal without a diff is not judged."""
        proposal = await carry_out(
            policies.PROPOSE_PATCH, request, f"Attempt {request.attempt}: make and prove a patch"
        )
        if not proposal.diff:
            return AttemptResult(proposal=proposal)
        verdict = await carry_out(
            policies.JUDGE_PATCH,
            GateRequest(
                repository=request.repository,
                proposal=proposal,
                diagnosis=request.diagnosis,
                limits=request.limits,
                policy=request.policy,
            ),
            f"Attempt {request.attempt}: pass the gate",
        )
        return AttemptResult(proposal=proposal, verdict=verdict)
