"""A remediation without consequences: what would write to GitHub is noted down instead of carried out."""

from dataclasses import dataclass, field
from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.publishing.wording import commit_message, pull_request_body, pull_request_title
from workflows import naming, policies
from workflows.models import (
    BranchRequest,
    BranchResult,
    BranchState,
    CommitRequest,
    PostedReport,
    PullRequestRequest,
    Report,
    RerunRequest,
    WrittenCommit,
)
from workflows.repository_settings import SettingsProblem

_READING_STEPS: Final = (
    policies.READ_RUN,
    policies.JUDGE_PATCH,
    policies.READ_PULL_REQUEST,
    policies.READ_CHECKS,
    policies.AUTHORISE_ORDER,
    policies.FIND_FAILED_RUNS,
)
READING: Final = frozenset(step.name for step in policies.STEPS if step.queue == naming.ANALYST_QUEUE) | {
    step.name for step in _READING_STEPS
}
"""The activities that write nothing to GitHub. Any other is held back, also one that is added later."""
HELD_BACK: Final = "held_back"
"""The error's type with which a rehearsal ends where it would have gone on by writing."""

_TRIES: Final = 3
"""Nobody waits out an outage before a terminal."""
_NOWHERE: Final = "0" * 40
"""The commit that was not written."""


@dataclass(frozen=True)
class HeldBack:
    """Something that would have been written to GitHub."""

    what: str
    """commit, branch, pull_request, comment, rerun, or the activity's name."""
    title: str = ""
    """One line that says it."""
    base: str = ""
    """Of a pull request: the branch that it would be opened against."""
    text: str = ""
    """The whole text, Markdown."""


@dataclass
class Rehearsal(Interceptor):
    """Notes down what a remediation would write, and ends it at the first thing that cannot be imagined.

    Attributes:
        held_back: What would have been written, in order.
    """

    held_back: list[HeldBack] = field(default_factory=list)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 — the SDK's name
        """Stand before every activity."""
        return _Rehearsing(next, self.held_back)


class _Rehearsing(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, held_back: list[HeldBack]) -> None:
        super().__init__(following)
        self._held_back = held_back

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 — the SDK's name
        info = activity.info()
        if info.activity_type not in READING:
            return self._imagine(info.activity_type, input.args[0])
        try:
            return await super().execute_activity(input)
        except ApplicationError as error:
            if error.non_retryable or info.attempt < _TRIES:
                raise
            raise ApplicationError(error.message, type=error.type, non_retryable=True) from error

    def _imagine(self, name: str, request: Any) -> Any:
        """The answer of a write that went well."""
        match request:
            case CommitRequest():
                message = commit_message(request)
                self._note("commit", message.splitlines()[0], text=message)
                return WrittenCommit(sha=_NOWHERE, tree=request.proposal.tree or _NOWHERE)
            case BranchRequest():
                self._note("branch", naming.fix_branch(request.run_id))
                return BranchResult(state=BranchState.ADVANCED, tip=_NOWHERE)
            case PullRequestRequest(base_branch=base):
                title = pull_request_title(request)
                self._note("pull_request", title, base=base, text=pull_request_body(request, base))
            case SettingsProblem():
                self._note("comment", "what is wrong with the repository's settings")
                return PostedReport()
            case Report(outcome=outcome) if outcome is not None:
                self._note("comment", f"the outcome: {outcome}")
                return PostedReport()
            case Report(question=question):
                self._note("comment", f"the question whether to publish patch {question}" if question else "")
            case RerunRequest():
                self._note("rerun", "the failed jobs, once: the failure looks transient")
            case _:
                self._note(name)
        raise ApplicationError(
            f"{name} was held back",
            type=HELD_BACK,
            non_retryable=True,
            category=ApplicationErrorCategory.BENIGN,
        )

    def _note(self, what: str, title: str = "", *, base: str = "", text: str = "") -> None:
        self._held_back.append(HeldBack(what, title, base, text))
