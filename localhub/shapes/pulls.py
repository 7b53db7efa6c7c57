"""Pull requests, their comments and labels as GitHub shows them."""

from localhub.merging import mergeable_state
from localhub.records import Account, Comment, Json, Label, PullRequest, Repository, optional_stamp, stamp
from localhub.shapes.commits import association, reactions
from localhub.shapes.people import integration, simple_user
from localhub.shapes.repositories import api_url, html_url, repository_with_counts
from localhub.state import Hub


def label(hub: Hub, repository: Repository, one: Label) -> Json:
    """A label."""
    return {
        "id": one.id,
        "node_id": f"LA_{one.id}",
        "url": f"{api_url(hub, repository)}/labels/{one.name}",
        "name": one.name,
        "description": None,
        "color": one.color,
        "default": False,
        "archived_at": None,
        "archived_by": None,
    }


def minimal_pull(hub: Hub, pull: PullRequest) -> Json:
    """A pull request as runs and checks refer to it."""
    repository = pull.repository
    url = api_url(hub, repository)
    repo = {"id": repository.id, "url": url, "name": repository.name}
    return {
        "url": f"{url}/pulls/{pull.number}",
        "id": pull.id,
        "number": pull.number,
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": repo},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": repo},
    }


def _side(hub: Hub, pull: PullRequest, ref: str, sha: str) -> Json:
    owner = pull.repository.owner
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": simple_user(hub, owner),
        "repo": {
            **repository_with_counts(hub, pull.repository),
            "allow_auto_merge": pull.repository.allow_auto_merge,
            "delete_branch_on_merge": False,
        },
    }


def pull_request_summary(hub: Hub, pull: PullRequest) -> Json:
    """A pull request as the list shows it."""
    repository = pull.repository
    url = f"{api_url(hub, repository)}/pulls/{pull.number}"
    issue = f"{api_url(hub, repository)}/issues/{pull.number}"
    page = f"{html_url(hub, repository)}/pull/{pull.number}"
    statuses = f"{api_url(hub, repository)}/statuses/{pull.head_sha}"
    links = {
        "self": url,
        "html": page,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api_url(hub, repository)}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    return {
        "url": url,
        "id": pull.id,
        "node_id": f"PR_{pull.id}",
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": statuses,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "title": pull.title,
        "user": simple_user(hub, pull.user),
        "body": pull.body,
        "labels": [label(hub, repository, one) for one in pull.labels],
        "milestone": None,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": optional_stamp(pull.closed_at),
        "merged_at": optional_stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [simple_user(hub, one) for one in pull.reviewers],
        "requested_teams": [],
        "head": _side(hub, pull, pull.head_ref, pull.head_sha),
        "base": _side(hub, pull, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": target} for name, target in links.items()},
        "author_association": association(repository, pull.user.login),
        "auto_merge": _auto_merge(hub, pull),
        "draft": pull.draft,
    }


def _auto_merge(hub: Hub, pull: PullRequest) -> Json | None:
    if pull.auto_merge is None:
        return None
    return {
        "enabled_by": simple_user(hub, pull.auto_merge.enabled_by),
        "merge_method": pull.auto_merge.method,
        "commit_title": f"{pull.title} (#{pull.number})",
        "commit_message": "",
    }


def pull_request(hub: Hub, pull: PullRequest) -> Json:
    """A pull request as its own endpoint and its events show it."""
    comments = sum(comment.issue_number == pull.number for comment in pull.repository.comments.values())
    mergeable = None if pull.state == "closed" else True
    return {
        **pull_request_summary(hub, pull),
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": mergeable_state(pull),
        "merged_by": simple_user(hub, pull.merged_by) if pull.merged_by else None,
        "comments": comments,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(pull.commits),
        "additions": sum(change.additions for change in pull.files),
        "deletions": sum(change.deletions for change in pull.files),
        "changed_files": len(pull.files),
    }


def review(hub: Hub, pull: PullRequest, review_id: int, by: Account) -> Json:
    """An approving review."""
    repository = pull.repository
    page = f"{html_url(hub, repository)}/pull/{pull.number}"
    url = f"{api_url(hub, repository)}/pulls/{pull.number}"
    links = {"html": {"href": f"{page}#pullrequestreview-{review_id}"}, "pull_request": {"href": url}}
    return {
        "id": review_id,
        "node_id": f"PRR_{review_id}",
        "user": simple_user(hub, by),
        "body": "",
        "state": "APPROVED",
        "html_url": links["html"]["href"],
        "pull_request_url": url,
        "author_association": association(repository, by.login),
        "_links": links,
        "submitted_at": stamp(pull.updated_at),
        "commit_id": pull.head_sha,
    }


def issue(hub: Hub, pull: PullRequest) -> Json:
    """A pull request seen as an issue, as comment events carry it."""
    repository = pull.repository
    url = f"{api_url(hub, repository)}/issues/{pull.number}"
    page = f"{html_url(hub, repository)}/pull/{pull.number}"
    comments = sum(comment.issue_number == pull.number for comment in repository.comments.values())
    return {
        "url": url,
        "repository_url": api_url(hub, repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": page,
        "id": pull.id,
        "node_id": f"PR_{pull.id}",
        "number": pull.number,
        "title": pull.title,
        "user": simple_user(hub, pull.user),
        "labels": [label(hub, repository, one) for one in pull.labels],
        "state": pull.state,
        "state_reason": None,
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": comments,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": optional_stamp(pull.closed_at),
        "author_association": association(repository, pull.user.login),
        "active_lock_reason": None,
        "draft": pull.draft,
        "pull_request": {
            "url": f"{api_url(hub, repository)}/pulls/{pull.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": optional_stamp(pull.merged_at),
        },
        "body": pull.body,
        "reactions": reactions(url),
        "performed_via_github_app": integration(hub, pull.app) if pull.app else None,
    }


def issue_comment(hub: Hub, repository: Repository, comment: Comment) -> Json:
    """A comment on a pull request."""
    url = f"{api_url(hub, repository)}/issues/comments/{comment.id}"
    page = f"{html_url(hub, repository)}/pull/{comment.issue_number}"
    return {
        "url": url,
        "html_url": f"{page}#issuecomment-{comment.id}",
        "issue_url": f"{api_url(hub, repository)}/issues/{comment.issue_number}",
        "id": comment.id,
        "node_id": f"IC_{comment.id}",
        "user": simple_user(hub, comment.user),
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": association(repository, comment.user.login),
        "body": comment.body,
        "reactions": reactions(url),
        "performed_via_github_app": integration(hub, comment.app) if comment.app else None,
    }
