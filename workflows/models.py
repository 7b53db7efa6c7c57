"""Payloads that cross the Temporal boundary. Frozen; later fields have defaults; unknown ones are ignored."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

EXAMPLE_CHARACTERS: Final = 10_000
"""Of an earlier fix that a model is shown."""
ATTEMPTS_CEILING: Final = 3
"""No configuration raises it."""


def _cut_to(characters: int) -> BeforeValidator:
    def cut(value: Any) -> Any:
        if isinstance(value, str) and len(value) > characters:
            return value[: characters - 1] + "…"
        return value

    return BeforeValidator(cut)


def _clamp_attempts(value: Any) -> Any:
    return min(max(value, 1), ATTEMPTS_CEILING) if isinstance(value, int) else value


Name = Annotated[str, _cut_to(255)]
"""A job, step, branch or workflow name, at most 255 characters; longer ones are cut, visibly."""
Sentence = Annotated[str, _cut_to(500)]
"""One sentence for a person, at most 500 characters."""
Command = Annotated[str, _cut_to(4_000)]
"""A step's shell text, at most 4,000 characters."""
ExcerptText = Annotated[str, _cut_to(32_768)]
DiffText = Annotated[str, Field(max_length=1_000_000)]
"""A unified diff with a/ and b/ prefixes. Never cut (half a diff is another diff): too long is an error."""
Repository = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", max_length=200)]
"""`owner/name`."""
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class Payload(BaseModel):
    """Base of everything that crosses the Temporal boundary."""

    model_config = ConfigDict(frozen=True, extra="ignore")


# ── what may be configured ──────────────────────────────────────────────────────────────────────────────────


class Limits(Payload):
    """Bounds of one remediation. Fixed when it starts."""

    attempts: Annotated[int, BeforeValidator(_clamp_attempts)] = ATTEMPTS_CEILING
    """Fix attempts, 1 to 3; anything above is read as 3."""
    reruns: int = Field(default=1, ge=0, le=1)
    """Reruns of a failure that looks transient."""
    excerpt_bytes: int = Field(default=32_768, ge=1_024, le=32_768)
    patch_bytes: int = Field(default=200_000, ge=1)
    patch_files: int = Field(default=20, ge=1)
    pull_requests_per_day: int = Field(default=20, ge=0)
    """Fix pull requests opened in one repository within 24 hours."""
    ci_deadline: timedelta = timedelta(hours=2)
    ci_appearance: timedelta = timedelta(minutes=10)
    """How long a fix may wait for its first check to appear before it counts as unverified."""
    ci_poll: timedelta = timedelta(minutes=5)
    approval_deadline: timedelta = timedelta(days=7)
    merge_watch: timedelta = timedelta(days=14)
    revert_watch: timedelta = timedelta(days=7)
    """How long a merged fix is watched for its revert; 0 for not at all."""
    session_calls: int = Field(default=25, ge=0)
    """Model calls of one attempt's repair session; 0 means that no model repairs."""
    session_time: timedelta = timedelta(minutes=15)
    """What replies and tools of one session may take together; waiting is not counted."""
    session_usd: float = Field(default=2.0, ge=0)
    """US dollars of one session. A model without a known price is bounded by calls and time alone."""
    remediation_usd: float = Field(default=5.0, ge=0)
    """US dollars of all model calls of a remediation, diagnoses and sessions; looked at before each call."""


class TriagePolicy(Payload):
    """What an operator excludes. Fixed when a remediation starts."""

    skip_marker: str = Field(default="[skip-ci-remediation]", min_length=1)
    disabled_repositories: tuple[str, ...] = ()
    disabled_workflows: tuple[str, ...] = ()
    """Workflow names or file paths."""
    protected_paths: tuple[str, ...] = ()
    """Further glob patterns whose change needs a human, beside the built-in ones."""
    repair_bot_branches: bool = False
    diagnose_forks: bool = False
    recipes: tuple[str, ...] = ("*",)
    """Glob patterns of the recipes that may be used; set by the repository's own settings alone."""
    ask_model: bool = True
    """Whether a model may be asked, for a cause or a patch."""
    allow_auto_merge: bool = False
    """Whether GitHub may be asked to merge a green fix by itself, in repositories whose settings want it."""


class RemediationRequest(Payload):
    """Argument of `CiRemediation`: which run failed, and the bounds set for its repair."""

    repository: Repository
    run_id: int = Field(gt=0)
    run_attempt: int = Field(default=1, gt=0)
    limits: Limits = Limits()
    policy: TriagePolicy = TriagePolicy()


class FailedRun(Payload):
    """A failed run that a remediation is started for."""

    repository: Repository
    run_id: int
    run_attempt: int
    branch: Name
    """Empty where GitHub names none."""
    head_sha: Sha
    workflow_name: Name
    """Empty where GitHub names none."""


# ── verdicts ────────────────────────────────────────────────────────────────────────────────────────────────


class Outcome(StrEnum):
    """How a remediation ended."""

    FIXED = "fixed"
    """The same workflow is green on the fix's head commit."""
    FLAKY = "flaky"
    """A rerun of the unchanged commit was green; nothing was changed."""
    IGNORED = "ignored"
    """Not looked at, on purpose; the reason says which rule."""
    DIAGNOSED = "diagnosed"
    """Explained, not repaired: forks, other bots' branches, the merge queue, old tags."""
    NEEDS_HUMAN = "needs_human"
    """Regreen cannot or may not repair this; the report says what it found."""
    EXHAUSTED = "exhausted"
    """Every attempt was used and CI is still red; the pull request stays for a human."""
    STOPPED = "stopped"
    """A human said stop, or rejected the patch, or closed the pull request."""
    SUPERSEDED = "superseded"
    """The branch moved on, or a human took the fix branch over."""
    UNVERIFIED = "unverified"
    """A fix was published and CI never gave a verdict on it."""


