"""Prometheus' own checks, by its `promtool`."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

REQUIRED: Final = "REGREEN_TEST_PROMTOOL"
"""Environment variable: `required` makes a missing promtool a failure. CI sets it."""


def promtool(*arguments: str, given: str = "", folder: Path | None = None) -> str:
    """What promtool says; skips the test where there is none, and fails it in CI, or where it complains.

    Args:
        *arguments: Of its command line.
        given: Its standard input.
        folder: Where it runs.
    """
    found = shutil.which("promtool")
    if found is None:
        missing = "promtool is not installed (`apt-get install prometheus`)"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    done = subprocess.run(
        [found, *arguments], input=given, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
