"""The demo's scenarios: a small repository, a commit that breaks its CI, and what Regreen promises of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workflows.models import Outcome

CI_FILE: Final = ".github/workflows/ci.yml"

_HEAD: Final = """\
name: CI
on:
  push:
    branches: [main]
  pull_request:
permissions:
  contents: read
jobs:
"""

_LINT_JOB: Final = """\
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Lint and format
        run: |
          ruff check .
          ruff format --check .
"""

_TWO_STEP_JOB: Final = """\
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Format
        run: ruff format --check .
      - name: Lint
        run: ruff check .
"""

_CLIPPY_JOB: Final = """\
  clippy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Clippy
        run: cargo clippy -- -D warnings
"""

_PEDANTIC_JOB: Final = """\
  clippy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Clippy
        run: cargo clippy -- -W clippy::pedantic -D warnings
"""

_IMAGE_JOB: Final = """\
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Build the image
        run: python3 tools/build_image.py -f Dockerfile .
"""

_DOCKERFILE: Final = """\
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN python -m compileall pricing.py
"""

_DOCKERFILE_COMPILING: Final = """\
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN make prices
"""

_BUILD_TOOL: Final = '''\
"""Stands in for an image build where no engine is: it reads the Dockerfile, builds nothing, and fails as
BuildKit does when a RUN line starts a program that the slim base image lacks and no earlier line installs.
"""

import re
import sys

LACKS = ("gcc", "make", "git", "curl")
lines = open(sys.argv[2], encoding="utf-8").read().splitlines()
installed = set()
print(f"#1 [internal] load build definition from {sys.argv[2]}")
for step, line in enumerate((line for line in lines if line.startswith("RUN ")), start=1):
    print(f"#{step + 4} [{step + 3}/9] {line}")
    for install in re.findall(r"apt-get install ([^&|;]*)", line):
        installed |= {word for word in install.split() if not word.startswith("-")}
    for command in re.split(r"&&|;", line.removeprefix("RUN ")):
        program = command.split()[0]
        if program in LACKS and program not in installed:
            print(f"#{step + 4} 0.214 /bin/sh: 1: {program}: not found")
            print(f'ERROR: failed to solve: process "/bin/sh -c {line[4:]}" '
                  "did not complete successfully: exit code: 127")
            sys.exit(1)
print("#9 exporting to image (not really: this stands in for a build)")
'''

_TEST_JOB: Final = """\
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Unit tests
        run: python3 -m unittest discover
"""

_PUBLISH_JOB: Final = """\
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Push the package
        env:
          GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}
        run: python3 tools/push_package.py widgets
