"""Webhooks and their deliveries."""

from starlette.responses import JSONResponse, Response

from localhub.records import Delivery, Hook
from localhub.rest.routing import Call, Routes, invalid, not_found
from localhub.shapes.hooks import delivery_detail, delivery_summary, hook_summary

routes = Routes()


def _hook(call: Call) -> Hook:
    hook = call.repository.hooks.get(call.number("hook_id"))
    if hook is None:
        raise not_found()
    return hook


def _delivery(call: Call, hook: Hook) -> Delivery:
    wanted = call.number("delivery_id")
    for delivery in hook.deliveries:
        if delivery.id == wanted:
            return delivery
    raise not_found()


@routes.repository("GET", "/hooks", "repository_hooks")
async def list_hooks(call: Call) -> Response:
    """The repository's webhooks."""
    return call.page([hook_summary(call.hub, hook) for hook in call.repository.hooks.values()])


@routes.repository("POST", "/hooks", "repository_hooks")
async def create_hook(call: Call) -> Response:
    """Add a webhook."""
    config = call.required("config", dict)
    url, secret = config.get("url"), config.get("secret", "")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or not isinstance(secret, str):
        raise invalid("Hook", "url")
    events = tuple(str(event) for event in call.given("events", list, ["push"]))
    hook = Hook(call.hub.new_id(), call.repository, url, secret, events)
    call.services.webhooks.add(hook)
    return JSONResponse(hook_summary(call.hub, hook), 201)


@routes.repository("DELETE", "/hooks/{hook_id}", "repository_hooks")
async def delete_hook(call: Call) -> Response:
    """Remove a webhook; what is queued for it is still delivered."""
    del call.repository.hooks[_hook(call).id]
    return Response(status_code=204)


@routes.repository("GET", "/hooks/{hook_id}", "repository_hooks")
async def get_hook(call: Call) -> Response:
    """One webhook."""
    return JSONResponse(hook_summary(call.hub, _hook(call)))


@routes.repository("GET", "/hooks/{hook_id}/deliveries", "repository_hooks")
async def list_deliveries(call: Call) -> Response:
    """A webhook's deliveries, newest first."""
    hook = _hook(call)
    return call.page([delivery_summary(hook, delivery) for delivery in reversed(hook.deliveries)])


@routes.repository("GET", "/hooks/{hook_id}/deliveries/{delivery_id}", "repository_hooks")
async def get_delivery(call: Call) -> Response:
    """One delivery with its payload and the answer to it."""
    hook = _hook(call)
    return JSONResponse(delivery_detail(hook, _delivery(call, hook)))


@routes.repository(
    "POST", "/hooks/{hook_id}/deliveries/{delivery_id}/attempts", "repository_hooks", level="admin"
)
async def redeliver(call: Call) -> Response:
    """Deliver once more, under the same GUID."""
    hook = _hook(call)
    call.services.webhooks.redeliver(hook, _delivery(call, hook))
    return JSONResponse({}, 202)
