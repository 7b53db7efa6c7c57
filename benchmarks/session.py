"""What a model's repair session of 20 turns takes of Regreen's own time, and of a workflow's history.

Run by `make bench`. The model is a script on this machine, and its time is taken off. What is left is
compared with as many no-op activities on the same server in the same run.
"""

import argparse
import asyncio
import inspect
import json
import random
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from benchmarks.remediation import no_operation_seconds
from localhub.model_api.api import KEY, listening
from localhub.model_api.demo import EDITOR, REPAIR
from localhub.model_api.replies import Said
from localhub.scenarios import scenario
from localhub.stage import REPOSITORY, Stage
from workflows.models import Outcome, Status
from workflows.naming import attempt_id, remediation_id
from workflows.policies import OPEN_SESSION, PROVE_SUBMISSION
from workflows.remediation import RemediationWorkflow

TURNS: Final = 20
_PATIENCE_SECONDS: Final = 60.0
_VIEWED_LINES: Final = 120
_FIRST_EDIT: Final = 12


class Sample(NamedTuple):
    """One session."""

    total: float
    """Seconds from its opening to its submission."""
    model: float
    """Seconds of that in the model's stand-in."""
    history_bytes: int
    tokens: int
    cached: int
    """Of the tokens read, those from the cache."""

    @property
    def own(self) -> float:
        """What is left: Regreen, git and Temporal."""
        return self.total - self.model


class Player:
    """A model that looks around for most of its turns, edits in the later ones, and submits in the last."""

    def __init__(self) -> None:
        self._words = random.Random(7)  # noqa: S311 — the same words in every run, nothing secret

    def __call__(self, body: Mapping[str, Any]) -> Said:
        """The reply to a request."""
        turn = len([each for each in body["messages"] if each["role"] == "assistant"])
        return Said(content=[self._thought(turn), *self._calls(turn)], stop_reason="tool_use", usage=None)

    def _thought(self, turn: int) -> dict[str, Any]:
        words = " ".join(self._words.choice(_WORDS) for _ in range(60))
        return {"type": "text", "text": f"Turn {turn + 1}. {words}"}

    def _calls(self, turn: int) -> list[dict[str, Any]]:
        first = turn * _VIEWED_LINES + 1
        calls: list[tuple[str, dict[str, Any]]] = [
            (
                EDITOR,
                {"command": "view", "path": "tools/parser.py", "view_range": [first, first + _VIEWED_LINES]},
            ),
            ("search", {"pattern": rf"def \w*{_WORDS[turn]}"}),
        ]
        if turn >= _FIRST_EDIT:
            note = {
                "command": "insert",
                "path": "notes.py",
                "insert_line": 0,
                "insert_text": f"# turn {turn}\n",
            }
            calls.append((EDITOR, note))
        if turn == TURNS - 2:
            calls = [(EDITOR, REPAIR[2].content[1]["input"])]
        if turn == TURNS - 1:
            calls = [("submit", {"summary": "The sum was off by one."})]
        return [
            {"type": "tool_use", "id": f"toolu_{turn}_{number}", "name": name, "input": given}
            for number, (name, given) in enumerate(calls)
        ]


_WORDS: Final = (
    *("add", "get", "format", "parse", "check", "print", "match", "error", "exit", "usage", "init", "repr"),
    *("call", "eq", "iter", "set", "expand", "wrap", "fill", "split", "join", "value"),
)


