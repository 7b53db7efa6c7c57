import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

import anthropic
import httpx2
import pytest
from pydantic import BaseModel, SecretStr

from activities.adapters.claude import REPLY_TOKENS, Claude, ModelAccess, ModelProvider, Question, Reply
from activities.adapters.model_prices import ModelPrice, Tokens, cost_usd, price_of
from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError
from localhub.messages_api import (
    KEY,
    MODEL,
    Cut,
    Fault,
    MessagesApi,
    Raw,
    Said,
    Turn,
    answer,
    listening,
    text,
)
from workflows.models import ModelProblem


class Form(BaseModel):
    word: str


QUESTION: Final = Question(instructions="Say a word.", material="Which?", answer=Form)
GOOD: Final = answer({"word": "yes"})


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


def _claude(api: MessagesApi, http: httpx2.AsyncClient, **access: Any) -> Claude:
    given: dict[str, Any] = {
        "provider": ModelProvider.ANTHROPIC,
        "model": MODEL,
        "api_key": SecretStr(KEY),
        "base_url": api.url,
    }
    return Claude(ModelAccess(**(given | access)), http)


async def _ask(http: httpx2.AsyncClient, *script: Turn, **access: Any) -> Reply:
    async with listening(*script) as api:
        return await _claude(api, http, **access).ask(QUESTION)


async def _refused(http: httpx2.AsyncClient, *script: Turn, **access: Any) -> AdapterError:
    async with listening(*script) as api:
        with pytest.raises(AdapterError) as refused:
            await _claude(api, http, **access).ask(QUESTION)
        assert len(api.asked) <= 1, "retries are Temporal's"
    return refused.value


# ── the request ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_question_goes_out_with_the_answers_schema_and_instructions_that_can_be_cached(
    http: httpx2.AsyncClient,
) -> None:
    async with listening(GOOD) as api:
        await _claude(api, http).ask(QUESTION)

    [body] = api.asked
    assert body["model"] == MODEL
    assert body["max_tokens"] == REPLY_TOKENS
    [system] = body["system"]
    assert (system["text"], system["cache_control"]) == ("Say a word.", {"type": "ephemeral"})
    assert body["messages"] == [{"role": "user", "content": "Which?"}]
    schema = body["output_config"]["format"]["schema"]
    assert schema["required"] == ["word"]
    assert schema["additionalProperties"] is False


async def test_a_reply_has_its_text_and_what_it_took(http: httpx2.AsyncClient) -> None:
    usage = {
        "input_tokens": 1_000,
        "cache_creation_input_tokens": 2_000,
        "cache_read_input_tokens": 4_000,
        "output_tokens": 500,
    }

    reply = await _ask(http, answer({"word": "yes"}, usage=usage))

    assert json.loads(reply.text) == {"word": "yes"}
    assert (reply.use.input_tokens, reply.use.cached_tokens, reply.use.output_tokens) == (7_000, 4_000, 500)
    assert reply.use.cost_usd == pytest.approx((1_000 * 2 + 2_000 * 2.5 + 4_000 * 0.1 + 500 * 10) / 1e6)
    assert reply.use.model == MODEL


async def test_thinking_is_not_part_of_the_answer(http: httpx2.AsyncClient) -> None:
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": "s"}

    reply = await _ask(http, Said(content=[thinking, {"type": "text", "text": "{}"}]))

    assert reply.text == "{}"


async def test_the_same_client_is_used_again(http: httpx2.AsyncClient) -> None:
    async with listening(GOOD) as api:
        claude = _claude(api, http)
        await claude.ask(QUESTION)
        await claude.ask(QUESTION)

    assert len(api.asked) == 2


async def test_the_key_comes_from_the_settings_and_not_from_the_environment(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another")

    assert (await _ask(http, GOOD)).problem is None


async def test_the_stand_in_streams_as_the_api_does(http: httpx2.AsyncClient) -> None:
    async with listening(text("a word that is longer than one piece")) as api:
        client = anthropic.AsyncAnthropic(api_key=KEY, base_url=api.url, http_client=http, max_retries=0)
        async with client.messages.stream(
            model=MODEL, max_tokens=10, messages=[{"role": "user", "content": "?"}]
        ) as stream:
            message = await stream.get_final_message()

    assert message.content[0].type == "text"
    assert message.content[0].text == "a word that is longer than one piece"
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 200)


# ── other providers ─────────────────────────────────────────────────────────────────────────────────────────


