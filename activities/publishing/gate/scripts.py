"""Scripts: shell, make, images and pipelines, as far as their lines tell."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from activities.publishing.gate.files import Change
from activities.publishing.gate.findings import Finding, doubtful, refused

_SCRIPT: Final = re.compile(
    r".*\.(?:sh|bash|zsh|ps1|bat|cmd|mk|dockerfile|groovy)|(?:gnu)?makefile|justfile|(?:docker|container)file.*|jenkinsfile.*"
    r"|taskfile\.ya?ml|procfile|.*\.(?:yml|yaml)|pre-commit|pre-push"
)
_CHECK: Final = re.compile(
    r"(?<![\w./-])(?:pytest|tox|nox|ruff|flake8|pylint|mypy|pyright|black|isort|bandit|eslint|tsc|prettier|stylelint|jest|vitest"
    r"|mocha|playwright|cypress|shellcheck|hadolint|yamllint|markdownlint|golangci-lint|staticcheck|gofmt|rubocop|rspec|phpunit"
    r"|phpstan|ctest|ktlint|detekt|codespell|typos|pre-commit|unittest|coverage"
    r"|(?:npm|pnpm|yarn|bun)(?:\s{1,4}run)?\s{1,4}(?:test|lint|check|typecheck|build)[\w:-]{0,40}"
    r"|cargo\s{1,4}(?:test|clippy|fmt|check|nextest|deny|audit|build)|go\s{1,4}(?:test|vet|build)|dotnet\s{1,4}(?:test|format|build)"
    r"|mvnw?\b[^\n]{0,80}?\b(?:test|verify|package|install)|gradlew?\b[^\n]{0,80}?\b(?:test|check|build)"
    r"|make\s{1,4}(?:-\w{1,10}\s{1,4})?(?:test|lint|check|verify|all)[\w-]{0,40}|helm\s{1,4}lint|terraform\s{1,4}validate)(?![\w-])"
)
_ENDS_ON_ERROR: Final = re.compile(
    r"\bset\s{1,4}-\w{0,8}e|set\s{1,4}-o\s{1,4}(?:errexit|pipefail)|ErrorActionPreference\s{0,4}=\s{0,4}.Stop"
)
_ENDS_WELL: Final = re.compile(
    r"^\s{0,80}(?:exit|return)(?:\s{1,4}0)?\s{0,4};?$|\btrap\b[^\n]{0,200}\bexit\s{1,4}0"
)
_HYPHEN: Final = re.compile(r"^\t[@+]{0,2}-[@+]{0,2}\s{0,4}\w|^\.IGNORE\b")
_SHELL: Final = re.compile(r"#![^\n]{0,80}\b(?:ba|z|da|k)?sh\b")
_NAMING: Final = re.compile(
    r"\s{0,80}(?:-\s{1,8})?(?:name|id|path|key|uses|description|title|label|image|cache|if):"
)
_SHADOWS: Final = re.compile(
    r"(?:^|[;&]|\balias\s)\s{0,40}(?:function\s{1,4})?([\w-]{1,40})\s{0,4}(?:\(\s{0,4}\)|=[\"'])"
)
_USER: Final = re.compile(r"(?im)^\s{0,8}USER\s{1,8}(?!root\b|0\b)\S")
_FROM: Final = re.compile(r"(?im)^\s{0,8}FROM\s{1,8}(?:--\S{1,80}\s{1,8})?([^\s:@]{1,300})")


def findings(change: Change, removed: tuple[str, ...], added: tuple[str, ...]) -> Iterator[Finding]:
    """What speaks against the lines of a script; nothing for another file."""
    if not _SCRIPT.fullmatch(change.name) and not _SHELL.match(change.before or change.after):
        return
    if change.name.endswith((".yml", ".yaml")):
        removed, added = (
            tuple(line for line in each if not _NAMING.match(line)) for each in (removed, added)
        )
    yield from _run(removed, added)
    if _count(_ENDS_ON_ERROR, added) < _count(_ENDS_ON_ERROR, removed):
        yield refused("goes on after an error")
    if _count(_HYPHEN, added) > _count(_HYPHEN, removed):
        yield refused("lets a command fail unseen")
    if _count(_ENDS_WELL, added) > _count(_ENDS_WELL, removed):
        ends = change.after.rstrip().rsplit("\n", 1)[-1]
        yield doubtful("ends well") if _ENDS_WELL.search(ends) else refused("ends before its end")
    if "file" in change.name:
        yield from _image(change.before or "", change.after)


def _run(removed: tuple[str, ...], added: tuple[str, ...]) -> Iterator[Finding]:
    """What speaks against the checks that lines run."""
    lost, gained = _checks(removed), _checks(added)
    if gained.total() < lost.total():
        yield refused("runs a check less")
    elif lost - gained:
        yield doubtful("runs another check")
    elif lost and _lines_of_checks(removed) - _lines_of_checks(added):
        yield doubtful("runs a check otherwise")
    if any(_CHECK.match(name) for line in added for name in _SHADOWS.findall(line[:2_000])):
        yield refused("puts something else in the place of a check")


def _image(before: str, after: str) -> Iterator[Finding]:
    if len(_USER.findall(after)) < len(_USER.findall(before)):
        yield doubtful("runs as root")
    if set(_FROM.findall(after)) - set(_FROM.findall(before)):
        yield doubtful("builds on another image")


def _lines_of_checks(lines: tuple[str, ...]) -> Counter[str]:
    """Lines that run a check, without layout, quotes, and what only moves them."""
    return Counter(
        re.sub(r"[\s\"'`]|\$[@*]|^-?\s{0,8}run:", "", line) for line in lines if _CHECK.search(line[:2_000])
    )


def _checks(lines: tuple[str, ...]) -> Counter[str]:
    """The checks that lines run. Comments run nothing."""
    run = (line for line in lines if not line.lstrip().startswith(("#", "//", "rem ", "::")))
    return Counter(" ".join(found[0].split()) for line in run for found in _CHECK.finditer(line[:2_000]))


def _count(pattern: re.Pattern[str], lines: tuple[str, ...]) -> int:
    return sum(pattern.search(line) is not None for line in lines)
