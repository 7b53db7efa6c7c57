"""Webhooks and their deliveries as GitHub shows them."""

import json

from localhub.records import Delivery, Hook, Json, stamp
from localhub.shapes.people import simple_user
from localhub.shapes.repositories import api_url, repository_with_counts
from localhub.state import Hub


def hook_summary(hub: Hub, hook: Hook) -> Json:
    """A webhook, its secret starred out."""
    url = f"{api_url(hub, hook.repository)}/hooks/{hook.id}"
    last = hook.deliveries[-1] if hook.deliveries else None
    return {
        "type": "App" if hook.installation else "Repository",
        "id": hook.id,
        "name": "web",
        "active": True,
        "events": list(hook.events),
        "config": hook_config(hook),
        "created_at": stamp(hook.created_at),
        "updated_at": stamp(hook.created_at),
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": {
            "code": last.status_code if last else None,
            "status": "active" if last else "unused",
            "message": last.status if last else None,
        },
    }


def hook_config(hook: Hook) -> Json:
    """Where a webhook's events go, and how."""
    return {
        "content_type": "json",
        "insecure_ssl": "0",
        "url": hook.url,
        **({"secret": "********"} if hook.secret else {}),
    }


def ping(hub: Hub, hook: Hook) -> Json:
    """The first event every webhook gets."""
    return {
        "zen": "Red is a colour like any other, until it is your build.",
        "hook_id": hook.id,
        "hook": hook_summary(hub, hook),
        "repository": repository_with_counts(hub, hook.repository),
        "sender": simple_user(hub, hook.repository.owner),
    }


def delivery_summary(hook: Hook, delivery: Delivery) -> Json:
    """A delivery as the list shows it."""
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": hook.installation.id if hook.installation else None,
        "repository_id": hook.repository.id,
        "throttled_at": None,
    }


def delivery_detail(hook: Hook, delivery: Delivery) -> Json:
    """A delivery with its request and the answer to it."""
    return {
        **delivery_summary(hook, delivery),
        "url": hook.url,
        "request": {"headers": delivery.request_headers, "payload": json.loads(delivery.body)},
        "response": {"headers": delivery.response_headers, "payload": delivery.response_body},
    }
