import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from localhub import AppCredentials, LocalHub
from localhub.records import now
from tests.localhub.probes import RED, REPOSITORY, Api, Schemas

REPO = f"/repos/{REPOSITORY}"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed(app: AppCredentials, **claims: Any) -> dict[str, str]:
    moment = int(time.time())
    payload = {"iat": moment - 30, "exp": moment + 540, "iss": str(app.app_id), **claims}
    return bearer(jwt.encode(payload, app.private_key, algorithm="RS256"))


@pytest.fixture
async def app(hub: LocalHub, api: Api) -> AppCredentials:
    return await hub.create_app(owner="acme", permissions={"contents": "write", "actions": "read"})


async def test_a_bad_credential_is_refused_even_where_none_is_needed(hub: LocalHub, api: Api) -> None:
    token = hub.add_token("dev")
    await api.get(REPO, headers=bearer(token))
    hub.revoke_token(token)
    for authorization in (f"Bearer {token}", "Bearer", "Basic !", "Digest x", "token ghp_unknown"):
        refused = await api.get(REPO, headers={"Authorization": authorization}, status=401)
        assert refused["message"] == "Bad credentials"


async def test_the_anonymous_may_read_what_is_public_and_write_nothing(hub: LocalHub, api: Api) -> None:
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False) as http:
        anonymous = Api(http)
        await anonymous.get(f"{REPO}/actions/runs")
        await anonymous.post(f"{REPO}/git/blobs", {"content": "x"}, status=401)
        hub.repository(REPOSITORY).private = True
        for path in (REPO, f"{REPO}/actions/runs", "/repos/acme/none"):
            assert (await anonymous.get(path, status=404))["message"] == "Not Found"


async def test_a_token_may_do_only_what_it_was_given(hub: LocalHub, api: Api) -> None:
    hub.repository(REPOSITORY).private = True
    reader = bearer(hub.add_token("dev", {"contents": "read"}))
    stranger = bearer(hub.add_token("stranger"))
    elsewhere = bearer(hub.add_token("dev", repositories=[]))
    await api.get(f"{REPO}/branches", headers=reader)
    for method, path in (("GET", "/actions/runs"), ("POST", "/git/blobs"), ("POST", "/hooks")):
        answer = await api.raw(method, REPO + path, headers=reader)
        assert answer.status_code == 403
        assert answer.json()["message"] == "Resource not accessible by personal access token"
    assert answer.headers["x-accepted-github-permissions"] == "repository_hooks=write"
    for hidden in (stranger, elsewhere):
        await api.get(REPO, headers=hidden, status=404)


async def test_a_collaborator_may_do_only_what_the_role_allows(hub: LocalHub, api: Api) -> None:
    hub.repository(REPOSITORY).collaborators["reader"] = "read"
    reader = bearer(hub.add_token("reader"))
    await api.post(f"{REPO}/git/blobs", {"content": "x"}, headers=reader, status=403)
    roles = {"acme": "admin", "dev": "write", "reader": "read", "github": "read"}
    for login, role in roles.items():
        found = await api.get(f"{REPO}/collaborators/{login}/permission")
        assert (found["permission"], found["user"]["login"]) == (role, login)
    await api.get(f"{REPO}/collaborators/nobody/permission", status=404)


async def test_an_app_mints_tokens_narrowed_to_repository_and_permission(
    hub: LocalHub, api: Api, app: AppCredentials, schemas: Schemas
) -> None:
    other = await hub.create_repository("acme/other", private=True)
    hub.repository(REPOSITORY).private = True
    schemas.check("Integration", await api.get("/app", headers=signed(app)))
    found = await api.get(f"{REPO}/installation", headers=signed(app))
    schemas.check("Installation", found)
    assert found["id"] == app.installation_id
    body = {"repositories": ["widgets"], "permissions": {"contents": "read"}}
    path = f"/app/installations/{app.installation_id}/access_tokens"
    made = await api.post(path, body, headers=signed(app))
    schemas.check("InstallationToken", made)
    assert made["permissions"] == {"contents": "read", "metadata": "read"}
    narrow = bearer(made["token"])
    await api.get(f"{REPO}/branches", headers=narrow)
    refused = await api.post(f"{REPO}/git/blobs", {"content": "x"}, headers=narrow, status=403)
    assert refused["message"] == "Resource not accessible by integration"
    await api.get(f"{REPO}/actions/runs", headers=narrow, status=403)
    await api.get(f"/repos/{other.full_name}", headers=narrow, status=404)
    wide = bearer((await api.post(path, headers=signed(app)))["token"])
    await api.post(f"{REPO}/git/blobs", {"content": "x"}, headers=wide)
    await api.get(f"/repos/{other.full_name}", headers=wide)
    await api.get("/user", headers=wide, status=403)
    for wrong in (
        {"permissions": {"contents": "admin"}},
        {"permissions": {"x": 1}},
        {"repositories": ["no"]},
    ):
        await api.post(path, wrong, headers=signed(app), status=422)
    await api.call("DELETE", "/installation/token", headers=wide, status=204)
    await api.get(REPO, headers=wide, status=401)


