"""What a remediation says to people: the comment at the failure, and notices to the operator's channel."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows import narration, policies
    from workflows.decisions import Ending
    from workflows.journal import Journal
    from workflows.models import Need, NoticeState, Notified, Outcome, Reason
    from workflows.repository_settings import CommentStyle
    from workflows.requests import Case
    from workflows.steps import carry_out


class Voice:
    """Says each thing once: edits the one comment there is, and tells of each need a single time."""

    def __init__(self, case: Case, journal: Journal) -> None:
        self._case = case
        self._journal = journal
        self._posting = asyncio.Lock()
        self._said = False
        self._told: set[tuple[Need, str | None]] = set()

    async def post(self) -> None:
        """Bring the comment at the failure up to date, where the repository wants one."""
        if self._case.settings.publication.comment is CommentStyle.OFF:
            return
        async with self._posting:  # two at once could each find no comment, and leave two
            report = self._case.post_report(workflow.info().workflow_id)
            await carry_out(policies.POST_REPORT, report, narration.posting(self._case.status))
            self._said = True

    async def answer(self) -> None:
        """Answer an order by that comment; what cannot be said there is not worth an ending."""
        if self._case.status.run is None:
            return
        try:
            await self.post()
        except ActivityError as failure:
            workflow.logger.warning("a comment could not be answered: %s", failure.cause)

    def tells(self, ending: Ending) -> bool:
        """Whether the outcome is told where the failure was seen.

        Not what is ignored on purpose, nor what was overtaken before anything came of it; but a comment that
        is there must not go on to say what holds no more.
        """
        if ending.reason is Reason.BASE_RED:
            return workflow.patched("say-base-red")
        if ending.outcome is Outcome.IGNORED:
            return self._said and workflow.patched("end-what-was-said")
        if ending.outcome is Outcome.SUPERSEDED and not self._said and self._case.status.fix_head_sha is None:
            return not workflow.patched("quiet-superseded")
        return True

    async def notify(self, need: Need, question: str | None = None) -> None:
        """Tell a human that they are needed, once for each need; that it fails changes nothing.

        Where the run could be read, its standing says whether there is a channel. So a history without one
        holds nothing of this, and older ones replay.
        """
        if self._case.status.run is None:
            told = workflow.patched("notify-without-run")
        else:
            told = self._case.standing.notifies
        if not told or (need, question) in self._told:
            return
        self._told.add((need, question))
        wanted = self._case.notice(need, question)
        try:
            result = await carry_out(policies.NOTIFY_HUMAN, wanted, "Tell the channel: a human is needed")
        except ActivityError as failure:
            workflow.logger.warning("no human could be told: %s", failure.cause)
            return
        if result.state is NoticeState.DELIVERED:
            notified = Notified(need=need, at=workflow.now(), question=question)
            self._journal.know(notified=(*self._case.status.notified, notified))
