"""Composition root of the worker process: settings → clients → activities → Temporal workers."""

import asyncio
import hashlib
import importlib.metadata
import importlib.resources
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

import httpx2
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import Runtime
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.adapters.access import Access
from activities.adapters.channel import Channel, is_channel
from activities.adapters.claude import Claude, ModelAccess, ModelProvider
from activities.adapters.credentials import AppInstallation, Credentials, NoCredentials, PersonalToken
from activities.adapters.github import GitHub
from activities.adapters.model_prices import ModelPrice
from activities.adapters.repository import RepositoryMirrors
from activities.adapters.turns import WRITE_SPACING, NoWrites, Turns
from activities.adapters.wire import OnAnswer
from activities.checks.activity import ChecksActivities
from activities.checks.doctor import Configured
from activities.checks.doctor import examine as examine_access
from activities.checks.findings import Finding, fine, problem
from activities.checks.sweep import SweepActivities
from activities.diagnosis.activity import DiagnosisActivities
from activities.errors import AdapterError
from activities.evidence.activity import EvidenceActivities
from activities.evidence.failed_logs import FailedLog
from activities.evidence.failed_logs import failed_logs as failed_logs_of
from activities.evidence.log_cache import LOG_CACHE_BYTES, LogCache
from activities.evidence.redaction import remember
from activities.metering import QuotaGauge
from activities.patching.activity import PatchingActivities
from activities.patching.doctor import Examination, examine
from activities.patching.sandbox import Sandbox
from activities.patching.session.activity import SessionActivities
from activities.publishing.activity import PublishingActivities
from activities.publishing.notices import NoticeActivities
from activities.publishing.own_branches import OwnBranches
from activities.publishing.rehearsal import Rehearsal
from activities.publishing.repository import RepositoryActivities
from activities.publishing.simulation import Simulator
from activities.publishing.switch import WriteSwitch
from workflows.configuration import CommaList, Duration, ListenAddress
from workflows.connection import connect, register_search_attributes
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE
from workflows.patch_attempt import PatchAttemptWorkflow
from workflows.remediation import RemediationWorkflow
from workflows.sweep import SweepWorkflow
from workflows.telemetry import metrics_runtime

GRACE: Final = timedelta(seconds=60)
"""How long running activities may finish after a stop was asked for: a GitHub call's own limit."""
HTTP_TIMEOUT_SECONDS: Final = 10.0
PATCHING_AT_ONCE: Final = 4
"""Repairs run the repository's own tools, which use every core they find."""

_SECRETS_OF_SDKS: Final = (
    "TEMPORAL_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "OTEL_EXPORTER_OTLP_HEADERS",
)

log = logging.getLogger("regreen.worker")


class Role(StrEnum):
    """Which queue a worker process serves, and so which secrets it needs."""

    ALL = "all"
    """Both, on a laptop."""
    PUBLISHER = "publisher"
    """Workflows, and every write to GitHub. Never reads logs or runs repository code."""
    ANALYST = "analyst"
    """Logs, diagnosis, patches. Cannot write to GitHub."""


