"""A model's repair session as the workflow holds it: what it may cost, how it ends, what the model hears."""

from datetime import timedelta
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from scripted import HEAD, ScriptedActivities, proposal, reading, serving, snapshot, start
from workflows import models
from workflows.models import CiVerdict, GateDecision, GateVerdict, Limits, Outcome, Reason, Strategy
from workflows.session_models import (
    SessionStart,
    Stop,
    Submission,
    ToolCall,
    ToolResult,
    ToolsRequest,
    ToolsResult,
    Turn,
    TurnRequest,
)

Remediate = Any
NOTHING: Final = proposal(diff="", patch_id="", summary="No recipe knows pytest.")
START: Final = SessionStart(model="claude-sonnet-5-5", tag="f00d", opening="Repair this.")
MODELS_PATCH: Final = proposal(
    "model", strategy=Strategy.MODEL, recipe=None, summary="The sum was off by one."
)
PROVED: Final = Submission(proposal=MODELS_PATCH)
REFUSED: Final = GateVerdict(decision=GateDecision.REFUSED, reasons=("tests/x.py: skips tests",))
ALLOWED: Final = GateVerdict(decision=GateDecision.ALLOWED)


def turn(*names: str, cost: float | None = 0.01, **changes: Any) -> Turn:
    """A reply that calls tools by these names."""
    use = models.ModelUse(
        model="claude-sonnet-5-5", input_tokens=1_000, output_tokens=100, cached_tokens=900, cost_usd=cost
    )
    content = tuple(
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
        for number, name in enumerate(names)
    )
    facts: dict[str, Any] = {"use": use, "content": content}
    return Turn(**(facts | changes))


async def tools(request: ToolsRequest) -> ToolsResult:
    """Tools that answer "seen", submit and give up."""
    results: list[ToolResult] = []
    ending: dict[str, Any] = {}
    for call in request.calls:
        if call.name == "submit":
            ending = {"submission": call, "summary": "The sum was off by one."}
        else:
            results.append(ToolResult(call_id=call.id, text=f"seen {call.name}"))
        if call.name == "give_up":
            ending = {"gave_up": "A secret is missing."}
    return ToolsResult(results=tuple(results), diff=f"{request.diff}+", **ending)


def session(*turns: Any, **answers: Any) -> ScriptedActivities:
    given: dict[str, Any] = {
        "propose_patch": NOTHING,
        "open_session": START,
        "take_turn": list(turns),
        "use_tools": [tools],
        "prove_submission": PROVED,
    }
    return ScriptedActivities(**(given | answers))


def last_words(script: ScriptedActivities) -> list[dict[str, Any]]:
    """What the model read last."""
    asked: TurnRequest = script.called("take_turn")[-1]
    return list(asked.messages[-1].content)


# ── how a session ends ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_model_s_patch_is_published_and_what_it_cost_is_told(remediate: Remediate) -> None:
    script = session(turn("list", "search"), turn("submit"))

    result = await remediate(script)

    assert (result.outcome, result.cost_usd) == (Outcome.FIXED, pytest.approx(0.02))
    [attempt] = result.attempts
    assert (attempt.strategy, attempt.summary) == (Strategy.MODEL, "The sum was off by one.")
    [written] = script.called("write_commit")
    assert written.proposal == MODELS_PATCH
    [asked] = script.called("prove_submission")
    assert asked.diff == "++"


async def test_without_a_model_the_recipes_word_stands_with_a_note(remediate: Remediate) -> None:
    result = await remediate(session(open_session=SessionStart(closed="No model is set up.")))

    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.NO_REPAIR_FOUND)
    assert result.detail == "No recipe knows pytest. No model is set up."
    assert result.cost_usd is None


async def test_a_recipe_s_patch_needs_no_model(remediate: Remediate) -> None:
    script = session(propose_patch=proposal())

    assert (await remediate(script)).outcome is Outcome.FIXED
    assert script.called("open_session") == []


async def test_a_recipe_s_patch_that_the_gate_refuses_leaves_it_to_the_model(remediate: Remediate) -> None:
    script = session(turn("submit"), propose_patch=proposal(), judge_patch=[REFUSED, ALLOWED])

    result = await remediate(script)

    assert result.outcome is Outcome.FIXED
    [opened] = script.called("open_session")
    assert "tests/x.py: skips tests" in opened.setback


async def test_no_tokens_are_spent_on_a_bot_s_branch(remediate: Remediate) -> None:
    script = session(read_run=snapshot(head_is_bot=True))

    result = await remediate(script, policy=models.TriagePolicy(repair_bot_branches=True))

    assert result.reason is Reason.NO_REPAIR_FOUND
    assert script.called("open_session") == []


