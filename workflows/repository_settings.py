"""What a repository says about its own remediations, in `.github/regreen.yml` on its default branch.

A repository may narrow what the operator allows, never widen it.
"""

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Final

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from workflows.models import (
    ATTEMPTS_CEILING,
    Limits,
    Name,
    Payload,
    Repository,
    RunSnapshot,
    Sentence,
    TriagePolicy,
)

PATH: Final = ".github/regreen.yml"
MAX_BYTES: Final = 65_536


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Glob = Annotated[str, Field(min_length=1, max_length=255)]
"""`*` stands for any characters, slashes included, and `?` for one."""
Globs = Annotated[tuple[Glob, ...], BeforeValidator(_listed), Field(max_length=200)]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})$")]
Logins = Annotated[tuple[Login, ...], BeforeValidator(_listed), Field(max_length=100)]
Label = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^,\x00-\x1f]+$")]

Labels = Annotated[tuple[Label, ...], BeforeValidator(_listed), Field(max_length=20)]


class Selection(Payload):
    """What is meant: whatever a pattern includes and none excludes."""

    include: Globs = Field(default=("*",), description="patterns of what is meant")
    exclude: Globs = Field(default=(), description="patterns of what is left out of it")

    def holds(self, *names: str, literal: bool = True) -> bool:
        """Whether one of the names that a thing goes by is included, and none excluded.

        With `literal` off, brackets stand for one of the characters between them, as they once did.
        """
        include, exclude = self.include, self.exclude
        if literal:
            include, exclude = _literal(include), _literal(exclude)
        return _matches(names, include) and not _matches(names, exclude)


class Permission(StrEnum):
    """How much access to the repository an order by comment takes."""

    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"


class Commands(Payload):
    """Who may give orders by comment."""

    permission: Permission = Field(
        default=Permission.WRITE, description="the least access to the repository that it takes"
    )
    logins: Logins = Field(default=(), description="if given, of those with that access only these people")


class Repairs(Payload):
    """How failures may be repaired."""

    recipes: Globs = Field(default=("*",), description="patterns of the recipes that may be used")
    model: bool = Field(default=True, description="whether a model may be asked, for a cause or a patch")


class Budgets(Payload):
    """What may be spent; the operator's limits hold as well."""

    attempts: int = Field(
        default=ATTEMPTS_CEILING, ge=1, le=ATTEMPTS_CEILING, description="fix attempts for one failure"
    )
    usd: float | None = Field(
        default=None, ge=0, description="US dollars that one attempt's session with a model may cost"
    )
    pull_requests_per_day: int | None = Field(
        default=None, ge=0, description="fix pull requests opened within 24 hours"
    )


class CommentStyle(StrEnum):
    """How much the comment at the failure says."""

    FULL = "full"
    BRIEF = "brief"
    """Without logs, patches and the table of attempts."""
    OFF = "off"
    """No comment at all; a question is then asked in Temporal only."""


class Publication(Payload):
    """What fix pull requests and comments look like."""

    draft: bool = Field(default=True, description="open fix pull requests as drafts")
    auto_merge: bool = Field(
        default=False,
        description="ask GitHub to merge a green fix once its base's rules are met; takes draft: false",
    )
    labels: Labels = Field(default=(), description="further labels")
    reviewers: Logins = Field(default=(), description="people who are asked to review, beside code owners")
    comment: CommentStyle = Field(
        default=CommentStyle.FULL, description="the comment at the failure: full, brief or off"
    )

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"auto_merge": {"const": True}}, "required": ["auto_merge"]},
            "then": {"properties": {"draft": {"const": False}}, "required": ["draft"]},
        }
    )

    @field_validator("auto_merge")
    @classmethod
    def _not_of_a_draft(cls, auto_merge: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 — a validator
        if auto_merge and info.data.get("draft", True):
            raise ValueError("it takes draft: false, for GitHub merges no draft")
        return auto_merge


class RepositorySettings(Payload):
    """Settings of Regreen for one repository. Everything may be left out."""

    enabled: bool = Field(default=True, description="whether Regreen does anything here")
    workflows: Selection = Field(
        default=Selection(), description="workflows, by name, by path or by the name of their file"
    )
    branches: Selection = Field(default=Selection(), description="branches whose failures are looked at")
    commands: Commands = Field(default=Commands(), description="who may give orders by comment")
    protected_paths: Globs = Field(
        default=(), description="files whose change needs a human's approval, beside the built-in ones"
    )
    repairs: Repairs = Field(default=Repairs(), description="how failures may be repaired")
    budgets: Budgets = Field(default=Budgets(), description="what may be spent")
    publication: Publication = Field(
        default=Publication(), description="what pull requests and comments look like"
    )

    @property
    def names_brackets(self) -> bool:
        """Whether a pattern for workflows or branches holds a bracket."""
        chosen = (self.workflows, self.branches)
        return any("[" in pattern for each in chosen for pattern in (*each.include, *each.exclude))


class SettingsReading(Payload):
    """What the file says at one moment."""

    settings: RepositorySettings = RepositorySettings()
    """The defaults where there is no file."""
    problem: Sentence = ""
    """Why the file cannot be used, with its line; empty where it can."""


class SettingsProblem(Payload):
    """Argument of `report_broken_settings`."""

    repository: Repository
    problem: Sentence


class Standing(Payload):
    """What a repository says, and what other remediations have spent on it."""

    settings: SettingsReading = SettingsReading()
    opened_today: int = 0
    """Fix pull requests opened in the repository within 24 hours."""
    notifies: bool = False
    """Whether there is a channel by which humans are told that they are needed."""
    attempts: tuple[Name, ...] = ()
    """The fingerprint that each commit was against, of those in fix pull requests for the same branch that
    were not merged."""


class TriagedRun(RunSnapshot):
    """A run, and where it was asked for, how its repository stands."""

    standing: Standing | None = None


def narrowed_limits(limits: Limits, settings: RepositorySettings) -> Limits:
    """The operator's limits, or the repository's where those are tighter."""
    budgets = settings.budgets
    return limits.model_copy(
        update={
            "attempts": min(limits.attempts, budgets.attempts),
            "session_usd": _least(limits.session_usd, budgets.usd),
            "pull_requests_per_day": round(
                _least(limits.pull_requests_per_day, budgets.pull_requests_per_day)
            ),
        }
    )


def narrowed_policy(policy: TriagePolicy, settings: RepositorySettings) -> TriagePolicy:
    """The operator's policy with what the repository forbids beside it."""
    return policy.model_copy(
        update={
            "protected_paths": (*policy.protected_paths, *settings.protected_paths),
            "recipes": settings.repairs.recipes,
            "ask_model": policy.ask_model and settings.repairs.model,
        }
    )


def allows_recipe(policy: TriagePolicy, recipe: str) -> bool:
    """Whether a recipe may be used."""
    return _matches((recipe,), _literal(policy.recipes))


def _least(operator: float, repository: float | None) -> float:
    return operator if repository is None else min(operator, repository)


def _literal(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns with brackets that stand for themselves: names of workflows hold them."""
    return tuple(pattern.replace("[", "[[]") for pattern in patterns)


def _matches(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