class WorkerSettings(BaseSettings):
    """Settings of a worker process, from the environment (prefix `REGREEN_`), `.env` and `/run/secrets`."""

    model_config = SettingsConfigDict(
        env_prefix="REGREEN_", env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    role: Role = Field(
        default=Role.ALL,
        description=(
            "which queues the worker serves: `all`, `publisher` or `analyst`; with it, which secrets it needs"
        ),
    )
    deployment_name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,100}$",
        description=(
            "turns [worker versioning](install.md#upgrades) on: a remediation stays with the build that "
            "started it"
        ),
    )
    build_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description=(
            "with it, the name of this build; without one, the version and a digest of the workflows' source"
        ),
    )
    github_api_url: str = Field(
        default="https://api.github.com",
        description="REST root; `https://HOST/api/v3` on GitHub Enterprise Server",
    )
    github_url: str = Field(default="https://github.com", description="web and git root")
    dashboard_url: str | None = Field(
        default=None, description="where people reach `regreen serve`, as `https://regreen.example`"
    )
    publisher_token: SecretStr | None = Field(
        default=None,
        description="token that may write contents and pull requests; the simple alternative to an App",
    )
    publisher_app_id: str | None = Field(default=None, description="id of the GitHub App that may write")
    publisher_private_key: SecretStr | None = Field(
        default=None, description="that App's private key, PEM; line breaks may be written `\\n`"
    )
    reader_token: SecretStr | None = Field(default=None, description="token that may only read")
    reader_app_id: str | None = Field(
        default=None, description="id of a second GitHub App, which may only read"
    )
    reader_private_key: SecretStr | None = Field(
        default=None, description="the second App's private key, PEM"
    )
    github_write_spacing: Duration = Field(
        default=WRITE_SPACING,
        ge=timedelta(0),
        description="pause after each write to GitHub, per installation and "
        "process; GitHub asks for a second",
    )
    pause_file: Path | None = Field(
        default=None, description="while this file exists, the publisher writes nothing to GitHub"
    )
    notify_url: SecretStr | None = Field(
        default=None,
        description=(
            "Slack-compatible incoming webhook that is [told when a human is "
            "needed](dashboard.md#notices); a credential"
        ),
    )
    cache_dir: Path = Field(
        default=Path("~/.cache/regreen"),
        description="git mirrors and job logs; only a cache, delete it whenever no worker runs",
    )
    log_cache_bytes: int = Field(
        default=LOG_CACHE_BYTES,
        ge=1024**2,
        description="what the logs on disk may take in all; of a log longer than "
        "half of it the two ends are kept",
    )
    compare_with_green: bool = Field(
        default=True,
        description="fetch the last green run's logs too: what a long failed log "
        "shares with them explains little",
    )
    model_provider: ModelProvider = Field(
        default=ModelProvider.ANTHROPIC,
        description=(
            "who serves the model: `anthropic` (or a gateway that speaks its API), `bedrock`, `vertex`, "
            "or `off`; the two clouds need `pip install 'regreen[bedrock]'` or `'regreen[vertex]'` and "
            "take credentials, region and project from their own variables"
        ),
    )
    model: str = Field(default="claude-sonnet-5-5", description="the model's name, as its provider spells it")
    repair_model: str | None = Field(
        default=None, description="another model for repairs; without it, `REGREEN_MODEL` repairs too"
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="ANTHROPIC_API_KEY",
        description=(
            "key of the Claude API or of a gateway; only the analyst uses it. Without one, rules alone decide"
        ),
    )
    anthropic_base_url: str | None = Field(
        default=None, validation_alias="ANTHROPIC_BASE_URL", description="another address of the model's API"
    )
    model_prices: dict[str, ModelPrice] | None = Field(
        default=None,
        description=(
            "US dollars per million tokens by model, as JSON, beside the [list "
            "prices](operations.md#what-a-model-costs)"
        ),
    )
    metrics_address: ListenAddress | None = Field(
        default=None,
        description=(
            "where this worker's [metrics](metrics.md) can be scraped: `127.0.0.1:9464`, or a port alone, "
            "which means the loopback address"
        ),
    )
    tool_dirs: CommaList[Path] = Field(
        default=(),
        description=(
            "further folders whose programs repairs may run; of each, `bin`, `node_modules/.bin` or the "
            "folder itself is searched"
        ),
    )

    @field_validator("notify_url")
    @classmethod
    def _kept_from_the_wire(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        if not is_channel(url.get_secret_value()):
            raise ValueError("it must be an https:// address")
        return url

    @model_validator(mode="after")
    def _publisher_can_write(self) -> Self:
        if self.role is Role.ANALYST:
            return self
        if self.publisher_token is None and (
            self.publisher_app_id is None or self.publisher_private_key is None
        ):
            raise ValueError(
                "REGREEN_PUBLISHER_APP_ID and REGREEN_PUBLISHER_PRIVATE_KEY (or REGREEN_PUBLISHER_TOKEN) "
                f"are missing; the role {self.role} needs them to open pull requests"
            )
        return self

    def credentials(self, of: Role, http: httpx2.AsyncClient) -> Credentials:
        """The GitHub credential of the publisher or of the analyst."""
        publisher = of is Role.PUBLISHER
        token = self.publisher_token if publisher else self.reader_token
        app_id = self.publisher_app_id if publisher else self.reader_app_id
        key = self.publisher_private_key if publisher else self.reader_private_key
        if token is not None:
            return PersonalToken(token)
        if app_id is not None and key is not None:
            return AppInstallation(app_id, key, http, self.github_api_url)
        return NoCredentials()


def claude(settings: WorkerSettings, http: httpx2.AsyncClient, *, model: str | None = None) -> Claude | None:
    """The model (by default the one for diagnoses), or None where none is set up."""
    without_key = settings.model_provider is ModelProvider.ANTHROPIC and not settings.anthropic_api_key
    if settings.model_provider is ModelProvider.OFF or without_key:
        return None
    access = ModelAccess(
        provider=settings.model_provider,
        model=model or settings.model,
        api_key=settings.anthropic_api_key,
        base_url=settings.anthropic_base_url,
        prices=settings.model_prices or {},
    )
    return Claude(access, http)


def publisher_activities(
    settings: WorkerSettings,
    http: httpx2.AsyncClient,
    turns: Turns | None = None,
    on_answer: OnAnswer | None = None,
) -> list[Callable[..., Any]]:
    """The activities of the queue `ci-remediation`: deterministic, may write to GitHub."""
    github = GitHub(
        http,
        settings.credentials(Role.PUBLISHER, http),
        api_url=settings.github_api_url,
        turns=turns or Turns(settings.github_write_spacing),
        on_answer=on_answer,
    )
    switch = WriteSwitch(github, settings.pause_file)
    channel = Channel(http, settings.notify_url) if settings.notify_url is not None else None
    checks = ChecksActivities(github, switch, notifies=channel is not None)
    notices = NoticeActivities(channel, settings.github_url, settings.dashboard_url)
    publishing = PublishingActivities(github, switch)
    repository = RepositoryActivities(github, switch)
    return [
        checks.read_run,
        checks.read_checks,
        checks.rerun_failed_jobs,
        publishing.judge_patch,
        publishing.write_commit,
        publishing.advance_fix_branch,
        publishing.open_pull_request,
        publishing.label_pull_request,
        publishing.request_review,
        publishing.request_auto_merge,
        publishing.close_pull_request,
        publishing.read_pull_request,
        publishing.find_revert,
        publishing.post_report,
        publishing.authorise_order,
        repository.report_broken_settings,
        notices.notify_human,
        SweepActivities(github).find_failed_runs,
    ]


def analyst_activities(
    settings: WorkerSettings, http: httpx2.AsyncClient, on_answer: OnAnswer
) -> list[Callable[..., Any]]:
    """The activities of the queue `ci-patching`: they read hostile text and cannot write to GitHub."""
    credentials = settings.credentials(Role.ANALYST, http)
    github = GitHub(http, credentials, api_url=settings.github_api_url, on_answer=on_answer)
    cache = settings.cache_dir.expanduser()
    mirrors = RepositoryMirrors(cache / "git", server_url=settings.github_url, credentials=credentials)
    sandbox = Sandbox(tools=settings.tool_dirs)
    state = sandbox.probe()
    if state.works:
        log.info("sandbox: works, %s", state.detail)
    else:
        log.warning("sandbox: does not work, so no command of a repository will run: %s", state.detail)
    logs = LogCache(github, cache / "logs", settings.log_cache_bytes)
    evidence = EvidenceActivities(github, logs, compare=settings.compare_with_green)
    diagnosis = DiagnosisActivities(claude(settings, http))
    repairing = claude(settings, http, model=settings.repair_model)
    session = SessionActivities(mirrors, sandbox, evidence.read_log, repairing)
    return [
        evidence.collect_evidence,
        evidence.read_log,
        diagnosis.diagnose_failure,
        diagnosis.diagnose_by_model,
        PatchingActivities(mirrors, sandbox, github).propose_patch,
        session.open_session,
        session.take_turn,
        session.use_tools,
        session.prove_submission,
    ]


async def read_run_event(settings: WorkerSettings, repository: str, run_id: int) -> bytes:
    """The webhook event of a run as it stands now, read as the analyst; see `Access.run_event`."""
    async with httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS) as http:
        access = Access(http, settings.credentials(Role.ANALYST, http), settings.github_api_url)
        return await access.run_event(repository, run_id)


