from typing import Any

import httpx2
import pytest

from localhub import LocalHub
from localhub.records import TokenKind
from tests.localhub.probes import REPOSITORY, Api, Schemas

REPO = f"/repos/{REPOSITORY}"
REFS = f"{REPO}/git/refs"


async def rule(api: Api, *kinds: str, **changes: Any) -> Any:
    ruleset = {
        "name": "guard",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
        "rules": [{"type": kind} for kind in kinds],
    }
    return await api.post(f"{REPO}/rulesets", ruleset | changes)


async def tip(api: Api) -> str:
    return str((await api.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"])


async def create(api: Api, branch: str) -> httpx2.Response:
    return await api.raw("POST", REFS, {"ref": f"refs/heads/{branch}", "sha": await tip(api)})


async def as_app(hub: LocalHub, api: Api) -> tuple[int, Api]:
    """An installed App with all permissions, and a client that speaks for it."""
    granted = {"contents": "write", "checks": "write", "statuses": "write"}
    app = await hub.create_app(owner="acme", permissions=granted)
    token = hub.state.mint(
        "ghs_",
        TokenKind.INSTALLATION,
        hub.state.apps[app.app_id].bot,
        permissions=granted,
        installation=hub.state.installations[app.installation_id],
    )
    http = httpx2.AsyncClient(
        base_url=hub.url, headers={"Authorization": f"Bearer {token.value}"}, trust_env=False
    )
    return app.app_id, Api(http)


async def test_a_rule_against_new_branches_refuses_one(api: Api) -> None:
    await rule(api, "creation")
    answer = await create(api, "topic")
    assert answer.status_code == 422
    assert "Cannot create ref due to creations being restricted." in answer.json()["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"enforcement": "evaluate"},
        {"conditions": {"ref_name": {"include": ["refs/heads/main"], "exclude": []}}},
        {"conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}},
        {"conditions": {"ref_name": {"include": ["~ALL"], "exclude": ["refs/heads/regreen/**"]}}},
    ],
)
async def test_a_rule_that_does_not_cover_a_branch_lets_it_be(api: Api, changes: dict[str, Any]) -> None:
    await rule(api, "creation", **changes)
    assert (await create(api, "regreen/7")).status_code == 201
    assert await api.get(f"{REPO}/rules/branches/regreen/7") == []


async def test_a_rule_is_told_for_a_branch_that_does_not_exist(api: Api, schemas: Schemas) -> None:
    await rule(api, "creation")
    [found] = await api.get(f"{REPO}/rules/branches/no/such/branch")
    schemas.check("RepositoryRuleDetailedOneof0", found)


async def test_an_app_that_may_bypass_is_let_through(hub: LocalHub, api: Api) -> None:
    app_id, app = await as_app(hub, api)
    bypass = {"actor_type": "Integration", "actor_id": app_id, "bypass_mode": "always"}
    await rule(api, "creation", bypass_actors=[bypass])
    assert (await create(api, "topic")).status_code == 422
    assert (await create(app, "topic")).status_code == 201
    await app.http.aclose()


async def written_by(writer: Api, **more: Any) -> Any:
    parent = await tip(writer)
    tree = (await writer.get(f"{REPO}/git/commits/{parent}"))["tree"]["sha"]
    body = {"message": "m", "tree": tree, "parents": [parent], **more}
    return await writer.post(f"{REPO}/git/commits", body)


async def test_an_apps_commit_is_signed_unless_it_names_an_author(hub: LocalHub, api: Api) -> None:
    _, app = await as_app(hub, api)
    await rule(api, "required_signatures")
    person = {"name": "Ada", "email": "ada@example.org"}
    for commit, verified in (
        (await written_by(app), True),
        (await written_by(app, author=person), False),
        (await written_by(api), False),
    ):
        assert commit["verification"]["verified"] is verified
        ref = {"ref": f"refs/heads/by/{commit['sha'][:7]}", "sha": commit["sha"]}
        assert ((await app.raw("POST", REFS, ref)).status_code == 201) is verified
    await app.http.aclose()


async def test_an_apps_check_stands_among_the_checks_of_the_commit(
    hub: LocalHub, api: Api, schemas: Schemas
) -> None:
    _, app = await as_app(hub, api)
    sha = await tip(api)
    check = {"name": "coverage", "head_sha": sha, "conclusion": "failure"}
    schemas.check("CheckRun", await app.post(f"{REPO}/check-runs", check))
    [found] = (await api.get(f"{REPO}/commits/{sha}/check-runs"))["check_runs"]
    assert (found["name"], found["conclusion"], found["app"]["slug"]) == ("coverage", "failure", "regreen")
    assert (await api.raw("POST", f"{REPO}/check-runs", check)).status_code == 403
    await app.http.aclose()


async def test_the_newest_status_of_each_context_counts(api: Api, schemas: Schemas) -> None:
    sha = await tip(api)
    for context, state in (("a", "failure"), ("b", "success"), ("a", "success")):
        made = await api.post(f"{REPO}/statuses/{sha}", {"context": context, "state": state})
        schemas.check("Status", made)
    combined = await api.get(f"{REPO}/commits/{sha}/status")
    schemas.check("CombinedCommitStatus", combined)
    assert combined["state"] == "success"
    assert {one["context"]: one["state"] for one in combined["statuses"]} == {"a": "success", "b": "success"}


async def test_an_archived_repository_can_be_read_and_not_written(hub: LocalHub, api: Api) -> None:
    hub.archive_repository(REPOSITORY)
    assert (await api.get(REPO))["archived"] is True
    answer = await create(api, "topic")
    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "Repository was archived so is read-only.",
    )


async def test_a_workflow_that_is_switched_off_starts_nothing(hub: LocalHub, api: Api) -> None:
    await hub.commit(REPOSITORY, "main", {"a": "1"}, "One")
    await hub.idle()
    await api.call("PUT", f"{REPO}/actions/workflows/ci.yml/disable", status=204)
    await hub.commit(REPOSITORY, "main", {"a": "2"}, "Two")
    await hub.idle()
    assert (await api.get(f"{REPO}/actions/runs"))["total_count"] == 1
    assert (await api.get(f"{REPO}/actions/workflows/ci.yml"))["state"] == "disabled_manually"
    await api.call("PUT", f"{REPO}/actions/workflows/ci.yml/enable", status=204)
    await hub.commit(REPOSITORY, "main", {"a": "3"}, "Three")
    await hub.idle()
    assert (await api.get(f"{REPO}/actions/runs"))["total_count"] == 2
