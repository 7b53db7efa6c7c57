"""The tools a model may call: how they are described to it, and what carries them out."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError
from temporalio.exceptions import ApplicationError

from activities.adapters.pulse import Pulse
from activities.adapters.workspace import Workspace
from activities.errors import PermanentError
from activities.patching.sandbox import Sandbox, SandboxUnavailableError
from activities.patching.session.checks import failing_commands, run_all
from activities.patching.session.editor import EDITOR_COMMAND, ToolError, View, edit, listing, view
from activities.patching.session.search import Search, search
from activities.patching.session.speech import quoted, sentence
from workflows.models import LogRange, LogRangeRequest
from workflows.session_models import RESULT_CHARACTERS, ToolCall, ToolResult, ToolsRequest, ToolsResult

CALLS: Final = 16
"""Of one reply; the rest is not carried out."""
EDITOR: Final = "str_replace_based_edit_tool"
SUBMIT: Final = "submit"
GIVE_UP: Final = "give_up"


class List(BaseModel):
    """List the repository's files in a folder, with everything below it."""

    path: str = Field(default=".", description="the folder")


class ReadLog(BaseModel):
    """Read more of a failed job's log, each line behind its number: a range of lines, or those that match."""

    job: int = Field(description="the job's number, as the opening message gives it")
    first_line: int = Field(default=1, ge=1)
    last_line: int | None = Field(default=None, ge=1, description="none for the end of the log")
    pattern: str = Field(
        default="", max_length=200, description="a regular expression for a line, in any case"
    )


class RunCheck(BaseModel):
    """Run the failing commands on the files as they are now, without a network. Their writes are dropped."""


class Submit(BaseModel):
    """End with the changes made so far as the patch. The proof's or the gate's objections come back."""

    summary: str = Field(min_length=1, description="what was wrong and what changed, in one sentence")


class GiveUp(BaseModel):
    """End without a patch."""

    reason: str = Field(min_length=1, description="one sentence for the person who takes over")


_FORMS: Final[Mapping[str, type[BaseModel]]] = {
    "search": Search,
    "list": List,
    "read_log": ReadLog,
    "run_check": RunCheck,
    SUBMIT: Submit,
    GIVE_UP: GiveUp,
}

TOOLS: Final[tuple[Mapping[str, Any], ...]] = (
    {"type": "text_editor_20250728", "name": EDITOR, "max_characters": RESULT_CHARACTERS},
    *(
        {
            "name": name,
            "description": " ".join((form.__doc__ or "").split()),
            "input_schema": form.model_json_schema(),
        }
        for name, form in _FORMS.items()
    ),
)
"""As the API wants them, always the same: what the API caches begins with them."""

ReadRange = Callable[[LogRangeRequest], Awaitable[LogRange]]
"""Reads a part of a job's log."""
Fresh = Callable[[str], Awaitable[Workspace]]
"""Makes another workspace of the same commit with a diff applied to it."""


