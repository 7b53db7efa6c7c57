"""The activities of a repair session. Each can be repeated, by whatever worker comes first."""

import asyncio
import functools
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

from temporalio import activity

from activities import metering
from activities.adapters.claude import Claude, Conversation
from activities.adapters.pulse import Pulse
from activities.adapters.repository import RepositoryMirrors
from activities.adapters.workspace import Changes, Workspace
from activities.errors import PermanentError, translating
from activities.patching.sandbox import Sandbox, SandboxUnavailableError
from activities.patching.session.checks import failing_commands, prove, run_all
from activities.patching.session.prompt import INSTRUCTIONS, opening
from activities.patching.session.speech import quoted, told
from activities.patching.session.tools import EDITOR, TOOLS, ReadRange, Toolbox
from workflows.consultation import KIND_PREFIX
from workflows.models import PatchRequest, Proof, ProofState, Proposal, Strategy
from workflows.naming import patch_id
from workflows.session_models import (
    RESULT_CHARACTERS,
    SessionRequest,
    SessionStart,
    Submission,
    SubmissionRequest,
    ToolsRequest,
    ToolsResult,
    Turn,
    TurnRequest,
)

NO_MODEL: Final = "No model is set up to look for another repair (ANTHROPIC_API_KEY)."
_BEAT_SECONDS: Final = 5.0

T = TypeVar("T")


