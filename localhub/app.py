"""The ASGI application: REST, git, packages, pages."""

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from localhub.git import GitError
from localhub.pages import page_routes
from localhub.registry import registry_routes
from localhub.rest import actions, checks, git_data, graphql, hooks, pulls, repositories, rules, statuses
from localhub.rest.apps import app_routes
from localhub.rest.quota import RateLimits
from localhub.rest.routing import ApiError, build_routes
from localhub.services import Services
from localhub.smart_http import git_routes

ENTERPRISE_ROOT: Final = "/api/v3"
"""Where the API is as well, as on GitHub Enterprise Server."""


def build_app(services: Services, middleware: Sequence[Middleware] = ()) -> Starlette:
    """The application; `middleware` wraps everything, so it is where faults can be injected."""
    limits = RateLimits(services.hub.rate_limit)
    resources = [
        app_routes(limits),
        actions.routes,
        checks.routes,
        git_data.routes,
        pulls.routes,
        hooks.routes,
        rules.routes,
        statuses.routes,
        repositories.routes,
    ]

    async def in_github_shape(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        message = str(getattr(error, "detail", "Server Error"))
        return ApiError(status, message).response()

    api = build_routes(services, limits, resources)
    return Starlette(
        routes=[
            *build_routes(services, limits, [graphql.routes]),
            *registry_routes(services),
            *git_routes(services),
            Mount(ENTERPRISE_ROOT, routes=api),
            *api,
            *page_routes(services),
        ],
        middleware=list(middleware),
        exception_handlers={HTTPException: in_github_shape, GitError: in_github_shape},
    )
