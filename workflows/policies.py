"""Every activity a workflow may call, with its queue, time-outs and retries, and the reason for each."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, TypeVar

from temporalio.common import RetryPolicy

from workflows import models, repository_settings, session_models, sweep_models
from workflows.naming import ANALYST_QUEUE, PUBLISHER_QUEUE

P = TypeVar("P", bound=models.Payload)
R = TypeVar("R")

PATIENT: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(minutes=5),
)
"""An outside service that is down comes back: keep asking, never faster than once a second.

A step that asks for ten things meets a service that fails at one in ten more often than not: doubling the
pause would soon keep it waiting for minutes. So it grows by half, to five minutes after a quarter of an hour.

Permanent refusals end at once (the activity marks them non-retryable), and `OUTAGE` bounds the rest.
"""

OUTAGE: Final = timedelta(hours=12)
"""The longest outage a step waits out; after it a human is told. Longer than any GitHub incident on record
of its status page in the last years, shorter than the approval deadline."""

GITHUB_CALL: Final = timedelta(seconds=30)
"""A handful of API requests, each with a client time-out of 10 s. It is also how long a step that was on a
worker that died waits for another, so it is not longer than a slow day at GitHub asks for."""

LOG_DOWNLOAD: Final = timedelta(minutes=15)
"""A few logs of a gigabyte at 5 MB/s. Those that have come by then are on disk for the next try."""

LOG_PROGRESS: Final = timedelta(minutes=2)
"""Heartbeat of what reads logs: between two pieces that come, or while one log of a gigabyte is examined."""

REPAIR_SESSION: Final = timedelta(minutes=15)
"""The session limit of the design: fetch, check out, run the failing commands before and after."""

PROGRESS: Final = timedelta(seconds=30)
"""Heartbeat: a dead worker is noticed within this time, not at the end of the session."""

CI_POLL_CEILING: Final = 4
"""The polling interval grows to this many times its start: a webhook is expected to come first, and every
poll costs eleven events of history."""

PASSING_STATES: Final = frozenset({models.State.DIAGNOSIS, models.State.PUBLISHING, models.State.REPORTING})
"""States that last a second: shown in the details, not indexed, to keep histories short."""

RERUN_POLLS: Final = 60
"""Readings of a rerun before Regreen stops waiting for it: at the grown interval, over four hours."""

MODEL_CALL: Final = timedelta(minutes=5)
"""One reply of at most some thousand tokens, with room for a model that thinks first."""

SESSION_OPENING: Final = timedelta(minutes=10)
"""A fetch of the repository where this worker has none yet, and a look at one commit."""

MODEL_TRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=2),
    maximum_attempts=12,
)
"""A model that cannot be reached is tried for some twelve minutes, and one that asks to wait as long as it
says each time. Counted in tries and not in time, so that an outage of the workers does not end a session."""

MODEL_OUTAGE: Final = timedelta(minutes=30)
"""How long a diagnosis waits for a model that cannot be reached. Short, because the rules' word is there."""

MODEL_ASKS: Final = 2
"""Paid replies per diagnosis: a second one only where the first did not fit what was asked."""

SWEEP: Final = timedelta(minutes=30)
"""Three requests for each of some hundred repositories, most of them answered as unchanged."""

SWEEP_PROGRESS: Final = timedelta(minutes=2)
"""Heartbeat of a sweep: between two repositories."""

NOTICE_OUTAGE: Final = timedelta(hours=1)
"""How long a channel that cannot be reached is tried: the comment at the failure says the same."""

NOTICE_TRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=5),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=5),
    non_retryable_error_types=["TemporalTimeout:StartToClose"],
)
"""Only what was surely not delivered is sent again. A worker that died while it sent may have delivered it:
one message too few is better than two."""

MERGEABILITY: Final = timedelta(minutes=10)
"""How long GitHub is asked to merge a fix by itself: it works out within seconds whether it can, and the
report must not wait for a convenience."""

OUTAGE_PAUSE: Final = timedelta(minutes=10)
"""How long a rerun waits when several jobs fail alike with the sign of an outage: most pass within it, and
rerunning into one wastes the one rerun there is."""


@dataclass(frozen=True)
class Step(Generic[P, R]):
    """An activity as a workflow sees it: a name, a result type, and how long it may take.

    Workflows call activities by name so that importing a workflow loads no I/O library.
    """

    name: str
    takes: type[P]
    gives: type[R]
    queue: str
    start_to_close: timedelta
    heartbeat: timedelta | None = None
    schedule_to_close: timedelta = OUTAGE
    retry: RetryPolicy = field(default_factory=lambda: PATIENT)


