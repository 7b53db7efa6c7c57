"""A package registry that knows one thing: who may start an upload."""

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localhub.services import Services
from localhub.tokens import BadCredentialsError, allows, token_of


def registry_routes(services: Services) -> list[Route]:
    """The routes below `/v2/`."""

    async def ping(request: Request) -> Response:
        """Whether the caller is known."""
        return (
            JSONResponse({})
            if _known(services, request)
            else _denied(services, 401, "UNAUTHORIZED", "authentication required")
        )

    async def start_upload(request: Request) -> Response:
        """Begin to upload a layer of the image `owner/name`."""
        owner, name = request.path_params["owner"], request.path_params["name"]
        if not _known(services, request):
            return _denied(services, 401, "UNAUTHORIZED", "authentication required")
        token = token_of(services.hub, request.headers.get("authorization"))
        repository = services.hub.repository(f"{owner}/{name}")
        if repository is None or not allows(token, repository, "packages", "write"):
            return _denied(services, 403, "DENIED", "permission_denied: write_package")
        repository.packages.add(name)
        upload = str(uuid.uuid4())
        headers = {
            "Location": f"/v2/{owner}/{name}/blobs/uploads/{upload}",
            "Docker-Upload-UUID": upload,
            "Range": "0-0",
        }
        return Response(status_code=202, headers=headers)

    return [
        Route("/v2/", ping, methods=["GET"]),
        Route("/v2/{owner}/{name}/blobs/uploads/", start_upload, methods=["POST"]),
    ]


def _known(services: Services, request: Request) -> bool:
    try:
        return token_of(services.hub, request.headers.get("authorization")) is not None
    except BadCredentialsError:
        return False


def _denied(services: Services, status: int, code: str, message: str) -> Response:
    challenge = {"WWW-Authenticate": f'Bearer realm="{services.hub.url}/token"'}
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status, challenge)
