from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities.checks.activity import ChecksActivities
from activities.publishing.activity import PublishingActivities
from activities.publishing.repository import RepositoryActivities, read_standing
from activities.publishing.switch import LOOK_AGAIN, WriteSwitch
from scripted import snapshot
from small_github import LOGIN, REPOSITORY, SmallGitHub
from workflows import naming
from workflows.models import (
    AuthorisationRequest,
    CloseRequest,
    LabelRequest,
    RerunRequest,
    ReviewRequest,
)
from workflows.repository_settings import SettingsProblem, Standing

FINGERPRINT = "v1:0000"
BROKEN = b"enabled: perhaps\n"
PROBLEM = "Line 1: enabled: input should be a valid boolean"
REVIEW = ReviewRequest(repository=REPOSITORY, number=1, logins=("ada",))
WRITES: list[Callable[[PublishingActivities, ChecksActivities], Awaitable[Any]]] = [
    lambda publish, _: publish.label_pull_request(LabelRequest(repository=REPOSITORY, number=1)),
    lambda publish, _: publish.close_pull_request(CloseRequest(repository=REPOSITORY, number=1)),
    lambda publish, _: publish.request_review(REVIEW),
    lambda _, checks: checks.rerun_failed_jobs(RerunRequest(repository=REPOSITORY, run_id=1, run_attempt=1)),
]


@pytest.fixture
def hub() -> SmallGitHub:
    small = SmallGitHub()
    small.permissions["ada"] = {"permission": "write", "role_name": "write"}
    return small


def repository(hub: SmallGitHub, pause_file: Path | None = None) -> RepositoryActivities:
    github = hub.github()
    return RepositoryActivities(github, WriteSwitch(github, pause_file))


def writers(
    hub: SmallGitHub, pause_file: Path | None = None
) -> tuple[PublishingActivities, ChecksActivities]:
    github = hub.github()
    switch = WriteSwitch(github, pause_file)
    return PublishingActivities(github, switch), ChecksActivities(github, switch)


# ── the switches ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("settings", "kind"), [(b"enabled: false", "settings_disabled"), (BROKEN, "settings_invalid")]
)
async def test_nothing_is_written_where_the_repository_s_settings_forbid_it(
    hub: SmallGitHub, write: Callable[..., Awaitable[Any]], settings: bytes, kind: str
) -> None:
    hub.settings = settings

    with pytest.raises(ApplicationError) as refused:
        await write(*writers(hub))

    assert (refused.value.type, refused.value.non_retryable) == (kind, True)
    assert hub.writes() == []


@pytest.mark.parametrize("write", WRITES)
async def test_while_everything_is_paused_each_write_waits(
    hub: SmallGitHub, write: Callable[..., Awaitable[Any]], tmp_path: Path
) -> None:
    (tmp_path / "paused").touch()

    with pytest.raises(ApplicationError, match="paused everywhere") as refused:
        await write(*writers(hub, tmp_path / "paused"))

    assert not refused.value.non_retryable
    assert refused.value.next_retry_delay == LOOK_AGAIN
    assert hub.writes() == []


