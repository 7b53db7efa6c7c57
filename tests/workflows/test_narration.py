"""What the Web UI shows, whatever strangers and models wrote."""

import re
import shlex
from datetime import timedelta

from workflows import narration
from workflows.models import (
    AttemptRecord,
    Diagnosis,
    Evidence,
    FailureClass,
    GateDecision,
    GateVerdict,
    Outcome,
    PatchRequest,
    Proof,
    ProofState,
    Proposal,
    PullRequest,
    Reason,
    Spending,
    State,
    Status,
)
from workflows.session_models import ToolCall

SUMMARY_BYTES = 400
"""What Temporal's server takes of a summary."""
MUCH = Spending(
    model="m" * 255,
    calls=1_000,
    input_tokens=10**10,
    output_tokens=10**9,
    cached_tokens=10**10,
    cost_usd=10**4,
)


def call(name: str, **given: object) -> ToolCall:
    return ToolCall(id="toolu_1", name=name, input=given)


def test_a_summary_names_what_was_called_on_which_file() -> None:
    calls = [call("str_replace_based_edit_tool", command="view", path="src/a.py"), call("run_check")]

    assert narration.acting(Spending(calls=2), calls).startswith("turn 2, view src/a.py, run_check (so far 0")


def test_words_that_are_not_plain_are_left_out_of_a_summary() -> None:
    evil = call("search", path="[click](https://evil.example)", command="**bold**")

    assert narration.acting(Spending(calls=1), [evil]).startswith("turn 1, search (so far")


def test_a_summary_fits_what_the_server_takes() -> None:
    longest = [call("n" * 40, command="c" * 40, path="p" * 40)] * 999

    for summary in (narration.asking(MUCH), narration.acting(MUCH, longest)):
        assert len(f"Attempt 3: {summary}".encode()) <= SUMMARY_BYTES


def test_the_details_say_what_the_session_took_and_how_far_the_patch_is() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-one\n+two\n+three\n"

    told = narration.session(Spending(model="claude", calls=3, cost_usd=None), diff, "It `gave` up.")

    assert "Model calls: 3" in told
    assert "cost unknown" in told
    assert "+2 -1" in told
    assert "- `It 'gave' up.`" in told


# ── a remediation's details ─────────────────────────────────────────────────────────────────────────────────

ID = "ci-remediation/acme/widgets/12"
HOSTILE = "`x` <img src=x> | [click](https://evil.example)\n# big\n```"


def asking(**facts: object) -> Status:
    proposal = Proposal(
        diff="diff --git a/x b/x\n",
        base_sha="a" * 40,
        patch_id="0123456789abcdef",
        recipe="ruff-check",
        files=tuple(f"src/{number}.py" for number in range(7)),
        additions=3,
        deletions=1,
        proof=Proof(state=ProofState.PROVED),
    )
    values = {
        "state": State.AWAITING_APPROVAL,
        "attempt": 1,
        "question": proposal.patch_id,
        "proposal": proposal,
        "verdict": GateVerdict(decision=GateDecision.NEEDS_APPROVAL, reasons=(HOSTILE,)),
        "diagnosis": Diagnosis(failure_class=FailureClass.LINT, root_cause=HOSTILE),
    }
    return Status.model_validate(values | facts)


def test_who_is_asked_reads_why_and_the_exact_commands_that_answer() -> None:
    told = narration.details(asking(), ID)

    assert told.startswith("**Waiting for a human to approve the patch.**\n\nPatch `0123456789abcdef` needs")
    assert "```\nregreen approve acme/widgets/12\n```" in told
    (block,) = [each for each in told.split("```") if each.startswith("\ntemporal")]
    assert shlex.split(block.replace("\\\n", "")) == [
        *("temporal", "workflow", "signal", "--workflow-id", ID, "--name", "approve"),
        *("--input", '{"by":"you","question":"0123456789abcdef"}'),
    ]
    assert all(len(line) <= 60 for line in block.splitlines())


