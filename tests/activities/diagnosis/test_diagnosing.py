from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.testing import ActivityEnvironment

from activities.diagnosis.activity import DiagnosisActivities
from activities.diagnosis.diagnosing import diagnose, is_open
from workflows.models import (
    Action,
    Annotation,
    Blame,
    Diagnosis,
    DiagnosisRequest,
    Evidence,
    Excerpt,
    FailedJob,
    FailureClass,
    Location,
    LogState,
)

RUFF = "src/app.py:1:8: F401 [*] `os` imported but unused\nFound 1 error."
NETWORK = "curl: (6) Could not resolve host: example.test"


def _job(text: str, **fields: Any) -> FailedJob:
    return FailedJob(job_id=1, name="job", excerpt=Excerpt(text=text), exit_code=1).model_copy(update=fields)


def _diagnose(*jobs: FailedJob, rerun_used: bool = False, **fields: Any) -> Diagnosis:
    evidence = Evidence(run_id=1, run_attempt=1, jobs=jobs, failed_jobs=len(jobs)).model_copy(update=fields)
    return diagnose(
        DiagnosisRequest(
            repository="acme/widgets",
            workflow_path=".github/workflows/ci.yml",
            evidence=evidence,
            rerun_used=rerun_used,
        )
    )


def test_a_lint_failure_is_explained_with_its_lines_and_files() -> None:
    diagnosis = _diagnose(_job(RUFF, command="ruff check ."))

    assert diagnosis.failure_class is FailureClass.LINT
    assert diagnosis.root_cause == "ruff reports F401 in src/app.py: `os` imported but unused"
    assert diagnosis.evidence_lines == ("src/app.py:1:8: F401 [*] `os` imported but unused",)
    assert diagnosis.files == ("src/app.py",)
    assert (diagnosis.action, diagnosis.blame) == (Action.REPAIR, Blame.THIS_CHANGE)


def test_a_transient_failure_is_rerun_and_repaired_only_once_that_stayed_red() -> None:
    first = _diagnose(_job(NETWORK))
    second = _diagnose(_job(NETWORK), rerun_used=True)

    assert first.failure_class is FailureClass.INFRASTRUCTURE
    assert (first.action, first.blame) == (Action.RERUN, Blame.ENVIRONMENT)
    assert second.action is Action.REPAIR


def test_a_network_word_inside_a_failing_test_is_not_the_network() -> None:
    text = f"{NETWORK}\nFAILED tests/test_app.py::test_f - assert 1 == 2"

    assert _diagnose(_job(text)).failure_class is FailureClass.UNIT_TEST


def test_of_several_jobs_the_most_certain_cause_decides() -> None:
    diagnosis = _diagnose(_job("something odd", command="make test"), _job(RUFF))

    assert diagnosis.rule == "ruff-check-concise"


def test_of_equally_certain_causes_the_first_decides() -> None:
    mypy = "src/app.py:2: error: Name 'x' is not defined  [name-defined]"

    assert _diagnose(_job(RUFF), _job(mypy)).failure_class is FailureClass.LINT
    assert _diagnose(_job(f"{mypy}\n{RUFF}")).failure_class is FailureClass.TYPE_CHECK


def test_a_missing_permission_is_named_as_the_workflow_file_spells_it() -> None:
    diagnosis = _diagnose(_job("denied: permission_denied: write_package", command="docker push ghcr.io/a/b"))

    assert diagnosis.failure_class is FailureClass.PERMISSION
    assert diagnosis.missing_permission == "packages: write"


def test_an_unrecognised_failure_is_unknown_and_says_so() -> None:
    diagnosis = _diagnose(_job("step one\nthe frobnicator failed badly\nbye", command="./frobnicate"))

    assert diagnosis.failure_class is FailureClass.UNKNOWN
    assert diagnosis.confidence == 0.0
    assert diagnosis.rule is None
    assert diagnosis.action is Action.REPAIR
    assert diagnosis.root_cause == (
        "No rule recognised this failure. Its clearest line: the frobnicator failed badly"
    )


def test_the_first_certain_line_speaks_for_an_unrecognised_failure() -> None:
    log = "could not warm up\nError: in short:\nError: gear 3 is stuck\nError: gave up\nthe end failed"

    diagnosis = _diagnose(_job(log, command="./frobnicate"))

    assert diagnosis.evidence_lines == ("Error: gear 3 is stuck",)


def test_a_run_without_failed_jobs_is_explained_by_its_workflow_file() -> None:
    sentence = "The workflow file ci.yml is not valid YAML at line 3, column 1: a tab."

    broken = _diagnose(workflow_error=sentence)
    silent = _diagnose()

    assert (broken.failure_class, broken.action) == (FailureClass.CONFIGURATION, Action.EXPLAIN)
    assert broken.root_cause == sentence
    assert "before any job ran" in silent.root_cause
    assert silent.confidence < broken.confidence


def test_places_come_from_remarks_too() -> None:
    remarks = (
        Annotation(message="Undefined name `x`", path="src/new.py", line=7),
        Annotation(message="Lost."),
    )

    diagnosis = _diagnose(_job("src/app.py:1:8: F401 `os` unused\nFound 1 error.", annotations=remarks))

    assert [(place.path, place.line) for place in diagnosis.locations] == [
        ("src/app.py", 1),
        ("src/new.py", 7),
    ]


def test_a_lost_runner_is_recognised_by_a_remark_alone() -> None:
    lost = "##[error]The hosted runner lost communication with the server."

    diagnosis = _diagnose(_job(lost, log_state=LogState.GONE))

    assert (diagnosis.failure_class, diagnosis.action) == (FailureClass.INFRASTRUCTURE, Action.RERUN)