CALLS_FOR_A_HUMAN: Final = frozenset({Outcome.NEEDS_HUMAN, Outcome.EXHAUSTED, Outcome.UNVERIFIED})
"""Outcomes that leave the failure to a human."""


class Reason(StrEnum):
    """Why a remediation took the turn it took. `REASON_SENTENCES` says each for a person."""

    GREEN = "green"
    RERUN_GREEN = "rerun_green"
    RUN_NOT_FAILED = "run_not_failed"
    SKIP_MARKER = "skip_marker"
    REPOSITORY_DISABLED = "repository_disabled"
    WORKFLOW_DISABLED = "workflow_disabled"
    SETTINGS_DISABLED = "settings_disabled"
    SETTINGS_EXCLUDE = "settings_exclude"
    SETTINGS_INVALID = "settings_invalid"
    ATTEMPTS_SPENT = "attempts_spent"
    DAY_SPENT = "day_spent"
    FORK = "fork"
    BOT_BRANCH = "bot_branch"
    OWN_FIX_BRANCH = "own_fix_branch"
    FIX_BRANCH_EXISTS = "fix_branch_exists"
    BRANCH_MOVED = "branch_moved"
    BRANCH_DELETED = "branch_deleted"
    PULL_REQUEST_DONE = "pull_request_done"
    BASE_RED = "base_red"
    FIX_REVERTED = "fix_reverted"
    TWIN_RUN = "twin_run"
    MERGE_QUEUE = "merge_queue"
    TAG = "tag"
    REPOSITORY_GONE = "repository_gone"
    RUN_GONE = "run_gone"
    NO_FAILED_JOB = "no_failed_job"
    LOGS_GONE = "logs_gone"
    NOT_REPAIRABLE = "not_repairable"
    NO_REPAIR_FOUND = "no_repair_found"
    REPEATED_PATCH = "repeated_patch"
    SAME_FAILURE = "same_failure"
    PATCH_REFUSED = "patch_refused"
    PATCH_CONFLICT = "patch_conflict"
    APPROVAL_EXPIRED = "approval_expired"
    REJECTED = "rejected"
    STOP_ORDERED = "stop_ordered"
    PULL_REQUEST_CLOSED = "pull_request_closed"
    HUMAN_COMMIT = "human_commit"
    ATTEMPTS_USED = "attempts_used"
    MERGED_EARLY = "merged_early"
    CI_NEVER_STARTED = "ci_never_started"
    CI_DEADLINE = "ci_deadline"
    CI_CANCELLED = "ci_cancelled"
    CI_TIMED_OUT = "ci_timed_out"
    CI_ACTION_REQUIRED = "ci_action_required"
    CI_SKIPPED = "ci_skipped"
    REQUIRED_CHECK_RED = "required_check_red"
    PERMISSION_MISSING = "permission_missing"
    BRANCH_REFUSED = "branch_refused"
    CREDENTIAL_REFUSED = "credential_refused"
    REPOSITORY_ARCHIVED = "repository_archived"
    INSTALLATION_SUSPENDED = "installation_suspended"
    GITHUB_REFUSED = "github_refused"
    ACTIVITY_FAILED = "activity_failed"


