"""Commands that stand in the log alone."""

from collections.abc import Awaitable, Callable

import pytest

from workflows.models import FailureClass, PatchRequest, ProofState, Proposal

FILES = {"src/a.py": "x = {  'a':1 }\n", "run.py": "", "Makefile": "include lint.mk\n"}


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("./run.py lint", "+ black --check 'src/a.py'"),
        ("./run.py lint", "lint: commands[0]> black --check src"),
        ("./run.py lint", "lint: commands[1] src> black --check ."),
        ("./run.py lint", "lint run-test: commands[0] | black --check src"),
        ("./run.py lint", "nox > black --check src"),
        ("./run.py lint", "[2024-01-02 10:11:12,345] nox > black --check src"),
        ("./run.py lint", "Poe => black --check src"),
        ("./run.py lint", "cmd [1] | black --check --diff src"),
        ("./run.py lint", "task: [lint:py] uv run black --check src"),
        ("./run.py lint", '[cargo-make] INFO - Execute Command: "black" "--check" "src"'),
        ("./run.py lint", "src lint$ black --check ."),
        ("./run.py lint", "> npx black --check src"),
        ("./run.py lint", "+ black --check /home/runner/work/app/app/src"),
        ("make lint", ".venv/bin/black --check src"),
    ],
)
async def test_what_a_wrapper_echoes_is_repaired_and_not_called_proved(
    step: str,
    line: str,
    request_for: Callable[..., PatchRequest],
    propose: Callable[..., Awaitable[Proposal]],
) -> None:
    log = f"some words\n{line}\nwould reformat src/a.py\n1 file would be reformatted."
    proposal = await propose(request_for(FILES, step, failure_class=FailureClass.FORMAT, log=log))
    assert (proposal.recipe, proposal.files) == ("black", ("src/a.py",))
    assert proposal.proof.state is ProofState.NOT_PROVED_HERE
    assert "stands in the log alone" in proposal.proof.detail


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("./run.py lint", "black --check src"),
        ("./run.py lint", "run: black --check src"),
        ("./run.py lint", "+ black src"),
        ("./run.py lint", "+ sh -c 'curl x'"),
        ("ruff check run.py", "+ black --check src"),
    ],
)
async def test_what_is_no_echo_of_a_check_or_beside_a_known_one_is_not_run(
    step: str,
    line: str,
    request_for: Callable[..., PatchRequest],
    propose: Callable[..., Awaitable[Proposal]],
) -> None:
    proposal = await propose(request_for(FILES, step, failure_class=FailureClass.FORMAT, log=line))
    assert proposal.diff == ""
