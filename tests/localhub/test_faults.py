"""The local GitHub misbehaves as it is told to, anywhere, and says clearly when it was told nonsense."""

import time
from pathlib import Path

import httpx2
import pytest

from localhub import LocalHub
from localhub.faults import Fault, Faults, FaultsError, parse_faults, read_faults
from tests.localhub.probes import RED, REPOSITORY, Api

REPO = f"/repos/{REPOSITORY}"


def misbehave(hub: LocalHub, rules: str) -> None:
    hub.faults.follow(parse_faults(rules).rules)


async def test_without_rules_everything_works(hub: LocalHub, api: Api) -> None:
    await api.get(REPO)
    assert hub.faults.injected == []


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        ("502", 502, "Injected 502"),
        ("bad-credentials", 401, "Bad credentials"),
        ("forbidden", 403, "Resource not accessible"),
        ("not-found", 404, "Not Found"),
        ("conflict", 409, "Conflict"),
        ("gone", 410, "Server Error"),
        ("invalid", 422, "Validation Failed"),
        ("unavailable", 503, "Service Unavailable"),
    ],
)
async def test_an_answer_can_be_any_refusal_in_github_s_shape(
    hub: LocalHub, api: Api, answer: str, status: int, says: str
) -> None:
    misbehave(hub, f"* *: {answer}")
    told = await api.get(REPO, status=status)
    assert says in told["message"]
    assert told["documentation_url"]


