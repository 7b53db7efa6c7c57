import importlib.resources
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from dockerfile_parse import DockerfileParser
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from ruamel.yaml import YAML

from starter.codec_server import CodecServerSettings
from starter.settings import StarterSettings
from worker import Role, WorkerSettings
from workflows.configuration import load, variable
from workflows.connection import PayloadSettings

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final[Mapping[str, type[BaseSettings]]] = {
    "publisher": WorkerSettings,
    "analyst": WorkerSettings,
    "starter": StarterSettings,
}
PAYLOAD_KEYS: Final = "regreen_payload_keys"
TELEMETRY: Final = frozenset({"prometheus", "otel-collector", "jaeger", "grafana"})
WITHOUT_A_SHELL: Final = frozenset({"otel-collector"})
"""Services whose image holds one program, so that nothing in it could ask for its health."""
ONE_SHOT: Final = {
    name
    for service in SERVICES.values()
    for name, need in service.get("depends_on", {}).items()
    if need["condition"] == "service_completed_successfully"
}
"""Services that end: nothing about them can be healthy for long."""


def is_secret(settings: type[BaseSettings], field: str) -> bool:
    annotation = settings.model_fields[field].annotation
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


def fields(settings: type[BaseSettings], *, secret: bool) -> set[str]:
    return {variable(settings, name) for name in settings.model_fields if is_secret(settings, name) is secret}


def networks_of(service: str) -> set[str]:
    return set(SERVICES[service]["networks"])


def test_the_file_is_valid_by_the_compose_specification() -> None:
    schema = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(COMPOSE)


def test_the_services_are_those_that_were_promised() -> None:
    assert {"postgresql", "temporal", "temporal-ui", "publisher", "analyst", "starter"} <= SERVICES.keys()


@pytest.mark.parametrize("name", OURS)
def test_every_variable_named_is_a_setting_and_none_of_them_a_secret(name: str) -> None:
    named = {key for key in SERVICES[name]["environment"] if key.startswith("REGREEN_")}
    assert named <= fields(OURS[name], secret=False)


def test_every_setting_of_the_starter_can_be_set_in_the_env_file() -> None:
    named = {key for key in SERVICES["starter"]["environment"] if key.startswith("REGREEN_")}
    assert named == fields(StarterSettings, secret=False)


@pytest.mark.parametrize("name", OURS)
def test_every_secret_mounted_is_read_as_a_setting(name: str) -> None:
    mounted = {secret.upper() for secret in SERVICES[name]["secrets"]}
    assert mounted <= fields(OURS[name], secret=True) | fields(PayloadSettings, secret=True)


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        (
            "starter",
            {
                "regreen_webhook_secret",
                "regreen_webhook_secret_previous",
                "regreen_dashboard_token",
                PAYLOAD_KEYS,
            },
        ),
        ("publisher", {"regreen_publisher_private_key", "regreen_notify_url", PAYLOAD_KEYS}),
        ("analyst", {"regreen_reader_private_key", "anthropic_api_key", PAYLOAD_KEYS}),
        ("postgresql", {"postgres_password"}),
        ("temporal-schema", {"postgres_password"}),
        ("temporal", {"postgres_password"}),
        ("temporal-namespace", set()),
        ("temporal-ui", set()),
        ("codec-server", {"regreen_codec_token", PAYLOAD_KEYS}),
        *((name, set()) for name in sorted(TELEMETRY)),
    ],
)
def test_each_service_sees_its_own_secrets_only(name: str, secrets: set[str]) -> None:
    assert set(SERVICES[name].get("secrets", ())) == secrets


def test_no_service_was_forgotten_above() -> None:
    assert len(SERVICES) == 9 + len(TELEMETRY)


def test_telemetry_is_started_by_its_profile_alone() -> None:
    assert {
        name for name, service in SERVICES.items() if service.get("profiles") == ["telemetry"]
    } == TELEMETRY
    for name in SERVICES.keys() - TELEMETRY:
        assert not SERVICES[name].get("depends_on", {}).keys() & TELEMETRY


def test_a_file_of_secrets_is_never_handed_to_a_service_whole() -> None:
    assert not [name for name, service in SERVICES.items() if "env_file" in service]


def test_the_codec_server_is_started_only_when_it_is_asked_for_and_reaches_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = SERVICES["codec-server"]
    assert service["profiles"] == ["codec"]
    assert [name for name in SERVICES if networks_of(name) & networks_of("codec-server")] == ["codec-server"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "regreen_codec_token").write_text("a token\n", encoding="utf-8")
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value or ""))
    settings = load(CodecServerSettings, secrets_directory=tmp_path)
    assert settings.origins == (f"http://{SERVICES['temporal-ui']['ports'][0].rsplit(':', 1)[0]}",)