async def test_a_session_of_no_calls_is_none(remediate: Remediate) -> None:
    script = session()

    assert (await remediate(script, limits=Limits(session_calls=0))).reason is Reason.NO_REPAIR_FOUND
    assert script.called("open_session") == []


async def test_a_model_that_gives_up_says_why(remediate: Remediate) -> None:
    result = await remediate(session(turn("list"), turn("give_up")))

    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.NO_REPAIR_FOUND)
    assert result.detail == "No recipe knows pytest. The model gave up: A secret is missing."
    assert result.cost_usd == pytest.approx(0.02)


async def test_a_model_that_loops_for_ever_is_stopped_after_its_calls(remediate: Remediate) -> None:
    script = session(turn("list"))

    result = await remediate(script, limits=Limits(session_calls=7))

    assert len(script.called("take_turn")) == 7
    assert "within 7 calls" in result.detail


async def test_a_session_stops_when_its_money_is_spent(remediate: Remediate) -> None:
    script = session(turn("list", cost=0.4))

    result = await remediate(script, limits=Limits(session_usd=1.0))

    assert len(script.called("take_turn")) == 3
    assert result.cost_usd == pytest.approx(1.2)
    assert "US$ 1.00" in result.detail


async def test_a_model_without_a_known_price_is_bounded_by_its_calls(remediate: Remediate) -> None:
    script = session(turn("list", cost=None))

    result = await remediate(script, limits=Limits(session_calls=4, session_usd=0.01))

    assert len(script.called("take_turn")) == 4
    assert result.cost_usd is None


async def test_a_session_stops_when_its_time_is_up(remediate: Remediate) -> None:
    wait = ApplicationError("wait", type="throttled", next_retry_delay=timedelta(minutes=9))
    script = session(turn("list"), wait, turn("list"), wait, turn("list"))

    result = await remediate(script)

    assert len(script.called("take_turn")) == 5
    assert "within 15 minutes" in result.detail


async def test_a_conversation_that_grows_too_long_ends(remediate: Remediate) -> None:
    async def flood(request: ToolsRequest) -> ToolsResult:
        return ToolsResult(
            results=tuple(ToolResult(call_id=call.id, text="x" * 12_000) for call in request.calls)
        )

    script = session(turn(*["list"] * 12), use_tools=[flood])

    result = await remediate(script)

    assert len(script.called("take_turn")) == 3
    assert "grew too long" in result.detail


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (turn(stop=Stop.REFUSED, detail="category cyber"), "refused to go on (category cyber)"),
        (turn("list", stop=Stop.NO_ROOM), "context was full"),
    ],
)
async def test_a_model_that_will_not_or_cannot_go_on_ends_the_session(
    remediate: Remediate, reply: Turn, said: str
) -> None:
    script = session(reply)

    result = await remediate(script)

    assert said in result.detail
    assert len(script.called("take_turn")) == 1
    assert script.called("use_tools") == []


async def test_a_model_that_cannot_be_asked_ends_the_session_with_advice(remediate: Remediate) -> None:
    refused = ApplicationError(
        "the model answered 401, check ANTHROPIC_API_KEY", type="model_unauthorised", non_retryable=True
    )

    result = await remediate(session(turn("list"), refused))

    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.NO_REPAIR_FOUND)
    assert "check ANTHROPIC_API_KEY" in result.detail
    assert result.cost_usd == pytest.approx(0.01)


async def test_an_outage_of_the_model_is_waited_out_for_a_while(remediate: Remediate) -> None:
    result = await remediate(session(ApplicationError("503", type="unavailable")))

    assert result.reason is Reason.NO_REPAIR_FOUND
    assert "could not be asked" in result.detail


# ── what the model hears ────────────────────────────────────────────────────────────────────────────────────


async def test_every_call_is_answered_in_the_next_message(remediate: Remediate) -> None:
    script = session(turn("list", "search"), turn("give_up"))

    await remediate(script)

    first, second = script.called("take_turn")
    assert [message.role for message in first.messages] == ["user"]
    assert [message.role for message in second.messages] == ["user", "assistant", "user"]
    assert [(block["tool_use_id"], block["content"]) for block in second.messages[-1].content] == [
        ("toolu_0", "seen list"),
        ("toolu_1", "seen search"),
    ]


async def test_a_reply_without_a_call_is_asked_to_go_on(remediate: Remediate) -> None:
    script = session(turn(content=({"type": "text", "text": "Hm."},)), turn("give_up"))

    await remediate(script)

    assert "submit" in last_words(script)[0]["text"]


async def test_nothing_of_a_reply_that_was_cut_is_carried_out(remediate: Remediate) -> None:
    script = session(turn("list", stop=Stop.CUT, detail="16,000 tokens"), turn("give_up"))

    await remediate(script)

    assert [call.name for used in script.called("use_tools") for call in used.calls] == ["give_up"]
    assert "16,000 tokens" in last_words(script)[0]["text"]


