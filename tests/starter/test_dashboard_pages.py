import re
import socket
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from temporalio.client import Client

import deliveries
from dashboards import (
    ASKS,
    GITHUB,
    HOSTILE,
    RUN,
    TOKEN,
    hostile_script,
    new_repository,
    remediated,
    settings,
    until,
)
from scripted import ScriptedActivities, proposal, snapshot
from starter.app import create_app
from starter.dashboard import reading
from starter.settings import StarterSettings
from workflows import models
from workflows.connection import connect
from workflows.models import State, Status

ROOT = Path(__file__).resolve().parents[2]
SECRET = "the webhook secret of the tests"
JSON = {"accept": "application/json"}


class Markup(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str, attribute: str) -> list[str]:
        return [found[attribute] or "" for each, found in self.tags if each == tag and attribute in found]


@asynccontextmanager
async def visiting(
    client: Client, chosen: StarterSettings | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(chosen or settings(webhook_secret=SecretStr(SECRET)), client)
    held = {"authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://starter", headers=held
    ) as service:
        yield service


@pytest.fixture
async def service(client: Client) -> AsyncIterator[httpx2.AsyncClient]:
    async with visiting(client) as service:
        yield service


def place(repository: str) -> str:
    return f"/dashboard/remediations/{repository}/{RUN}"


def waits(repository: str, **answers: Any) -> ScriptedActivities:
    return ScriptedActivities(read_run=snapshot(repository=repository), judge_patch=ASKS, **answers)


# ── the overview ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_patch_that_waits_stands_first_and_leads_to_its_page(
    service: httpx2.AsyncClient, client: Client
) -> None:
    repository = new_repository()
    async with remediated(client, waits(repository), repository, state=State.AWAITING_APPROVAL):
        page = (await service.get("/dashboard")).text
        told = (await service.get("/dashboard", headers=JSON)).json()
    asked, targets = page.index("May a patch be published?"), page.index(">Targets<")
    assert place(repository) in page[asked:targets]
    assert repository in [each["repository"] for each in told["awaiting"]]
    assert told == (await service.get("/dashboard.json")).json() | {"as_of": told["as_of"]}


async def test_what_ended_is_counted_and_what_was_handed_over_is_shown(
    service: httpx2.AsyncClient, client: Client
) -> None:
    fixed, handed_over = new_repository(), new_repository()
    async with remediated(
        client, ScriptedActivities(read_run=snapshot(repository=fixed)), fixed, state=State.DONE
    ):
        pass
    gave_up = ScriptedActivities(
        read_run=snapshot(repository=handed_over), propose_patch=proposal(diff="", patch_id="")
    )
    async with remediated(client, gave_up, handed_over, state=State.DONE):
        pass

    told = (await service.get("/dashboard.json?period=24h")).json()

    assert told["statistics"]["green"] >= 1
    assert told["statistics"]["merged"] >= 1
    assert handed_over in [each["repository"] for each in told["handed_over"]]
    assert fixed not in [each["repository"] for each in told["handed_over"]]
    assert [each["name"] for each in told["funnel"]] == [
        *("Failures seen", "Eligible", "Attempted", "Green", "Merged", "Kept"),
    ]
    assert len(told["targets"]) == 4
    page = (await service.get("/dashboard?period=24h")).text
    assert "No repair was found for this failure." in page


async def test_events_are_counted_since_this_process_began(client: Client) -> None:
    async with visiting(client) as service:
        first = (await service.get("/dashboard")).text
        assert "Silent: no signed event arrives" in first
        body = b'{"zen": "Speak like a human."}'
        await service.post("/webhook", content=body, headers=deliveries.headers("ping", body))
        await service.post("/webhook", content=b"{}", headers={"content-type": "application/json"})

    async with visiting(client) as service:
        await service.post("/webhook", content=body, headers=deliveries.headers("ping", body))
        await service.post("/webhook", content=b"{}", headers={"content-type": "application/json"})
        page = (await service.get("/dashboard")).text
        told = (await service.get("/dashboard.json")).json()["events"]
    assert "Quiet: events arrive" in page
    assert "greeting when a webhook is set up" in page
    assert "not signed with the webhook secret" in page
    assert "Counted by this process since" in page
    assert {(each["decision"], each["reason"]): each["number"] for each in told["counts"]} == {
        ("ignored", "ping"): 1,
        ("refused", "signature"): 1,
    }


