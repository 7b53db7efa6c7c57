import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.publishing.ref_patterns import matches


@pytest.mark.parametrize(
    ("patterns", "yes", "no"),
    [
        (["main"], ["main"], ["mains", "amain", "Main", ""]),
        (["feature/*"], ["feature/a"], ["feature/a/b", "feature"]),
        (["feature/**"], ["feature/a", "feature/a/b"], ["feature", "features/a"]),
        (["*"], ["main"], ["a/b"]),
        (["**"], ["main", "a/b", "regreen/7"], []),
        (["'*'", "v2*"], ["v2", "v2.0"], ["v1"]),
        (["v[12].[0-9]+.[0-9]+"], ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.1"]),
        (["*.jsx?"], ["page.js", "page.jsx"], ["page.ts", "a/page.js"]),
        (["docs/**/*.md"], ["docs/README.md", "docs/a/b.md"], ["README.md", "docs/x.txt"]),
        (["**/docs/**"], ["docs/hello.md", "a/docs/b/c"], ["adocs/x", "docs"]),
        (["**/README.md"], ["README.md", "js/README.md"], ["xREADME.md"]),
        (["**-post.md"], ["my-post.md", "path/their-post.md"], ["post.md"]),
        (["**", "!regreen/**"], ["main"], ["regreen/7"]),
        (["!main"], [], ["main", "other"]),
        (["releases/**", "!releases/**-alpha"], ["releases/10"], ["releases/beta/3-alpha"]),
        (["!x", "x"], ["x"], ["y"]),
        (["a\\*b"], ["a*b"], ["axb"]),
        (["Octo*"], ["Octocat"], ["octocat"]),
        (["feat/ü#1%"], ["feat/ü#1%"], ["feat/u#1%"]),
        (["+a"], ["+a"], ["a"]),
        (["[a-"], ["[a-"], ["a"]),
        ([], [], ["main"]),
    ],
)
def test_a_filter_means_what_github_says_it_means(patterns: list[str], yes: list[str], no: list[str]) -> None:
    assert [name for name in yes if not matches(patterns, name)] == []
    assert [name for name in no if matches(patterns, name)] == []


@given(st.lists(st.text(alphabet="ab/*?+[]!-\\", max_size=30)), st.text(alphabet="ab/-", max_size=30))
def test_any_pattern_gives_an_answer(patterns: list[str], name: str) -> None:
    assert matches(patterns, name) in {True, False}


@pytest.mark.parametrize("pattern", ["**a" * 80 + "b", "a+" * 120 + "b", "*" * 250 + "b", "**/" * 80 + "b"])
def test_no_pattern_takes_long(pattern: str) -> None:
    started = time.process_time()
    assert not matches([pattern], "a" * 255)
    assert time.process_time() - started < 2


def test_a_pattern_too_long_to_be_meant_matches_nothing() -> None:
    assert not matches(["*" * 256], "main")
