"""A repair session as a state machine: what was said, what it took, when it ends. Pure, without Temporal."""

from collections.abc import Sequence
from typing import Final

from workflows.consultation import total
from workflows.models import AttemptResult, Excerpt, FailedJob, GateVerdict, PatchRequest, Spending
from workflows.session_models import (
    RESULT_CHARACTERS,
    Block,
    Message,
    SessionStart,
    Speaker,
    Stop,
    SubmissionRequest,
    ToolCall,
    ToolResult,
    ToolsRequest,
    ToolsResult,
    Turn,
    TurnRequest,
)

GATE_RETURNS: Final = 2
"""How often a refusal of the gate goes back to the model; the next one is the attempt's result."""
CONVERSATION_CHARACTERS: Final = 400_000
"""About half of what a model reads at once, and a fifth of what Temporal takes as one payload."""

_SAYING: Final = frozenset({"text", "tool_use"})
_GO_ON: Final = (
    "No tool was called. Go on with the tools; end with submit when the repair is done, or with give_up."
)
_CUT: Final = (
    "Your reply was cut at its limit ({detail}), so none of its tool calls was carried out. Use less."
)


class Session:
    """A conversation with a model about one attempt, with the patch it has made so far.

    Args:
        request: The attempt.
        start: How the conversation begins.
    """

    def __init__(self, request: PatchRequest, start: SessionStart) -> None:
        self._request = request
        self._start = start
        self._messages = [_message(Speaker.USER, [_text(start.opening)])]
        self._characters = len(start.opening)
        self._calls: tuple[ToolCall, ...] = ()
        self._answered: tuple[ToolResult, ...] = ()
        self._submitted: ToolCall | None = None
        self._summary = ""
        self._gate_returns = 0
        self._end = ""
        self.diff = ""
        self.spending = Spending(model=start.model)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of the last reply that are to be carried out."""
        return self._calls

    @property
    def submitted(self) -> bool:
        """Whether the model has submitted its patch and waits for the answer."""
        return self._submitted is not None

    @property
    def may_return_to_the_model(self) -> bool:
        """Whether another refusal of the gate may go back to the model."""
        return self._gate_returns < GATE_RETURNS

    @property
    def end(self) -> str:
        """Why no further call may be made, in a sentence; empty while one may. Asked before each call."""
        limits, spent = self._request.limits, self.spending
        if self._end:
            return self._end
        if spent.calls >= limits.session_calls:
            return f"The model found no repair within {limits.session_calls} calls."
        if spent.seconds >= limits.session_time.total_seconds():
            minutes = limits.session_time.total_seconds() / 60
            return f"The model found no repair within {minutes:.0f} minutes of work."
        if spent.cost_usd is not None and spent.cost_usd >= limits.session_usd:
            return f"The model found no repair for US$ {limits.session_usd:.2f}."
        if self._characters > CONVERSATION_CHARACTERS:
            return "The model found no repair before the conversation grew too long."
        return ""

    def turn(self) -> TurnRequest:
        """Argument of `take_turn`."""
        return TurnRequest(messages=tuple(self._messages))

    def tools(self) -> ToolsRequest:
        """Argument of `use_tools`."""
        return ToolsRequest(
            repository=self._request.repository,
            base_sha=self._request.base_sha,
            diff=self.diff,
            jobs=_bare(self._request.evidence.jobs),
            workflow_path=self._request.workflow_path,
            tag=self._start.tag,
            patch_bytes=self._request.limits.patch_bytes,
            calls=self._calls,
        )

    def submission(self) -> SubmissionRequest:
        """Argument of `prove_submission`."""
        return SubmissionRequest(
            patch=self._request, diff=self.diff, summary=self._summary, tag=self._start.tag
        )

    def hear(self, turn: Turn) -> None:
        """Take in a reply. What it asks for is then in `calls`."""
        self._count(turn)
        content = turn.content if turn.stop is Stop.SAID else _only_text(turn.content)
        if any(block["type"] in _SAYING for block in content):  # the API takes no message of thoughts alone
            self._say(Speaker.ASSISTANT, content)
        self._calls = tuple(
            ToolCall(
                id=block["id"],
                name=block["name"],
                input=block["input"],
                malformed=block["id"] in turn.malformed,
            )
            for block in content
            if block["type"] == "tool_use"
        )
        if turn.stop is Stop.REFUSED:
            self._end = f"The model refused to go on{_in_brackets(turn.detail)}."
        elif turn.stop is Stop.NO_ROOM:
            self._end = "The model found no repair before its context was full."
        elif turn.stop is Stop.CUT:
            self._say(Speaker.USER, [_text(_CUT.format(detail=turn.detail))])
        elif not self._calls:
            self._say(Speaker.USER, [_text(_GO_ON)])

    def answer(self, done: ToolsResult) -> None:
        """Take in what the tools answered."""
        self.diff = done.diff
        self.spending = self.spending.model_copy(update={"seconds": self.spending.seconds + done.seconds})
        self._calls = ()
        if done.gave_up:
            self._end = f"The model gave up: {done.gave_up}"
        if done.submission is not None:
            self._answered, self._submitted, self._summary = done.results, done.submission, done.summary
        else:
            self._say(Speaker.USER, [_result(each) for each in done.results])

    def send_back(self, setback: str) -> None:
        """Answer the submission with why it does not end the session."""
        if self._submitted is None:
            raise LookupError("nothing was submitted")
        refusal = ToolResult(call_id=self._submitted.id, text=setback, is_error=True)
        self._say(Speaker.USER, [_result(each) for each in (*self._answered, refusal)])
        self._submitted = None

    def send_back_verdict(self, verdict: GateVerdict) -> None:
        """Answer the submission with the gate's refusal."""
        self._gate_returns += 1
        reasons = "\n".join(f"- {reason}" for reason in verdict.reasons)
        self.send_back(f"The gate refuses this patch:\n{reasons}\nChange it, or give up."[:RESULT_CHARACTERS])

    def _count(self, turn: Turn) -> None:
        spent, use = self.spending, turn.use
        self.spending = spent.model_copy(
            update={
                "calls": spent.calls + 1,
                "input_tokens": spent.input_tokens + use.input_tokens,
                "output_tokens": spent.output_tokens + use.output_tokens,
                "cached_tokens": spent.cached_tokens + use.cached_tokens,
                "cost_usd": total([spent.cost_usd, use.cost_usd]),
                "seconds": spent.seconds + turn.seconds,
            }
        )

    def _say(self, role: Speaker, content: Sequence[Block]) -> None:
        self._characters += sum(len(str(block)) for block in content)
        self._messages.append(_message(role, content))