async def test_a_page_that_is_reloaded_asks_temporal_nothing_anew(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FRESH", timedelta(hours=1))
    asked = 0
    list_workflows = client.list_workflows

    def counting(*arguments: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        return list_workflows(*arguments, **options)

    async with visiting(client) as service:
        client.list_workflows = counting  # type: ignore[method-assign]
        await service.get("/dashboard")
        once = asked
        for _ in range(10):
            await service.get("/dashboard")
    assert once > 0
    assert asked == once


@pytest.mark.parametrize("path", ["/dashboard?period=1y", "/dashboard/remediations?repository=x'%20OR%20'1"])
async def test_what_is_not_known_is_refused_with_advice(service: httpx2.AsyncClient, path: str) -> None:
    assert (await service.get(path)).status_code == 400
    assert (await service.get(path, headers=JSON)).status_code == 400


# ── the list ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_list_is_narrowed_by_repository_and_outcome(
    service: httpx2.AsyncClient, client: Client
) -> None:
    repository = new_repository()
    script = ScriptedActivities(read_run=snapshot(repository=repository))
    async with remediated(client, script, repository, state=State.DONE):
        pass

    async def found(**query: str) -> list[str]:
        response = await service.get("/dashboard/remediations", params=query, headers=JSON)
        return [each["repository"] for each in response.json()["found"]]

    assert await found(repository=repository) == [repository]
    assert await found(repository=repository, outcome="fixed") == [repository]
    assert await found(repository=repository, outcome="flaky") == []
    assert await found(repository="acme/nobody") == []
    page = (await service.get("/dashboard/remediations", params={"repository": repository})).text
    assert page.count(f'href="{place(repository)}"') == 1
    assert "Page 1 of 1, 1 in all" in page


@pytest.mark.parametrize("page", ["0", "-1", "99999999", "x", "9999"])
async def test_a_page_that_there_is_not_is_the_nearest(service: httpx2.AsyncClient, page: str) -> None:
    response = await service.get("/dashboard/remediations", params={"page": page})
    assert response.status_code == 200


# ── one remediation ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_remediation_s_page_has_its_story_cause_patch_proof_verdict_and_log(
    service: httpx2.AsyncClient, client: Client
) -> None:
    repository = new_repository()
    async with remediated(client, waits(repository), repository, state=State.AWAITING_APPROVAL):
        page = (await service.get(place(repository))).text
        told = (await service.get(place(repository), headers=JSON)).json()
    for said in (
        "ruff found an unused import.",  # the cause
        "-import os",  # the patch
        "ruff check .",  # the proof's command
        "It changes a workflow file.",  # the verdict
        "F401 unused import",  # the log
        "Read the failed jobs&#39; logs",  # the story
        "Attempt 1: make and prove a patch",
        f'href="{GITHUB}/{repository}/actions/runs/{RUN}"',
        "no model was asked",
    ):
        assert said in page
    assert told["worker_answered"] is True
    assert told["status"]["question"] == proposal("one").patch_id


async def test_it_is_told_from_the_history_when_no_worker_answers(client: Client) -> None:
    repository = new_repository()
    async with visiting(client) as service:
        async with remediated(
            client, waits(repository), repository, state=State.AWAITING_APPROVAL
        ) as workflow_id:
            pass  # its workers go, and it is terminated
        page = (await service.get(place(repository))).text
    assert "terminated in Temporal" in page
    assert "told from the workflow" in page
    assert "ruff found an unused import." in page
    assert "-import os" in page
    assert "Approve and publish" not in page
    assert workflow_id


