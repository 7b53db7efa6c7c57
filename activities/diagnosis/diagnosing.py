"""From evidence to a diagnosis, by rules alone."""

import itertools
import re
from typing import Final, NamedTuple

from activities.diagnosis.places import files, in_repository, locations
from activities.diagnosis.rule import CONFIDENCE, Certainty, Rule
from activities.diagnosis.rule_table import RuleTable
from activities.diagnosis.rules import RULES
from activities.evidence.signals import CERTAIN, LOUD, loudness
from activities.needles import Found
from workflows.models import (
    Action,
    Blame,
    Diagnosis,
    DiagnosisRequest,
    Evidence,
    FailedJob,
    FailureClass,
    Location,
)

_TABLE: Final = RuleTable(RULES)
_LINES_SHOWN: Final = 6
_FILLED_IN: Final = 200

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_UNNAMED: Final = {
    "file": "a file",
    "message": "see the log",
    "code": "a problem",
    "test": "a test",
    "name": "something",
    "module": "a module",
}

_OUTAGE_JOBS: Final = 3
"""Fewer jobs failing alike may be chance, and one rerun settles that."""


class _Finding(NamedTuple):
    rule: Rule
    job: FailedJob
    place: Found | None


def diagnose(request: DiagnosisRequest) -> Diagnosis:
    """What broke, by the first cause that the most certain rule recognises.

    Pure. Where no rule recognises anything, the class is `unknown` with confidence 0, and a repair may still
    be tried: a recipe goes by the command, not by the diagnosis.
    """
    evidence = request.evidence
    if not evidence.jobs:
        return _no_job(evidence)
    findings = [finding for job in evidence.jobs if (finding := _recognise(job))]
    if not findings:
        return _unrecognised(evidence)
    # max() keeps the first of equals: the first failed job, in the run's order.
    best = max(findings, key=lambda finding: finding.rule.certainty)
    rule = best.rule
    alike = _jobs_alike(findings, evidence)
    places = _places(best)
    return Diagnosis(
        failure_class=rule.failure_class,
        root_cause=_fill(rule.root_cause, best.place),
        blame=rule.usual_blame,
        action=_action(rule, rerun_used=request.rerun_used, outage=alike > 0),
        confidence=CONFIDENCE[rule.certainty],
        rule=rule.name,
        evidence_lines=_evidence_lines(best),
        files=files(places),
        missing_permission=rule.missing_permission or None,
        locations=places,
        jobs_alike=alike,
    )


def is_open(diagnosis: Diagnosis, evidence: Evidence) -> bool:
    """Whether the rules leave the failure open: nothing recognised, or only guessed at from the command.

    Where no log is there, a model could only guess as well.
    """
    if not any(job.excerpt.text.strip() for job in evidence.jobs):
        return False
    return diagnosis.rule is None or diagnosis.confidence <= CONFIDENCE[Certainty.GUESS]


def _action(rule: Rule, *, rerun_used: bool, outage: bool) -> Action:
    if rule.usual_action is not Action.RERUN or not rerun_used:
        return rule.usual_action
    # What several jobs met, and met again after a wait, no patch mends.
    return Action.EXPLAIN if outage else Action.REPAIR


def _jobs_alike(findings: list[_Finding], evidence: Evidence) -> int:
    """How many jobs failed, where all of them failed at the infrastructure and there are several."""
    jobs = len(evidence.jobs)
    outage = all(finding.rule.failure_class is FailureClass.INFRASTRUCTURE for finding in findings)
    return evidence.failed_jobs if outage and len(findings) == jobs >= _OUTAGE_JOBS else 0


def _places(finding: _Finding) -> tuple[Location, ...]:
    """What the finding's own lines name comes first, then what else its job's log and remarks name."""
    remarks = [f"{each.path}:{each.line}:" for each in finding.job.annotations if each.path and each.line]
    return locations(["\n".join(_evidence_lines(finding)), finding.job.excerpt.text, *remarks])