async def test_a_pause_that_cannot_be_looked_for_counts_as_one(hub: SmallGitHub, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    publish, _ = writers(hub, tmp_path / "file" / "paused")

    with pytest.raises(ApplicationError, match="cannot be told"):
        await publish.close_pull_request(CloseRequest(repository=REPOSITORY, number=1))


async def test_a_link_that_leads_nowhere_pauses_too(hub: SmallGitHub, tmp_path: Path) -> None:
    (tmp_path / "paused").symlink_to(tmp_path / "gone")
    publish, _ = writers(hub, tmp_path / "paused")

    with pytest.raises(ApplicationError, match="paused everywhere"):
        await publish.close_pull_request(CloseRequest(repository=REPOSITORY, number=1))


async def test_settings_that_cannot_be_read_now_keep_a_write_waiting(
    hub: SmallGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> httpx2.Response:
        return httpx2.Response(503, json={"message": "Unavailable"})

    monkeypatch.setattr(hub, "_get_settings", fail)
    publish, _ = writers(hub)

    with pytest.raises(ApplicationError) as refused:
        await publish.close_pull_request(CloseRequest(repository=REPOSITORY, number=1))

    assert (refused.value.type, refused.value.non_retryable) == ("unavailable", False)
    assert hub.writes() == []


# ── broken settings ─────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_wrong_with_the_settings_is_said_once_per_version(hub: SmallGitHub) -> None:
    hub.settings = BROKEN
    activities = repository(hub)
    request = SettingsProblem(repository=REPOSITORY, problem=PROBLEM)

    first = await activities.report_broken_settings(request)
    again = await activities.report_broken_settings(request)
    hub.settings_commit = "6f" * 20
    other = await activities.report_broken_settings(request)

    assert [first.changed, again.changed, other.changed] == [True, False, True]
    assert [each["on"] for each in hub.comments] == [f"commits/{'5e' * 20}", f"commits/{'6f' * 20}"]
    assert PROBLEM in hub.comments[0]["body"]
    assert hub.comments[0]["user"]["login"] == LOGIN


async def test_a_remark_on_the_settings_whose_answer_was_lost_is_not_made_twice(hub: SmallGitHub) -> None:
    hub.settings = BROKEN
    hub.lose_answer_of = ("POST", "/comments")
    request = SettingsProblem(repository=REPOSITORY, problem=PROBLEM)
    with pytest.raises(ApplicationError):
        await repository(hub).report_broken_settings(request)
    assert not (await repository(hub).report_broken_settings(request)).changed
    assert len(hub.comments) == 1


async def test_a_stranger_s_comment_with_our_marker_does_not_silence_us(hub: SmallGitHub) -> None:
    hub.settings = BROKEN
    hub.comment(naming.SETTINGS_MARKER, login="mallory", on=f"commits/{hub.settings_commit}")

    posted = await repository(hub).report_broken_settings(
        SettingsProblem(repository=REPOSITORY, problem=PROBLEM)
    )

    assert posted.changed


async def test_the_settings_are_read_with_the_run(hub: SmallGitHub) -> None:
    hub.settings = BROKEN
    assert PROBLEM in (await standing(hub)).settings.problem


# ── what was spent ──────────────────────────────────────────────────────────────────────────────────────────


def add_fix(hub: SmallGitHub, run_id: int, *fingerprints: str, base: str = "main") -> dict[str, Any]:
    sha = hub.commit({})
    for attempt, fingerprint in enumerate(fingerprints, start=1):
        trailers = naming.commit_trailers(run_id, attempt, fingerprint)
        sha = hub.commit({}, parent=sha, message=f"Fix\n\n{trailers}\n")
    branch = naming.fix_branch(run_id)
    hub.refs[branch] = sha
    return hub.add_pull(head=branch, base=base, title="Fix", body="", draft=True)


async def standing(hub: SmallGitHub) -> Standing:
    github = hub.github()
    return await read_standing(github, WriteSwitch(github), snapshot(run_id=9))


async def test_attempts_at_the_same_failure_of_the_branch_count_whatever_run_they_were_for(
    hub: SmallGitHub,
) -> None:
    add_fix(hub, 1, FINGERPRINT, "v1:other")
    add_fix(hub, 2, FINGERPRINT)["state"] = "closed"
    add_fix(hub, 3, FINGERPRINT, base="topic")
    add_fix(hub, 4, FINGERPRINT)["merged_at"] = "2026-01-01T00:00:00Z"
    add_fix(hub, 9, FINGERPRINT)

    assert sorted((await standing(hub)).attempts) == [FINGERPRINT, FINGERPRINT, "v1:other"]


async def test_fix_pull_requests_of_the_last_day_count(hub: SmallGitHub) -> None:
    add_fix(hub, 1)
    add_fix(hub, 2, base="topic")
    add_fix(hub, 3)["created_at"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    add_fix(hub, 4)["head"]["repo"]["full_name"] = "mallory/widgets"
    hub.refs["feature"] = hub.commit({})
    hub.add_pull(head="feature", base="main", title="A feature", body="", draft=False)

    assert (await standing(hub)).opened_today == 2


# ── what pull requests look like, and who may order ─────────────────────────────────────────────────────────


async def test_reviewers_are_asked_and_further_labels_added(hub: SmallGitHub) -> None:
    add_fix(hub, 1)
    publish, _ = writers(hub)

    await publish.request_review(ReviewRequest(repository=REPOSITORY, number=1, logins=("ada",)))
    await publish.label_pull_request(LabelRequest(repository=REPOSITORY, number=1, labels=("ci",)))

    assert hub.reviewers == {1: ["ada"]}
    assert hub.labels == {1: {*naming.FIX_LABELS, "ci"}}


async def test_a_reviewer_without_access_does_not_end_the_remediation(hub: SmallGitHub) -> None:
    add_fix(hub, 1)
    publish, _ = writers(hub)

    await publish.request_review(ReviewRequest(repository=REPOSITORY, number=1, logins=("mallory",)))

    assert hub.reviewers == {}


@pytest.mark.parametrize(
    ("permission", "logins", "held", "allowed"),
    [
        ("write", (), "write", True),
        ("maintain", (), "write", False),
        ("maintain", (), "maintain", True),
        ("admin", (), "maintain", False),
        ("admin", (), "admin", True),
        ("write", ("Ada",), "write", True),
        ("write", ("grace",), "admin", False),
        ("write", ("ada",), "read", False),
    ],
)
async def test_a_repository_may_narrow_who_gives_orders(
    hub: SmallGitHub,
    permission: str,
    logins: tuple[str, ...],
    held: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    hub.permissions["ada"] = {"permission": held, "role_name": held}
    publish, _ = writers(hub)
    request = AuthorisationRequest(repository=REPOSITORY, login="ada", permission=permission, logins=logins)

    assert await publish.authorise_order(request) is allowed