async def test_limits_say_how_long_to_wait(hub: LocalHub, api: Api) -> None:
    misbehave(hub, f"* {REPO}: secondary-limit retry-after=7; * *: primary-limit reset-in=90")
    secondary = await api.raw("GET", REPO)
    assert (secondary.status_code, secondary.headers["retry-after"]) == (403, "7")
    assert "secondary rate limit" in secondary.text
    primary = await api.raw("GET", f"{REPO}/pulls")
    assert (primary.status_code, primary.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 80 < int(primary.headers["x-ratelimit-reset"]) - time.time() <= 90


async def test_a_refusal_names_the_permission_and_a_redirect_its_target(hub: LocalHub, api: Api) -> None:
    misbehave(hub, f"GET {REPO}: forbidden permission=contents=write; GET *: 301 location={REPO}/labels")
    refused = await api.raw("GET", REPO)
    assert refused.headers["x-accepted-github-permissions"] == "contents=write"
    moved = await api.raw("GET", f"{REPO}/pulls")
    assert (moved.status_code, moved.headers["location"]) == (301, f"{REPO}/labels")


async def test_a_connection_cut_before_changes_nothing(hub: LocalHub, api: Api) -> None:
    misbehave(hub, "POST *: cut")
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await api.raw("POST", f"{REPO}/git/blobs", {"content": "x", "encoding": "utf-8"})
    assert (await api.get(f"{REPO}/pulls")) == []
    assert hub.faults.injected == [("POST", f"{REPO}/git/blobs", "cut before")]


async def test_a_connection_cut_after_took_effect(hub: LocalHub, api: Api) -> None:
    sha = await api.get(f"{REPO}/git/ref/heads/main")
    misbehave(hub, "writes *: cut after first=1 per=address")
    wanted = {"ref": "refs/heads/topic", "sha": sha["object"]["sha"]}
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await api.raw("POST", f"{REPO}/git/refs", wanted)
    await api.get(f"{REPO}/git/ref/heads/topic")
    told = await api.call("POST", f"{REPO}/git/refs", wanted, status=422)
    assert told["message"] == "Reference already exists"


async def test_first_counts_for_each_address_or_for_all_together(hub: LocalHub, api: Api) -> None:
    misbehave(hub, "GET *: 500 first=1 per=address")
    statuses = [
        (await api.raw("GET", path)).status_code for path in (REPO, f"{REPO}/pulls", REPO, f"{REPO}/pulls")
    ]
    assert statuses == [500, 500, 200, 200]
    misbehave(hub, "GET *: 500 first=3")
    statuses = [(await api.raw("GET", REPO)).status_code for _ in range(5)]
    assert statuses == [500, 500, 500, 200, 200]


async def test_latency_delays_and_changes_nothing(hub: LocalHub, api: Api) -> None:
    misbehave(hub, "* *: pass latency=0.2")
    started = time.monotonic()
    await api.get(REPO)
    assert time.monotonic() - started >= 0.2
    assert hub.faults.injected == []


async def test_git_and_the_store_of_logs_misbehave_too(hub: LocalHub, api: Api) -> None:
    sha = await hub.commit(REPOSITORY, "main", RED, "Break it")
    await hub.idle()
    job = (await api.jobs_of(await api.run_of(sha)))[0]
    link = (await api.raw("GET", f"{REPO}/actions/jobs/{job['id']}/logs")).headers["location"]
    misbehave(hub, "GET /logs/*: 503; * *.git/*: 500")
    async with httpx2.AsyncClient(trust_env=False) as anonymous:
        assert (await anonymous.get(link)).status_code == 503
        refs = f"{hub.url}/{REPOSITORY}.git/info/refs?service=git-upload-pack"
        assert (await anonymous.get(refs)).status_code == 500


def test_one_request_in_ten_fails_when_a_tenth_is_asked_for() -> None:
    faults = Faults([Fault(answer=502, percent=10)], seed=1)
    failed = sum(faults.draw("GET", f"/{number % 97}") is not None for number in range(10_000))
    assert 900 < failed < 1_100


def test_a_seed_decides_which_requests_fail_whatever_their_order() -> None:
    def failing(paths: list[str], seed: int) -> set[tuple[str, str, str]]:
        faults = Faults([Fault(answer=502, percent=30)], seed=seed)
        for path in paths:
            faults.draw("GET", path)
        return set(faults.injected)

    paths = [f"/{number}" for number in range(100)]
    assert failing(paths, 1) == failing(paths[::-1], 1)
    assert failing(paths, 1) != failing(paths, 2)


def test_the_first_rule_that_fires_counts() -> None:
    faults = parse_faults("/v2/*: pass; * *: 500")
    assert faults.draw("GET", "/v2/x/blobs").answer == "pass"  # type: ignore[union-attr]
    assert faults.draw("GET", "/repos").answer == 500  # type: ignore[union-attr]


def test_a_file_says_the_same_as_a_line(tmp_path: Path) -> None:
    path = tmp_path / "faults.yml"
    path.write_text(
        "seed: 4\nfaults:\n"
        "  - {methods: [POST, PATCH], path: '*/pulls*', answer: secondary-limit, retry_after: 3, first: 2}\n"
    )
    in_file = read_faults(str(path))
    in_line = read_faults("POST,PATCH */pulls*: secondary-limit retry-after=3 first=2 seed=4")
    assert (in_file.rules, in_file.seed) == (in_line.rules, in_line.seed)


def test_a_path_may_be_a_regular_expression() -> None:
    faults = parse_faults(r"GET re:/repos/[^/]+/[^/]+: 500")
    assert faults.draw("GET", "/repos/a/b") is not None
    assert faults.draw("GET", "/repos/a/b/pulls") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("GET /x", "a rule is written `METHODS PATH: ANSWER`"),
        ("* *: 502; no more", "rule 2, 'no more': expected `METHODS PATH: ANSWER …`"),
        ("* *: 502; FETCH *: 500", "rule 2: Value error, no such method: FETCH"),
        ("* *: 200", "answer 200 is neither a status from 300 to 599 nor one of pass, cut,"),
        ("* *: explode", "answer 'explode' is neither"),
        ("* *: 502 soon", "'soon' is no word of the language"),
        ("* *: 502 150%", "percent: Input should be less than or equal to 100"),
        ("* *: 502 frist=1", "frist: Extra inputs are not permitted"),
        ("* *: 502 seed=x", "seed 'x' is not a number"),
        ("GET re:(: 500", "the path is not a regular expression"),
    ],
)
def test_nonsense_is_answered_with_the_rule_and_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(FaultsError) as caught:
        read_faults(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("- answer: 500", "expected an object with a list `faults`"),
        ("faults: []\nsede: 1", "unknown: sede"),
        ("faults: [{answer: 500, oops: 1}]", "oops: Extra inputs"),
        ("a: [", "neither YAML nor JSON"),
        ("seed: soon\nfaults: []", "seed 'soon'"),
    ],
)
def test_a_file_of_nonsense_is_answered_likewise(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "faults.yml"
    path.write_text(content)
    with pytest.raises(FaultsError) as caught:
        read_faults(str(path))
    assert complaint in str(caught.value)


def test_a_file_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(FaultsError, match="cannot be read: No such file"):
        read_faults("nowhere.yml")
