"""Pull requests, comments and labels."""

from starlette.responses import JSONResponse, Response

from localhub.git import EMPTY_TREE, Signature
from localhub.merging import mergeable_state
from localhub.records import Account, Comment, Label, PullRequest, Repository, now
from localhub.rest.routing import ApiError, Call, Routes, invalid, not_found
from localhub.shapes.commits import commit_summary, diff_entry
from localhub.shapes.pulls import issue, issue_comment, label, pull_request, pull_request_summary, review

routes = Routes()


def _pull(call: Call) -> PullRequest:
    pull = call.repository.pulls.get(call.number("number"))
    if pull is None:
        raise not_found()
    return pull


def _refused(message: str) -> ApiError:
    errors = [{"resource": "PullRequest", "code": "custom", "message": message}]
    return ApiError(422, "Validation Failed", errors=errors)


def _branch(repository: Repository, text: str) -> str:
    """The branch that `branch` or `owner:branch` names."""
    owner, colon, name = text.partition(":")
    return name if colon and owner == repository.owner.login else text


# ── pull requests ───────────────────────────────────────────────────────────────────────────────────────────


@routes.repository("GET", "/pulls", "pull_requests")
async def list_pulls(call: Call) -> Response:
    """Pull requests, newest first."""
    state, base = call.query("state", "open"), call.query("base")
    head = call.query("head")
    found = [
        pull
        for pull in reversed(call.repository.pulls.values())
        if state in {"all", pull.state}
        and base in {"", pull.base_ref}
        and head in {"", f"{call.repository.owner.login}:{pull.head_ref}"}
    ]
    return call.page([pull_request_summary(call.hub, pull) for pull in found])


@routes.repository("POST", "/pulls", "pull_requests")
async def create_pull(call: Call) -> Response:
    """Open a pull request from one branch to another."""
    repository, git = call.repository, call.repository.git
    title: str = call.required("title")
    head = _branch(repository, call.required("head"))
    base = _branch(repository, call.required("base"))
    async with repository.lock:
        head_sha, base_sha = await git.ref(f"refs/heads/{head}"), await git.ref(f"refs/heads/{base}")
        if head_sha is None or base_sha is None:
            raise invalid("PullRequest", "base" if head_sha else "head")
        for pull in repository.pulls.values():
            if pull.state == "open" and (pull.head_ref, pull.base_ref) == (head, base):
                raise _refused(f"A pull request already exists for {repository.owner.login}:{head}.")
        if await git.is_ancestor(head_sha, base_sha):
            raise _refused(f"No commits between {base} and {head}")
        pull = PullRequest(
            id=call.hub.new_id(),
            number=next(repository.numbers),
            repository=repository,
            title=title,
            body=call.given("body", str),
            user=call.caller,
            head_ref=head,
            head_sha=head_sha,
            base_ref=base,
            base_sha=base_sha,
            draft=call.given("draft", bool, default=False),
            app=call.calling_app,
        )
        repository.pulls[pull.number] = pull
        await call.services.triggers.refresh(pull)
        await call.services.triggers.pull_request(pull, "opened", call.caller, starts_runs=_starts_runs(call))
    shown = pull_request(call.hub, pull)
    return JSONResponse(shown, 201, {"Location": shown["url"]})


def _starts_runs(call: Call) -> bool:
    return call.token is None or call.token.kind != "run"


@routes.repository("GET", "/pulls/{number}", "pull_requests")
async def get_pull(call: Call) -> Response:
    """One pull request, or its diff."""
    pull = _pull(call)
    if call.accepts("diff"):
        git = pull.repository.git
        base = await git.merge_base(pull.base_sha, pull.head_sha)
        text = await git.diff(base or EMPTY_TREE, pull.head_sha)
        return Response(text, media_type="application/vnd.github.diff; charset=utf-8")
    return JSONResponse(pull_request(call.hub, pull))