def _recognise(job: FailedJob) -> _Finding | None:
    """The most certain rule that matches the job's log; of equals, the one that matches first."""
    best: tuple[tuple[int, int], _Finding] | None = None
    command = job.command or job.step or ""
    for rule in _TABLE.candidates(job.excerpt.text):
        if best is not None and rule.certainty < best[1].rule.certainty:
            break
        applies, place = rule.match(job.excerpt.text, command, job.exit_code)
        if not applies:
            continue
        if rule.certainty is Certainty.GUESS and not job.excerpt.text.strip() and not job.command:
            continue
        rank = (-rule.certainty, place.start if place else 0)
        if best is None or rank < best[0]:
            best = (rank, _Finding(rule, job, place))
    return best[1] if best else None


def _no_job(evidence: Evidence) -> Diagnosis:
    if evidence.failed_jobs:
        return Diagnosis(failure_class=FailureClass.UNKNOWN, root_cause="The failed jobs could not be read.")
    return Diagnosis(
        failure_class=FailureClass.CONFIGURATION,
        root_cause=evidence.workflow_error
        or "The run failed before any job ran; GitHub most often refuses the workflow file in this way.",
        blame=Blame.THIS_CHANGE if evidence.workflow_error else Blame.UNKNOWN,
        action=Action.EXPLAIN,
        confidence=0.9 if evidence.workflow_error else 0.5,
        rule="workflow-file",
    )


def _unrecognised(evidence: Evidence) -> Diagnosis:
    if not any(job.excerpt.text.strip() for job in evidence.jobs):
        return Diagnosis(
            failure_class=FailureClass.UNKNOWN,
            root_cause="The logs of the failed jobs are gone or empty, so nothing tells what failed.",
            action=Action.EXPLAIN,
        )
    places = locations(job.excerpt.text for job in evidence.jobs)
    clearest = next((line for job in evidence.jobs if (line := _clearest_line(job))), "")
    root_cause = "No rule recognised this failure."
    return Diagnosis(
        failure_class=FailureClass.UNKNOWN,
        root_cause=f"{root_cause} Its clearest line: {clearest}" if clearest else root_cause,
        action=Action.REPAIR,
        evidence_lines=(clearest,) if clearest else (),
        files=files(places),
        locations=places,
    )


def _clearest_line(job: FailedJob) -> str:
    """The first line that certainly tells of a failure, else the last that likely does, else the last at all.

    Not one that ends with a colon: that announces what it does not say.
    """
    telling = [
        line
        for line in job.excerpt.text.splitlines()
        if line.strip() and not line.startswith(("…", "##[error]Process completed", "Post job cleanup"))
    ]
    certain = (line for line in telling if loudness(line) >= CERTAIN and not line.endswith(":"))
    likely = (line for line in reversed(telling) if loudness(line) >= LOUD)
    found = next(itertools.chain(certain, likely, reversed(telling)), "")
    return found.strip()[:_FILLED_IN]


def _fill(template: str, place: Found | None) -> str:
    """The sentence with the pattern's groups; an alternative's group ends in `_2`, `_3` or `_4`."""
    groups = place.groups if place else {}

    def fill(slot: re.Match[str]) -> str:
        name = slot[1]
        values = (groups.get(name), *(groups.get(f"{name}_{number}") for number in (2, 3, 4)))
        found = next((value for value in values if value), None)
        if not found:
            return _UNNAMED.get(name, "something")
        shown = " ".join(found.split())[:_FILLED_IN]
        return in_repository(shown) if name == "file" else shown

    return _PLACEHOLDER.sub(fill, template)


def _evidence_lines(finding: _Finding) -> tuple[str, ...]:
    if finding.place is None:
        clearest = _clearest_line(finding.job)
        return (clearest,) if clearest else ()
    text = finding.job.excerpt.text
    start = text.rfind("\n", 0, finding.place.start) + 1
    end = text.find("\n", finding.place.end)
    lines = text[start : end if end >= 0 else len(text)].splitlines()
    return tuple(line.strip() for line in lines if line.strip())[:_LINES_SHOWN]
