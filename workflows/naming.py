"""Names that others rely on: made and parsed here, nowhere else."""

import hashlib
import re
from datetime import datetime
from typing import Final

from temporalio.common import SearchAttributeKey

PUBLISHER_QUEUE: Final = "ci-remediation"
"""Workflows, and the activities that may write to GitHub."""

ANALYST_QUEUE: Final = "ci-patching"
"""Activities that read hostile text: logs, repository files, model replies."""

REMEDIATION_WORKFLOW: Final = "CiRemediation"
PATCH_ATTEMPT_WORKFLOW: Final = "PatchAttempt"
SWEEP_WORKFLOW: Final = "CiSweep"

SWEEP_SCHEDULE: Final = "ci-sweep"
"""The schedule that runs the sweep."""

SKIP_MARKER: Final = "[skip-ci-remediation]"
"""Default spelling; a setting changes it."""

FIX_BRANCH_FAMILY: Final = "regreen"
"""What every fix branch's name begins with. A branch of this very name would leave git no room for them."""

SIMULATION_FAMILY: Final = "regreen-simulation"
"""What the name of every branch that is broken on purpose begins with."""
SIMULATION_TRAILER: Final = "Regreen-Simulation: true"
"""Ends the message of every commit that is made to break such a branch."""

FIX_LABELS: Final = ("ci-fix", "automated-fix")

MEMO_RUN_ATTEMPT: Final = "run_attempt"
"""Memo: the newest attempt of the run that this remediation has heard of. A redelivered event of it starts
nothing, not even after the remediation has ended."""

MEMO_PULL_REQUEST: Final = "pull_request"
"""Memo: the pull request whose CI broke, where there is one. Orders may be given there."""

MEMO_RECORD: Final = "record"
"""Memo: the `Record` of a remediation. A list of workflows shows it without a word to their workers."""

CI_REPOSITORY: Final = SearchAttributeKey.for_keyword("CiRepository")
CI_BRANCH: Final = SearchAttributeKey.for_keyword("CiBranch")
CI_WORKFLOW: Final = SearchAttributeKey.for_keyword("CiWorkflow")
CI_STATE: Final = SearchAttributeKey.for_keyword("CiState")
CI_OUTCOME: Final = SearchAttributeKey.for_keyword("CiOutcome")
CI_FAILURE_CLASS: Final = SearchAttributeKey.for_keyword("CiFailureClass")
CI_FINGERPRINT: Final = SearchAttributeKey.for_keyword("CiFingerprint")
CI_HEAD_SHA: Final = SearchAttributeKey.for_keyword("CiHeadSha")
CI_ATTEMPT: Final = SearchAttributeKey.for_int("CiAttempt")
CI_PULL_REQUEST: Final = SearchAttributeKey.for_int("CiPullRequest")
CI_COST_USD: Final = SearchAttributeKey.for_float("CiCostUsd")

SEARCH_ATTRIBUTES: Final = (
    CI_REPOSITORY,
    CI_BRANCH,
    CI_WORKFLOW,
    CI_STATE,
    CI_OUTCOME,
    CI_FAILURE_CLASS,
    CI_FINGERPRINT,
    CI_HEAD_SHA,
    CI_ATTEMPT,
    CI_PULL_REQUEST,
    CI_COST_USD,
)

SETTINGS_MARKER: Final = "<!-- regreen settings -->"
"""Opens the comment that says what is wrong with a repository's settings."""

_SIMULATION_BRANCH: Final = re.compile(rf"{SIMULATION_FAMILY}/[a-z-]+/\d{{8}}T\d{{6}}", re.ASCII)
_WORKFLOW_ID: Final = re.compile(r"ci-remediation/([\w.-]+/[\w.-]+)/(\d+)", re.ASCII)
_FIX_BRANCH: Final = re.compile(r"regreen/(\d+)", re.ASCII)
_RUN_URL: Final = re.compile(r"(https?://[^/\s]+/)([\w.-]+/[\w.-]+)/actions/runs/(\d+)(?:[/?#].*)?", re.ASCII)
_PULL_REQUEST_URL: Final = re.compile(
    r"https?://[^/\s]+/([\w.-]+/[\w.-]+)/pull/(\d{1,9})(?:[/?#].*)?", re.ASCII
)
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
_QUEUE_BRANCH: Final = re.compile(r"gh-readonly-queue/.+/pr-(\d{1,18})-[0-9a-f]{40}", re.ASCII | re.DOTALL)
_REVERT: Final = re.compile(
    r'Revert "(?:Fix [a-z -]+ in run (\d+)|Merge pull request #\d+ from [^\s"]+/regreen/(\d+))'
    r"|Merge pull request #\d+ from \S+/revert-\d+-regreen/(\d+)",
    re.ASCII,
)
"""How the revert of a fix is titled: by git, by GitHub, or as the merge of such a pull request."""
_REVERT_BRANCH: Final = re.compile(r"revert-\d+-regreen/(\d+)", re.ASCII)
_FINGERPRINT: Final = re.compile(r"^Regreen-Fingerprint: (\S+)$", re.MULTILINE | re.ASCII)
_MARKER: Final = re.compile(r"<!-- regreen run=(\d+)(?: fingerprint=([\w:.-]{1,100}))? -->", re.ASCII)


