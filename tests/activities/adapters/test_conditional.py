from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from activities.adapters.conditional import Answer, AnswerCache
from activities.adapters.credentials import PersonalToken
from scripted_wire import API, ScriptedWire, answer

REPOSITORY = "acme/widgets"
RUN = "/repos/acme/widgets/actions/runs/7"
TAG = 'W/"one"'


@pytest.fixture
def wire() -> ScriptedWire:
    return ScriptedWire()


def a_run(**changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "workflow_id": 3,
        "head_sha": "a" * 40,
        "html_url": "https://github.com/acme/widgets/actions/runs/7",
        "created_at": "2026-01-02T03:04:05Z",
        **changes,
    }


def revalidating(body: Any, tag: str = TAG, headers: dict[str, str] | None = None) -> Any:
    """GitHub's way: the body for who has none, 304 for who has this one."""

    def give(request: httpx2.Request) -> httpx2.Response:
        if request.headers.get("if-none-match") == tag:
            return answer(304, None, {"etag": tag})
        return answer(200, body, {"etag": tag, **(headers or {})})

    return give


async def test_a_poll_of_what_has_not_changed_is_answered_without_its_body(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, revalidating(a_run(status="in_progress")))
    github = wire.github()
    first, second = await github.get_run(REPOSITORY, 7), await github.get_run(REPOSITORY, 7)
    assert first == second
    assert "if-none-match" not in wire.asked[0].headers
    assert wire.asked[1].headers["if-none-match"] == TAG


async def test_what_has_changed_is_read_anew(wire: ScriptedWire) -> None:
    wire.on(
        "GET",
        RUN,
        answer(200, a_run(status="in_progress"), {"etag": TAG}),
        answer(200, a_run(status="completed"), {"etag": 'W/"two"'}),
        revalidating(a_run(status="completed"), 'W/"two"'),
    )
    github = wire.github()
    statuses = [(await github.get_run(REPOSITORY, 7)).status for _ in range(3)]
    assert statuses == ["in_progress", "completed", "completed"]
    assert wire.asked[2].headers["if-none-match"] == 'W/"two"'


async def test_every_page_of_a_listing_is_asked_for_conditionally(wire: ScriptedWire) -> None:
    jobs = f"{RUN}/attempts/1/jobs"

    def job(number: int) -> dict[str, Any]:
        return {"id": number, "run_id": 7, "head_sha": "a" * 40, "steps": []}

    following = {"link": f'<{API}{jobs}?page=2>; rel="next"'}
    wire.on("GET", f"{jobs}?page=2", revalidating({"jobs": [job(2)]}))
    wire.on("GET", jobs, revalidating({"jobs": [job(1)]}, headers=following))
    github = wire.github()
    for _ in range(2):
        assert [each.id for each in await github.list_jobs(REPOSITORY, 7, 1)] == [1, 2]
    assert [each.headers.get("if-none-match") for each in wire.asked] == [None, None, TAG, TAG]


async def test_another_credential_does_not_get_what_the_first_one_read(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, revalidating(a_run()))
    github = wire.github()
    await github.get_run(REPOSITORY, 7)
    github._api._credentials = PersonalToken(SecretStr("ghp_other"))
    await github.get_run(REPOSITORY, 7)
    assert "if-none-match" not in wire.asked[1].headers


async def test_a_refusal_is_not_answered_from_memory(wire: ScriptedWire) -> None:
    wire.on("GET", RUN, answer(200, a_run(), {"etag": TAG}), answer(404, {"message": "Not Found"}))
    github = wire.github()
    await github.get_run(REPOSITORY, 7)
    with pytest.raises(Exception, match="404"):
        await github.get_run(REPOSITORY, 7)


async def test_a_file_and_a_listing_of_the_same_address_are_two_answers(wire: ScriptedWire) -> None:
    path = "/repos/acme/widgets/contents/a.py"
    wire.on("GET", path, revalidating("raw"))
    github = wire.github()
    assert await github.get_file(REPOSITORY, "a.py", "main") == b'"raw"'
    await github._wire.get(f"{path}?ref=main", token="ghp_abcdefghijklmnopqrstuvwxyz0123456789")
    assert "if-none-match" not in wire.asked[1].headers


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    cache = AnswerCache(limit=250)
    for name in ("one", "two", "three"):
        if name == "three":
            assert cache.find("one", {}) is not None  # used again, so it is not the oldest
        cache.keep(name, {}, Answer({"etag": "x"}, b"." * 100))
    assert [cache.find(name, {}) is not None for name in ("one", "two", "three")] == [True, False, True]


def test_what_is_large_or_has_no_validator_is_not_kept() -> None:
    cache = AnswerCache()
    cache.keep("large", {}, Answer({"etag": "x"}, b"." * 2_000_000))
    cache.keep("plain", {}, Answer({}, b"."))
    assert cache.find("large", {}) is None
    assert cache.find("plain", {}) is None


def test_a_repeated_answer_has_the_newer_limits_and_its_own_pages() -> None:
    headers = {"link": "<next>", "content-type": "application/json", "x-ratelimit-used": "1"}
    kept = Answer({"etag": "x", **headers}, b"{}")
    again = kept.repeated({"x-ratelimit-used": "2", "content-type": "text/plain", "link": ""})
    assert again.body == b"{}"
    assert (again.headers["x-ratelimit-used"], again.headers["link"]) == ("2", "<next>")
    assert again.headers["content-type"] == "application/json"
