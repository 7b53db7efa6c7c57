"""Delivery of events: signed, in order per hook, kept for redelivery, never retried by itself."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from typing import Final

import httpx2

from localhub.records import Delivery, Hook, Json, Repository
from localhub.shapes.hooks import ping
from localhub.state import Hub
from localhub.work import Work

TIMEOUT_S: Final = 10.0
"""As long as GitHub waits for an answer."""

_BODY_KEPT: Final = 65_536


def signatures(secret: str, body: bytes) -> dict[str, str]:
    """The two signature headers of a delivery."""
    key = secret.encode()
    return {
        "X-Hub-Signature": "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest(),
    }


class Webhooks:
    """Every hook has a queue and one task that empties it."""

    def __init__(self, hub: Hub, work: Work) -> None:
        self._hub = hub
        self._work = work
        self._http: httpx2.AsyncClient | None = None
        self._queues: dict[int, asyncio.Queue[Delivery]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def add(self, hook: Hook) -> None:
        """Start delivering to a hook, beginning with a ping."""
        hook.repository.hooks[hook.id] = hook
        self._queues[hook.id] = asyncio.Queue()
        self._tasks[hook.id] = asyncio.create_task(self._deliver_all(hook))
        self._enqueue(hook, "ping", ping(self._hub, hook))

    def send(self, repository: Repository, event: str, body: Json) -> None:
        """Queue an event for every hook that wants it."""
        for hook in repository.hooks.values():
            if hook.wants(event):
                self._enqueue(hook, event, body)

    def redeliver(self, hook: Hook, delivery: Delivery) -> Delivery:
        """Queue a delivery once more, under the same GUID."""
        again = Delivery(
            id=self._hub.new_id(),
            guid=delivery.guid,
            hook_id=hook.id,
            event=delivery.event,
            action=delivery.action,
            body=delivery.body,
            redelivery=True,
        )
        self._put(hook, again)
        return again

    async def close(self) -> None:
        """Stop delivering; what is queued is dropped."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._http:
            await self._http.aclose()

    def _client(self) -> httpx2.AsyncClient:
        # Made when first needed: loading certificates takes longer than starting the whole server.
        if self._http is None:
            self._http = httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        return self._http

    def _enqueue(self, hook: Hook, event: str, body: Json) -> None:
        if hook.installation:
            body = {
                **body,
                "installation": {"id": hook.installation.id, "node_id": f"I_{hook.installation.id}"},
            }
        self._put(
            hook,
            Delivery(
                id=self._hub.new_id(),
                guid=str(uuid.uuid4()),
                hook_id=hook.id,
                event=event,
                action=body.get("action"),
                body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"),
            ),
        )

    def _put(self, hook: Hook, delivery: Delivery) -> None:
        hook.deliveries.append(delivery)
        self._work.begin()
        self._queues[hook.id].put_nowait(delivery)

    async def _deliver_all(self, hook: Hook) -> None:
        queue = self._queues[hook.id]
        while True:
            delivery = await queue.get()
            try:
                await self._deliver(hook, delivery)
            finally:
                self._work.end()

    async def _deliver(self, hook: Hook, delivery: Delivery) -> None:
        target = hook.installation.app.id if hook.installation else hook.repository.id
        delivery.request_headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/localhub",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(hook.id),
            "X-GitHub-Hook-Installation-Target-ID": str(target),
            "X-GitHub-Hook-Installation-Target-Type": "integration" if hook.installation else "repository",
            **(signatures(hook.secret, delivery.body) if hook.secret else {}),
        }
        started = time.monotonic()
        try:
            answer = await self._client().post(
                hook.url, content=delivery.body, headers=delivery.request_headers
            )
        except httpx2.TimeoutException:
            delivery.status = "timed out"
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            delivery.status = "failed to connect to host"
        else:
            delivery.status = "OK" if answer.is_success else f"Invalid HTTP Response: {answer.status_code}"
            delivery.status_code = answer.status_code
            delivery.response_headers = dict(answer.headers)
            delivery.response_body = answer.text[:_BODY_KEPT]
        delivery.duration = round(time.monotonic() - started, 3)
