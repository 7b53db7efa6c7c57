"""What the Web UI shows of a session, whatever a model called."""

from workflows import narration
from workflows.models import Spending
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
