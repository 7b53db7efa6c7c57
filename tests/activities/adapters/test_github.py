import json
import time
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from activities.adapters.github import GitHub
from activities.adapters.wire import api_path
from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError
from scripted_wire import API, TOKEN, ScriptedWire, answer

REPOSITORY = "acme/widgets"
RUN = "/repos/acme/widgets/actions/runs/7"
SHA = "a" * 40


def a_run(**changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "run_attempt": 2,
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 3,
        "name": "CI",
        "path": ".github/workflows/ci.yml",
        "event": "push",
        "head_branch": "topic",
        "head_sha": SHA,
        "html_url": "https://github.com/acme/widgets/actions/runs/7",
        "created_at": "2026-01-02T03:04:05Z",
        "head_repository": {"full_name": REPOSITORY},
        "repository": {"full_name": REPOSITORY},
        "head_commit": {"message": "Break it", "author": {"name": "Ada", "email": "ada@example.com"}},
        "actor": {"login": "ada", "type": "User"},
        **changes,
    }


@pytest.fixture
def wire() -> ScriptedWire:
    return ScriptedWire()


@pytest.fixture
def github(wire: ScriptedWire) -> GitHub:
    return wire.github()


async def error_of(github: GitHub) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        await github.get_run(REPOSITORY, 7)
    return caught.value


async def test_a_run_is_read_with_the_token_and_the_api_version(wire: ScriptedWire, github: GitHub) -> None:
    wire.on("GET", RUN, answer(200, a_run()))
    run = await github.get_run(REPOSITORY, 7)
    assert (run.id, run.run_attempt, run.repository, run.actor_login) == (7, 2, REPOSITORY, "ada")
    assert run.head_commit_message == "Break it"
    assert wire.asked[0].headers["authorization"] == f"token {TOKEN}"
    assert wire.asked[0].headers["x-github-api-version"]


async def test_a_run_whose_fork_and_actor_are_gone_is_still_a_run(wire: ScriptedWire, github: GitHub) -> None:
    gone = a_run(
        head_repository=None, actor=None, head_commit=None, name=None, head_branch=None, conclusion=None
    )
    wire.on("GET", RUN, answer(200, gone))
    run = await github.get_run(REPOSITORY, 7)
    assert run.head_repository is None
    assert (run.actor_login, run.head_branch, run.head_commit_message, run.name) == ("", "", "", "")


async def test_a_workflow_file_of_another_repository_loses_its_ref(
    wire: ScriptedWire, github: GitHub
) -> None:
    wire.on("GET", RUN, answer(200, a_run(path=".github/workflows/ci.yml@refs/heads/main")))
    assert (await github.get_run(REPOSITORY, 7)).path == ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid"),
        (401, "unauthorised"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (410, "gone"),
        (415, "invalid"),
        (422, "invalid"),
        (451, "gone"),
    ],
)
async def test_a_refusal_is_permanent_and_says_which_kind(
    wire: ScriptedWire, github: GitHub, status: int, kind: str
) -> None:
    wire.on("GET", RUN, answer(status, {"message": "No, and here is why"}))
    error = await error_of(github)
    assert isinstance(error, PermanentError)
    assert error.kind == kind
    assert "No, and here is why" in str(error)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_in_trouble_is_unavailable(wire: ScriptedWire, github: GitHub, status: int) -> None:
    wire.on(
        "GET", RUN, httpx2.Response(status, text="<html>sorry</html>", headers={"content-type": "text/html"})
    )
    assert isinstance(await error_of(github), UnavailableError)


@pytest.mark.parametrize(
    "fault",
    [
        httpx2.ConnectError(f"could not send {TOKEN}"),
        httpx2.ReadTimeout(f"waited for {TOKEN}"),
        httpx2.RemoteProtocolError(f"cut while {TOKEN}"),
        httpx2.LocalProtocolError(f"Illegal header value b'token {TOKEN}'"),
    ],
)
async def test_a_cut_connection_is_unavailable_and_never_quotes_the_token(
    wire: ScriptedWire, github: GitHub, fault: Exception
) -> None:
    wire.on("GET", RUN, fault)
    error = await error_of(github)
    assert isinstance(error, UnavailableError)
    assert TOKEN not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'{"id": "seven"}', b"\xff\xfe", b'"text"'],
)
async def test_an_answer_that_is_not_a_run_is_unavailable(
    wire: ScriptedWire, github: GitHub, body: bytes
) -> None:
    wire.on("GET", RUN, httpx2.Response(200, content=body, headers={"content-type": "application/json"}))
    assert isinstance(await error_of(github), UnavailableError)


