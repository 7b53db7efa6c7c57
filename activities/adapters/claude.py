"""Claude over its Messages API: one call, one reply, every failure an `AdapterError`."""

import asyncio
import contextlib
import http
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import httpx2
from pydantic import BaseModel, SecretStr, ValidationError

from activities.adapters.model_prices import ModelPrice, Tokens, cost_usd, price_of
from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError
from activities.evidence.redaction import redact
from workflows.consultation import KIND_PREFIX
from workflows.models import ModelProblem, ModelUse

if TYPE_CHECKING:
    import anthropic

REPLY_TOKENS: Final = 8_000
"""Bound of one reply, thinking included: below the size for which the API wants a stream."""
_TIMEOUT_SECONDS: Final = 240.0
"""Between two bytes of an answer; the activity's own time-out bounds the whole call."""
_OVERLOAD_DELAY: Final = timedelta(seconds=30)
"""Where the API asks to wait and does not say how long."""
_LONGEST_DELAY: Final = timedelta(minutes=20)
_MESSAGE_CHARACTERS: Final = 300
_OVERLOADED: Final = 529
_WAITING: Final = frozenset({http.HTTPStatus.TOO_MANY_REQUESTS, _OVERLOADED})
_PASSING: Final = frozenset({http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.CONFLICT})
_SPEND_LIMITS: Final = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})

_ADVICE: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid", "the request was refused; is REGREEN_MODEL a model that answers in a schema?"),
    401: ("unauthorised", "the key is not valid; check ANTHROPIC_API_KEY"),
    402: ("unpaid", "the account has no credit; look at its billing page"),
    403: ("forbidden", "the key may not use this model; check the key's workspace"),
    404: ("not_found", "there is no such model here; check REGREEN_MODEL and ANTHROPIC_BASE_URL"),
    413: ("too_large", "the request is too large for the API or a gateway before it"),
    422: ("invalid", "the request was refused; is REGREEN_MODEL a model that answers in a schema?"),
}
"""Kind and what a person can do, for answers that asking again does not change."""


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
        message = await self.send(
            max_tokens=REPLY_TOKENS,
            system=[
                {"type": "text", "text": question.instructions, "cache_control": {"type": "ephemeral"}},
            ],
            messages=[{"role": "user", "content": question.material}],
            output_config={"format": {"type": "json_schema", "schema": schema}},
        )
        return self._read(message)

    async def send(self, **parameters: Any) -> Any:
        """One call of the Messages API with the SDK's parameters; its message, whatever it says.

        Raises:
            AdapterError: As for `ask`.
        """
        # The SDK takes a second to import, and most remediations ask no model.
        sdk = await asyncio.to_thread(_sdk)
        try:
            client = self._client = self._client or self._connect(sdk)
            return await client.messages.create(
                model=self._access.model, timeout=_TIMEOUT_SECONDS, **parameters
            )
        except sdk.APIStatusError as error:
            raise self._refused(error) from None
        except sdk.APIError as error:
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

    def _refused(self, error: "anthropic.APIStatusError") -> AdapterError:
        status = error.status_code
        said = self._tame(str(error.api_message or "it does not say why"))
        if status in _WAITING:
            if error.error_code in _SPEND_LIMITS:
                return PermanentError(
                    f"the account's spending limit is reached: {said}", kind=f"{KIND_PREFIX}unpaid"
                )
            return ThrottledError(f"the model asks to wait ({status}): {said}", delay=_delay(error.response))
        if status in _PASSING or status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return UnavailableError(f"the model answered {status}: {said}")
        kind, advice = _ADVICE.get(status, ("invalid", "look at ANTHROPIC_BASE_URL"))
        return PermanentError(f"the model answered {status}, {advice} ({said})", kind=f"{KIND_PREFIX}{kind}")

    def _read(self, message: Any) -> Reply:
        try:
            read = _Message.model_validate(message.to_dict(warnings=False))
        except (AttributeError, ValidationError):
            raise UnavailableError("the model's answer is not a message") from None
        tokens = read.usage
        use = ModelUse(
            model=self._access.model,
            input_tokens=tokens.read,
            output_tokens=tokens.output_tokens,
            cached_tokens=tokens.cached,
            cost_usd=cost_usd(price_of(self._access.model, self._access.prices), tokens),
        )
        problem, detail = _problem(read)
        text = "".join(block.text or "" for block in read.content if block.type == "text")
        return Reply(use=use, text="" if problem else text, problem=problem, detail=detail)

    def _tame(self, text: str) -> str:
        """`text` from outside as part of an error: one short line without secrets, ours above all."""
        key = self._access.api_key.get_secret_value() if self._access.api_key else ""
        if key:
            text = text.replace(key, "«redacted»")
        return " ".join(redact(text).split())[:_MESSAGE_CHARACTERS]


def _sdk() -> Any:
    import anthropic  # noqa: PLC0415 — its import takes longer than all the rest of the worker's start

    return anthropic


def _delay(response: httpx2.Response) -> timedelta:
    asked = _OVERLOAD_DELAY
    with contextlib.suppress(KeyError, ValueError, OverflowError):
        asked = timedelta(seconds=float(response.headers["retry-after"]))
    return min(max(asked, timedelta(seconds=1)), _LONGEST_DELAY)


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
