"""What a GitHub webhook means for Regreen. No I/O, and no input makes it raise."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from starter import events
from starter.events import Fit
from workflows import conclusions, naming
from workflows.models import ChecksCompleted, FailedRun, Order, Payload, PullRequestClosed, Repository

_ACTIONS_APP: Final = "github-actions"
_ORDER_PREFIX: Final = "/regreen"


class IgnoreReason(StrEnum):
    """Why an event asks nothing of Regreen."""

    PING = "ping"
    UNSUPPORTED_EVENT = "unsupported_event"
    MALFORMED = "malformed"
    """Not JSON, or a field that cannot be missing is missing, null or of another type."""
    EVENT_MISMATCH = "event_mismatch"
    """The body is not that of the event the header names; the signature covers the body only."""
    OTHER_ACTION = "other_action"
    """The event's action is not one that matters: requested, synchronize, edited, …"""
    RUN_NOT_FAILED = "run_not_failed"
    NOT_A_FIX_BRANCH = "not_a_fix_branch"
    ACTIONS_CHECK_SUITE = "actions_check_suite"
    """GitHub Actions tells of the same checks by `workflow_run`, with more detail."""
    NOT_A_PULL_REQUEST = "not_a_pull_request"
    BOT = "bot"
    NO_ORDER = "no_order"
    """A comment that does not address Regreen."""
    UNKNOWN_ORDER = "unknown_order"
    """A comment that addresses Regreen with words it does not know."""


class Verb(StrEnum):
    """A human's order; each is a signal of the same name."""

    APPROVE = "approve"
    REJECT = "reject"
    RETRY = "retry"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    EXPLAIN = "explain"
    HELP = "help"


_ORDER: Final = re.compile(rf"{_ORDER_PREFIX} ({'|'.join(Verb)})(?: (\S.*))?", re.ASCII)


class StartRemediation(FailedRun):
    """A run failed on an ordinary branch: its remediation starts, or hears of the newer attempt."""


class ChecksCompletedFor(Payload):
    """Checks ended that the remediation of `run_id` may wait for."""

    repository: Repository
    run_id: int
    """The run that the remediation repairs; `checks` names the run that ended."""
    checks: ChecksCompleted


class PullRequestClosedFor(Payload):
    """The fix pull request of the remediation of `run_id` was closed or merged."""

    repository: Repository
    run_id: int
    closed: PullRequestClosed


class HumanOrder(Payload):
    """A comment on a pull request gives an order. The author's permission is not checked yet."""

    repository: Repository
    pull_request: int
    verb: Verb
    order: Order


class Ignore(Payload):
    """Nothing is to be done."""

    reason: IgnoreReason


Decision = StartRemediation | ChecksCompletedFor | PullRequestClosedFor | HumanOrder | Ignore


