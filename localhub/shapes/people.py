"""Accounts and apps as GitHub shows them."""

from localhub.records import Account, AccountType, App, Installation, Json, optional_stamp, stamp
from localhub.state import Hub

_USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


def simple_user(hub: Hub, account: Account) -> Json:
    """An account, in the short form found inside other objects."""
    url = f"{hub.url}/users/{account.login}"
    page = account.login.removesuffix("[bot]")
    bot = account.type is AccountType.BOT
    return {
        "login": account.login,
        "id": account.id,
        "node_id": f"U_{account.id}",
        "avatar_url": f"{hub.url}/avatars/{account.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{hub.url}/apps/{page}" if bot else f"{hub.url}/{page}",
        **{name: url + path for name, path in _USER_LINKS.items()},
        "type": account.type.value,
        "user_view_type": "public",
        "site_admin": False,
    }


def private_user(hub: Hub, account: Account) -> Json:
    """The caller's own account."""
    owned = [repository for repository in hub.repositories.values() if repository.owner == account]
    private = sum(repository.private for repository in owned)
    return {
        **simple_user(hub, account),
        "name": account.login,
        "company": None,
        "blog": "",
        "location": None,
        "email": account.email,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": len(owned) - private,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "private_gists": 0,
        "total_private_repos": private,
        "owned_private_repos": private,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
    }


def integration(hub: Hub, app: App) -> Json:
    """A GitHub App."""
    return {
        "id": app.id,
        "slug": app.slug,
        "client_id": f"Iv1.{app.id:016x}",
        "node_id": f"A_{app.id}",
        "owner": simple_user(hub, app.owner),
        "name": app.slug,
        "description": "",
        "external_url": hub.url,
        "html_url": f"{hub.url}/apps/{app.slug}",
        "created_at": stamp(app.created_at),
        "updated_at": stamp(app.created_at),
        "permissions": app.permissions,
        "events": list(app.events),
    }


def installation(hub: Hub, installed: Installation) -> Json:
    """An installation of an app."""
    url = f"{hub.url}/app/installations/{installed.id}"
    return {
        "id": installed.id,
        "account": simple_user(hub, installed.account),
        "repository_selection": "all" if installed.repositories is None else "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{hub.url}/installation/repositories",
        "html_url": f"{hub.url}/settings/installations/{installed.id}",
        "app_id": installed.app.id,
        "client_id": f"Iv1.{installed.app.id:016x}",
        "app_slug": installed.app.slug,
        "target_id": installed.account.id,
        "target_type": installed.account.type.value,
        "permissions": {**installed.app.permissions, "metadata": "read"},
        "events": list(installed.app.events),
        "created_at": stamp(installed.created_at),
        "updated_at": stamp(installed.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": optional_stamp(installed.suspended_at),
    }