"""

_PRICING: Final = '''\
"""Prices of widgets, in cents."""


def total(prices: list[int]) -> int:
    """The sum of all prices."""
    return sum(prices)
'''

_PRICING_UNTIDY: Final = '''\
"""Prices of widgets, in cents."""

import os


def total(prices: list[int]) -> int:
    """The sum of all prices."""
    return sum( prices )
'''

_PRICING_TWICE_WRONG: Final = '''\
"""Prices of widgets, in cents."""

import math
import os


def total(prices: list[int]) -> int:
    """The sum of all prices."""
    return math.floor( math.fsum(prices) )
'''

_PRICING_WRONG: Final = _PRICING.replace("sum(prices)", "sum(prices) + 1")

_PRICING_TEST: Final = '''\
"""What the prices promise."""

import unittest

from pricing import total


class TotalTest(unittest.TestCase):
    """The sum is the sum."""

    def test_total(self) -> None:
        """Two prices."""
        self.assertEqual(total([100, 250]), 350)
'''

_CARGO: Final = """\
[package]
name = "widgets"
version = "0.1.0"
edition = "2021"
"""

_RUST: Final = """\
/// The sum of all prices, in cents.
pub fn total(prices: &[u64]) -> u64 {
    prices.iter().sum()
}
"""

_RUST_UNUSED: Final = """\
/// The sum of all prices, in cents.
pub fn total(prices: &[u64]) -> u64 {
    let count = prices.len();
    prices.iter().sum()
}
"""

_RUST_COUNT: Final = """\
/// How many prices there are, in words.
#[must_use]
pub fn count(prices: &[u64]) -> String {
    let number = prices.len();
    format!("{number} prices")
}
"""

_RUST_PEDANTIC: Final = """\
/// How many prices there are, in words.
#[must_use]
pub fn count(prices: &[u64]) -> String {
    let number = prices.len();
    format!("{} prices", number)
}
"""

_PUSH_TOOL: Final = '''\
"""Starts an upload to the package registry, as a container push does first."""

import os
import sys
import urllib.error
import urllib.request

registry = f"{os.environ['GITHUB_SERVER_URL']}/v2/{os.environ['GITHUB_REPOSITORY_OWNER']}"
request = urllib.request.Request(
    f"{registry}/{sys.argv[1]}/blobs/uploads/",
    method="POST",
    headers={"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}"},
)
try:
    with urllib.request.urlopen(request) as answer:
        print(f"upload started: {answer.status}")
except urllib.error.HTTPError as refusal:
    sys.exit(f"denied: {refusal.read().decode()}")
'''


@dataclass(frozen=True)
class Scenario:
    """One failing run and its promised end.

    Attributes:
        name: As `SCENARIO=` takes it.
        shows: What it shows, in a line.
        files: The repository while it is green: path to content.
        breaking: What the breaking commit changes.
        message: The breaking commit's message.
        outcome: The promised outcome.
        attempts: The promised number of attempts.
        approval: Whether the gate is to ask for approval, which the demo then gives.
        tool: A tool that has to be on this machine.
        model: Whether a model makes the repair.
        install: Shell line that brings the tool to a machine of GitHub's, where it is not there already.
    """

    name: str
    shows: str
    files: Mapping[str, str]
    breaking: Mapping[str, str]
    message: str
    outcome: Outcome = Outcome.FIXED
    attempts: int = 1
    approval: bool = False
    tool: str | None = None
    model: bool = False
    install: str = ""


_CHECKOUT: Final = "      - uses: actions/checkout@v4\n"


def elsewhere(files: Mapping[str, str], branches: str, install: str) -> dict[str, str]:
    """A scenario's files for a branch of a real repository, on machines of GitHub's.

    Args:
        files: Path to content.
        branches: The pattern of the branches whose pushes run the workflow.
        install: Shell line that each job runs first; empty for none.
    """
    step = f"{_CHECKOUT}      - name: Install\n        run: {install}\n" if install else _CHECKOUT
    return {
        path: content.replace("branches: [main]", f'branches: ["{branches}"]').replace(_CHECKOUT, step)
        if path == CI_FILE
        else content
        for path, content in files.items()
    }


SCENARIOS: Final = (
    Scenario(
        name="lint",
        shows="Python: ruff finds an unused import and bad formatting; one attempt by recipe",
        files={CI_FILE: _HEAD + _LINT_JOB, "pricing.py": _PRICING},
        breaking={"pricing.py": _PRICING_UNTIDY},
        message="Tidy up the prices",
        install="pipx install ruff",
    ),
    Scenario(
        name="clippy",
        shows="Rust: an unused variable under `cargo clippy -- -D warnings`; one attempt by recipe",
        files={
            CI_FILE: _HEAD + _CLIPPY_JOB,
            "Cargo.toml": _CARGO,
            "src/lib.rs": _RUST,
            ".gitignore": "/target\nCargo.lock\n",
        },
        breaking={"src/lib.rs": _RUST_UNUSED},
        message="Count the prices",
        tool="cargo",
    ),
    Scenario(
        name="clippy-pedantic",
        shows="Rust: a finding of `clippy::pedantic` turned into an error; one attempt by recipe",
        files={
            CI_FILE: _HEAD + _PEDANTIC_JOB,
            "Cargo.toml": _CARGO,
            "src/lib.rs": _RUST_COUNT,
            ".gitignore": "/target\nCargo.lock\n",
        },
        breaking={"src/lib.rs": _RUST_PEDANTIC},
        message="Say the count",
        tool="cargo",
    ),
    Scenario(
        name="docker-build",
        shows="an image build runs `make`, which the image lacks; a script stands in for the build engine",
        files={
            CI_FILE: _HEAD + _IMAGE_JOB,
            "Dockerfile": _DOCKERFILE,
            "pricing.py": _PRICING,
            "tools/build_image.py": _BUILD_TOOL,
        },
        breaking={
            "Dockerfile": _DOCKERFILE_COMPILING,
            "Makefile": "prices:\n\tpython -m compileall pricing.py\n",
        },
        message="Build with make",
    ),
    Scenario(
        name="two-attempts",
        shows="Python: formatting fails first, and a lint rule after it; two attempts, one pull request",
        files={CI_FILE: _HEAD + _TWO_STEP_JOB, "pricing.py": _PRICING},
        breaking={"pricing.py": _PRICING_TWICE_WRONG},
        message="Tidy up the prices",
        install="pipx install ruff",
        attempts=2,
    ),
    Scenario(
        name="permissions",
        shows="a job lacks `packages: write`; the patch touches a workflow file, so a human approves it",
        files={CI_FILE: _HEAD + _TEST_JOB, "pricing.py": _PRICING, "test_pricing.py": _PRICING_TEST},
        breaking={CI_FILE: _HEAD + _TEST_JOB + _PUBLISH_JOB, "tools/push_package.py": _PUSH_TOOL},
        message="Publish the package",
        approval=True,
    ),
    Scenario(
        name="model",
        shows="a failing unit test that no recipe can repair; Claude does, or a script where there is no key",
        files={CI_FILE: _HEAD + _TEST_JOB, "pricing.py": _PRICING, "test_pricing.py": _PRICING_TEST},
        breaking={"pricing.py": _PRICING_WRONG},
        message="Round up the total",
        model=True,
    ),
    Scenario(
        name="unfixable",
        shows="a failing unit test that no recipe can repair; a human gets a report, and no pull request",
        files={CI_FILE: _HEAD + _TEST_JOB, "pricing.py": _PRICING, "test_pricing.py": _PRICING_TEST},
        breaking={"pricing.py": _PRICING_WRONG},
        message="Round up the total",
        outcome=Outcome.NEEDS_HUMAN,
    ),
    Scenario(
        name="ignored",
        shows="the commit message says [skip-ci-remediation]; Regreen stays away and says so",
        files={CI_FILE: _HEAD + _LINT_JOB, "pricing.py": _PRICING},
        breaking={"pricing.py": _PRICING_UNTIDY},
        message="Work in progress [skip-ci-remediation]",
        install="pipx install ruff",
        outcome=Outcome.IGNORED,
        attempts=0,
    ),
)
"""In the order `SCENARIO=list` names them; the first is the default."""


def scenario(name: str) -> Scenario | None:
    """The scenario of that name, or None."""
    return next((found for found in SCENARIOS if found.name == name), None)