@pytest.mark.parametrize("state", [LogState.GONE, LogState.EMPTY])
def test_without_logs_and_command_nothing_is_guessed(state: LogState) -> None:
    diagnosis = _diagnose(_job("", log_state=state, step="Run ruff check ."))

    assert (diagnosis.failure_class, diagnosis.action) == (FailureClass.UNKNOWN, Action.EXPLAIN)
    assert "gone or empty" in diagnosis.root_cause


def test_without_logs_a_known_command_still_tells_the_class() -> None:
    diagnosis = _diagnose(_job("", log_state=LogState.GONE, command="ruff check ."))

    assert diagnosis.failure_class is FailureClass.LINT
    assert diagnosis.confidence < 0.5


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("/home/runner/work/widgets/widgets/src/a.py:3:1: E999 no", "src/a.py"),
        (r"D:\a\widgets\widgets\src\a.ts(3,1): error TS1005: no", "src/a.ts"),
        ('  File "./tool/run.py", line 3, in <module>', "tool/run.py"),
        ("would reformat docs/conf.py", "docs/conf.py"),
        ("[warn] src/index.js", "src/index.js"),
        (" --> crates/core/lib.rs:3:1", "crates/core/lib.rs"),
        ("In scripts/install line 3:", "scripts/install"),
    ],
)
def test_files_are_named_relative_to_the_repository(line: str, path: str) -> None:
    assert _diagnose(_job(f"{line}\nsomething failed")).files == (path,)


def test_files_outside_the_repository_are_not_listed_and_the_rest_is_bounded() -> None:
    foreign = "/usr/lib/python3.11/json/decoder.py:3\nnode_modules/a/index.js:1\nhttps://a.test/x.py:80\n"
    own = "\n".join(f"src/part{number}.py:1: broken" for number in range(50))

    files = _diagnose(_job(foreign + own)).files

    assert files[0] == "src/part0.py"
    assert len(files) == 20


def test_places_have_their_lines_and_the_cause_s_own_place_comes_first() -> None:
    text = "src/other.py:3: note: seen here\nsrc/app.py:7: error: Name 'x' is not defined  [name-defined]"

    assert _diagnose(_job(text)).locations == (
        Location(path="src/app.py", line=7),
        Location(path="src/other.py", line=3),
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/home/runner/work/w/w/src/a.js\n  20:14  error  'e' is defined  no-undef", ("src/a.js", 20)),
        ("src/a.ts(3,1): error TS1005: no", ("src/a.ts", 3)),
        ('  File "tool/run.py", line 31, in <module>', ("tool/run.py", 31)),
        ("In scripts/install line 12:", ("scripts/install", 12)),
        ("[ERROR] /github/workspace/src/App.java:[12,9] cannot find symbol", ("src/App.java", 12)),
        ("PHP Parse error:  syntax error in src/a.php on line 9", ("src/a.php", 9)),
        ("Error: x\n\n  on main.tf line 4, in output", ("main.tf", 4)),
        ("would reformat docs/conf.py", ("docs/conf.py", None)),
        ("src/app.py\nsomething failed", ("src/app.py", None)),
    ],
)
def test_a_place_is_read_however_a_tool_writes_it(text: str, place: tuple[str, int | None]) -> None:
    assert _diagnose(_job(text)).locations[0] == Location(path=place[0], line=place[1])


def test_several_jobs_that_all_met_the_network_are_an_outage() -> None:
    outage = _diagnose(*[_job(NETWORK)] * 4)
    two = _diagnose(*[_job(NETWORK)] * 2)
    mixed = _diagnose(*[_job(NETWORK)] * 4, _job(RUFF))
    unknown = _diagnose(*[_job(NETWORK)] * 4, _job("it did not work"))

    assert (outage.jobs_alike, outage.action) == (4, Action.RERUN)
    assert (two.jobs_alike, mixed.jobs_alike, unknown.jobs_alike) == (0, 0, 0)


def test_an_outage_that_a_rerun_met_again_is_explained_and_not_patched() -> None:
    again = _diagnose(*[_job(NETWORK)] * 4, rerun_used=True)

    assert (again.jobs_alike, again.action) == (4, Action.EXPLAIN)


def test_only_what_rules_do_not_know_or_only_guess_is_left_open() -> None:
    def left_open(text: str, command: str = "true") -> bool:
        job = _job(text, command=command)
        return is_open(_diagnose(job), Evidence(run_id=1, run_attempt=1, jobs=(job,), failed_jobs=1))

    assert left_open("it did not work")
    assert left_open("it did not work", "make test")
    assert not left_open(RUFF)
    assert not left_open(NETWORK)
    assert not left_open("", "make test")


@given(st.text(max_size=2_000), st.text(max_size=200), st.one_of(st.none(), st.integers(0, 255)))
def test_any_text_has_a_diagnosis(text: str, command: str, code: int | None) -> None:
    diagnosis = _diagnose(_job(text, command=command, exit_code=code))

    assert (diagnosis.rule is None) == (diagnosis.failure_class is FailureClass.UNKNOWN)
    assert "\n" not in diagnosis.root_cause


async def test_the_activity_gives_the_same_diagnosis() -> None:
    evidence = Evidence(run_id=1, run_attempt=1, jobs=(_job(RUFF),), failed_jobs=1)
    request = DiagnosisRequest(repository="acme/widgets", workflow_path="ci.yml", evidence=evidence)

    assert await ActivityEnvironment().run(DiagnosisActivities().diagnose_failure, request) == diagnose(
        request
    )
