from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from localhub import LocalHub


class Failing:
    """Every request fails."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("Bad Gateway", 502)(scope, receive, send)


async def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "thesis.txt"
    kept.write_text("chapter 1")
    with pytest.raises(FileExistsError):
        await LocalHub(tmp_path).start()
    assert kept.read_text() == "chapter 1"


async def test_a_port_that_is_taken_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    async with LocalHub(tmp_path / "hub") as hub:
        with pytest.raises(OSError, match="in use"):
            await LocalHub(tmp_path / "hub" / "two", port=urlsplit(hub.url).port or 0).start()
        assert not (hub.state.root / "two").exists()


async def test_middleware_wraps_every_request(tmp_path: Path) -> None:
    async with (
        LocalHub(tmp_path / "hub", middleware=[Middleware(Failing)]) as hub,
        httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http,
    ):
        assert (await http.get("/rate_limit")).status_code == 502


async def test_a_deleted_repository_is_not_found_any_more(tmp_path: Path) -> None:
    async with LocalHub(tmp_path / "hub") as hub:
        await hub.create_repository("acme/widgets", files={"a": "b"})
        async with httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http:
            assert (await http.get("/repos/ACME/widgets")).status_code == 200
            hub.delete_repository("acme/widgets")
            assert (await http.get("/repos/acme/widgets")).status_code == 404
