"""What formatters print that only say that, or how, they would change a file."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"

FORMATTING: Final[tuple[Rule, ...]] = (
    Rule(
        name="clang-format",
        failure_class=FailureClass.FORMAT,
        root_cause="clang-format would reformat {file}.",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}: (?:error|warning): code should be clang-formatted",
        source="clang-format documentation, --dry-run",
    ),
    Rule(
        name="biome-format",
        failure_class=FailureClass.FORMAT,
        root_cause="biome would reformat {file}.",
        pattern=rf"^(?P<file>{_PATH}) format ━+",
        source="Biome documentation, formatter",
    ),
    Rule(
        name="mdformat",
        failure_class=FailureClass.FORMAT,
        root_cause="mdformat would reformat {file}.",
        pattern=r'^Error: File "(?P<file>[^"\n]{1,200})" is not formatted\.',
    ),
    Rule(
        name="cmake-format",
        failure_class=FailureClass.FORMAT,
        root_cause="cmake-format would reformat {file}.",
        pattern=r"^ERROR __main__\.py:\d{1,5}: Check failed: (?P<file>[^\n]{1,200})$",
    ),
    Rule(
        name="diff-by-formatter",
        failure_class=FailureClass.FORMAT,
        root_cause="A formatter would change {file}.",
        pattern=r"^--- (?:original/|a/)?(?P<file>[^\s\n]{1,200})(?:\t\(original\)|\s*\n\+\+\+ fixed/)",
        command=r"\b(?:yapf|autopep8|docformatter|autoflake|shfmt|buildifier)\b",
    ),
    Rule(
        name="docformatter",
        failure_class=FailureClass.FORMAT,
        root_cause="docformatter would rewrite {file}.",
        pattern=r"^(?P<file>[\w./-]{1,200}\.py)$",
        command=r"\bdocformatter\b",
    ),
    Rule(
        name="shfmt",
        failure_class=FailureClass.FORMAT,
        root_cause="shfmt would reformat {file}.",
        pattern=r"^(?:diff |--- )(?P<file>[\w./-]{1,200})(?:\.orig)?",
        command=r"\bshfmt\b",
        source="shfmt manual, -d",
    ),
    Rule(
        name="dotnet-format",
        failure_class=FailureClass.FORMAT,
        root_cause="dotnet format would change {file}: {message}",
        pattern=rf"(?P<file>{_PATH}\.(?:cs|vb|fs))\(\d{{1,7}},\d{{1,7}}\): error "
        r"(?:WHITESPACE|IMPORTS|FINALNEWLINE|CHARSET|ENDOFLINE): (?P<message>[^\n]{1,200})",
        source="dotnet format documentation, --verify-no-changes",
    ),
    Rule(
        name="php-cs-fixer",
        failure_class=FailureClass.FORMAT,
        root_cause="PHP CS Fixer would change {file}.",
        pattern=r"^ +\d{1,5}\) (?P<file>[^\s\n]{1,200}\.php)(?: \([^\n]{1,200}\))?$",
        also=r"Found \d{1,6} of \d{1,6} files that can be fixed|PHP CS Fixer",
        source="PHP CS Fixer documentation, check",
    ),
    Rule(
        name="spotless",
        failure_class=FailureClass.FORMAT,
        root_cause="spotless finds format violations: {message}",
        pattern=r"The following files had format violations:(?:\n(?:\[ERROR\])?[> ]{1,10})(?P<message>[^\n]"
        r"{1,200})",
        source="Spotless documentation, spotlessCheck",
    ),
    Rule(
        name="mix-format",
        failure_class=FailureClass.FORMAT,
        root_cause="mix format would change files.",
        pattern=r"\*\* \(Mix\) mix format failed due to --check-formatted",
        source="Elixir documentation, mix format",
    ),
    Rule(
        name="dart-format",
        failure_class=FailureClass.FORMAT,
        root_cause="dart format would change {file}.",
        pattern=rf"^Changed (?P<file>{_PATH}\.dart)$",
        source="Dart documentation, dart format",
    ),
    Rule(
        name="scalafmt",
        failure_class=FailureClass.FORMAT,
        root_cause="scalafmt would reformat files.",
        pattern=r"error: --test failed|files must be formatted \(scalafmtCheck\)"
        r"|\(\w{1,30} ?/ ?scalafmtCheck\) \d{1,6} files must be formatted",
        source="scalafmt documentation, --test",
    ),
    Rule(
        name="swiftformat",
        failure_class=FailureClass.FORMAT,
        root_cause="swiftformat would change files: {message}",
        pattern=r"(?P<message>\d{1,6}/\d{1,6} files require formatting\.)",
        source="SwiftFormat documentation, --lint",
    ),
    Rule(
        name="generated-files-stale",
        failure_class=FailureClass.FORMAT,
        root_cause="A file that the step generates is not committed as generated: {file}.",
        pattern=r"^diff --git a/(?P<file>[^\s\n]{1,200}) b/",
        command=r"\bgit diff\b[^\n]{0,100}(?:--exit-code|--quiet)|git status --porcelain",
        certainty=Certainty.FAMILY,
        source="git documentation, git diff --exit-code",
    ),
)