REASON_SENTENCES: Final[dict[Reason, str]] = {
    Reason.GREEN: "The failing workflow is green on the fix's head commit.",
    Reason.RERUN_GREEN: "The failure looked transient, and a rerun of the same commit was green.",
    Reason.RUN_NOT_FAILED: "The run is not a failed one any more; it may have been rerun.",
    Reason.SKIP_MARKER: "The commit message asks Regreen to stay away.",
    Reason.REPOSITORY_DISABLED: "The repository is excluded by the operator's settings.",
    Reason.WORKFLOW_DISABLED: "The workflow is excluded by the operator's settings.",
    Reason.SETTINGS_DISABLED: "The repository's own settings switch Regreen off.",
    Reason.SETTINGS_EXCLUDE: "The repository's own settings leave this workflow or branch alone.",
    Reason.SETTINGS_INVALID: (
        "The repository's own settings cannot be read; Regreen does nothing there until they are repaired."
    ),
    Reason.ATTEMPTS_SPENT: "Earlier remediations have used every attempt at this failure of this branch.",
    Reason.DAY_SPENT: "The repository's fix pull requests of one day are used up.",
    Reason.FORK: "The run's head is in a fork; Regreen never writes there.",
    Reason.BOT_BRANCH: "The branch belongs to another bot; pushing to it would freeze that bot.",
    Reason.OWN_FIX_BRANCH: "The run belongs to a fix branch of Regreen; its own remediation handles it.",
    Reason.FIX_BRANCH_EXISTS: (
        "An earlier remediation of this run left its fix branch; merge or delete the branch to allow another."
    ),
    Reason.BRANCH_MOVED: "The branch has newer commits than the failed run.",
    Reason.BRANCH_DELETED: "The branch of the failed run was deleted.",
    Reason.PULL_REQUEST_DONE: "The pull request of the failed run is already merged or closed.",
    Reason.BASE_RED: "The base branch fails in the same way; this change did not cause it.",
    Reason.FIX_REVERTED: "The commit takes back a fix of Regreen; it is not offered again.",
    Reason.TWIN_RUN: "Another failed run of the same workflow and commit is looked after in its place.",
    Reason.MERGE_QUEUE: "The run tested an entry of the merge queue; its branch is not Regreen's to repair.",
    Reason.TAG: "The run belongs to a tag that the default branch has left behind; tags are not moved.",
    Reason.REPOSITORY_GONE: "The repository or the run cannot be read: deleted, renamed, or out of reach.",
    Reason.RUN_GONE: "The run cannot be read any more: it was deleted.",
    Reason.NO_FAILED_JOB: "The run failed before any job ran; often the workflow file does not parse.",
    Reason.LOGS_GONE: "The logs of the failed jobs are gone or empty, so there is nothing to diagnose from.",
    Reason.NOT_REPAIRABLE: "The diagnosis says this failure is not Regreen's to repair.",
    Reason.NO_REPAIR_FOUND: "No repair was found for this failure.",
    Reason.REPEATED_PATCH: "The next attempt would repeat a patch that CI already turned down.",
    Reason.SAME_FAILURE: "Two attempts left the failure exactly as it was; a third would be a guess.",
    Reason.PATCH_REFUSED: "The gate refused the patch.",
    Reason.PATCH_CONFLICT: "The patch no longer applies to the branch.",
    Reason.APPROVAL_EXPIRED: "Nobody approved the patch in time.",
    Reason.REJECTED: "A human rejected the patch.",
    Reason.STOP_ORDERED: "A human ordered Regreen to stop.",
    Reason.PULL_REQUEST_CLOSED: "A human closed the fix pull request.",
    Reason.HUMAN_COMMIT: "A human pushed to the fix branch or deleted it; Regreen steps back.",
    Reason.ATTEMPTS_USED: "Every attempt was used and CI is still red.",
    Reason.MERGED_EARLY: "A human merged the fix before CI had given its verdict.",
    Reason.CI_NEVER_STARTED: (
        "No check ever started on the fix; look at the branch filters under `on:` in the workflow file."
    ),
    Reason.CI_DEADLINE: "CI gave no verdict on the fix before the deadline.",
    Reason.CI_CANCELLED: "CI on the fix was cancelled.",
    Reason.CI_TIMED_OUT: "CI on the fix ran into its own time limit.",
    Reason.CI_ACTION_REQUIRED: "CI on the fix waits for a human's permission to run.",
    Reason.CI_SKIPPED: "CI on the fix skipped what had failed, so it proves nothing.",
    Reason.REQUIRED_CHECK_RED: (
        "The failing workflow is green on the fix, but a check that the base branch requires is not."
    ),
    Reason.PERMISSION_MISSING: "Regreen's GitHub credential lacks a permission it needs.",
    Reason.BRANCH_REFUSED: (
        "A rule of the repository refuses Regreen's fix branch; exclude `regreen/**` or let the App bypass."
    ),
    Reason.CREDENTIAL_REFUSED: "GitHub turns Regreen's credential down: revoked, expired or wrong.",
    Reason.REPOSITORY_ARCHIVED: "The repository is archived, so nothing can be written to it.",
    Reason.INSTALLATION_SUSPENDED: "The App's installation is suspended.",
    Reason.GITHUB_REFUSED: "GitHub refused a request for good.",
    Reason.ACTIVITY_FAILED: "A step failed for good; its error is in the workflow's history.",
}


class State(StrEnum):
    """Where a remediation stands now (search attribute `CiState`)."""

    TRIAGE = "triage"
    EVIDENCE = "evidence"
    RERUNNING = "rerunning"
    DIAGNOSIS = "diagnosis"
    PATCHING = "patching"
    AWAITING_APPROVAL = "awaiting_approval"
    PUBLISHING = "publishing"
    AWAITING_CI = "awaiting_ci"
    REPORTING = "reporting"
    WATCHING_MERGE = "watching_merge"
    WATCHING_REVERT = "watching_revert"
    DONE = "done"


class FailureClass(StrEnum):
    """What kind of failure it is."""

    LINT = "lint"
    FORMAT = "format"
    TYPE_CHECK = "type_check"
    COMPILE = "compile"
    UNIT_TEST = "unit_test"
    DEPENDENCY = "dependency"
    CONFIGURATION = "configuration"
    PERMISSION = "permission"
    DOCKER_BUILD = "docker_build"
    INFRASTRUCTURE = "infrastructure"
    TIMEOUT = "timeout"
    RESOURCE = "resource"
    FLAKY = "flaky"
    UNKNOWN = "unknown"


class Blame(StrEnum):
    """Whose failure it is."""

    THIS_CHANGE = "this_change"
    BASE_BRANCH = "base_branch"
    ENVIRONMENT = "environment"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What the diagnosis asks for."""

    REPAIR = "repair"
    """Try to patch it."""
    RERUN = "rerun"
    """Transient: rerun the failed jobs once; red again → repair is tried."""
    EXPLAIN = "explain"
    """Report what was found; nothing is changed."""


class Strategy(StrEnum):
    """Where a patch came from, cheapest first."""

    RECALL = "recall"
    RECIPE = "recipe"
    MODEL = "model"


# ── facts read from GitHub ──────────────────────────────────────────────────────────────────────────────────


class RunSnapshot(Payload):
    """What GitHub says about a failed run and the branch it ran on, read at one moment."""

    repository: Repository
    run_id: int
    run_attempt: int
    status: Name
    """`completed`, or a state before it."""
    conclusion: Name | None
    """`failure`, `timed_out`, `startup_failure`, `success`, … or None while it runs."""
    workflow_id: int
    workflow_name: Name
    workflow_path: Name
    """`.github/workflows/ci.yml`."""
    event: Name
    head_branch: Name
    head_sha: Sha
    html_url: str = Field(max_length=2_000)
    created_at: datetime
    default_branch: Name
    head_is_fork: bool = False
    head_is_bot: bool = False
    """Another bot's branch: the head commit's author, or the branch's prefix, is a bot that is not us."""
    skip_marker: bool = False
    branch_tip: Sha | None = None
    """The branch's commit now; None when the branch is gone."""
    pull_request: int | None = None
    """The pull request whose head branch this is, open or not; None when there is none."""
    pull_request_open: bool = False
    base_branch: Name | None = None
    """The pull request's base branch, where there is one."""
    base_failed_run: int | None = None
    """The newest completed run of the same workflow on the base branch, when that one failed."""
    base_failed_run_attempt: int = 1
    fix_branch_exists: bool = False
    author: Name = ""
    """Login of the person who triggered the run; empty for a bot or when unknown."""
    tag: bool = False
    """`head_branch` names a tag; `branch_tip` is then the default branch's, for which a fix would be."""
    merge_queue: bool = False
    """The run tested an entry of the merge queue, whose branch GitHub makes and removes."""
    fix_branch_taken: bool = False
    """The branch is named like one of our fix branches, but its head commit is not by us."""
    reverts_fix: bool = False
    """The head commit takes back a fix of ours."""
    twin_run: int | None = None
    """Another failed run of the same push and workflow that is looked after in place of this one."""

    @property
    def target_branch(self) -> str:
        """The branch that a fix is for."""
        return self.default_branch if self.tag else self.head_branch


