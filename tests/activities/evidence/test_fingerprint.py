import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.evidence.fingerprint import combine, fingerprint, normalise

SAME = {
    "another line number": (
        "src/app.py:10:5: F401 [*] `os` imported but unused\nFound 1 error.",
        "src/app.py:31:5: F401 [*] `os` imported but unused\nFound 1 error.",
    ),
    "another path prefix": (
        "/home/runner/work/x/x/src/app.py:2: error: Incompatible types  [return-value]",
        "/srv/build-91ab/src/app.py:2: error: Incompatible types  [return-value]",
    ),
    "a windows runner": (
        r"D:\a\x\x\src\app.ts(3,1): error TS2322: Type 'string' is not assignable.",
        "/home/runner/work/x/x/src/app.ts(3,1): error TS2322: Type 'string' is not assignable.",
    ),
    "another day and duration": (
        "ERROR 2026-01-02T03:04:05.678Z boot failed after 3.21s",
        "ERROR 2026-11-12 13:14:15,001 boot failed after 12s",
    ),
    "another commit and identifier": (
        "fatal: reference is not a tree: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "fatal: reference is not a tree: 1b2b0b822cd15d6c15b0f00a089f86d081884c7d",
    ),
    "another matrix leg": (
        "/opt/hostedtoolcache/Python/3.11.9/x64/lib/python3.11/site-packages/a/b.py:3: error: no stubs",
        "/opt/hostedtoolcache/Python/3.13.1/x64/lib/python3.13/site-packages/a/b.py:7: error: no stubs",
    ),
    "another address": ("Segmentation fault at 0x7ffee4c0", "Segmentation fault at 0x1c"),
    "another temporary folder": (
        "error: cannot open /tmp/tmpa1b2/out/result.json",
        "error: cannot open /var/folders/zz/9/out/result.json",
    ),
    "another order of tests": (
        "FAILED tests/test_a.py::test_x - assert 1 == 2\nFAILED tests/test_b.py::test_y - assert 3 == 4",
        "FAILED tests/test_b.py::test_y - assert 3 == 4\nFAILED tests/test_a.py::test_x - assert 1 == 2",
    ),
    "other lines around it": (
        "Downloading a\n… 2 lines omitted …\nerror: unused x\n##[error]Process completed with exit code 1.",
        "Downloading b\n… 9 lines omitted …\nerror: unused x\n##[error]Process completed with exit code 101.",
    ),
    "less telling lines beside it": (
        "\n".join(("could not reach one mirror", *(f"error: {name} is wrong" for name in "abcdef"))),
        "\n".join((*(f"error: {name} is wrong" for name in "abcdef"), "could not reach another mirror")),
    ),
}

DIFFERENT = {
    "another rule": (
        "src/app.py:10:5: F401 [*] `os` imported but unused",
        "src/app.py:10:5: F841 Local variable `os` is assigned to but never used",
    ),
    "another symbol": (
        "src/app.py:10:5: F401 [*] `os` imported but unused",
        "src/app.py:10:5: F401 [*] `re` imported but unused",
    ),
    "another file": ("would reformat src/app.py", "would reformat src/cli.py"),
    "another folder": ("would reformat src/a/__init__.py", "would reformat src/b/__init__.py"),
    "another test": ("FAILED tests/test_a.py::test_x - assert", "FAILED tests/test_a.py::test_y - assert"),
    "another compiler error": ("error[E0308]: mismatched types", "error[E0425]: mismatched types"),
    "one failure more": ("error: a is wrong", "error: a is wrong\nerror: b is wrong"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_the_same_failure_has_the_same_fingerprint_despite(one: str, other: str) -> None:
    assert fingerprint(one, "make check") == fingerprint(other, "make check")


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_failures_have_different_fingerprints(one: str, other: str) -> None:
    assert fingerprint(one, "make check") != fingerprint(other, "make check")


def test_another_command_is_another_failure() -> None:
    assert fingerprint("error: x", "make check") != fingerprint("error: x", "make build")


def test_a_fingerprint_is_versioned_and_short() -> None:
    name = fingerprint("error: x", None)

    version, _, digits = name.partition(":")
    assert version == "v2"
    assert len(digits) == 16
    int(digits, 16)


def test_a_log_without_loud_lines_goes_by_its_last_ones() -> None:
    assert fingerprint("one\ntwo", "x") != fingerprint("one\nthree", "x")


def test_matrix_legs_that_fail_alike_make_one_name_in_any_order() -> None:
    assert combine(["v1:a", "v1:b", "v1:a"]) == combine(["v1:b", "v1:a"])
    assert combine(["v1:a", "v1:a"]) == "v1:a"
    assert combine(["v1:a", "v1:c"]) != combine(["v1:a", "v1:b"])
    assert combine([]) == ""


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=10**9))
def test_line_numbers_never_count(line: int, other: int) -> None:
    one = f"src/deep/app.py:{line}:7: error: no"

    assert fingerprint(one, "mypy") == fingerprint(f"src/deep/app.py:{other}:7: error: no", "mypy")


@given(st.text(max_size=300))
def test_normalising_never_raises(line: str) -> None:
    normalise(line)