@asynccontextmanager
async def rehearsing(client: Client, settings: WorkerSettings) -> AsyncIterator[Rehearsal]:
    """Serve both queues with the activities of production, and write nothing to GitHub.

    Three things keep it from writing: the rehearsal answers for activities that would, the only credential
    is the reader's, and the client for GitHub refuses every request that changes something.
    """
    remember(own_secrets(settings))
    reading = settings.model_copy(
        update={
            "role": Role.ALL,
            "publisher_token": settings.reader_token,
            "publisher_app_id": settings.reader_app_id,
            "publisher_private_key": settings.reader_private_key,
        }
    )
    rehearsal = Rehearsal()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS))
        workers = build_workers(client, reading, http, turns=NoWrites(), interceptors=[rehearsal])
        for each in workers:
            await stack.enter_async_context(each)
        yield rehearsal


@asynccontextmanager
async def own_branches(settings: WorkerSettings) -> AsyncIterator[OwnBranches]:
    """Regreen's own branches, with the publisher's credential and its switch."""
    remember(own_secrets(settings))
    async with httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS) as http:
        github = GitHub(
            http,
            settings.credentials(Role.PUBLISHER, http),
            api_url=settings.github_api_url,
            turns=Turns(settings.github_write_spacing, patience=timedelta(minutes=10)),
        )
        yield OwnBranches(github, WriteSwitch(github, settings.pause_file))