async def test_an_installation_token_expires(hub: LocalHub, api: Api, app: AppCredentials) -> None:
    path = f"/app/installations/{app.installation_id}/access_tokens"
    made = await api.post(path, headers=signed(app))
    hub.state.tokens[made["token"]].expires_at = now() - timedelta(seconds=1)
    await api.get(REPO, headers=bearer(made["token"]), status=401)


async def test_a_json_web_token_must_be_right_in_every_part(
    hub: LocalHub, api: Api, app: AppCredentials
) -> None:
    other = await hub.create_app(owner="other", permissions={})
    moment = int(time.time())
    forged = jwt.encode({"iss": str(app.app_id), "iat": moment, "exp": moment + 60}, "secret" * 8, "HS256")
    for headers in (
        bearer(forged),
        signed(app, exp=moment - 120),
        signed(app, exp=moment + 3_600),
        signed(app, iss="1"),
        signed(app, iss=str(other.app_id)),
        bearer(hub.add_token("dev")),
    ):
        await api.get("/app", headers=headers, status=401)
    path = f"/app/installations/{app.installation_id}/access_tokens"
    await api.post(path, headers=signed(other), status=404)


async def test_an_app_needs_a_permission_of_its_own_for_workflow_files(
    hub: LocalHub, api: Api, app: AppCredentials
) -> None:
    path = f"/app/installations/{app.installation_id}/access_tokens"
    headers = bearer((await api.post(path, headers=signed(app)))["token"])
    sha = (await api.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    tree = (await api.get(f"{REPO}/git/commits/{sha}"))["tree"]["sha"]
    answers = []
    for name in (".github/workflows/ci.yml", "app.py"):
        entry = {"path": name, "mode": "100644", "type": "blob", "content": "x = 2\n"}
        made = await api.post(f"{REPO}/git/trees", {"base_tree": tree, "tree": [entry]}, headers=headers)
        body = {"message": "m", "tree": made["sha"], "parents": [sha]}
        commit = await api.post(f"{REPO}/git/commits", body, headers=headers)
        assert commit["author"]["name"] == "regreen[bot]"
        ref = {"ref": "refs/heads/regreen/1", "sha": commit["sha"]}
        answers.append((await api.raw("POST", f"{REPO}/git/refs", ref, headers=headers)).status_code)
    assert answers == [403, 201]


async def test_what_a_run_pushes_with_its_own_token_starts_no_run(hub: LocalHub, api: Api) -> None:
    text = """\
on: push
permissions: {contents: write}
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - env:
          TOKEN: ${{ secrets.GITHUB_TOKEN }}
        run: |
          date > when
          git add when
          git -c user.name=bot -c user.email=bot@example.com commit --quiet --message when
          basic=$(printf 'x-access-token:%s' "$TOKEN" | base64 --wrap=0)
          git -c "http.extraheader=Authorization: Basic $basic" push --quiet origin HEAD:main
"""
    sha = await hub.commit(REPOSITORY, "main", {".github/workflows/ci.yml": text}, "Push back")
    await hub.idle()
    run = await api.run_of(sha)
    assert run["conclusion"] == "success", await api.log_of((await api.jobs_of(run))[0])
    assert (await api.get(f"{REPO}/branches/main"))["commit"]["commit"]["message"] == "when"
    assert (await api.get(f"{REPO}/actions/runs"))["total_count"] == 1


async def test_a_rerun_needs_the_permission_to_write_actions(hub: LocalHub, api: Api) -> None:
    sha = await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    run = await api.run_of(sha)
    reader = bearer(hub.add_token("dev", {"actions": "read"}))
    await api.post(f"{REPO}/actions/runs/{run['id']}/rerun", headers=reader, status=403)
    assert (await api.run_of(sha))["run_attempt"] == 1


async def test_requests_are_counted_and_bounded(tmp_path: Path, schemas: Schemas) -> None:
    async with (
        LocalHub(tmp_path / "hub", rate_limit=1) as hub,
        httpx2.AsyncClient(base_url=hub.url, headers=bearer(hub.add_token("dev")), trust_env=False) as http,
    ):
        first = await http.get("/user")
        schemas.check("PrivateUser", first.json())
        assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("1", "0")
        assert first.headers["x-github-request-id"]
        schemas.check("RateLimitOverview", (await http.get("/rate_limit")).json())
        second = await http.get("/user")
        assert (second.status_code, second.headers["x-ratelimit-remaining"]) == (403, "0")
        assert int(second.headers["x-ratelimit-reset"]) > 0


async def test_errors_have_githubs_shape(hub: LocalHub, api: Api, schemas: Schemas) -> None:
    for path in (
        "/nothing/at/all/here",
        f"{REPO}/actions/runs/1",
        f"{REPO}/actions/runs/x",
        f"{REPO}/pulls/9",
    ):
        answer = await api.get(path, status=404)
        schemas.check("BasicError", answer)
        assert (answer["message"], answer["status"]) == ("Not Found", "404")
