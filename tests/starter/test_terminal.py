from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from starter import terminal
from starter.remediations import Details, Overview
from workflows.models import Outcome, PullRequest, Reason, RemediationResult

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def rendered(thing: object) -> str:
    out = StringIO()
    Console(file=out, markup=False, emoji=False, highlight=False, soft_wrap=True, width=200).print(thing)
    return out.getvalue()


@given(st.text())
def test_nothing_but_readable_characters_reaches_the_terminal(text: str) -> None:
    assert terminal.plain(text).isprintable()


def test_line_breaks_survive_where_lines_are_wanted() -> None:
    assert terminal.plain("a\n\tb\x1b[2J", lines=True) == "a\n\tb\N{REPLACEMENT CHARACTER}[2J"


def test_hostile_names_are_printed_as_they_are_written() -> None:
    overview = Overview(
        workflow_id="ci-remediation/acme/widgets/12",
        open=True,
        temporal_status="running",
        started_at=NOW - timedelta(minutes=3),
        repository="acme/widgets",
        run_id=12,
        branch="[red]main[/red] :smile:",
        workflow="CI\x1b]8;;https://evil.example\x07",
        state="triage",
    )

    text = rendered(terminal.overview_table([overview], NOW))

    assert "acme/widgets/12" in text
    assert "[red]main[/red] :smile:" in text
    assert "  3m" in text
    assert "\x1b]8" not in text


def test_an_ended_remediation_says_how_and_why() -> None:
    overview = Overview(
        workflow_id="ci-remediation/acme/widgets/12",
        open=False,
        temporal_status="completed",
        started_at=NOW,
        outcome="fixed",
    )
    result = RemediationResult(
        outcome=Outcome.FIXED,
        reason=Reason.GREEN,
        pull_request=PullRequest(number=5, url="https://github.example/pull/5", merged=True),
    )

    text = rendered(terminal.details_text(Details(overview=overview, result=result)))

    assert "outcome     fixed" in text
    assert "https://github.example/pull/5 (merged)" in text
    assert "green on the fix's head commit" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (200_000, "2d")]
)
def test_a_duration_is_given_in_its_largest_unit(seconds: int, text: str) -> None:
    assert terminal.age(timedelta(seconds=seconds)) == text


def test_a_list_fits_a_terminal_of_eighty_columns_and_keeps_what_names_a_run_whole() -> None:
    overview = Overview(
        workflow_id="ci-remediation/acme/widgets-service/18273645510",
        open=True,
        temporal_status="running",
        started_at=NOW - timedelta(minutes=3),
        repository="acme/widgets-service",
        run_id=18273645510,
        branch="feature/rework-the-prices",
        workflow="CI / build and test",
        state="awaiting_approval",
        attempt=2,
        pull_request=1234,
    )
    out = StringIO()
    console = Console(file=out, markup=False, emoji=False, highlight=False, soft_wrap=True, width=80)
    console.print(terminal.overview_table([overview], NOW, width=80))

    heading, row = out.getvalue().splitlines()
    assert max(len(heading), len(row)) <= 80
    for whole in ("acme/widgets-service/18273645510", "awaiting_approval", "#1234", "3m"):
        assert whole in row


def test_a_long_text_is_wrapped_beside_its_label_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "the search attributes are missing: " + ", ".join(["CiRepository"] * 9)
    assert terminal.hanging("problem  ", text) == f"problem  {text}"

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = terminal.hanging("problem  ", text).splitlines()

    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert all(line.startswith("         ") for line in lines[1:])
