"""What the gate knows, as tables: a new rule is a new row."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from workflows.models import FailureClass, GateDecision

CHANGED_LINES: Final = 4_000
"""Lines added and removed together: more than a person could look through."""
BASE_FILE_BYTES: Final = 5 * 1024 * 1024
"""A larger file is hardly source, and judging it would hold the publisher up."""
LINE_CHARACTERS: Final = 5_000

_CONTROL_CATEGORIES: Final = {"Cc", "Cs"}
_INVISIBLE_CATEGORIES: Final = {"Cf", "Zl", "Zp"}
_PLAIN_CONTROLS: Final = "\t\n\r\f"
_VARIATION_SUPPLEMENT: Final = range(0xE0100, 0xE01F0)
_SEEN_AS_NOTHING: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
"""Letters and marks that show as nothing, and have hidden code in published attacks."""


def glob(pattern: str) -> re.Pattern[str]:
    """A path pattern: `**` crosses directories, `*` and `?` do not; without a slash it is any file's name."""
    regex = ""
    rest = pattern if "/" in pattern else f"**/{pattern}"
    while rest:
        for token, meaning in (("**/", r"(?:.*/)?"), ("**", r".*"), ("*", r"[^/]*"), ("?", r"[^/]")):
            if rest.startswith(token):
                regex, rest = regex + meaning, rest[len(token) :]
                break
        else:
            regex, rest = regex + re.escape(rest[0]), rest[1:]
    return re.compile(regex, re.IGNORECASE | re.DOTALL)


def unseen(text: str) -> list[str]:
    """The characters of `text` that a reviewer would not see, or would see elsewhere than they are."""
    if text.isascii() and text.isprintable():
        return []
    return [character for character in text if _is_unseen(character)]


def _is_unseen(character: str) -> bool:
    if character in _PLAIN_CONTROLS:
        return False
    category = unicodedata.category(character)
    return (
        category in _CONTROL_CATEGORIES
        or category in _INVISIBLE_CATEGORIES
        or ord(character) in _VARIATION_SUPPLEMENT
        or character in _SEEN_AS_NOTHING
    )


# ── paths ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PathRule:
    """A path that is never written."""

    name: str
    applies: Callable[[str], bool]
    why: str


def _parts(path: str) -> list[str]:
    return path.split("/")


def _is_git_directory(part: str) -> bool:
    """Whether a file system may take `part` for `.git`: HFS+ skips characters, NTFS shortens and trims."""
    visible = "".join(each for each in part if unicodedata.category(each) not in {"Cf", "Mn"})
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return re.fullmatch(r"(?:\.git|git~[0-9]+)[. ]*(?::.*)?", folded) is not None


PATH_RULES: Final = (
    PathRule("absolute", lambda path: path.startswith("/") or path[1:2] == ":", "the path is absolute"),
    PathRule("backslash", lambda path: "\\" in path, "the path holds a backslash"),
    PathRule(
        "escape",
        lambda path: any(part in {"", ".", ".."} for part in _parts(path)),
        "the path leaves its directory",
    ),
    PathRule("unseen", lambda path: bool(unseen(path)) or "\f" in path, "the path holds an unseen character"),
    PathRule("blank", lambda path: any(c in path for c in "\t\r\n"), "the path holds a control character"),
    PathRule(
        "trimmed",
        lambda path: any(part != part.strip() or part.endswith(".") for part in _parts(path)),
        "the path begins or ends with what some file systems drop",
    ),
    PathRule("git", lambda path: any(map(_is_git_directory, _parts(path))), "git's own directory"),
    PathRule("long", lambda path: len(path.encode(errors="replace")) > 1_000, "the path is too long"),  # noqa: PLR2004 — the limit is the rule
)


# ── files that take a human, or are never touched ───────────────────────────────────────────────────────────


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
            "setup.py",
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
            "Gemfile",
            "Gemfile.lock",
            "*.gemspec",
            "composer.json",
            "composer.lock",
            "pom.xml",
            "build.gradle*",
            "settings.gradle*",
            "gradle.lockfile",
            "gradle/**",
            "*.csproj",
            "packages.lock.json",
            "mix.exs",
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
        ),
        "runs as part of the build",
    ),
    FileRule(
        "checks",
        (
            ".flake8",
            ".pylintrc",
            ".eslintrc*",
            ".eslintignore",
            ".prettierrc*",
            ".prettierignore",
            ".golangci.*",
            ".pre-commit-config.yaml",
            ".yamllint*",
            ".markdownlint*",
            ".hadolint.y*ml",
            ".rubocop*",
            ".editorconfig",
            ".coveragerc",
            ".npmrc",
            "ruff.toml",
            ".ruff.toml",
            "mypy.ini",
            ".mypy.ini",
            "pyrightconfig.json",
            "pytest.ini",
            "tox.ini",
            "eslint.config.*",
            "prettier.config.*",
            "biome.json*",
            "tsconfig*.json",
            "jest.config.*",
            "vitest.config.*",
            "clippy.toml",
            ".clippy.toml",
            "rustfmt.toml",
            ".rustfmt.toml",
            "rust-toolchain*",
            "deny.toml",
        ),
        "decides what the checks demand",
    ),
)

GENERATED_MARK: Final = re.compile(rb"@generated\b|\bDO NOT EDIT\b")
GENERATED_MARK_BYTES: Final = 2_000
"""A generator's mark stands at the top."""


# ── added lines ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LineRule:
    """Text that a repair has no honest reason to add. What the same file loses of it may come back."""

    name: str
    pattern: re.Pattern[str]
    why: str
    decision: GateDecision = GateDecision.REFUSED


def _line(name: str, pattern: str, why: str) -> LineRule:
    return LineRule(name, re.compile(pattern), why)