def test_the_patch_is_summed_up_with_its_proof() -> None:
    told = narration.details(asking(), ID)

    assert (
        "+3 -1 in `src/0.py`, `src/1.py`, `src/2.py`, `src/3.py`, `src/4.py` and 2 more by `ruff-check`"
        in told
    )
    assert "proved: the failing command passes with it" in told


def test_what_strangers_wrote_stays_in_a_code_span_on_one_line() -> None:
    told = narration.details(asking(detail=HOSTILE), ID)

    inert = "`'x' <img src=x> | [click](https://evil.example) # big '''`"
    assert told.count(inert) == 3
    assert "<img" not in told.replace(inert, "")


def test_a_list_has_an_empty_line_before_it_and_holds_no_other_list() -> None:
    record = AttemptRecord(number=1, failure_class=FailureClass.FORMAT, recipe="black", ci="red")
    told = narration.details(asking(question=None, attempts=(record,), attempt=2, paused=True), ID)

    assert not re.search(r"^[^-\n].*\n- ", told, re.MULTILINE)
    assert not re.search(r"^[ \t]+-(?!-)", told, re.MULTILINE)
    assert "- Attempt 1 (format) by `black`: CI `red`\n- Attempt 2 of 3" in told


def test_who_paused_reads_how_to_go_on() -> None:
    told = narration.details(asking(question=None, paused=True), ID)

    assert "_Paused: no further step is taken until `resume`._" in told
    assert "--name resume" in told


def test_the_end_is_the_headline() -> None:
    facts = {"question": None, "outcome": Outcome.EXHAUSTED, "reason": Reason.ATTEMPTS_USED}
    told = narration.details(asking(state=State.DONE, **facts), ID)

    assert told.startswith("**exhausted: Every attempt was used and CI is still red.**\n\n- ")
    assert told.count("Every attempt was used") == 1


# ── summaries ───────────────────────────────────────────────────────────────────────────────────────────────


def test_summaries_tell_what_is_done_in_words_and_numbers_of_ours() -> None:
    status = asking()
    assert status.proposal
    week = timedelta(days=7)

    assert narration.attempting(status) == "Attempt 1 of 3: repair lint"
    assert narration.committing(status.proposal) == "Write the commit (+3 -1, files: 7, by ruff-check)"
    assert narration.posting(status) == "Say on GitHub: waiting for a human to approve the patch"
    assert narration.publishing(status) == "Open the pull request"
    approval = "Wait for a human to approve patch 0123456789abcdef, at most 7 days"
    assert narration.asking_approval(status.proposal, week) == approval
    assert narration.at_most("Wait", timedelta(minutes=90)) == "Wait, at most 90 minutes"
    opened = asking(
        pull_request=PullRequest(number=4, url="https://github.example/4"), outcome="fixed", reason="green"
    )
    assert narration.publishing(opened) == "Update pull request #4"
    assert narration.posting(opened) == "Say on GitHub: fixed, green"


def test_no_summary_holds_a_name_that_is_not_plain() -> None:
    hostile = asking().proposal
    assert hostile
    hostile = hostile.model_copy(update={"recipe": HOSTILE, "patch_id": HOSTILE})

    assert narration.committing(hostile) == "Write the commit (+3 -1, files: 7, by nobody)"
    assert "evil" not in narration.asking_approval(hostile, timedelta(days=1))


def test_an_attempt_says_what_it_found_and_what_the_gate_said() -> None:
    status = asking()
    assert status.proposal
    assert status.diagnosis
    request = PatchRequest(
        repository="acme/widgets",
        run_id=12,
        base_sha="a" * 40,
        attempt=1,
        workflow_path=".github/workflows/ci.yml",
        evidence=Evidence(run_id=12, run_attempt=1),
        diagnosis=status.diagnosis,
    )

    assert narration.attempt(request, None, None).startswith("**Looking for a patch without a model")
    found = narration.attempt(request, status.proposal, status.verdict)
    assert "- Gate: needs_approval\n- `'x'" in found
    none = status.proposal.model_copy(update={"diff": "", "summary": HOSTILE})
    assert "- No patch: `'x'" in narration.attempt(request, none, None)
