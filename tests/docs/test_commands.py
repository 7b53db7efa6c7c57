"""The page of commands holds every command, option, signal and exit status."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from starter.cli import app
from starter.exits import MEANINGS, ExitStatus
from starter.webhook import Verb

PAGE: Final = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
GROUP: Final[Any] = typer.main.get_command(app)
OF_THE_GROUP: Final = {"--install-completion", "--show-completion"}
BY_SIGNAL_ONLY: Final = {Verb.HELP}
"""`regreen --help` is help enough."""


def commands() -> dict[str, Any]:
    found: dict[str, Any] = GROUP.commands
    return found


def options(command: Any) -> set[str]:
    return {
        spelling
        for parameter in command.params
        for spelling in (*parameter.opts, *parameter.secondary_opts)
        if spelling.startswith("-")
    }


def block(name: str) -> str:
    """The part of the page that the command stands in: its own heading's, or the table row's section."""
    parts = re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)
    [found] = [part for part in parts if re.search(rf"(?:^`|\| `|^`?)regreen {name}[` ]", part, re.MULTILINE)]
    return found


@pytest.mark.parametrize("name", commands())
def test_every_command_is_there_with_its_options(name: str) -> None:
    text = block(name)
    missing = {each for each in options(commands()[name]) if f"`{each}`" not in text}
    assert missing - {"--json"} == set()
    assert "--json" not in missing or "--json" in text


def test_no_other_command_is_there() -> None:
    named = set(re.findall(r"`regreen ([a-z][a-z-]*)", PAGE))
    assert named == set(commands())


def test_every_option_of_the_page_exists() -> None:
    known = set().union(*map(options, commands().values())) | OF_THE_GROUP | {"--help"}
    assert {each.split()[-1] for each in re.findall(r"`(?:regreen )?(--?[a-z][a-z-]*)", PAGE)} <= known


def test_every_signal_is_a_command() -> None:
    assert set(Verb) - set(commands()) == BY_SIGNAL_ONLY


def test_every_exit_status_is_there_with_its_meaning() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(ExitStatus)
    for number, meaning in rows:
        assert meaning.startswith(MEANINGS[ExitStatus(int(number))])
