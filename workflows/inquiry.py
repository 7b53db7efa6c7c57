"""What broke a run, and whether there is something to repair: evidence, diagnosis, one rerun."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows import ci_wait, consultation, decisions, models, naming, narration, policies
    from workflows.decisions import Ending
    from workflows.journal import Journal
    from workflows.models import CiVerdict, Outcome, Reason, State
    from workflows.requests import Case
    from workflows.steering import Steering
    from workflows.steps import kind_of
    from workflows.voice import Voice


class Inquiry:
    """Finds the cause of the failure, and finds it again when a fix is red."""

    def __init__(self, case: Case, journal: Journal, voice: Voice, steering: Steering) -> None:
        self._case = case
        self._journal = journal
        self._voice = voice
        self._steering = steering
        self._rerun_used = False

    async def gather_evidence(self) -> Ending | None:
        """Read why the run failed; an ending where that cannot be read, or another run is looked after."""
        run = self._case.run
        self._journal.enter(
            State.EVIDENCE,
            naming.CI_REPOSITORY.value_set(run.repository),
            naming.CI_BRANCH.value_set(run.head_branch),
            naming.CI_WORKFLOW.value_set(run.workflow_name),
            naming.CI_HEAD_SHA.value_set(run.head_sha),
        )
        wanted = self._case.collect_evidence()
        evidence = await self._steering.do(policies.COLLECT_EVIDENCE, wanted, "Read the failed jobs' logs")
        self._journal.know(evidence=evidence, failed_jobs=tuple(job.name for job in evidence.jobs))
        base = None
        if run.base_failed_run is not None:
            there = {"run_id": run.base_failed_run, "run_attempt": run.base_failed_run_attempt}
            wanted = wanted.model_copy(update=there)
            base = await self._steering.do(
                policies.COLLECT_EVIDENCE, wanted, "Read the base branch's failure"
            )
        ending = decisions.after_evidence(evidence, base)
        return ending and (decisions.left_to(run.twin_run) or ending)

    async def diagnose(self) -> Ending | None:
        """Find the cause: by rules, and where they leave it open by a model. None means: repair, or rerun."""
        self._journal.enter(State.DIAGNOSIS)
        wanted = self._case.diagnose_failure(rerun_used=self._rerun_used)
        diagnosis = await self._steering.do(policies.DIAGNOSE_FAILURE, wanted, "Find the cause")
        self._journal.know(diagnosis=diagnosis)
        # A transient failure is each run's own: the rerun of one says nothing of the other.
        if diagnosis.action is not models.Action.RERUN and self._case.run.twin_run is not None:
            return decisions.left_to(self._case.run.twin_run)
        if self._case.request.policy.ask_model and consultation.wants_model(self._case.run, diagnosis):
            self._journal.know(diagnosis=await self._ask_model(wanted, diagnosis))
        if self._wants_rerun():
            return None
        return decisions.after_diagnosis(self._case.run, self._case.diagnosis, self._case.request.policy)

    async def _ask_model(
        self, wanted: models.DiagnosisRequest, by_rules: models.Diagnosis
    ) -> models.Diagnosis:
        """The model's diagnosis, or the rules' own with the reason why the model has none."""
        opinions: list[models.ModelOpinion] = []
        limits = self._case.request.limits
        while len(opinions) < policies.MODEL_ASKS:
            if consultation.is_spent(self._case.status, limits) and workflow.patched("remediation-usd"):
                break
            try:
                opinion = await self._steering.do(
                    policies.DIAGNOSE_BY_MODEL, wanted, "Ask the model for the cause"
                )
            except ActivityError as failure:
                diagnosis = consultation.without_model(by_rules, *kind_of(failure))
                if diagnosis is None:
                    raise
                return diagnosis
            opinions.append(opinion)
            self._journal.pay(consultation.spending(self._case.status, opinion))
            if not consultation.may_ask_again(opinion):
                break
        if not opinions:
            return consultation.without_money(by_rules, limits)
        return consultation.with_opinion(by_rules, tuple(opinions))

    async def rule_out_flakiness(self) -> Ending | None:
        """Rerun what looks transient, once; what is red again is looked at afresh."""
        if not self._wants_rerun():
            return None
        self._rerun_used = True
        self._journal.enter(State.RERUNNING)
        ending = await self._wait_out_outage(self._case.diagnosis.jobs_alike)
        if ending is not None:
            return ending
        rerun = await self._steering.do(
            policies.RERUN_FAILED_JOBS, self._case.rerun(), "Rerun the failed jobs once"
        )
        if rerun.state is models.RerunState.NOT_PERMITTED:
            detail = "the failure looks transient; to rerun it, Regreen needs the permission actions: write"
            return Ending(Outcome.NEEDS_HUMAN, Reason.PERMISSION_MISSING, detail)
        if await self._await_rerun(rerun.run_attempt) is CiVerdict.GREEN:
            return Ending(Outcome.FLAKY, Reason.RERUN_GREEN)
        return (
            decisions.triage(self._case.run, self._case.request.policy)
            or await self.gather_evidence()
            or await self.diagnose()
        )

    async def _wait_out_outage(self, jobs_alike: int) -> Ending | None:
        """Give an outage that several jobs met time to pass; the branch may move on meanwhile."""
        if not jobs_alike:
            return None
        self._journal.know(detail=narration.outage(jobs_alike, policies.OUTAGE_PAUSE))
        await self._voice.post()
        await self._steering.until(
            lambda: self._steering.retry is not None, policies.OUTAGE_PAUSE, "Wait for the outage to pass"
        )
        self._steering.retry = None
        self._journal.know(detail="")
        run = await self._steering.do(policies.READ_RUN, self._case.read_run(), "Look at the run again")
        self._journal.learn_run(run)
        return decisions.triage(run, self._case.request.policy)

    async def _await_rerun(self, attempt: int) -> CiVerdict:
        since = workflow.now()
        for polls in range(policies.RERUN_POLLS):
            await self._steering.until_poll(lambda: self._steering.news, since, polls, "Wait for the rerun")
            run = await self._steering.do(policies.READ_RUN, self._case.read_run(), "Look at the rerun")
            self._journal.learn_run(run)
            verdict = ci_wait.rerun_verdict(run, attempt)
            if verdict is not CiVerdict.PENDING:
                return verdict
        return CiVerdict.PENDING

    async def look_again(self, reading: models.ChecksReading) -> Ending | None:
        """Fresh evidence and a fresh diagnosis from the fix's own failed run."""
        if reading.failed_run_id is None:
            return None
        self._rerun_used = True
        self._journal.enter(State.EVIDENCE)
        wanted = self._case.collect_evidence().model_copy(update=decisions.failed_fix_run(reading))
        evidence = await self._steering.do(policies.COLLECT_EVIDENCE, wanted, "Read why the fix is red")
        self._journal.know(evidence=evidence)
        ending = decisions.unmoved(self._case.status.attempts, evidence)
        if ending is not None and self._case.attempts_left and workflow.patched("same-failure-twice"):
            return ending
        ending = decisions.after_evidence(evidence, None) or await self.diagnose()
        return ending if self._case.attempts_left else None

    def _wants_rerun(self) -> bool:
        limits, policy = self._case.request.limits, self._case.request.policy
        if not decisions.wants_rerun(self._case.diagnosis, limits, rerun_used=self._rerun_used):
            return False
        return not (
            decisions.only_explained(self._case.run, policy)
            and workflow.patched("rerun-only-what-may-be-repaired")
        )
