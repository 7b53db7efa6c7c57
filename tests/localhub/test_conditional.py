"""The local GitHub answers 304 to who has the answer already, and does not count it, as GitHub does."""

from localhub import LocalHub
from tests.localhub.probes import REPOSITORY, Api

REPO = f"/repos/{REPOSITORY}"


async def test_an_unchanged_answer_is_304_and_free(hub: LocalHub, api: Api) -> None:
    first = await api.raw("GET", REPO)
    tag, used = first.headers["etag"], int(first.headers["x-ratelimit-used"])
    again = await api.raw("GET", REPO, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert int(again.headers["x-ratelimit-used"]) == used
    assert int((await api.raw("GET", REPO)).headers["x-ratelimit-used"]) == used + 1


async def test_a_changed_answer_comes_whole(hub: LocalHub, api: Api) -> None:
    path = f"{REPO}/git/ref/heads/main"
    tag = (await api.raw("GET", path)).headers["etag"]
    await hub.commit(REPOSITORY, "main", {"README": "more"}, "Say more")
    again = await api.raw("GET", path, headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.headers["etag"] != tag


async def test_who_may_not_read_gets_no_304(hub: LocalHub, api: Api) -> None:
    await hub.create_repository("acme/secret", files={"a": "b"}, private=True)
    tag = (await api.raw("GET", "/repos/acme/secret")).headers["etag"]
    hidden = {"Authorization": f"Bearer {hub.add_token('stranger')}", "If-None-Match": tag}
    assert (await api.raw("GET", "/repos/acme/secret", headers=hidden)).status_code == 404
