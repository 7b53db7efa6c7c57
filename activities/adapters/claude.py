"""Claude over its Messages API: one call, one reply, every failure an `AdapterError`."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import httpx2
from pydantic import BaseModel, SecretStr, ValidationError

from activities.adapters.claude_errors import of_a_cloud, refusal
from activities.adapters.claude_stream import REPLY_CHARACTERS, StreamedReply
from activities.adapters.model_prices import ModelPrice, Tokens, cost_usd, price_of
from activities.adapters.prompt_cache import cached, with_breakpoints
from activities.adapters.spans import model_call, used
from activities.errors import PermanentError, UnavailableError
from activities.evidence.redaction import redact
from workflows.consultation import KIND_PREFIX
from workflows.models import ModelProblem, ModelUse
from workflows.session_models import Message, Stop, Turn

if TYPE_CHECKING:
    import anthropic

REPLY_TOKENS: Final = 8_000
"""Bound of one reply, thinking included: below the size for which the API wants a stream."""
TURN_TOKENS: Final = 16_000
"""Bound of one reply in a conversation, thinking and edits included."""
_TIMEOUT_SECONDS: Final = 240.0
"""Between two bytes of an answer; the activity's own time-out bounds the whole call."""
_LOOK_UP_SECONDS: Final = 10.0
_MESSAGE_CHARACTERS: Final = 300


class ModelProvider(StrEnum):
    """Who serves the model."""

    ANTHROPIC = "anthropic"
    """The Claude API, or any gateway that speaks it."""
    BEDROCK = "bedrock"
    """Amazon Bedrock, with the credentials that AWS's own variables and files give."""
    VERTEX = "vertex"
    """Google Vertex AI, with the credentials that Google's own variables and files give."""
    OFF = "off"
    """No model is ever asked."""


