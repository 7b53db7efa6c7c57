import asyncio
import base64

from localhub import LocalHub
from localhub.git import ZERO_SHA
from tests.localhub.probes import REPOSITORY, Api, Receiver, Schemas

GIT = f"/repos/{REPOSITORY}/git"


async def commit_on(api: Api, parent: str, path: str = "new.py") -> str:
    tree = (await api.get(f"{GIT}/commits/{parent}"))["tree"]["sha"]
    entry = {"path": path, "mode": "100644", "type": "blob", "content": "y = 2\n"}
    made = await api.post(f"{GIT}/trees", {"base_tree": tree, "tree": [entry]})
    body = {"message": "Add it", "tree": made["sha"], "parents": [parent]}
    return str((await api.post(f"{GIT}/commits", body))["sha"])


async def tip(api: Api, branch: str = "main") -> str:
    return str((await api.get(f"{GIT}/ref/heads/{branch}"))["object"]["sha"])


async def test_a_commit_can_be_written_object_by_object(
    hub: LocalHub, api: Api, schemas: Schemas, receiver: Receiver
) -> None:
    hub.add_webhook(REPOSITORY, receiver.url, "secret", events=["push"])
    start = await tip(api)
    content = base64.b64encode(b"\x00\xff").decode()
    blob = await api.post(f"{GIT}/blobs", {"content": content, "encoding": "base64"})
    schemas.check("ShortBlob", blob)
    base = (await api.get(f"{GIT}/commits/{start}"))["tree"]["sha"]
    entries = [
        {"path": "data/raw.bin", "mode": "100755", "type": "blob", "sha": blob["sha"]},
        {"path": "check.sh", "mode": "100644", "type": "blob", "sha": None},
    ]
    tree = await api.post(f"{GIT}/trees", {"base_tree": base, "tree": entries})
    schemas.check("GitTree", tree)
    author = {"name": "Ann", "email": "ann@example.com", "date": "2026-01-02T03:04:05Z"}
    body = {"message": "Write", "tree": tree["sha"], "parents": [start], "author": author}
    commit = await api.post(f"{GIT}/commits", body)
    schemas.check("GitCommit", commit)
    assert commit["author"] == commit["committer"] == author
    ref = await api.post(f"{GIT}/refs", {"ref": "refs/heads/regreen/1", "sha": commit["sha"]})
    schemas.check("GitRef", ref)
    listed = await api.get(f"{GIT}/trees/regreen/1?recursive=1")
    found = {entry["path"]: entry["mode"] for entry in listed["tree"]}
    assert found["data/raw.bin"] == "100755"
    assert found[".github/workflows"] == "040000"
    assert "check.sh" not in found
    raw = await api.raw(
        "GET", f"{GIT}/blobs/{blob['sha']}", headers={"Accept": "application/vnd.github.raw+json"}
    )
    assert raw.content == b"\x00\xff"
    await hub.idle()
    push = receiver.events()[1][1]
    assert (push["ref"], push["before"], push["after"], push["created"]) == (
        "refs/heads/regreen/1",
        ZERO_SHA,
        commit["sha"],
        True,
    )
    assert [one["id"] for one in push["commits"]] == [commit["sha"]]


async def test_a_commit_without_author_is_the_callers(hub: LocalHub, api: Api) -> None:
    sha = await commit_on(api, await tip(api))
    found = await api.get(f"/repos/{REPOSITORY}/commits/{sha}")
    assert found["author"]["login"] == "acme"
    assert [(one["filename"], one["status"], one["patch"]) for one in found["files"]] == [
        ("new.py", "added", "@@ -0,0 +1 @@\n+y = 2")
    ]


async def test_writing_the_same_commit_twice_gives_the_same_object(hub: LocalHub, api: Api) -> None:
    start = await tip(api)
    tree = (await api.get(f"{GIT}/commits/{start}"))["tree"]["sha"]
    person = {"name": "Ann", "email": "ann@example.com", "date": "2026-01-02T03:04:05Z"}
    body = {"message": "m", "tree": tree, "parents": [start], "author": person, "committer": person}
    assert (await api.post(f"{GIT}/commits", body))["sha"] == (await api.post(f"{GIT}/commits", body))["sha"]