def test_secrets_come_from_files_named_like_them() -> None:
    assert {name: source["file"] for name, source in COMPOSE["secrets"].items()} == {
        name: f"./secrets/{name}" for name in COMPOSE["secrets"]
    }
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_workers_start_with_what_the_file_gives_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for role in (Role.PUBLISHER, Role.ANALYST):
        service = SERVICES[role]
        mounted = tmp_path / role
        mounted.mkdir()
        for secret in service["secrets"]:
            text = "" if secret == "regreen_notify_url" else "a key\n"
            (mounted / secret).write_text(text, encoding="utf-8")
        for name, value in service["environment"].items():
            monkeypatch.setenv(name, str(value or ""))
        settings = load(WorkerSettings, secrets_directory=mounted)
        assert settings.role is role
        assert (settings.publisher_private_key is not None) is (role is Role.PUBLISHER)
        assert (settings.reader_private_key is not None) is (role is Role.ANALYST)


def test_the_starter_starts_with_what_the_file_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "regreen_webhook_secret").write_text("a secret\n", encoding="utf-8")
    (tmp_path / "regreen_webhook_secret_previous").touch()
    (tmp_path / "regreen_dashboard_token").touch()
    for name, value in SERVICES["starter"]["environment"].items():
        monkeypatch.setenv(name, str(value or ""))
    settings = load(StarterSettings, secrets_directory=tmp_path)
    assert settings.host == "0.0.0.0"  # noqa: S104 — inside the container; the ports entry decides who reaches it
    assert settings.webhook_secrets()[0] == b"a secret"


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_by_version(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?", SERVICES[name]["image"])


def test_our_own_images_carry_the_project_s_version() -> None:
    declared = re.search(
        r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert declared
    assert {SERVICES[name]["image"] for name in OURS} == {f"regreen-{name}:{declared[1]}" for name in OURS}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOT - WITHOUT_A_SHELL))
def test_every_lasting_service_has_a_health_check(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert service["build"]["target"] == name
        assert name in stages_with_health_check()
    else:
        assert service["healthcheck"]["test"]


def stages_with_health_check() -> set[str]:
    stage, found = "", set()
    for line in DockerfileParser(str(ROOT / "deploy" / "Dockerfile"), cache_content=True).structure:
        if line["instruction"] == "FROM":
            stage = line["value"].rsplit(maxsplit=1)[-1]
        elif line["instruction"] == "HEALTHCHECK":
            found.add(stage)
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_waits_for_what_it_needs_by_condition(name: str) -> None:
    for needed, need in SERVICES[name].get("depends_on", {}).items():
        assert need["condition"] in {"service_healthy", "service_completed_successfully"}
        assert needed in SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_runs_without_capabilities_and_may_gain_none(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert "cap_add" not in SERVICES[name]
    assert not SERVICES[name].get("privileged")
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


def test_only_the_web_ui_may_write_to_its_own_file_system() -> None:
    assert [name for name, service in SERVICES.items() if not service["read_only"]] == ["temporal-ui"]


def test_only_the_analyst_lifts_a_filter_of_the_container() -> None:
    lifted = {name for name, service in SERVICES.items() if len(service["security_opt"]) > 1}
    assert lifted == {"analyst"}


def test_only_the_starter_is_reached_from_other_machines() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"starter", "temporal-ui", "codec-server", "grafana"}
    for name in published.keys() - {"starter"}:
        assert all(port.startswith("127.0.0.1:") for port in published[name])


def test_the_database_is_reached_by_temporal_only() -> None:
    near = {name for name in SERVICES if networks_of(name) & networks_of("postgresql")}
    assert near == {"postgresql", "temporal-schema", "temporal"}
    assert COMPOSE["networks"]["database"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_our_services_reach_temporal_and_not_one_another(name: str) -> None:
    assert networks_of(name) & networks_of("temporal")
    for other in OURS.keys() - {name}:
        assert not networks_of(name) & networks_of(other)


def test_temporal_itself_has_no_way_out() -> None:
    assert all(COMPOSE["networks"][name] == {"internal": True} for name in networks_of("temporal"))
    assert all(COMPOSE["networks"][name] == {"internal": True} for name in networks_of("postgresql"))


def test_every_network_volume_and_secret_used_is_declared_and_the_other_way_round() -> None:
    for kind in ("networks", "secrets"):
        used = {name for service in SERVICES.values() for name in service.get(kind, ())}
        assert used == COMPOSE[kind].keys()
    mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())]
    assert {mount for mount in mounts if not mount.startswith("./")} == COMPOSE["volumes"].keys()
    assert all((ROOT / mount).exists() for mount in mounts if mount.startswith("./"))


@pytest.mark.parametrize(
    "script", sorted((ROOT / "deploy" / "temporal").glob("*.sh")), ids=lambda path: path.name
)
def test_every_script_that_is_mounted_parses(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True, timeout=10)
