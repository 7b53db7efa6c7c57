import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from activities.adapters.credentials import AppInstallation, NoCredentials, PersonalToken
from activities.errors import PermanentError, ThrottledError, UnavailableError
from scripted_wire import API, ScriptedWire, answer

REPOSITORY = "acme/widgets"
INSTALLATION = "/repos/acme/widgets/installation"
TOKENS = "/app/installations/42/access_tokens"
READ = {"contents": "read"}


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(private_key: rsa.RSAPrivateKey) -> str:
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def minted(token: str, minutes: int = 60) -> httpx2.Response:
    expires = datetime.now(tz=UTC) + timedelta(minutes=minutes)
    return answer(201, {"token": token, "expires_at": expires.isoformat().replace("+00:00", "Z")})


@pytest.fixture
def wire() -> ScriptedWire:
    scripted = ScriptedWire()
    scripted.on("GET", INSTALLATION, answer(200, {"id": 42}))
    return scripted


@pytest.fixture
def app(wire: ScriptedWire, pem: str) -> AppInstallation:
    return AppInstallation(99, SecretStr(pem), wire.client(), API)


def posted(wire: ScriptedWire) -> list[Any]:
    return [json.loads(each.content) for each in wire.asked if each.method == "POST"]


async def test_a_token_is_narrowed_to_one_repository_and_the_permissions_of_the_step(
    wire: ScriptedWire, app: AppInstallation, private_key: rsa.RSAPrivateKey
) -> None:
    wire.on("POST", TOKENS, minted("ghs_one"))
    assert await app.token(REPOSITORY, READ) == "ghs_one"
    assert posted(wire) == [{"repositories": ["widgets"], "permissions": READ}]
    scheme, _, sent = wire.asked[-1].headers["authorization"].partition(" ")
    claims = jwt.decode(sent, private_key.public_key(), algorithms=["RS256"])
    assert (scheme, claims["iss"]) == ("bearer", "99")
    assert claims["exp"] - claims["iat"] <= 600


async def test_a_token_is_used_again_for_the_same_permissions_only(
    wire: ScriptedWire, app: AppInstallation
) -> None:
    wire.on("POST", TOKENS, minted("ghs_read"), minted("ghs_write"))
    assert await app.token(REPOSITORY, READ) == "ghs_read"
    assert await app.token("Acme/Widgets", READ) == "ghs_read"
    assert await app.token(REPOSITORY, {"contents": "write"}) == "ghs_write"
    assert wire.paths("GET") == [INSTALLATION]


async def test_a_token_about_to_expire_is_renewed(wire: ScriptedWire, app: AppInstallation) -> None:
    wire.on("POST", TOKENS, minted("ghs_old", minutes=4), minted("ghs_new"))
    assert [await app.token(REPOSITORY, READ) for _ in range(3)] == ["ghs_old", "ghs_new", "ghs_new"]


async def test_concurrent_requests_share_one_token(wire: ScriptedWire, app: AppInstallation) -> None:
    wire.on("POST", TOKENS, minted("ghs_shared"))
    assert set(await asyncio.gather(*(app.token(REPOSITORY, READ) for _ in range(5)))) == {"ghs_shared"}
    assert len(posted(wire)) == 1


async def test_a_permission_that_was_not_granted_is_forbidden_and_named(
    wire: ScriptedWire, app: AppInstallation
) -> None:
    wire.on("POST", TOKENS, answer(422, {"message": "The permissions requested are not granted"}))
    with pytest.raises(PermanentError, match="actions: write") as caught:
        await app.token(REPOSITORY, {"actions": "write"})
    assert caught.value.kind == "forbidden"


async def test_a_repository_without_the_app_is_not_found(wire: ScriptedWire, app: AppInstallation) -> None:
    with pytest.raises(PermanentError) as caught:
        await app.token("acme/other", READ)
    assert caught.value.kind == "not_found"


async def test_an_answer_without_a_token_is_unavailable(wire: ScriptedWire, app: AppInstallation) -> None:
    wire.on("POST", TOKENS, answer(201, {"expires_at": "soon"}))
    with pytest.raises(UnavailableError):
        await app.token(REPOSITORY, READ)


async def test_a_cached_token_that_github_turns_down_is_replaced_once(
    wire: ScriptedWire, app: AppInstallation
) -> None:
    wire.on("POST", TOKENS, minted("ghs_dead"), minted("ghs_alive"))

    def by_token(request: httpx2.Request) -> httpx2.Response:
        if request.headers["authorization"] == "token ghs_alive":
            return answer(200, {"default_branch": "main"})
        return answer(401, {"message": "Bad credentials"})

    wire.on("GET", "/repos/acme/widgets", by_token)
    assert await wire.github(app).get_default_branch(REPOSITORY) == "main"
    assert len(posted(wire)) == 2


async def test_while_github_asks_to_wait_no_token_is_asked_for_either(
    wire: ScriptedWire, app: AppInstallation
) -> None:
    limited = answer(403, {"message": "You have exceeded a secondary rate limit."}, {"retry-after": "60"})
    wire.on("POST", TOKENS, limited, minted("ghs_later"))
    github = wire.github(app)
    for _ in range(3):
        with pytest.raises(ThrottledError):
            await github.get_commit(REPOSITORY, "a" * 40)
    assert wire.paths() == [INSTALLATION, TOKENS]


async def test_a_personal_token_that_github_turns_down_is_not_tried_again(wire: ScriptedWire) -> None:
    wire.on("GET", "/repos/acme/widgets", answer(401, {"message": "Bad credentials"}))
    with pytest.raises(PermanentError) as caught:
        await wire.github().get_default_branch(REPOSITORY)
    assert caught.value.kind == "unauthorised"
    assert len(wire.asked) == 1


async def test_an_apps_comments_are_its_bots(wire: ScriptedWire, app: AppInstallation) -> None:
    wire.on("GET", "/app", answer(200, {"slug": "regreen"}))
    assert await wire.github(app).own_login(REPOSITORY) == "regreen[bot]"


async def test_a_key_from_an_environment_file_may_have_its_line_breaks_written_out(
    wire: ScriptedWire, pem: str
) -> None:
    wire.on("POST", TOKENS, minted("ghs_one"))
    app = AppInstallation(99, SecretStr(pem.replace("\n", "\\n")), wire.client(), API)
    assert await app.token(REPOSITORY, READ) == "ghs_one"


async def test_a_key_that_is_none_is_refused_without_being_quoted(wire: ScriptedWire) -> None:
    app = AppInstallation(99, SecretStr("not-a-key-but-secret"), wire.client(), API)
    with pytest.raises(PermanentError) as caught:
        await app.token(REPOSITORY, READ)
    assert caught.value.kind == "unauthorised"
    assert "not-a-key-but-secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "  ", "with blank", "line\nbreak", "ünïcode"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_quoted(token: str) -> None:
    with pytest.raises(ValueError, match="GitHub token") as caught:
        PersonalToken(SecretStr(token))
    assert not token.strip() or token not in str(caught.value)


async def test_a_token_file_may_end_with_a_line_break() -> None:
    assert await PersonalToken(SecretStr("ghp_x\n")).token(REPOSITORY) == "ghp_x"


async def test_without_credentials_nothing_is_sent(wire: ScriptedWire) -> None:
    wire.on("GET", "/repos/acme/widgets", answer(200, {"default_branch": "main"}))
    github = wire.github(NoCredentials())
    assert await github.get_default_branch(REPOSITORY) == "main"
    assert "authorization" not in wire.asked[0].headers
    assert await github.own_login(REPOSITORY) is None
