"""Payloads of a repair session: what a model is told, what it says, and what its tools answer."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from workflows.models import (
    EXAMPLE_CHARACTERS,
    DiffText,
    FailedJob,
    ModelUse,
    Name,
    PatchRequest,
    Payload,
    Proposal,
    Repository,
    Sentence,
    Sha,
)

OPENING_CHARACTERS: Final = 100_000
"""Of a session's first message: the excerpts, the commit's changes, and what is said about them."""
RESULT_CHARACTERS: Final = 12_000
"""Of one tool's answer: some 200 lines of source."""

Block = dict[str, Any]
"""One block of a message, as the Messages API has it. A model gets its own back as history has them."""
ResultText = Annotated[str, Field(max_length=2 * RESULT_CHARACTERS)]
"""Room for what delimits an answer, beside the answer."""


class Speaker(StrEnum):
    """Who says a message; the words are the API's."""

    USER = "user"
    ASSISTANT = "assistant"


class Message(Payload):
    """One message of the conversation."""

    role: Speaker
    content: tuple[Block, ...]


class SessionRequest(Payload):
    """Argument of `open_session`."""

    patch: PatchRequest
    setback: Sentence = ""
    """Why the recipes have no patch."""
    example: str = Field(default="", max_length=EXAMPLE_CHARACTERS)
    """The diff of a merged fix of the same failure."""


class SessionStart(Payload):
    """Result of `open_session`: how the conversation begins, or why there is none."""

    model: Name = ""
    tag: Name = ""
    """Delimits what strangers wrote, in every message of the session; nobody could know it before."""
    opening: str = Field(default="", max_length=OPENING_CHARACTERS)
    closed: Sentence = ""
    """Why no model is asked; empty where one is."""


class TurnRequest(Payload):
    """Argument of `take_turn`: the whole conversation so far, so that any worker can go on with it."""

    messages: tuple[Message, ...]


class Stop(StrEnum):
    """Why a reply ends."""

    SAID = "said"
    """It says all it wants to say, tools included."""
    CUT = "cut"
    """It was cut at its limit, so nothing of it may be carried out."""
    REFUSED = "refused"
    """The model declines; asking again would be declined again."""
    NO_ROOM = "no_room"
    """The conversation has outgrown what the model can read."""


class Turn(Payload):
    """Result of `take_turn`: one paid reply."""

    use: ModelUse
    content: tuple[Block, ...] = ()
    """Text, thinking and tool calls; nothing else is passed on."""
    malformed: tuple[str, ...] = ()
    """Ids of the tool calls whose input is not JSON."""
    stop: Stop = Stop.SAID
    detail: Sentence = ""
    seconds: float = 0.0
    """What the reply took, waits for another try not counted."""


class ToolCall(Payload):
    """One call of a tool, as the model wants it. Nothing of it has been checked."""

    id: str
    name: str
    input: dict[str, Any]
    malformed: bool = False


class ToolsRequest(Payload):
    """Argument of `use_tools`: what the model calls, and the workspace it calls it on."""

    repository: Repository
    base_sha: Sha
    diff: DiffText
    """What the session has changed so far, against `base_sha`."""
    jobs: tuple[FailedJob, ...]
    """The failed jobs without their excerpts: which commands may run, which logs may be read."""
    workflow_path: Name = ""
    """The run's workflow file, which says in which environment they run."""
    tag: Name
    patch_bytes: int
    """Largest diff; edits that lead to a larger one are dropped."""
    calls: tuple[ToolCall, ...]


class ToolResult(Payload):
    """What one call answers."""

    call_id: str
    text: ResultText
    is_error: bool = False


class ToolsResult(Payload):
    """Result of `use_tools`."""

    results: tuple[ToolResult, ...] = ()
    """One for each call, but for the one that submits."""
    diff: DiffText = ""
    submission: ToolCall | None = None
    """The call that submits; its answer depends on the proof and on the gate."""
    summary: Sentence = ""
    """What the submission says it changed."""
    seconds: float = 0.0
    """What the tools took."""
    gave_up: Sentence = ""
    """The model's reason for ending without a patch; empty while it goes on."""


class SubmissionRequest(Payload):
    """Argument of `prove_submission`."""

    patch: PatchRequest
    diff: DiffText
    summary: Sentence
    tag: Name


class Submission(Payload):
    """Result of `prove_submission`: a proposal for the gate, or why the model has to go on."""

    proposal: Proposal | None = None
    setback: ResultText = ""
