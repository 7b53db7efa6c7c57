"""Steps that use an action are repaired like the command it runs."""

from collections.abc import Awaitable, Callable

import pytest

from activities.patching.wrappers.actions import step_commands
from activities.patching.wrappers.tree import Tree
from workflows.models import FailedJob, PatchRequest, ProofState, Proposal

PATH = ".github/workflows/ci.yml"


def commands(
    step: str, *, files: dict[str, str] | None = None, name: str = "check it"
) -> list[tuple[str, str]]:
    workflow = f"jobs:\n  check:\n    runs-on: x\n    steps:\n      - name: check it\n{step}"
    texts = {PATH: workflow, **(files or {})}
    tree = Tree(texts, lambda path: texts[path].encode() if path in texts else None)
    job = FailedJob(job_id=1, name="check", key="check", step=name)
    return [(" ".join(command.argv), command.cwd) for command in step_commands(PATH, job, tree)]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("        uses: psf/black@stable\n", ("black --check --diff .", ".")),
        (
            "        uses: psf/black@24.1.0\n        with: {options: --check, src: ./src}\n",
            ("black --check ./src", "."),
        ),
        ("        uses: astral-sh/ruff-action@v3\n", ("ruff check .", ".")),
        (
            "        uses: astral-sh/ruff-action@v3\n        with: {args: 'format --check', src: lib}\n",
            ("ruff format --check lib", "."),
        ),
        ("        uses: isort/isort-action@v1\n", ("isort --check-only --diff .", ".")),
        (
            "        uses: pre-commit/action@v3.0.1\n",
            ("pre-commit run --show-diff-on-failure --color=never --all-files", "."),
        ),
        ("        uses: crate-ci/typos@v1\n", ("typos .", ".")),
        (
            (
                "        uses: codespell-project/actions-codespell@v2\n"
                "        with:\n          skip: './a,./b'\n          ignore_words_list: te\n"
            ),
            ("codespell --skip=./a,./b --ignore-words-list=te .", "."),
        ),
        (
            (
                "        uses: golangci/golangci-lint-action@v6\n"
                "        with: {working-directory: cmd, args: --timeout=5m}\n"
            ),
            ("golangci-lint run --timeout=5m", "cmd"),
        ),
        (
            (
                "        uses: actions-rs/cargo@v1\n        with:\n          toolchain: nightly\n"
                "          command: fmt\n          args: --all -- --check\n"
            ),
            ("cargo +nightly fmt --all -- --check", "."),
        ),
        ("        uses: ludeeus/action-shellcheck@master\n", ("shellcheck run.sh", ".")),
    ],
)
def test_an_actions_command_is_known(step: str, expected: tuple[str, str]) -> None:
    assert commands(step, files={"run.sh": "", "cmd/main.go": ""}) == [expected]


@pytest.mark.parametrize(
    "step",
    [
        "        uses: somebody/unknown@v1\n",
        "        uses: psf/black@stable\n        with:\n          src: ${{ inputs.src }}\n",
        "        uses: psf/black@stable\n        with:\n          src: '$(touch x)'\n",
        "        uses: psf/black@stable\n        with:\n          options: '--check | sh'\n",
        "        uses: 7\n",
        "        with: x\n",
    ],
)
def test_a_step_that_is_not_plain_gives_no_command(step: str) -> None:
    assert commands(step) == []


def test_another_step_is_not_taken_for_the_failing_one() -> None:
    assert commands("        uses: psf/black@stable\n", name="Run tests") == []
    assert commands("        uses: psf/black@stable\n", name="Run psf/black@stable") != []


def test_an_action_of_the_repository_is_looked_into() -> None:
    action = "runs:\n  steps:\n    - run: ruff check .\n      shell: bash\n    - uses: psf/black@stable\n"
    found = commands(
        "        uses: ./.github/actions/lint\n", files={".github/actions/lint/action.yml": action}
    )
    assert [command for command, _ in found] == ["ruff check .", "black --check --diff ."]


async def test_a_step_that_uses_an_action_is_repaired(
    request_for: Callable[..., PatchRequest], propose: Callable[..., Awaitable[Proposal]]
) -> None:
    workflow = "jobs:\n  check:\n    runs-on: x\n    steps:\n      - uses: psf/black@stable\n"
    request = request_for({"app.py": "x = {  'a':1 }\n", PATH: workflow}, None)
    jobs = tuple(job.model_copy(update={"step": "Run psf/black@stable"}) for job in request.evidence.jobs)
    evidence = request.evidence.model_copy(update={"jobs": jobs})
    proposal = await propose(request.model_copy(update={"evidence": evidence}))
    assert (proposal.recipe, proposal.proof.state) == ("black", ProofState.PROVED)
