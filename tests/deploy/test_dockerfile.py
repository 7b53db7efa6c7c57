import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from dockerfile_parse import DockerfileParser

ROOT: Final = Path(__file__).parents[2]
ROLES: Final = ("starter", "publisher", "analyst")
SECRET: Final = re.compile(r"(?i)secret|token|passw|private_key|api_key|credential")


class Instruction(NamedTuple):
    stage: str
    name: str
    value: str


def read() -> Iterator[Instruction]:
    stage = ""
    for line in DockerfileParser(str(ROOT / "deploy" / "Dockerfile"), cache_content=True).structure:
        if line["instruction"] == "FROM":
            stage = line["value"].rsplit(maxsplit=1)[-1]
        if line["instruction"] != "COMMENT":
            yield Instruction(stage, line["instruction"], line["value"])


INSTRUCTIONS: Final = tuple(read())
STAGES: Final = {line.stage: line.value.split()[0] for line in INSTRUCTIONS if line.name == "FROM"}


def values(name: str, stage: str) -> list[str]:
    """Of a stage and those it is built upon, in order."""
    base = STAGES.get(stage)
    before = values(name, base) if base in STAGES and base is not None else []
    return before + [line.value for line in INSTRUCTIONS if (line.stage, line.name) == (stage, name)]


def test_there_is_a_target_for_each_role() -> None:
    assert set(ROLES) <= STAGES.keys()


def test_every_base_image_is_pinned_to_a_patch_release() -> None:
    outside = {base for base in STAGES.values() if base not in STAGES}
    assert outside
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", base) for base in outside)


@pytest.mark.parametrize("role", ROLES)
def test_every_target_ends_as_an_unprivileged_user(role: str) -> None:
    assert values("USER", role)[-1] == "10001:10001"


@pytest.mark.parametrize("role", ROLES)
def test_every_target_has_a_health_check_and_starts_its_own_role(role: str) -> None:
    assert f'"{role}"' in values("HEALTHCHECK", role)[-1]
    expected = '["regreen", "serve"]' if role == "starter" else f'["regreen", "worker", "--role", "{role}"]'
    assert values("CMD", role)[-1] == expected


def copied() -> list[str]:
    return [
        source
        for line in INSTRUCTIONS
        if line.name == "COPY" and "--from=" not in line.value
        for source in line.value.split()[:-1]
    ]


@pytest.mark.parametrize("source", copied())
def test_everything_copied_is_there_and_in_the_build_context(source: str) -> None:
    assert (ROOT / source).exists()
    rules = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert f"!{source}" in rules


def test_stages_copy_from_stages_that_exist() -> None:
    sources = [found for line in INSTRUCTIONS for found in re.findall(r"--from=(\S+)", line.value)]
    assert sources
    assert set(sources) <= STAGES.keys()


@pytest.mark.parametrize("path", [".env", "secrets/regreen_webhook_secret", ".git/config", "tests/x.py"])
def test_the_build_never_sees_secrets_or_the_checkout_s_history(path: str) -> None:
    lines = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert not any(fnmatchcase(path, rule) or path.startswith(f"{rule}/") for rule in allowed)


def test_no_secret_is_built_into_an_image() -> None:
    built_in = [line for line in INSTRUCTIONS if line.name in {"ARG", "ENV"}]
    assert not [line for line in built_in if SECRET.search(line.value)]


@pytest.mark.parametrize("role", ROLES)
def test_python_packages_are_installed_by_hash(role: str) -> None:
    stages = {"packages", role} | ({STAGES[role]} & STAGES.keys())
    installs = [
        line.value for line in INSTRUCTIONS if line.stage in stages and re.search(r"pip install", line.value)
    ]
    assert installs
    assert all("--require-hashes" in run or "--no-deps --no-build-isolation ." in run for run in installs)


def test_only_the_analyst_carries_toolchains() -> None:
    for role in ("starter", "publisher"):
        assert not [run for run in values("RUN", role) if "apt-get" in run]
        assert not [copy for copy in values("COPY", role) if "--from=rust" in copy or "--from=node" in copy]
