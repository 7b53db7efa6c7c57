from typing import Any

import pytest

from localhub.workflow_file import (
    DEFAULT_PERMISSIONS,
    WorkflowFile,
    WorkflowSyntaxError,
    parse,
    starts_on_pull_request,
    starts_on_push,
)

JOB = "jobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}"


def file(head: str, jobs: str = JOB) -> WorkflowFile:
    return parse(".github/workflows/ci.yml", f"{head}\n{jobs}\n".encode())


@pytest.mark.parametrize(
    ("on", "ref", "paths", "starts"),
    [
        ("push", "refs/heads/main", [], True),
        ("[pull_request]", "refs/heads/main", [], False),
        ("{push: }", "refs/tags/v1", [], True),
        ("{push: {branches: [main]}}", "refs/heads/main", [], True),
        ("{push: {branches: [main]}}", "refs/heads/regreen/1", [], False),
        ("{push: {branches: main}}", "refs/heads/main", [], True),
        ("{push: {branches: ['*']}}", "refs/heads/regreen/1", [], False),
        ("{push: {branches: ['**']}}", "refs/heads/regreen/1", [], True),
        ("{push: {branches: ['regreen/**']}}", "refs/heads/regreen/1", [], True),
        ("{push: {branches: ['**', '!regreen/**']}}", "refs/heads/regreen/1", [], False),
        ("{push: {branches: ['v[12].?']}}", "refs/heads/v1.", [], True),
        ("{push: {branches: ['a+b(']}}", "refs/heads/aab(", [], True),
        ("{push: {branches: ['[z-a]']}}", "refs/heads/x", [], False),
        ("{push: {branches-ignore: ['regreen/**']}}", "refs/heads/regreen/1", [], False),
        ("{push: {branches-ignore: ['regreen/**']}}", "refs/heads/main", [], True),
        ("{push: {tags: ['v*']}}", "refs/heads/main", [], False),
        ("{push: {tags: ['v*']}}", "refs/tags/v1", [], True),
        ("{push: {branches: [main]}}", "refs/tags/v1", [], False),
        ("{push: {paths: ['src/**']}}", "refs/heads/main", ["src/a/b.py"], True),
        ("{push: {paths: ['**/*.py']}}", "refs/heads/main", ["b.py"], True),
        ("{push: {paths: ['src/**']}}", "refs/heads/main", ["docs/a.md"], False),
        ("{push: {paths-ignore: ['docs/**']}}", "refs/heads/main", ["docs/a.md"], False),
        ("{push: {paths-ignore: ['docs/**']}}", "refs/heads/main", ["docs/a.md", "a.py"], True),
    ],
)
def test_a_push_starts_what_its_filters_say(on: str, ref: str, paths: list[str], *, starts: bool) -> None:
    assert starts_on_push(file(f"on: {on}"), ref, paths) is starts


@pytest.mark.parametrize(
    ("on", "action", "base", "starts"),
    [
        ("pull_request", "opened", "main", True),
        ("pull_request", "synchronize", "main", True),
        ("pull_request", "labeled", "main", False),
        ("{pull_request: {types: [labeled]}}", "labeled", "main", True),
        ("{pull_request: {types: [labeled]}}", "opened", "main", False),
        ("{pull_request: {branches: [release]}}", "opened", "main", False),
        ("push", "opened", "main", False),
    ],
)
def test_a_pull_request_starts_what_its_filters_say(on: str, action: str, base: str, *, starts: bool) -> None:
    assert starts_on_pull_request(file(f"on: {on}"), action, base, []) is starts


@pytest.mark.parametrize(
    ("head", "permissions"),
    [
        ("on: push", DEFAULT_PERMISSIONS),
        ("on: push\npermissions: {packages: write}", {"metadata": "read", "packages": "write"}),
        ("on: push\npermissions: {}", {"metadata": "read"}),
        (
            "on: push\npermissions: {pull-requests: write, contents: none}",
            {"metadata": "read", "pull_requests": "write", "contents": "none"},
        ),
    ],
)
def test_the_runs_token_may_do_what_the_file_says(head: str, permissions: dict[str, str]) -> None:
    assert file(head).token_permissions() == permissions


def test_read_all_and_write_all_cover_every_permission() -> None:
    readable = file("on: push\npermissions: read-all").token_permissions()
    assert set(readable.values()) == {"read"}
    assert file("on: push\npermissions: write-all").token_permissions()["packages"] == "write"


def test_a_jobs_permissions_replace_the_files() -> None:
    job = "jobs: {a: {permissions: {packages: write}, runs-on: x, steps: [{run: 'true'}]}}"
    permissions = file("on: push\npermissions: {contents: read}", job).token_permissions()
    assert permissions == {"metadata": "read", "packages": "write"}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"on: push",
        b"on: push\njobs: []",
        b"jobs: {a: {steps: []}}",
        b"on: push\njobs: {a: 1}",
        b"on: push\njobs: {a: {steps: {}}}",
        b"on: push\njobs: {a: {steps: [1]}}",
        b"on: push\njobs: {a: {steps: [{name: x}]}}",
        b"on: push\non: push\njobs: {a: {steps: [{run: x}]}}",
        b"\xff\xfe",
        b"a: &a [*a]\nb: *a\n",
        b"[" * 1_000,
        b"on: !!python/object:os.system push\njobs: {a: {steps: [{run: x}]}}",
    ],
)
def test_what_is_no_workflow_is_refused(text: bytes) -> None:
    with pytest.raises(WorkflowSyntaxError):
        parse("x.yml", text)


def test_steps_are_named_as_github_names_them() -> None:
    steps = '[{uses: actions/checkout@v4}, {run: "\\nruff check .\\nmypy"}, {name: Mine, run: x}]'
    spec = file("on: push", f"jobs: {{a: {{steps: {steps}}}}}").jobs["a"]
    assert [step.title for step in spec.steps] == ["Run actions/checkout@v4", "Run ruff check .", "Mine"]


def test_a_file_without_a_name_is_called_by_its_path() -> None:
    unnamed: Any = file("on: push")
    assert unnamed.name == ".github/workflows/ci.yml"