async def test_a_message_of_thoughts_alone_is_not_sent_back(remediate: Remediate) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    script = session(turn(content=(thought,)), turn("give_up"))

    await remediate(script)

    assert [message.role for message in script.called("take_turn")[-1].messages] == ["user", "user"]


async def test_a_failed_proof_goes_back_as_the_answer_to_the_submission(remediate: Remediate) -> None:
    setback = Submission(setback="The command still fails in the same way.")
    script = session(turn("list", "submit"), turn("submit"), prove_submission=[setback, PROVED])

    result = await remediate(script)

    assert result.outcome is Outcome.FIXED
    seen, refused = last_words(script)
    assert (seen["tool_use_id"], "is_error" in seen) == ("toolu_0", False)
    assert (refused["tool_use_id"], refused["is_error"]) == ("toolu_1", True)
    assert refused["content"] == "The command still fails in the same way."


async def test_the_gate_s_refusal_goes_back_twice_and_no_more(remediate: Remediate) -> None:
    script = session(turn("submit"), judge_patch=REFUSED)

    result = await remediate(script)

    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.PATCH_REFUSED)
    assert len(script.called("judge_patch")) == 3
    assert "tests/x.py: skips tests" in last_words(script)[0]["content"]
    assert result.cost_usd == pytest.approx(0.03)


async def test_a_patch_whose_base_has_changed_does_not_go_back(remediate: Remediate) -> None:
    conflict = GateVerdict(decision=GateDecision.REFUSED, reasons=("x.py: gone",), conflict=True)
    script = session(turn("submit"), judge_patch=conflict)

    assert (await remediate(script)).reason is Reason.PATCH_CONFLICT
    assert len(script.called("take_turn")) == 1


async def test_a_call_with_malformed_input_is_marked(remediate: Remediate) -> None:
    script = session(turn("list", "search", malformed=("toolu_1",)), turn("give_up"))

    await remediate(script)

    calls: list[ToolCall] = list(script.called("use_tools")[0].calls)
    assert [call.malformed for call in calls] == [False, True]


# ── attempts ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_next_attempt_is_told_what_the_last_one_did_and_how_ci_answered(
    remediate: Remediate,
) -> None:
    red = [reading(CiVerdict.RED), reading(CiVerdict.GREEN, fix_head="2" * 40)]
    other = proposal("other", strategy=Strategy.MODEL, tree="e" * 40)
    script = session(turn("submit"), read_checks=red, prove_submission=[PROVED, Submission(proposal=other)])

    result = await remediate(script)

    assert (result.outcome, len(result.attempts)) == (Outcome.FIXED, 2)
    _, second = script.called("open_session")
    [earlier] = second.patch.earlier
    assert (earlier.summary, earlier.ci, earlier.files) == ("The sum was off by one.", "red", ("x.py",))
    assert result.cost_usd == pytest.approx(0.02)


async def test_the_same_files_again_end_the_loop_whatever_the_diff(remediate: Remediate) -> None:
    first, again = proposal("one", tree="e" * 40), proposal("two", tree="e" * 40)
    script = ScriptedActivities(
        propose_patch=[first, again], read_checks=reading(CiVerdict.RED), open_session=START
    )

    result = await remediate(script)

    assert (result.outcome, result.reason) == (Outcome.NEEDS_HUMAN, Reason.REPEATED_PATCH)
    assert len(script.called("write_commit")) == 1


# ── what Temporal shows ─────────────────────────────────────────────────────────────────────────────────────


async def test_every_turn_reads_well_in_the_web_ui(skipping: WorkflowEnvironment) -> None:
    script = session(turn("list", "search"), turn("submit"))
    async with serving(skipping.client, script):
        handle = await start(skipping.client)
        await handle.result()
    history = await skipping.client.get_workflow_handle(f"{handle.id}/attempt-1").fetch_history()

    summaries = [
        event.user_metadata.summary.data.decode().strip('"')
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]

    assert summaries[2] == (
        "Attempt 1: turn 1, ask claude-sonnet-5-5 "
        "(so far 0 tokens read, 0 of them cached, 0 written, US$ 0.0000)"
    )
    assert summaries[3] == (
        "Attempt 1: turn 1, list, search "
        "(so far 1,000 tokens read, 900 of them cached, 100 written, US$ 0.0100)"
    )
    assert summaries[-2:] == ["Attempt 1: prove the submitted patch", "Attempt 1: pass the gate"]


async def test_a_session_is_rebuilt_from_its_history_at_every_task(remediate: Remediate) -> None:
    script = session(*[turn("list")] * 5, turn("submit"))

    result = await remediate(script, options={"max_cached_workflows": 0})

    assert (result.outcome, len(script.called("take_turn"))) == (Outcome.FIXED, 6)
    assert script.called("use_tools")[0].base_sha == HEAD
