"""The GraphQL API, as far as there is no other way: the one mutation that enables auto-merge."""

from typing import Any, Final

from starlette.responses import JSONResponse, Response

from localhub.merging import mergeable_state
from localhub.records import AutoMerge, PullRequest
from localhub.rest.routing import ApiError, Call, Routes
from localhub.tokens import allows, can_see

routes = Routes()

_MUTATION: Final = "enablePullRequestAutoMerge"
_METHODS: Final = {"MERGE": "merge commits", "SQUASH": "squash merges", "REBASE": "rebase merges"}


@routes.plain("POST", "/graphql")
@routes.plain("POST", "/api/graphql")
async def answer(call: Call) -> Response:
    """Carry out the mutation; what it refuses is told with the status of a success."""
    if call.token is None:
        raise ApiError(401, "This endpoint requires you to be authenticated.")
    query = call.given("query", str)
    if query is None:
        said = "A query attribute must be specified and must be a string."
        return JSONResponse({"errors": [{"message": said}]})
    if _MUTATION not in query:
        problem = {"message": "Only one mutation is known here", "extensions": {"code": "undefinedField"}}
        return JSONResponse({"errors": [problem]})
    given = call.given("variables", dict, {}).get("input") or {}
    refused = _enable(call, given)
    if refused is None:
        return JSONResponse({"data": {_MUTATION: {"clientMutationId": given.get("clientMutationId")}}})
    kind, message = refused
    error = {
        "type": kind,
        "path": [_MUTATION],
        "locations": [{"line": 1, "column": 1}],
        "message": message,
    }
    return JSONResponse({"data": {_MUTATION: None}, "errors": [error]})


def _enable(call: Call, given: dict[str, Any]) -> tuple[str, str] | None:
    """Enable auto-merge; the type and text of the error where it is refused."""
    node = str(given.get("pullRequestId", ""))
    pull = next(
        (
            one
            for repository in call.hub.repositories.values()
            if can_see(call.token, repository)
            for one in repository.pulls.values()
            if f"PR_{one.id}" == node
        ),
        None,
    )
    if pull is None:
        return "NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'"
    needed = ("contents", "pull_requests")
    if not all(allows(call.token, pull.repository, each, "write") for each in needed):
        return "FORBIDDEN", "Resource not accessible by integration"
    method = str(given.get("mergeMethod", "MERGE"))
    said = _objection(pull, method, given.get("expectedHeadOid"))
    if said is not None:
        return "UNPROCESSABLE", said
    pull.auto_merge = AutoMerge(call.caller, method.lower())
    return None


def _objection(pull: PullRequest, method: str, head: str | None) -> str | None:
    repository = pull.repository
    way = _METHODS.get(method, method)
    objections = (
        (not repository.allow_auto_merge, "Pull request Auto merge is not allowed for this repository"),
        (
            method.lower() not in repository.merge_methods,
            f"Merge method {way} are not allowed on this repository",
        ),
        (head not in {None, pull.head_sha}, "Head branch was modified. Review and try the merge again."),
        (pull.draft, "Pull Request is still a draft"),
        (pull.state == "closed", "Pull request is closed"),
        (mergeable_state(pull) == "clean", "Pull request Pull request is in clean status"),
    )
    return next((said for applies, said in objections if applies), None)