async def test_bedrock_is_asked_with_aws_own_credentials(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "a-token")
    model = "eu.anthropic.claude-sonnet-5-5-v1:0"

    async with listening(GOOD) as api:
        reply = await _claude(api, http, provider=ModelProvider.BEDROCK, model=model).ask(QUESTION)

    assert api.paths == [f"/model/{model}/invoke"]
    assert api.headers[0]["authorization"] == "Bearer a-token"
    assert reply.use.cost_usd is not None


async def test_bedrock_without_a_region_says_so(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    refused = await _refused(http, GOOD, provider=ModelProvider.BEDROCK)

    assert isinstance(refused, PermanentError)
    assert refused.kind == "model_misconfigured"
    assert "AWS_REGION" in str(refused)


async def test_vertex_without_its_package_or_credentials_says_so(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUD_ML_REGION", "europe-west1")
    monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", "a-project")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)

    refused = await _refused(http, GOOD, provider=ModelProvider.VERTEX)

    assert isinstance(refused, PermanentError)
    assert refused.kind == "model_misconfigured"
    assert "vertex" in str(refused)


# ── refusals of the API ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, "model_invalid", "REGREEN_MODEL"),
        (402, "model_unpaid", "credit"),
        (403, "model_forbidden", "workspace"),
        (404, "model_not_found", "REGREEN_MODEL"),
        (413, "model_too_large", "too large"),
        (418, "model_invalid", "ANTHROPIC_BASE_URL"),
        (422, "model_invalid", "REGREEN_MODEL"),
    ],
)
async def test_what_asking_again_does_not_change_is_permanent_and_says_what_to_do(
    http: httpx2.AsyncClient, status: int, kind: str, advice: str
) -> None:
    refused = await _refused(http, Fault(status=status, message="the API's own words"))

    assert isinstance(refused, PermanentError)
    assert refused.kind == kind
    assert advice in str(refused)
    assert "the API's own words" in str(refused)


async def test_a_wrong_key_is_named_by_its_setting_and_not_shown(http: httpx2.AsyncClient) -> None:
    wrong = "sk-ant-" + "wr0ng" * 8

    refused = await _refused(http, GOOD, api_key=SecretStr(wrong))

    assert isinstance(refused, PermanentError)
    assert refused.kind == "model_unauthorised"
    assert "ANTHROPIC_API_KEY" in str(refused)
    assert wrong not in str(refused)


async def test_a_gateway_that_repeats_the_key_does_not_bring_it_into_an_error(
    http: httpx2.AsyncClient,
) -> None:
    key = "gateway key"  # of a form that no pattern knows
    said = f"no such key: {key}"

    refused = await _refused(http, GOOD, api_key=SecretStr(key))
    async with listening(Fault(status=500, message=said)) as api:
        claude = _claude(api, http)
        claude._access = ModelAccess(provider=ModelProvider.ANTHROPIC, model=MODEL, api_key=SecretStr(key))
        tame = claude._tame(said)

    assert key not in str(refused)
    assert tame == "no such key: «redacted»"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "17"}, 17),
        (429, {}, 30),
        (429, {"retry-after": "soon"}, 30),
        (429, {"retry-after": "999999"}, 1200),
        (429, {"retry-after": "-5"}, 1),
        (429, {"retry-after": "nan"}, 30),
        (529, {}, 30),
        (529, {"retry-after": "5"}, 5),
    ],
)
async def test_an_api_that_asks_to_wait_is_waited_for_as_it_says_within_bounds(
    http: httpx2.AsyncClient, status: int, headers: Mapping[str, str], seconds: int
) -> None:
    refused = await _refused(http, Fault(status=status, headers=headers))

    assert isinstance(refused, ThrottledError)
    assert refused.delay == timedelta(seconds=seconds)


async def test_a_spending_limit_is_not_waited_for(http: httpx2.AsyncClient) -> None:
    details = {"error_code": "enforced_spend_limit_reached"}

    refused = await _refused(http, Fault(status=429, details=details))

    assert isinstance(refused, PermanentError)
    assert refused.kind == "model_unpaid"


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
async def test_what_may_pass_is_asked_again(http: httpx2.AsyncClient, status: int) -> None:
    assert isinstance(await _refused(http, Fault(status=status)), UnavailableError)


async def test_a_cut_connection_may_be_asked_again(http: httpx2.AsyncClient) -> None:
    assert isinstance(await _refused(http, Cut()), UnavailableError)


