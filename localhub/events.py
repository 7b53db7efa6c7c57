"""Webhook events, built from the state at the moment they happen."""

from dataclasses import dataclass
from typing import Any

from localhub.git import ZERO_SHA, Commit
from localhub.records import Account, Attempt, Comment, Job, Json, Label, PullRequest, Repository, Run
from localhub.shapes.commits import commit_comment, pushed_commit, simple_commit
from localhub.shapes.people import simple_user
from localhub.shapes.pulls import issue, issue_comment, label, pull_request
from localhub.shapes.repositories import html_url, repository_with_counts
from localhub.shapes.runs import (
    check_run,
    check_suite,
    simple_check_suite,
    workflow,
    workflow_job,
    workflow_run,
)
from localhub.state import Hub
from localhub.webhooks import Webhooks


@dataclass(frozen=True)
class RefChange:
    """A ref that moved; `commits` are those it gained, oldest first."""

    ref: str
    before: str
    after: str
    forced: bool
    commits: tuple[Commit, ...]
    head: Commit | None


def push_payload(hub: Hub, repository: Repository, change: RefChange, pusher: Account) -> Json:
    """The body of a push event, also a run's `github.event`."""
    page = html_url(hub, repository)
    commits = [pushed_commit(hub, repository, commit) for commit in change.commits]
    span = f"{change.before[:12]}...{change.after[:12]}"
    return {
        "ref": change.ref,
        "before": change.before,
        "after": change.after,
        "repository": {
            **repository_with_counts(hub, repository),
            "master_branch": repository.default_branch,
            "stargazers": 0,
        },
        "pusher": {"name": pusher.login, "email": pusher.email},
        "sender": simple_user(hub, pusher),
        "created": change.before == ZERO_SHA,
        "deleted": change.after == ZERO_SHA,
        "forced": change.forced,
        "base_ref": None,
        "compare": f"{page}/compare/{span}",
        "commits": commits,
        "head_commit": pushed_commit(hub, repository, change.head) if change.head else None,
    }


def pull_request_payload(hub: Hub, pull: PullRequest, action: str, sender: Account, **extra: Any) -> Json:
    """The body of a pull request event, also a run's `github.event`."""
    return {
        "action": action,
        "number": pull.number,
        "pull_request": pull_request(hub, pull),
        **extra,
        "repository": repository_with_counts(hub, pull.repository),
        "sender": simple_user(hub, sender),
    }


def merge_group_payload(
    hub: Hub, repository: Repository, base: tuple[str, str], head: tuple[str, Commit], sender: Account
) -> Json:
    """The body of a merge group event; `base` and `head` are ref and commit."""
    return {
        "action": "checks_requested",
        "merge_group": {
            "head_sha": head[1].sha,
            "head_ref": head[0],
            "base_sha": base[1],
            "base_ref": base[0],
            "head_commit": simple_commit(head[1]),
        },
        "repository": repository_with_counts(hub, repository),
        "sender": simple_user(hub, sender),
    }


class Events:
    """Builds events and hands them to delivery."""

    def __init__(self, hub: Hub, webhooks: Webhooks) -> None:
        self._hub = hub
        self._webhooks = webhooks

    def send(self, repository: Repository, event: str, payload: Json) -> None:
        """Deliver a payload that was built before."""
        self._webhooks.send(repository, event, payload)

    def _send(self, repository: Repository, event: str, action: str, sender: Account, **parts: Any) -> None:
        self.send(
            repository,
            event,
            {
                "action": action,
                **parts,
                "repository": repository_with_counts(self._hub, repository),
                "sender": simple_user(self._hub, sender),
            },
        )

    def workflow_run(self, run: Run, action: str) -> None:
        """A run was requested, is in progress, or completed."""
        self._send(
            run.repository,
            "workflow_run",
            action,
            run.latest.triggering_actor,
            workflow=workflow(self._hub, run.repository, run.workflow),
            workflow_run=workflow_run(self._hub, run),
        )

    def workflow_job(self, run: Run, attempt: Attempt, job: Job, action: str) -> None:
        """A job was queued, is in progress, or completed."""
        self._send(
            run.repository,
            "workflow_job",
            action,
            attempt.triggering_actor,
            workflow_job=workflow_job(self._hub, run, attempt, job),
        )

    def check_run(self, run: Run, attempt: Attempt, job: Job, action: str) -> None:
        """A job's check run was created or completed."""
        suite = simple_check_suite(self._hub, run)
        self._send(
            run.repository,
            "check_run",
            action,
            attempt.triggering_actor,
            check_run=check_run(self._hub, run, job, suite=suite),
        )

    def check_suite(self, run: Run, action: str) -> None:
        """A run's check suite completed."""
        suite = check_suite(self._hub, run)
        self._send(run.repository, "check_suite", action, run.latest.triggering_actor, check_suite=suite)

    def labeled(self, pull: PullRequest, one: Label, sender: Account) -> None:
        """A pull request got a label."""
        extra = {"label": label(self._hub, pull.repository, one)}
        payload = pull_request_payload(self._hub, pull, "labeled", sender, **extra)
        self.send(pull.repository, "pull_request", payload)

    def issue_comment(
        self, pull: PullRequest, comment: Comment, action: str, sender: Account, *, was: str | None = None
    ) -> None:
        """Somebody commented on a pull request, or edited a comment that `was` another text."""
        extra = {} if was is None else {"changes": {"body": {"from": was}}}
        self._send(
            pull.repository,
            "issue_comment",
            action,
            sender,
            issue=issue(self._hub, pull),
            comment=issue_comment(self._hub, pull.repository, comment),
            **extra,
        )

    def commit_comment(self, repository: Repository, comment: Comment, sender: Account) -> None:
        """Somebody commented on a commit."""
        body = commit_comment(self._hub, repository, comment)
        self._send(repository, "commit_comment", "created", sender, comment=body)
