"""The life of a remediation: one durable workflow per failed GitHub Actions run."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from workflows import decisions, measures, models, naming, policies
    from workflows.aftermath import Aftermath
    from workflows.attempts import Attempts
    from workflows.decisions import Ending
    from workflows.inquiry import Inquiry
    from workflows.journal import Journal
    from workflows.models import Order, Outcome, Reason, State, Status
    from workflows.orders import Orders
    from workflows.repository_settings import Standing
    from workflows.requests import Case
    from workflows.steering import Halted, Steering
    from workflows.steps import kind_of
    from workflows.voice import Voice


@workflow.defn(name=naming.REMEDIATION_WORKFLOW)
class RemediationWorkflow:
    """Turns one failed run green, or says why not."""

    @workflow.init
    def __init__(self, request: models.RemediationRequest) -> None:
        self._case = Case(request, Status(state=State.TRIAGE, attempts_allowed=request.limits.attempts))
        self._journal = Journal(self._case)
        self._voice = Voice(self._case, self._journal)
        self._orders = Orders(self._case, self._journal, self._voice)
        self._steering = Steering(self._case)
        shared = (self._case, self._journal, self._voice, self._steering)
        self._inquiry = Inquiry(*shared)
        self._attempts = Attempts(*shared, self._inquiry)
        self._aftermath = Aftermath(*shared)

    @workflow.run
    async def run(
        self,
        request: models.RemediationRequest,  # noqa: ARG002 — `__init__` has taken it
    ) -> models.RemediationResult:
        """Look at the run, find the cause, repair it in at most three attempts, report, watch the merge."""
        self._journal.know()
        try:
            ending = (
                await self._triage()
                or await self._inquiry.gather_evidence()
                or await self._inquiry.diagnose()
                or await self._inquiry.rule_out_flakiness()
                or self._keep_to_budgets()
                or await self._repair()
            )
        except Halted as halted:
            ending = halted.ending
        except (ActivityError, ChildWorkflowError) as failure:
            ending = _ending_of(failure)
        await self._aftermath.request_auto_merge(ending)
        await self._aftermath.report(ending)
        self._journal.put_on_record(ending)
        if ending.outcome in models.CALLS_FOR_A_HUMAN:
            await self._voice.notify(models.Need.OUTCOME)
        disposition = await self._aftermath.watch(ending)
        self._journal.enter(State.DONE, naming.CI_OUTCOME.value_set(ending.outcome))
        if disposition is not None:
            measures.disposed(disposition)
            self._journal.put_on_record(ending, disposition)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return decisions.result(self._case.status, ending, disposition)

    # ── orders (imperative) and events (past tense) ─────────────────────────────────────────────────────

    @workflow.signal
    async def approve(self, order: Order) -> None:
        """Publish the patch that `order.question` names."""
        if await self._orders.accept_answer("approve", order):
            self._steering.answer = ("approve", order)

    @workflow.signal
    async def reject(self, order: Order) -> None:
        """Drop the patch that `order.question` names, and end."""
        if await self._orders.accept_answer("reject", order):
            self._steering.answer = ("reject", order)

    @workflow.signal
    async def retry(self, order: Order) -> None:
        """Give up what is being waited for and make the next attempt, within the same three."""
        if await self._orders.accept("retry", order):
            self._steering.retry = order

    @workflow.signal
    async def stop(self, order: Order) -> None:
        """End; close the pull request if there is one."""
        if await self._orders.accept("stop", order):
            self._steering.stop = order

    @workflow.signal
    async def pause(self, order: Order) -> None:
        """Take no further step until `resume`; deadlines go on."""
        if await self._orders.accept("pause", order):
            self._journal.know(paused=True)

    @workflow.signal
    async def resume(self, order: Order) -> None:
        """Go on after `pause`."""
        if await self._orders.accept("resume", order):
            self._journal.know(paused=False)

    @workflow.signal
    async def explain(self, order: Order) -> None:
        """Bring the comment at the failure up to date: what is known, and what is being done."""
        if await self._orders.permits(order):
            await self._voice.answer()

    @workflow.signal
    async def help(self, order: Order) -> None:
        """List the orders in the comment at the failure."""
        if await self._orders.permits(order):
            self._case.commands_asked = True
            await self._voice.answer()

    @workflow.signal
    def checks_completed(self, _event: models.ChecksCompleted) -> None:
        """CI has news. It shortens a wait; a read decides."""
        self._steering.news = True

    @workflow.signal
    def pull_request_closed(self, event: models.PullRequestClosed) -> None:
        """The fix pull request, or one that takes it back, was closed or merged. A read decides."""
        pull_request = self._case.status.pull_request
        if pull_request is not None and event.number == pull_request.number:
            self._steering.news = self._steering.closed = True
        elif self._case.status.state is State.WATCHING_REVERT:
            self._steering.news = True

    @workflow.query
    def status(self) -> Status:
        """Everything known so far."""
        return self._case.status

    # ── steps, in the order they happen ─────────────────────────────────────────────────────────────────

    async def _triage(self) -> Ending | None:
        wanted = self._case.read_run(with_standing=True)
        run = await self._steering.do(
            policies.READ_RUN, wanted, "Look at the run and its repository's settings"
        )
        self._journal.learn_run(run)
        ending = decisions.triage(run, self._case.request.policy)
        return ending or (await self._heed_repository(run.standing) if run.standing else None)

    async def _heed_repository(self, standing: Standing) -> Ending | None:
        """Whether the repository's own settings want this run looked at, and how."""
        self._case.heed(standing)
        self._journal.know(attempts_allowed=self._case.request.limits.attempts)
        if standing.settings.problem:
            said = await self._steering.do(
                policies.REPORT_BROKEN_SETTINGS,
                self._case.broken_settings(),
                "Say that they are broken",
            )
            if said.changed:
                await self._voice.notify(models.Need.SETTINGS)
        literal = not self._case.settings.names_brackets or workflow.patched("literal-brackets")
        return decisions.excluded(standing.settings, self._case.run, literal=literal)

    def _keep_to_budgets(self) -> Ending | None:
        """Whether other remediations have left this one an attempt and a pull request."""
        standing, limits = self._case.standing, self._case.request.limits
        left = decisions.attempts_left(standing, self._case.evidence, limits)
        self._case.leave_attempts(left)
        self._journal.know(attempts_allowed=left)
        return decisions.within_budgets(standing, self._case.request.limits)

    async def _repair(self) -> Ending:
        """Attempts until one is green, another makes no sense, or all are used; each is a group of events."""
        allowed = min(self._case.request.limits.attempts, models.ATTEMPTS_CEILING)
        for number in range(1, allowed + 1):
            with workflow.create_event_group(f"attempt-{number}", label=f"Attempt {number}").scope():
                ending = await self._attempts.make(number)
            if ending is not None:
                return ending
        return Ending(Outcome.EXHAUSTED, Reason.ATTEMPTS_USED)


def _ending_of(failure: ActivityError | ChildWorkflowError) -> Ending:
    """The ending that a step's permanent failure means; raises the failure again where it is a bug."""
    ending = decisions.failure_ending(*kind_of(failure))
    if ending is None:
        raise failure
    return ending