_SUPPRESSES: Final = "silences a check instead of meeting it"
_SKIPS: Final = "takes a test out instead of passing it"
_MUFFLES: Final = "lets a step fail unseen"

LINE_RULES: Final = (
    _line(
        "noqa", r"(?i)#\s{0,4}(?:ruff\s{0,4}:\s{0,4}|flake8\s{0,4}[:=]\s{0,4})?noqa\b[^#]{0,80}", _SUPPRESSES
    ),
    _line(
        "python-comment",
        r"(?i)#\s{0,4}(?:type:\s{0,4}ignore|pyright:\s{0,4}\S|mypy:\s{0,4}\S|pyre-(?:ignore|fixme)|ty:\s{0,4}ignore"
        r"|pylint:\s{0,4}disable|pytype:\s{0,4}disable|pragma:\s{0,4}no\s{0,4}(?:cover|branch)|nosec\b"
        r"|nosemgrep|fmt:\s{0,4}(?:off|skip)|yapf:\s{0,4}disable|isort:\s{0,4}(?:skip|off)|bandit:)[^#]{0,80}",
        _SUPPRESSES,
    ),
    _line(
        "javascript-comment",
        r"@ts-(?:ignore|nocheck|expect-error)|(?:es|ts|js|x|ox)lint-disable|tslint:disable|jshint\s{1,4}ignore"
        r"|biome-ignore|prettier-ignore|deno-(?:lint|fmt)-ignore|(?:istanbul|c8|v8)\s{1,4}ignore|\$FlowFixMe",
        _SUPPRESSES,
    ),
    _line(
        "rust-attribute",
        r"#!?\[[^\]]{0,200}\b(?:allow|expect)\s{0,4}\([^\]]{0,200}|#!?\[rustfmt::skip",
        _SUPPRESSES,
    ),
    _line("go-comment", r"//\s{0,4}nolint\b\S{0,80}|//\s{0,4}#nosec|//lint:(?:file-)?ignore", _SUPPRESSES),
    _line(
        "java-annotation", r"@Suppress(?:Warnings|FBWarnings)?\b|//\s{0,4}NOSONAR|CHECKSTYLE:OFF", _SUPPRESSES
    ),
    _line(
        "other-comment",
        r"(?i)shellcheck\s{1,4}disable|hadolint\s{1,4}(?:global\s{1,4})?ignore|rubocop:\s{0,4}(?:disable|todo)"
        r"|phpcs:(?:ignore|disable)|@phpstan-ignore|@psalm-suppress|swiftlint:disable|NOLINT\b"
        r"|clang-format\s{1,4}off|yamllint\s{1,4}disable|markdownlint-disable|(?:checkov|tfsec|trivy):(?:skip|ignore)"
        r"|codeql\[|pragma\s{1,4}warning\s{1,4}disable|GCC\s{1,4}diagnostic\s{1,4}ignored|stylelint-disable",
        _SUPPRESSES,
    ),
    _line(
        "skipped-python-test",
        r"\bmark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\s{0,4}\("
        r"|\bunittest\.(?:skip\w{0,10}|expectedFailure)|\bself\.skipTest\s{0,4}\(|\braise\s{1,4}(?:unittest\.)?SkipTest"
        r"|^\s{0,80}@(?:skip|skipIf|skipUnless|expectedFailure)\b|\bcollect_ignore(?:_glob)?\b",
        _SKIPS,
    ),
    _line(
        "skipped-javascript-test",
        r"\b(?:it|test|describe|context|suite|specify|bench)(?:\.(?:concurrent|each|sequential))?"
        r"\.(?:only|skip|skipIf|todo|fails|failing|fixme)\s{0,4}[.(`]|\b[xf](?:it|describe|context|test|specify)\s{0,4}\(",
        _SKIPS,
    ),
    _line(
        "skipped-rust-test",
        r"#\[\s{0,4}ignore\b|#\[\s{0,4}should_panic\b|cfg\(\s{0,4}not\(\s{0,4}test",
        _SKIPS,
    ),
    _line(
        "skipped-go-test",
        r"\b[tb]\.Skip(?:f|Now)?\s{0,4}\(|//\s{0,4}\+build\s{1,4}ignore|//go:build\s{1,4}ignore",
        _SKIPS,
    ),
    _line("skipped-java-test", r"@(?:Disabled|Ignore)\b|\bassume(?:True|False|That)\s{0,4}\(", _SKIPS),
    _line(
        "continue-on-error", r"\b(?:continue-on-error|continueOnError|allow_failure|ignoreErrors)\b", _MUFFLES
    ),
    _line(
        "muffled-command",
        r"\|\|\s{0,4}(?:true|:|exit\s{1,4}0|echo\b|/bin/true)(?![\w-])|;\s{0,4}true\s{0,4}$|\bset\s{1,4}\+(?:e|o\s{1,4}errexit)"
        r"|\|\|\s{0,4}\(\s{0,4}exit\s{1,4}0",
        _MUFFLES,
    ),
    _line(
        "muffling-option",
        r"--(?:exit-zero|no-verify|no-fail|pass-with-no-tests|passWithNoTests|no-error-on-unmatched-pattern"
        r"|suppress-tests|ignore-errors|cap-lints|no-strict)\b"
        r"|--max-warnings[= ]\s{0,4}-?\d|--deselect\b|--ignore-glob\b",
        _MUFFLES,
    ),
    _line("never-run", r"^\s{0,80}-?\s{0,4}if:\s{0,4}(?:\$\{\{\s{0,4})?false\b", _MUFFLES),
    _line("blob", r"[A-Za-z0-9+/=_-]{400,}", "holds an encoded blob"),
)