@routes.repository("PATCH", "/pulls/{number}", "pull_requests")
async def update_pull(call: Call) -> Response:
    """Change a pull request's title, text or state."""
    pull = _pull(call)
    triggers = call.services.triggers
    title, body = call.given("title", str, pull.title), call.given("body", str, pull.body)
    state = call.given("state", str, pull.state)
    if state not in {"open", "closed"}:
        raise invalid("PullRequest", "state")
    async with call.repository.lock:
        if (title, body) != (pull.title, pull.body):
            changes = {
                name: {"from": was}
                for name, was, value in (("title", pull.title, title), ("body", pull.body, body))
                if was != value
            }
            pull.title, pull.body, pull.updated_at = title, body, now()
            await triggers.pull_request(
                pull, "edited", call.caller, starts_runs=_starts_runs(call), changes=changes
            )
        if state == "closed" and pull.state == "open":
            triggers.close(pull, call.caller)
        elif state == "open" and pull.state == "closed":
            if pull.merged_at or await pull.repository.git.ref(f"refs/heads/{pull.head_ref}") is None:
                raise invalid("PullRequest", "state")
            pull.state, pull.closed_at, pull.updated_at = "open", None, now()
            await triggers.pull_request(pull, "reopened", call.caller, starts_runs=_starts_runs(call))
    return JSONResponse(pull_request(call.hub, pull))


@routes.repository("GET", "/pulls/{number}/files", "pull_requests")
async def list_files(call: Call) -> Response:
    """The files a pull request changes."""
    pull = _pull(call)
    return call.page([diff_entry(call.hub, call.repository, change, pull.head_sha) for change in pull.files])


@routes.repository("GET", "/pulls/{number}/commits", "pull_requests")
async def list_pull_commits(call: Call) -> Response:
    """The commits of a pull request, oldest first."""
    return call.page([commit_summary(call.hub, call.repository, commit) for commit in _pull(call).commits])


