import hashlib
import hmac

from localhub import LocalHub
from tests.localhub.probes import RED, REPOSITORY, Api, Receiver, Schemas

REPO = f"/repos/{REPOSITORY}"


async def test_a_run_is_announced_in_the_order_it_happens(
    hub: LocalHub, api: Api, receiver: Receiver
) -> None:
    hub.add_webhook(REPOSITORY, receiver.url, "secret")
    sha = await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    assert [(event, body.get("action")) for event, body in receiver.events()] == [
        ("ping", None),
        ("push", None),
        ("workflow_run", "requested"),
        ("workflow_run", "in_progress"),
        ("workflow_job", "queued"),
        ("check_run", "created"),
        ("workflow_job", "in_progress"),
        ("workflow_job", "completed"),
        ("check_run", "completed"),
        ("check_suite", "completed"),
        ("workflow_run", "completed"),
    ]
    last = receiver.events()[-1][1]["workflow_run"]
    assert (last["head_sha"], last["conclusion"], last["pull_requests"]) == (sha, "failure", [])


async def test_deliveries_are_signed_over_their_bytes(hub: LocalHub, api: Api, receiver: Receiver) -> None:
    hook = hub.add_webhook(REPOSITORY, receiver.url, "sécret")
    await hub.idle()
    ((headers, body),) = receiver.received
    for algorithm, name in (("sha1", "x-hub-signature"), ("sha256", "x-hub-signature-256")):
        digest = hmac.new("sécret".encode(), body, algorithm).hexdigest()
        assert headers[name] == f"{algorithm}={digest}"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("GitHub-Hookshot/")
    assert headers["x-github-hook-id"] == str(hook.id)
    assert headers["x-github-event"] == "ping"
    assert len(headers["x-github-delivery"]) == 36
    assert hashlib.sha256(body).digest() == hashlib.sha256(hook.deliveries[0].body).digest()


async def test_a_hook_gets_only_the_events_it_wants(hub: LocalHub, api: Api, receiver: Receiver) -> None:
    hub.add_webhook(REPOSITORY, receiver.url, "secret", events=["push"])
    await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    assert [event for event, _ in receiver.events()] == ["ping", "push"]


async def test_nothing_is_retried_by_itself_but_everything_can_be_redelivered_under_its_guid(
    hub: LocalHub, api: Api, receiver: Receiver
) -> None:
    receiver.status = 503
    hook = hub.add_webhook(REPOSITORY, receiver.url, "secret", events=["push"])
    await hub.commit(REPOSITORY, "main", {"a": "b"}, "Go on [skip ci]")
    await hub.idle()
    assert len(receiver.received) == 2
    newest, _ = await api.get(f"{REPO}/hooks/{hook.id}/deliveries")
    assert (newest["status_code"], newest["redelivery"]) == (503, False)
    receiver.status = 200
    attempts = f"{REPO}/hooks/{hook.id}/deliveries/{newest['id']}/attempts"
    await api.post(attempts, status=202)
    await hub.redeliver(newest["id"], times=2)
    again = receiver.received[2:]
    assert [headers["x-github-delivery"] for headers, _ in again] == [newest["guid"]] * 3
    assert {body for _, body in again} == {receiver.received[1][1]}
    listed = await api.get(f"{REPO}/hooks/{hook.id}/deliveries")
    assert [(one["status_code"], one["redelivery"]) for one in listed[:3]] == [(200, True)] * 3


async def test_a_receiver_that_is_not_there_is_recorded(hub: LocalHub, api: Api) -> None:
    hook = hub.add_webhook(REPOSITORY, "http://127.0.0.1:9/webhook", "secret")
    await hub.idle()
    (only,) = await api.get(f"{REPO}/hooks/{hook.id}/deliveries")
    assert (only["status_code"], only["status"]) == (0, "failed to connect to host")


async def test_an_apps_webhook_names_its_installation(hub: LocalHub, api: Api, receiver: Receiver) -> None:
    app = await hub.create_app(
        owner="acme",
        permissions={"contents": "read"},
        events=["push"],
        webhook_url=receiver.url,
        webhook_secret="secret",
    )
    await hub.commit(REPOSITORY, "main", {"a": "b"}, "Go on [skip ci]")
    await hub.idle()
    _, (headers, _) = receiver.received
    assert headers["x-github-hook-installation-target-type"] == "integration"
    assert receiver.events()[1][1]["installation"]["id"] == app.installation_id


async def test_a_comment_by_a_person_is_announced(hub: LocalHub, api: Api, receiver: Receiver) -> None:
    await hub.commit(REPOSITORY, "fix", {"a": "b"}, "A fix [skip ci]")
    await api.post(f"{REPO}/pulls", {"title": "t", "head": "fix", "base": "main"})
    hub.add_webhook(REPOSITORY, receiver.url, "secret", events=["issue_comment"])
    await hub.comment(REPOSITORY, 1, "/regreen stop", author="dev")
    await hub.idle()
    body = receiver.events()[1][1]
    assert (body["action"], body["comment"]["body"], body["sender"]["login"]) == (
        "created",
        "/regreen stop",
        "dev",
    )
    assert body["comment"]["author_association"] == "COLLABORATOR"


async def test_a_webhook_can_be_added_and_removed_through_the_api(
    hub: LocalHub, api: Api, receiver: Receiver, schemas: Schemas
) -> None:
    body = {"config": {"url": receiver.url, "secret": "secret", "content_type": "json"}, "events": ["push"]}
    made = await api.post(f"{REPO}/hooks", body)
    schemas.check("Hook", made)
    assert "secret" not in made["config"].values()
    await api.post(f"{REPO}/hooks", {"config": {"url": "file:///etc/passwd"}}, status=422)
    await hub.idle()
    await api.call("DELETE", f"{REPO}/hooks/{made['id']}", status=204)
    await hub.commit(REPOSITORY, "main", {"a": "b"}, "Go on [skip ci]")
    await hub.idle()
    assert [event for event, _ in receiver.events()] == ["ping"]
