"""Who may propose a patch, cheapest first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.fixes import run_fix_commands
from activities.patching.lock_files import mend_lock_file, speaks_of_lock_file
from activities.patching.printed import apply_printed_diffs, prints_diff
from activities.patching.proofs import proof_by_running
from activities.patching.recipe import EditRefusedError
from activities.patching.recipes import edits_for
from activities.patching.regenerate import compares_generated, regenerate
from workflows.models import PatchRequest, ProofState, Strategy

_WORTH: Final = (ProofState.NOT_PROVED_HERE, ProofState.IMPROVED, ProofState.PROVED)


@dataclass(frozen=True)
class Proposer:
    """A source of patches."""

    considers: Callable[[PatchRequest], bool]
    """Whether a workspace is worth making for it."""
    propose: Callable[[Bench], Draft]
    """Raises `SetbackError` with the reason where it has nothing to propose."""


def edit_files(bench: Bench) -> Draft:
    """Repair by a recipe that edits a file.

    Raises:
        SetbackError: None fits.
    """
    reasons = []
    prove = proof_by_running(bench)
    for recipe, edit in edits_for(bench.request):
        try:
            summary = edit.apply(bench.request, bench.workspace)
        except EditRefusedError as error:
            reasons.append(str(error))
            continue
        changes = bench.changes([recipe])
        if not changes.files:
            continue
        proof = prove()
        if proof.state is ProofState.NOT_PROVED_HERE and proof.exit_before is None and edit.unproved:
            proof = proof.model_copy(update={"detail": edit.unproved})
        return Draft(Strategy.RECIPE, recipe.name, summary, proof, changes)
    raise SetbackError(" ".join(reasons))


def _names_a_step(request: PatchRequest) -> bool:
    return any(job.command or (job.key and job.step) for job in request.evidence.jobs)


PROPOSERS: Final[tuple[Proposer, ...]] = (
    Proposer(lambda request: bool(edits_for(request)), edit_files),
    Proposer(prints_diff, apply_printed_diffs),
    Proposer(_names_a_step, run_fix_commands),
    Proposer(compares_generated, regenerate),
    Proposer(speaks_of_lock_file, mend_lock_file),
)
"""In order. Each starts from a workspace of its own; the first proved draft is taken, else the best."""


def worth(draft: Draft) -> int:
    """How far a draft is proved; more is better."""
    return _WORTH.index(draft.proof.state)