class TriageRequest(Payload):
    """Argument of `read_run`."""

    repository: Repository
    run_id: int
    run_attempt: int
    skip_marker: str
    with_standing: bool = False
    """Whether the repository's own settings and what was spent on it are wanted too."""


class LogState(StrEnum):
    """What became of a job's log."""

    PRESENT = "present"
    EMPTY = "empty"
    GONE = "gone"
    """410 or 404: expired or deleted."""
    UNUSABLE = "unusable"
    """What came in its place is no log, or comes from an address that is not to be trusted."""


class Excerpt(Payload):
    """The part of a log that explains the failure, redacted."""

    text: ExcerptText
    """Lines in original order, gaps written as `… N lines omitted …`."""
    total_lines: int = 0
    omitted_lines: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    """1-based, inclusive line ranges of the raw log that `text` shows."""


class Annotation(Payload):
    """A remark that GitHub keeps beside a job's log, redacted."""

    message: Sentence
    failure: bool = True
    """False for a warning."""
    path: Name | None = None
    """The file it is about; None where it is about the job."""
    line: int | None = None


class FailedJob(Payload):
    """One failed job of a run attempt."""

    job_id: int
    name: Name
    """As GitHub shows it, matrix values included."""
    key: Name | None = None
    """The job's key in the workflow file; None when the file does not tell."""
    step: Name | None = None
    """The failing step's name; None when no step failed (start-up failure, runner lost)."""
    command: Command | None = None
    """The failing step's `run` text, as the workflow file gives it."""
    working_directory: Name | None = None
    exit_code: int | None = None
    log_state: LogState = LogState.PRESENT
    excerpt: Excerpt = Excerpt(text="")
    """Of the log; annotations that the log lacks stand at its end."""
    fingerprint: Name = ""
    defined_in: Name | None = None
    """The workflow file that defines the job, where it is not the run's own."""
    annotations: tuple[Annotation, ...] = ()
    """At most 20, failures first."""
    note: Sentence = ""
    """What of this job could not be read, and why."""


class EvidenceRequest(Payload):
    """Argument of `collect_evidence`."""

    repository: Repository
    run_id: int
    run_attempt: int
    head_sha: Sha
    workflow_path: Name
    excerpt_bytes: int = 32_768
    green_branches: tuple[Name, ...] = ()
    """Where a green run of the same workflow may be found to compare with, the best first."""


class Evidence(Payload):
    """Why a run failed, as far as its logs tell."""

    run_id: int
    run_attempt: int
    jobs: tuple[FailedJob, ...] = ()
    """At most 20, in the run's order; `failed_jobs` counts them all."""
    failed_jobs: int = 0
    fingerprint: Name = ""
    """Names the failure across runs: the same failure elsewhere has the same one."""
    workflow_error: Sentence | None = None
    """Why the workflow file could not be read or parsed, when it could not."""


class LogRangeRequest(Payload):
    """Argument of `read_log`: which lines of a job's log, by number, by pattern, or by both."""

    repository: Repository
    job_id: int = Field(gt=0)
    first_line: int = Field(default=1, ge=1)
    last_line: int | None = Field(default=None, ge=1)
    """None means to the end."""
    pattern: str = Field(default="", max_length=200)
    """A regular expression in RE2's syntax, for one line and in any case; empty for every line."""
    context_lines: int = Field(default=3, ge=0, le=50)
    """Lines shown before and after each one that matches."""
    max_bytes: int = Field(default=8_192, ge=256, le=32_768)
    """The most UTF-8 bytes of the answer's text."""


class LogRange(Payload):
    """Result of `read_log`: lines of a log, redacted, or the sentence that says why there are none."""

    text: ExcerptText = ""
    """Each line behind its number, gaps written as `… N lines omitted …`."""
    total_lines: int = 0
    """Of the whole log."""
    matches: int = 0
    """How many of the lines asked for match the pattern, at most 10,000; 0 without one."""
    ranges: tuple[tuple[int, int], ...] = ()
    """1-based, inclusive line ranges that `text` shows."""
    log_state: LogState = LogState.PRESENT
    problem: Sentence = ""


class DiagnosisRequest(Payload):
    """Argument of `diagnose_failure`."""

    repository: Repository
    workflow_path: Name
    evidence: Evidence
    rerun_used: bool = False
    """True once a rerun of the same commit stayed red: a transient cause is ruled out."""


