"""Rulesets: which branches may be written how, and the refusal where they may not."""

from typing import Any

from starlette.responses import JSONResponse, Response

from localhub.merging import active_rules
from localhub.records import Json, Ruleset, TokenKind, stamp
from localhub.rest.routing import ApiError, Call, Routes, not_found
from localhub.shapes.repositories import api_url, html_url

routes = Routes()

_HEADS = "refs/heads/"
_SAID = {
    "creation": "Cannot create ref due to creations being restricted.",
    "update": "Cannot update this protected ref.",
    "required_signatures": "Commits must have verified signatures.",
    "pull_request": "Changes must be made through a pull request.",
}


def _shown(call: Call, ruleset: Ruleset) -> Json:
    repository = call.repository
    link = f"{api_url(call.hub, repository)}/rulesets/{ruleset.id}"
    return {
        "id": ruleset.id,
        "name": ruleset.name,
        "target": "branch",
        "source_type": "Repository",
        "source": repository.full_name,
        "enforcement": ruleset.enforcement,
        "bypass_actors": list(ruleset.bypass_actors),
        "node_id": f"RRS_{ruleset.id}",
        "_links": {
            "self": {"href": link},
            "html": {"href": f"{html_url(call.hub, repository)}/rules/{ruleset.id}"},
        },
        "conditions": {"ref_name": {"include": list(ruleset.include), "exclude": list(ruleset.exclude)}},
        "rules": list(ruleset.rules),
        "created_at": stamp(ruleset.created_at),
        "updated_at": stamp(ruleset.created_at),
    }


async def guard_ref(call: Call, ref: str, old: str | None, new: str) -> None:
    """Refuse to create a branch (`old` None) or move one where a rule forbids it.

    Raises:
        ApiError: It does, and the caller may not bypass it.
    """
    if not ref.startswith(_HEADS):
        return
    repository = call.repository
    kinds = {
        rule["type"]
        for ruleset, rule in active_rules(repository, ref.removeprefix(_HEADS))
        if not _may_bypass(call, ruleset)
    }
    broken = kinds & ({"creation"} if old is None else {"update", "pull_request"})
    if "required_signatures" in kinds:
        known = old or await repository.git.ref(_HEADS + repository.default_branch)
        added = await repository.git.commits(known, new)
        broken |= {"required_signatures"} if any(one.sha not in repository.signed for one in added) else set()
    if broken:
        said = "\n".join(_SAID[kind] for kind in sorted(broken))
        raise ApiError(422, f"Repository rule violations found\n\n{said}\n\n")


def _may_bypass(call: Call, ruleset: Ruleset) -> bool:
    app = call.calling_app
    return app is not None and any(
        actor.get("actor_type") == "Integration" and actor.get("actor_id") == app.id
        for actor in ruleset.bypass_actors
    )


def is_signed(call: Call, *, author_given: bool) -> bool:
    """Whether GitHub signs a commit written by the API: a bot's, as long as it names no author."""
    kind = call.token.kind if call.token else None
    return kind in {TokenKind.INSTALLATION, TokenKind.RUN} and not author_given


def _list(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else ()


@routes.repository("POST", "/rulesets", "administration")
async def create_ruleset(call: Call) -> Response:
    """Make a ruleset for branches."""
    names: Json = call.given("conditions", dict, {}).get("ref_name", {})
    ruleset = Ruleset(
        id=call.hub.new_id(),
        name=call.required("name"),
        enforcement=call.required("enforcement"),
        include=_list(names.get("include")),
        exclude=_list(names.get("exclude")),
        rules=_list(call.given("rules", list, [])),
        bypass_actors=_list(call.given("bypass_actors", list, [])),
    )
    call.repository.rulesets[ruleset.id] = ruleset
    return JSONResponse(_shown(call, ruleset), 201)


@routes.repository("GET", "/rulesets/{ruleset_id}", "metadata")
async def get_ruleset(call: Call) -> Response:
    """One ruleset."""
    ruleset = call.repository.rulesets.get(call.number("ruleset_id"))
    if ruleset is None:
        raise not_found()
    return JSONResponse(_shown(call, ruleset))


@routes.repository("GET", "/rules/branches/{branch:path}", "metadata")
async def list_branch_rules(call: Call) -> Response:
    """The active rules for a branch."""
    source = {"ruleset_source_type": "Repository", "ruleset_source": call.repository.full_name}
    found = active_rules(call.repository, call.path("branch"))
    return call.page([{**rule, **source, "ruleset_id": ruleset.id} for ruleset, rule in found])
