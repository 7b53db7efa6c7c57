"""What follows the outcome: auto-merge, the report, and what becomes of the fix."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows import decisions, measures, models, naming, narration, policies
    from workflows.decisions import Ending
    from workflows.journal import Journal
    from workflows.models import Outcome, State
    from workflows.requests import Case
    from workflows.steering import Steering
    from workflows.steps import carry_out
    from workflows.voice import Voice


class Aftermath:
    """Sees a remediation to its end. Its outcome is certain by now, so nothing that fails here changes it."""

    def __init__(self, case: Case, journal: Journal, voice: Voice, steering: Steering) -> None:
        self._case = case
        self._journal = journal
        self._voice = voice
        self._steering = steering

    async def request_auto_merge(self, ending: Ending) -> None:
        """Where it is wanted, GitHub is asked to merge a green fix once the repository's rules are met."""
        fixed = ending.outcome is Outcome.FIXED and self._case.status.pull_request is not None
        if not fixed or not self._case.wants_auto_merge or self._steering.stop is not None:
            return
        # A history of older code can hold settings that want it and nothing that asks.
        if not workflow.patched("auto-merge"):
            return
        wanted = self._case.request_auto_merge()
        summary = "Ask GitHub to merge it once its rules are met"
        try:
            result = await carry_out(policies.REQUEST_AUTO_MERGE, wanted, summary)
        except ActivityError as failure:
            workflow.logger.warning("GitHub could not be asked to merge the fix: %s", failure.cause)
            result = models.AutoMergeResult(state=models.AutoMergeState.NOT_ASKED)
        self._journal.know(auto_merge=result)

    async def report(self, ending: Ending) -> None:
        """Say the outcome where the failure was seen; after an order to stop, close the pull request too."""
        self._journal.know(outcome=ending.outcome, reason=ending.reason, detail=ending.detail, question=None)
        if ending.outcome is Outcome.FIXED:
            self._journal.know(green_at=workflow.now())
        measures.outcome_known(self._case.status, workflow.info().start_time)
        self._journal.enter(State.REPORTING)
        try:
            if self._steering.stop is not None:
                await self._close_pull_request()
            if self._case.status.run is not None and self._voice.tells(ending):
                await self._voice.post()
        except ActivityError as failure:
            workflow.logger.warning("the outcome could not be reported: %s", failure.cause)

    async def watch(self, ending: Ending) -> models.Disposition | None:
        """What becomes of a green fix; None where there is none, or it cannot be found out any more."""
        if ending.outcome is not Outcome.FIXED or self._case.status.pull_request is None:
            return None
        limits = self._case.request.limits
        self._journal.enter(State.WATCHING_MERGE, naming.CI_OUTCOME.value_set(ending.outcome))
        summary = narration.at_most("Watch whether the fix is merged", limits.merge_watch)
        await self._steering.watch(lambda: self._steering.closed, limits.merge_watch, summary)
        found: models.Disposition | None = None
        try:
            if self._steering.stop is not None:
                await self._close_pull_request()
            wanted = self._case.pull_request()
            found = decisions.disposition(
                await carry_out(policies.READ_PULL_REQUEST, wanted, "What became of the pull request?")
            )
            if found is models.Disposition.KEPT and limits.revert_watch and workflow.patched("watch-revert"):
                self._journal.put_on_record(ending, found)
                found = await self._watch_revert(limits.revert_watch)
        except ActivityError as failure:
            workflow.logger.warning("what became of the fix cannot be read: %s", failure.cause)
        return found

    async def _watch_revert(self, span: timedelta) -> models.Disposition:
        """Whether the merged fix is taken back within `span`: a wrong fix that was merged all the same."""
        self._journal.enter(State.WATCHING_REVERT)
        until = workflow.now() + span
        came = True
        while came and self._steering.stop is None:
            self._steering.news = False
            left = max(until - workflow.now(), timedelta(0))
            came = await self._steering.watch(
                lambda: self._steering.news, left, "Watch whether the fix is taken back"
            )
            if await carry_out(policies.FIND_REVERT, self._case.revert(), "Was the fix taken back?"):
                return models.Disposition.REVERTED
        return models.Disposition.KEPT

    async def _close_pull_request(self) -> None:
        pull_request = self._case.status.pull_request
        if pull_request is not None:
            target = models.CloseRequest(repository=self._case.request.repository, number=pull_request.number)
            closed = await carry_out(policies.CLOSE_PULL_REQUEST, target, "Close the pull request")
            self._journal.know(pull_request=closed)