async def test_an_unheard_of_status_is_unavailable(wire: ScriptedWire, github: GitHub) -> None:
    wire.on("GET", RUN, httpx2.Response(599, json={"message": "?"}))
    assert isinstance(await error_of(github), UnavailableError)


async def test_an_answer_too_large_to_hold_is_refused(
    wire: ScriptedWire, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.adapters.wire.ANSWER_BYTES", 1_000)
    wire.on("GET", RUN, answer(200, a_run(name="x" * 2_000)))
    error = await error_of(github)
    assert isinstance(error, PermanentError)
    assert error.kind == "invalid"


async def test_a_spent_rate_limit_asks_to_wait_until_it_is_reset(wire: ScriptedWire, github: GitHub) -> None:
    headers = {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(time.time()) + 600),
    }
    wire.on("GET", RUN, answer(403, {"message": "API rate limit exceeded"}, headers))
    error = await error_of(github)
    assert isinstance(error, ThrottledError)
    assert timedelta(minutes=9) < error.delay < timedelta(minutes=11)


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (answer(403, {"message": "You have exceeded a secondary rate limit"}, {"retry-after": "17"}), 17),
        (answer(429, {"message": "Too many requests"}, {"retry-after": "5"}), 5),
        (answer(403, {"message": "You have exceeded a secondary rate limit. Please wait"}), 60),
        (answer(403, {"message": "You have triggered an abuse detection mechanism"}), 60),
        (answer(429, {"message": "Slow down"}), 60),
        (answer(403, {"message": "secondary rate limit"}, {"retry-after": "0"}), 1),
        (answer(403, {"message": "secondary rate limit"}, {"retry-after": "999999"}), 7_200),
        (answer(403, {"message": "secondary rate limit"}, {"retry-after": "tomorrow"}), 60),
    ],
)
async def test_a_throttled_request_names_the_delay(
    wire: ScriptedWire, github: GitHub, refusal: httpx2.Response, seconds: int
) -> None:
    wire.on("GET", RUN, refusal)
    error = await error_of(github)
    assert isinstance(error, ThrottledError)
    assert error.delay == timedelta(seconds=seconds)
    assert len(wire.asked) == 1


async def test_a_missing_permission_is_not_mistaken_for_throttling(
    wire: ScriptedWire, github: GitHub
) -> None:
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1"}
    wire.on("GET", RUN, answer(403, {"message": "Resource not accessible by integration"}, headers))
    error = await error_of(github)
    assert isinstance(error, PermanentError)
    assert error.kind == "forbidden"


async def test_a_renamed_repository_is_followed(wire: ScriptedWire, github: GitHub) -> None:
    wire.on(
        "GET", RUN, answer(301, {"message": "Moved"}, {"location": f"{API}/repositories/9/actions/runs/7"})
    )
    wire.on("GET", "/repositories/9/actions/runs/7", answer(200, a_run()))
    assert (await github.get_run(REPOSITORY, 7)).id == 7
    assert wire.asked[1].headers["authorization"] == f"token {TOKEN}"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/x", "http://api.github.com/x", "https://api.github.com:444/x", "//evil.example/"],
)
async def test_a_redirect_to_another_host_never_gets_the_token(
    wire: ScriptedWire, github: GitHub, elsewhere: str
) -> None:
    wire.on("GET", RUN, answer(301, None, {"location": elsewhere}))
    error = await error_of(github)
    assert isinstance(error, PermanentError)
    assert [each.url.host for each in wire.asked] == ["api.github.com"]


async def test_redirects_in_a_circle_end(wire: ScriptedWire, github: GitHub) -> None:
    wire.on("GET", RUN, answer(302, None, {"location": f"{API}{RUN}"}))
    assert isinstance(await error_of(github), PermanentError)
    assert len(wire.asked) == 4


async def test_a_write_is_not_repeated_at_a_moved_address(wire: ScriptedWire, github: GitHub) -> None:
    wire.on("POST", f"{RUN}/rerun-failed-jobs", answer(301, None, {"location": f"{API}/elsewhere"}))
    with pytest.raises(PermanentError):
        await github.rerun_failed_jobs(REPOSITORY, 7)
    assert len(wire.asked) == 1


