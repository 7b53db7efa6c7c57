"""What a remediation knows, kept where an operator finds it: current details, search attributes, memo."""

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from workflows import decisions, naming, narration, policies
    from workflows.decisions import Ending
    from workflows.models import Disposition, RunSnapshot, State
    from workflows.requests import Case


class Journal:
    """Takes in each fact as it becomes known, so that Temporal shows no other status than the workflow's."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._ended_at: datetime | None = None

    def know(self, **facts: Any) -> None:
        """Change the status by `facts`; without any, show what it is."""
        self._case.status = self._case.status.model_copy(update=facts)
        workflow.set_current_details(narration.details(self._case.status, workflow.info().workflow_id))

    def enter(self, state: State, *also: SearchAttributeUpdate[Any]) -> None:
        """Go over to `state`, and make what is known by then searchable."""
        self.know(state=state)
        if also or state not in policies.PASSING_STATES:
            workflow.upsert_search_attributes([naming.CI_STATE.value_set(state), *also])

    def learn_run(self, run: RunSnapshot) -> None:
        """Keep in the memo what the starter must find again: the newest run attempt and the pull request."""
        self.know(run=run)
        found = {naming.MEMO_RUN_ATTEMPT: run.run_attempt, naming.MEMO_PULL_REQUEST: run.pull_request}
        news = {
            key: value for key, value in found.items() if value and workflow.memo_value(key, None) != value
        }
        if news:
            workflow.upsert_memo(news)

    def pay(self, spent: dict[str, object]) -> None:
        """Take in what model calls took; nothing where there were none."""
        if not spent:
            return
        self.know(**spent)
        if self._case.status.cost_usd is not None:
            workflow.upsert_search_attributes([naming.CI_COST_USD.value_set(self._case.status.cost_usd)])

    def put_on_record(self, ending: Ending, disposition: Disposition | None = None) -> None:
        """Keep in the memo what is counted of this remediation."""
        if not workflow.patched("record"):
            return
        if self._ended_at is None:
            self._ended_at = workflow.now()
        record = decisions.record(self._case.status, ending, self._ended_at, disposition)
        workflow.upsert_memo({naming.MEMO_RECORD: record.model_dump(mode="json")})
