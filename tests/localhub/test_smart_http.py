import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from localhub import LocalHub
from tests.localhub.probes import REPOSITORY, Api


class Person:
    """Somebody with git, a name, and a token or none."""

    def __init__(self, folder: Path, hub: LocalHub, token: str | None) -> None:
        self.folder = folder
        self.remote = f"{hub.url}/{REPOSITORY}.git"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{role}_NAME": "Dev" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "dev@example.com" for role in ("AUTHOR", "COMMITTER")},
        }
        if token:
            helper = folder / "password"
            helper.write_text(f"#!/bin/sh\ncase $1 in User*) echo x-access-token;; *) echo {token};; esac\n")
            helper.chmod(0o700)
            self.environment["GIT_ASKPASS"] = str(helper)

    async def git(self, *arguments: str, status: int = 0) -> str:
        done = await asyncio.to_thread(
            subprocess.run,
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stdout.strip() if status == 0 else done.stderr

    async def clone(self) -> "Person":
        await self.git("clone", "--quiet", self.remote, "work")
        self.folder /= "work"
        return self

    async def commit(self, files: dict[str, str], message: str) -> str:
        for name, text in files.items():
            (self.folder / name).write_text(text)
        await self.git("add", "--all")
        await self.git("commit", "--quiet", "--message", message)
        return await self.git("rev-parse", "HEAD")


async def test_a_real_push_starts_a_real_run(hub: LocalHub, api: Api, tmp_path: Path) -> None:
    dev = await Person(tmp_path, hub, hub.add_token("dev")).clone()
    red = await dev.commit({"check.sh": "exit 1\n"}, "Break it")
    await dev.git("push", "--quiet", "origin", "main")
    await hub.idle()
    green = await dev.commit({"check.sh": "exit 0\n"}, "Mend it")
    await dev.git("push", "--quiet", "origin", "main")
    await hub.idle()
    assert [(await api.run_of(sha))["conclusion"] for sha in (red, green)] == ["failure", "success"]
    assert (await api.run_of(red))["actor"]["login"] == "dev"


async def test_the_anonymous_may_fetch_what_is_public_but_not_push(
    hub: LocalHub, api: Api, tmp_path: Path
) -> None:
    stranger = await Person(tmp_path, hub, None).clone()
    await stranger.commit({"app.py": "x = 2\n"}, "Mine")
    assert "could not read Username" in await stranger.git("push", "origin", "main", status=128)


async def test_a_private_repository_is_hidden_from_those_without_access(
    hub: LocalHub, api: Api, tmp_path: Path
) -> None:
    hub.repository(REPOSITORY).private = True
    for name, token, answer in (
        ("anonymous", None, "could not read Username"),
        ("stranger", hub.add_token("stranger"), "not found"),
        ("wrong", "github_pat_wrong", "Authentication failed"),
    ):
        (tmp_path / name).mkdir()
        person = Person(tmp_path / name, hub, token)
        assert answer in await person.git("clone", person.remote, "work", status=128)
    await Person(tmp_path, hub, hub.add_token("dev")).clone()


async def test_a_token_without_write_access_cannot_push(hub: LocalHub, api: Api, tmp_path: Path) -> None:
    dev = await Person(tmp_path, hub, hub.add_token("dev", {"contents": "read"})).clone()
    await dev.commit({"app.py": "x = 2\n"}, "Mine")
    assert "403" in await dev.git("push", "origin", "main", status=128)


async def test_what_is_written_through_the_api_can_be_fetched(
    hub: LocalHub, api: Api, tmp_path: Path
) -> None:
    dev = await Person(tmp_path, hub, None).clone()
    sha = await hub.commit(REPOSITORY, "other", {"new.py": "y = 2\n"}, "Through the API")
    await dev.git("fetch", "--quiet", "--depth=1", "origin", "other")
    assert await dev.git("rev-parse", "FETCH_HEAD") == sha
    await dev.git("-c", "protocol.version=0", "fetch", "--quiet", "origin", sha)


@pytest.mark.parametrize(
    "path",
    ["config", "HEAD", "objects/info/packs", "info/refs", "info/refs?service=git-evil", "../../secret"],
)
async def test_only_the_smart_protocol_is_served(hub: LocalHub, api: Api, path: str) -> None:
    assert (await api.raw("GET", f"/{REPOSITORY}.git/{path}")).status_code == 404
