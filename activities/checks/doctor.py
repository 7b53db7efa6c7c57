"""What is wrong with an installation at GitHub, and what to change. Asks and judges; changes nothing."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from activities.adapters import permissions
from activities.adapters.access import Access, AppRecord, InstallationRecord
from activities.checks.deliveries import Hook, judge_hooks
from activities.checks.findings import Finding, fine, problem, warning
from activities.errors import AdapterError, PermanentError
from activities.publishing.ci_start import Fix, plan
from workflows.naming import fix_branch

_ANY_FIX: Final = fix_branch(1)
_CLASSIC: Final = ("repo", "workflow")
_OF_A_RUN: Final = "ghs_"


class Part(StrEnum):
    """Which credential is looked at."""

    PUBLISHER = "publisher"
    READER = "reader"


@dataclass(frozen=True)
class Configured:
    """What is set on this machine for one part."""

    access: Access | None
    """None where no credential is set."""
    app_id: str | None = None
    token_prefix: str = ""
    """The first signs of a token, which say what kind it is. Nothing secret."""


async def examine(
    publisher: Configured, reader: Configured, repository: str | None = None
) -> tuple[Finding, ...]:
    """Everything there is to say, in the order in which one would look.

    Args:
        publisher: The credential that may write.
        reader: The credential that may only read.
        repository: "owner/name", to look at one repository and its workflows as well.
    """
    found: list[Finding] = []
    for part, configured in ((Part.PUBLISHER, publisher), (Part.READER, reader)):
        found += await _until_error(part, _examine(part, configured, repository))
    if repository is not None and publisher.access is not None:
        found += await _until_error("ci", _examine_ci(publisher.access, repository))
    if publisher.app_id is not None and publisher.app_id == reader.app_id:
        found.append(
            warning(
                Part.READER,
                "the same App as the publisher's: its private key opens everything the App may do",
                "make a second App from deploy/github-reader-app-manifest.json",
            )
        )
    return tuple(found)


async def _until_error(part: str, findings: AsyncIterator[Finding]) -> list[Finding]:
    """The findings, and as the last one what GitHub turned down."""
    found: list[Finding] = []
    try:
        async for each in findings:
            found.append(each)  # noqa: PERF401 — what was found before an error is kept
    except AdapterError as error:
        found.append(problem(part, str(error), _remedy(error)))
    return found


def _remedy(error: AdapterError) -> str:
    if isinstance(error, PermanentError) and error.kind == "unauthorised":
        return "check id and key, or the token; and the clock of this machine"
    if isinstance(error, PermanentError):
        return "grant what is lacking, or check the name of the repository"
    return "check REGREEN_GITHUB_API_URL and the way there: proxy, firewall, certificate"


async def _examine(part: Part, configured: Configured, repository: str | None) -> AsyncIterator[Finding]:
    access = configured.access
    if access is None:
        yield _nothing_set(part)
        return
    if access.is_app():
        async for finding in _examine_app(part, access, repository):
            yield finding
    else:
        async for finding in _examine_token(part, access, configured.token_prefix, repository):
            yield finding


def _nothing_set(part: Part) -> Finding:
    if part is Part.PUBLISHER:
        return warning(part, "no credential is set here", "look where the publisher runs")
    return warning(
        part,
        "no credential is set here; public repositories can be cloned, but their logs may be refused",
        "set REGREEN_READER_APP_ID and REGREEN_READER_PRIVATE_KEY where the analyst runs",
    )


# ── an App ──────────────────────────────────────────────────────────────────────────────────────────────────


async def _examine_app(part: Part, access: Access, repository: str | None) -> AsyncIterator[Finding]:
    app = await access.app()
    yield fine(part, f"the App {app.slug} (id {app.id}) is who it says")
    installed = await access.installation(repository) if repository else None
    found = [installed] if installed else ([] if repository else await access.installations())
    if not found:
        where = repository or "any account"
        yield problem(part, f"the App is not installed on {where}", f"install it: {app.html_url}")
    for installation in found:
        for finding in judge_installation(part, app, installation):
            yield finding
    if part is Part.PUBLISHER:
        hook = await access.app_hook()
        hooks: list[Hook] | None = [hook]
        if repository and not hook[0].url:
            own = await access.repository_hooks(repository)
            hooks = None if own is None else [hook, *own]
        for finding in judge_hooks(hooks, set(app.events)):
            yield finding


def judge_installation(part: Part, app: AppRecord, installed: InstallationRecord) -> Iterator[Finding]:
    """What an installation may do, against what is asked of it."""
    where = installed.account
    if installed.suspended_at is not None:
        yield problem(part, f"the installation on {where} is suspended", f"lift it: {installed.html_url}")
    needed = permissions.PUBLISHER if part is Part.PUBLISHER else permissions.READER
    lacking = permissions.missing(needed, installed.permissions)
    waiting = {name: level for name, level in lacking.items() if name not in _lacking_in(app, needed)}
    never = {name: level for name, level in lacking.items() if name not in waiting}
    if never:
        yield problem(part, f"{where}: not asked for: {_listed(never)}", f"add it to the App: {app.html_url}")
    if waiting:
        yield problem(
            part, f"{where}: asked for, not accepted: {_listed(waiting)}", f"accept it: {installed.html_url}"
        )
    if not lacking:
        yield fine(part, f"{where}: every permission that is needed is granted")
    allowed = {**needed, **permissions.OPTIONAL} if part is Part.PUBLISHER else needed
    more = permissions.beyond(allowed, installed.permissions)
    if more:
        yield warning(part, f"{where}: more than needed: {_listed(more)}", "take it away from the App")
    if part is Part.PUBLISHER:
        for name, level in permissions.missing(permissions.OPTIONAL, installed.permissions).items():
            yield fine(part, f"{where}: without {name}: {level}, {permissions.WITHOUT[name]}")


def _lacking_in(app: AppRecord, needed: Mapping[str, str]) -> dict[str, str]:
    return permissions.missing(needed, app.permissions)


def _listed(some: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {level}" for name, level in sorted(some.items()))


# ── a token ─────────────────────────────────────────────────────────────────────────────────────────────────


async def _examine_token(
    part: Part, access: Access, prefix: str, repository: str | None
) -> AsyncIterator[Finding]:
    if prefix == _OF_A_RUN:
        yield problem(
            part,
            "the token is a workflow run's own: GitHub starts no CI on what it pushes",
            "use a GitHub App, or a personal token",
        )
        return
    login, scopes = await access.scopes()
    yield fine(part, f"the token of {login} is valid")
    if scopes is not None:
        for finding in judge_scopes(part, scopes):
            yield finding
    if repository is None:
        yield warning(part, "what the token may do shows only on a repository", "add --repo owner/name")
        return
    seen = await access.repository(repository)
    needed = permissions.PUBLISHER if part is Part.PUBLISHER else permissions.READER
    for name in sorted(await access.refused(repository, seen.default_branch, needed)):
        yield problem(part, f"{repository}: {name} cannot be read", f"give the token {name}: read")
    if part is Part.PUBLISHER:
        if not seen.may_push:
            yield problem(part, f"{login} may not push to {repository}", "give the account write access")
        hooks = await access.repository_hooks(repository)
        for finding in judge_hooks(hooks, None):
            yield finding
    elif seen.may_push:
        yield warning(part, f"{login} may push to {repository}", "use an account or a token that may not")


def judge_scopes(part: Part, scopes: tuple[str, ...]) -> Iterator[Finding]:
    """What the scopes of a classic token allow."""
    if part is Part.READER:
        if "repo" in scopes:
            yield warning(
                part, "the scope `repo` may write", "use a fine-grained token that may only read, or an App"
            )
        return
    if not {"repo", "public_repo"} & set(scopes):
        yield problem(part, "the token lacks the scope `repo`", "make one with `repo`, or use an App")
    if "workflow" not in scopes:
        yield fine(part, f"without the scope `workflow`, {permissions.WITHOUT['workflows']}")
    more = sorted(set(scopes) - {*_CLASSIC, "public_repo"})
    if more:
        yield warning(part, f"more scopes than needed: {', '.join(more)}", "make a token without them")


# ── whether CI will start ───────────────────────────────────────────────────────────────────────────────────


async def _examine_ci(access: Access, repository: str) -> AsyncIterator[Finding]:
    seen = await access.repository(repository)
    if seen.archived:
        yield problem("ci", f"{seen.full_name} is archived: nothing can be written", "unarchive it")
    workflows = [each for each in await access.workflows(seen.full_name) if each.path.startswith(".github/")]
    if not workflows:
        yield warning("ci", f"{seen.full_name} has no workflow", "nothing will fail, nothing be repaired")
    for workflow in workflows:
        if workflow.state != "active":
            yield warning("ci", f"{workflow.path} is {workflow.state}", "enable it under Actions")
            continue
        try:
            content = await access.file(seen.full_name, workflow.path, seen.default_branch)
        except PermanentError as error:
            yield warning("ci", f"{workflow.path}: {error}", "its failures may not be repairable")
            continue
        start = plan(content, Fix(branch=_ANY_FIX, paths=()), [seen.default_branch])
        if start.obstacle:
            yield warning("ci", f"{workflow.path} would not run on a fix", start.obstacle)
        else:
            yield fine("ci", f"{workflow.path} runs on a fix against {seen.default_branch}")