async def test_a_fixed_remediation_links_its_pull_request(
    service: httpx2.AsyncClient, client: Client
) -> None:
    repository = new_repository()
    script = ScriptedActivities(read_run=snapshot(repository=repository))
    async with remediated(client, script, repository, state=State.DONE):
        page = (await service.get(place(repository))).text
    assert f'href="{GITHUB}/{repository}/pull/5"' in page
    assert "Ended: fixed" in page
    assert "Stop this remediation" not in page


@pytest.mark.parametrize("path", ["acme/nobody/12", "acme/widgets/0x12", "acme/wid'gets/12", "a%2Fb/c/1"])
async def test_a_remediation_that_there_is_not_is_not_found(service: httpx2.AsyncClient, path: str) -> None:
    assert (await service.get(f"/dashboard/remediations/{path}")).status_code == 404


# ── orders ──────────────────────────────────────────────────────────────────────────────────────────────────


async def logged_in(service: httpx2.AsyncClient, name: str = "Ada L.") -> None:
    del service.headers["authorization"]
    service.headers["sec-fetch-site"] = "same-origin"
    form = {"token": TOKEN, "name": name}
    assert (await service.post("/dashboard/login", data=form)).status_code == 303


def forms(page: str, verb: str) -> dict[str, str]:
    """The fields of the form on a page that gives an order."""
    [form] = [each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'value="{verb}"' in each]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


@pytest.mark.parametrize(
    ("verb", "outcome"), [("approve", "fixed"), ("reject", "stopped"), ("stop", "stopped")]
)
async def test_an_order_is_given_by_a_form_and_names_who_gave_it(
    service: httpx2.AsyncClient, client: Client, verb: str, outcome: str
) -> None:
    repository = new_repository()
    await logged_in(service)
    async with remediated(
        client, waits(repository), repository, state=State.AWAITING_APPROVAL
    ) as workflow_id:
        page = (await service.get(place(repository))).text
        response = await service.post(f"{place(repository)}/order", data=forms(page, verb))
        assert response.status_code == 303
        after = await service.get(response.headers["location"])
        assert 'role="status"' in after.text
        handle = client.get_workflow_handle(workflow_id)

        async def known() -> bool:
            status: Status = await handle.query("status", result_type=Status)
            return status.outcome is not None or status.state is State.AWAITING_CI

        await until(known)
        status: Status = await handle.query("status", result_type=Status)
        if verb == "approve":
            assert status.approval is not None
            assert status.approval.by == "Ada L. (dashboard)"
        else:
            assert (str(status.outcome), status.detail) == (outcome, "by Ada L. (dashboard)")


async def test_an_order_without_the_page_s_own_form_changes_nothing(
    service: httpx2.AsyncClient, client: Client
) -> None:
    repository = new_repository()
    await logged_in(service)
    async with remediated(
        client, waits(repository), repository, state=State.AWAITING_APPROVAL
    ) as workflow_id:
        page = (await service.get(place(repository))).text
        right = forms(page, "reject")
        assert {"form", "verb", "question"} <= right.keys()
        wrong: list[tuple[dict[str, str], dict[str, str], int]] = [
            (right | {"form": ""}, {}, 403),
            (right, {"sec-fetch-site": "cross-site"}, 403),
            (right | {"verb": "pause"}, {}, 400),
            (right | {"verb": "help"}, {}, 400),
            (right | {"question": ""}, {}, 400),
            (right | {"question": "<b>"}, {}, 400),
        ]
        for form, headers, status in wrong:
            response = await service.post(f"{place(repository)}/order", data=form, headers=headers)
            assert response.status_code == status, form
        assert (await service.get(f"{place(repository)}/order")).status_code == 405
        found: Status = await client.get_workflow_handle(workflow_id).query("status", result_type=Status)
    assert found.orders == 0
    assert found.question is not None


