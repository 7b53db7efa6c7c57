"""The fix pull request: one per run, found again by its branch and marker."""

import asyncio
from dataclasses import replace

from activities.adapters.github import GitHub, PullRequestRecord
from activities.errors import PermanentError
from activities.publishing.ci_start import OPENED, PUSHED, Fix, Start, plan
from activities.publishing.secrets import refuse_secrets
from activities.publishing.wording import pull_request_body, pull_request_title
from workflows import naming
from workflows.models import PullRequest, PullRequestRequest

_RECENT = 20


async def open_pull_request(github: GitHub, request: PullRequestRequest) -> PullRequest:
    """Open the fix pull request, or bring the one there is up to date. A closed one stays closed."""
    found = await _find(github, request)
    start = await _start(github, request, found)
    title, body = pull_request_title(request), pull_request_body(request, start.base)
    refuse_secrets(title, body)
    if found is None:
        try:
            return as_pull_request(await _create(github, request, start, title, body), start.obstacle)
        except PermanentError as error:
            if error.kind != "invalid":
                raise
            # It may be there by now: our own lost request, or a person who was faster.
            found = await _find(github, request)
            if found is None:
                raise await _overtaken(github, request, start, error) from None
    if found.state == "open" and (found.title, _normal(found.body)) != (title, _normal(body)):
        found = await github.update_pull_request(request.repository, found.number, title=title, body=body)
    return as_pull_request(found, start.obstacle)


async def close_pull_request(github: GitHub, repository: str, number: int) -> PullRequest:
    """Close a pull request that is open."""
    found = await github.get_pull_request(repository, number)
    if found.state == "open":
        found = await github.update_pull_request(repository, number, state="closed")
    return as_pull_request(found)


def as_pull_request(found: PullRequestRecord, ci_obstacle: str = "") -> PullRequest:
    """The payload for a record."""
    return PullRequest(
        number=found.number,
        url=found.html_url,
        state=found.state,
        merged=found.merged,
        base_branch=found.base_branch,
        ci_obstacle=ci_obstacle,
    )


async def _start(github: GitHub, request: PullRequestRequest, found: PullRequestRecord | None) -> Start:
    """How to open the pull request so that CI starts; of one that is there, whether it will."""
    bases = (request.base_branch, *request.other_bases) if found is None else (found.base_branch,)
    if request.head_sha is None or not request.workflow_path:
        return Start(bases[0])
    content, state = await asyncio.gather(
        github.get_file(request.repository, request.workflow_path, request.head_sha),
        github.get_workflow_state(request.repository, request.workflow_id),
    )
    fix = Fix(
        branch=naming.fix_branch(request.run_id),
        paths=request.proposal.files,
        happens=OPENED if found is None else PUSHED,
    )
    # In a thread: the file is a stranger's, and reading it may take its time.
    start = Start(bases[0]) if content is None else await asyncio.to_thread(plan, content, fix, bases)
    if state not in {"active", None}:
        return replace(start, obstacle=f"The workflow is switched off at GitHub ({state}); enable it there.")
    return start


async def _overtaken(
    github: GitHub, request: PullRequestRequest, start: Start, error: PermanentError
) -> PermanentError:
    """Why there is nothing to open a pull request from or against; the error itself where that is not why."""
    base, head = await asyncio.gather(
        github.get_branch_tip(request.repository, start.base),
        github.get_branch_tip(request.repository, naming.fix_branch(request.run_id)),
    )
    if base is None:
        return PermanentError(f"`{start.base}` was deleted before the pull request", kind="base_deleted")
    if head is None:
        return PermanentError("the fix branch was deleted before its pull request", kind="fix_branch_deleted")
    if "no commits between" in str(error).lower():
        return PermanentError(f"`{start.base}` holds the fix already", kind="fix_contained")
    return error


async def _find(github: GitHub, request: PullRequestRequest) -> PullRequestRecord | None:
    listed = await github.list_pull_requests(
        request.repository, naming.fix_branch(request.run_id), limit=_RECENT
    )
    ours = [each for each in listed if naming.parse_marker(each.body) == request.run_id]
    return next((each for each in ours if each.state == "open"), ours[0] if ours else None)


async def _create(
    github: GitHub, request: PullRequestRequest, start: Start, title: str, body: str
) -> PullRequestRecord:
    head = naming.fix_branch(request.run_id)
    draft = start.draft and request.draft
    try:
        return await github.create_pull_request(
            request.repository, head=head, base=start.base, title=title, body=body, draft=draft
        )
    except PermanentError as error:
        if error.kind != "invalid" or not draft or "draft" not in str(error).lower():
            raise
    # Some plans have no drafts.
    return await github.create_pull_request(
        request.repository, head=head, base=start.base, title=title, body=body, draft=False
    )


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