@dataclass
class Toolbox:
    """Carries out the calls of one reply, in their order.

    Args:
        request: The calls, and what they may reach.
        workspace: With the session's changes so far; edits go there.
        fresh: Makes workspaces for commands, so that what they write is never part of the patch.
    """

    request: ToolsRequest
    workspace: Workspace
    fresh: Fresh
    read_log: ReadRange
    sandbox: Sandbox
    pulse: Pulse
    _results: list[ToolResult] = field(default_factory=list)
    _done: ToolsResult = field(default_factory=ToolsResult)
    _edited: bool = False

    async def use(self) -> ToolsResult:
        """What every call answers, and the diff afterwards."""
        for number, call in enumerate(self.request.calls):
            if self._done.submission is not None or self._done.gave_up:
                self._refuse(call, "Not carried out: the session had ended before this call.")
            elif number >= CALLS:
                self._refuse(call, f"Not carried out: more than {CALLS} calls at once.")
            else:
                await self._use(call)
        try:
            diff = await self._diff()
        except PermanentError as error:
            return self._undone(str(error))
        if len(diff.encode()) > self.request.patch_bytes:
            return self._undone(f"the patch would be larger than {self.request.patch_bytes} bytes")
        return self._done.model_copy(update={"results": tuple(self._results), "diff": diff})

    def _undone(self, why: str) -> ToolsResult:
        """Nothing of this reply counts: its changes together are not a patch."""
        self._results = []
        for call in self.request.calls:
            self._refuse(call, f"Nothing of this reply was kept: {why}.")
        return ToolsResult(results=tuple(self._results), diff=self.request.diff)

    async def _use(self, call: ToolCall) -> None:
        try:
            answer = await self._carry_out(call)
        except ToolError as error:
            self._refuse(call, str(error))
        except ValidationError as error:
            self._refuse(call, _misfit(call, error))
        except PermanentError as error:
            if error.kind != "invalid":
                raise
            self._refuse(call, f"That cannot be done: {error}.")
        except ApplicationError as error:  # what another activity's method makes of an adapter's error
            if not error.non_retryable:
                raise
            self._refuse(call, f"That cannot be read: {error.message}.")
        else:
            if answer is not None:
                self._results.append(ToolResult(call_id=call.id, text=answer))

    def _refuse(self, call: ToolCall, why: str) -> None:
        text = quoted(self.request.tag, why, most=RESULT_CHARACTERS)
        self._results.append(ToolResult(call_id=call.id, text=text, is_error=True))

    async def _carry_out(self, call: ToolCall) -> str | None:
        """The answer; None for the call that submits, which is answered later."""
        if call.malformed:
            raise ToolError("The input is not a JSON object; nothing was done. Call the tool again.")
        if call.name == EDITOR:
            return await self._edit(call)
        form = _FORMS.get(call.name)
        if form is None:
            raise ToolError(f"There is no such tool. There are: {', '.join([EDITOR, *_FORMS])}.")
        wanted = form.model_validate(call.input)
        if isinstance(wanted, Submit):
            summary = sentence(wanted.summary)
            self._done = self._done.model_copy(update={"submission": call, "summary": summary})
            return None
        if isinstance(wanted, GiveUp):
            reason = sentence(wanted.reason) or "it gave no reason"
            self._done = self._done.model_copy(update={"gave_up": reason})
            return "The session ends."
        return await self._answer(wanted)

    async def _answer(self, wanted: BaseModel) -> str:
        match wanted:
            case Search():
                return await self._read(functools.partial(search, self.workspace, wanted))
            case List():
                return await self._read(functools.partial(listing, self.workspace, wanted.path))
            case ReadLog():
                return await self._read_log(wanted)
            case RunCheck():
                return await self._run_check()
        raise TypeError(type(wanted))

    async def _edit(self, call: ToolCall) -> str:
        command = EDITOR_COMMAND.validate_python(call.input)
        if isinstance(command, View):
            return await self._read(functools.partial(view, self.workspace, command))
        self._edited = True
        return await self.pulse.run(functools.partial(edit, self.workspace, command))

    async def _read(self, work: Callable[[], str]) -> str:
        return quoted(self.request.tag, await self.pulse.run(work), most=RESULT_CHARACTERS)

    async def _read_log(self, wanted: ReadLog) -> str:
        jobs = [job.job_id for job in self.request.jobs]
        if wanted.job not in jobs:
            raise ToolError(f"There is no such job. There are: {', '.join(map(str, jobs))}.")
        found = await self.read_log(
            LogRangeRequest(
                repository=self.request.repository,
                job_id=wanted.job,
                first_line=wanted.first_line,
                last_line=wanted.last_line,
                pattern=wanted.pattern,
            )
        )
        return quoted(self.request.tag, found.problem or found.text, most=RESULT_CHARACTERS)

    async def _run_check(self) -> str:
        workspace = await self.fresh(await self._diff())
        commands = failing_commands(self.request.workflow_path, self.request.jobs, workspace)
        if not commands:
            raise ToolError("There is nothing to run: no plain command of the failing steps is known.")
        try:
            ran = await self.pulse.run(
                functools.partial(run_all, commands, workspace, self.sandbox, self.pulse)
            )
        except SandboxUnavailableError as error:
            raise ToolError(f"Commands cannot be confined here, so none was run: {error}") from error
        share = RESULT_CHARACTERS // len(ran)
        told = (_end_of(one.told(), share) for one in ran)
        return "\n".join(quoted(self.request.tag, each, most=share + 100) for each in told)

    async def _diff(self) -> str:
        if not self._edited:
            return self.request.diff
        return (await self.pulse.run(self.workspace.changes)).diff


def _end_of(text: str, most: int) -> str:
    """The first line and the end: a command's verdict comes last."""
    if len(text) <= most:
        return text
    command, _, rest = text.partition("\n")
    return f"{command}\n… the beginning is left out …\n{rest[-most + len(command) :]}"


def _misfit(call: ToolCall, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the input"
    return f"The input of {call.name} does not fit, and nothing was done. {place}: {first['msg']}."