READ_RUN: Final = Step(
    "read_run", models.TriageRequest, repository_settings.TriagedRun, PUBLISHER_QUEUE, GITHUB_CALL
)
COLLECT_EVIDENCE: Final = Step(
    "collect_evidence", models.EvidenceRequest, models.Evidence, ANALYST_QUEUE, LOG_DOWNLOAD, LOG_PROGRESS
)
READ_LOG: Final = Step(
    "read_log", models.LogRangeRequest, models.LogRange, ANALYST_QUEUE, LOG_DOWNLOAD, LOG_PROGRESS
)
DIAGNOSE_FAILURE: Final = Step(
    "diagnose_failure", models.DiagnosisRequest, models.Diagnosis, ANALYST_QUEUE, GITHUB_CALL
)
DIAGNOSE_BY_MODEL: Final = Step(
    "diagnose_by_model",
    models.DiagnosisRequest,
    models.ModelOpinion,
    ANALYST_QUEUE,
    MODEL_CALL,
    schedule_to_close=MODEL_OUTAGE,
)
RERUN_FAILED_JOBS: Final = Step(
    "rerun_failed_jobs", models.RerunRequest, models.RerunResult, PUBLISHER_QUEUE, GITHUB_CALL
)
PROPOSE_PATCH: Final = Step(
    "propose_patch", models.PatchRequest, models.Proposal, ANALYST_QUEUE, REPAIR_SESSION, PROGRESS
)
OPEN_SESSION: Final = Step(
    "open_session",
    session_models.SessionRequest,
    session_models.SessionStart,
    ANALYST_QUEUE,
    SESSION_OPENING,
    PROGRESS,
)
TAKE_TURN: Final = Step(
    "take_turn",
    session_models.TurnRequest,
    session_models.Turn,
    ANALYST_QUEUE,
    MODEL_CALL,
    PROGRESS,
    retry=MODEL_TRIES,
)
USE_TOOLS: Final = Step(
    "use_tools",
    session_models.ToolsRequest,
    session_models.ToolsResult,
    ANALYST_QUEUE,
    REPAIR_SESSION,
    PROGRESS,
)
PROVE_SUBMISSION: Final = Step(
    "prove_submission",
    session_models.SubmissionRequest,
    session_models.Submission,
    ANALYST_QUEUE,
    REPAIR_SESSION,
    PROGRESS,
)
JUDGE_PATCH: Final = Step("judge_patch", models.GateRequest, models.GateVerdict, PUBLISHER_QUEUE, GITHUB_CALL)
WRITE_COMMIT: Final = Step(
    "write_commit", models.CommitRequest, models.WrittenCommit, PUBLISHER_QUEUE, GITHUB_CALL
)
ADVANCE_FIX_BRANCH: Final = Step(
    "advance_fix_branch", models.BranchRequest, models.BranchResult, PUBLISHER_QUEUE, GITHUB_CALL
)
OPEN_PULL_REQUEST: Final = Step(
    "open_pull_request", models.PullRequestRequest, models.PullRequest, PUBLISHER_QUEUE, GITHUB_CALL
)
LABEL_PULL_REQUEST: Final = Step(
    "label_pull_request", models.LabelRequest, type(None), PUBLISHER_QUEUE, GITHUB_CALL
)
CLOSE_PULL_REQUEST: Final = Step(
    "close_pull_request", models.CloseRequest, models.PullRequest, PUBLISHER_QUEUE, GITHUB_CALL
)
READ_PULL_REQUEST: Final = Step(
    "read_pull_request", models.PullRequestRef, models.PullRequest, PUBLISHER_QUEUE, GITHUB_CALL
)
FIND_REVERT: Final = Step("find_revert", models.RevertRequest, bool, PUBLISHER_QUEUE, GITHUB_CALL)
READ_CHECKS: Final = Step(
    "read_checks", models.ChecksRequest, models.ChecksReading, PUBLISHER_QUEUE, GITHUB_CALL
)
POST_REPORT: Final = Step("post_report", models.Report, models.PostedReport, PUBLISHER_QUEUE, GITHUB_CALL)
REPORT_BROKEN_SETTINGS: Final = Step(
    "report_broken_settings",
    repository_settings.SettingsProblem,
    models.PostedReport,
    PUBLISHER_QUEUE,
    GITHUB_CALL,
)
REQUEST_AUTO_MERGE: Final = Step(
    "request_auto_merge",
    models.AutoMergeRequest,
    models.AutoMergeResult,
    PUBLISHER_QUEUE,
    GITHUB_CALL,
    schedule_to_close=MERGEABILITY,
)
REQUEST_REVIEW: Final = Step("request_review", models.ReviewRequest, type(None), PUBLISHER_QUEUE, GITHUB_CALL)
AUTHORISE_ORDER: Final = Step(
    "authorise_order", models.AuthorisationRequest, bool, PUBLISHER_QUEUE, GITHUB_CALL
)

FIND_FAILED_RUNS: Final = Step(
    "find_failed_runs",
    sweep_models.FailedRunsRequest,
    sweep_models.FailedRuns,
    PUBLISHER_QUEUE,
    SWEEP,
    SWEEP_PROGRESS,
)
NOTIFY_HUMAN: Final = Step(
    "notify_human",
    models.Notice,
    models.NoticeResult,
    PUBLISHER_QUEUE,
    GITHUB_CALL,
    schedule_to_close=NOTICE_OUTAGE,
    retry=NOTICE_TRIES,
)

STEPS: Final = (
    READ_RUN,
    COLLECT_EVIDENCE,
    READ_LOG,
    DIAGNOSE_FAILURE,
    DIAGNOSE_BY_MODEL,
    RERUN_FAILED_JOBS,
    PROPOSE_PATCH,
    OPEN_SESSION,
    TAKE_TURN,
    USE_TOOLS,
    PROVE_SUBMISSION,
    JUDGE_PATCH,
    WRITE_COMMIT,
    ADVANCE_FIX_BRANCH,
    OPEN_PULL_REQUEST,
    LABEL_PULL_REQUEST,
    CLOSE_PULL_REQUEST,
    READ_PULL_REQUEST,
    FIND_REVERT,
    READ_CHECKS,
    POST_REPORT,
    REPORT_BROKEN_SETTINGS,
    REQUEST_AUTO_MERGE,
    REQUEST_REVIEW,
    AUTHORISE_ORDER,
    NOTIFY_HUMAN,
    FIND_FAILED_RUNS,
)
"""All of them; a test holds this list against the activities the worker registers."""
