from typing import Any

import pytest

from activities.evidence.matrix import fill_in, matrix_values
from activities.evidence.workflow_file import WorkflowFile

LISTS = {"dir": ["web", "api"], "node": [20, 22]}
LEGS = {"include": [{"dir": "web", "check": "npm run lint", "slow": True}, {"dir": "api", "check": "x"}]}


@pytest.mark.parametrize(
    ("matrix", "title", "shown", "values"),
    [
        (LISTS, "lint", "lint (web, 20)", {"dir": "web", "node": "20"}),
        (
            LEGS,
            "lint",
            "lint (web, npm run lint, true)",
            {"dir": "web", "check": "npm run lint", "slow": "true"},
        ),
        (LISTS, "Lint ${{ matrix.dir }}", "Lint api", {"dir": "api"}),
        (
            LISTS,
            "${{ matrix.dir }} on ${{ runner.os }} ${{matrix.node}}",
            "web on x 22",
            {"dir": "web", "node": "22"},
        ),
        (LISTS, "lint", "lint (web)", {}),
        (LISTS, "lint", "other (web, 20)", {}),
        ("${{ fromJSON(needs.x.outputs.y) }}", "lint", "lint (web)", {}),
        (LISTS, "Lint ${{ matrix.dir }}", "Test api", {}),
    ],
)
def test_a_jobs_name_tells_its_leg_of_the_matrix(
    matrix: Any, title: str, shown: str, values: dict[str, str]
) -> None:
    assert matrix_values({"strategy": {"matrix": matrix}}, title, shown) == values


def test_other_expressions_stay() -> None:
    text = "cd ${{ matrix.dir }} && x ${{ matrix.other }} ${{ github.sha }}"
    assert fill_in(text, {"dir": "web"}) == "cd web && x ${{ matrix.other }} ${{ github.sha }}"


def test_a_failing_steps_command_and_folder_have_the_values_of_its_leg() -> None:
    workflow = WorkflowFile(
        b"on: push\njobs:\n  lint:\n    runs-on: x\n    strategy: {matrix: {dir: [web, api]}}\n    steps:\n"
        b"    - run: npx prettier --check ${{ matrix.dir }}\n"
        b"      working-directory: apps/${{ matrix.dir }}\n",
        "ci.yml",
    )
    found = workflow.failed_command("lint (api)", "Run npx prettier --check api")
    assert found == ("lint", "npx prettier --check api", "apps/api")
