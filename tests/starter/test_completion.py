"""Shell completion, as the shell asks for it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = Path(sys.executable).with_name("regreen")


def complete(words: str) -> str:
    asked = {
        "_REGREEN_COMPLETE": "complete_bash",
        "COMP_WORDS": f"regreen {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    found = subprocess.run(
        [str(COMMAND)], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    return found.stdout


def test_commands_options_and_choices_are_completed() -> None:
    assert complete("mon").split() == ["monitor"]
    assert {"--only", "--repo"} <= set(complete("check --").split())
    assert complete("check --only m").split() == ["machine", "model"]


def test_the_script_for_the_shell_is_shown() -> None:
    told = subprocess.run(
        [str(COMMAND), "--show-completion", "bash"],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_REGREEN_COMPLETE=complete_bash" in told.stdout
