"""What a run looks like from outside: the facts triage decides by."""

from typing import Final

from activities.adapters.github import WorkflowRun
from activities.checks.heads import Head
from workflows import conclusions, naming
from workflows.models import RunSnapshot

_BOT_PREFIXES: Final = ("dependabot/", "renovate/", "snyk-", "pyup-", "imgbot", "greenkeeper/", "whitesource")
_BOT_SUFFIX: Final = "[bot]"


def is_bots_branch(run: WorkflowRun) -> bool:
    """Whether another bot owns the run's branch. Our own fix branches are not another bot's."""
    if naming.parse_fix_branch(run.head_branch) is not None:
        return False
    if run.head_branch.startswith(_BOT_PREFIXES):
        return True
    author = run.head_commit_author_name
    return run.actor_type == "Bot" or any(name.endswith(_BOT_SUFFIX) for name in (run.actor_login, author))


def snapshot(
    run: WorkflowRun,
    *,
    repository: str,
    default_branch: str,
    skip_marker: str,
    head: Head,
    fix_branch_tip: str | None,
    base_run: WorkflowRun | None,
) -> RunSnapshot:
    """Put together what was read; `base_run` is the base branch's newest completed run of the workflow."""
    pull_request = head.pull_request
    base_failed = base_run if base_run is not None and base_run.conclusion in conclusions.FAILED else None
    return RunSnapshot(
        repository=repository,
        run_id=run.id,
        run_attempt=run.run_attempt,
        status=run.status,
        conclusion=run.conclusion,
        workflow_id=run.workflow_id,
        workflow_name=run.name or run.path,
        workflow_path=run.path,
        event=run.event,
        head_branch=run.head_branch,
        head_sha=run.head_sha,
        html_url=run.html_url,
        created_at=run.created_at,
        default_branch=default_branch,
        head_is_fork=is_fork(run, repository),
        # Bots push to the default branch, tag it and fill the merge queue; that makes none of these theirs.
        head_is_bot=run.head_branch != default_branch
        and not (head.tag or head.merge_queue)
        and is_bots_branch(run),
        skip_marker=skip_marker.casefold() in run.head_commit_message.casefold(),
        branch_tip=head.tip,
        pull_request=pull_request.number if pull_request else None,
        pull_request_open=pull_request is not None and pull_request.state == "open",
        base_branch=pull_request.base_branch if pull_request else None,
        base_failed_run=base_failed.id if base_failed else None,
        base_failed_run_attempt=base_failed.run_attempt if base_failed else 1,
        fix_branch_exists=fix_branch_tip is not None,
        author=author_login(run),
        tag=head.tag,
        merge_queue=head.merge_queue,
        fix_branch_taken=head.taken,
        reverts_fix=naming.reverts_fix(run.head_commit_message),
    )


def is_fork(run: WorkflowRun, repository: str) -> bool:
    """Whether the head is elsewhere. A head repository that is gone was a fork: ours would not be."""
    ours = {repository.casefold(), run.repository.casefold()}
    return run.head_repository is None or run.head_repository.casefold() not in ours


def author_login(run: WorkflowRun) -> str:
    """Who pushed, when that is a person with a well-formed login; else empty."""
    if run.actor_type not in {"User", ""} or not naming.is_login(run.actor_login):
        return ""
    return run.actor_login
