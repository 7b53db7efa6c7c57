"""A human is needed: the channel is told once, and the dashboard shows why, on real parts."""

import json
from collections.abc import AsyncIterator
from typing import Final

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboards import TOKEN
from localhub.serving import Listener
from localhub.stage import Stage
from outcomes import CANARY, CASES, Play
from workflows.models import Need, Outcome, Status
from workflows.naming import parse_remediation_id

pytestmark = pytest.mark.e2e

HOOK: Final = "/services/T000/B000/s3cr3t"


class Chat:
    """An incoming webhook that remembers what came."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.app = Starlette(routes=[Route(HOOK, self._hear, methods=["POST"])])

    async def _hear(self, request: Request) -> Response:
        content = json.loads(await request.body())
        assert content.keys() == {"text"}
        self.heard.append((request.headers["idempotency-key"], content["text"]))
        return PlainTextResponse("ok")


@pytest.fixture(scope="module")
async def chat() -> AsyncIterator[tuple[Chat, str]]:
    chat, listener = Chat(), Listener(0)
    await listener.serve(chat.app)
    yield chat, f"{listener.url}{HOOK}"
    await listener.stop()


@pytest.fixture(scope="module")
async def stage(chat: tuple[Chat, str]) -> AsyncIterator[Stage]:
    settings = {
        "REGREEN_NOTIFY_URL": chat[1],
        "REGREEN_DASHBOARD_TOKEN": TOKEN,
        "REGREEN_DASHBOARD_URL": "https://regreen.example",
    }
    async with Stage(settings=settings) as running:
        yield running


async def test_the_channel_is_told_once_and_the_dashboard_tells_the_story(
    stage: Stage, chat: tuple[Chat, str]
) -> None:
    play = Play(stage, CASES[Outcome.NEEDS_HUMAN])
    await play.run()
    repository, run_id = parse_remediation_id(play.handle.id) or ("", 0)
    place = f"/dashboard/remediations/{repository}/{run_id}"

    [(key, text)] = chat[0].heard
    assert key == f"{repository}-{run_id}-outcome-needs_human"
    assert f"{repository}, run {run_id}" in text
    assert f"<{stage.hub.url}/{repository}/actions/runs/{run_id}|failed run>" in text
    assert f"<https://regreen.example{place}|dashboard>" in text
    assert CANARY not in text

    status: Status = await play.handle.query("status", result_type=Status)
    assert [each.need for each in status.notified] == [Need.OUTCOME]
    assert "s3cr3t" not in (await play.handle.fetch_history()).to_json()

    held = {"authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=stage.starter_url, headers=held, trust_env=False) as http:
        page = await http.get(place)
        overview = (await http.get("/dashboard.json")).json()
    assert page.status_code == 200
    for said in ("needs human", "No repair was found", "refused the token", "Tell the channel"):
        assert said in page.text
    assert CANARY not in page.text
    assert f'href="{stage.hub.url}/{repository}/actions/runs/{run_id}"' in page.text
    assert [each["repository"] for each in overview["handed_over"]] == [repository]
    assert overview["statistics"]["human_intervention"] == {"count": 1, "of": 1}
    assert overview["events"]["hearing"] == "hears"
