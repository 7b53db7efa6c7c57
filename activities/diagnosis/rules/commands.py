"""What the command alone tells, where nothing recognised its output."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

_RUN: Final = r"(?: run)?(?: -\S{1,100}){0,8}"
"""Between a tool and its task: `npm run test`, `mvn -B verify`."""


def _by_command(failure_class: FailureClass, what: str, command: str) -> Rule:
    return Rule(
        name=f"by-command-{failure_class.value.replace('_', '-')}",
        failure_class=failure_class,
        root_cause=f"{what} fails; no rule recognised its output.",
        command=command,
        certainty=Certainty.GUESS,
    )


COMMANDS: Final[tuple[Rule, ...]] = (
    _by_command(
        FailureClass.FORMAT,
        "A formatter's check",
        r"\b(?:black|isort|prettier|rustfmt|gofmt|clang-format|dprint|spotless\w*|(?:ruff|biome) format"
        r"|(?:cargo|terraform|deno) fmt|dotnet format)\b",
    ),
    _by_command(
        FailureClass.LINT,
        "A linter",
        r"\b(?:ruff|flake8|pylint|eslint|xo|stylelint|golangci-lint|go vet|clippy|rubocop|shellcheck|yamllint"
        r"|markdownlint\S{0,20}|hadolint|actionlint|codespell|pre-commit|biome|ktlint|detekt|phpcs"
        r"|(?:npm|yarn|pnpm)(?: run)? lint\S{0,40}|make lint)\b",
    ),
    _by_command(
        FailureClass.TYPE_CHECK,
        "A type checker",
        r"\b(?:mypy|pyright|basedpyright|tsc|phpstan|psalm|pyre|ty check)\b",
    ),
    _by_command(
        FailureClass.UNIT_TEST,
        "A test command",
        r"\b(?:pytest|unittest|tox|nox|jest|vitest|mocha|rspec|phpunit|ctest|bats)\b"
        r"|\b(?:go|cargo|dotnet|mix|swift|deno|bun|make|npm|yarn|pnpm|rails|rake|mvn|gradlew?)"
        rf"{_RUN} (?:test|check|verify)",
    ),
    _by_command(
        FailureClass.DOCKER_BUILD,
        "An image build",
        r"\bdocker (?:buildx )?(?:build|bake)\b|\bdocker[- ]compose build\b",
    ),
    _by_command(
        FailureClass.DEPENDENCY,
        "Installing dependencies",
        r"\b(?:npm (?:ci|install|i)|yarn install|pnpm install|pip3? install|uv (?:sync|lock|pip)"
        r"|poetry (?:install|lock)|bundle install|composer install|go mod|cargo fetch|apt-get install)\b",
    ),
    _by_command(
        FailureClass.COMPILE,
        "A build",
        r"\b(?:cargo|go|dotnet|swift|npm|yarn|pnpm|mvn|gradlew?|cmake)"
        rf"{_RUN} (?:build|compile|package|assemble)"
        r"|\b(?:gcc|g\+\+|clang|javac)\b|\bmake(?: -\S{1,20}){0,4}(?: all| build| compile)?$",
    ),
)
