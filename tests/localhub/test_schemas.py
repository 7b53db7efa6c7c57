"""Every answer and every event against GitHub's own description of its API."""

from typing import Any

from localhub import LocalHub
from tests.localhub.probes import GREEN, RED, REPOSITORY, Api, Receiver, Schemas

REPO = f"/repos/{REPOSITORY}"

ANSWERS = [
    ("", "FullRepository"),
    ("/branches", ["ShortBranch"]),
    ("/branches/fix/1", "BranchWithProtection"),
    ("/compare/main...fix/1", "CommitComparison"),
    ("/commits", ["Commit"]),
    ("/commits/fix/1", "Commit"),
    ("/commits/{sha}/pulls", ["PullRequestSimple"]),
    ("/commits/{sha}/comments", ["CommitComment"]),
    ("/commits/{sha}/status", "CombinedCommitStatus"),
    ("/commits/{sha}/check-runs", {"check_runs": "CheckRun"}),
    ("/commits/{sha}/check-suites", {"check_suites": "CheckSuite"}),
    ("/check-runs/{job}", "CheckRun"),
    ("/check-runs/{job}/annotations", ["CheckAnnotation"]),
    ("/check-suites/{suite}", "CheckSuite"),
    ("/check-suites/{suite}/check-runs", {"check_runs": "CheckRun"}),
    ("/contents/app.py", "ContentFile"),
    ("/contents", ["ContentDirectoryItems"]),
    ("/git/ref/heads/fix/1", "GitRef"),
    ("/git/matching-refs/heads/", ["GitRef"]),
    ("/git/commits/{sha}", "GitCommit"),
    ("/git/trees/{sha}?recursive=1", "GitTree"),
    ("/git/blobs/{blob}", "Blob"),
    ("/collaborators/dev/permission", "RepositoryCollaboratorPermission"),
    ("/actions/runs", {"workflow_runs": "WorkflowRun"}),
    ("/actions/runs/{run}", "WorkflowRun"),
    ("/actions/runs/{run}/attempts/1", "WorkflowRun"),
    ("/actions/runs/{run}/jobs", {"jobs": "Job"}),
    ("/actions/runs/{run}/attempts/1/jobs", {"jobs": "Job"}),
    ("/actions/jobs/{job}", "Job"),
    ("/actions/workflows", {"workflows": "Workflow"}),
    ("/actions/workflows/ci.yml", "Workflow"),
    ("/actions/workflows/ci.yml/runs", {"workflow_runs": "WorkflowRun"}),
    ("/rulesets/{ruleset}", "RepositoryRuleset"),
    ("/pulls", ["PullRequestSimple"]),
    ("/pulls/1", "PullRequest"),
    ("/pulls/1/files", ["DiffEntry"]),
    ("/pulls/1/commits", ["Commit"]),
    ("/issues/1", "Issue"),
    ("/issues/1/comments", ["IssueComment"]),
    ("/issues/comments/{comment}", "IssueComment"),
    ("/issues/1/labels", ["Label"]),
    ("/hooks", ["Hook"]),
    ("/hooks/{hook}", "Hook"),
    ("/hooks/{hook}/deliveries", ["HookDeliveryItem"]),
    ("/hooks/{hook}/deliveries/{delivery}", "HookDelivery"),
]

