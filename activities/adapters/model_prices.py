"""What a model call costs: list prices by model, and the sum for a call's tokens."""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

_PER: Final = 1_000_000


class ModelPrice(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write: float = Field(ge=0)
    """Of the five-minute cache."""
    cache_read: float = Field(ge=0)
    long_prompt_tokens: int | None = None
    """A prompt of more tokens than this, cached ones counted, costs `long_prompt_factor` times as much."""
    long_prompt_factor: float = 1.0


class Tokens(BaseModel):
    """A call's tokens as the API counts them; the three kinds of input do not overlap."""

    model_config = ConfigDict(extra="ignore")

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)

    @property
    def read(self) -> int:
        """Everything that was read, cached or not."""
        return self.input_tokens + (self.cache_creation_input_tokens or 0) + self.cached

    @property
    def cached(self) -> int:
        """What came from the cache."""
        return self.cache_read_input_tokens or 0


def _price(input_: float, output: float, cache_read: float) -> ModelPrice:
    # A five-minute cache write costs a quarter more than plain input, for every model.
    return ModelPrice(input=input_, output=output, cache_write=input_ * 1.25, cache_read=cache_read)


_FABLE_5: Final = _price(10, 50, 1)
_FABLE_5_1: Final = _price(10, 50, 0.25)
_OPUS: Final = _price(5, 25, 0.5)
_SONNET_4: Final = _price(3, 15, 0.3)

PRICES: Final[Mapping[str, ModelPrice]] = {
    "claude-fable-5-1": _FABLE_5_1,
    "claude-mythos-5-1": _FABLE_5_1,
    "claude-fable-5": _FABLE_5,
    "claude-mythos-5": _FABLE_5,
    "claude-opus-5-5": _price(4, 20, 0.2),
    "claude-opus-5": _OPUS,
    "claude-opus-4-8": _OPUS,
    "claude-opus-4-7": _OPUS,
    "claude-opus-4-6": _OPUS,
    "claude-opus-4-5": _OPUS,
    "claude-sonnet-5-5": _price(2, 10, 0.1),
    "claude-sonnet-5": _price(2, 10, 0.2),
    "claude-sonnet-4-6": _SONNET_4,
    "claude-sonnet-4-5": _SONNET_4,
    "claude-haiku-5-5": ModelPrice(
        input=0.1,
        output=0.5,
        cache_write=0.125,
        cache_read=0.01,
        long_prompt_tokens=100_000,
        long_prompt_factor=5,
    ),
    "claude-haiku-4-5": _price(1, 5, 0.1),
}
"""List prices of the Claude API, from its pricing page as of October 2026. Other providers may differ."""

_PLATFORM: Final = re.compile(
    r"^(?:[a-z]{2,6}\.)?anthropic\.|[@-]20\d{6}(?:-v\d+(?::\d+)?)?$|-v\d+(?::\d+)?$"
)
"""What Bedrock and Vertex put around a model's name, and the date of a pinned version."""


def price_of(model: str, prices: Mapping[str, ModelPrice]) -> ModelPrice | None:
    """The price set for `model`, else the list price; None where neither knows it."""
    plain = _PLATFORM.sub("", _PLATFORM.sub("", model))
    return prices.get(model) or prices.get(plain) or PRICES.get(plain)


def cost_usd(price: ModelPrice | None, tokens: Tokens) -> float | None:
    """What a call costs; None where the price is not known, which is not the same as nothing."""
    if price is None:
        return None
    dollars = (
        tokens.input_tokens * price.input
        + (tokens.cache_creation_input_tokens or 0) * price.cache_write
        + tokens.cached * price.cache_read
        + tokens.output_tokens * price.output
    ) / _PER
    long = price.long_prompt_tokens is not None and tokens.read > price.long_prompt_tokens
    return dollars * price.long_prompt_factor if long else dollars
