"""Names by which code can tell that it runs in CI or under test."""

import re
from typing import Final

TELLTALE_VARIABLES: Final = frozenset(
    {
        "GITHUB_ACTIONS",
        "GITHUB_WORKFLOW",
        "GITHUB_RUN_ID",
        "GITHUB_JOB",
        "CONTINUOUS_INTEGRATION",
        "GITLAB_CI",
    }
    | {
        "CIRCLECI",
        "TRAVIS",
        "JENKINS_URL",
        "BUILDKITE",
        "TF_BUILD",
        "TEAMCITY_VERSION",
        "APPVEYOR",
        "RUNNER_OS",
    }
    | {
        "PYTEST_CURRENT_TEST",
        "PYTEST_VERSION",
        "PYTEST_XDIST_WORKER",
        "TOX_ENV_NAME",
        "JEST_WORKER_ID",
        "VITEST",
    }
    | {"VITEST_WORKER_ID", "CARGO_MANIFEST_DIR_TEST", "RUNNING_TESTS"}
)
"""Telling wherever they stand. `CI` alone is too short a word: it counts where the environment is read."""

_RUNNERS_FOLDERS: Final = ("/home/runner", "/Users/runner", "D:\\\\a\\\\", "/github/workspace", "/__w/")
_FRAMEWORK: Final = re.compile(
    r"\b_?(?:pytest|unittest|vitest|jest|mocha|jasmine|junit|surefire|testng|karma|cypress|playwright)\b"
    r"|^\.test$|^test\.(?:v|run|timeout)$|^_?test_?$|_test(?:\.go)?$|\.(?:test|spec)\.|^tests?/|/tests?/"
)
_LOOKALIKES: Final = re.compile(r"[\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u13a0-\u13ff\uff21-\uff5a]")


def is_telltale(text: str) -> bool:
    """Whether a text names what only a CI service, or a test runner, sets up."""
    return text in TELLTALE_VARIABLES or text.startswith(_RUNNERS_FOLDERS)


def names_framework(text: str) -> bool:
    """Whether a text that is looked for names a test framework, or is part of the name of a test file."""
    return len(text) <= 80 and _FRAMEWORK.search(text) is not None  # noqa: PLR2004 — longer ones are prose


def is_lookalike(name: str) -> bool:
    """Whether a name in code has letters that pass for Latin ones: Greek, Cyrillic and others."""
    return not name.isascii() and _LOOKALIKES.search(name) is not None


READS_CI: Final = re.compile(
    r"(?:environ|getenv|process\.env|env!|option_env!|env::var|LookupEnv|Getenv|System\.getenv|import\.meta\.env|\bENV)"
    r".{0,40}?[\"'.\[]CI\b[\"'\]]{0,2}"
    r"|process\.env(?:\.|\[[\"'])NODE_ENV.{0,12}?[\"']test[\"']",
    re.DOTALL,
)