@dataclass(frozen=True, kw_only=True)
class ModelAccess:
    """Which model, where, and with what credential."""

    provider: ModelProvider
    model: str
    api_key: SecretStr | None = None
    base_url: str | None = None
    """None means the provider's own."""
    prices: Mapping[str, ModelPrice] = field(default_factory=dict)
    """US dollars per million tokens by model; wins over the list prices."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question with a fixed form of answer."""

    instructions: str
    """Ours alone, and the same for every question of a kind, so that the API can cache them."""
    material: str
    """May hold what strangers wrote; whoever makes it delimits that."""
    answer: type[BaseModel]
    """The form of the answer. Its JSON schema goes with the question."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A paid reply: its text, or why it has none that counts."""

    use: ModelUse
    text: str = ""
    problem: ModelProblem | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A conversation in which the model may call tools."""

    instructions: str
    """Ours alone, and the same for every conversation of a kind, so that the API can cache them."""
    tools: Sequence[Mapping[str, Any]]
    """As the API describes them; likewise always the same."""
    messages: Sequence[Message]


class _Block(BaseModel):
    type: str
    text: str | None = None


class _Refusal(BaseModel):
    category: str | None = None


class _Message(BaseModel):
    """What is read of a reply. Checked, since a gateway may answer 200 with anything."""

    content: list[_Block]
    stop_reason: str | None
    stop_details: _Refusal | None = None
    usage: Tokens


class Claude:
    """Asks one model. Retries nothing: that is Temporal's."""

    def __init__(self, access: ModelAccess, http_client: httpx2.AsyncClient) -> None:
        self._access = access
        self._http = http_client
        self._client: anthropic.AsyncAnthropic | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self._access.model

    async def ask(self, question: Question) -> Reply:
        """One paid reply in the question's form of answer; whoever asked checks it against that form.

        Raises:
            PermanentError: Asking again changes nothing; the text says what a person can do.
            ThrottledError: The API asks to wait.
            UnavailableError: No usable answer; asking again may help.
        """
        sdk = await asyncio.to_thread(_sdk)
        schema = sdk.transform_schema(question.answer)
        with model_call(self._access.provider, self.model, max_tokens=REPLY_TOKENS) as span:
            message = await self.send(
                max_tokens=REPLY_TOKENS,
                system=[cached({"type": "text", "text": question.instructions})],
                messages=[{"role": "user", "content": question.material}],
                output_config={"format": {"type": "json_schema", "schema": schema}},
            )
            reply = self._read(message)
            used(span, reply.use)
        return reply

    async def look_up(self) -> None:
        """Ask whether the key may use the model, which costs nothing. Of the Claude API alone.

        Raises:
            AdapterError: As for `ask`.
        """
        async with self._calling() as client:
            await client.models.retrieve(self._access.model, timeout=_LOOK_UP_SECONDS)

    async def converse(self, conversation: Conversation) -> Turn:
        """One paid reply in a conversation, whatever it is.

        It is streamed: a reply may take minutes, and no proxy on the way shall take that for silence.

        Raises:
            AdapterError: As for `ask`.
        """
        with model_call(self._access.provider, self.model, max_tokens=TURN_TOKENS) as span:
            turn = await self._hear(conversation)
            used(span, turn.use)
        return turn

    async def _hear(self, conversation: Conversation) -> Turn:
        reply = StreamedReply()
        async with self._calling() as client:
            stream = await client.messages.create(
                model=self._access.model,
                max_tokens=TURN_TOKENS,
                system=[cached({"type": "text", "text": conversation.instructions})],
                tools=list(conversation.tools),
                messages=with_breakpoints(conversation.messages),
                stream=True,
                timeout=_TIMEOUT_SECONDS,
            )
            async with stream:
                async for event in stream:
                    with _expecting_a_message():
                        reply.hear(event.to_dict(warnings=False))
                    if reply.is_too_long:
                        break
        with _expecting_a_message():
            return self._turn(reply)

    async def send(self, **parameters: Any) -> Any:
        """One call of the Messages API with the SDK's parameters; its message, whatever it says.

        Raises:
            AdapterError: As for `ask`.
        """
        async with self._calling() as client:
            return await client.messages.create(
                model=self._access.model, timeout=_TIMEOUT_SECONDS, **parameters
            )

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[Any]:
        """The SDK's client; what goes wrong with it meanwhile becomes an `AdapterError`."""
        # The SDK takes a second to import, and most remediations ask no model.
        sdk = await asyncio.to_thread(_sdk)
        try:
            self._client = self._client or self._connect(sdk)
            yield self._client
        except sdk.APIStatusError as error:
            raise refusal(error, self._tame) from None
        except (sdk.APIError, httpx2.HTTPError) as error:
            raise UnavailableError(f"no usable answer from the model: {type(error).__name__}") from None
        except (json.JSONDecodeError, UnicodeError, RecursionError) as error:
            raise UnavailableError(f"the model's answer is not JSON: {type(error).__name__}") from None
        except (ImportError, RuntimeError, ValueError, sdk.AnthropicError) as error:
            # In this way the clients of the cloud providers say that a package, a region or a credential
            # is missing.
            raise PermanentError(
                f"the client for {self._access.provider} cannot be used: {self._tame(str(error))}",
                kind=f"{KIND_PREFIX}misconfigured",
            ) from None
        except Exception as error:
            known = of_a_cloud(error, self._tame)
            if known is None:
                raise
            raise known from None

    def _connect(self, sdk: Any) -> Any:
        access = self._access
        # Redirects are not followed: the key goes where the operator sent it and nowhere else.
        given: dict[str, Any] = {"max_retries": 0, "http_client": self._http}
        if access.base_url:
            given["base_url"] = access.base_url
        if access.provider is ModelProvider.BEDROCK:
            return sdk.AsyncAnthropicBedrock(**given)
        if access.provider is ModelProvider.VERTEX:
            return sdk.AsyncAnthropicVertex(**given)
        given.setdefault("base_url", "https://api.anthropic.com")
        key = access.api_key.get_secret_value() if access.api_key else ""
        return sdk.AsyncAnthropic(api_key=key, **given)

    def _read(self, message: Any) -> Reply:
        with _expecting_a_message():
            read = _Message.model_validate(message.to_dict(warnings=False))
        problem, detail = _problem(read)
        text = "".join(block.text or "" for block in read.content if block.type == "text")
        return Reply(use=self._use(read.usage), text="" if problem else text, problem=problem, detail=detail)

    def _turn(self, reply: StreamedReply) -> Turn:
        tokens = Tokens.model_validate({"output_tokens": 0} | reply.usage)
        if reply.is_too_long:
            # Its own count never came. What it read is known; what it wrote is at most the limit.
            counted = tokens.model_copy(update={"output_tokens": TURN_TOKENS})
            detail = f"more than {REPLY_CHARACTERS:,} characters"
            return Turn(use=self._use(counted), stop=Stop.CUT, detail=detail)
        if reply.stop_reason is None:
            raise UnavailableError("the model's answer was cut off")
        stop, detail = _stop(reply)
        content = reply.content()
        return Turn(
            use=self._use(tokens),
            content=content,
            malformed=tuple(reply.malformed),
            stop=stop,
            detail=self._tame(detail),
        )

    def _use(self, tokens: Tokens) -> ModelUse:
        return ModelUse(
            model=self._access.model,
            input_tokens=tokens.read,
            output_tokens=tokens.output_tokens,
            cached_tokens=tokens.cached,
            cost_usd=cost_usd(price_of(self._access.model, self._access.prices), tokens),
        )

    def _tame(self, text: str) -> str:
        """`text` from outside as part of an error: one short line without secrets, ours above all."""
        key = self._access.api_key.get_secret_value() if self._access.api_key else ""
        if key:
            text = text.replace(key, "«redacted»")
        return " ".join(redact(text).split())[:_MESSAGE_CHARACTERS]


def _sdk() -> Any:
    import anthropic  # noqa: PLC0415 — its import takes longer than all the rest of the worker's start

    return anthropic


@contextmanager
def _expecting_a_message() -> Iterator[None]:
    """A gateway may answer 200 with anything."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValidationError):
        raise UnavailableError("the model's answer is not a message") from None


def _stop(reply: StreamedReply) -> tuple[Stop, str]:
    match reply.stop_reason:
        case "refusal":
            details = reply.stop_details if isinstance(reply.stop_details, Mapping) else {}
            category = details.get("category")
            return Stop.REFUSED, f"category {category}" if category else ""
        case "max_tokens":
            return Stop.CUT, f"{TURN_TOKENS:,} tokens"
        case "model_context_window_exceeded":
            return Stop.NO_ROOM, ""
        case _:
            return Stop.SAID, ""


def _problem(message: _Message) -> tuple[ModelProblem | None, str]:
    match message.stop_reason:
        case "end_turn" | "stop_sequence":
            return None, ""
        case "refusal":
            category = message.stop_details.category if message.stop_details else None
            return ModelProblem.REFUSED, f"category {category}" if category else ""
        case "max_tokens":
            return ModelProblem.TOO_LONG, f"more than {REPLY_TOKENS} tokens"
        case "model_context_window_exceeded":
            return ModelProblem.TOO_LONG, "question and reply exceed the model's context"
        case other:
            return ModelProblem.UNFIT, f"it stopped for {other or 'no reason'}"[:100]