async def test_of_many_who_create_a_branch_one_succeeds(hub: LocalHub, api: Api) -> None:
    body = {"ref": "refs/heads/regreen/1", "sha": await commit_on(api, await tip(api))}
    answers = await asyncio.gather(*(api.raw("POST", f"{GIT}/refs", body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422]
    assert {answer.json()["message"] for answer in answers if answer.status_code == 422} == {
        "Reference already exists"
    }


async def test_a_branch_moves_forward_only_unless_forced(hub: LocalHub, api: Api) -> None:
    start = await tip(api)
    one, other = await commit_on(api, start, "one.py"), await commit_on(api, start, "other.py")
    await api.call("PATCH", f"{GIT}/refs/heads/main", {"sha": one})
    refused = await api.call("PATCH", f"{GIT}/refs/heads/main", {"sha": other}, status=422)
    assert refused["message"] == "Update is not a fast forward"
    assert await tip(api) == one
    await api.call("PATCH", f"{GIT}/refs/heads/main", {"sha": other, "force": True})
    assert await tip(api) == other
    await api.call("PATCH", f"{GIT}/refs/heads/main", {"sha": other})


async def test_refs_can_be_found_by_prefix_and_deleted(hub: LocalHub, api: Api) -> None:
    sha = await tip(api)
    for name in ("regreen/1", "regreen/12", "other"):
        await api.post(f"{GIT}/refs", {"ref": f"refs/heads/{name}", "sha": sha})
    matching = await api.get(f"{GIT}/matching-refs/heads/regreen/1")
    assert [one["ref"] for one in matching] == ["refs/heads/regreen/1", "refs/heads/regreen/12"]
    await api.call("DELETE", f"{GIT}/refs/heads/regreen/1", status=204)
    assert (await api.get(f"{GIT}/ref/heads/regreen/1", status=404))["message"] == "Not Found"
    await api.call("DELETE", f"{GIT}/refs/heads/regreen/1", status=422)
    await api.get(f"{GIT}/ref/heads/regreen", status=404)


async def test_bad_input_is_refused_with_a_reason(hub: LocalHub, api: Api) -> None:
    sha = await tip(api)
    tree = (await api.get(f"{GIT}/commits/{sha}"))["tree"]["sha"]
    blob = {"path": "a", "mode": "100644", "type": "blob"}
    refused: list[tuple[str, str, object]] = [
        ("POST", "/refs", {"ref": "main", "sha": sha}),
        ("POST", "/refs", {"ref": "refs/heads/x", "sha": ZERO_SHA}),
        ("POST", "/refs", {"ref": "refs/heads/x", "sha": "main"}),
        ("POST", "/refs", {"ref": "refs/heads/a..b", "sha": sha}),
        ("POST", "/refs", {"ref": "refs/heads/a\0b", "sha": sha}),
        ("POST", "/refs", {"ref": "refs/heads/main/below", "sha": sha}),
        ("POST", "/refs", {"sha": sha}),
        ("POST", "/refs", {"ref": 1, "sha": sha}),
        ("PATCH", "/refs/heads/none", {"sha": sha}),
        ("PATCH", "/refs/heads/main", {"sha": tree}),
        ("POST", "/blobs", {"content": "%", "encoding": "base64"}),
        ("POST", "/trees", {"tree": [{**blob, "path": "../a", "content": ""}]}),
        ("POST", "/trees", {"tree": [{**blob, "path": ".git/config", "content": ""}]}),
        ("POST", "/trees", {"tree": [{**blob, "path": "/a", "content": ""}]}),
        ("POST", "/trees", {"tree": [{**blob, "mode": "100666", "content": ""}]}),
        ("POST", "/trees", {"tree": [{**blob, "sha": sha}]}),
        ("POST", "/trees", {"tree": [{**blob, "sha": ZERO_SHA}]}),
        ("POST", "/trees", {"tree": [blob]}),
        ("POST", "/trees", {"tree": [1]}),
        ("POST", "/trees", {"base_tree": "main", "tree": []}),
        ("POST", "/commits", {"message": "m", "tree": sha}),
        ("POST", "/commits", {"message": "m", "tree": tree, "parents": [tree]}),
        ("POST", "/commits", {"message": "m", "tree": tree, "author": {"name": "a"}}),
    ]
    for method, path, body in refused:
        answer = await api.call(method, GIT + path, body, status=422)
        assert answer["message"], (path, body)
        assert answer["status"] == "422"
    for path in ("/commits/main", f"/commits/{tree}", f"/blobs/{sha}", "/trees/none", "/ref/heads/a%00b"):
        await api.get(GIT + path, status=404)
    for text in ("{", "[]", '"x"', "[" * 100_000):
        answer = await api.http.post(f"{GIT}/blobs", content=text.encode())
        assert answer.status_code == 400


async def test_a_commit_message_of_any_text_is_taken(hub: LocalHub, api: Api) -> None:
    sha = await tip(api)
    tree = (await api.get(f"{GIT}/commits/{sha}"))["tree"]["sha"]
    message = "Mend — ünïcode\n\n-F --help\n'\"$(true)\n"
    made = await api.post(f"{GIT}/commits", {"message": message, "tree": tree, "parents": [sha]})
    assert made["message"] == message.rstrip("\n")
