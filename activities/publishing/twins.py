"""Failed runs of one workflow that one push made: the same failure, which is looked after once.

A push to the branch of a pull request makes two runs where the workflow is `on: [push, pull_request]`.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from activities.adapters.github import GitHub, WorkflowRun
from workflows import conclusions, naming
from workflows.models import RunSnapshot

_ONE_PUSH: Final = timedelta(minutes=10)
"""GitHub makes the runs of one push within seconds; a later run of the commit is a matter of its own."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run has in common with its twins."""

    repository: str
    run_id: int
    workflow_id: int
    head_sha: str
    created_at: datetime

    @classmethod
    def of(cls, run: RunSnapshot) -> Self:
        """A run's own."""
        return cls(run.repository, run.run_id, run.workflow_id, run.head_sha, run.created_at)

    def shares(self, run: WorkflowRun) -> bool:
        """Whether `run` is another one by the same push, of the same workflow."""
        by_same_push = abs(run.created_at - self.created_at) <= _ONE_PUSH
        return run.id != self.run_id and run.workflow_id == self.workflow_id and by_same_push


async def failed_twins(github: GitHub, origin: Origin) -> tuple[int, ...]:
    """The other runs of the same push and workflow that have failed, by their ids, the first one first."""
    runs = await github.list_runs(origin.repository, head_sha=origin.head_sha)
    return tuple(
        sorted(run.id for run in runs if run.conclusion in conclusions.FAILED and origin.shares(run))
    )


async def find_twin(github: GitHub, origin: Origin) -> int | None:
    """The run that is looked after in place of this one; None where this one is.

    The run that GitHub made first is, unless the fix of another stands already.
    """
    twins = await failed_twins(github, origin)
    tips = await asyncio.gather(
        *(github.get_branch_tip(origin.repository, naming.fix_branch(twin)) for twin in twins)
    )
    published: Iterable[int] = [twin for twin, tip in zip(twins, tips, strict=True) if tip is not None]
    earlier = [twin for twin in twins if twin < origin.run_id]
    return min(published or earlier, default=None)