def remediation_id(repository: str, run_id: int) -> str:
    """The Temporal workflow id of the remediation of a run of `repository` ("owner/name")."""
    return f"ci-remediation/{repository}/{run_id}"


def parse_remediation_id(workflow_id: str) -> tuple[str, int] | None:
    """The repository ("owner/name") and run id that a workflow id names, or None for any other text."""
    match = _WORKFLOW_ID.fullmatch(workflow_id)
    return (match[1], int(match[2])) if match else None


def parse_run_url(url: str) -> tuple[str, int] | None:
    """The repository ("owner/name") and run id that a run's web address names, or None."""
    match = _RUN_URL.fullmatch(url)
    return (match[2], int(match[3])) if match else None


def home_of(run_url: str, run_id: int) -> str:
    """The web address of a run's repository, by the run's own; empty where that is no address of this run.

    It is GitHub's own word for where the repository is, so it holds after a renaming too.
    """
    match = _RUN_URL.fullmatch(run_url)
    return f"{match[1]}{match[2]}" if match and int(match[3]) == run_id else ""


def parse_pull_request_url(url: str) -> tuple[str, int] | None:
    """The repository ("owner/name") and number that a pull request's web address names, or None."""
    match = _PULL_REQUEST_URL.fullmatch(url)
    return (match[1], int(match[2])) if match else None


def attempt_id(remediation: str, attempt: int) -> str:
    """The workflow id of attempt `attempt` (1-based) of a remediation."""
    return f"{remediation}/attempt-{attempt}"


def fix_branch(run_id: int) -> str:
    """The branch that carries every attempt's commit for a run."""
    return f"{FIX_BRANCH_FAMILY}/{run_id}"


def parse_fix_branch(branch: str) -> int | None:
    """The run id that a fix branch names, or None for any other branch."""
    match = _FIX_BRANCH.fullmatch(branch)
    return int(match[1]) if match else None


def simulation_branch(scenario: str, at: datetime) -> str:
    """The branch that a simulation of `scenario` breaks."""
    return f"{SIMULATION_FAMILY}/{scenario}/{at:%Y%m%dT%H%M%S}"


def is_simulation_branch(branch: str) -> bool:
    """Whether a branch has the name of one that was broken on purpose."""
    return _SIMULATION_BRANCH.fullmatch(branch) is not None


def is_login(text: str) -> bool:
    """Whether `text` may be a person's login; those of an enterprise's managed users have an underscore."""
    return _LOGIN.fullmatch(text) is not None


def parse_queue_branch(branch: str) -> int | None:
    """The pull request that an entry of GitHub's merge queue tests, or None for any other branch."""
    match = _QUEUE_BRANCH.fullmatch(branch)
    return int(match[1]) if match else None


def reverts_fix(commit_message: str) -> bool:
    """Whether a commit takes back a fix of Regreen, as far as its title tells."""
    return reverted_run(commit_message) is not None


def reverted_run(commit_message: str) -> int | None:
    """The run whose fix a commit takes back, as far as its title tells; None for any other commit."""
    match = _REVERT.match(commit_message)
    return int(next(filter(None, match.groups()))) if match else None


def parse_revert_branch(branch: str) -> int | None:
    """The run whose fix is taken back on a branch that GitHub's Revert button made, or None."""
    match = _REVERT_BRANCH.fullmatch(branch)
    return int(match[1]) if match else None


def marker(run_id: int, fingerprint: str = "") -> str:
    """The machine-readable marker of Regreen's own pull requests and comments.

    A pull request's names the failure as well, so that what repaired it can be found when it comes again.
    """
    return f"<!-- regreen run={run_id}{f' fingerprint={fingerprint}' if fingerprint else ''} -->"


def parse_marker(text: str) -> int | None:
    """The run id in the first marker found in `text`, or None."""
    match = _MARKER.search(text)
    return int(match[1]) if match else None


def parse_fingerprint(text: str) -> str | None:
    """The failure that the first marker found in `text` names, or None."""
    match = _MARKER.search(text)
    return match[2] if match else None


def commit_trailers(run_id: int, attempt: int, fingerprint: str) -> str:
    """Git trailers that name the attempt a commit belongs to."""
    return f"Regreen-Run: {run_id}\nRegreen-Attempt: {attempt}\nRegreen-Fingerprint: {fingerprint}"


def parse_fingerprint_trailer(message: str) -> str | None:
    """The fingerprint in a commit's trailers, or None."""
    match = _FINGERPRINT.search(message)
    return match[1] if match else None


def patch_id(base_sha: str, diff: str) -> str:
    """Sixteen hex digits naming the tree that `diff` makes of `base_sha`: what an approval is given for."""
    return hashlib.sha256(f"{base_sha}\n{diff}".encode()).hexdigest()[:16]
