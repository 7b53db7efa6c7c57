import asyncio

from localhub import LocalHub
from tests.localhub.probes import RED, REPOSITORY, Api, Receiver, Schemas

REPO = f"/repos/{REPOSITORY}"
ONE = {"title": "Fix it", "head": "regreen/1", "base": "main", "body": "because", "draft": True}
QUIET = "Fix [skip ci]"


async def branch(hub: LocalHub, name: str = "regreen/1") -> str:
    return await hub.commit(REPOSITORY, name, {"fix.py": "y = 2\n"}, QUIET)


async def test_a_pull_request_can_be_opened_found_and_closed(
    hub: LocalHub, api: Api, schemas: Schemas
) -> None:
    sha = await branch(hub)
    made = await api.post(f"{REPO}/pulls", {**ONE, "head": "acme:regreen/1"})
    schemas.check("PullRequest", made)
    assert (made["number"], made["draft"], made["head"]["sha"], made["commits"]) == (1, True, sha, 1)
    found = await api.get(f"{REPO}/pulls?head=acme:regreen/1&state=all")
    assert [one["number"] for one in found] == [1]
    assert await api.get(f"{REPO}/pulls?head=acme:other") == []
    assert [one["number"] for one in await api.get(f"{REPO}/commits/{sha}/pulls")] == [1]
    closed = await api.call("PATCH", f"{REPO}/pulls/1", {"state": "closed"})
    assert (closed["state"], closed["merged"]) == ("closed", False)
    assert await api.get(f"{REPO}/pulls") == []


