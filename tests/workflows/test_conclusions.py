import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries import encode, workflow_run
from starter.webhook import Ignore, IgnoreReason, StartRemediation, interpret
from workflows import conclusions

OPERATIONS: Final = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_operations_page_says_of_every_conclusion_whether_it_starts_a_remediation() -> None:
    page = OPERATIONS.read_text(encoding="utf-8").split("### Which runs start a remediation", 1)[1]
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| ?(.*) \|$", page.split("\n### ", 1)[0], re.MULTILINE)
    assert {word for word, starts, _ in rows if starts == "yes"} == conclusions.FAILED
    assert {word: why for word, starts, why in rows if starts == "no"} == conclusions.NOT_FAILED


@pytest.mark.parametrize("conclusion", sorted(conclusions.FAILED))
def test_a_failed_run_starts_a_remediation(conclusion: str) -> None:
    assert isinstance(
        interpret("workflow_run", encode(workflow_run(conclusion=conclusion))), StartRemediation
    )


@given(st.one_of(st.none(), st.text(), st.sampled_from(sorted(conclusions.NOT_FAILED))))
def test_no_other_word_starts_one_whatever_github_adds(conclusion: str | None) -> None:
    if conclusion not in conclusions.FAILED:
        decision = interpret("workflow_run", encode(workflow_run(conclusion=conclusion)))
        assert decision == Ignore(reason=IgnoreReason.RUN_NOT_FAILED)
        assert conclusions.not_failed(conclusion).endswith(".")
