"""GitHub is asked to merge a fix where a rule holds it back, and never where it could merge at once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from temporalio.exceptions import ApplicationError

from activities.adapters.credentials import AppInstallation
from activities.adapters.github import GitHub
from activities.adapters.permissions import PUBLISHER, READER
from activities.adapters.turns import Turns
from activities.publishing.activity import PublishingActivities
from activities.publishing.switch import WriteSwitch
from localhub import LocalHub
from localhub.app import ENTERPRISE_ROOT
from localhub.faults import parse_faults
from scripted_wire import ScriptedWire, answer
from workflows.models import AutoMergeRequest, AutoMergeResult, AutoMergeState

REPOSITORY = "acme/widgets"
REPO = f"/repos/{REPOSITORY}"
WANTED = "publication: {draft: false, auto_merge: true}\n"
BRANCH = "regreen/7"
REVIEW = {"type": "pull_request", "parameters": {"required_approving_review_count": 1}}
CHECK = {
    "type": "required_status_checks",
    "parameters": {"required_status_checks": [{"context": "audit"}]},
}


class Place:
    """A repository that wants auto-merge, with a fix pull request, and the people around it."""

    def __init__(self, hub: LocalHub, http: httpx2.AsyncClient) -> None:
        self.hub = hub
        self.http = http
        self.head = ""

    async def prepare(self, settings: str = WANTED) -> None:
        files = {"app.py": "x = 1\n", ".github/regreen.yml": settings}
        await self.hub.create_repository(REPOSITORY, files=files, collaborators={"dev": "write"})
        await self.call("acme", "PATCH", REPO, allow_auto_merge=True)
        self.head = await self.hub.commit(REPOSITORY, BRANCH, {"app.py": "x = 2\n"}, "Fix")

    async def require(self, *rules: Any) -> None:
        only_main = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
        made = {"name": "main", "enforcement": "active", "conditions": only_main, "rules": list(rules)}
        await self.call("acme", "POST", f"{REPO}/rulesets", **made)

    async def open(self, *, draft: bool = False) -> None:
        title = {"title": "Fix", "head": BRANCH, "base": "main", "draft": draft}
        await self.call("acme", "POST", f"{REPO}/pulls", **title)

    async def call(self, who: str, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.hub.add_token(who)}"}
        found = await self.http.request(method, self.hub.url + path, json=body or None, headers=headers)
        assert found.is_success, found.text
        return found.json()

    async def pull(self) -> Any:
        return await self.call("dev", "GET", f"{REPO}/pulls/1")

    async def ask(self, *, root: str = "", granted: Any = PUBLISHER, **changes: Any) -> AutoMergeResult:
        made = await self.hub.create_app(owner="acme", permissions=granted)
        url = self.hub.url + root
        credentials = AppInstallation(made.app_id, SecretStr(made.private_key), self.http, url)
        github = GitHub(self.http, credentials, api_url=url, turns=Turns(timedelta(0)))
        facts = {"repository": REPOSITORY, "number": 1, "head_sha": self.head, **changes}
        activities = PublishingActivities(github, WriteSwitch(github))
        return await activities.request_auto_merge(AutoMergeRequest(**facts))

    async def state(self, **changes: Any) -> AutoMergeState:
        return (await self.ask(**changes)).state


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with LocalHub(tmp_path / "hub") as hub, httpx2.AsyncClient(trust_env=False) as http:
        yield Place(hub, http)


@pytest.mark.parametrize("root", ["", ENTERPRISE_ROOT])
async def test_github_merges_the_fix_itself_once_somebody_has_reviewed_it(place: Place, root: str) -> None:
    await place.prepare()
    await place.require(REVIEW)
    await place.open()
    assert await place.state(root=root) is AutoMergeState.REQUESTED
    waiting = await place.pull()
    assert (waiting["merged"], waiting["auto_merge"]["enabled_by"]["login"]) == (False, "regreen[bot]")
    await place.call("dev", "POST", f"{REPO}/pulls/1/reviews", event="APPROVE")
    assert (await place.pull())["merged"]


async def test_asking_again_writes_nothing_more(place: Place) -> None:
    await place.prepare()
    await place.require(REVIEW)
    await place.open()
    assert await place.state() is AutoMergeState.REQUESTED
    before = await place.pull()
    await place.call("acme", "PATCH", REPO, allow_auto_merge=False)  # a second request would be refused
    assert await place.state() is AutoMergeState.REQUESTED
    assert (await place.pull())["auto_merge"] == before["auto_merge"]


async def test_a_request_whose_answer_was_lost_is_found_when_it_is_repeated(place: Place) -> None:
    await place.prepare()
    await place.require(REVIEW)
    await place.open()
    place.hub.faults.follow(parse_faults("POST /graphql: cut after first=1").rules)
    with pytest.raises(ApplicationError) as caught:
        await place.ask()
    assert caught.value.type == "unavailable"
    await place.call("acme", "PATCH", REPO, allow_auto_merge=False)
    assert await place.state() is AutoMergeState.REQUESTED


async def test_the_first_way_of_merging_that_is_allowed_is_used(place: Place) -> None:
    await place.prepare()
    await place.call("acme", "PATCH", REPO, allow_merge_commit=False)
    await place.require(CHECK)
    await place.open()
    assert await place.state() is AutoMergeState.REQUESTED
    assert (await place.pull())["auto_merge"]["merge_method"] == "squash"


async def test_what_could_be_merged_at_once_is_left_to_a_human(place: Place) -> None:
    await place.prepare()
    await place.open()
    assert await place.state() is AutoMergeState.NOTHING_REQUIRED
    pull = await place.pull()
    assert (pull["merged"], pull["auto_merge"]) == (False, None)


async def test_rules_that_are_met_already_are_no_reason_to_merge(place: Place) -> None:
    await place.prepare()
    await place.require(CHECK)
    await place.open()
    await place.call("acme", "POST", f"{REPO}/statuses/{place.head}", state="success", context="audit")
    assert await place.state() is AutoMergeState.NOTHING_REQUIRED
    assert not (await place.pull())["merged"]


async def test_a_repository_that_does_not_allow_it_is_not_asked(place: Place) -> None:
    await place.prepare()
    await place.call("acme", "PATCH", REPO, allow_auto_merge=False)
    await place.require(REVIEW)
    await place.open()
    assert await place.state() is AutoMergeState.NOT_ALLOWED


async def test_a_draft_a_moved_branch_and_a_closed_pull_request_are_left_alone(place: Place) -> None:
    await place.prepare()
    await place.require(REVIEW)
    await place.open(draft=True)
    assert await place.state() is AutoMergeState.DRAFT
    assert await place.state(head_sha="a" * 40) is AutoMergeState.HEAD_MOVED
    await place.call("acme", "PATCH", f"{REPO}/pulls/1", state="closed")
    assert await place.state() is AutoMergeState.NOT_OPEN


@pytest.mark.parametrize(
    ("settings", "state"),
    [("", AutoMergeState.SWITCHED_OFF), ("publication: {draft: false}\n", AutoMergeState.SWITCHED_OFF)],
)
async def test_the_repository_may_change_its_mind_until_the_last_moment(
    place: Place, settings: str, state: AutoMergeState
) -> None:
    await place.prepare(settings)
    await place.require(REVIEW)
    await place.open()
    assert await place.state() is state
    assert (await place.pull())["auto_merge"] is None


async def test_a_switched_off_repository_is_not_written_to(place: Place) -> None:
    await place.prepare("enabled: false\n" + WANTED)
    await place.require(REVIEW)
    await place.open()
    with pytest.raises(ApplicationError) as caught:
        await place.ask()
    assert caught.value.type == "settings_disabled"


async def test_closing_the_pull_request_takes_the_request_back(place: Place) -> None:
    await place.prepare()
    await place.require(REVIEW)
    await place.open()
    assert await place.state() is AutoMergeState.REQUESTED
    await place.call("acme", "PATCH", f"{REPO}/pulls/1", state="closed")
    assert (await place.pull())["auto_merge"] is None


# ── what happens between the read and the request ───────────────────────────────────────────────────────────

HEAD = "c" * 40
REQUEST = AutoMergeRequest(repository=REPOSITORY, number=1, head_sha=HEAD)


def script(state: str = "blocked", *answers: Any) -> tuple[ScriptedWire, PublishingActivities]:
    pull = {
        "number": 1,
        "node_id": "PR_1",
        "html_url": "https://github.com/acme/widgets/pull/1",
        "state": "open",
        "head": {"sha": HEAD, "ref": BRANCH},
        "mergeable_state": state,
    }
    wire = ScriptedWire()
    settings = httpx2.Response(200, content=WANTED.encode())
    wire.on("GET", f"{REPO}/contents/.github/regreen.yml", settings)
    wire.on("GET", f"{REPO}/pulls/1", answer(200, pull))
    wire.on("GET", REPO, answer(200, {"default_branch": "main"}))
    wire.on("POST", "/graphql", *answers)
    github = wire.github()
    return wire, PublishingActivities(github, WriteSwitch(github))


def refusal(kind: str, message: str) -> httpx2.Response:
    error = {"type": kind, "path": ["enablePullRequestAutoMerge"], "message": message}
    return answer(200, {"data": {"enablePullRequestAutoMerge": None}, "errors": [error]})


@pytest.mark.parametrize(
    ("refused", "state"),
    [
        (
            refusal("UNPROCESSABLE", "Pull request Pull request is in clean status"),
            AutoMergeState.NOTHING_REQUIRED,
        ),
        (
            refusal("UNPROCESSABLE", "Pull request Pull request is in unstable status"),
            AutoMergeState.NOTHING_REQUIRED,
        ),
        (
            refusal("UNPROCESSABLE", "Pull request Protected branch rules not configured for this branch"),
            AutoMergeState.NOTHING_REQUIRED,
        ),
        (
            refusal("UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository"),
            AutoMergeState.NOT_ALLOWED,
        ),
        (refusal("FORBIDDEN", "Resource not accessible by integration"), AutoMergeState.NOT_PERMITTED),
        (refusal("UNPROCESSABLE", "Head branch was modified."), AutoMergeState.REFUSED),
        (refusal("NOT_FOUND", "Could not resolve to a node"), AutoMergeState.REFUSED),
    ],
)
async def test_each_refusal_of_githubs_is_an_answer_and_leads_to_no_other_write(
    refused: httpx2.Response, state: AutoMergeState
) -> None:
    wire, activities = script("blocked", refused)
    found = await activities.request_auto_merge(REQUEST)
    assert found.state is state
    assert bool(found.detail) is (state is AutoMergeState.REFUSED)
    assert [each.method for each in wire.asked if each.method != "GET"] == ["POST"]


@pytest.mark.parametrize("state", ["clean", "unstable", "has_hooks", "something_new"])
async def test_only_what_a_rule_holds_back_is_asked_for(state: str) -> None:
    wire, activities = script(state)
    assert (await activities.request_auto_merge(REQUEST)).state is AutoMergeState.NOTHING_REQUIRED
    assert all(each.method == "GET" for each in wire.asked)


async def test_a_conflict_is_said() -> None:
    wire, activities = script("dirty")
    assert (await activities.request_auto_merge(REQUEST)).state is AutoMergeState.CONFLICTING
    assert all(each.method == "GET" for each in wire.asked)


@pytest.mark.parametrize("state", ["unknown", ""])
async def test_what_github_has_not_worked_out_yet_is_asked_again_later(state: str) -> None:
    _, activities = script(state)
    with pytest.raises(ApplicationError) as caught:
        await activities.request_auto_merge(REQUEST)
    assert (caught.value.type, caught.value.non_retryable) == ("unavailable", False)


async def test_a_credential_without_write_access_is_told_so(place: Place) -> None:
    await place.prepare()
    await place.require(REVIEW)
    await place.open()
    granted = {**READER, "contents": "write"}
    assert await place.state(granted=granted) is AutoMergeState.NOT_PERMITTED