def verify(body: bytes, signature_256: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether `X-Hub-Signature-256` is the HMAC SHA-256 of the raw body under one of the secrets.

    Args:
        body: The bytes as they came, before any parsing.
        signature_256: The header's value, or None when it was not sent; any text is safe.
        secrets: The current secret and, during a rotation, the previous one. Empty ones never match.
    """
    given = (signature_256 or "").encode("utf-8", "surrogatepass")
    genuine = False
    for secret in filter(None, secrets):
        expected = b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
        genuine |= hmac.compare_digest(given, expected)
    return genuine


def interpret(event: str, body: bytes) -> Decision:
    """What the event asks for. Total: any header and any bytes give a decision.

    Args:
        event: The `X-GitHub-Event` header. A hint only: the body must have that event's shape.
        body: The verified raw body.
    """
    try:
        content = events.decode(body)
        fit = events.fit(event, content)
        if event == events.PING:
            return Ignore(reason=IgnoreReason.PING if fit is Fit.EXACT else IgnoreReason.EVENT_MISMATCH)
        reader = _READERS.get(event)
        if reader is None:
            return Ignore(reason=IgnoreReason.UNSUPPORTED_EVENT)
        if fit is Fit.OTHER:
            return Ignore(reason=IgnoreReason.EVENT_MISMATCH)
        return reader(content)
    except ValueError:  # pydantic's ValidationError is one
        return Ignore(reason=IgnoreReason.MALFORMED)


# ── one reader per event ────────────────────────────────────────────────────────────────────────────────────


def _read_run(content: dict[str, Any]) -> Decision:
    event = events.RunEvent.model_validate(content)
    if event.action != "completed":
        return Ignore(reason=IgnoreReason.OTHER_ACTION)
    run, repository = event.workflow_run, event.repository.full_name
    run_attempt = run.run_attempt or 1
    checks = ChecksCompleted(head_sha=run.head_sha, run_id=run.id, run_attempt=run_attempt)
    owner = _owner(run.head_branch, run.head_repository, repository)
    if owner is not None:
        return ChecksCompletedFor(repository=repository, run_id=owner, checks=checks)
    if run.conclusion in conclusions.FAILED:
        return StartRemediation(
            repository=repository,
            run_id=run.id,
            run_attempt=run_attempt,
            branch=run.head_branch,
            head_sha=run.head_sha,
            workflow_name=run.name,
        )
    if run_attempt > 1:  # a rerun that did not fail may be the one that its own remediation asked for
        return ChecksCompletedFor(repository=repository, run_id=run.id, checks=checks)
    return Ignore(reason=IgnoreReason.RUN_NOT_FAILED)


def _read_check_suite(content: dict[str, Any]) -> Decision:
    event = events.SuiteEvent.model_validate(content)
    if event.action != "completed":
        return Ignore(reason=IgnoreReason.OTHER_ACTION)
    suite = event.check_suite
    # a suite names no head repository, so a fork's branch may pass here: it only wakes a wait
    owner = naming.parse_fix_branch(suite.head_branch)
    if owner is None or owner > events.LARGEST_ID:
        return Ignore(reason=IgnoreReason.NOT_A_FIX_BRANCH)
    if suite.app is not None and suite.app.slug == _ACTIONS_APP:
        return Ignore(reason=IgnoreReason.ACTIONS_CHECK_SUITE)
    return ChecksCompletedFor(
        repository=event.repository.full_name,
        run_id=owner,
        checks=ChecksCompleted(head_sha=suite.head_sha),
    )


def _read_pull_request(content: dict[str, Any]) -> Decision:
    event = events.PullRequestEvent.model_validate(content)
    if event.action != "closed":
        return Ignore(reason=IgnoreReason.OTHER_ACTION)
    pull_request, repository = event.pull_request, event.repository.full_name
    owner = _owner(pull_request.head.ref, pull_request.head.repo, repository)
    if owner is None and pull_request.merged:
        # one that takes a fix back, by GitHub's Revert button
        owner = naming.parse_revert_branch(pull_request.head.ref)
    if owner is None or owner > events.LARGEST_ID:
        return Ignore(reason=IgnoreReason.NOT_A_FIX_BRANCH)
    closed = PullRequestClosed(
        number=pull_request.number,
        merged=pull_request.merged or False,
        by=event.sender.login if event.sender else "",
    )
    return PullRequestClosedFor(repository=repository, run_id=owner, closed=closed)


def _read_comment(content: dict[str, Any]) -> Decision:
    event = events.CommentEvent.model_validate(content)
    if event.action != "created":
        return Ignore(reason=IgnoreReason.OTHER_ACTION)
    if event.issue.pull_request is None:
        return Ignore(reason=IgnoreReason.NOT_A_PULL_REQUEST)
    if event.comment.is_bots or (event.sender is not None and event.sender.is_bot):
        return Ignore(reason=IgnoreReason.BOT)
    first_line = re.split(r"[\r\n]", event.comment.body or "", maxsplit=1)[0].rstrip()
    if first_line.split(" ", 1)[0] != _ORDER_PREFIX:
        return Ignore(reason=IgnoreReason.NO_ORDER)
    match = _ORDER.fullmatch(first_line)
    if match is None:
        return Ignore(reason=IgnoreReason.UNKNOWN_ORDER)
    verb = Verb(match[1])
    order = order_payload(
        verb,
        by=event.comment.user.login,
        comment_id=event.comment.id,
        argument=events.printable(match[2]) or None,
    )
    return HumanOrder(
        repository=event.repository.full_name, pull_request=event.issue.number, verb=verb, order=order
    )


def order_payload(verb: Verb, *, by: str, argument: str | None, comment_id: int | None = None) -> Order:
    """The signal's payload: an argument is the question for `approve` and `reject`, the hint for `retry`."""
    answers = verb in {Verb.APPROVE, Verb.REJECT}
    return Order(
        by=by,
        comment_id=comment_id,
        question=argument if answers else None,
        hint=argument if verb is Verb.RETRY else None,
    )


def _owner(branch: str, head: events.RepositoryWire | None, repository: str) -> int | None:
    """The run whose fix branch this is; a fork's branch of the same name is nobody's."""
    run_id = naming.parse_fix_branch(branch)
    if run_id is None or run_id > events.LARGEST_ID or head is None:
        return None
    return run_id if head.full_name.lower() == repository.lower() else None


_READERS: Final = {
    "workflow_run": _read_run,
    "check_suite": _read_check_suite,
    "pull_request": _read_pull_request,
    "issue_comment": _read_comment,
}
