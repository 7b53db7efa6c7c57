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

READS_CI: Final = re.compile(
    r"(?:environ|getenv|process\.env|env!|option_env!|env::var|LookupEnv|Getenv|System\.getenv|import\.meta\.env|\bENV)"
    r".{0,40}?[\"'.\[]CI\b[\"'\]]?"
    r"|process\.env(?:\.|\[[\"'])NODE_ENV.{0,12}?[\"']test[\"']",
    re.DOTALL,
)
