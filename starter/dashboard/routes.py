"""The dashboard's addresses: pages for people, the same as JSON, and the forms that give orders."""

import logging
import re
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from importlib import resources
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from temporalio.client import Client

from starter.bodies import BodyReader, RefusedError
from starter.dashboard import wording
from starter.dashboard.access import COOKIE, SESSION, Doorkeeper, Visitor
from starter.dashboard.reading import (
    MOST_COUNTED,
    MOST_LISTED,
    Listing,
    Numbers,
    Period,
    Reader,
    Selection,
    Told,
)
from starter.metrics import EventCounts
from starter.remediations import RemediationEndedError, RemediationNotFoundError
from starter.settings import StarterSettings
from starter.terminal import plain
from starter.webhook import Verb, order_payload
from workflows import naming
from workflows.codec import PayloadKeyError
from workflows.connection import TemporalUnreachableError
from workflows.models import Outcome, Payload, Repository

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # not `no-referrer`, with which a browser would withhold the Origin of our own forms
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer: no script runs, whatever a log says, and no other page may frame this one."""

_ORDERS: Final = (Verb.APPROVE, Verb.REJECT, Verb.STOP)
_PATCH_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
_PLACE: Final = re.compile(r"/dashboard(?:/[A-Za-z0-9._-]+)*(?:\?[A-Za-z0-9._~=&%/-]*)?", re.ASCII)
"""Where a login may lead: into the dashboard, and nowhere else."""
_FORM_BYTES: Final = 8_192
_LONGEST_PAGE_NUMBER: Final = 4
_REPOSITORY: Final = TypeAdapter(Repository)
_NOTICES: Final = {
    Verb.APPROVE: "Approved. The patch is published next.",
    Verb.REJECT: "Rejected. The remediation ends.",
    Verb.STOP: "Stop was ordered. The remediation ends after its present step.",
}

_log: Final = logging.getLogger(__name__)


class _ProblemError(Exception):
    """What a visitor gets in place of a page."""

    def __init__(self, status: HTTPStatus, headline: str, advice: str) -> None:
        super().__init__(headline)
        self.status, self.headline, self.advice = status, headline, advice


def routes(settings: StarterSettings, client: Client, counts: EventCounts) -> list[Route]:
    """The dashboard's routes; closed ones, which say so, until somebody is allowed to read it.

    Args:
        settings: Who may come in, and where GitHub is.
        client: Where remediations run; it may be a lazy one.
        counts: What this process heard.
    """
    dashboard = _Dashboard(settings, client, counts)
    if not dashboard.door.is_open:
        return [Route("/dashboard{_:path}", _closed, methods=["GET", "POST"])]
    remediation = "/dashboard/remediations/{owner}/{name}/{run_id}"
    return [
        Route("/dashboard", dashboard.show_numbers),
        Route("/dashboard.json", dashboard.show_numbers),
        Route("/dashboard/remediations", dashboard.show_listing),
        Route(remediation, dashboard.show_remediation),
        Route(f"{remediation}/order", dashboard.take_order, methods=["POST"]),
        Route("/dashboard/login", dashboard.show_login),
        Route("/dashboard/login", dashboard.log_in, methods=["POST"]),
        Route("/dashboard/logout", dashboard.log_out, methods=["POST"]),
        Route("/dashboard/style.css", _asset("style.css", "text/css; charset=utf-8")),
        Route("/dashboard/icon.svg", _asset("icon.svg", "image/svg+xml")),
    ]


async def _closed(_request: Request) -> Response:
    advice = "The dashboard is off. REGREEN_DASHBOARD_TOKEN or REGREEN_DASHBOARD_PROXIES opens it.\n"
    return Response(advice, HTTPStatus.NOT_FOUND, HEADERS, "text/plain; charset=utf-8")


def _asset(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    content = resources.files("starter.dashboard").joinpath(name).read_bytes()

    async def give(_request: Request) -> Response:
        return Response(content, headers=HEADERS | {"Cache-Control": "max-age=300"}, media_type=media_type)

    return give


class _Dashboard:
    def __init__(self, settings: StarterSettings, client: Client, counts: EventCounts) -> None:
        self.door = Doorkeeper(settings)
        self._reader = Reader(client, counts)
        self._github = settings.github_url.rstrip("/")
        self._bodies = BodyReader(_FORM_BYTES)
        self._pages = _environment()

    # ── pages ───────────────────────────────────────────────────────────────────────────────────────────────

    async def show_numbers(self, request: Request) -> Response:
        async def answer(visitor: Visitor) -> Response:
            asked = request.query_params.get("period", Period.WEEK)
            if asked not in set(Period):
                raise _ProblemError(HTTPStatus.BAD_REQUEST, "No such period", f"One of {', '.join(Period)}.")
            numbers = await self._reader.numbers(Period(asked))
            if _wants_json(request):
                return self._json(_numbers_json(numbers))
            return self._page(
                "overview.html",
                visitor=visitor,
                here="overview",
                as_of=numbers.as_of,
                numbers=numbers,
                periods=tuple(Period),
                targets=wording.targets(numbers.statistics),
                stages=wording.funnel(numbers.statistics),
                outcomes=sorted(numbers.statistics.outcomes.items(), key=lambda item: -item[1]),
                waiting=len(numbers.awaiting) + len(numbers.handed_over),
                most_counted=MOST_COUNTED,
                decisions=wording.DECISIONS,
                reasons=wording.REASONS,
            )

        return await self._let_in(request, answer)

    async def show_listing(self, request: Request) -> Response:
        async def answer(visitor: Visitor) -> Response:
            repository = request.query_params.get("repository", "").strip()
            problem = "" if _is_repository(repository) else "A repository is written owner/name."
            selection = Selection(
                repository=repository if repository and not problem else None,
                outcome=_outcome(request.query_params.get("outcome", "")),
                page=_page_number(request.query_params.get("page", "1")),
            )
            if problem and _wants_json(request):
                raise _ProblemError(HTTPStatus.BAD_REQUEST, "No such repository", problem)
            listing = await self._reader.listing(selection)
            if _wants_json(request):
                return self._json(listing.model_dump(mode="json"))
            return self._page(
                "listing.html",
                HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
                visitor=visitor,
                here="listing",
                as_of=listing.as_of,
                listing=listing,
                asked_repository=repository,
                problem=problem,
                known_outcomes=tuple(Outcome),
                page_url=partial(_page_url, listing),
                most_listed=MOST_LISTED,
            )

        return await self._let_in(request, answer)

    async def show_remediation(self, request: Request) -> Response:
        async def answer(visitor: Visitor) -> Response:
            workflow_id = _workflow_id(**request.path_params)
            told = await self._reader.told(workflow_id)
            if _wants_json(request):
                return self._json(told.model_dump(mode="json"))
            said = request.query_params.get("said", "")
            return self._remediation(told, visitor, _NOTICES[Verb(said)] if said in _ORDERS else "")

        return await self._let_in(request, answer)

    def _remediation(self, told: Told, visitor: Visitor, notice: str) -> Response:
        seen, status = told.details.overview, told.status
        repository = f"{self._github}/{seen.repository}"
        lines, more = wording.diff_lines(status.proposal.diff if status.proposal else "")
        return self._page(
            "remediation.html",
            visitor=visitor,
            here="remediation",
            as_of=told.as_of,
            told=told,
            seen=seen,
            status=status,
            notice=notice,
            here_url=f"/dashboard/remediations/{seen.repository}/{seen.run_id}",
            run_url=f"{repository}/actions/runs/{seen.run_id}",
            pull_url=f"{repository}/pull/{seen.pull_request}",
            lines=lines,
            more_lines=more,
            orders=seen.record.orders if seen.record else 0,
        )

    # ── orders ──────────────────────────────────────────────────────────────────────────────────────────────

    async def take_order(self, request: Request) -> Response:
        async def answer(visitor: Visitor) -> Response:
            workflow_id = _workflow_id(**request.path_params)
            form = await self._own_form(request, visitor)
            if not visitor.may_order:
                advice = "REGREEN_DASHBOARD_OPERATORS names those who may."
                raise _ProblemError(HTTPStatus.FORBIDDEN, "You may not give orders here", advice)
            asked, question = form.get("verb", ""), form.get("question", "")
            if asked not in _ORDERS:
                raise _ProblemError(HTTPStatus.BAD_REQUEST, "No such order", f"One of {', '.join(_ORDERS)}.")
            verb = Verb(asked)
            if verb is not Verb.STOP and not _PATCH_ID.fullmatch(question):
                advice = "It answers a patch, which `question` must name."
                raise _ProblemError(HTTPStatus.BAD_REQUEST, "No question is answered", advice)
            order = order_payload(verb, by=f"{visitor.name} (dashboard)", argument=question)
            await self._reader.order(workflow_id, verb, order)
            _log.info("%s ordered %s of %s by the dashboard", visitor.name, verb, workflow_id)
            if _wants_json(request):
                return self._json({"ordered": verb, "workflow_id": workflow_id}, HTTPStatus.ACCEPTED)
            return _redirect(f"{request.url.path.removesuffix('/order')}?said={verb}")

        return await self._let_in(request, answer)

    # ── logging in and out ──────────────────────────────────────────────────────────────────────────────────

    async def show_login(self, request: Request) -> Response:
        return self._login(HTTPStatus.OK, request.query_params.get("next", ""))

    async def log_in(self, request: Request) -> Response:
        try:
            form = await self._bodies.read_form(request)
        except RefusedError as refused:
            return self._login(HTTPStatus(refused.status), "", refused.advice)
        place = form.get("next", "")
        if not self.door.is_same_origin(request):
            return self._login(HTTPStatus.FORBIDDEN, place, "That form came from another page.")
        cookie = self.door.log_in(form.get("token", ""), form.get("name", ""))
        if cookie is None:
            _log.warning("refused a login to the dashboard")
            problem = "The token is wrong, or the name has characters that names lack."
            return self._login(HTTPStatus.UNAUTHORIZED, place, problem, form.get("name", ""))
        response = _redirect(_place(place))
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=int(SESSION.total_seconds()),
            path="/dashboard",
            secure=self.door.secure_cookie,
            httponly=True,
            samesite="lax",
        )
        return response

    async def log_out(self, request: Request) -> Response:
        async def answer(visitor: Visitor) -> Response:
            await self._own_form(request, visitor)
            response = _redirect("/dashboard/login")
            response.delete_cookie(COOKIE, path="/dashboard", httponly=True, samesite="lax")
            return response

        return await self._let_in(request, answer)

    # ── what all of them do alike ───────────────────────────────────────────────────────────────────────────

    async def _let_in(self, request: Request, answer: Callable[[Visitor], Awaitable[Response]]) -> Response:
        visitor = self.door.visitor(request)
        if visitor is None:
            return self._turned_away(request)
        try:
            return await answer(visitor)
        except _ProblemError as error:
            problem = error
        except RemediationNotFoundError:
            advice = "Temporal knows none of this run: it never had one, or its retention has ended."
            problem = _ProblemError(HTTPStatus.NOT_FOUND, "There is no such remediation", advice)
        except RemediationEndedError:
            advice = "It has ended in the meantime, and takes no more orders."
            problem = _ProblemError(HTTPStatus.CONFLICT, "Too late", advice)
        except RefusedError as error:
            problem = _ProblemError(HTTPStatus(error.status), "That form cannot be read", error.advice)
        except (TemporalUnreachableError, PayloadKeyError) as error:
            _log.warning("the dashboard has no answer: %s", error)
            advice = (
                "Remediations are kept there, and go on when it is back; nothing can be shown until then."
            )
            if isinstance(error, PayloadKeyError):
                advice = (
                    "What Temporal keeps is encrypted with a key that is not in REGREEN_PAYLOAD_KEYS here."
                )
            problem = _ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "Temporal does not answer", advice)
        if _wants_json(request):
            return self._json({"problem": problem.headline, "advice": problem.advice}, problem.status)
        return self._page(
            "problem.html", problem.status, visitor=visitor, headline=problem.headline, advice=problem.advice
        )

    def _turned_away(self, request: Request) -> Response:
        if _wants_json(request):
            advice = "send REGREEN_DASHBOARD_TOKEN as `Authorization: Bearer`, or come through the proxy"
            return self._json({"problem": "unauthorised", "advice": advice}, HTTPStatus.UNAUTHORIZED)
        place = request.url.path if request.method == "GET" else ""
        if place and request.url.query:
            place = f"{place}?{request.url.query}"
        return self._login(HTTPStatus.UNAUTHORIZED, place)

    async def _own_form(self, request: Request, visitor: Visitor) -> dict[str, str]:
        form = await self._bodies.read_form(request)
        if not self.door.is_own_form(request, visitor, form.get("form", "")):
            advice = "Go back, reload that page, and try again."
            raise _ProblemError(HTTPStatus.FORBIDDEN, "That form is too old, or from another page", advice)
        return form

    def _login(self, status: HTTPStatus, place: str, problem: str = "", name: str = "") -> Response:
        return self._page(
            "login.html",
            status,
            visitor=None,
            takes_token=self.door.takes_token,
            next=_place(place),
            problem=problem,
            name=name,
        )

    def _page(
        self, template: str, code: HTTPStatus = HTTPStatus.OK, *, visitor: Visitor | None, **facts: Any
    ) -> Response:
        context = {"here": "", "as_of": None, "github": self._github, **facts}
        context["visitor"] = visitor
        context["form_token"] = self.door.form_token(visitor) if visitor else ""
        headers = HEADERS | ({"WWW-Authenticate": "Bearer"} if code is HTTPStatus.UNAUTHORIZED else {})
        return HTMLResponse(self._pages.get_template(template).render(context), code, headers)

    @staticmethod
    def _json(content: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
        headers = HEADERS | ({"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {})
        return JSONResponse(content, status, headers)


def _environment() -> Environment:
    """Templates in which every text is escaped, and none can do more than be read."""

    def tamed(value: Any) -> Any:
        return plain(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value

    pages = Environment(
        loader=PackageLoader("starter.dashboard"),
        autoescape=True,
        finalize=tamed,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "ago": wording.ago,
        "clock": wording.clock,
        "duration": wording.duration,
        "headline": wording.headline,
        "money": wording.money,
        "percent": wording.percent,
        "period": wording.period,
        "reason": wording.reason,
        "since_start": wording.since_start,
        "spread": wording.spread,
        "standing": wording.standing,
        "words": wording.words,
    }
    return pages


def _numbers_json(numbers: Numbers) -> dict[str, Any]:
    def dumped(models: tuple[Payload, ...]) -> list[dict[str, Any]]:
        return [each.model_dump(mode="json") for each in models]

    return {
        **numbers.model_dump(mode="json"),
        "targets": dumped(wording.targets(numbers.statistics)),
        "funnel": dumped(wording.funnel(numbers.statistics)),
        "usd_per_merged_fix": numbers.statistics.usd_per_merged_fix,
    }


def _redirect(place: str) -> Response:
    return RedirectResponse(place, HTTPStatus.SEE_OTHER, HEADERS)


def _place(place: str) -> str:
    inside = _PLACE.fullmatch(place) and not place.startswith(("/dashboard/login", "/dashboard/logout"))
    return place if inside else "/dashboard"


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return request.url.path.endswith(".json") or (
        "application/json" in accepted and "text/html" not in accepted
    )


def _workflow_id(owner: str, name: str, run_id: str) -> str:
    workflow_id = f"ci-remediation/{owner}/{name}/{run_id}"
    if naming.parse_remediation_id(workflow_id) is None or not _is_repository(f"{owner}/{name}"):
        raise RemediationNotFoundError(workflow_id)
    return workflow_id


def _is_repository(text: str) -> bool:
    """Whether it is empty, or `owner/name`: no quote in it can bend a query."""
    if not text:
        return True
    try:
        _REPOSITORY.validate_python(text)
    except ValidationError:
        return False
    return True


def _outcome(text: str) -> Outcome | None:
    return Outcome(text) if text in set(Outcome) else None


def _page_number(text: str) -> int:
    usable = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_PAGE_NUMBER
    return max(1, int(text)) if usable else 1


def _page_url(listing: Listing, page: int) -> str:
    chosen = listing.selection
    query = {"repository": chosen.repository, "outcome": chosen.outcome, "page": page}
    return "/dashboard/remediations?" + urlencode({key: value for key, value in query.items() if value})
