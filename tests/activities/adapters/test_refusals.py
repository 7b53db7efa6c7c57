from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from activities.errors import AdapterError, PermanentError, ThrottledError, UnavailableError
from scripted_wire import ScriptedWire, answer

REPOSITORY = "acme/widgets"
RUN = "/repos/acme/widgets/actions/runs/7"


async def refusal(*answers: httpx2.Response) -> AdapterError:
    wire = ScriptedWire()
    wire.on("GET", RUN, *answers)
    with pytest.raises(AdapterError) as caught:
        await wire.github().get_run(REPOSITORY, 7)
    return caught.value


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-accepted-github-permissions", "actions=write"),
        ("x-accepted-github-permissions", "pull_requests=write; issues=write,contents=read"),
        ("x-accepted-oauth-scopes", "admin:org, repo"),
    ],
)
async def test_a_missing_permission_is_named(header: str, value: str) -> None:
    error = await refusal(answer(403, {"message": "Resource not accessible"}, {header: value}))
    assert isinstance(error, PermanentError)
    assert error.kind == "forbidden"
    assert str(error) == f"GitHub answered 403: Resource not accessible (it takes {value})"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Repository was archived so is read-only.", "archived"),
        ("This installation has been suspended", "suspended"),
        ("Resource not accessible by integration", "forbidden"),
    ],
)
async def test_a_repository_or_installation_at_rest_is_no_lacking_permission(said: str, kind: str) -> None:
    error = await refusal(answer(403, {"message": said}))
    assert isinstance(error, PermanentError)
    assert error.kind == kind


@pytest.mark.parametrize("value", ["", "actions=write\x7f<img src=x>", "a" * 500 + "!", "@everyone"])
async def test_what_is_no_permission_is_not_quoted(value: str) -> None:
    error = await refusal(answer(403, {"message": "No"}, {"x-accepted-github-permissions": value}))
    assert str(error) == "GitHub answered 403: No"


@pytest.mark.parametrize(("seconds", "says"), [(-600, "s ahead of"), (600, "s behind"), (0, ""), (10, "")])
async def test_a_refused_credential_says_how_far_the_clock_is_off(seconds: int, says: str) -> None:
    theirs = format_datetime(datetime.now(tz=UTC) + timedelta(seconds=seconds), usegmt=True)
    error = await refusal(answer(401, {"message": "Bad credentials"}, {"date": theirs}))
    assert isinstance(error, PermanentError)
    assert error.kind == "unauthorised"
    assert ("clock" in str(error)) is bool(says)
    assert says in str(error)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT"])
async def test_a_date_that_is_none_says_nothing(date: str) -> None:
    assert "clock" not in str(await refusal(answer(401, {"message": "Bad credentials"}, {"date": date})))


@pytest.mark.parametrize(
    "poison",
    [
        {"retry-after": "inf"},
        {"retry-after": "1e400"},
        {"retry-after": "-5"},
        {"retry-after": "9" * 400},
        {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 9},
        {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"},
    ],
)
async def test_no_delay_an_answer_names_is_taken_beyond_two_hours(poison: dict[str, str]) -> None:
    error = await refusal(answer(403, {"message": "secondary rate limit"}, poison))
    assert isinstance(error, ThrottledError)
    assert timedelta(seconds=1) <= error.delay <= timedelta(hours=2)


async def test_limits_that_cannot_be_read_are_no_reason_to_fail_for_good() -> None:
    strange = {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 30}
    assert not isinstance(await refusal(answer(200, {}, strange)), PermanentError)


async def test_a_busy_server_that_names_a_delay_gets_it() -> None:
    error = await refusal(answer(503, {"message": "Busy"}, {"retry-after": "9"}))
    assert isinstance(error, ThrottledError)
    assert error.delay == timedelta(seconds=9)
    assert isinstance(await refusal(answer(503, {"message": "Busy"})), UnavailableError)
