from datetime import timedelta
from pathlib import Path

import pytest

from starter.settings import StarterSettings
from workflows.configuration import ConfigurationError, load, variable
from workflows.models import Limits, TriagePolicy


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # away from any .env
    for field in StarterSettings.model_fields:
        monkeypatch.delenv(variable(StarterSettings, field), raising=False)


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGREEN_WEBHOOK_SECRET", "s3cret")


def test_a_missing_secret_is_named_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(StarterSettings)

    assert str(raised.value) == (
        "REGREEN_WEBHOOK_SECRET is not set (the secret of the GitHub webhook): "
        "put it in the environment or in .env"
    )


def test_an_empty_secret_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGREEN_WEBHOOK_SECRET", "")

    with pytest.raises(ConfigurationError, match="REGREEN_WEBHOOK_SECRET is not set"):
        load(StarterSettings)


def test_an_unusable_value_is_named_in_one_line_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, secret: None
) -> None:
    monkeypatch.setenv("REGREEN_PORT", "s3cret-by-mistake")
    monkeypatch.setenv("REGREEN_CI_POLL", "-5")

    with pytest.raises(ConfigurationError) as raised:
        load(StarterSettings)

    text = str(raised.value)
    assert "REGREEN_PORT is unusable" in text
    assert "REGREEN_CI_POLL is unusable" in text
    assert "s3cret" not in text
    assert "\n" not in text


def test_without_further_settings_the_defaults_of_the_limits_and_the_policy_hold(secret: None) -> None:
    settings = load(StarterSettings)

    assert settings.limits() == Limits()
    assert settings.policy() == TriagePolicy()


def test_every_limit_and_every_policy_can_be_set(monkeypatch: pytest.MonkeyPatch, secret: None) -> None:
    for name, value in {
        "MAX_ATTEMPTS": "2",
        "RERUNS": "0",
        "EXCERPT_BYTES": "2048",
        "PATCH_BYTES": "1000",
        "PATCH_FILES": "3",
        "CI_DEADLINE": "90m",
        "CI_APPEARANCE": "PT5M",
        "CI_POLL": "30",
        "APPROVAL_DEADLINE": "2d",
        "MERGE_WATCH": "12 h",
        "REVERT_WATCH": "0",
        "SESSION_CALLS": "5",
        "SESSION_TIME": "3m",
        "SESSION_USD": "0.5",
        "REMEDIATION_USD": "1.5",
        "SKIP_MARKER": "[no bots]",
        "DISABLED_REPOSITORIES": "acme/one, acme/two,",
        "DISABLED_WORKFLOWS": "nightly.yml",
        "PROTECTED_PATHS": "infra/**, *.tf",
        "REPAIR_BOT_BRANCHES": "true",
        "DIAGNOSE_FORKS": "yes",
        "PULL_REQUESTS_PER_DAY": "4",
        "ASK_MODEL": "no",
        "ALLOW_AUTO_MERGE": "yes",
    }.items():
        monkeypatch.setenv(f"REGREEN_{name}", value)

    settings = load(StarterSettings)

    assert settings.limits() == Limits(
        attempts=2,
        reruns=0,
        excerpt_bytes=2048,
        patch_bytes=1000,
        patch_files=3,
        ci_deadline=timedelta(minutes=90),
        ci_appearance=timedelta(minutes=5),
        ci_poll=timedelta(seconds=30),
        approval_deadline=timedelta(days=2),
        session_calls=5,
        session_time=timedelta(minutes=3),
        session_usd=0.5,
        remediation_usd=1.5,
        merge_watch=timedelta(hours=12),
        revert_watch=timedelta(0),
        pull_requests_per_day=4,
    )
    assert settings.policy() == TriagePolicy(
        skip_marker="[no bots]",
        disabled_repositories=("acme/one", "acme/two"),
        disabled_workflows=("nightly.yml",),
        protected_paths=("infra/**", "*.tf"),
        repair_bot_branches=True,
        diagnose_forks=True,
        ask_model=False,
        allow_auto_merge=True,
    )
    assert all(getattr(settings.limits(), name) != getattr(Limits(), name) for name in Limits.model_fields)
    assert all(
        getattr(settings.policy(), name) != getattr(TriagePolicy(), name)
        for name in TriagePolicy.model_fields.keys() - {"recipes"}  # only a repository sets those
    )


def test_no_configuration_gives_more_than_three_attempts(
    monkeypatch: pytest.MonkeyPatch, secret: None
) -> None:
    monkeypatch.setenv("REGREEN_MAX_ATTEMPTS", "50")

    assert load(StarterSettings).limits().attempts == 3


def test_a_mounted_secret_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "regreen_webhook_secret").write_text("mounted\n")

    assert load(StarterSettings, secrets_directory=secrets).webhook_secrets() == (b"mounted",)
    monkeypatch.setenv("REGREEN_WEBHOOK_SECRET", "exported")
    assert load(StarterSettings, secrets_directory=secrets).webhook_secrets() == (b"exported",)


def test_a_file_named_env_in_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "REGREEN_WEBHOOK_SECRET=filed\nREGREEN_WEBHOOK_SECRET_PREVIOUS=older\nREGREEN_ROLE=all\n"
    )

    assert load(StarterSettings).webhook_secrets() == (b"filed", b"older")


def test_a_command_line_option_wins_and_one_not_given_does_not(
    monkeypatch: pytest.MonkeyPatch, secret: None
) -> None:
    monkeypatch.setenv("REGREEN_HOST", "0.0.0.0")  # noqa: S104 — only read back

    settings = load(StarterSettings, host=None, port=9)

    assert (settings.host, settings.port) == ("0.0.0.0", 9)  # noqa: S104 — likewise


def test_a_secret_is_not_shown() -> None:
    settings = load(StarterSettings, webhook_secret="s3cret")

    assert "s3cret" not in repr(settings)


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in StarterSettings.model_fields.items() if not field.description] == []


def test_the_dashboard_is_set_up_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "WEBHOOK_SECRET": "s3cr3t",
        "DASHBOARD_TOKEN": "a token that is long enough",
        "DASHBOARD_PROXIES": "10.0.0.7, 10.1.0.0/16",
        "DASHBOARD_PROXY_USER_HEADER": "X-User",
        "DASHBOARD_OPERATORS": "ada, grace",
        "DASHBOARD_URL": "https://regreen.example",
    }.items():
        monkeypatch.setenv(f"REGREEN_{name}", value)

    settings = load(StarterSettings)

    assert settings.dashboard_token is not None
    assert "long enough" not in repr(settings)
    assert settings.dashboard_proxies == ("10.0.0.7", "10.1.0.0/16")
    assert settings.dashboard_operators == ("ada", "grace")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DASHBOARD_TOKEN", "t00-short"),
        ("DASHBOARD_PROXIES", "proxy.example"),
        ("DASHBOARD_URL", "javascript:alert(1)"),
        ("GITHUB_URL", "https://github.example/?x"),
    ],
)
def test_what_would_open_the_dashboard_to_the_wrong_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("REGREEN_WEBHOOK_SECRET", "s3cr3t")
    monkeypatch.setenv(f"REGREEN_{name}", value)
    with pytest.raises(ConfigurationError, match=f"REGREEN_{name} is unusable") as said:
        load(StarterSettings)
    assert value not in str(said.value)
