from typing import Any

import pytest

from localhub import LocalHub
from tests.localhub.probes import REPOSITORY, Api, Schemas

REPO = f"/repos/{REPOSITORY}"
MUTATION = (
    "mutation($input: EnablePullRequestAutoMergeInput!) "
    "{ enablePullRequestAutoMerge(input: $input) { clientMutationId } }"
)
REVIEW = {"type": "pull_request", "parameters": {"required_approving_review_count": 1}}


async def a_pull(hub: LocalHub, api: Api, *, draft: bool = False, rules: tuple[Any, ...] = (REVIEW,)) -> Any:
    await hub.commit(REPOSITORY, "fix", {"fix.py": "y = 2\n"}, "Fix [skip ci]")
    ruleset = {
        "name": "main",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": list(rules),
    }
    await api.post(f"{REPO}/rulesets", ruleset)
    await api.call("PATCH", REPO, {"allow_auto_merge": True})
    return await api.post(f"{REPO}/pulls", {"title": "Fix", "head": "fix", "base": "main", "draft": draft})


async def enable(api: Api, pull: Any, **changes: Any) -> Any:
    given = {"pullRequestId": pull["node_id"], "mergeMethod": "MERGE", **changes}
    return await api.post("/graphql", {"query": MUTATION, "variables": {"input": given}}, status=200)


async def test_auto_merge_waits_for_the_review_that_a_rule_wants(
    hub: LocalHub, api: Api, schemas: Schemas
) -> None:
    pull = await a_pull(hub, api)
    assert pull["mergeable_state"] == "blocked"
    assert await enable(api, pull) == {"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}}
    waiting = await api.get(f"{REPO}/pulls/1")
    schemas.check("PullRequest", waiting)
    assert (waiting["merged"], waiting["auto_merge"]["merge_method"]) == (False, "merge")
    headers = {"Authorization": f"Bearer {hub.add_token('dev')}"}
    review = await api.post(f"{REPO}/pulls/1/reviews", {"event": "APPROVE"}, status=200, headers=headers)
    schemas.check("PullRequestReview", review)
    merged = await api.get(f"{REPO}/pulls/1")
    assert (merged["merged"], merged["merged_by"]["login"], merged["auto_merge"]) == (True, "acme", None)


async def test_nobody_approves_their_own_pull_request(hub: LocalHub, api: Api) -> None:
    await a_pull(hub, api)
    await api.post(f"{REPO}/pulls/1/reviews", {"event": "APPROVE"}, status=422)


@pytest.mark.parametrize(
    ("arranged", "given", "expected"),
    [
        ({"allow_auto_merge": False}, {}, ("UNPROCESSABLE", "Auto merge is not allowed for this repository")),
        ({"allow_merge_commit": False}, {}, ("UNPROCESSABLE", "merge commits are not allowed")),
        ({}, {"expectedHeadOid": "a" * 40}, ("UNPROCESSABLE", "Head branch was modified.")),
        ({}, {"pullRequestId": "PR_none"}, ("NOT_FOUND", "Could not resolve to a node")),
    ],
)
async def test_a_refusal_comes_as_a_success_with_errors(
    hub: LocalHub, api: Api, arranged: dict[str, Any], given: dict[str, Any], expected: tuple[str, str]
) -> None:
    pull = await a_pull(hub, api)
    if arranged:
        await api.call("PATCH", REPO, arranged)
    answer = await enable(api, pull, **given)
    assert answer["data"] == {"enablePullRequestAutoMerge": None}
    [error] = answer["errors"]
    assert error["type"] == expected[0]
    assert expected[1] in error["message"]


async def test_drafts_and_what_could_be_merged_at_once_are_refused(hub: LocalHub, api: Api) -> None:
    pull = await a_pull(hub, api, rules=())
    [error] = (await enable(api, pull))["errors"]
    assert error["message"] == "Pull request Pull request is in clean status"
    await hub.commit(REPOSITORY, "other", {"fix.py": "y = 3\n"}, "Fix [skip ci]")
    other = await api.post(f"{REPO}/pulls", {"title": "x", "head": "other", "base": "main", "draft": True})
    [error] = (await enable(api, other))["errors"]
    assert "draft" in error["message"]


async def test_a_reader_and_a_stranger_may_not(hub: LocalHub, api: Api) -> None:
    pull = await a_pull(hub, api)
    headers = {"Authorization": f"Bearer {hub.add_token('guest')}"}
    body = {"query": MUTATION, "variables": {"input": {"pullRequestId": pull["node_id"]}}}
    answer = await api.post("/graphql", body, status=200, headers=headers)
    assert answer["errors"][0]["type"] == "FORBIDDEN"
    await api.post("/graphql", body, status=401, headers={"Authorization": ""})


async def test_other_queries_are_not_understood(api: Api) -> None:
    assert "errors" in await api.post("/graphql", {"query": "query { viewer { login } }"}, status=200)
    assert "errors" in await api.post("/graphql", {}, status=200)
