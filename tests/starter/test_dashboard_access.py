import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import Request

from dashboards import TOKEN, settings
from starter.app import create_app
from starter.dashboard import access
from starter.dashboard.access import COOKIE, Doorkeeper, Visitor
from starter.dashboard.routes import HEADERS
from workflows.connection import connect

SAME = {"sec-fetch-site": "same-origin"}
ORDER = "/dashboard/remediations/acme/widgets/12/order"
PAGES = (
    "/dashboard",
    "/dashboard.json",
    "/dashboard/remediations",
    "/dashboard/remediations/acme/widgets/12",
)
PROXY = {"dashboard_token": None, "dashboard_proxies": ("10.0.0.0/8",), "dashboard_operators": ("ada",)}


@asynccontextmanager
async def calling(peer: str = "127.0.0.1", **changes: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A service whose Temporal is out of reach: nothing is read before somebody is let in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = await connect(target_host=f"127.0.0.1:{port}", lazy=True)
    app = create_app(settings(**changes), client)
    transport = httpx2.ASGITransport(app=app, client=(peer, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://starter") as service:
        yield service


async def log_in(service: httpx2.AsyncClient, **changes: str) -> httpx2.Response:
    form = {"token": TOKEN, "name": "ada", "next": "/dashboard/remediations"} | changes
    return await service.post("/dashboard/login", data=form, headers=SAME)


def request(headers: Mapping[str, str], peer: str = "127.0.0.1") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": (peer, 1), "method": "POST", "path": "/"})


# ── off, and on ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [*PAGES, "/dashboard/login", "/dashboard/style.css"])
async def test_the_dashboard_is_off_until_it_is_set_up(path: str) -> None:
    async with calling(dashboard_token=None) as service:
        response = await service.get(path, headers={"authorization": "Bearer "})
    assert response.status_code == 404
    assert "REGREEN_DASHBOARD_TOKEN" in response.text


async def test_no_order_is_taken_where_the_dashboard_is_off() -> None:
    async with calling(dashboard_token=None) as service:
        assert (await service.post(ORDER, data={"verb": "stop"})).status_code == 404


@pytest.mark.parametrize("path", PAGES)
async def test_a_stranger_sees_the_login_and_nothing_else(path: str) -> None:
    async with calling() as service:
        response = await service.get(path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "acme" not in re.sub(r'name="next" value="[^"]*"', "", response.text)


async def test_a_stranger_who_asks_for_json_is_told_how_to_get_it() -> None:
    async with calling() as service:
        response = await service.get("/dashboard", headers={"accept": "application/json"})
    assert response.status_code == 401
    assert "Bearer" in response.json()["advice"]


async def test_an_order_of_a_stranger_is_not_taken() -> None:
    async with calling() as service:
        assert (await service.post(ORDER, data={"verb": "stop"}, headers=SAME)).status_code == 401


@pytest.mark.parametrize("token", ["short", "nineteen characters"])
def test_a_token_that_can_be_guessed_is_no_token(token: str) -> None:
    with pytest.raises(ValidationError, match="fewer than 20 characters"):
        settings(dashboard_token=SecretStr(token))


def test_an_empty_token_is_none() -> None:
    assert settings(dashboard_token=SecretStr("")).dashboard_token is None


# ── the token ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_whoever_sends_the_token_is_let_in() -> None:
    async with calling() as service:
        response = await service.get("/dashboard", headers={"authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 503  # inside, where Temporal is missed


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ÿ"])
async def test_any_other_credential_is_not(sent: str) -> None:
    async with calling() as service:
        response = await service.get("/dashboard", headers=[(b"authorization", sent.encode("latin-1"))])
    assert response.status_code == 401


async def test_a_login_leads_to_where_the_visitor_wanted_to_go_and_lasts() -> None:
    async with calling() as service:
        response = await log_in(service)
        assert (response.status_code, response.headers["location"]) == (303, "/dashboard/remediations")
        assert (await service.get("/dashboard")).status_code == 503


async def test_the_cookie_is_kept_from_scripts_and_other_sites_and_holds_no_token() -> None:
    async with calling(dashboard_url="https://regreen.example") as service:
        [cookie] = (await log_in(service)).headers.get_list("set-cookie")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/dashboard"} <= attributes
    assert TOKEN not in cookie


@pytest.mark.parametrize("changes", [{"token": "wrong"}, {"token": ""}, {"name": ""}, {"name": "<b>ada"}])
async def test_a_login_with_a_wrong_token_or_no_name_is_refused(changes: dict[str, str]) -> None:
    async with calling() as service:
        response = await log_in(service, **changes)
        assert response.status_code == 401
        assert "set-cookie" not in response.headers
        assert "wrong" in response.text
        assert '"wrong"' not in response.text  # what was typed as token is not shown again


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/",
        "//evil.example",
        "/dashboard/../webhook",
        "/dashboard\\evil",
        "javascript:1",
        "",
    ],
)
async def test_a_login_leads_nowhere_but_into_the_dashboard(place: str) -> None:
    async with calling() as service:
        assert (await log_in(service, next=place)).headers["location"].startswith("/dashboard")
        assert "evil" not in (await log_in(service, next=place)).headers["location"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
)
async def test_a_login_form_of_another_site_logs_nobody_in(headers: dict[str, str]) -> None:
    async with calling() as service:
        form = {"token": TOKEN, "name": "ada"}
        response = await service.post("/dashboard/login", data=form, headers=headers)
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


async def test_an_older_browser_is_known_by_its_origin() -> None:
    async with calling(dashboard_url="https://regreen.example") as service:
        for origin in ("http://starter", "https://regreen.example"):
            form = {"token": TOKEN, "name": "ada"}
            response = await service.post("/dashboard/login", data=form, headers={"origin": origin})
            assert response.status_code == 303


async def test_whoever_logs_out_is_a_stranger_again() -> None:
    async with calling() as service:
        await log_in(service)
        page = await service.get("/dashboard")
        [form] = set(re.findall(r'name="form" value="([^"]+)"', page.text))
        assert (await service.post("/dashboard/logout", data={"form": form}, headers=SAME)).status_code == 303
        assert (await service.get("/dashboard")).status_code == 401


async def test_the_token_is_in_no_page_no_log_and_no_address(caplog: pytest.LogCaptureFixture) -> None:
    async with calling() as service:
        with caplog.at_level("DEBUG", logger="starter"):
            await log_in(service, token=f"{TOKEN}x")
            response = await log_in(service)
            page = await service.get("/dashboard")
    assert TOKEN not in caplog.text
    assert TOKEN not in page.text
    assert TOKEN not in response.headers["location"]


# ── sessions and forms ──────────────────────────────────────────────────────────────────────────────────────


def cookie(door: Doorkeeper) -> str:
    made = door.log_in(TOKEN, "ada")
    assert made is not None
    return made


def known(door: Doorkeeper, value: str) -> Visitor | None:
    return door.visitor(request({"cookie": f"{COOKIE}={value}"}))


def test_every_process_of_the_service_takes_a_session() -> None:
    visitor = known(Doorkeeper(settings()), cookie(Doorkeeper(settings())))
    assert visitor is not None
    assert (visitor.name, visitor.may_order) == ("ada", True)


@pytest.mark.parametrize(
    "changes",
    [{"dashboard_token": SecretStr("another token, long enough")}, {"webhook_secret": SecretStr("another")}],
)
def test_a_new_secret_ends_every_session(changes: dict[str, Any]) -> None:
    assert known(Doorkeeper(settings(**changes)), cookie(Doorkeeper(settings()))) is None


def test_a_changed_cookie_is_none() -> None:
    door = Doorkeeper(settings())
    content, _, seal = cookie(door).partition(".")
    other = seal[:-1] + ("1" if seal.endswith("0") else "0")
    for forged in (f"{content}x.{seal}", f"{content}.{other}", content, f".{seal}", ".", "", seal):
        assert known(door, forged) is None


def test_a_session_ends_after_a_working_day(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Doorkeeper(settings())
    monkeypatch.setattr(access, "SESSION", -timedelta(seconds=1))
    assert known(door, cookie(door)) is None


def visitor(session: str | None = "one") -> Visitor:
    return Visitor("ada", may_order=True, session=session)


def test_a_form_counts_with_its_own_session_from_the_same_origin_only() -> None:
    door = Doorkeeper(settings())
    token = door.form_token(visitor())
    assert door.is_own_form(request(SAME), visitor(), token)
    assert not door.is_own_form(request(SAME), visitor("another"), token)
    assert not door.is_own_form(request({"sec-fetch-site": "cross-site"}), visitor(), token)
    assert not door.is_own_form(request({}), visitor(), token)


@pytest.mark.parametrize("forged", ["", ".", "9999999999.", "x.y", "9" * 400 + ".y", "²²²²²²²²²².y"])
def test_a_form_without_a_seal_of_ours_does_not_count(forged: str) -> None:
    assert not Doorkeeper(settings()).is_own_form(request(SAME), visitor(), forged)


def test_a_form_s_time_cannot_be_put_off() -> None:
    door = Doorkeeper(settings())
    _, _, seal = door.form_token(visitor()).partition(".")
    later = int((datetime.now(UTC) + timedelta(days=9)).timestamp())
    assert not door.is_own_form(request(SAME), visitor(), f"{later}.{seal}")


# ── the proxy ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("10.1.2.3", {"x-forwarded-user": "ada"}, 503),
        ("10.1.2.3", {"x-forwarded-user": "grace@example.org"}, 503),
        ("10.1.2.3", {}, 401),
        ("10.1.2.3", {"x-forwarded-user": " "}, 401),
        ("10.1.2.3", {"x-forwarded-user": "<b>"}, 401),
        ("192.0.2.1", {"x-forwarded-user": "ada"}, 401),
        ("192.0.2.1", {"x-forwarded-user": "ada", "x-forwarded-for": "10.1.2.3"}, 401),
        ("not an address", {"x-forwarded-user": "ada"}, 401),
    ],
)
async def test_the_proxy_s_word_counts_when_it_comes_from_the_proxy(
    peer: str, headers: dict[str, str], status: int
) -> None:
    async with calling(peer, **PROXY) as service:
        assert (await service.get("/dashboard", headers=headers)).status_code == status


async def test_a_name_that_comes_twice_is_nobody_s() -> None:
    async with calling("10.1.2.3", **PROXY) as service:
        twice = [("x-forwarded-user", "eve"), ("x-forwarded-user", "ada")]
        assert (await service.get("/dashboard", headers=twice)).status_code == 401


async def test_a_token_cannot_be_tried_where_there_is_none() -> None:
    async with calling("192.0.2.1", **PROXY) as service:
        assert "proxy" in (await service.get("/dashboard")).text
        assert (await log_in(service, token="")).status_code == 401
        assert (await service.get("/dashboard", headers={"authorization": "Bearer "})).status_code == 401


@pytest.mark.parametrize(
    ("operators", "may"), [((), False), (("ada",), True), (("grace",), False), (("*",), True)]
)
async def test_of_the_proxy_s_users_the_named_ones_may_give_orders(
    operators: tuple[str, ...], *, may: bool
) -> None:
    changes = PROXY | {"dashboard_operators": operators}
    door = Doorkeeper(settings(**changes))
    named = door.visitor(request({"x-forwarded-user": "ada"}, "10.1.2.3"))
    assert named is not None
    async with calling("10.1.2.3", **changes) as service:
        form = {"verb": "stop", "form": door.form_token(named)}
        response = await service.post(ORDER, data=form, headers=SAME | {"x-forwarded-user": "ada"})
    assert response.status_code == (503 if may else 403)


async def test_another_site_cannot_use_the_proxy_s_word() -> None:
    door = Doorkeeper(settings(**PROXY))
    named = door.visitor(request({"x-forwarded-user": "ada"}, "10.1.2.3"))
    assert named is not None
    async with calling("10.1.2.3", **PROXY) as service:
        for headers, token in (
            (SAME, ""),
            (SAME, door.form_token(visitor("proxy eve"))),
            ({"sec-fetch-site": "cross-site"}, door.form_token(named)),
            ({}, door.form_token(named)),
        ):
            response = await service.post(
                ORDER, data={"verb": "stop", "form": token}, headers=headers | {"x-forwarded-user": "ada"}
            )
            assert response.status_code == 403


# ── every answer ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [*PAGES, "/dashboard/login", "/dashboard/remediations/acme/widgets/twelve"])
@pytest.mark.parametrize("token", [TOKEN, ""])
async def test_every_answer_forbids_scripts_frames_and_keeping(path: str, token: str) -> None:
    async with calling() as service:
        response = await service.get(path, headers={"authorization": f"Bearer {token}"})
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


async def test_a_form_that_is_too_long_or_no_form_is_refused() -> None:
    async with calling() as service:
        held = {"authorization": f"Bearer {TOKEN}"}
        assert (await service.post(ORDER, content=b"{}", headers=held)).status_code == 415
        long = await service.post(ORDER, data={"verb": "x" * 10_000}, headers=held)
        assert long.status_code == 413
        many = {str(number): "1" for number in range(50)}
        assert (await service.post(ORDER, data=many, headers=held)).status_code == 400


async def test_many_who_ask_at_once_while_temporal_is_away_are_all_told() -> None:
    async with calling() as service:
        held = {"authorization": f"Bearer {TOKEN}"}
        answers = await asyncio.gather(*(service.get("/dashboard", headers=held) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {503}
    assert "Temporal does not answer" in answers[0].text
