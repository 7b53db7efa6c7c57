"""Real remediations in Temporal's real Web UI, as a person sees them.

`REGREEN_PICTURES=docs/pictures` keeps the screenshots that docs/web-ui.md shows.
"""

import asyncio
import dataclasses
import os
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from playwright.async_api import BrowserContext, Error, Frame, Page

from browser import browser_context, chromium
from localhub.model_api.api import KEY, listening
from localhub.model_api.demo import play
from localhub.stage import Stage
from outcomes import BY_MODEL, CASES, SETTINGS, Play
from workflows.models import Outcome
from workflows.naming import attempt_id

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).parents[2]
SLOW_MS: Final = 60_000
"""The Web UI's first page takes seconds on a busy machine."""
COLUMNS: Final = ("CiState", "CiOutcome", "CiFailureClass", "CiAttempt", "CiPullRequest", "CiCostUsd")
UNWANTED: Final = ("Run ID", "Type", "End")


@dataclasses.dataclass
class Seen:
    """Remediations in every state that a person looks for, and the browser to look with."""

    stage: Stage
    waiting: Play
    by_model: Play
    exhausted: Play
    context: BrowserContext

    async def open(self, path: str) -> Page:
        page = await self.context.new_page()
        page.set_default_timeout(SLOW_MS)
        await page.goto(f"{self.stage.ui}/namespaces/default/workflows{path}")
        return page

    async def workflow(self, workflow_id: str) -> Page:
        return await self.open(f"/{quote(workflow_id, safe='')}")

    async def details(self, workflow_id: str) -> tuple[Page, Frame, str]:
        """The page with a workflow's current details, the frame they are in, and their text."""
        page = await self.workflow(workflow_id)
        await page.get_by_text("User Metadata").first.click()
        for _ in range(SLOW_MS // 200):
            for frame in page.frames[1:]:
                with suppress(Error):  # it is still loading, or gone again
                    told = await frame.inner_text("main", timeout=1_000)
                    if "Run: " in told:
                        return page, frame, told
            await asyncio.sleep(0.2)
        raise AssertionError("no current details are shown")


async def keep(page: Page, name: str) -> None:
    folder = os.environ.get("REGREEN_PICTURES")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(scope="module")
async def seen() -> AsyncIterator[Seen]:
    chromium()
    asked = asyncio.Event()

    async def nobody_answers(played: Play) -> None:
        await played.until(lambda status: status.question is not None)
        asked.set()

    case = dataclasses.replace(CASES[Outcome.SUPERSEDED], variant="waiting", meanwhile=nobody_answers)
    async with listening(player=play) as api:
        settings = SETTINGS | {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
        async with Stage(settings=settings) as stage:
            waiting, by_model, exhausted = (
                Play(stage, each) for each in (case, BY_MODEL, CASES[Outcome.EXHAUSTED])
            )
            endless = asyncio.create_task(waiting.run())
            await asyncio.gather(by_model.run(), exhausted.run(), asked.wait())
            options = {"viewport": {"width": 1600, "height": 1200}, "locale": "en-GB"}
            async with browser_context(**options) as context:
                yield Seen(stage, waiting, by_model, exhausted, context)
            endless.cancel()


def views() -> dict[str, str]:
    """The saved views of docs/web-ui.md."""
    text = (ROOT / "docs" / "web-ui.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| ([a-zA-Z, ]+) \| `(.+)` \|$", text, re.MULTILINE))


async def test_every_view_of_the_documentation_finds_what_it_names(seen: Seen) -> None:
    week_ago = (datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    waiting, by_model, exhausted = (each.handle.id for each in (seen.waiting, seen.by_model, seen.exhausted))
    expected = {
        "waiting for a human": {waiting},
        "under way": {waiting},
        "waiting for CI": set(),
        "green, to be merged": set(),
        "needs a human, this week": set(),
        "exhausted this week": {exhausted},
        "second attempt or later": {exhausted},
        "asked a model": {by_model},
        "one repository": {exhausted},
        "ended by a fault": set(),
        "found by the sweep": set(),
    }
    assert views().keys() == expected.keys()
    for name, query in views().items():
        asked = query.replace("DATE", week_ago).replace("acme/widgets", seen.exhausted.full_name)
        found = {each.id async for each in seen.stage.client.list_workflows(asked)}
        assert found == expected[name], name


async def test_the_list_shows_a_saved_view_with_search_attributes_as_columns(seen: Seen) -> None:
    page = await seen.open(f"?query={quote(views()['waiting for a human'])}")
    await page.get_by_role("link", name=seen.waiting.handle.id).wait_for()
    assert not await page.get_by_role("link", name=seen.exhausted.handle.id).count()

    every = quote("WorkflowType = 'CiRemediation'")
    await page.goto(f"{seen.stage.ui}/namespaces/default/workflows?query={every}")
    await page.get_by_test_id("workflows-summary-table-configuration-button").click()
    for column in COLUMNS:
        await page.get_by_test_id(f"orderable-list-item-{column}-add-button").click()
    for column in UNWANTED:
        await page.get_by_test_id(f"orderable-list-item-{column}-remove-button").click()
    await page.get_by_test_id("drawer-close-button").click()
    await page.get_by_test_id("drawer-close-button").wait_for(state="hidden")
    row = page.get_by_role("row").filter(has_text=seen.exhausted.handle.id)
    await row.get_by_text("exhausted", exact=True).wait_for()
    text = await row.inner_text()
    for cell in ("done", "exhausted", "format", "3"):
        assert cell in re.split(r"\s+", text)
    await page.set_viewport_size({"width": 1900, "height": 460})
    await keep(page, "web-ui-list")


async def test_who_is_asked_reads_what_waits_and_the_exact_command_that_answers(seen: Seen) -> None:
    page, frame, told = await seen.details(seen.waiting.handle.id)
    status = await seen.waiting.until(lambda status: status.question is not None)

    assert "Waiting for a human to approve the patch." in told
    assert f"Patch {status.question} needs approval" in told
    assert f"regreen approve {seen.waiting.handle.id.removeprefix('ci-remediation/')}" in told
    assert f'--input \'{{"by":"you","question":"{status.question}"}}\'' in told
    assert "+1 -0 in .github/workflows/ci.yml by workflow-permissions" in told
    assert await frame.locator("main li").count() >= 6
    width = await frame.locator("main pre").last.evaluate("each => each.scrollWidth - each.clientWidth")
    assert width <= 0, "the command must be seen whole"
    await keep(page, "web-ui-details")


async def test_the_timeline_tells_the_story_of_three_attempts(seen: Seen) -> None:
    page = await seen.workflow(seen.exhausted.handle.id)
    timeline = page.get_by_text("Attempt 3 of 3: repair format")
    await timeline.first.wait_for()
    told = await page.locator("body").inner_text()
    # Only what is in view is drawn: the end of the story first, then its beginning.
    await page.get_by_role("button", name="Descending").click()
    await page.get_by_text("Look at the run").first.wait_for()
    told += await page.locator("body").inner_text()
    for step in (
        "Look at the run and its repository's settings",
        "Read the failed jobs' logs",
        "Attempt 1 of 3: repair format",
        "Write the commit (+1 -1, files: 1, by ruff-format)",
        "Open the pull request",
        "Attempt 2 of 3: repair lint",
        "Update pull request #1",
        "Wait for CI on #1",
        "Say on GitHub: exhausted, attempts_used",
    ):
        assert step in told, step
    await page.get_by_role("heading", name="Timeline").evaluate("each => each.scrollIntoView()")
    await keep(page, "web-ui-timeline")


async def test_an_ended_remediation_says_how_it_ended_and_what_ci_said_of_each_attempt(seen: Seen) -> None:
    _, _, told = await seen.details(seen.exhausted.handle.id)

    assert "exhausted: Every attempt was used and CI is still red." in told
    assert "Attempt 1 (format) by ruff-format: CI red" in told
    assert "Attempt 2 (lint) by ruff-check: CI red" in told


async def test_an_attempt_shows_each_turn_of_its_session(seen: Seen) -> None:
    page = await seen.workflow(attempt_id(seen.by_model.handle.id, 1))
    await page.get_by_text("Attempt 1: turn 1, ask").first.wait_for()
    told = await page.locator("body").inner_text()
    for step in (
        "make and prove a patch",
        "open a session with the model",
        "view pricing.py",
        "pass the gate",
    ):
        assert f"Attempt 1: {step}" in told or step in told


async def test_everything_of_an_attempt_is_in_its_event_group(seen: Seen) -> None:
    history = await seen.exhausted.handle.fetch_history()
    labelled = {
        match
        for event in history.events
        for match in re.findall(rb"attempt-\d", event.SerializeToString())
        if event.HasField("activity_task_scheduled_event_attributes")
    }
    assert labelled == {b"attempt-1", b"attempt-2", b"attempt-3"}