@asynccontextmanager
async def simulating(settings: WorkerSettings, token: SecretStr) -> AsyncIterator[Simulator]:
    """What breaks a branch on purpose, as whoever the token belongs to."""
    remember([*own_secrets(settings), token.get_secret_value()])
    async with httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS) as http:
        turns = Turns(settings.github_write_spacing, patience=timedelta(minutes=10))
        yield Simulator(GitHub(http, PersonalToken(token), api_url=settings.github_api_url, turns=turns))


async def failed_logs(
    settings: WorkerSettings, repository: str, run_id: int, attempt: int | None, folder: Path
) -> AsyncIterator[FailedLog]:
    """The logs of a run's failed jobs, as the analyst may read them; see `failed_logs.failed_logs`."""
    async with httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS) as http:
        github = GitHub(http, settings.credentials(Role.ANALYST, http), api_url=settings.github_api_url)
        logs = LogCache(github, folder, settings.log_cache_bytes)
        async for log in failed_logs_of(github, logs, repository, run_id, attempt):
            yield log


def examine_machine(settings: WorkerSettings) -> Examination:
    """What repairs would find here, were a worker started."""
    return examine(Sandbox(tools=settings.tool_dirs))


async def examine_model(settings: WorkerSettings) -> Finding:
    """Whether the model that is set here can be used. Asks nothing that is paid."""
    async with httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS) as http:
        model = claude(settings, http)
        if model is None:
            return fine("model", "none is set up; rules and recipes work alone")
        where = settings.anthropic_base_url or settings.model_provider
        if settings.model_provider is not ModelProvider.ANTHROPIC:
            return fine("model", f"{model.model} at {where}; it cannot be asked for free, so it was not")
        try:
            await model.look_up()
        except AdapterError as error:
            remedy = "check ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL and REGREEN_MODEL"
            return problem("model", f"{model.model} at {where}: {error}", remedy)
        return fine("model", f"{model.model} at {where} may be asked")


