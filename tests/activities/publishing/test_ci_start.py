import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.publishing.ci_start import OPENED, PUSHED, Fix, Start, plan

BASES = ("topic", "develop", "main")


def planned(on: str, *, paths: tuple[str, ...] = ("src/app.py",), happens: frozenset[str] = OPENED) -> Start:
    return plan(f"on: {on}\njobs: {{}}\n".encode(), Fix("regreen/7", paths, happens), BASES)


@pytest.mark.parametrize(
    ("on", "base"),
    [
        ("push", "topic"),
        ("[push, pull_request]", "topic"),
        ("pull_request", "topic"),
        ("{pull_request: }", "topic"),
        ("{pull_request_target: }", "topic"),
        ("{push: {branches: ['regreen/**']}, pull_request: {branches: [main]}}", "topic"),
        ("{push: {branches: [main]}, pull_request: }", "topic"),
        ("{push: {branches: [main]}, pull_request: {branches: [main]}}", "main"),
        ("{push: {branches: [main]}, pull_request: {branches: [main, develop]}}", "develop"),
        ("{pull_request: {branches-ignore: ['topic*']}}", "develop"),
        ("{pull_request: {branches: ['**', '!topic', '!develop']}}", "main"),
        ("{pull_request: {types: [labeled]}}", "topic"),
        ("{pull_request: {paths: ['src/**']}}", "topic"),
        ("{pull_request: {paths-ignore: ['docs/**']}}", "topic"),
        ("{push: {tags-ignore: ['v*'], branches-ignore: [main]}}", "topic"),
    ],
)
def test_the_pull_request_gets_the_first_base_for_which_the_workflow_starts(on: str, base: str) -> None:
    start = planned(on)
    assert (start.base, start.obstacle) == (base, "")


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("schedule", "neither on pushes nor on pull requests"),
        ("{workflow_dispatch: , workflow_call: }", "neither on pushes nor on pull requests"),
        ("{push: {branches: [main]}}", "on pushes only, and its filters leave out regreen/7"),
        ("{push: {tags: ['v*']}}", "on pushes only"),
        ("{push: {branches-ignore: ['regreen/**']}}", "on pushes only"),
        ("{push: {paths: ['docs/**']}}", "on pushes only"),
        ("{pull_request: {branches: [release]}}", "branch filters leave out pull requests against topic"),
        ("{pull_request: {types: [closed]}}", "`types` leave out"),
        ("{pull_request: {types: [ready_for_review]}}", "`types` leave out"),
    ],
)
def test_where_no_base_helps_it_says_which_filter_and_what_to_change(on: str, why: str) -> None:
    start = planned(on)
    assert start.base == "topic"
    assert why in start.obstacle
    assert "`regreen/**`" in start.obstacle


def test_a_further_attempt_starts_what_runs_on_pushes_to_a_pull_request() -> None:
    assert planned("{pull_request: {types: [synchronize]}}", happens=PUSHED).obstacle == ""
    assert planned("{pull_request: {types: [opened]}}", happens=PUSHED).obstacle != ""


@pytest.mark.parametrize(
    ("content", "draft"),
    [
        (b"on: pull_request\njobs: {}\n", True),
        (b"on: {pull_request: {types: [opened, ready_for_review]}}\njobs: {}\n", False),
        (b"on: pull_request\njobs: {a: {if: '!github.event.pull_request.draft'}}\n", False),
    ],
)
def test_a_draft_is_opened_unless_the_workflow_minds(content: bytes, *, draft: bool) -> None:
    assert plan(content, Fix("regreen/7", ()), BASES).draft is draft


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"on: [", b"- a list", b"on: 3", b"jobs: {}", b"&a [*a", b"x" * 600_000]
)
def test_from_a_file_that_cannot_be_read_nothing_is_concluded(content: bytes) -> None:
    assert plan(content, Fix("regreen/7", ()), BASES) == Start("topic")


@given(st.binary(max_size=300))
def test_no_content_makes_it_raise(content: bytes) -> None:
    assert plan(b"on:" + content, Fix("regreen/7", ("a",)), BASES).base in BASES
