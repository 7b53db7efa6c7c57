"""A session's turn through the cloud providers' own clients: their addresses, credentials and framing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from activities.adapters.claude import Claude, Conversation, ModelAccess, ModelProvider
from activities.errors import PermanentError, UnavailableError
from localhub.model_api.api import MessagesApi, listening
from localhub.model_api.replies import calling
from localhub.model_api.streaming import frame as event_stream_frame
from localhub.serving import Listener
from workflows.session_models import Message, Speaker

TALK: Final = Conversation(
    instructions="Repair.",
    tools=(),
    messages=(Message(role=Speaker.USER, content=({"type": "text", "text": "Begin."},)),),
)
LIST: Final = calling(("list", {"path": "src"}), words="I look around.")


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


def _claude(api: MessagesApi, http: httpx2.AsyncClient, provider: ModelProvider, model: str) -> Claude:
    return Claude(ModelAccess(provider=provider, model=model, base_url=api.url), http)


async def test_bedrock_streams_a_turn(http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    model = "eu.anthropic.claude-sonnet-5-5-v1:0"

    async with listening(LIST) as api:
        turn = await _claude(api, http, ModelProvider.BEDROCK, model).converse(TALK)

    assert api.paths == [f"/model/{model}/invoke-with-response-stream"]
    assert api.headers[0]["authorization"].startswith("AWS4-HMAC-SHA256 Credential=an-id/")
    assert "cache_control" in json.dumps(api.asked)
    assert [block["type"] for block in turn.content] == ["text", "tool_use"]
    assert turn.use.cost_usd is not None


def test_the_stand_in_frames_events_as_aws_does() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(event_stream_frame({"type": "ping"}))

    [message] = list(buffer)

    assert message.headers[":event-type"] == "chunk"
    assert json.loads(message.payload)["bytes"]


@pytest.fixture
async def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Any]]:
    """Google's token service, and a service account that it knows; the forms it was asked with."""
    asked: list[Any] = []

    async def token(request: Request) -> JSONResponse:
        asked.append((await request.body()).decode())
        return JSONResponse({"access_token": "a-google-token", "expires_in": 3600, "token_type": "Bearer"})

    listener = Listener(0)
    await listener.serve(Starlette(routes=[Route("/token", token, methods=["POST"])]))
    key = rsa.generate_private_key(65_537, 2_048)
    account = {
        "type": "service_account",
        "project_id": "a-project",
        "private_key_id": "1",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": "regreen@a-project.example",
        "client_id": "1",
        "token_uri": f"{listener.url}/token",
    }
    file = tmp_path / "account.json"
    file.write_text(json.dumps(account), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("CLOUD_ML_REGION", "europe-west1")
    monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", "a-project")
    yield asked
    await listener.stop()


async def test_vertex_streams_a_turn(http: httpx2.AsyncClient, google: list[Any]) -> None:
    async with listening(LIST) as api:
        turn = await _claude(api, http, ModelProvider.VERTEX, "claude-sonnet-5-5").converse(TALK)

    assert len(google) == 1
    [path] = api.paths
    assert path.endswith(
        "projects/a-project/locations/europe-west1/publishers/anthropic/models/claude-sonnet-5-5:streamRawPredict"
    )
    assert api.headers[0]["authorization"] == "Bearer a-google-token"
    assert [block["type"] for block in turn.content] == ["text", "tool_use"]


async def test_a_token_service_out_of_reach_may_be_asked_again(
    http: httpx2.AsyncClient, google: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account = json.loads((tmp_path / "account.json").read_text(encoding="utf-8"))
    away = tmp_path / "away.json"
    away.write_text(json.dumps(account | {"token_uri": "http://127.0.0.1:9/token"}), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(away))

    async with listening(LIST) as api:
        with pytest.raises(UnavailableError, match="TransportError"):
            await _claude(api, http, ModelProvider.VERTEX, "claude-sonnet-5-5").converse(TALK)


async def test_aws_credentials_that_are_missing_are_named(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_REGION", "us-west-2")  # the SDK keeps a session, credentials included, per region

    async with listening(LIST) as api:
        with pytest.raises(PermanentError) as refused:
            await _claude(api, http, ModelProvider.BEDROCK, "anthropic.claude-sonnet-5-5").converse(TALK)

    assert refused.value.kind == "model_misconfigured"
