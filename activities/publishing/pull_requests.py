"""The fix pull request: one per run, found again by its branch and marker."""

from activities.adapters.github import GitHub, PullRequestRecord
from activities.errors import PermanentError
from activities.publishing.secrets import refuse_secrets
from activities.publishing.wording import pull_request_body, pull_request_title
from workflows import naming
from workflows.models import PullRequest, PullRequestRequest

_RECENT = 20


async def open_pull_request(github: GitHub, request: PullRequestRequest) -> PullRequest:
    """Open the fix pull request, or bring the one there is up to date. A closed one stays closed."""
    title, body = pull_request_title(request), pull_request_body(request)
    refuse_secrets(title, body)
    found = await _find(github, request)
    if found is None:
        try:
            return as_pull_request(await _create(github, request, title, body))
        except PermanentError as error:
            if error.kind != "invalid":
                raise
            # It may be there by now: our own lost request, or a person who was faster.
            found = await _find(github, request)
            if found is None:
                raise
    if found.state == "open" and (found.title, _normal(found.body)) != (title, _normal(body)):
        found = await github.update_pull_request(request.repository, found.number, title=title, body=body)
    return as_pull_request(found)


async def close_pull_request(github: GitHub, repository: str, number: int) -> PullRequest:
    """Close a pull request that is open."""
    found = await github.get_pull_request(repository, number)
    if found.state == "open":
        found = await github.update_pull_request(repository, number, state="closed")
    return as_pull_request(found)


def as_pull_request(found: PullRequestRecord) -> PullRequest:
    """The payload for a record."""
    return PullRequest(number=found.number, url=found.html_url, state=found.state, merged=found.merged)


async def _find(github: GitHub, request: PullRequestRequest) -> PullRequestRecord | None:
    listed = await github.list_pull_requests(
        request.repository, naming.fix_branch(request.run_id), limit=_RECENT
    )
    ours = [each for each in listed if naming.parse_marker(each.body) == request.run_id]
    return next((each for each in ours if each.state == "open"), ours[0] if ours else None)


async def _create(github: GitHub, request: PullRequestRequest, title: str, body: str) -> PullRequestRecord:
    head = naming.fix_branch(request.run_id)
    try:
        return await github.create_pull_request(
            request.repository,
            head=head,
            base=request.base_branch,
            title=title,
            body=body,
            draft=request.draft,
        )
    except PermanentError as error:
        if error.kind != "invalid" or not request.draft or "draft" not in str(error).lower():
            raise
    # Some plans have no drafts.
    return await github.create_pull_request(
        request.repository, head=head, base=request.base_branch, title=title, body=body, draft=False
    )


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
