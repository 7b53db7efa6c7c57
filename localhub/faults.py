"""What goes wrong, where and how often: the rules by which the local GitHub misbehaves.

A rule in one line is `METHODS PATH: ANSWER WORDS`, and rules are parted by `;` or line ends. The first one
that fires for a request is carried out. Methods and words may be left out:

    /v2/*: pass; *: 502 10%
    writes *: cut after first=1 per=address
    GET /repos/*/actions/jobs/*/logs: 410
    POST */pulls: secondary-limit retry-after=3 first=2; *: pass latency=0.2

A file holds the same as YAML or JSON: `seed` and a list `faults` of objects with the fields of `Fault`.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import translate
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
"""What the word `writes` stands for. Git's own requests to read are POST as well."""
_METHODS: Final = frozenset({"GET", "HEAD", *WRITES})
_FIRST_ERROR, _LAST_ERROR = 300, 599


class FaultsError(ValueError):
    """A specification that cannot be read; the text says which rule and why."""


class When(StrEnum):
    """Whether the request is carried out although its answer is a fault."""

    BEFORE = "before"
    AFTER = "after"
    """It took effect; only the answer is lost or wrong."""


class Per(StrEnum):
    """What `first` counts."""

    RULE = "rule"
    ADDRESS = "address"
    """Each method and path for itself."""


PASS: Final = "pass"  # noqa: S105 — no fault
CUT: Final = "cut"
NAMED: Final = {
    "bad-credentials": 401,
    "forbidden": 403,
    "secondary-limit": 403,
    "primary-limit": 403,
    "not-found": 404,
    "conflict": 409,
    "gone": 410,
    "invalid": 422,
    "too-many-requests": 429,
    "unavailable": 503,
}
"""Faults that GitHub names in words of its own, with their status."""


def _listed(value: Any) -> Any:
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        return value
    if any(word.lower() == "writes" for word in words):
        return WRITES
    return () if "*" in words else tuple(word.upper() for word in words)


class Fault(BaseModel):
    """One rule.

    Attributes:
        methods: Which requests; empty for all. In text `*`, `writes`, or names with commas.
        path: Glob over the path, in which `*` crosses slashes; or a regular expression after `re:`.
        answer: A status from 300 to 599, a name of `NAMED`, `cut` (the connection), or `pass`.
        when: Whether the request takes effect first.
        percent: How often.
        first: Only so many times.
        per: What `first` counts.
        latency: Seconds before anything happens.
        retry_after: Seconds to wait that the answer asks for.
        reset_in: Seconds until a spent primary limit is reset.
        permission: The permission that a refusal says is lacking, as `contents=write`.
        location: Where a redirect leads.
        message: What the answer says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    methods: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    path: str = Field(default="*", min_length=1)
    answer: int | str
    when: When = When.BEFORE
    percent: float = Field(default=100, gt=0, le=100)
    first: int | None = Field(default=None, ge=1)
    per: Per = Per.RULE
    latency: float = Field(default=0, ge=0, le=600)
    retry_after: int | None = Field(default=None, ge=0)
    reset_in: int = Field(default=60, ge=0)
    permission: str | None = None
    location: str | None = None
    message: str | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        strange = set(self.methods) - _METHODS
        if strange:
            raise ValueError(f"no such method: {', '.join(sorted(strange))}")
        known = self.answer in {PASS, CUT, *NAMED}
        if not known and not (isinstance(self.answer, int) and _FIRST_ERROR <= self.answer <= _LAST_ERROR):
            names = ", ".join((PASS, CUT, *NAMED))
            raise ValueError(f"answer {self.answer!r} is neither a status from 300 to 599 nor one of {names}")
        try:
            _ = self.pattern
        except re.error as error:
            raise ValueError(f"the path is not a regular expression: {error}") from error
        return self

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What the whole path has to match."""
        expression = self.path.removeprefix("re:")
        return re.compile(expression if expression != self.path else translate(self.path))

    def concerns(self, method: str, path: str) -> bool:
        """Whether the rule is about such a request."""
        return (not self.methods or method in self.methods) and self.pattern.fullmatch(path) is not None


