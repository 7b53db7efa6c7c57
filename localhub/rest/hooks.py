"""Webhooks and their deliveries."""

from starlette.responses import JSONResponse, Response

from localhub.records import Delivery, Hook
from localhub.rest.routing import Call, Routes, not_found
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


@routes.repository("GET", "/hooks", "repository_hooks", level="admin")
async def list_hooks(call: Call) -> Response:
    """The repository's webhooks."""
    return call.page([hook_summary(call.hub, hook) for hook in call.repository.hooks.values()])


@routes.repository("GET", "/hooks/{hook_id}", "repository_hooks", level="admin")
async def get_hook(call: Call) -> Response:
    """One webhook."""
    return JSONResponse(hook_summary(call.hub, _hook(call)))


@routes.repository("GET", "/hooks/{hook_id}/deliveries", "repository_hooks", level="admin")
async def list_deliveries(call: Call) -> Response:
    """A webhook's deliveries, newest first."""
    hook = _hook(call)
    return call.page([delivery_summary(hook, delivery) for delivery in reversed(hook.deliveries)])


@routes.repository("GET", "/hooks/{hook_id}/deliveries/{delivery_id}", "repository_hooks", level="admin")
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