async def test_a_time_out_may_be_asked_again(http: httpx2.AsyncClient) -> None:
    def late(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("late", request=request)

    async with listening(GOOD) as api, httpx2.AsyncClient(transport=httpx2.MockTransport(late)) as slow:
        with pytest.raises(UnavailableError):
            await _claude(api, slow).ask(QUESTION)


async def test_nobody_listening_may_be_asked_again(http: httpx2.AsyncClient) -> None:
    async with listening(GOOD) as api:
        url = api.url
    with pytest.raises(UnavailableError):
        await _claude(api, http, base_url=url).ask(QUESTION)


async def test_a_redirect_is_not_followed_with_the_key(http: httpx2.AsyncClient) -> None:
    async with listening(GOOD) as elsewhere:
        moved = Raw(body=b"{}", status=307, headers={"location": f"{elsewhere.url}/v1/messages"})

        refused = await _refused(http, moved)

    assert isinstance(refused, PermanentError)
    assert elsewhere.asked == []


# ── replies that are no answers ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "raw",
    [
        Raw(body=b"<html>Welcome</html>", headers={"content-type": "text/html"}),
        Raw(body=b"<html>Welcome</html>"),
        Raw(body=b""),
        Raw(body=b"[]"),
        Raw(body=b"null"),
        Raw(body=b"{}"),
        Raw(body=b'{"type": "message", "content": "text", "usage": {}}'),
        Raw(body=b'{"content": [], "stop_reason": "end_turn", "usage": {"input_tokens": -1}}'),
        Raw(body=b"\xff\xfe\x00"),
        Raw(body=b'{"content": ' + b"[" * 5_000),
    ],
    ids=lambda raw: repr(raw.body[:24]),
)
async def test_an_answer_that_is_no_message_is_no_answer(http: httpx2.AsyncClient, raw: Raw) -> None:
    assert isinstance(await _refused(http, raw), UnavailableError)


@pytest.mark.parametrize(
    ("said", "problem", "detail"),
    [
        (text("", stop_reason="refusal"), ModelProblem.REFUSED, ""),
        (
            text("", stop_reason="refusal", stop_details={"type": "refusal", "category": "cyber"}),
            ModelProblem.REFUSED,
            "category cyber",
        ),
        (text('{"word": "ye', stop_reason="max_tokens"), ModelProblem.TOO_LONG, "8000"),
        (text("", stop_reason="model_context_window_exceeded"), ModelProblem.TOO_LONG, "context"),
        (text("…", stop_reason="tool_use"), ModelProblem.UNFIT, "tool_use"),
        (text("…", stop_reason="pause_turn"), ModelProblem.UNFIT, "pause_turn"),
        (text("…", stop_reason="something new"), ModelProblem.UNFIT, "something new"),
        (text("…", stop_reason=None), ModelProblem.UNFIT, "no reason"),
    ],
)
async def test_a_paid_reply_that_is_no_answer_says_why_and_what_it_took(
    http: httpx2.AsyncClient, said: Said, problem: ModelProblem, detail: str
) -> None:
    reply = await _ask(http, said)

    assert (reply.problem, reply.text) == (problem, "")
    assert detail in reply.detail
    assert reply.use.cost_usd == pytest.approx((1000 * 2 + 200 * 10) / 1e6)


# ── prices ──────────────────────────────────────────────────────────────────────────────────────────────────

TOKENS: Final = Tokens(input_tokens=1_000_000, output_tokens=1_000_000)


async def test_a_model_without_a_known_price_costs_an_unknown_sum_and_not_nothing(
    http: httpx2.AsyncClient,
) -> None:
    assert (await _ask(http, GOOD, model="house-model")).use.cost_usd is None


async def test_a_price_that_is_set_wins_over_the_list(http: httpx2.AsyncClient) -> None:
    price = ModelPrice(input=100, output=0, cache_write=0, cache_read=0)

    reply = await _ask(http, GOOD, prices={MODEL: price})

    assert reply.use.cost_usd == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("claude-sonnet-4-5", 18),
        ("claude-sonnet-4-5-20250929", 18),
        ("claude-sonnet-4-5@20250929", 18),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", 18),
        ("us.anthropic.claude-opus-5-5", 24),
        ("claude-opus-9", None),
        ("claude", None),
        ("", None),
    ],
)
def test_a_model_is_priced_however_its_provider_spells_it(model: str, dollars: float | None) -> None:
    assert cost_usd(price_of(model, {}), TOKENS) == dollars


def test_a_long_prompt_may_cost_more() -> None:
    price = price_of("claude-haiku-5-5", {})
    short = Tokens(input_tokens=50_000, cache_read_input_tokens=50_000, output_tokens=0)
    long = Tokens(input_tokens=50_001, cache_read_input_tokens=50_000, output_tokens=0)

    assert cost_usd(price, short) == pytest.approx(0.0055)
    assert cost_usd(price, long) == pytest.approx(0.0275, rel=0.01)
