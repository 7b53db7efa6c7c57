"""The activity that proposes patches."""

import asyncio
import functools
import time

from temporalio import activity

from activities.adapters.github import GitHub
from activities.adapters.pulse import Pulse
from activities.adapters.repository import RepositoryMirrors
from activities.errors import PermanentError, translating
from activities.patching.bench import TOOL_SECONDS, Bench, Draft, SetbackError
from activities.patching.commands import Command
from activities.patching.proposers import PROPOSERS, Proposer, worth
from activities.patching.recall import Recalled, make_again, recall
from activities.patching.sandbox import CommandResult, Sandbox
from workflows.models import PatchRequest, Proof, ProofState, Proposal
from workflows.naming import patch_id


class PatchingActivities:
    """Proposes patches. Reads hostile text and runs the repository's commands, and can write nowhere.

    Args:
        mirrors: Where repositories are read from.
        sandbox: Where their commands run.
        github: Where earlier fixes are looked up; None where none are.
        tool_timeout: Seconds of wall time for one command.
    """

    def __init__(
        self,
        mirrors: RepositoryMirrors,
        sandbox: Sandbox,
        github: GitHub | None = None,
        *,
        tool_timeout: float = TOOL_SECONDS,
    ) -> None:
        self._mirrors = mirrors
        self._github = github
        self._sandbox = sandbox
        self._tool_timeout = tool_timeout

    @activity.defn
    @translating
    async def propose_patch(self, request: PatchRequest) -> Proposal:
        """Propose a patch of `request.base_sha`, or say why there is none.

        Safe to repeat: it writes nothing outside a throwaway folder, and leaves nothing in that.
        """
        loop = asyncio.get_running_loop()
        pulse = Pulse(lambda: _beat(loop))
        reasons: list[str] = []
        proof = Proof(state=ProofState.NOT_PROVED_HERE)
        seconds = 0.0
        untouched: dict[tuple[tuple[str, ...], Command], CommandResult] = {}
        best: tuple[int, Proposal] | None = None
        recalled = await self._recall(request, pulse)
        for proposer in (*_recalling(recalled), *(one for one in PROPOSERS if one.considers(request))):
            started = time.perf_counter()
            async with self._mirrors.checkout(request.repository, request.base_sha, pulse=pulse) as workspace:
                bench = Bench(
                    request=request,
                    workspace=workspace,
                    sandbox=self._sandbox,
                    pulse=pulse,
                    tool_timeout=self._tool_timeout,
                    tool_seconds=time.perf_counter() - started,
                    untouched=untouched,
                )
                try:
                    draft = await pulse.run(functools.partial(proposer.propose, bench))
                    proposal = _accepted(request, draft, seconds + bench.tool_seconds)
                    if proposal.proof.state is ProofState.PROVED:
                        return proposal
                    best = max(best or (0, proposal), (worth(draft), proposal), key=lambda each: each[0])
                except SetbackError as error:
                    reasons.append(str(error))
                    proof = error.proof
                except PermanentError as error:
                    if error.kind != "invalid":
                        raise
                    reasons.append(f"The repair cannot be taken over: {error}.")
                finally:
                    seconds += bench.tool_seconds
        if best:
            return best[1].model_copy(
                update={"tool_seconds": round(seconds, 4), "example": recalled.diff if recalled else ""}
            )
        return Proposal(
            base_sha=request.base_sha,
            summary=" ".join(filter(None, reasons))
            or "The failing step's command is not known, so no recipe applies.",
            proof=proof,
            tool_seconds=round(seconds, 4),
            example=recalled.diff if recalled else "",
        )

    async def _recall(self, request: PatchRequest, pulse: Pulse) -> Recalled | None:
        return await recall(self._github, self._mirrors, request, pulse) if self._github else None


def _recalling(recalled: Recalled | None) -> tuple[Proposer, ...]:
    if recalled is None:
        return ()
    return (Proposer(lambda _: True, functools.partial(make_again, recalled=recalled)),)


def _accepted(request: PatchRequest, draft: Draft, seconds: float) -> Proposal:
    """The draft as a proposal, within the request's limits and unlike any earlier attempt's.

    Raises:
        SetbackError: It is neither.
    """
    changes, limits = draft.changes, request.limits
    size = len(changes.diff.encode())
    if size > limits.patch_bytes or len(changes.files) > limits.patch_files:
        raise SetbackError(
            f"The repair is too large: {size} bytes in {len(changes.files)} files; "
            f"{limits.patch_bytes} bytes in {limits.patch_files} files are allowed.",
            proof=draft.proof,
        )
    identity = patch_id(request.base_sha, changes.diff)
    repeated = next((record.number for record in request.earlier if record.patch_id == identity), None)
    if repeated is not None:
        raise SetbackError(f"The repair would repeat attempt {repeated}'s patch.", proof=draft.proof)
    return Proposal(
        diff=changes.diff,
        base_sha=request.base_sha,
        patch_id=identity,
        strategy=draft.strategy,
        recipe=draft.recipe,
        summary=draft.summary,
        files=changes.files,
        additions=changes.additions,
        deletions=changes.deletions,
        proof=draft.proof,
        tool_seconds=round(seconds, 4),
    )


def _beat(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_soon_threadsafe(activity.heartbeat)
