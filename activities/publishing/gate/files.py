"""What the gate reads: the base tree, and a file before and after a patch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from activities.publishing.patch import BaseFile

_TEST_PATH: Final = re.compile(
    r"(?:.*/)?(?:tests?|testing|__tests__|spec|specs|e2e|testdata|fixtures|__snapshots__|__mocks__|snapshots?|goldens?"
    r"|approvals?|expected|cassettes)/.*"
    r"|(?:.*/)?(?:test_[^/]*|[^/]*_tests?\.\w+|conftest\.py|[^/]*[.-](?:test|spec|cy|e2e)\.\w+"
    r"|tests?\.(?:[cm]?[jt]sx?|pyi?|rs|go|rb|php|java|kts?|cs|swift|exs?|c|cc|cpp|h|scala|lua|dart|jl|[rR]|p[lm]|t)"
    r"|[^/]*\.(?:ambr|golden|approved\.\w+|verified\.\w+|snap\.\w+)"
    r"|[^/]*(?:Test|Tests|TestCase|IT|Spec)\.(?:java|kt|kts|scala|groovy|cs|php|swift)|[^/]*_spec\.rb|[^/]*\.snap)",
)


def is_test_path(path: str) -> bool:
    """Whether a path is one where tests, or what they rest on, are kept by convention."""
    return _TEST_PATH.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class Base:
    """What a patch is judged against: the tree of its base commit.

    Attributes:
        modes: Git's mode of every path known to exist: files, links, submodules, directories.
        files: Content of the ordinary files the patch speaks of, and of manifests that say what is declared;
            one that exists and is not here is too large, or of no interest.
    """

    modes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, BaseFile] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One file before and after a patch.

    Attributes:
        path: Where it is.
        before: Its text; None for a new file.
        after: Its text. Bytes that are no UTF-8 show as replacement characters.
    """

    path: str
    before: str | None
    after: str

    @cached_property
    def name(self) -> str:
        """The file's own name, in lower case."""
        return self.path.rsplit("/", 1)[-1].lower()

    @cached_property
    def suffix(self) -> str:
        """`.py` and the like, in lower case; empty where there is none."""
        stem, dot, suffix = self.name.rpartition(".")
        return f".{suffix}" if dot and stem else ""

    @cached_property
    def in_tests(self) -> bool:
        """Whether it lies where tests are kept."""
        return is_test_path(self.path)