class Faults:
    """The rules, and how often each has fired.

    Args:
        rules: In the order in which they are tried.
        seed: Decides, with the address and how often it was asked, which of `percent` fire; so that the
            order in which requests happen to arrive decides nothing.

    Attributes:
        injected: Method, path and answer of every request that met a fault, `pass` aside.
    """

    def __init__(self, rules: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self.seed = seed
        self.injected: list[tuple[str, str, str]] = []
        self.follow(rules)

    def follow(self, rules: Iterable[Fault]) -> None:
        """Go by these rules from now on, and count from the start."""
        self.rules = tuple(rules)
        self._fired: Counter[tuple[int, str]] = Counter()
        self._asked: Counter[str] = Counter()

    def draw(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, if any."""
        address = f"{method} {path}"
        self._asked[address] += 1
        for number, rule in enumerate(self.rules):
            if rule.concerns(method, path) and self._fires(number, rule, address):
                if rule.answer != PASS:
                    self.injected.append((method, path, f"{rule.answer} {rule.when}"))
                return rule
        return None

    def _fires(self, number: int, rule: Fault, address: str) -> bool:
        counted = (number, address if rule.per is Per.ADDRESS else "")
        if rule.first is not None and self._fired[counted] >= rule.first:
            return False
        chance = random.Random(f"{self.seed}/{number}/{address}/{self._asked[address]}")  # noqa: S311 — no secret
        if chance.random() * 100 >= rule.percent:
            return False
        self._fired[counted] += 1
        return True


def read_faults(specification: str) -> Faults:
    """The faults of a text, or of the file that it names.

    Raises:
        FaultsError: It cannot be read.
    """
    return parse_faults(specification) if ": " in specification else _from_file(Path(specification))


def parse_faults(text: str, *, seed: int = 0) -> Faults:
    """The faults of rules in lines.

    Raises:
        FaultsError: A rule cannot be read.
    """
    lines = [line.strip() for line in re.split(r"[;\n]", text)]
    fields = []
    for number, line in enumerate((line for line in lines if line and not line.startswith("#")), 1):
        found = _fields_of(line, number)
        seed = _seed(found.pop("seed", seed), number)
        fields.append(found)
    return Faults(_rules(fields), seed=seed)


def _fields_of(line: str, number: int) -> dict[str, Any]:
    where, parted, what = line.partition(": ")
    words = what.split()
    if not parted or not words:
        raise FaultsError(f"rule {number}, {line!r}: expected `METHODS PATH: ANSWER …`")
    methods, _, path = where.strip().rpartition(" ")
    answer, *rest = words
    found: dict[str, Any] = {
        "methods": methods.strip() or "*",
        "path": path,
        "answer": int(answer) if answer.isdecimal() else answer,
    }
    for word in rest:
        name, given, value = word.partition("=")
        if given:
            found[name.replace("-", "_")] = value
        elif word in tuple(When):
            found["when"] = word
        elif word.endswith("%"):
            found["percent"] = word.removesuffix("%")
        else:
            raise FaultsError(f"rule {number}, {line!r}: {word!r} is no word of the language")
    return found


def _from_file(path: Path) -> Faults:
    try:
        content = YAML(typ="safe").load(path)
    except OSError as error:
        raise FaultsError(
            f"{path} cannot be read: {error.strerror}; a rule is written `METHODS PATH: ANSWER`"
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise FaultsError(f"{path} is neither YAML nor JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("faults"), list):
        raise FaultsError(f"{path}: expected an object with a list `faults`")
    strange = content.keys() - {"seed", "faults"}
    if strange:
        raise FaultsError(f"{path}: unknown: {', '.join(map(str, sorted(strange, key=str)))}")
    return Faults(_rules(content["faults"]), seed=_seed(content.get("seed", 0), 0))


def _seed(value: Any, number: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise FaultsError(f"rule {number}: seed {value!r} is not a number") from None


def _rules(all_fields: list[Any]) -> list[Fault]:
    rules = []
    for number, fields in enumerate(all_fields, 1):
        try:
            rules.append(Fault.model_validate(fields))
        except ValidationError as error:
            told = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ")
                for each in error.errors()
            )
            raise FaultsError(f"rule {number}: {told}") from None
    return rules
