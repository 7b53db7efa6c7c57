"""Text that a repair has no honest reason to add: comments, and files whose syntax the gate does not read."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from activities.publishing.gate.files import Change
from activities.publishing.gate.findings import Finding, doubtful, refused


@dataclass(frozen=True, slots=True)
class LineRule:
    """Text that a repair has no honest reason to add. What the same file loses of it may come back."""

    name: str
    pattern: re.Pattern[str]
    why: str


def _line(name: str, pattern: str, why: str) -> LineRule:
    return LineRule(name, re.compile(pattern), why)


_SUPPRESSES: Final = "silences a check instead of meeting it"
_SKIPS: Final = "takes a test out instead of passing it"
_MUFFLES: Final = "lets a step fail unseen"
_SPECIAL: Final = "behaves otherwise in CI or under test"

COMMENT_RULES: Final = (
    _line(
        "noqa", r"(?i)#\s{0,4}(?:ruff\s{0,4}:\s{0,4}|flake8\s{0,4}[:=]\s{0,4})?noqa\b[^#]{0,80}", _SUPPRESSES
    ),
    _line(
        "python-comment",
        r"(?i)#\s{0,4}(?:type:\s{0,4}ignore|pyright:\s{0,4}\S|mypy:\s{0,4}\S|pyre-(?:ignore|fixme)|ty:\s{0,4}ignore"
        r"|pylint:\s{0,4}(?:disable|skip-file)|pytype:\s{0,4}disable|pragma:\s{0,4}no\s{0,4}(?:cover|branch)|nosec\b"
        r"|nosemgrep|fmt:\s{0,4}(?:off|skip)|yapf:\s{0,4}disable|isort:\s{0,4}(?:skip|off)|bandit:)[^#]{0,80}",
        _SUPPRESSES,
    ),
    _line(
        "javascript-comment",
        r"@ts-(?:ignore|nocheck|expect-error)|(?:es|ts|js|x|ox)lint-disable|tslint:disable|jshint\s{1,4}ignore"
        r"|biome-ignore|prettier-ignore|deno-(?:lint|fmt)-ignore|(?:istanbul|c8|v8)\s{1,4}ignore|\$FlowFixMe",
        _SUPPRESSES,
    ),
    _line("go-comment", r"//\s{0,4}nolint\b\S{0,80}|//\s{0,4}#nosec|//lint:(?:file-)?ignore", _SUPPRESSES),
    _line("java-comment", r"//\s{0,4}NOSONAR|CHECKSTYLE:OFF|//\s{0,4}noinspection\b", _SUPPRESSES),
    _line(
        "other-comment",
        r"(?i)shellcheck\s{1,4}disable|hadolint\s{1,4}(?:global\s{1,4})?ignore|rubocop:\s{0,4}(?:disable|todo)"
        r"|phpcs:(?:ignore|disable)|@phpstan-ignore|@psalm-suppress|swiftlint:disable|NOLINT\b"
        r"|clang-format\s{1,4}off|yamllint\s{1,4}disable|markdownlint-disable|(?:checkov|tfsec|trivy):(?:skip|ignore)"
        r"|codeql\[|pragma\s{1,4}warning\s{1,4}disable|GCC\s{1,4}diagnostic\s{1,4}ignored|stylelint-disable",
        _SUPPRESSES,
    ),
)
"""Silence by comment, in any language."""

DOCUMENTED_RULES: Final = (
    _line(
        "documented-test",
        r"^//[/!]\s{0,4}```\s{0,4}(?:rust\s{0,4},\s{0,4})?(?:ignore|no_run|compile_fail|text)",
        _SKIPS,
    ),
)
"""Examples in the documentation of Rust that are not run as tests any more."""
_DOCUMENTED_DEMAND: Final = re.compile(r"^//[/!].{0,200}\bassert\w*!")

CODE_RULES: Final = (
    _line(
        "rust-attribute",
        r"#!?\[[^\]]{0,200}\b(?:allow|expect)\s{0,4}\([^\]]{0,200}|#!?\[rustfmt::skip",
        _SUPPRESSES,
    ),
    _line("java-annotation", r"@Suppress(?:Warnings|FBWarnings)?\b", _SUPPRESSES),
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
    _line(
        "skipped-other-test",
        r"\[(?:Fact|Theory)\s{0,4}\(\s{0,4}Skip\b|\[Ignore\b|\bXCTSkip\b|markTestSkipped|markTestIncomplete|\bpending\b\s{0,4}(?:['\"(]|do\b)"
        r"|\bGTEST_SKIP\b|\bDISABLED_\w|@(?:Ignore|Disabled)\b|@unittest\.skip|\bskip\s{1,4}(?:['\"]|if\b|unless\b)",
        _SKIPS,
    ),
    _line(
        "special-case",
        r"\b(?:GITHUB_ACTIONS|CONTINUOUS_INTEGRATION|PYTEST_CURRENT_TEST)\b|\$\{?CI\b|ENV\[[\"']CI[\"']\]|getenv\(\s{0,4}[\"']CI[\"']",
        _SPECIAL,
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
    _line(
        "muffling-property",
        r"<(?:skipTests|skip|maven\.test\.skip|testFailureIgnore|failOnViolation|failsOnError|ignoreFailures)>"
        r"|\bignoreFailures\s{0,4}=\s{0,4}true|\bfailOnError\s{0,4}=\s{0,4}false|-DskipTests|-Dmaven\.test\.skip"
        r"|\benabled\s{0,4}=\s{0,4}false",
        _MUFFLES,
    ),
    _line("never-run", r"^\s{0,80}-?\s{0,4}if:\s{0,4}(?:\$\{\{\s{0,4})?false\b", _MUFFLES),
)
"""Silence by code or command, in files whose syntax is not read."""

_PROSE: Final = frozenset({".md", ".markdown", ".rst", ".txt", ".adoc", ".html", ".csv", ".svg"})
_PROSE_COMMENT: Final = re.compile(r"<!--(.{0,500}?)-->")

_TEST_LINE: Final = re.compile(
    r"^\s{0,80}(?:it|describe|context|specify|test|scenario|feature)\b.{0,200}\bdo\b|\bdef\s{1,4}test_|\bfunction\s{1,4}test\w"
    r"|@(?:Test|ParameterizedTest)\b|\[(?:Fact|Theory|Test|TestMethod|TestCase)\b|\bTEST(?:_F|_P|_CASE)?\s{0,4}\(|\bfunc\s{1,4}test\w"
    r"|\b@test\b|^\s{0,80}test\s{1,4}[\"']"
)
_ASSERTING_LINE: Final = re.compile(
    r"\b(?:[aA]ssert\w{0,40}|ASSERT_\w{1,40}|EXPECT_\w{1,40}|XCTAssert\w{0,40}|expect|should\w{0,40}|must_\w{1,40}|REQUIRE|CHECK"
    r"|refute\w{0,40}|assert!|is_expected)\b"
)


def suppressions(before: Iterable[str], after: Iterable[str]) -> Iterator[Finding]:
    """What speaks against new comments."""
    before, after = tuple(before), tuple(after)
    rules = (*COMMENT_RULES, *DOCUMENTED_RULES)
    yield from (refused(rule.why) for rule in _gained(rules, before, after))
    old, new = (sum(_DOCUMENTED_DEMAND.match(each) is not None for each in told) for told in (before, after))
    if new < old:
        yield doubtful("takes an example out that is run as a test")


def by_lines(change: Change, removed: tuple[str, ...], added: tuple[str, ...]) -> Iterator[Finding]:
    """What speaks against the lines of a file whose syntax is not read."""
    if change.suffix in _PROSE and not change.in_tests:
        old, new = (
            [each for line in lines for each in _PROSE_COMMENT.findall(line)] for lines in (removed, added)
        )
        yield from suppressions(old, new)
        return
    yield from suppressions(removed, added)
    yield from (refused(rule.why) for rule in _gained(CODE_RULES, removed, added))
    if change.in_tests:
        yield from _demands(removed, added)


def _demands(removed: tuple[str, ...], added: tuple[str, ...]) -> Iterator[Finding]:
    """Whether a test file in another language loses tests or assertions, as far as lines tell."""
    for pattern, what in ((_TEST_LINE, "a test"), (_ASSERTING_LINE, "an assertion")):
        old = Counter("".join(line.split()) for line in removed if pattern.search(line))
        new = Counter(
            "".join(line.split()) for line in added if pattern.search(line) and not _is_comment(line)
        )
        if (new - old).total() < (old - new).total():
            yield refused(f"takes {what} out instead of meeting it")
        elif old - new:
            yield doubtful(f"changes {what}")
    if "".join("".join(removed).split()) != "".join("".join(added).split()) and removed:
        yield doubtful("changes what tests rest on")


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("#", "//", "/*", "*", "--", ";"))


def _gained(rules: Iterable[LineRule], before: Iterable[str], after: Iterable[str]) -> Iterator[LineRule]:
    before, after = tuple(before), tuple(after)
    return (rule for rule in rules if _matches(rule, after) - _matches(rule, before))


def _matches(rule: LineRule, lines: tuple[str, ...]) -> Counter[str]:
    return Counter("".join(found[0].split()) for line in lines for found in rule.pattern.finditer(line))
