"""The real adapter against the local GitHub: other roots, other names, credentials that end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from activities.adapters.credentials import AppInstallation, Credentials, PersonalToken
from activities.adapters.github import GitHub
from activities.adapters.permissions import PUBLISHER
from activities.adapters.repository import RepositoryMirrors
from activities.adapters.turns import Turns
from activities.errors import PermanentError
from localhub import LocalHub
from localhub.app import ENTERPRISE_ROOT
from tests.localhub.probes import GREEN, RED, REPOSITORY
from workflows.models import LogState


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[LocalHub]:
    async with LocalHub(tmp_path / "hub") as running:
        await running.create_repository(REPOSITORY, files=GREEN, collaborators={"dev": "write"})
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


async def app_of(hub: LocalHub, http: httpx2.AsyncClient, root: str = "", **changes: Any) -> AppInstallation:
    made = await hub.create_app(**{"owner": "acme", "permissions": PUBLISHER, **changes})
    return AppInstallation(made.app_id, SecretStr(made.private_key), http, hub.url + root)


def github(hub: LocalHub, http: httpx2.AsyncClient, credentials: Credentials, root: str = "") -> GitHub:
    return GitHub(http, credentials, api_url=hub.url + root, turns=Turns(timedelta(0)))


async def test_an_enterprise_server_is_another_root(
    hub: LocalHub, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    credentials = await app_of(hub, http, ENTERPRISE_ROOT)
    there = github(hub, http, credentials, ENTERPRISE_ROOT)
    sha = await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    [run] = await there.list_runs(REPOSITORY, head_sha=sha)
    [job] = await there.list_jobs(REPOSITORY, run.id, 1)
    log = await there.download_job_log(REPOSITORY, job.id, tmp_path / "log", max_bytes=10_000)
    assert log.state is LogState.PRESENT
    assert await there.own_login(REPOSITORY) == "regreen[bot]"


async def test_pages_of_an_enterprise_server_are_followed(hub: LocalHub, http: httpx2.AsyncClient) -> None:
    token = hub.add_token("acme")
    there = github(hub, http, PersonalToken(SecretStr(token)), ENTERPRISE_ROOT)
    tip = await there.get_branch_tip(REPOSITORY, "main")
    assert tip is not None
    for number in range(105):
        await there.create_commit_comment(REPOSITORY, tip, f"comment {number}")
    assert len(await there.list_commit_comments(REPOSITORY, tip)) == 105


@pytest.mark.parametrize("root", ["", ENTERPRISE_ROOT])
@pytest.mark.parametrize("new_name", ["acme/gadgets", "Acme/Widgets-2"])
async def test_a_renamed_repository_is_read_and_written_under_its_old_name(
    hub: LocalHub, http: httpx2.AsyncClient, root: str, new_name: str
) -> None:
    there = github(hub, http, await app_of(hub, http, root), root)
    hub.rename_repository(REPOSITORY, new_name)
    tip = await there.get_branch_tip(REPOSITORY, "main")
    assert tip is not None
    await there.create_fix_branch(REPOSITORY, "regreen/7", tip, workflows=False)
    assert await there.get_branch_tip(new_name, "regreen/7") == tip
    assert await there.get_file(REPOSITORY, "app.py", "main") == GREEN["app.py"].encode()


@pytest.mark.parametrize("at_hand", [True, False])
@pytest.mark.parametrize("private", [True, False])
async def test_a_renamed_repository_is_cloned_under_its_old_name(
    hub: LocalHub, http: httpx2.AsyncClient, tmp_path: Path, *, private: bool, at_hand: bool
) -> None:
    credentials = await app_of(hub, http)
    hub.repository(REPOSITORY).private = private
    sha = await github(hub, http, credentials).get_branch_tip(REPOSITORY, "main")
    assert sha is not None
    if not at_hand:
        credentials = await app_of(hub, http, slug="regreen-2")
    hub.rename_repository(REPOSITORY, "acme/gadgets")
    mirrors = RepositoryMirrors(tmp_path / "cache", server_url=hub.url, credentials=credentials)
    async with mirrors.checkout(REPOSITORY, sha) as workspace:
        assert (workspace.files / "app.py").read_text() == GREEN["app.py"]


async def test_a_commit_that_is_not_there_is_not_looked_for_under_another_name(
    hub: LocalHub, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    mirrors = RepositoryMirrors(tmp_path / "cache", server_url=hub.url, credentials=await app_of(hub, http))
    with pytest.raises(PermanentError, match="has no commit") as caught:
        async with mirrors.checkout(REPOSITORY, "0" * 40):
            pass
    assert caught.value.kind == "not_found"


async def test_a_repository_that_was_taken_out_of_the_installation_is_said_to_be(
    hub: LocalHub, http: httpx2.AsyncClient
) -> None:
    there = github(hub, http, await app_of(hub, http, repositories=[REPOSITORY]))
    await there.get_default_branch(REPOSITORY)
    await hub.create_repository("acme/gears", files=GREEN)
    with pytest.raises(PermanentError, match="the App is not installed on acme/gears") as caught:
        await there.get_default_branch("acme/gears")
    assert caught.value.kind == "not_found"


async def test_a_token_that_was_revoked_is_asked_for_anew_once(
    hub: LocalHub, http: httpx2.AsyncClient
) -> None:
    there = github(hub, http, await app_of(hub, http))
    await there.get_default_branch(REPOSITORY)
    hub.state.tokens.clear()
    assert await there.get_default_branch(REPOSITORY) == "main"


async def test_a_personal_token_that_was_revoked_is_the_end(hub: LocalHub, http: httpx2.AsyncClient) -> None:
    token = hub.add_token("acme")
    there = github(hub, http, PersonalToken(SecretStr(token)))
    await there.get_default_branch(REPOSITORY)
    hub.revoke_token(token)
    with pytest.raises(PermanentError, match="Bad credentials") as caught:
        await there.get_default_branch(REPOSITORY)
    assert caught.value.kind == "unauthorised"


async def test_a_suspended_installation_says_so(hub: LocalHub, http: httpx2.AsyncClient) -> None:
    there = github(hub, http, await app_of(hub, http))
    for installed in hub.state.installations.values():
        installed.suspended_at = installed.created_at
    with pytest.raises(PermanentError, match="suspended"):
        await there.get_default_branch(REPOSITORY)


async def test_what_the_installation_lacks_is_named(hub: LocalHub, http: httpx2.AsyncClient) -> None:
    there = github(hub, http, await app_of(hub, http, permissions={**PUBLISHER, "contents": "read"}))
    with pytest.raises(PermanentError, match="does not grant contents: write") as caught:
        await there.store_blob(REPOSITORY, b"x")
    assert caught.value.kind == "forbidden"


async def test_polling_what_does_not_change_costs_no_quota(hub: LocalHub, http: httpx2.AsyncClient) -> None:
    token = hub.add_token("acme")
    there = github(hub, http, PersonalToken(SecretStr(token)))

    async def used() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.get(f"{hub.url}/rate_limit", headers=headers)
        return int(answer.json()["resources"]["core"]["used"])

    tip = await there.get_branch_tip(REPOSITORY, "main")
    assert tip is not None

    async def poll() -> None:
        await there.list_runs(REPOSITORY, head_sha=tip)
        await there.list_check_runs(REPOSITORY, tip)
        await there.get_branch_tip(REPOSITORY, "main")

    await poll()
    before = await used()
    for _ in range(20):
        await poll()
    assert await used() == before
