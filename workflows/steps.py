"""The one way a workflow calls an activity: by name, with the policy that belongs to it."""

from typing import TypeVar, cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError
from temporalio.exceptions import TimeoutError as TimedOut

with workflow.unsafe.imports_passed_through():
    from workflows.models import Payload
    from workflows.policies import Step

P = TypeVar("P", bound=Payload)
R = TypeVar("R")


async def carry_out(step: Step[P, R], payload: P, summary: str) -> R:
    """Run `step` with `payload` and return its typed result.

    Args:
        step: What to run, from `workflows.policies`.
        payload: The activity's one argument.
        summary: What the Temporal Web UI shows beside the activity.

    Raises:
        temporalio.exceptions.ActivityError: The step failed for good.
    """
    return cast(
        "R",
        await workflow.execute_activity(
            step.name,
            payload,
            result_type=step.gives,
            task_queue=step.queue,
            start_to_close_timeout=step.start_to_close,
            schedule_to_close_timeout=step.schedule_to_close,
            heartbeat_timeout=step.heartbeat,
            retry_policy=step.retry,
            summary=summary,
        ),
    )


def kind_of(failure: ActivityError | ChildWorkflowError) -> tuple[str | None, str]:
    """The kind and text of what made a step fail for good; raises the failure again where it has none."""
    cause: BaseException | None = failure
    while isinstance(cause, ActivityError | ChildWorkflowError):
        cause = cause.cause
    if isinstance(cause, TimedOut):
        return "timeout", cause.message
    if isinstance(cause, ApplicationError):
        return cause.type, cause.message
    raise failure