class Location(Payload):
    """A place in the repository that the log names."""

    path: Name
    line: int | None = None
    """1-based; None where the log names the file only."""


class Diagnosis(Payload):
    """What broke, on which evidence, and what to do about it."""

    failure_class: FailureClass
    root_cause: Sentence
    blame: Blame = Blame.UNKNOWN
    action: Action = Action.EXPLAIN
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    rule: Name | None = None
    """The rule that decided; None when no rule matched."""
    evidence_lines: tuple[Sentence, ...] = ()
    files: tuple[Name, ...] = ()
    missing_permission: Name | None = None
    """The `permissions:` entry the log asks for, as `packages: write`; None for other classes."""
    locations: tuple[Location, ...] = ()
    """Where in the repository, as far as the log tells; the first is the one the cause names."""
    jobs_alike: int = 0
    """How many failed jobs show the same sign of an outage; 0 unless there are several, and no others."""
    wants_model: bool = False
    """The rules leave it open, and the analyst has a model to ask."""
    note: Sentence = ""
    """Who decided, where it was not a rule that knows: the model, or the rules for want of one, and why."""
    model: Name | None = None
    """The model that was asked, whatever became of its answer; None where none was."""
    input_tokens: int = 0
    """Read by the model, cached ones included, over all calls for this diagnosis."""
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those that came from the cache."""
    cost_usd: float | None = None
    """None where no model was asked, or its price is not known."""


class ModelUse(Payload):
    """What one model call took."""

    model: Name
    input_tokens: int = 0
    """All that was read, cached or not."""
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those that came from the cache."""
    cost_usd: float | None = None
    """None where the model's price is not known."""


class Spending(Payload):
    """What a repair session's model calls took together."""

    model: Name | None = None
    calls: int = 0
    input_tokens: int = 0
    """All that was read, cached or not."""
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those that came from the cache."""
    cost_usd: float | None = 0.0
    """None where the model's price is not known."""
    seconds: float = 0.0
    """What replies and tools took; waiting for a worker, or for another try, does not count."""


class ModelProblem(StrEnum):
    """Why a paid reply is no answer."""

    REFUSED = "refused"
    """The model declines; asking again would be declined again."""
    TOO_LONG = "too_long"
    """The reply was cut at its limit; it would be cut again."""
    UNFIT = "unfit"
    """Not what was asked for; another try may be."""


class ModelOpinion(Payload):
    """Result of `diagnose_by_model`: a diagnosis, or why the reply is none."""

    use: ModelUse
    diagnosis: Diagnosis | None = None
    problem: ModelProblem | None = None
    detail: Sentence = ""
    """What was wrong with the reply."""


# ── patches ─────────────────────────────────────────────────────────────────────────────────────────────────


class ProofState(StrEnum):
    """Whether the failing command was seen to pass after the patch."""

    PROVED = "proved"
    """It failed before the patch and passes after it, in the sandbox."""
    IMPROVED = "improved"
    """This failure is gone, but the command still fails on something the patch does not touch."""
    NOT_PROVED_HERE = "not_proved_here"
    """It could not be run here (tool, network or permission missing); CI decides."""


class Proof(Payload):
    """What re-running the failing command showed."""

    state: ProofState
    command: Command | None = None
    exit_before: int | None = None
    exit_after: int | None = None
    detail: Sentence = ""


class Approval(Payload):
    """A human's leave to publish one patch, and no other."""

    by: Name
    at: datetime
    patch_id: Name
    """What was approved: it names the base commit and the diff, and by them the tree."""
    comment_id: int | None = None
    """The comment that said so; None where the order came through Temporal."""
    tree: Sha | None = None
    """The git tree that the approved patch made; None until it is written."""


class AttemptRecord(Payload):
    """What an attempt did and how CI answered."""

    number: int
    strategy: Strategy | None = None
    recipe: Name | None = None
    patch_id: Name | None = None
    fingerprint: Name = ""
    failure_class: FailureClass = FailureClass.UNKNOWN
    commit_sha: Sha | None = None
    ci: Name | None = None
    """The CI verdict on the commit; None when it was never published."""
    summary: Sentence = ""
    """What was changed, as whoever proposed it says."""
    files: tuple[Name, ...] = ()
    tree: Sha | None = None
    """The repository's files after the patch, as git names them; None where that was not computed."""
    approval: Approval | None = None
    """Who allowed its patch to be published; None where nobody had to."""


class PatchRequest(Payload):
    """Argument of `PatchAttempt`."""

    repository: Repository
    run_id: int
    base_sha: Sha
    """The commit to patch: the failed head on attempt 1, the fix branch's tip after it."""
    attempt: int
    workflow_path: Name
    evidence: Evidence
    diagnosis: Diagnosis
    earlier: tuple[AttemptRecord, ...] = ()
    limits: Limits = Limits()
    policy: TriagePolicy = TriagePolicy()
    hint: Sentence | None = None
    """A human's words from `retry`; data, never an order."""
    model_allowed: bool = False
    """Whether a model may be asked for a repair; whether there is one, the analyst knows."""


class Proposal(Payload):
    """A patch, or why there is none."""

    diff: DiffText = ""
    """Unified diff against `base_sha`; empty when nothing was found."""
    base_sha: Sha
    patch_id: Name = ""
    strategy: Strategy | None = None
    recipe: Name | None = None
    summary: Sentence = ""
    """What was changed, or why nothing was."""
    files: tuple[Name, ...] = ()
    additions: int = 0
    deletions: int = 0
    proof: Proof = Proof(state=ProofState.NOT_PROVED_HERE)
    tool_seconds: float = 0.0
    """Seconds spent in git and in the repository's own tools."""
    example: str = Field(default="", max_length=EXAMPLE_CHARACTERS)
    """The diff of a merged fix of the same failure, where it could not be made again."""
    tree: Sha | None = None
    """The repository's files after the patch, as git names them; None where that was not computed."""