async def examine_github(settings: WorkerSettings, repository: str | None) -> tuple[Finding, ...]:
    """What is wrong with the access to GitHub that is set here, as `activities.checks.doctor` says it."""

    def configured(of: Role, app_id: str | None, token: SecretStr | None) -> Configured:
        credentials = settings.credentials(of, http)
        access = Access(http, credentials, settings.github_api_url)
        return Configured(
            access=None if isinstance(credentials, NoCredentials) else access,
            app_id=app_id if token is None else None,
            token_prefix=token.get_secret_value().strip()[:4] if token is not None else "",
        )

    async with httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS) as http:
        return await examine_access(
            configured(Role.PUBLISHER, settings.publisher_app_id, settings.publisher_token),
            configured(Role.ANALYST, settings.reader_app_id, settings.reader_token),
            repository,
        )


def default_build_id() -> str:
    """The version and a digest of the workflows' source: where it is the same, so are the workflows."""
    digest = hashlib.sha256()
    for source in sorted(importlib.resources.files("workflows").iterdir(), key=lambda each: each.name):
        if source.name.endswith(".py"):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    try:
        version = importlib.metadata.version("regreen")
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    return f"{version}-{digest.hexdigest()[:12]}"


def deployment(settings: WorkerSettings) -> WorkerDeploymentConfig | None:
    """How workflows are tied to this build; None where any build continues any workflow.

    Only workflows are versioned. The analyst's activities go to whichever analyst polls: the builds before
    and after understand their payloads, and a mended analyst shall serve every open remediation.
    """
    if settings.deployment_name is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment_name, settings.build_id or default_build_id()),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def build_workers(
    client: Client,
    settings: WorkerSettings,
    http: httpx2.AsyncClient,
    *,
    turns: Turns | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> Sequence[Worker]:
    """One Temporal worker per queue that the role serves.

    Args:
        client: Where they poll.
        settings: Role, credentials, limits.
        http: The client for every request.
        turns: Orders the publisher's requests, if not by the settings' spacing.
        interceptors: Stand before every activity.
    """
    runtime = client.service_client.config.runtime or Runtime.default()
    on_answer = QuotaGauge(runtime.metric_meter)
    workers = []
    if settings.role is not Role.ANALYST:
        workers.append(
            Worker(
                client,
                task_queue=PUBLISHER_QUEUE,
                workflows=[RemediationWorkflow, PatchAttemptWorkflow, SweepWorkflow],
                activities=publisher_activities(settings, http, turns, on_answer),
                interceptors=interceptors,
                workflow_runner=SandboxedWorkflowRunner(
                    restrictions=SandboxRestrictions.default.with_passthrough_modules(
                        "pydantic_core", "pydantic"
                    )
                ),
                graceful_shutdown_timeout=GRACE,
                deployment_config=deployment(settings),
            )
        )
    if settings.role is not Role.PUBLISHER:
        workers.append(
            Worker(
                client,
                task_queue=ANALYST_QUEUE,
                activities=analyst_activities(settings, http, on_answer),
                interceptors=interceptors,
                max_concurrent_activities=PATCHING_AT_ONCE,
                graceful_shutdown_timeout=GRACE,
            )
        )
    return workers


def own_secrets(settings: WorkerSettings) -> list[str]:
    """Every secret this process knows of: its settings, and what SDKs read for themselves."""
    given = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    return given + [value for name in _SECRETS_OF_SDKS if (value := os.environ.get(name))]


async def serve(settings: WorkerSettings, stopping: asyncio.Event) -> None:
    """Serve the role's queues until `stopping` is set; then let running activities finish."""
    remember(own_secrets(settings))
    client = await connect(runtime=metrics_runtime(settings.metrics_address, {"role": settings.role}))
    await register_search_attributes(client)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=HTTP_TIMEOUT_SECONDS))
        for worker in build_workers(client, settings, http):
            await stack.enter_async_context(worker)
        versioned = deployment(settings) if settings.role is not Role.ANALYST else None
        log.info("serving as %s", settings.role)
        if versioned is not None:
            build = versioned.version
            log.info("workflows: build %s of deployment %s", build.build_id, build.deployment_name)
        await stopping.wait()
        log.info("stopping: running activities get up to %.0f s", GRACE.total_seconds())


async def run(settings: WorkerSettings) -> None:
    """`serve` until SIGINT or SIGTERM."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for received in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(received, stopping.set)
    await serve(settings, stopping)