async def test_every_page_of_a_listing_is_read(wire: ScriptedWire, github: GitHub) -> None:
    jobs = f"{RUN}/attempts/2/jobs"

    def page(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params.get("page", "1"))
        found = [{"id": number * 10 + n, "run_id": 7, "head_sha": SHA, "steps": []} for n in range(2)]
        following = {"link": f'<{API}{jobs}?page={number + 1}>; rel="next"'} if number < 3 else {}
        return answer(200, {"total_count": 6, "jobs": found}, following)

    wire.on("GET", jobs, page)
    assert [job.id for job in await github.list_jobs(REPOSITORY, 7, 2)] == [10, 11, 20, 21, 30, 31]


async def test_a_listing_that_never_ends_is_cut(
    wire: ScriptedWire, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.adapters.wire.ITEMS", 5)
    jobs = f"{RUN}/attempts/1/jobs"
    forever = {"link": f'<{API}{jobs}?page=2>; rel="next"'}
    wire.on("GET", jobs, answer(200, {"jobs": [{"id": 1, "run_id": 7, "head_sha": SHA}]}, forever))
    assert len(await github.list_jobs(REPOSITORY, 7, 1)) == 5


async def test_a_next_page_on_another_host_is_not_asked_for(wire: ScriptedWire, github: GitHub) -> None:
    jobs = f"{RUN}/attempts/1/jobs"
    wire.on("GET", jobs, answer(200, {"jobs": []}, {"link": '<https://evil.example/2>; rel="next"'}))
    with pytest.raises(PermanentError):
        await github.list_jobs(REPOSITORY, 7, 1)
    assert {each.url.host for each in wire.asked} == {"api.github.com"}


async def test_a_file_is_its_bytes_and_a_missing_one_is_none(wire: ScriptedWire, github: GitHub) -> None:
    there = "/repos/acme/widgets/contents/src/a%20b.py"
    wire.on(
        "GET", there, httpx2.Response(200, content=b"\xff\x00raw", headers={"content-type": "text/plain"})
    )
    assert await github.get_file(REPOSITORY, "src/a b.py", SHA) == b"\xff\x00raw"
    assert wire.asked[0].headers["accept"] == "application/vnd.github.v3.raw+json"
    assert await github.get_file(REPOSITORY, "absent.py", SHA) is None


async def test_a_file_that_may_not_be_read_is_an_error(wire: ScriptedWire, github: GitHub) -> None:
    wire.on("GET", "/repos/acme/widgets/contents/a.py", answer(403, {"message": "no"}))
    with pytest.raises(PermanentError):
        await github.get_file(REPOSITORY, "a.py", SHA)


@pytest.mark.parametrize("path", ["../../../user", "a/../../b", "", "/etc/passwd", "a//b", "./a"])
async def test_a_path_that_climbs_is_never_asked_for(wire: ScriptedWire, github: GitHub, path: str) -> None:
    with pytest.raises(PermanentError):
        await github.get_file(REPOSITORY, path, SHA)
    assert wire.asked == []


def test_an_address_holds_hostile_names_as_plain_segments() -> None:
    assert api_path("repos", "a/b", "git", "ref", "heads", "x?y#z{+w}%", per_page=5, absent=None) == (
        "/repos/a/b/git/ref/heads/x%3Fy%23z%7B%2Bw%7D%25?per_page=5"
    )


@pytest.mark.parametrize(
    "branch", ["main", "regreen/", "regreen/7/x", "regreen/../main", "regreen/7\n", "x/regreen/7"]
)
async def test_no_branch_but_a_fix_branch_is_ever_written(
    wire: ScriptedWire, github: GitHub, branch: str
) -> None:
    with pytest.raises(PermanentError):
        await github.create_fix_branch(REPOSITORY, branch, SHA, workflows=False)
    with pytest.raises(PermanentError):
        await github.forward_fix_branch(REPOSITORY, branch, SHA, workflows=False)
    with pytest.raises(PermanentError):
        await github.delete_own_branch(REPOSITORY, branch)
    assert wire.asked == []


@pytest.mark.parametrize(
    "branch", ["main", "regreen/7", "regreen-simulation/x", "regreen-simulation/../main"]
)
async def test_a_simulation_writes_its_own_branches_alone(
    wire: ScriptedWire, github: GitHub, branch: str
) -> None:
    with pytest.raises(PermanentError):
        await github.create_simulation_branch(REPOSITORY, branch, SHA)
    with pytest.raises(PermanentError):
        await github.forward_simulation_branch(REPOSITORY, branch, SHA)
    assert wire.asked == []


async def test_a_pull_request_of_a_fork_with_the_same_owner_is_not_ours(
    wire: ScriptedWire, github: GitHub
) -> None:
    def pull(number: int, repository: str | None) -> dict[str, Any]:
        head = {"ref": "topic", "repo": repository and {"full_name": repository}}
        return {"number": number, "html_url": "https://github.com/x", "state": "open", "head": head}

    wire.on(
        "GET",
        "/repos/acme/widgets/pulls",
        answer(200, [pull(1, "acme/widgets-fork"), pull(2, "Acme/Widgets"), pull(3, None)]),
    )
    assert [each.number for each in await github.list_pull_requests(REPOSITORY, "topic")] == [2]
    assert wire.asked[0].url.params["head"] == "acme:topic"


async def test_own_login_is_the_tokens_user_and_asked_once(wire: ScriptedWire, github: GitHub) -> None:
    wire.on("GET", "/user", answer(200, {"login": "fixer"}))
    assert [await github.own_login(REPOSITORY), await github.own_login(REPOSITORY)] == ["fixer", "fixer"]
    assert len(wire.asked) == 1


async def test_a_workflow_runs_token_speaks_for_the_actions_bot(wire: ScriptedWire, github: GitHub) -> None:
    wire.on("GET", "/user", answer(403, {"message": "Resource not accessible by integration"}))
    assert await github.own_login(REPOSITORY) == "github-actions[bot]"


async def test_an_api_below_a_path_keeps_the_path(wire: ScriptedWire) -> None:
    root = "https://ghe.example/api/v3"
    wire.on("GET", f"{root}{RUN}", answer(200, a_run()))
    assert (await wire.github(api_url=f"{root}/").get_run(REPOSITORY, 7)).id == 7


# ── the GraphQL API ─────────────────────────────────────────────────────────────────────────────────────────


async def enable(github: GitHub) -> None:
    await github.enable_auto_merge(REPOSITORY, "PR_1", head_sha=SHA, method="SQUASH")


@pytest.mark.parametrize(
    ("root", "address"),
    [
        (API, f"{API}/graphql"),
        ("https://ghe.example/api/v3", "https://ghe.example/api/graphql"),
        ("https://ghe.example/api/v3/", "https://ghe.example/api/graphql"),
    ],
)
async def test_auto_merge_is_one_mutation_bound_to_the_head_commit(
    wire: ScriptedWire, root: str, address: str
) -> None:
    wire.on(
        "POST", address, answer(200, {"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}})
    )
    await enable(wire.github(api_url=root))
    [asked] = wire.asked
    assert asked.headers["authorization"] == f"token {TOKEN}"
    body = json.loads(asked.content)
    assert body["query"].count("enablePullRequestAutoMerge(") == 1
    assert body["variables"] == {
        "input": {"pullRequestId": "PR_1", "expectedHeadOid": SHA, "mergeMethod": "SQUASH"}
    }


@pytest.mark.parametrize(
    ("given", "error", "kind"),
    [
        (answer(200, {"errors": [{"type": "FORBIDDEN", "message": "no"}]}), PermanentError, "forbidden"),
        (answer(200, {"errors": [{"type": "NOT_FOUND", "message": "no"}]}), PermanentError, "not_found"),
        (answer(200, {"errors": [{"type": "UNPROCESSABLE", "message": "no"}]}), PermanentError, "invalid"),
        (
            answer(200, {"errors": [{"message": "no field", "extensions": {"code": "undefinedField"}}]}),
            PermanentError,
            "invalid",
        ),
        (answer(200, {"errors": [{"type": "RATE_LIMITED", "message": "limit"}]}), ThrottledError, None),
        (answer(200, {"errors": [{"message": "Something went wrong"}]}), UnavailableError, None),
        (answer(200, {"errors": "what"}), UnavailableError, None),
        (answer(200, []), UnavailableError, None),
        (answer(401, {"message": "Bad credentials"}), PermanentError, "unauthorised"),
        (answer(403, {"message": "You have exceeded a secondary rate limit"}), ThrottledError, None),
        (answer(502, {"message": "Bad gateway"}), UnavailableError, None),
        (httpx2.ReadError("cut"), UnavailableError, None),
    ],
)
async def test_what_the_graphql_api_refuses_is_told_apart(
    wire: ScriptedWire, github: GitHub, given: Any, error: type[AdapterError], kind: str | None
) -> None:
    wire.on("POST", "/graphql", given)
    with pytest.raises(error) as caught:
        await enable(github)
    assert getattr(caught.value, "kind", None) == kind
    assert TOKEN not in str(caught.value)
