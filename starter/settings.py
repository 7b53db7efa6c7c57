"""Settings of the webhook service: environment variables that begin with `REGREEN_`."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from starter.proxies import checked_networks
from workflows.configuration import CommaList, Duration
from workflows.models import ATTEMPTS_CEILING, Limits, TriagePolicy

_LIMITS: Final = Limits()
_POLICY: Final = TriagePolicy()
_TOKEN_CHARACTERS: Final = 20
"""Of a secret that a stranger may guess at as fast as the network lets them."""

Proxies = Annotated[CommaList[str], AfterValidator(checked_networks)]
"""Addresses or networks: `10.0.0.7, 10.1.0.0/16`."""
WebRoot = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?$")]
"""An address that others are made of by putting a path behind it."""
Span = Annotated[Duration, Field(gt=timedelta(0))]
"""A duration that is not nothing."""


_FROM: Final = SettingsConfigDict(
    env_prefix="REGREEN_", env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
)


class ServiceSettings(BaseSettings):
    """What an operator sets for the webhook service alone."""

    model_config = _FROM

    github_url: WebRoot = Field(default="https://github.com", description="web and git root")
    dashboard_url: WebRoot | None = Field(
        default=None, description="where people reach `regreen serve`, as `https://regreen.example`"
    )

    webhook_secret: SecretStr = Field(min_length=1, description="the secret of the GitHub webhook")
    webhook_secret_previous: SecretStr | None = Field(
        default=None, description="the webhook secret before a rotation; accepted as well"
    )
    host: str = Field(default="127.0.0.1", description="address the service listens on")
    port: int = Field(default=8080, ge=0, le=65_535, description="port the service listens on; 0 picks one")
    max_body_bytes: int = Field(
        default=25_000_000, ge=1_024, description="largest accepted webhook body; GitHub sends up to 25 MB"
    )

    sweep_interval: Duration = Field(
        default=timedelta(minutes=15),
        ge=timedelta(0),
        description="how often failures are looked for whose webhook never came; 0 for never",
    )
    sweep_repositories: CommaList[str] = Field(
        default=(),
        description="repositories looked at so, beside all that the publisher's App is installed on",
    )

    dashboard_token: SecretStr | None = Field(
        default=None,
        description="opens the [dashboard](dashboard.md) to who has it, orders included; "
        "at least 20 characters",
    )
    dashboard_proxies: Proxies = Field(
        default=(), description="addresses of the proxies whose users may read the dashboard"
    )
    dashboard_proxy_user_header: str = Field(
        default="X-Forwarded-User", min_length=1, description="where such a proxy names the person it let in"
    )
    dashboard_operators: CommaList[str] = Field(
        default=(), description="those users of the proxies who may give orders; `*` for all of them"
    )

    @field_validator("dashboard_token")
    @classmethod
    def _hard_to_guess(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None or not token.get_secret_value():
            return None
        if len(token.get_secret_value()) < _TOKEN_CHARACTERS:
            advice = "`openssl rand -hex 32` makes one"
            raise ValueError(f"it has fewer than {_TOKEN_CHARACTERS} characters; {advice}")
        return token

    def webhook_secrets(self) -> tuple[bytes, ...]:
        """The secrets a signature may be made with, the current one first."""
        secrets = (self.webhook_secret, self.webhook_secret_previous)
        return tuple(secret.get_secret_value().encode() for secret in secrets if secret is not None)


class RemediationSettings(BaseSettings):
    """The bounds each remediation starts with, whoever starts it."""

    model_config = _FROM

    max_attempts: int = Field(
        default=_LIMITS.attempts, ge=1, description=f"fix attempts; above {ATTEMPTS_CEILING} counts as that"
    )
    reruns: int = Field(
        default=_LIMITS.reruns, ge=0, le=1, description="reruns of a failure that looks transient"
    )
    excerpt_bytes: int = Field(
        default=_LIMITS.excerpt_bytes, ge=1_024, le=32_768, description="longest log excerpt"
    )
    patch_bytes: int = Field(default=_LIMITS.patch_bytes, ge=1, description="largest patch")
    patch_files: int = Field(default=_LIMITS.patch_files, ge=1, description="most files a patch may touch")
    pull_requests_per_day: int = Field(
        default=_LIMITS.pull_requests_per_day,
        ge=0,
        description="fix pull requests opened in one repository within 24 hours",
    )
    ci_deadline: Span = Field(default=_LIMITS.ci_deadline, description="longest wait for CI on a fix")
    ci_appearance: Span = Field(
        default=_LIMITS.ci_appearance, description="longest wait for the first check of a fix"
    )
    ci_poll: Span = Field(default=_LIMITS.ci_poll, description="how often CI is read without a webhook")
    approval_deadline: Span = Field(
        default=_LIMITS.approval_deadline, description="longest wait for a human's approval"
    )
    merge_watch: Span = Field(
        default=_LIMITS.merge_watch, description="how long a green fix is watched until it is merged"
    )
    revert_watch: Duration = Field(
        default=_LIMITS.revert_watch,
        ge=timedelta(0),
        description="how long a merged fix is watched for its revert; 0 for not at all",
    )
    session_calls: int = Field(
        default=_LIMITS.session_calls, ge=0, description="model calls of one repair session; 0 for none"
    )
    session_time: Duration = Field(
        default=_LIMITS.session_time,
        description="time that replies and tools of one repair session may take",
    )
    session_usd: float = Field(
        default=_LIMITS.session_usd, ge=0, description="US dollars that one repair session may cost"
    )
    remediation_usd: float = Field(
        default=_LIMITS.remediation_usd,
        ge=0,
        description="US dollars that all model calls of one remediation may cost",
    )

    skip_marker: str = Field(
        default=_POLICY.skip_marker,
        min_length=1,
        description="text in a commit message that keeps Regreen away",
    )
    disabled_repositories: CommaList[str] = Field(
        default=_POLICY.disabled_repositories, description="repositories (owner/name) that are left alone"
    )
    disabled_workflows: CommaList[str] = Field(
        default=_POLICY.disabled_workflows, description="workflow names or files that are left alone"
    )
    protected_paths: CommaList[str] = Field(
        default=_POLICY.protected_paths, description="further glob patterns whose change needs a human"
    )
    repair_bot_branches: bool = Field(
        default=_POLICY.repair_bot_branches, description="repair the branches of other bots"
    )
    diagnose_forks: bool = Field(default=_POLICY.diagnose_forks, description="explain failures in forks")
    ask_model: bool = Field(
        default=_POLICY.ask_model, description="whether a model may be asked, for a cause or a patch"
    )
    allow_auto_merge: bool = Field(
        default=_POLICY.allow_auto_merge,
        description="whether GitHub may be asked to merge a green fix, where a repository's settings want it",
    )

    def limits(self) -> Limits:
        """The bounds of each remediation started from here."""
        same = {name: getattr(self, name) for name in Limits.model_fields if name != "attempts"}
        return Limits(attempts=self.max_attempts, **same)

    def policy(self) -> TriagePolicy:
        """What each remediation started from here leaves alone."""
        same = {name: getattr(self, name) for name in TriagePolicy.model_fields if name != "recipes"}
        return TriagePolicy(**same)


class StarterSettings(RemediationSettings, ServiceSettings):
    """What an operator sets for the webhook service, and the bounds each remediation starts with."""
