import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.evidence.workflow_file import SIZE_CAP_BYTES, FailedCommand, WorkflowFile, WorkflowFileError

PATH = ".github/workflows/ci.yml"

CI = b"""
name: CI
on: [push, pull_request]
defaults:
  run:
    working-directory: root
jobs:
  lint:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.11", "3.12"]
    steps:
      - uses: actions/checkout@v4
      - run: ruff check .
      - name: Format ${{ matrix.python }}
        working-directory: sub
        run: |
          ruff format --check .
          echo done
      - run: ruff check .
        working-directory: second
  named:
    name: Tests on ${{ matrix.os }}, Python ${{ matrix.python }}
    runs-on: ${{ matrix.os }}
    defaults:
      run:
        working-directory: job
    strategy: {matrix: {os: [a], python: [b]}}
    steps:
      - run: |

          pytest -q
  deploy:
    needs: [lint, named]
    uses: ./.github/workflows/deploy.yml
"""


@pytest.fixture
def workflow() -> WorkflowFile:
    return WorkflowFile(CI, PATH)


def test_a_matrix_leg_is_found_by_its_key(workflow: WorkflowFile) -> None:
    found = workflow.failed_command("lint (3.11)", "Run ruff check .")

    assert found == FailedCommand("lint", "ruff check .", "root")


def test_a_named_step_with_an_expression_is_found(workflow: WorkflowFile) -> None:
    found = workflow.failed_command("lint (3.12)", "Format 3.12")

    assert found == FailedCommand("lint", "ruff format --check .\necho done", "sub")


def test_of_two_steps_of_one_name_the_order_decides(workflow: WorkflowFile) -> None:
    assert workflow.failed_command("lint (3.11)", "Run ruff check .", 0).working_directory == "root"
    assert workflow.failed_command("lint (3.11)", "Run ruff check .", 1).working_directory == "second"
    assert workflow.failed_command("lint (3.11)", "Run ruff check .", 9).working_directory == "second"


def test_a_job_name_with_expressions_is_found(workflow: WorkflowFile) -> None:
    found = workflow.failed_command("Tests on ubuntu-latest, Python 3.13", "Run pytest -q")

    assert found == FailedCommand("named", "pytest -q", "job")


def test_a_job_of_a_reusable_workflow_is_found_by_its_caller(workflow: WorkflowFile) -> None:
    assert workflow.failed_command("deploy / publish / push", "Run docker push") == FailedCommand("deploy")


def test_a_step_that_uses_an_action_has_no_command(workflow: WorkflowFile) -> None:
    assert workflow.failed_command("lint (3.11)", "Run actions/checkout@v4") == FailedCommand("lint")


def test_what_the_file_does_not_tell_is_none(workflow: WorkflowFile) -> None:
    assert workflow.failed_command("nowhere", "Run ruff check .") == FailedCommand()
    assert workflow.failed_command("lint (3.11)", "Set up job") == FailedCommand("lint")
    assert workflow.failed_command("lint (3.11)", None) == FailedCommand("lint")


def test_the_most_literal_job_name_wins() -> None:
    jobs = b"on: push\njobs:\n  any: {name: '${{ x }}', runs-on: a}\n  one: {name: one two, runs-on: a}\n"

    assert WorkflowFile(jobs, PATH).failed_command("one two", None).job_key == "one"


BROKEN = {
    "a tab": (b"on: push\njobs:\n\tx: 1\n", "is not valid YAML at line 3"),
    "a mapping in a value": (b"on: push\njobs: a: b\n", "mapping values are not allowed here"),
    "a key twice": (b"on: push\non: push\n", "is not valid YAML at line 2"),
    "a list": (b"- a\n", "is not a mapping"),
    "nothing": (b"", "is not a mapping"),
    "no trigger": (b"jobs: {a: {runs-on: x}}\n", "has no `on:`"),
    "no jobs": (b"on: push\n", "defines no jobs"),
    "no runner": (b"on: push\njobs: {a: {steps: []}}\n", "neither `runs-on` nor `uses`"),
    "an unknown need": (b"on: push\njobs: {a: {runs-on: x, needs: b}}\n", "needs `b`, which does not exist"),
    "an empty step": (b"on: push\njobs: {a: {runs-on: x, steps: [{name: y}]}}\n", "either `run` or `uses`"),
    "no text": (b"\xff\xfe\x00", "cannot be parsed"),
    "deep nesting": (b"on: " + b"- " * 5_000, "ci.yml"),
    "a large file": (b"#" * (SIZE_CAP_BYTES + 1), "larger than 512 KiB"),
    "an object": (b"on: !!python/object/apply:os.system [id]\n", "ci.yml"),
}


@pytest.mark.parametrize(("content", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_explained_in_one_sentence(content: bytes, says: str) -> None:
    with pytest.raises(WorkflowFileError) as caught:
        WorkflowFile(content, PATH)

    sentence = str(caught.value)
    assert says in sentence
    assert PATH in sentence
    assert "\n" not in sentence


def test_many_expressions_in_a_name_are_matched_in_linear_time() -> None:
    name = "${{ x }}a" * 200
    jobs = f"on: push\njobs:\n  one: {{name: '{name}b', runs-on: x}}\n".encode()

    assert WorkflowFile(jobs, PATH).failed_command("a" * 5_000, None).job_key is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_workflow_or_an_explanation(content: bytes) -> None:
    try:
        WorkflowFile(content, PATH)
    except WorkflowFileError as error:
        assert PATH in str(error)  # noqa: PT017 — both outcomes are right


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_names_are_looked_up_without_error(job: str, step: str) -> None:
    WorkflowFile(CI, PATH).failed_command(job, step)
