"""The dashboard as a person's browser shows it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page
from temporalio.client import Client

from browser import browser_context
from dashboards import ASKS, RUN, TOKEN, hostile_script, new_repository, remediated, settings
from localhub.serving import Listener
from scripted import ScriptedActivities, proposal, snapshot
from starter.app import create_app
from workflows.models import State

PHONE = {"width": 390, "height": 844}
CONTRASTS = """() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const found = parse(getComputedStyle(each).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility()) continue;
    const [a, b] = [parse(getComputedStyle(element).color), ground(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, walk.currentNode.data.trim().slice(0, 40), element.className]);
  }
  return found;
}"""

FAULTS = """() => {
  const all = selector => [...document.querySelectorAll(selector)];
  const named = each => each.ariaLabel || document.getElementById(each.getAttribute('aria-labelledby'));
  const ids = all('[id]').map(each => each.id);
  return [
    all('table').filter(each => !each.caption || !each.querySelector('th[scope]')).length,
    all('th:not([scope])').length,
    all('section, [role=region], nav').filter(each => !named(each)).length,
    ids.length - new Set(ids).size,
  ];
}"""
"""Tables without caption or scopes, heads without scope, regions without a name, ids that come twice."""


@pytest.fixture
async def address(client: Client) -> AsyncIterator[str]:
    listener = Listener(0)
    await listener.serve(create_app(settings(), client))
    yield listener.url
    await listener.stop()


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[BrowserContext]:
    async with browser_context(viewport={"width": 1200, "height": 900}) as context:
        yield context


@pytest.fixture
async def page(chromium: BrowserContext) -> AsyncIterator[Page]:
    await chromium.clear_cookies()
    page = await chromium.new_page()
    yield page
    await page.close()


async def log_in(page: Page, address: str) -> None:
    await page.goto(f"{address}/dashboard")
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("heading", name="Overview", level=1).wait_for()


def place(repository: str) -> str:
    return f"/dashboard/remediations/{repository}/{RUN}"


def waits(repository: str) -> ScriptedActivities:
    return ScriptedActivities(read_run=snapshot(repository=repository), judge_patch=ASKS)


async def test_a_person_logs_in_finds_the_patch_that_waits_and_approves_it(
    page: Page, address: str, client: Client
) -> None:
    repository = new_repository()
    async with remediated(
        client, waits(repository), repository, state=State.AWAITING_APPROVAL
    ) as workflow_id:
        await log_in(page, address)
        waiting = page.get_by_role("region", name="Needs a human")
        await waiting.get_by_role("link", name=repository).click()
        await page.get_by_role("heading", name="May this patch be published?").wait_for()
        assert await page.get_by_role("region", name="The diff").get_by_text("-import os").is_visible()
        await page.get_by_role("button", name="Approve and publish").click()
        assert await page.get_by_role("status").inner_text() == "Approved. The patch is published next."
        handle = client.get_workflow_handle(workflow_id)
        for _ in range(200):
            status = await handle.query("status")
            if status["approval"] is not None:
                break
            await asyncio.sleep(0.05)
    assert status["approval"]["by"] == "Ada (dashboard)"


async def test_hostile_text_runs_nothing_asks_for_nothing_and_leads_nowhere(
    page: Page, address: str, client: Client
) -> None:
    repository = new_repository()
    said: list[str] = []
    asked: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    async with remediated(client, hostile_script(repository), repository, state=State.AWAITING_APPROVAL):
        await log_in(page, address)
        for path in (place(repository), f"/dashboard/remediations?repository={repository}"):
            await page.goto(address + path)
            assert "alert(1)" in await page.inner_text("main")
            assert await page.locator("script, main img, iframe, object, embed").count() == 0
    assert said == []
    assert all(url.startswith(address) for url in asked)


async def test_even_a_script_that_got_into_a_page_would_not_run(page: Page, address: str) -> None:
    await log_in(page, address)
    await page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = "document.title = 'taken over'";
          document.body.append(script);
          document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="document.title = 1">');
        }"""
    )
    await page.wait_for_timeout(100)
    assert await page.title() == "Overview · Regreen"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_its_ground(
    page: Page, address: str, client: Client, scheme: Any
) -> None:
    repository, given_up = new_repository(), new_repository()
    gave_up = ScriptedActivities(
        read_run=snapshot(repository=given_up), propose_patch=proposal(diff="", patch_id="")
    )
    async with remediated(client, gave_up, given_up, state=State.DONE):
        pass
    async with remediated(client, waits(repository), repository, state=State.AWAITING_APPROVAL):
        await page.emulate_media(color_scheme=scheme)
        await log_in(page, address)
        for path in ("/dashboard", "/dashboard/remediations", place(repository), place(given_up)):
            await page.goto(address + path)
            found = await page.evaluate(CONTRASTS)
            assert len(found) > 10
            assert [each for each in found if each[0] < 4.5] == [], path


async def test_on_a_phone_no_page_is_wider_than_the_phone(page: Page, address: str, client: Client) -> None:
    repository, attacked = new_repository(), new_repository()
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    async with (
        remediated(client, waits(repository), repository, state=State.AWAITING_APPROVAL),
    ):
        await log_in(page, address)
        for path in ("/dashboard", "/dashboard/remediations", place(repository), "/dashboard?period=30d"):
            await page.goto(address + path)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], path
    async with remediated(client, hostile_script(attacked), attacked, state=State.AWAITING_APPROVAL):
        await page.goto(address + place(attacked))
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_whoever_uses_the_keyboard_or_a_screen_reader_finds_the_way(
    page: Page, address: str, client: Client
) -> None:
    repository = new_repository()
    async with remediated(client, waits(repository), repository, state=State.AWAITING_APPROVAL):
        await log_in(page, address)
        await page.goto(address + place(repository))
        assert await page.get_attribute("html", "lang") == "en"
        for landmark in ("banner", "main", "contentinfo"):
            assert await page.get_by_role(landmark).count() == 1
        assert await page.get_by_role("heading", level=1).count() == 1
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('main') !== null")
        for tables in (place(repository), "/dashboard"):
            await page.goto(address + tables)
            assert await page.evaluate(FAULTS) == [0, 0, 0, 0]
