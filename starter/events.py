"""GitHub's webhook bodies, as far as they are read: their shapes and their fields."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Annotated, Any, Final

import pydantic_core
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from workflows.models import Name, Repository, Sha

PING: Final = "ping"
LARGEST_ID: Final = 2**63 - 1
"""What the search attributes of type Int can hold."""

_KIND_KEYS: Final = frozenset(
    {
        "check_run",
        "check_suite",
        "comment",
        "deployment",
        "environment",
        "issue",
        "pull_request",
        "review",
        "thread",
        "workflow_job",
        "workflow_run",
    }
)
"""Top-level keys that tell one event's body from another's."""

_SHAPES: Final[Mapping[str, frozenset[str]]] = {
    "workflow_run": frozenset({"workflow_run"}),
    "check_suite": frozenset({"check_suite"}),
    "pull_request": frozenset({"pull_request"}),
    "issue_comment": frozenset({"issue", "comment"}),
    PING: frozenset(),
}
"""The events that are read, and which of the kind keys their bodies carry, exactly."""


class Fit(Enum):
    """How a body compares with the event that its header names."""

    EXACT = auto()
    OTHER = auto()
    """It is another event's body; the signature covers the body only, so the header may be anybody's."""


def decode(body: bytes) -> dict[str, Any]:
    """The body's JSON object.

    Raises:
        ValueError: It is not JSON, is nested too deeply, or is not an object.
    """
    content = pydantic_core.from_json(body, allow_inf_nan=False)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 — callers treat every bad body alike
    return content


def fit(event: str, content: Mapping[str, Any]) -> Fit:
    """Whether `content` has the shape of `event`; a key that is null counts as absent.

    Raises:
        ValueError: It has a part of that shape only.
    """
    kinds = frozenset(key for key in _KIND_KEYS if content.get(key) is not None)
    expected = _SHAPES.get(event, frozenset())
    if kinds == expected:
        return Fit.EXACT
    if kinds < expected:
        raise ValueError("incomplete")
    return Fit.OTHER


def printable(value: Any) -> Any:
    """Text without control, bidirectional and invisible characters; None is the empty text.

    They are replaced, not dropped: dropping could make one name into another.
    """
    if isinstance(value, str):
        return "".join(
            character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value
        )
    return "" if value is None else value


_Id = Annotated[int, Field(strict=True, gt=0, le=LARGEST_ID)]
_PrintableName = Annotated[Name, BeforeValidator(printable)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RepositoryWire(_Wire):
    """A repository."""

    full_name: Repository


class _AccountWire(_Wire):
    login: _PrintableName
    type: str | None = None

    @property
    def is_bot(self) -> bool:
        return self.type == "Bot" or self.login.endswith("[bot]")


class _RunWire(_Wire):
    id: _Id
    run_attempt: _Id | None = None
    name: _PrintableName = ""
    head_branch: _PrintableName = ""
    head_sha: Sha
    conclusion: str | None = None
    head_repository: RepositoryWire | None = None


class RunEvent(_Wire):
    """`workflow_run`."""

    action: str
    workflow_run: _RunWire
    repository: RepositoryWire


class _AppWire(_Wire):
    slug: str | None = None


class _SuiteWire(_Wire):
    head_branch: _PrintableName = ""
    head_sha: Sha
    app: _AppWire | None = None


class SuiteEvent(_Wire):
    """`check_suite`."""

    action: str
    check_suite: _SuiteWire
    repository: RepositoryWire


class _HeadWire(_Wire):
    ref: _PrintableName
    repo: RepositoryWire | None = None


class _PullRequestWire(_Wire):
    number: _Id
    merged: bool | None = None
    head: _HeadWire


class PullRequestEvent(_Wire):
    """`pull_request`."""

    action: str
    pull_request: _PullRequestWire
    repository: RepositoryWire
    sender: _AccountWire | None = None


class _IssueWire(_Wire):
    number: _Id
    pull_request: dict[str, Any] | None = None


class _CommentWire(_Wire):
    id: _Id
    body: str | None = None
    user: _AccountWire
    performed_via_github_app: dict[str, Any] | None = None

    @property
    def is_bots(self) -> bool:
        """Whether a program wrote it, be it in a person's name."""
        return self.user.is_bot or self.performed_via_github_app is not None


class CommentEvent(_Wire):
    """`issue_comment`."""

    action: str
    issue: _IssueWire
    comment: _CommentWire
    repository: RepositoryWire
    sender: _AccountWire | None = None