class GateDecision(StrEnum):
    """What the gate says of a patch."""

    ALLOWED = "allowed"
    NEEDS_APPROVAL = "needs_approval"
    """Published only after a human approves exactly this patch."""
    REFUSED = "refused"
    """Never published; the reasons go back to whoever proposed it."""


class GateRequest(Payload):
    """Argument of `judge_patch`."""

    repository: Repository
    proposal: Proposal
    diagnosis: Diagnosis
    limits: Limits = Limits()
    policy: TriagePolicy = TriagePolicy()


class GateVerdict(Payload):
    """The gate's decision with its reasons."""

    decision: GateDecision
    reasons: tuple[Sentence, ...] = ()
    conflict: bool = False
    """The patch does not apply to its base: the base is not what the proposer saw."""


class AttemptResult(Payload):
    """Result of `PatchAttempt`."""

    proposal: Proposal
    verdict: GateVerdict | None = None
    """None when there is no patch to judge."""
    spending: Spending = Spending()
    """What a model took, where one was asked."""


# ── publication ─────────────────────────────────────────────────────────────────────────────────────────────


class CommitRequest(Payload):
    """Argument of `write_commit`."""

    repository: Repository
    run_id: int
    attempt: int
    proposal: Proposal
    failure_class: FailureClass
    fingerprint: Name
    diagnosis: Diagnosis | None = None
    """What the gate judges the patch by once more."""
    limits: Limits = Limits()
    policy: TriagePolicy = TriagePolicy()
    approval: Approval | None = None


class WrittenCommit(Payload):
    """A commit object on GitHub, not yet on any branch."""

    sha: Sha
    tree: Sha


class BranchRequest(Payload):
    """Argument of `advance_fix_branch`."""

    repository: Repository
    run_id: int
    expected_tip: Sha | None
    """Where the fix branch must stand now; None when it must not exist yet."""
    pull_request: int | None = None
    """The fix pull request, where there is one: nothing is added to one that is not open."""
    commit: Sha
    failing_branch: Name
    failing_sha: Sha
    """The failing branch must still stand here, else nothing is written."""
    workflow_id: int = 0
    run_created_at: datetime | None = None
    """When GitHub made the failed run, by which others of the push are known; None: none is looked for."""


class BranchState(StrEnum):
    """What became of the fix branch."""

    ADVANCED = "advanced"
    """It stands at the commit, by this call or an earlier one."""
    TAKEN = "taken"
    """Somebody else's commit is there; nothing was written."""
    BASE_MOVED = "base_moved"
    """The failing branch has moved on; nothing was written."""
    CLOSED = "closed"
    """The fix pull request was closed; nothing was written."""
    MERGED = "merged"
    """The fix pull request was merged; nothing was written."""
    TWIN = "twin"
    """Another failed run of the same push and workflow is looked after instead; nothing was written."""


class BranchResult(Payload):
    """Result of `advance_fix_branch`."""

    state: BranchState
    tip: Sha | None = None
    twin_run: int | None = None
    """The run that is looked after instead; None in every state but `twin`."""


class PullRequestRequest(Payload):
    """Argument of `open_pull_request`."""

    repository: Repository
    run_id: int
    run_url: str
    base_branch: Name
    workflow_name: Name
    attempt: int
    diagnosis: Diagnosis
    proposal: Proposal
    verdict: GateVerdict
    approved_by: Name | None = None
    head_sha: Sha | None = None
    """The fix's head commit, whose workflow file tells whether CI will start; None when that is not asked."""
    workflow_path: Name = ""
    workflow_id: int = 0
    other_bases: tuple[Name, ...] = ()
    """Branches to open it against where CI would not start against `base_branch`, the best one first."""
    fingerprint: Name = ""
    """Of the failure that the first attempt was made for."""
    draft: bool = True


class PullRequest(Payload):
    """The fix pull request."""

    number: int
    url: str = Field(max_length=2_000)
    state: Name = "open"
    merged: bool = False
    base_branch: Name = ""
    ci_obstacle: Sentence = ""
    """Why CI will not start on it, and what to change; empty where it will, or nothing is known."""


class LabelRequest(Payload):
    """Argument of `label_pull_request`."""

    repository: Repository
    number: int
    labels: tuple[Name, ...] = ()
    """Beside Regreen's own."""


class CloseRequest(Payload):
    """Argument of `close_pull_request`."""

    repository: Repository
    number: int


class AutoMergeState(StrEnum):
    """What became of the wish that GitHub merges a green fix by itself. Only REQUESTED leads to a merge."""

    REQUESTED = "requested"
    """GitHub merges it once the repository's rules are met; it may have been asked by a person before."""
    SWITCHED_OFF = "switched_off"
    """The repository's settings do not want it any more."""
    NOT_ALLOWED = "not_allowed"
    """The repository does not allow auto-merge."""
    NOTHING_REQUIRED = "nothing_required"
    """No rule holds the pull request back, so it would be merged at once."""
    NOT_PERMITTED = "not_permitted"
    """The credential may not ask."""
    NOT_OPEN = "not_open"
    HEAD_MOVED = "head_moved"
    """The fix branch is not at the commit any more that CI was green on."""
    DRAFT = "draft"
    CONFLICTING = "conflicting"
    REFUSED = "refused"
    """For another reason, which is the detail."""
    NOT_ASKED = "not_asked"
    """GitHub could not be asked."""


