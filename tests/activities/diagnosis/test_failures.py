from collections import Counter
from typing import Final

import pytest

from benchmarks.diagnosis import Failure, failures, report
from workflows.models import Action, FailureClass

FAILURES: Final = failures()
EVERY: Final = pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
LANGUAGES: Final = {
    *("Python", "JavaScript", "Rust", "Go", "Java", "Ruby", "PHP", "C", ".NET", "Shell", "Docker"),
    *("Kubernetes", "Markdown", "Terraform", "GitHub Actions", "Registry", "Network", "Runner"),
}


@EVERY
def test_a_failure_gets_its_class_and_what_to_do_about_it(failure: Failure) -> None:
    diagnosis = failure.diagnosis()

    assert (diagnosis.failure_class, diagnosis.action) == (failure.expected, failure.action)


@EVERY
def test_what_is_known_is_said_in_one_sentence_with_lines_of_the_log(failure: Failure) -> None:
    diagnosis = failure.diagnosis()

    assert "\n" not in diagnosis.root_cause
    assert diagnosis.root_cause.endswith(".") or len(diagnosis.root_cause) > 20
    for line in diagnosis.evidence_lines:
        assert line.removesuffix("…") in failure.text
    assert diagnosis.files == tuple(dict.fromkeys(place.path for place in diagnosis.locations))


def test_the_table_is_large_and_most_of_it_real() -> None:
    real = sum(failure.real for failure in FAILURES)

    assert len(FAILURES) >= 150
    assert real > len(FAILURES) / 2


def test_every_failure_has_a_name_of_its_own() -> None:
    assert max(Counter(failure.name for failure in FAILURES).values()) == 1


def test_the_table_covers_every_language_and_class_that_rules_know() -> None:
    assert {failure.language for failure in FAILURES} >= LANGUAGES
    # A flaky test shows only in a rerun; no excerpt of one run can tell.
    assert {failure.expected for failure in FAILURES} == set(FailureClass) - {FailureClass.FLAKY}
    assert {failure.action for failure in FAILURES} == set(Action)


def test_most_of_the_table_is_recognised_by_what_the_tool_says() -> None:
    guessed = [failure.name for failure in FAILURES if 0 < failure.diagnosis().confidence < 0.5]

    assert len(guessed) < len(FAILURES) / 20


def test_the_confusion_matrix_shows_what_went_wrong() -> None:
    right = Failure(name="right", expected=FailureClass.LINT, text="", real=True, command="ruff check .")
    wrong = Failure(name="wrong", expected=FailureClass.FORMAT, text="", real=True, command="ruff check .")

    lines = list(report("two", [right, wrong]))

    assert "right class: 1 of 2, 50.0%" in lines
    assert any("wrong: expected format" in line for line in lines)