async def test_an_order_to_what_has_ended_comes_too_late(service: httpx2.AsyncClient, client: Client) -> None:
    repository = new_repository()
    script = ScriptedActivities(read_run=snapshot(repository=repository))
    async with remediated(client, script, repository, state=State.DONE):
        response = await service.post(f"{place(repository)}/order", data={"verb": "stop"})
    assert response.status_code == 409
    assert (
        await service.post("/dashboard/remediations/acme/nobody/1/order", data={"verb": "stop"})
    ).status_code == 404


# ── hostile text ────────────────────────────────────────────────────────────────────────────────────────────

OURS = {
    *("html", "head", "meta", "title", "link", "body", "a", "header", "div", "img", "nav", "span", "form"),
    *(
        "input",
        "button",
        "main",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "code",
    ),
    *("time", "pre", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "strong"),
    *("footer", "svg", "rect", "br", "label", "select", "option"),
}


async def test_hostile_text_never_becomes_markup(service: httpx2.AsyncClient, client: Client) -> None:
    repository = new_repository()
    async with remediated(
        client, hostile_script(repository), repository, state=State.AWAITING_APPROVAL
    ) as workflow_id:
        order = models.Order(by=HOSTILE, question="another")
        await client.get_workflow_handle(workflow_id).signal("approve", order)
        for path in (place(repository), f"/dashboard/remediations?repository={repository}", "/dashboard"):
            response = await service.get(path)
            assert response.status_code == 200
            markup = Markup(response.text)
            assert {tag for tag, _ in markup.tags} <= OURS
            assert not [name for _, found in markup.tags for name in found if name.startswith("on")]
            assert "style" not in {name for _, found in markup.tags for name in found}
            assert set(markup.of("img", "src")) == {"/dashboard/icon.svg"}
            for link in markup.of("a", "href") + markup.of("form", "action"):
                assert link.startswith(("/dashboard", "#", f"{GITHUB}/acme/")), link
            assert "alert(1)" in response.text or path == "/dashboard"  # it is shown, as text
            assert not set(response.text) & set("\u202e\u2066\x1b")
    hostile_query = await service.get("/dashboard/remediations", params={"repository": HOSTILE})
    assert hostile_query.status_code == 400
    assert {tag for tag, _ in Markup(hostile_query.text).tags} <= OURS


async def test_hostile_text_in_a_login_stays_text(client: Client) -> None:
    async with visiting(client) as service:
        form = {"token": "wrong", "name": HOSTILE, "next": HOSTILE}
        response = await service.post(
            "/dashboard/login", data=form, headers={"sec-fetch-site": "same-origin"}
        )
    assert {tag for tag, _ in Markup(response.text).tags} <= OURS


# ── when Temporal is away ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/dashboard", "/dashboard/remediations", "/dashboard/remediations/acme/widgets/1"]
)
async def test_a_page_says_so_when_temporal_is_away(path: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with visiting(await connect(target_host=f"127.0.0.1:{port}", lazy=True)) as service:
        response = await service.get(path)
        told = await service.get(path, headers=JSON)
    assert response.status_code == told.status_code == 503
    assert "Temporal does not answer" in response.text
    assert told.json()["problem"] == "Temporal does not answer"


def test_what_the_dashboard_is_made_of_is_installed_with_it() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = declared["tool"]["setuptools"]["package-data"]["*"]
    needed = [
        path for path in (ROOT / "starter" / "dashboard").rglob("*") if path.suffix not in {".py", ".pyc"}
    ]
    assert {path.suffix for path in needed if path.is_file()} == {".html", ".css", ".svg"}
    for path in filter(Path.is_file, needed):
        assert any(fnmatch(path.name, pattern) for pattern in packed), path.name
