import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from activities.diagnosis.diagnosing import diagnose
from activities.diagnosis.rule import Rule
from activities.diagnosis.rules import RULES
from workflows.models import Diagnosis, DiagnosisRequest, Evidence, Excerpt, FailedJob, FailureClass

SAMPLES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("samples.toml").read_text(encoding="utf-8")
)["sample"]
BY_NAME = {rule.name: rule for rule in RULES}
NAMES = [f"{number}-{sample['rule']}" for number, sample in enumerate(SAMPLES)]


def _diagnose(sample: dict[str, Any]) -> Diagnosis:
    job = FailedJob(
        job_id=1,
        name="job",
        command=sample.get("command"),
        exit_code=sample.get("exit_code", 1),
        excerpt=Excerpt(text=sample["text"]),
    )
    evidence = Evidence(run_id=1, run_attempt=1, jobs=(job,), failed_jobs=1)
    return diagnose(DiagnosisRequest(repository="a/b", workflow_path="ci.yml", evidence=evidence))


def _goes_by_the_text(rule: Rule) -> bool:
    return bool(rule.pattern)


@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
def test_a_sample_is_recognised_by_its_rule(sample: dict[str, Any]) -> None:
    diagnosis = _diagnose(sample)

    rule = BY_NAME[sample["rule"]]
    assert diagnosis.rule == rule.name
    assert diagnosis.failure_class is rule.failure_class
    assert diagnosis.action is rule.usual_action
    assert diagnosis.missing_permission == (rule.missing_permission or None)
    assert diagnosis.confidence > 0
    assert not re.search(r"\{\w+\}", diagnosis.root_cause)


@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
def test_its_counterpart_is_left_alone(sample: dict[str, Any]) -> None:
    rule = BY_NAME[sample["rule"]]
    command = sample.get("command", "") if _goes_by_the_text(rule) else "true"
    exit_code = sample.get("exit_code") if _goes_by_the_text(rule) else 0

    applies, _ = rule.match(sample["unlike"], command, exit_code)

    assert not applies


def test_every_rule_has_a_sample() -> None:
    assert {sample["rule"] for sample in SAMPLES} == set(BY_NAME)


def test_whichever_alternative_matches_the_sentence_is_filled() -> None:
    for rule in RULES:
        told = set(re.findall(r"\{(\w+)\}", rule.root_cause))
        groups = re.compile(rule.pattern, re.MULTILINE).groupindex if rule.pattern else {}
        numbered = {name for base in told for name in (base, *(f"{base}_{number}" for number in (2, 3, 4)))}

        assert {name for name in groups if name.rstrip("_0123456789") in told} <= numbered


def test_rule_names_are_unique() -> None:
    assert len(BY_NAME) == len(RULES)


def test_only_permission_rules_name_a_permission() -> None:
    for rule in RULES:
        if rule.missing_permission:
            assert rule.failure_class is FailureClass.PERMISSION
            scope, _, level = rule.missing_permission.partition(": ")
            assert scope.replace("-", "").isalpha()
            assert level in {"read", "write"}


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        " ",
        "a.py:1:1: ",
        "/",
        "error: ",
        "error[E0001]: x\n",
        "In a line 1:\n",
        "- ",
        "\n",
        "x" * 199 + ":",
        "✖  1:1 ",
        "=== ERRORS ===\n__ ERROR collecting a __\n",
        "CMake Error at a (find_package):\n",
        "FAIL a\n  ● Test suite failed to run\n",
        ">> Issue: [B404:x] y\n",
        "x/y/z.a.b-c_d+e",
        "E   ",
        "a.go:1:1: cannot ",
    ],
)
def test_hostile_repetition_is_read_to_the_end(unit: str) -> None:
    text = (unit * 32_768)[:32_768]

    for rule in RULES:
        rule.match(text, text[:4_000], 1)
