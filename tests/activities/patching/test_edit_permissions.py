from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from activities.patching.edits.permissions import add_permission
from activities.patching.recipe import EditRefusedError

PLAIN = """\
name: publish  # keep me
on: [push]
jobs:
  build:
    runs-on: ubuntu-latest  # the runner
    steps:
      - run: docker push x
  other:
    runs-on: ubuntu-latest
    steps: [{run: "true"}]
"""


def parsed(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def added_lines(before: str, after: str) -> list[str]:
    """The lines of `after` that are new; every line of `before` must still be there, in order."""
    rest = iter(after.splitlines())
    new: list[str] = []
    for line in before.splitlines():
        for candidate in rest:
            if candidate == line:
                break
            new.append(candidate)
        else:
            pytest.fail(f"lost: {line}")
    return new + list(rest)


def test_a_job_without_a_block_gets_one_that_keeps_reading() -> None:
    edited = add_permission(PLAIN, "build", "packages: write")
    assert added_lines(PLAIN, edited) == ["    permissions:", "      contents: read", "      packages: write"]
    assert parsed(edited)["jobs"]["build"]["permissions"] == {"contents": "read", "packages": "write"}
    assert edited.index("runs-on") < edited.index("permissions")
    assert "permissions" not in parsed(edited)["jobs"]["other"]


def test_a_new_block_for_contents_names_them_once() -> None:
    edited = add_permission(PLAIN, "build", "contents: write")
    assert parsed(edited)["jobs"]["build"]["permissions"] == {"contents": "write"}


def test_a_jobs_own_block_is_extended() -> None:
    text = PLAIN.replace(
        "  other:\n", "  other:\n    permissions:\n      # why\n      contents: read  # to check out\n"
    )
    assert added_lines(text, add_permission(text, "other", "packages: write")) == ["      packages: write"]


def test_a_workflows_block_is_extended_where_the_job_has_none() -> None:
    text = PLAIN.replace("jobs:\n", "permissions:\n    contents: read\n\njobs:\n")
    edited = add_permission(text, "build", "packages: write")
    assert added_lines(text, edited) == ["    packages: write"]
    assert parsed(edited)["permissions"] == {"contents": "read", "packages": "write"}


def test_a_weaker_entry_is_raised_in_place() -> None:
    text = PLAIN.replace("jobs:\n", "permissions:\n  packages: read # low\n  contents: read\njobs:\n")
    edited = add_permission(text, "build", "packages: write")
    assert edited == text.replace("packages: read # low", "packages: write # low")


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("{contents: read}", {"contents": "read", "packages": "write"}),
        ("{}", {"packages": "write"}),
        ("{packages: none}", {"packages": "write"}),
    ],
)
def test_a_block_in_braces_stays_one(block: str, expected: dict[str, str]) -> None:
    text = PLAIN.replace("jobs:\n", f"permissions: {block} # c\njobs:\n")
    edited = add_permission(text, "build", "packages: write")
    assert parsed(edited)["permissions"] == expected
    assert len(edited.splitlines()) == len(text.splitlines())
    assert " # c\n" in edited


def test_read_all_is_spelled_out() -> None:
    text = PLAIN.replace(
        "    runs-on: ubuntu-latest  #", "    permissions: read-all\n    runs-on: ubuntu-latest  #"
    )
    granted = parsed(add_permission(text, "build", "packages: write"))["jobs"]["build"]["permissions"]
    assert granted.pop("packages") == "write"
    assert set(granted.values()) == {"read"}
    assert {"contents", "actions", "checks", "pull-requests"} <= set(granted)


@pytest.mark.parametrize("block", ["write-all", "{packages: write}", "{packages: write, contents: read}"])
def test_what_is_granted_already_is_left_alone(block: str) -> None:
    text = PLAIN.replace("jobs:\n", f"permissions: {block}\njobs:\n")
    assert add_permission(text, "build", "packages: write") == text
    assert add_permission(text, "build", "packages: read") == text


def test_a_runner_of_several_lines_gets_the_block_first() -> None:
    text = PLAIN.replace("runs-on: ubuntu-latest  # the runner", "runs-on:\n      - self-hosted")
    edited = add_permission(text, "build", "packages: write")
    assert parsed(edited)["jobs"]["build"]["permissions"] == {"contents": "read", "packages": "write"}
    assert len(added_lines(text, edited)) == 3


def test_line_endings_and_a_missing_last_one_are_kept() -> None:
    text = "jobs:\r\n  build:\r\n    steps: []\r\n    runs-on: x"
    edited = add_permission(text, "build", "packages: write")
    assert edited == text + "\r\n    permissions:\r\n      contents: read\r\n      packages: write"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "jobs: {",
        "jobs:\n  build: {runs-on: x}\n",
        "jobs:\n  build:\n",
        "jobs: []\n",
        "name: x\n",
        "jobs:\n  build:\n    permissions: maybe\n    runs-on: x\n",
        "[" * 1_500,
        "a: &a [*a]\njobs: *a\n",
        "jobs:\n  build:\n    permissions: [a]\n    runs-on: x\n",
        "jobs:\n  build:\n    permissions:\n    runs-on: x\n",
    ],
)
def test_a_file_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(EditRefusedError):
        add_permission(text, "build", "packages: write")


@pytest.mark.parametrize(
    "entry",
    ["packages: admin", "everything: write", "packages:write", "packages: write\nx: y", "", "write-all"],
)
def test_only_what_github_knows_is_granted(entry: str) -> None:
    with pytest.raises(EditRefusedError):
        add_permission(PLAIN, "build", entry)


@given(st.text(alphabet="jobs:\n build-on{}[]&*!|>'\"#x,\t", max_size=80))
def test_any_text_is_edited_or_refused(text: str) -> None:
    for source in (text, "jobs:\n  build:\n    runs-on: x\n" + text):
        try:
            edited = add_permission(source, "build", "packages: write")
        except EditRefusedError:
            continue
        assert parsed(edited) is not None
