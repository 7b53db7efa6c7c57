"""A headless Chromium for tests of pages: the system's own, driven by Playwright."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from playwright.async_api import BrowserContext, async_playwright

REQUIRED: Final = "REGREEN_TEST_BROWSER"
"""Environment variable: `required` makes a missing Chromium a failure. CI sets it."""

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_QUIET: Final = (
    "--no-sandbox",  # needed as root, as in CI; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """The path of the system's Chromium; skips the test where there is none, and fails it in CI."""
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    missing = f"none of {', '.join(_NAMES)} is installed (`apt-get install chromium`)"
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(missing)
    pytest.skip(missing)


@asynccontextmanager
async def browser_context(**options: Any) -> AsyncIterator[BrowserContext]:
    """A fresh browser with an empty profile; gone at the end.

    Args:
        **options: Of Playwright's `launch_persistent_context`: `viewport`, `color_scheme`, …
    """
    executable = chromium()
    async with async_playwright() as playwright:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path=executable, headless=True, args=list(_QUIET), **options
            )
            try:
                yield context
            finally:
                await context.close()
