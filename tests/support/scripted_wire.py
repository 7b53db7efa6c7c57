"""A GitHub that answers from a script and remembers what it was asked."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx2
from pydantic import SecretStr

from activities.adapters.credentials import Credentials, PersonalToken
from activities.adapters.github import GitHub
from activities.adapters.turns import Turns

API = "https://api.github.com"
TOKEN = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"

Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


class ScriptedWire:
    """Answers by method and path; the last answer of a path is given again and again."""

    def __init__(self) -> None:
        self.asked: list[httpx2.Request] = []
        self._script: defaultdict[tuple[str, str], list[Answer]] = defaultdict(list)

    def on(self, method: str, url: str, *answers: Answer) -> None:
        """Answer requests for `url`: a path of the API or a whole address, with that query if it has one."""
        whole = url if "://" in url else f"{API}{url}"
        self._script[method, whole] += answers

    def github(self, credentials: Credentials | None = None, **options: Any) -> GitHub:
        """The real adapter on this wire."""
        unhurried = {"turns": Turns(timedelta(0)), **options}
        return GitHub(self.client(), credentials or PersonalToken(SecretStr(TOKEN)), **unhurried)

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    def paths(self, method: str | None = None) -> list[str]:
        return [each.url.path for each in self.asked if method in {None, each.method}]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answers = self._answers(request)
        if not answers:
            return answer(404, {"message": "Not Found"})
        current = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(current, Exception):
            raise current
        if isinstance(current, httpx2.Response):
            # A response is read once, but may be given more than once.
            return httpx2.Response(
                current.status_code, headers=current.headers, content=current.content, request=request
            )
        return current(request)

    def _answers(self, request: httpx2.Request) -> list[Answer] | None:
        bare = str(request.url.copy_with(query=None))
        for (method, url), answers in self._script.items():
            wanted = httpx2.URL(url)
            if (method, str(wanted.copy_with(query=None))) == (request.method, bare) and all(
                request.url.params.get(name) == value for name, value in wanted.params.items()
            ):
                return answers
        return None


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """A JSON answer."""
    return httpx2.Response(status, json=body, headers=dict(headers or {}))
