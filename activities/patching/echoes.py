"""Commands that a wrapper echoes into the log, for a step whose text does not tell them."""

import re
from collections.abc import Iterator
from typing import Final

from activities.patching.commands import Command, parse_step
from activities.patching.shell_idioms import ROOT
from activities.patching.wrappers.tree import Tree
from workflows.models import FailedJob

_LINES: Final = 5_000
_CHARACTERS: Final = 4_000
_COMMANDS: Final = 50
_FOLDER: Final = r"(?P<folder>[\w./-]{1,200})"
_ECHOES: Final = tuple(
    re.compile(rf"{pattern}(?P<command>\S.{{0,{_CHARACTERS}}})")
    for pattern in (
        r"\+{1,3} ",  # set -x
        rf"[\w.-]{{1,80}}: commands(?:_pre|_post)?\[\d+\](?: {_FOLDER})?> ",  # tox
        r"[\w.-]{1,80} run-test: commands\[\d+\] \| ",  # tox, before its fourth version
        r"(?:\[[\d: ,-]{1,40}\] )?nox > ",
        r"Poe => ",
        r"cmd \[\d+\] \| ",  # hatch
        r"task: \[[\w:.-]{1,80}\] ",
        r"\[cargo-make\] INFO - Execute Command: ",
        rf"{_FOLDER} [\w:.-]{{1,80}}\$ ",  # pnpm, in every package
        r"[>$] ",  # npm, yarn, bun
    )
)
_ON_RUNNER: Final = re.compile(r"/home/runner/work/([\w.-]{1,100})/\1(?![\w.-])|/github/workspace(?![\w.-])")
_SHELL_WRAPPERS: Final = re.compile(r"\b(?:make|just|invoke|inv|ninja|rake)\b")
"""Programs that echo a command as it stands."""


def echoed_commands(job: FailedJob, tree: Tree) -> Iterator[Command]:
    """The commands that the log of a job says its wrappers ran, wherever they can be read."""
    bare = bool(_SHELL_WRAPPERS.search(job.command or ""))
    found = 0
    for line in job.excerpt.text.splitlines()[:_LINES]:
        text = _ON_RUNNER.sub(ROOT, line.strip())
        echo = next((match for each in _ECHOES if (match := each.fullmatch(text))), None)
        if echo is None and not (bare and len(text) < _CHARACTERS):
            continue
        groups = echo.groupdict() if echo else {"command": text}
        folder = groups.get("folder") or job.working_directory or "."
        for command in parse_step(groups["command"] or "", cwd=folder, paths=tree.paths):
            found += 1
            yield command
        if found >= _COMMANDS:
            return