async def test_of_many_who_open_the_same_pull_request_one_succeeds(hub: LocalHub, api: Api) -> None:
    await branch(hub)
    answers = await asyncio.gather(*(api.raw("POST", f"{REPO}/pulls", ONE) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    refused = next(answer.json() for answer in answers if answer.status_code == 422)
    assert refused["message"] == "Validation Failed"
    (error,) = refused["errors"]
    assert error["message"] == "A pull request already exists for acme:regreen/1."


async def test_a_pull_request_needs_branches_and_commits_between_them(hub: LocalHub, api: Api) -> None:
    for body, field in (({**ONE}, "head"), ({**ONE, "head": "main", "base": "none"}, "base")):
        refused = await api.post(f"{REPO}/pulls", body, status=422)
        assert refused["errors"] == [{"resource": "PullRequest", "field": field, "code": "invalid"}]
    refused = await api.post(f"{REPO}/pulls", {**ONE, "head": "main"}, status=422)
    assert refused["errors"][0]["message"] == "No commits between main and main"


async def test_a_push_to_the_head_updates_the_pull_request_and_runs_its_ci(
    hub: LocalHub, api: Api, receiver: Receiver
) -> None:
    first = await branch(hub)
    await api.post(f"{REPO}/pulls", ONE)
    hub.add_webhook(REPOSITORY, receiver.url, "secret", events=["pull_request", "workflow_run"])
    second = await hub.commit(REPOSITORY, "regreen/1", RED, "Worse")
    await hub.idle()
    pull = await api.get(f"{REPO}/pulls/1")
    assert (pull["head"]["sha"], pull["commits"]) == (second, 2)
    run = await api.run_of(second, event="pull_request")
    assert (run["conclusion"], run["head_branch"]) == ("failure", "regreen/1")
    assert [one["number"] for one in run["pull_requests"]] == [1]
    (synchronize,) = [body for event, body in receiver.events() if event == "pull_request"]
    assert (synchronize["action"], synchronize["before"], synchronize["after"]) == (
        "synchronize",
        first,
        second,
    )
    checks = await api.get(f"{REPO}/commits/regreen/1/check-runs")
    assert [one["conclusion"] for one in checks["check_runs"]] == ["failure", "failure"]


async def test_merging_moves_the_base_and_closes_the_pull_request(
    hub: LocalHub, api: Api, schemas: Schemas
) -> None:
    sha = await branch(hub)
    await api.post(f"{REPO}/pulls", ONE)
    draft = await api.call("PUT", f"{REPO}/pulls/1/merge", {}, status=405)
    assert draft["message"] == "Pull Request is still a draft"
    hub.repository(REPOSITORY).pulls[1].draft = False
    await api.call("PUT", f"{REPO}/pulls/1/merge", {"sha": "0" * 40}, status=409)
    merged = await api.call("PUT", f"{REPO}/pulls/1/merge", {"sha": sha})
    schemas.check("PullRequestMergeResult", merged)
    pull = await api.get(f"{REPO}/pulls/1")
    assert (pull["state"], pull["merged"], pull["merge_commit_sha"]) == ("closed", True, merged["sha"])
    tip = await api.get(f"{REPO}/branches/main")
    assert [parent["sha"] for parent in tip["commit"]["parents"]][1] == sha
    await api.call("PUT", f"{REPO}/pulls/1/merge", {}, status=405)
    await api.call("PATCH", f"{REPO}/pulls/1", {"state": "open"}, status=422)


async def test_a_conflict_cannot_be_merged(hub: LocalHub, api: Api) -> None:
    await branch(hub)
    await api.post(f"{REPO}/pulls", {**ONE, "draft": False})
    await hub.commit(REPOSITORY, "main", {"fix.py": "z = 3\n"}, QUIET)
    refused = await api.call("PUT", f"{REPO}/pulls/1/merge", {}, status=405)
    assert refused["message"] == "Pull Request is not mergeable"


async def test_deleting_the_head_branch_closes_the_pull_request(hub: LocalHub, api: Api) -> None:
    await branch(hub)
    await api.post(f"{REPO}/pulls", ONE)
    await api.call("DELETE", f"{REPO}/git/refs/heads/regreen/1", status=204)
    assert (await api.get(f"{REPO}/pulls/1"))["state"] == "closed"
    await api.call("PATCH", f"{REPO}/pulls/1", {"state": "open"}, status=422)


async def test_labels_and_comments_are_kept(hub: LocalHub, api: Api, schemas: Schemas) -> None:
    await branch(hub)
    await api.post(f"{REPO}/pulls", ONE)
    for _ in range(2):
        labels = await api.post(
            f"{REPO}/issues/1/labels", {"labels": ["ci-fix", "automated-fix"]}, status=200
        )
    assert [one["name"] for one in labels] == ["ci-fix", "automated-fix"]
    made = await api.post(f"{REPO}/issues/1/comments", {"body": "first"})
    schemas.check("IssueComment", made)
    await api.call("PATCH", f"{REPO}/issues/comments/{made['id']}", {"body": "second"})
    assert [one["body"] for one in await api.get(f"{REPO}/issues/1/comments")] == ["second"]
    sha = hub.repository(REPOSITORY).pulls[1].head_sha
    noted = await api.post(f"{REPO}/commits/{sha}/comments", {"body": "here"})
    schemas.check("CommitComment", noted)
    edited = await api.call("PATCH", f"{REPO}/comments/{noted['id']}", {"body": "there"})
    assert edited["body"] == "there"


async def test_comparisons_count_both_sides(hub: LocalHub, api: Api) -> None:
    await branch(hub)
    await hub.commit(REPOSITORY, "main", {"more.py": ""}, QUIET)
    found = await api.get(f"{REPO}/compare/main...regreen/1")
    assert (found["status"], found["ahead_by"], found["behind_by"]) == ("diverged", 1, 1)
    assert [one["filename"] for one in found["files"]] == ["fix.py"]
    assert (await api.get(f"{REPO}/compare/main...main"))["status"] == "identical"
    for nonsense in ("main", "main...none", "none...main"):
        await api.get(f"{REPO}/compare/{nonsense}", status=404)


async def test_files_come_as_json_or_raw(hub: LocalHub, api: Api) -> None:
    raw = {"Accept": "application/vnd.github.raw+json"}
    answer = await api.raw("GET", f"{REPO}/contents/app.py?ref=main", headers=raw)
    assert answer.content == b"x = 1\n"
    listed = await api.get(f"{REPO}/contents/.github/workflows")
    assert [(one["path"], one["type"]) for one in listed] == [(".github/workflows/ci.yml", "file")]
    for path in ("none.py", "app.py?ref=none", "app.py/below"):
        await api.get(f"{REPO}/contents/{path}", status=404)


async def test_web_pages_escape_what_people_wrote(hub: LocalHub, api: Api) -> None:
    await branch(hub)
    await api.post(f"{REPO}/pulls", {**ONE, "title": "<script>alert(1)</script>"})
    page = await api.raw("GET", f"/{REPOSITORY}/pull/1")
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    assert "+y = 2" in page.text
    assert (await api.raw("GET", f"/{REPOSITORY}")).status_code == 200
    assert (await api.raw("GET", f"/{REPOSITORY}/pull/2")).status_code == 404


async def test_either_of_two_permissions_lets_comment_on_a_pull_request(hub: LocalHub, api: Api) -> None:
    await branch(hub)
    await api.post(f"{REPO}/pulls", ONE)
    hub.repository(REPOSITORY).private = True

    def bearing(**permissions: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {hub.add_token('acme', permissions)}"}

    path = f"{REPO}/issues/1/comments"
    for may in ("issues", "pull_requests"):
        await api.post(path, {"body": may}, headers=bearing(**{may: "write"}))
    assert len(await api.get(path, headers=bearing(pull_requests="read"))) == 2
    refused = await api.raw("POST", path, {"body": "no"}, headers=bearing(contents="write"))
    assert refused.status_code == 403
    assert refused.headers["x-accepted-github-permissions"] == "issues=write; pull_requests=write"
