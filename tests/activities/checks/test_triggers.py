import time

import pytest

from activities.checks.filter_pattern import fits
from activities.checks.triggers import TriggersError, read_triggers, why_no_ci

FIX = "regreen/7"


def obstacles(on: str, base: str = "main") -> tuple[str, ...]:
    return why_no_ci(read_triggers(f"on: {on}\njobs: {{}}\n".encode()), fix_branch=FIX, base=base)


@pytest.mark.parametrize(
    "on",
    [
        "pull_request",
        "[push, pull_request]",
        "push",
        "{pull_request: }",
        "{pull_request: {branches: [main]}}",
        "{pull_request: {branches: ['**', '!release/**']}}",
        "{pull_request: {branches-ignore: [dev]}}",
        "{pull_request: {types: [opened, closed]}}",
        "{pull_request: {paths: ['src/**']}}",
        "{push: {branches: [main, 'regreen/*']}}",
        "{push: {branches: [main]}, pull_request_target: {branches: [main]}}",
        "{push: {tags: ['v*'], branches: ['**']}}",
    ],
)
def test_ci_starts_on_a_fix(on: str) -> None:
    assert obstacles(on) == ()


@pytest.mark.parametrize(
    ("on", "says"),
    [
        ("{push: {branches: [main]}}", "`push` leaves out the branch `regreen/7`"),
        ("{push: {branches-ignore: ['regreen/**']}}", "`push` leaves out the branch `regreen/7`"),
        ("{push: {tags: ['v*']}}", "`push` is for tags only"),
        ("{pull_request: {branches: ['release/**']}}", "leaves out pull requests against `main`"),
        ("{pull_request: {branches: ['**', '!main']}}", "leaves out pull requests against `main`"),
        ("{pull_request: {types: [ready_for_review]}}", "`types:` without `opened`"),
        ("{schedule: [{cron: '0 0 * * *'}]}", "neither on `pull_request` nor on `push`"),
        ("workflow_dispatch", "neither on `pull_request` nor on `push`"),
    ],
)
def test_what_keeps_ci_from_starting_is_named(on: str, says: str) -> None:
    assert says in "; ".join(obstacles(on))


def test_every_event_that_might_have_started_it_has_its_own_sentence() -> None:
    assert len(obstacles("{push: {branches: [main]}, pull_request: {branches: [dev]}}")) == 2


@pytest.mark.parametrize("content", [b"\xff", b"[", b"- a", b"jobs: {}", b"on: 7", b"x" * 600_000])
def test_what_is_no_workflow_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(TriggersError):
        read_triggers(content)


@pytest.mark.parametrize(
    ("pattern", "name", "whether"),
    [
        ("feature/*", "feature/my-branch", True),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature/beta-a/my-branch", True),
        ("*", "main", True),
        ("*", "all/the/branches", False),
        ("**", "all/the/branches", True),
        ("*feature", "mona-feature", True),
        ("v2*", "v2.9", True),
        ("v[12].[0-9]+.[0-9]+", "v1.10.1", True),
        ("v[12].[0-9]+.[0-9]+", "v3.10.1", False),
        ("*.jsx?", "page.js", True),
        ("*.jsx?", "page.jsx", True),
        ("**/docs/**", "docs/a.md", True),
        ("**/docs/**", "dir/docs/my-file.txt", True),
        ("**/README.md", "README.md", True),
        ("**/README.md", "notREADME.md", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("[", "[", True),
        ("[z-a]", "[z-a]", False),
        ("?", "?", True),
        ("", "", True),
        ("a.b", "axb", False),
    ],
)
def test_patterns_mean_what_github_says_they_mean(pattern: str, name: str, whether: bool) -> None:  # noqa: FBT001
    assert fits(pattern, name) is whether


@pytest.mark.parametrize("pattern", ["a+" * 120, "**" * 120, "*a" * 120, "a?" * 120, "**/" * 80])
def test_a_pattern_made_to_take_for_ever_does_not(pattern: str) -> None:
    started = time.monotonic()
    fits(pattern, "a" * 250 + "b/")
    assert time.monotonic() - started < 5