EVENTS = {
    ("check_run", "completed"): "WebhookCheckRunCompleted",
    ("check_run", "created"): "WebhookCheckRunCreated",
    ("check_suite", "completed"): "WebhookCheckSuiteCompleted",
    ("commit_comment", "created"): "WebhookCommitCommentCreated",
    ("merge_group", "checks_requested"): "WebhookMergeGroupChecksRequested",
    ("issue_comment", "created"): "WebhookIssueCommentCreated",
    ("issue_comment", "edited"): "WebhookIssueCommentEdited",
    ("ping", None): "WebhookPing",
    ("pull_request", "closed"): "WebhookPullRequestClosed",
    ("pull_request", "edited"): "WebhookPullRequestEdited",
    ("pull_request", "labeled"): "WebhookPullRequestLabeled",
    ("pull_request", "opened"): "WebhookPullRequestOpened",
    ("pull_request", "reopened"): "WebhookPullRequestReopened",
    ("pull_request", "synchronize"): "WebhookPullRequestSynchronize",
    ("push", None): "WebhookPush",
    ("workflow_job", "completed"): "WebhookWorkflowJobCompleted",
    ("workflow_job", "in_progress"): "WebhookWorkflowJobInProgress",
    ("workflow_job", "queued"): "WebhookWorkflowJobQueued",
    ("workflow_run", "completed"): "WebhookWorkflowRunCompleted",
    ("workflow_run", "in_progress"): "WebhookWorkflowRunInProgress",
    ("workflow_run", "requested"): "WebhookWorkflowRunRequested",
}


A_RULESET = {
    "name": "guard",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["refs/heads/release/**"], "exclude": []}},
    "rules": [{"type": "creation"}],
}


async def eventful_life(hub: LocalHub, api: Api, receiver: Receiver) -> dict[str, Any]:
    """Makes everything there is once; returns ids by which it can be asked for."""
    hook = hub.add_webhook(REPOSITORY, receiver.url, "secret")
    sha = await hub.commit(REPOSITORY, "fix/1", RED, "Break it")
    await api.post(
        f"{REPO}/pulls", {"title": "One", "head": "fix/1", "base": "main", "body": "b", "draft": True}
    )
    comment = await api.post(f"{REPO}/issues/1/comments", {"body": "first"})
    await api.call("PATCH", f"{REPO}/issues/comments/{comment['id']}", {"body": "second"})
    await api.post(f"{REPO}/issues/1/labels", {"labels": ["ci-fix"]}, status=200)
    await api.post(f"{REPO}/commits/{sha}/comments", {"body": "about this commit"})
    await api.post(f"{REPO}/statuses/{sha}", {"state": "failure", "context": "license/cla"})
    ruleset = await api.post(f"{REPO}/rulesets", A_RULESET)
    await hub.idle()
    run = await api.run_of(sha, event="pull_request")
    jobs = await api.jobs_of(run)
    await hub.enqueue(REPOSITORY, 1)
    for change in ({"state": "closed"}, {"state": "open"}, {"title": "Two"}):
        await api.call("PATCH", f"{REPO}/pulls/1", change)
    await hub.idle()
    return {
        "sha": sha,
        "run": run["id"],
        "suite": run["check_suite_id"],
        "job": jobs[0]["id"],
        "comment": comment["id"],
        "hook": hook.id,
        "ruleset": ruleset["id"],
        "delivery": hook.deliveries[0].id,
        "blob": (await api.get(f"{REPO}/contents/app.py"))["sha"],
    }


async def test_every_answer_is_what_github_describes(
    hub: LocalHub, api: Api, receiver: Receiver, schemas: Schemas
) -> None:
    ids = await eventful_life(hub, api, receiver)
    for path, shape in ANSWERS:
        answer = await api.get(REPO + path.format(**ids))
        if isinstance(shape, str):
            schemas.check(shape, answer)
            continue
        if isinstance(shape, dict):
            (key, name), *_ = shape.items()
            assert answer["total_count"] == len(answer[key])
            answer = answer[key]
        else:
            (name,) = shape
        assert answer, path
        for one in answer:
            schemas.check(name, one)


async def test_every_event_is_what_github_describes(
    hub: LocalHub, api: Api, receiver: Receiver, schemas: Schemas
) -> None:
    await eventful_life(hub, api, receiver)
    await hub.commit(REPOSITORY, "fix/1", {"check.sh": GREEN["check.sh"]}, "Mend it")
    await hub.idle()
    seen = set()
    for event, body in receiver.events():
        kind = (event, body.get("action"))
        schemas.check(EVENTS[kind], body)
        seen.add(kind)
    assert seen == EVENTS.keys()