class SessionActivities:
    """Talks with a model about a failure, and gives it tools. Nothing of it can write outside this worker.

    Args:
        mirrors: Where repositories are read from.
        sandbox: Where the failing commands run.
        read_log: Reads a part of a failed job's log.
        claude: The model; None where none is set up.
    """

    def __init__(
        self,
        mirrors: RepositoryMirrors,
        sandbox: Sandbox,
        read_log: ReadRange,
        claude: Claude | None = None,
    ) -> None:
        self._mirrors = mirrors
        self._sandbox = sandbox
        self._read_log = read_log
        self._claude = claude

    @activity.defn
    @translating
    async def open_session(self, request: SessionRequest) -> SessionStart:
        """How a conversation about the attempt begins. Reads only, so repeating it is safe."""
        if self._claude is None:
            return SessionStart(closed=NO_MODEL)
        tag = secrets.token_hex(16)
        pulse = _pulse()
        patch = request.patch
        async with self._mirrors.checkout(patch.repository, patch.base_sha, pulse=pulse) as workspace:
            changes = await pulse.run(workspace.commit_changes)
            commands = failing_commands(patch.workflow_path, patch.evidence.jobs, workspace)
        words = opening(request, tag, changes, commands)
        return SessionStart(model=self._claude.model, tag=tag, opening=words)

    @activity.defn
    @translating
    async def take_turn(self, request: TurnRequest) -> Turn:
        """One paid reply. It changes nothing, so repeating it costs money only.

        It does nothing beside, so that a reply, once it has come, is this activity's result and is paid once.
        """
        if self._claude is None:
            # A worker without a key took over from one that had it.
            raise PermanentError("no model is set up on this worker", kind=f"{KIND_PREFIX}misconfigured")
        conversation = Conversation(instructions=INSTRUCTIONS, tools=TOOLS, messages=request.messages)
        started = time.monotonic()
        turn = await _beating(self._claude.converse(conversation))
        metering.reply_paid("repair", turn.use)
        content = tuple(told(block, exact=EDITOR) for block in turn.content)
        return turn.model_copy(update={"content": content, "seconds": _since(started)})

    @activity.defn
    @translating
    async def use_tools(self, request: ToolsRequest) -> ToolsResult:
        """What a reply's tool calls answer, and the patch after them.

        Safe to repeat: it begins with the patch before them, in a throwaway folder.
        """
        pulse, started = _pulse(), time.monotonic()
        async with AsyncExitStack() as stack:

            async def fresh(diff: str) -> Workspace:
                return await stack.enter_async_context(
                    self._restored(request.repository, request.base_sha, diff, pulse)
                )

            workspace = await fresh(request.diff)
            toolbox = Toolbox(request, workspace, fresh, self._read_log, self._sandbox, pulse)
            done = await toolbox.use()
        return done.model_copy(update={"seconds": _since(started)})

    @activity.defn
    @translating
    async def prove_submission(self, request: SubmissionRequest) -> Submission:
        """Whether the failing commands pass with the patch; a proposal, or what the model has to mend.

        Safe to repeat: it writes nothing outside throwaway folders.
        """
        pulse, patch = _pulse(), request.patch
        started = time.monotonic()
        async with self._restored(patch.repository, patch.base_sha, request.diff, pulse) as after:
            changes = await pulse.run(after.changes)
            objection = _objection(patch, changes)
            if objection:
                return Submission(setback=objection)
            async with self._restored(patch.repository, patch.base_sha, "", pulse) as before:
                proof, objection = await self._prove(request, before, after, pulse)
        if objection:
            return Submission(setback=objection)
        return Submission(
            proposal=Proposal(
                diff=changes.diff,
                base_sha=patch.base_sha,
                patch_id=patch_id(patch.base_sha, changes.diff),
                strategy=Strategy.MODEL,
                summary=request.summary,
                files=changes.files,
                additions=changes.additions,
                deletions=changes.deletions,
                proof=proof,
                tool_seconds=_since(started),
                tree=changes.tree,
            )
        )

    async def _prove(
        self, request: SubmissionRequest, before: Workspace, after: Workspace, pulse: Pulse
    ) -> tuple[Proof, str]:
        """The proof, and what speaks against the patch; the latter empty where nothing does."""
        patch = request.patch
        commands = failing_commands(patch.workflow_path, patch.evidence.jobs, before)

        def run(workspace: Workspace) -> Any:
            return run_all(commands, workspace, self._sandbox, pulse)

        try:
            without = await pulse.run(functools.partial(run, before))
            with_it = await pulse.run(functools.partial(run, after))
        except SandboxUnavailableError as error:
            detail = f"Commands cannot be confined on this worker: {error}"
            return Proof(state=ProofState.NOT_PROVED_HERE, detail=detail), ""
        proof, convincing = prove(without, with_it, patch.diagnosis.evidence_lines)
        if convincing:
            return proof, ""
        output = "\n".join(one.told() for one in with_it if one.failed)[-RESULT_CHARACTERS // 2 :]
        shown = quoted(request.tag, output, most=RESULT_CHARACTERS // 2)
        return proof, f"{proof.detail} The patch was not taken; mend it, or give up.\n{shown}"

    @asynccontextmanager
    async def _restored(
        self, repository: str, base_sha: str, diff: str, pulse: Pulse
    ) -> AsyncIterator[Workspace]:
        """A workspace as the session has it: the base commit with the diff so far."""
        async with self._mirrors.checkout(repository, base_sha, pulse=pulse) as workspace:
            await pulse.run(functools.partial(workspace.apply, diff))
            yield workspace


def _objection(request: PatchRequest, changes: Changes) -> str:
    """What speaks against a patch before anything is run; empty where nothing does."""
    size, limits = len(changes.diff.encode()), request.limits
    if not changes.diff:
        return "Nothing is changed, so there is nothing to submit. Change something, or give up."
    if size > limits.patch_bytes or len(changes.files) > limits.patch_files:
        return (
            f"The patch is too large: {size} bytes in {len(changes.files)} files; "
            f"{limits.patch_bytes} bytes in {limits.patch_files} files are allowed."
        )
    for record in request.earlier:
        if record.tree is not None and record.tree == changes.tree:
            return (
                f"This makes the files what attempt {record.number} made them, and CI turned that down "
                f"({record.ci or 'not published'}). Repair it in another way, or give up."
            )
    return ""


def _since(started: float) -> float:
    """Seconds since a moment of the monotonic clock."""
    return round(time.monotonic() - started, 4)


def _pulse() -> Pulse:
    loop = asyncio.get_running_loop()
    return Pulse(lambda: _beat(loop))


def _beat(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_soon_threadsafe(activity.heartbeat)


async def _beating(work: Coroutine[Any, Any, T]) -> T:
    """`work`, with a heartbeat while it waits: the wire has its own time-outs, a dead worker has not."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            activity.heartbeat()
            await asyncio.wait({task}, timeout=_BEAT_SECONDS)
        return await task
    finally:
        task.cancel()