AUTO_MERGE_SENTENCES: Final[dict[AutoMergeState, str]] = {
    AutoMergeState.REQUESTED: (
        "GitHub merges it by itself once this repository's rules for the base branch are met."
    ),
    AutoMergeState.SWITCHED_OFF: "Auto-merge was not requested: the settings here want it no more.",
    AutoMergeState.NOT_ALLOWED: "Auto-merge was not requested: this repository does not allow it.",
    AutoMergeState.NOTHING_REQUIRED: (
        "Auto-merge was not requested: no required review or check holds the pull request back, "
        "so whether to merge it is for a human to say."
    ),
    AutoMergeState.NOT_PERMITTED: (
        "Auto-merge was not requested: it takes the permissions contents: write and pull requests: write."
    ),
    AutoMergeState.NOT_OPEN: "Auto-merge was not requested: the pull request is not open any more.",
    AutoMergeState.HEAD_MOVED: "Auto-merge was not requested: the fix branch moved on after CI was green.",
    AutoMergeState.DRAFT: "Auto-merge was not requested: the pull request is a draft.",
    AutoMergeState.CONFLICTING: "Auto-merge was not requested: the pull request conflicts with its base.",
    AutoMergeState.REFUSED: "Auto-merge was not requested: GitHub refused it.",
    AutoMergeState.NOT_ASKED: "Auto-merge was not requested: GitHub could not be asked.",
}
"""Each state, for a person who reads the report."""


class AutoMergeRequest(Payload):
    """Argument of `request_auto_merge`."""

    repository: Repository
    number: int
    head_sha: Sha
    """The commit that CI was green on."""


class AutoMergeResult(Payload):
    """Result of `request_auto_merge`."""

    state: AutoMergeState
    detail: Sentence = ""
    """What GitHub said, where it refused for a reason of its own."""


class Report(Payload):
    """Argument of `post_report`: everything the sticky comment says."""

    repository: Repository
    run: RunSnapshot
    outcome: Outcome | None
    """None while the remediation goes on."""
    reason: Reason | None = None
    detail: Sentence = ""
    state: State
    diagnosis: Diagnosis | None = None
    evidence: Evidence | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    proposal: Proposal | None = None
    verdict: GateVerdict | None = None
    pull_request: PullRequest | None = None
    question: Name | None = None
    """The patch id that waits for `approve` or `reject`."""
    workflow_id: str = Field(max_length=500)
    brief: bool = False
    """Without logs, patches and the table of attempts."""
    commands: bool = False
    """With a list of the orders that a comment can give."""
    turned_down: Sentence = ""
    """Why the last answer to a question did not count."""
    model_calls: int = 0
    cost_usd: float | None = None
    """What the model calls cost; None where there were none, or a price is not known."""
    unpublished: bool = False
    """`proposal` is a patch that the gate let through and that is not on the fix branch."""
    auto_merge: AutoMergeResult | None = None
    """What became of the wish that GitHub merges the fix; None where nobody has it."""


class PostedReport(Payload):
    """Where the sticky comment stands."""

    url: str = ""
    changed: bool = True


class Need(StrEnum):
    """What a human is needed for."""

    APPROVAL = "approval"
    """A patch waits for an answer."""
    OUTCOME = "outcome"
    """The remediation ended, and leaves the failure to a human."""
    SETTINGS = "settings"
    """The repository's own settings cannot be read, and nothing is done there until they can."""


class Notice(Payload):
    """Argument of `notify_human`. No text in it comes from outside."""

    repository: Repository
    run_id: int
    need: Need
    outcome: Outcome | None = None
    reason: Reason | None = None
    failure_class: FailureClass | None = None
    pull_request: int | None = None
    question: Name | None = None
    """The patch id that waits, where one does."""

    @property
    def key(self) -> str:
        """Names the message: the same need of the same remediation is told once."""
        return "-".join(
            (self.repository, str(self.run_id), self.need, self.question or self.outcome or "all")
        )


class NoticeState(StrEnum):
    """What became of a notice."""

    DELIVERED = "delivered"
    NOT_CONFIGURED = "not_configured"
    """There is no channel."""


class NoticeResult(Payload):
    """Result of `notify_human`."""

    state: NoticeState


class Notified(Payload):
    """A human was told."""

    need: Need
    at: datetime
    question: Name | None = None


# ── checks ──────────────────────────────────────────────────────────────────────────────────────────────────


class CiVerdict(StrEnum):
    """What CI says about a commit. Only GREEN is green."""

    GREEN = "green"
    RED = "red"
    PENDING = "pending"
    ABSENT = "absent"
    """No check of the failing workflow has appeared."""
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    ACTION_REQUIRED = "action_required"
    SKIPPED = "skipped"
    """The failing workflow, or the job that failed, was skipped: nothing was proved."""
    BLOCKED = "blocked"
    """The failing workflow is green, and a check of another App that the base branch requires is not."""


class ChecksRequest(Payload):
    """Argument of `read_checks`."""

    repository: Repository
    workflow_id: int
    head_sha: Sha
    baseline_sha: Sha
    """The commit that failed first: workflows that were red there already are not the fix's fault."""
    fix_branch: Name | None = None
    pull_request: int | None = None
    failing_branch: Name | None = None
    """Read too, to see whether it still stands at `baseline_sha`; None where that does not matter."""
    failed_jobs: tuple[Name, ...] = ()
    """Jobs that failed first: a green run counts when it shows them to succeed."""


