"""Apps, installations, their tokens; the caller; rate limits."""

from typing import Final

from starlette.responses import JSONResponse, Response

from localhub.records import LEVELS, AccountType, App, Hook, Installation, Json, TokenKind, stamp
from localhub.rest.quota import RateLimits
from localhub.rest.routing import (
    ApiError,
    Call,
    Routes,
    named_repository,
    not_found,
    refuse_moved,
)
from localhub.shapes.hooks import delivery_summary, hook_config
from localhub.shapes.people import installation, integration, private_user, simple_user
from localhub.shapes.repositories import repository_with_counts
from localhub.tokens import INSTALLATION_TOKEN_LIFETIME

_OUT_OF_REACH: Final = (
    "There is at least one repository that does not exist or is not accessible to the parent installation."
)


def app_routes(limits: RateLimits) -> Routes:
    """The endpoints, of which one reports `limits`."""
    routes = Routes()
    routes.app("GET", "/app")(get_app)
    routes.app("GET", "/app/hook/config")(get_hook_config)
    routes.app("GET", "/app/hook/deliveries")(list_hook_deliveries)
    routes.app("GET", "/app/installations")(list_installations)
    routes.app("GET", "/app/installations/{installation_id}")(get_installation)
    routes.app("GET", "/repos/{owner}/{repo}/installation")(get_repository_installation)
    routes.app("GET", "/repositories/{repository_id}/installation")(get_repository_installation)
    routes.app("POST", "/app/installations/{installation_id}/access_tokens")(create_access_token)
    routes.plain("GET", "/installation/repositories")(list_installed_repositories)
    routes.plain("DELETE", "/installation/token")(revoke_access_token)
    routes.plain("GET", "/user")(get_caller)
    routes.plain("GET", "/users/{login}")(get_user)

    @routes.plain("GET", "/rate_limit")
    async def get_rate_limit(call: Call) -> Response:
        """What is left of the hour's requests."""
        state = limits.state(call.token.value if call.token else "")
        return JSONResponse({"resources": {"core": state, "search": state}, "rate": state})

    return routes


def _app(call: Call) -> App:
    assert call.app is not None  # noqa: S101 — checked before an endpoint runs
    return call.app


def _installation(call: Call) -> Installation:
    found = call.hub.installations.get(call.number("installation_id"))
    if found is None or found.app is not _app(call):
        raise not_found()
    return found


async def get_app(call: Call) -> Response:
    """The app itself."""
    return JSONResponse(integration(call.hub, _app(call)))


def _hooks(call: Call) -> list[Hook]:
    """What the app's one webhook is made of here: a hook in each of its repositories."""
    repositories = call.hub.repositories.values()
    hooks = (hook for repository in repositories for hook in repository.hooks.values())
    return [hook for hook in hooks if hook.installation and hook.installation.app is _app(call)]


async def get_hook_config(call: Call) -> Response:
    """Where the app's events go."""
    hooks = _hooks(call)
    return JSONResponse(hook_config(hooks[0]) if hooks else {"content_type": "form", "insecure_ssl": "0"})


async def list_hook_deliveries(call: Call) -> Response:
    """What was sent to the app's webhook, newest first."""
    sent = [(hook, delivery) for hook in _hooks(call) for delivery in hook.deliveries]
    sent.sort(key=lambda one: one[1].delivered_at, reverse=True)
    return call.page([delivery_summary(hook, delivery) for hook, delivery in sent])


async def list_installations(call: Call) -> Response:
    """Where the app is installed."""
    found = [one for one in call.hub.installations.values() if one.app is _app(call)]
    return call.page([installation(call.hub, one) for one in found])


async def get_installation(call: Call) -> Response:
    """One installation."""
    return JSONResponse(installation(call.hub, _installation(call)))


async def get_repository_installation(call: Call) -> Response:
    """The installation that covers a repository."""
    repository = named_repository(call)
    found = call.hub.installation_for(repository, _app(call))
    if found is None:
        raise not_found()
    refuse_moved(call, repository)
    return JSONResponse(installation(call.hub, found))


async def create_access_token(call: Call) -> Response:
    """A token for an installation, narrowed to the repositories and permissions asked for."""
    installed = _installation(call)
    if installed.suspended_at:
        raise ApiError(403, "This installation has been suspended")
    owned = {one.id: one for one in call.hub.repositories.values() if one.owner == installed.account}
    chosen = owned.keys() if installed.repositories is None else installed.repositories
    covered = {key: one for key, one in owned.items() if key in chosen}
    wanted = {one for one in call.given("repository_ids", list, []) if isinstance(one, int)}
    names = [str(name) for name in call.given("repositories", list, [])]
    known = {one.name: one.id for one in covered.values()}
    if not set(names) <= known.keys() or not wanted <= covered.keys():
        raise ApiError(422, _OUT_OF_REACH)
    wanted |= {known[name] for name in names}
    granted = {**installed.app.permissions, "metadata": "read"}
    asked = call.given("permissions", dict, granted)
    for name, level in asked.items():
        if LEVELS.get(str(level), 9) > LEVELS[granted.get(name, "none")]:
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    narrowed = bool(wanted) or installed.repositories is not None
    token = call.hub.mint(
        "ghs_",
        TokenKind.INSTALLATION,
        installed.app.bot,
        permissions={**asked, "metadata": "read"},
        repositories=frozenset(wanted or covered) if narrowed else None,
        lifetime=INSTALLATION_TOKEN_LIFETIME,
        installation=installed,
    )
    shown: Json = {
        "token": token.value,
        "expires_at": stamp(token.expires_at) if token.expires_at else None,
        "permissions": token.permissions,
        "repository_selection": "selected" if narrowed else "all",
    }
    if wanted:
        shown["repositories"] = [repository_with_counts(call.hub, covered[key]) for key in sorted(wanted)]
    return JSONResponse(shown, 201)


async def list_installed_repositories(call: Call) -> Response:
    """What the installation token used for this call may see."""
    if call.token is None or call.token.installation is None:
        raise ApiError(403, "Resource not accessible by this credential")
    account = call.token.installation.account
    reached = [
        repository_with_counts(call.hub, one)
        for one in call.hub.repositories.values()
        if one.owner == account and (call.token.repositories is None or one.id in call.token.repositories)
    ]
    return call.page(reached, key="repositories")


async def revoke_access_token(call: Call) -> Response:
    """End the installation token used for this call."""
    if call.token is None or call.token.kind is not TokenKind.INSTALLATION:
        raise ApiError(403, "Resource not accessible by this credential")
    call.hub.tokens.pop(call.token.value, None)
    return Response(status_code=204)


async def get_caller(call: Call) -> Response:
    """Who is calling."""
    if call.token is None:
        raise ApiError(401, "Requires authentication")
    if call.token.kind is not TokenKind.PERSONAL:
        raise ApiError(403, "Resource not accessible by integration")
    # A fine-grained token has no scopes, and its answers lack the header.
    scopes = {} if call.token.permissions is not None else {"X-OAuth-Scopes": "repo, workflow"}
    return JSONResponse(private_user(call.hub, call.token.account), headers=scopes)


async def get_user(call: Call) -> Response:
    """An account by its login."""
    account = call.hub.accounts.get(call.path("login").lower())
    if account is None:
        raise not_found()
    shown = (
        private_user(call.hub, account)
        if account.type is AccountType.USER
        else simple_user(call.hub, account)
    )
    return JSONResponse(shown)
