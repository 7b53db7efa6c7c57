"""Log downloads: another origin, links that expire, and no credentials, as with GitHub's blob storage."""

import hmac
import time
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from localhub.rest.actions import log_signature
from localhub.state import Hub


def build_storage(hub: Hub, middleware: Sequence[Middleware] = ()) -> Starlette:
    """The ASGI application that serves logs; `middleware` wraps it."""

    async def download(request: Request) -> Response:
        if "authorization" in request.headers:
            # The storage behind GitHub's log links takes any credential for a wrong one of its own.
            return PlainTextResponse("Authentication information is not given in the correct format.", 400)
        expires, signature = request.query_params.get("se", ""), request.query_params.get("sig", "")
        job_id = request.path_params["job_id"]
        valid = expires.isascii() and expires.isdigit() and int(expires) >= time.time()
        if not valid or not hmac.compare_digest(
            signature.encode(), log_signature(hub, job_id, int(expires)).encode()
        ):
            return PlainTextResponse("Signature did not match, or the link has expired.", 403)
        for repository in hub.repositories.values():
            found = repository.job(job_id)
            if found and found[2].log.exists():
                return FileResponse(found[2].log, media_type="text/plain")
        return PlainTextResponse("The specified blob does not exist.", 404)

    routes = [Route("/logs/{job_id:int}", download, methods=["GET"])]
    return Starlette(routes=routes, middleware=list(middleware))
