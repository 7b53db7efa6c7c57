"""One failing sample per row of the table, repaired by the real tool."""

from collections.abc import Awaitable, Callable

import pytest

from activities.patching.recipe import FixCommand, Recipe
from activities.patching.recipes import RECIPES, fix_command_for
from activities.patching.sandbox import Sandbox
from recipe_samples import SAMPLES
from workflows.models import FailureClass, PatchRequest, ProofState, Proposal, Strategy


def test_every_row_has_a_sample() -> None:
    assert set(SAMPLES) == {recipe.name for recipe in RECIPES if recipe.exercised}


@pytest.mark.parametrize("row", [row for row in RECIPES if row.exercised], ids=lambda row: row.name)
async def test_the_row_repairs_its_sample(
    row: Recipe,
    sandbox: Sandbox,
    request_for: Callable[..., PatchRequest],
    propose: Callable[..., Awaitable[Proposal]],
) -> None:
    if isinstance(row.repair, FixCommand) and not all(map(sandbox.has, row.repair.programs)):
        pytest.skip(f"{' and '.join(row.repair.programs)} cannot be installed here")
    sample = SAMPLES[row.name]
    proposal = await propose(
        request_for(
            sample.files,
            sample.command,
            failure_class=sample.failure_class,
            permission=sample.permission,
            log=sample.log,
        )
    )
    assert proposal.recipe == row.name, proposal.summary
    assert proposal.strategy is Strategy.RECIPE
    assert proposal.proof.state is sample.state
    changed = [
        line for line in proposal.diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    assert set(sample.lines) <= set(changed)
    assert (proposal.additions, proposal.deletions) == (
        sum(line.startswith("+") for line in changed),
        sum(line.startswith("-") for line in changed),
    )
    assert all(row.may_touch(path) for path in proposal.files)
    if sample.state is ProofState.PROVED:
        assert proposal.proof.exit_before
        assert proposal.proof.exit_after == 0


@pytest.mark.parametrize(
    ("command", "check", "repair"),
    [
        ("ruff check", "ruff check --no-fix", "ruff check --fix --no-unsafe-fixes"),
        (
            "ruff check --fix --unsafe-fixes --select I --output-format github -o out src",
            "ruff check --no-fix --unsafe-fixes --select I --output-format github src",
            "ruff check --fix --no-unsafe-fixes --select I src",
        ),
        ("ruff format --diff a b", "ruff format --diff a b", "ruff format a b"),
        ("black . --check -l 100", "black . --check -l 100", "black . -l 100"),
        ("isort -c --df .", "isort -c --df .", "isort ."),
        ("cargo fmt -- --check", "cargo fmt -- --check", "cargo fmt"),
        (
            "cargo fmt --all --check -- --config x=1",
            "cargo fmt --all --check -- --config x=1",
            "cargo fmt --all -- --config x=1",
        ),
        ("cargo +nightly fmt --check", "cargo +nightly fmt --check", "cargo +nightly fmt"),
        (
            "cargo clippy --workspace -- -D warnings",
            "cargo clippy --workspace -- -D warnings",
            "cargo clippy --fix --allow-dirty --allow-staged --allow-no-vcs --workspace -- -D warnings",
        ),
        ("prettier -c src", "prettier -c src", "prettier --write src"),
        ("prettier --list-different src", "prettier --list-different src", "prettier --write src"),
    ],
)
def test_paths_and_options_of_the_check_are_kept(command: str, check: str, repair: str) -> None:
    found = fix_command_for(command.split(), FailureClass.UNKNOWN)
    assert found
    assert found[1].check_argv(command.split()) == check.split()
    assert found[1].repair_argv(command.split()) == repair.split()


@pytest.mark.parametrize(
    "command",
    [
        "ruff check --exit-zero .",
        "ruff check --add-noqa .",
        "ruff format .",
        "ruff",
        "ruff rule E501",
        "black .",
        "black -c code --check",
        "isort .",
        "cargo",
        "cargo +nightly",
        "cargo test",
        "cargo fmt",
        "prettier --write .",
        "pytest",
        "pip install ruff",
    ],
)
def test_what_is_no_check_is_left_alone(command: str) -> None:
    assert fix_command_for(command.split(), FailureClass.UNKNOWN) is None


@pytest.mark.parametrize(
    "failure_class", [FailureClass.UNIT_TEST, FailureClass.INFRASTRUCTURE, FailureClass.TIMEOUT]
)
def test_a_row_keeps_to_its_diagnoses(failure_class: FailureClass) -> None:
    assert fix_command_for(["ruff", "check"], failure_class) is None