class ChecksReading(Payload):
    """What CI, the fix branch and the pull request look like at one moment."""

    verdict: CiVerdict
    failed_run_id: int | None = None
    failed_run_attempt: int = 1
    failed_run_path: Name | None = None
    detail: Sentence = ""
    branch_tip: Sha | None = None
    """The fix branch's tip; None when it is gone or was not asked for."""
    pull_request_open: bool = True
    pull_request_merged: bool = False
    failing_branch_moved: bool = False
    also_red: tuple[Name, ...] = ()
    """Checks that are red beside a green verdict: red before, or not required."""


class RerunRequest(Payload):
    """Argument of `rerun_failed_jobs`."""

    repository: Repository
    run_id: int
    run_attempt: int
    """The attempt that failed; the rerun is the next one."""


class RerunState(StrEnum):
    """What became of a request to rerun."""

    STARTED = "started"
    NOT_PERMITTED = "not_permitted"
    """The credential may not rerun (`actions: write` is opt-in)."""


class RerunResult(Payload):
    """Result of `rerun_failed_jobs`."""

    state: RerunState
    run_attempt: int


class ReviewRequest(Payload):
    """Argument of `request_review`."""

    repository: Repository
    number: int
    logins: tuple[Name, ...]


class PullRequestRef(Payload):
    """Argument of `read_pull_request`."""

    repository: Repository
    number: int


class RevertRequest(Payload):
    """Argument of `find_revert`."""

    repository: Repository
    run_id: int
    number: int
    """The merged fix pull request."""


class AuthorisationRequest(Payload):
    """Argument of `authorise_order`."""

    repository: Repository
    login: Name
    permission: Name = "write"
    """The least access that it takes: `write`, `maintain` or `admin`."""
    logins: tuple[Name, ...] = ()
    """If given, only these people may give orders."""


# ── signals, query, result ──────────────────────────────────────────────────────────────────────────────────


class Order(Payload):
    """A human's order. `by` names who; `question` names what `approve` and `reject` answer."""

    by: Name
    question: Name | None = None
    """The patch id shown with the question."""
    hint: Sentence | None = None
    comment_id: int | None = None
    """Set when the order came as a GitHub comment: the author's permission is then read before it counts."""


class ChecksCompleted(Payload):
    """GitHub says that checks ended. Shortens a wait; a read decides."""

    head_sha: Name = ""
    run_id: int | None = None
    run_attempt: int = 1


class PullRequestClosed(Payload):
    """GitHub says that the fix pull request was closed or merged. A read decides."""

    number: int
    merged: bool = False
    by: Name = ""


class Disposition(StrEnum):
    """What became of a green fix."""

    KEPT = "kept"
    """Merged by a human, and not taken back while that was watched."""
    REVERTED = "reverted"
    """Merged by a human, and taken back."""
    CLOSED = "closed"
    """Closed unmerged by a human."""
    OPEN = "open"
    """Still open when the watch ended."""


class RemediationResult(Payload):
    """Result of `CiRemediation`."""

    outcome: Outcome
    reason: Reason
    detail: Sentence = ""
    attempts: tuple[AttemptRecord, ...] = ()
    failure_class: FailureClass | None = None
    root_cause: Sentence = ""
    fingerprint: Name = ""
    pull_request: PullRequest | None = None
    fix_head_sha: Sha | None = None
    disposition: Disposition | None = None
    cost_usd: float | None = None
    """What the model calls cost; None where there were none, or a price is not known."""


class Record(Payload):
    """What is counted of a remediation: kept in its memo from the outcome on, so that a list shows it.

    The memo is written when the outcome is known and once more when the workflow ends.
    """

    outcome: Outcome
    reason: Reason
    failure_class: FailureClass | None = None
    strategy: Strategy | None = None
    """Of the last attempt; None where there was none."""
    recipe: Name | None = None
    attempts: int = 0
    """Attempts begun."""
    ended_at: datetime
    """When the outcome was known. The workflow may go on, to watch the merge."""
    published_at: datetime | None = None
    """When the fix pull request was opened; None where there was none."""
    green_at: datetime | None = None
    approved: bool = False
    """Whether a human had to approve a patch, and did."""
    orders: int = 0
    """Orders of humans that counted; `explain` and `help` are none."""
    disposition: Disposition | None = None
    """What became of a green fix; None until the watch has ended."""
    model_calls: int = 0
    cost_usd: float | None = None


class Status(Payload):
    """Answer of the query `status`."""

    state: State
    paused: bool = False
    attempt: int = 0
    attempts_allowed: int = ATTEMPTS_CEILING
    run: RunSnapshot | None = None
    evidence: Evidence | None = None
    diagnosis: Diagnosis | None = None
    proposal: Proposal | None = None
    verdict: GateVerdict | None = None
    question: Name | None = None
    approval: Approval | None = None
    """Who approved the newest proposal; None where nobody had to, or has."""
    turned_down: Sentence = ""
    """Why the newest answer of a human did not count: it was given for another patch."""
    pull_request: PullRequest | None = None
    pull_request_opened_at: datetime | None = None
    green_at: datetime | None = None
    auto_merge: AutoMergeResult | None = None
    """What became of the wish that GitHub merges the fix; None where nobody has it."""
    outcome: Outcome | None = None
    reason: Reason | None = None
    detail: Sentence = ""
    attempts: tuple[AttemptRecord, ...] = ()
    failed_jobs: tuple[Name, ...] = ()
    """Jobs that failed in the run that is repaired."""
    fix_head_sha: Sha | None = None
    model_calls: int = 0
    cost_usd: float | None = None
    """What the model calls cost so far; None where there were none, or a price is not known."""
    orders: int = 0
    """Orders of humans that counted so far; `explain` and `help` are none."""
    notified: tuple[Notified, ...] = ()
    """What a human was told by the channel of `REGREEN_NOTIFY_URL`."""