def setback(before: AttemptResult) -> str:
    """Why a model is asked: what the recipes came to."""
    if before.verdict is None:
        return before.proposal.summary
    reasons = " ".join(before.verdict.reasons)
    return f"A recipe made a patch, and the gate refused it: {reasons}"


def without_patch(before: AttemptResult, why: str, spent: Spending | None = None) -> AttemptResult:
    """What the recipes came to, where a model adds nothing to it but the reason."""
    told = f"{before.proposal.summary} {why}".strip()
    proposal = before.proposal.model_copy(update={"summary": told})
    return AttemptResult(proposal=proposal, verdict=before.verdict, spending=spent or Spending())


def _bare(jobs: Sequence[FailedJob]) -> tuple[FailedJob, ...]:
    """The jobs without their excerpts, and each command once: a matrix's jobs fail alike."""
    seen: set[tuple[str | None, str | None]] = set()
    bare = []
    for job in jobs:
        runs = (job.command, job.working_directory)
        command = None if runs in seen else job.command
        seen.add(runs)
        bare.append(job.model_copy(update={"excerpt": Excerpt(text=""), "command": command}))
    return tuple(bare)


def _message(role: Speaker, content: Sequence[Block]) -> Message:
    return Message(role=role, content=tuple(content))


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _result(result: ToolResult) -> Block:
    block = {"type": "tool_result", "tool_use_id": result.call_id, "content": result.text}
    return block | {"is_error": True} if result.is_error else block


def _only_text(content: Sequence[Block]) -> tuple[Block, ...]:
    return tuple(block for block in content if block["type"] == "text")


def _in_brackets(detail: str) -> str:
    return f" ({detail})" if detail else ""
