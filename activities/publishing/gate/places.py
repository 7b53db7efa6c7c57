"""Files that take a human, or are never touched, by where they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from activities.publishing.gate.findings import Finding
from activities.publishing.gate.paths import glob, is_meant
from workflows.models import FailureClass, GateDecision


@dataclass(frozen=True, slots=True)
class FileRule:
    """Files that are judged by where they are."""

    name: str
    patterns: tuple[str, ...]
    why: str
    decision: GateDecision = GateDecision.NEEDS_APPROVAL
    unless: frozenset[FailureClass] = frozenset()
    """Failures that are the file's own: then it may be changed like any other."""
    compiled: tuple[re.Pattern[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", tuple(glob(pattern) for pattern in self.patterns))

    def covers(self, path: str) -> bool:
        """Whether `path` is one of these files."""
        return any(pattern.fullmatch(path) for pattern in self.compiled)


FILE_RULES: Final = (
    FileRule(
        "vendored",
        (
            "**/node_modules/**",
            "**/vendor/**",
            "**/third_party/**",
            "**/site-packages/**",
            "**/.venv/**",
            "**/Pods/**",
        ),
        "somebody else's code, copied here",
        GateDecision.REFUSED,
    ),
    FileRule(
        "generated",
        ("*.min.js", "*.min.css", "*.map", "*_pb2.py", "*_pb2_grpc.py", "*.pb.go", "*.pb.cc", "*.pb.h"),
        "a generated file",
        GateDecision.REFUSED,
    ),
    FileRule("submodules", (".gitmodules",), "the list of submodules", GateDecision.REFUSED),
    FileRule("workflow", (".github/**",), "GitHub's configuration of this repository"),
    FileRule("dot-directory", (".*/**",), "a tool's configuration directory"),
    FileRule(
        "pipeline",
        (
            "Jenkinsfile*",
            "azure-pipelines*.y*ml",
            "bitbucket-pipelines.y*ml",
            "appveyor.y*ml",
            "cloudbuild.y*ml",
            "buildspec*.y*ml",
            "action.y*ml",
        ),
        "decides what CI runs",
    ),
    FileRule(
        "start-up",
        ("sitecustomize.py", "usercustomize.py", "*.pth"),
        "runs with every interpreter",
        GateDecision.REFUSED,
    ),
    FileRule("attributes", (".gitattributes", ".gitconfig", ".lfsconfig"), "tells git how to treat files"),
    FileRule("owners", ("CODEOWNERS",), "says who must review"),
    FileRule(
        "instructions",
        (
            "AGENTS.md",
            "AGENTS.override.md",
            "CLAUDE.md",
            "CLAUDE.local.md",
            "GEMINI.md",
            "CONVENTIONS.md",
            ".cursorrules",
            ".clinerules",
            ".windsurfrules",
            ".mcp.json",
            "copilot-instructions.md",
            "*.instructions.md",
            "SKILL.md",
            "**/.claude/**",
            "**/.cursor/**",
            "**/.agents/**",
        ),
        "instructions to coding agents",
    ),
    FileRule(
        "dependencies",
        (
            "pyproject.toml",
            "setup.cfg",
            "requirements*.txt",
            "requirements/**",
            "constraints*.txt",
            "Pipfile",
            "poetry.lock",
            "uv.lock",
            "pdm.lock",
            "Pipfile.lock",
            "pylock*.toml",
            "package.json",
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "pnpm-workspace.yaml",
            "bun.lock",
            "bun.lockb",
            "deno.json",
            "deno.lock",
            "Cargo.toml",
            "Cargo.lock",
            "go.mod",
            "go.sum",
            "go.work",
            "Gemfile.lock",
            "composer.json",
            "composer.lock",
            "gradle.lockfile",
            "packages.lock.json",
            "mix.lock",
            "environment.y*ml",
            "flake.lock",
            "Chart.yaml",
            "Chart.lock",
        ),
        "declares what is installed",
        unless=frozenset({FailureClass.DEPENDENCY}),
    ),
    FileRule(
        "build-program",
        (
            "setup.py",
            "Gemfile",
            "*.gemspec",
            "pom.xml",
            "build.gradle*",
            "settings.gradle*",
            "gradle/**",
            "gradle.properties",
            "*.csproj",
            "*.fsproj",
            "Directory.*.props",
            "mix.exs",
            "build.sbt",
            "Package.swift",
        ),
        "declares what is installed, and how it is built and tested",
    ),
    FileRule(
        "image",
        (
            "Dockerfile",
            "Dockerfile.*",
            "*.Dockerfile",
            "Containerfile",
            "docker-compose*.y*ml",
            "compose*.y*ml",
        ),
        "builds an image",
        unless=frozenset({FailureClass.DOCKER_BUILD}),
    ),
    FileRule(
        "build",
        (
            "Makefile",
            "GNUmakefile",
            "*.mk",
            "justfile",
            "Taskfile.y*ml",
            "noxfile.py",
            "tasks.py",
            "build.rs",
            "CMakeLists.txt",
            "gulpfile.*",
            "Gruntfile.*",
            "webpack.config.*",
            "vite.config.*",
            "rollup.config.*",
            "babel.config.*",
            "turbo.json",
            "nx.json",
            "lerna.json",
            "WORKSPACE*",
            "BUILD",
            "BUILD.bazel",
            "MODULE.bazel",
            "meson.build",
            "skaffold.y*ml",
        ),
        "runs as part of the build",
    ),
    FileRule(
        "checks",
        (
            "ruff.toml",
            "mypy.ini",
            "pyrightconfig.json",
            "pytest.ini",
            "tox.ini",
            "eslint.config.*",
            "prettier.config.*",
            "biome.json*",
            "tsconfig*.json",
            "jest.config.*",
            "vitest.config.*",
            "vitest.workspace.*",
            "vitest.setup.*",
            "jest.setup.*",
            "jest-setup.*",
            "setupTests.*",
            "clippy.toml",
            "rustfmt.toml",
            "rust-toolchain*",
            "deny.toml",
            "conftest.py",
            "codecov.y*ml",
            "sonar-project.properties",
            "karma.conf.*",
            "cypress.config.*",
            "playwright.config.*",
            "commitlint.config.*",
            "stylelint.config.*",
            "checkstyle*.xml",
            "pmd*.xml",
            "spotbugs*.xml",
            "findbugs*.xml",
            "suppressions*.xml",
            "detekt*.y*ml",
            "lint.xml",
            "lint-baseline.xml",
            "phpunit.xml*",
            "phpstan*.neon*",
            "psalm.xml",
            "typos.toml",
            "_typos.toml",
            "cspell*.json",
            "cspell*.y*ml",
            "dictionary*.txt",
            "*wordlist*.txt",
            "tslint.json",
            "mkdocs.yml",
            "testng*.xml",
            "junit-platform.properties",
            "nextest.toml",
            "tarpaulin.toml",
            "cliff.toml",
            "*baseline*.json",
            "*baseline*.xml",
            "*-todo.yml",
            ".*rc",
            ".*rc.*",
            ".*ignore*",
            ".*.y*ml",
            ".*.toml",
            ".*.json*",
            ".flake8",
            ".bandit",
            ".editorconfig",
            ".env*",
            ".clang-*",
            ".yamllint",
            ".python-version",
            ".tool-versions",
        ),
        "decides what the checks demand",
    ),
)


def findings(path: str, failure: FailureClass, protected: tuple[str, ...]) -> Iterator[Finding]:
    """What speaks against changing the file at `path`; `protected` are further patterns that take a human."""
    for rule in FILE_RULES:
        if rule.covers(path) and failure not in rule.unless:
            yield Finding(rule.decision, rule.why)
    if any(is_meant(pattern, path) for pattern in protected):
        yield Finding(GateDecision.NEEDS_APPROVAL, "protected by settings")


def declares_dependencies(path: str) -> bool:
    """Whether the file at `path` may change where the failure is a dependency's."""
    return any(rule.covers(path) and FailureClass.DEPENDENCY in rule.unless for rule in FILE_RULES)


def is_protected(path: str) -> bool:
    """Whether the file at `path` configures, declares or builds: changing it can take a human."""
    return any(rule.covers(path) for rule in FILE_RULES)