async def session(stage: Stage, number: int) -> Sample:
    """Break the scenario `model` once, in a repository with a larger module in it."""
    chosen = scenario("model")
    if chosen is None:
        raise LookupError("the scenario model is gone")
    files = {path: text.replace("[main]", '[main, "round-*"]') for path, text in chosen.files.items()}
    larger = {"tools/parser.py": inspect.getsource(argparse), "notes.py": "", "round.txt": f"{number}\n"}
    hub, repository = stage.hub, stage.hub.repository(REPOSITORY)
    await hub.commit(REPOSITORY, "main", {**files, **larger}, "Start")
    await hub.idle()
    # A branch of its own: attempts at one failure are counted per branch, over all its runs.
    sha = await hub.commit(
        REPOSITORY, f"round-{number}", {**chosen.breaking, "broken.txt": f"{number}\n"}, chosen.message
    )
    await hub.idle()
    run = next(run for run in repository.runs.values() if run.head.sha == sha)
    workflow_id = remediation_id(REPOSITORY, run.id)
    status = await _ended(stage, workflow_id)
    if status.outcome is not Outcome.FIXED or status.model_calls != TURNS:
        raise LookupError(f"{status.outcome}: {status.detail} after {status.model_calls} calls")
    await hub.idle()
    history = await stage.client.get_workflow_handle(attempt_id(workflow_id, 1)).fetch_history()
    return Sample(
        total=_between(history, OPEN_SESSION.name, PROVE_SUBMISSION.name),
        model=0.0,
        history_bytes=sum(event.ByteSize() for event in history.events),
        tokens=0,
        cached=0,
    )


def _between(history: WorkflowHistory, first: str, last: str) -> float:
    """Seconds from one activity's being scheduled to another's."""
    times = {
        event.activity_task_scheduled_event_attributes.activity_type.name: event.event_time.ToNanoseconds()
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }
    return (times[last] - times[first]) / 1e9


async def _ended(stage: Stage, workflow_id: str) -> Status:
    handle = stage.client.get_workflow_handle_for(RemediationWorkflow.run, workflow_id)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        status = await handle.query(RemediationWorkflow.status)
        if status.outcome is not None:
            return status
    raise TimeoutError("the remediation did not end")


async def measure(rounds: int) -> dict[str, float]:
    """Medians over `rounds`."""
    async with listening(player=Player()) as api:
        settings = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
        async with Stage(settings=settings) as stage:
            samples = []
            for number in range(rounds + 1):
                sys.stderr.write(f"\rsession {number} of {rounds} ")
                first = len(api.used)
                sample = await session(stage, number)
                used = api.used[first:]
                cached = sum(each["cache_read_input_tokens"] for each in used)
                tokens = cached + sum(
                    each["cache_creation_input_tokens"] + each["input_tokens"] for each in used
                )
                samples.append(sample._replace(model=api.busy_seconds, tokens=tokens, cached=cached))
                api.busy_seconds = 0.0
            sys.stderr.write("\n")
            baseline = await no_operation_seconds(stage, rounds + 1, activities=2 * TURNS)
    own = statistics.median(sample.own for sample in samples[1:])
    nothing = statistics.median(baseline[1:])
    return {
        "rounds": rounds,
        "session_s": round(statistics.median(sample.total for sample in samples[1:]), 3),
        "model_s": round(statistics.median(sample.model for sample in samples[1:]), 3),
        "own_s": round(own, 3),
        "no_op_activities_s": round(nothing, 3),
        "own_over_no_op": round(own / nothing, 1),
        "history_bytes": round(statistics.median(sample.history_bytes for sample in samples[1:])),
        "cached_share": round(statistics.median(sample.cached / sample.tokens for sample in samples[1:]), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="sessions measured, after one to warm up")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.rounds))
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"medians of {arguments.rounds} repair sessions of {TURNS} turns with a scripted model")
    print(f"  from opening to submission            {found['session_s']:7.3f} s")
    print(f"    the model's stand-in                {found['model_s']:7.3f} s")
    print(f"    Regreen's own time, with git        {found['own_s']:7.3f} s   target < 4")
    print(f"  {2 * TURNS} no-op activities on the same server  {found['no_op_activities_s']:7.3f} s")
    print(f"  own time / no-op activities           {found['own_over_no_op']:7.1f} times")
    print(f"  the attempt's history                 {found['history_bytes'] / 1000:7.0f} KB  target < 1,000")
    print(f"  read from the model's cache           {found['cached_share'] * 100:7.1f} % of all tokens read")


if __name__ == "__main__":
    main()