@routes.repository("PUT", "/pulls/{number}/merge", "contents")
async def merge_pull(call: Call) -> Response:
    """Merge a pull request."""
    pull = _pull(call)
    method = call.given("merge_method", str, "merge")
    async with call.repository.lock:
        if call.given("sha", str, pull.head_sha) != pull.head_sha:
            raise ApiError(409, "Head branch was modified. Review and try the merge again.")
        sha = await _merge(call, pull, method, call.caller, call.given("commit_title", str))
    return JSONResponse({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


async def _merge(call: Call, pull: PullRequest, method: str, by: Account, title: str | None = None) -> str:
    """Merge a pull request; the commit that did. The caller holds the repository's lock."""
    git = call.repository.git
    if pull.state == "closed" or pull.draft:
        raise ApiError(
            405, "Pull Request is still a draft" if pull.draft else "Pull Request is not mergeable"
        )
    tree = await git.merged_tree(pull.base_sha, pull.head_sha)
    if tree is None:
        raise ApiError(405, "Pull Request is not mergeable")
    login = call.repository.owner.login
    default = f"Merge pull request #{pull.number} from {login}/{pull.head_ref}\n\n{pull.title}"
    message = title or (default if method == "merge" else pull.title)
    who = Signature(by.login, by.email, now())
    parents = [pull.base_sha, pull.head_sha] if method == "merge" else [pull.base_sha]
    before = await git.refs()
    sha = await git.write_commit(tree, parents, message, who, who)
    await git.update_ref(f"refs/heads/{pull.base_ref}", sha, pull.base_sha)
    pull.merged_at, pull.merged_by, pull.merge_commit_sha = now(), by, sha
    call.services.triggers.close(pull, by)
    kind = call.token.kind if call.token else None
    await call.services.triggers.refs_changed(call.repository, before, by, kind=kind)
    return sha


@routes.repository("POST", "/pulls/{number}/reviews", "pull_requests")
async def create_review(call: Call) -> Response:
    """Approve a pull request; where that was all that its rules asked for, auto-merge merges it."""
    pull = _pull(call)
    if call.required("event") != "APPROVE":
        raise _refused("Only approving reviews are known here.")
    if call.caller == pull.user:
        raise ApiError(422, "Unprocessable Entity", errors=["Review Can not approve your own pull request"])
    async with call.repository.lock:
        pull.approvals.add(call.caller.login)
        if pull.auto_merge is not None and mergeable_state(pull) == "clean":
            await _merge(call, pull, pull.auto_merge.method, pull.auto_merge.enabled_by)
    return JSONResponse(review(call.hub, pull, call.hub.new_id(), call.caller))


# ── comments and labels ─────────────────────────────────────────────────────────────────────────────────────


@routes.repository("GET", "/issues/{number}", "issues|pull_requests")
async def get_issue(call: Call) -> Response:
    """A pull request seen as an issue."""
    return JSONResponse(issue(call.hub, _pull(call)))


@routes.repository("GET", "/issues/{number}/comments", "issues|pull_requests")
async def list_comments(call: Call) -> Response:
    """The comments on a pull request, oldest first."""
    number = _pull(call).number
    found = [one for one in call.repository.comments.values() if one.issue_number == number]
    return call.page([issue_comment(call.hub, call.repository, one) for one in found])


@routes.repository("POST", "/issues/{number}/comments", "issues|pull_requests")
async def create_comment(call: Call) -> Response:
    """Comment on a pull request."""
    pull = _pull(call)
    body = call.required("body")
    comment = Comment(call.hub.new_id(), call.caller, body, issue_number=pull.number, app=call.calling_app)
    call.repository.comments[comment.id] = comment
    call.services.events.issue_comment(pull, comment, "created", call.caller)
    shown = issue_comment(call.hub, call.repository, comment)
    return JSONResponse(shown, 201, {"Location": shown["url"]})


def _comment(call: Call) -> tuple[PullRequest, Comment]:
    comment = call.repository.comments.get(call.number("comment_id"))
    pull = call.repository.pulls.get(comment.issue_number or 0) if comment else None
    if comment is None or pull is None:
        raise not_found()
    return pull, comment


@routes.repository("GET", "/issues/comments/{comment_id}", "issues|pull_requests")
async def get_comment(call: Call) -> Response:
    """One comment."""
    return JSONResponse(issue_comment(call.hub, call.repository, _comment(call)[1]))


@routes.repository("PATCH", "/issues/comments/{comment_id}", "issues|pull_requests")
async def update_comment(call: Call) -> Response:
    """Edit a comment."""
    pull, comment = _comment(call)
    was, comment.body, comment.updated_at = comment.body, call.required("body"), now()
    call.services.events.issue_comment(pull, comment, "edited", call.caller, was=was)
    return JSONResponse(issue_comment(call.hub, call.repository, comment))


@routes.repository("POST", "/pulls/{number}/requested_reviewers", "pull_requests")
async def request_reviewers(call: Call) -> Response:
    """Ask collaborators to review; GitHub refuses its author, and whoever has no access."""
    pull, repository = _pull(call), call.repository
    for login in call.required("reviewers", list):
        if login not in repository.collaborators or login == pull.user.login:
            raise _refused(f"Reviews may only be requested from collaborators. {login} is not one.")
        account = call.hub.account(login)
        if account not in pull.reviewers:
            pull.reviewers.append(account)
            pull.updated_at = now()
    return JSONResponse(pull_request_summary(call.hub, pull), 201)


@routes.repository("GET", "/issues/{number}/labels", "issues|pull_requests")
async def list_labels(call: Call) -> Response:
    """The labels of a pull request."""
    return call.page([label(call.hub, call.repository, one) for one in _pull(call).labels])


@routes.repository("POST", "/issues/{number}/labels", "issues|pull_requests")
async def add_labels(call: Call) -> Response:
    """Add labels to a pull request; unknown ones are made."""
    pull, repository = _pull(call), call.repository
    for name in call.required("labels", list):
        if not isinstance(name, str) or not name:
            raise invalid("Label", "name")
        one = repository.labels.get(name.lower())
        if one is None:
            one = repository.labels[name.lower()] = Label(call.hub.new_id(), name)
        if one not in pull.labels:
            pull.labels.append(one)
            pull.updated_at = now()
            call.services.events.labeled(pull, one, call.caller)
    return JSONResponse([label(call.hub, repository, one) for one in pull.labels])
