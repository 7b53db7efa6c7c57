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
        r"\b(?:black|isort|usort|prettier|rustfmt|gofmt|gofumpt|goimports|clang-format|dprint|shfmt|yapf"
        r"|autopep8"
        r"|docformatter|mdformat|pyproject-fmt|sqlfmt|sort-package-json|scalafmt|swiftformat|ktfmt"
        r"|google-java-format"
        r"|taplo|buildifier|cmake-format|gersemi|stylua|ormolu|fourmolu|csharpier|php-cs-fixer|spotless\w*"
        r"|(?:ruff|biome|dart|mix|dotnet|swift) format|(?:cargo|terraform|tofu|deno|zig|just|buf) (?:fmt"
        r"|format)"
        r"|(?:npm|yarn|pnpm|bun)(?: run)? (?:format|fmt)\S{0,40}|make (?:format|fmt)\S{0,20})\b",
    ),
    _by_command(
        FailureClass.LINT,
        "A linter",
        r"\b(?:ruff|flake8|pylint|eslint|xo|oxlint|stylelint|golangci-lint|staticcheck|revive|go vet|clippy"
        r"|rubocop"
        r"|standardrb|shellcheck|yamllint|markdownlint\S{0,20}|pymarkdown|hadolint|actionlint|zizmor"
        r"|codespell|typos"
        r"|cspell|pre-commit|biome|ktlint|detekt|phpcs|tflint|tfsec|checkov|cfn-lint|ansible-lint|sqlfluff"
        r"|djlint"
        r"|swiftlint|credo|hlint|luacheck|selene|vale|textlint|proselint|bandit|semgrep|vulture|interrogate"
        r"|pydocstyle"
        r"|refurb|unimport|pycln|autoflake|pyupgrade|commitlint|gitlint|spectral|redocly|knip|publint"
        r"|cppcheck"
        r"|clang-tidy|cpplint|checkstyle\w*|pmd\w*|spotbugs\w*|buf lint|helm lint|kube-linter|reuse lint"
        r"|(?:npm|yarn|pnpm|bun)(?: run)? lint\S{0,40}|make lint\S{0,20})\b",
    ),
    _by_command(
        FailureClass.TYPE_CHECK,
        "A type checker",
        r"\b(?:mypy|dmypy|pyright|basedpyright|pyrefly|pytype|tsc|vue-tsc|svelte-check|astro check|tsd"
        r"|flow(?: check)?"
        r"|phpstan|psalm|pyre|ty check|sorbet|srb tc|steep|dialyzer"
        r"|(?:npm|yarn|pnpm|bun)(?: run)? type-?check\S{0,40})\b",
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
