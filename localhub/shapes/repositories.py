"""Repositories as GitHub shows them."""

from localhub.records import Account, Json, Repository, stamp
from localhub.shapes.people import simple_user
from localhub.state import Hub

_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def api_url(hub: Hub, repository: Repository) -> str:
    """Where the repository lives in the API."""
    return f"{hub.url}/repos/{repository.full_name}"


def html_url(hub: Hub, repository: Repository) -> str:
    """Where the repository lives on the web."""
    return f"{hub.url}/{repository.full_name}"


def minimal_repository(hub: Hub, repository: Repository) -> Json:
    """A repository, in the short form found inside runs."""
    url = api_url(hub, repository)
    return {
        "id": repository.id,
        "node_id": f"R_{repository.id}",
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "owner": simple_user(hub, repository.owner),
        "html_url": html_url(hub, repository),
        "description": None,
        "fork": False,
        "url": url,
        **{name: url + path for name, path in _LINKS.items()},
    }


def repository_with_counts(hub: Hub, repository: Repository) -> Json:
    """A repository as events and pull requests carry it."""
    page = html_url(hub, repository)
    open_pulls = sum(pull.state == "open" for pull in repository.pulls.values())
    return {
        **minimal_repository(hub, repository),
        "created_at": stamp(repository.created_at),
        "updated_at": stamp(repository.pushed_at),
        "pushed_at": stamp(repository.pushed_at),
        "git_url": page.replace("http://", "git://", 1) + ".git",
        "ssh_url": f"ssh://git@localhost/{repository.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "homepage": None,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "has_issues": True,
        "has_projects": False,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "has_pull_requests": True,
        "forks_count": 0,
        "mirror_url": None,
        "archived": repository.archived,
        "disabled": False,
        "open_issues_count": open_pulls,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if repository.private else "public",
        "forks": 0,
        "open_issues": open_pulls,
        "watchers": 0,
        "default_branch": repository.default_branch,
    }


def full_repository(hub: Hub, repository: Repository, caller: Account | None) -> Json:
    """A repository as its own endpoint shows it to `caller`."""
    role = repository.role(caller.login) if caller else "read"
    return {
        **repository_with_counts(hub, repository),
        "permissions": {
            "admin": role == "admin",
            "maintain": role == "admin",
            "push": role in {"admin", "write"},
            "triage": role in {"admin", "write"},
            "pull": True,
        },
        "allow_rebase_merge": "rebase" in repository.merge_methods,
        "allow_squash_merge": "squash" in repository.merge_methods,
        "allow_merge_commit": "merge" in repository.merge_methods,
        "allow_auto_merge": repository.allow_auto_merge,
        "delete_branch_on_merge": False,
        "custom_properties": {},
        "network_count": 0,
        "subscribers_count": 0,
    }
