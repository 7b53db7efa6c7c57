"""Proving a repair that is not the failing check's own: run the check, where it is one that can be run."""

from collections.abc import Callable

from activities.patching.bench import Bench, SetbackError
from activities.patching.checks import ECHOED, examine, examine_base, proof_of, step_checks
from activities.patching.sandbox import SandboxUnavailableError
from workflows.models import Proof, ProofState


def proof_by_running(bench: Bench, otherwise: str = "") -> Callable[[], Proof]:
    """Run the failing checks on the commit; the result, called once the repair is made, runs them again.

    Args:
        bench: With the commit's files, not yet changed.
        otherwise: Why there is no proof where there is none.
    """
    nothing = Proof(
        state=ProofState.NOT_PROVED_HERE,
        detail=otherwise or "The failing command is not one that can be run here; CI decides.",
    )
    wanted = step_checks(bench)
    checks = [
        check
        for check in wanted
        if not (check.fix and check.fix.mends) and all(map(bench.sandbox.has, check.programs[:1]))
    ]
    try:
        before = examine_base(bench, checks)
    except (SetbackError, SandboxUnavailableError):
        return lambda: nothing
    if not any(result.exit_code for result in before):
        return lambda: nothing

    def prove() -> Proof:
        proof = proof_of(checks, before, examine(bench, checks))
        if len(checks) < len(wanted) and proof.state is ProofState.PROVED:
            detail = "A part of the failing step cannot be run here; the rest passes."
            return proof.model_copy(update={"state": ProofState.NOT_PROVED_HERE, "detail": detail})
        if any(check.echoed for check in checks) and proof.state is ProofState.PROVED:
            return proof.model_copy(update={"state": ProofState.NOT_PROVED_HERE, "detail": ECHOED})
        if proof.state is ProofState.NOT_PROVED_HERE:
            return proof.model_copy(update={"detail": f"`{proof.command}` still fails here; CI decides."})
        return proof

    return prove
