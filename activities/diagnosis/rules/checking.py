"""What linters of one language, of prose, of commits and of infrastructure print."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"
_AT: Final = r":\d{1,7}(?::\d{1,7})?"


def _lint(
    name: str,
    root_cause: str,
    pattern: str,
    source: str = "",
    *,
    also: str = "",
    command: str = "",
    certainty: Certainty = Certainty.SIGNATURE,
) -> Rule:
    return Rule(
        name=name,
        failure_class=FailureClass.LINT,
        root_cause=root_cause,
        pattern=pattern,
        also=also,
        command=command,
        certainty=certainty,
        source=source or "the tool's own output",
    )


CHECKING: Final[tuple[Rule, ...]] = (
    # Python
    _lint(
        "pydocstyle",
        "pydocstyle reports {code} in {file}: {message}",
        rf"^(?P<file>{_PATH}\.py):\d{{1,7}} (?:at|in) [^\n]{{1,150}}:\n +(?P<code>D\d{{3}}): "
        rf"(?P<message>{_REST})",
    ),
    _lint(
        "bandit",
        "bandit reports {code} in {file}: {message}",
        rf"^>> Issue: \[(?P<code>B\d{{3}}):[^\]\n]{{1,80}}\] (?P<message>{_REST})"
        rf"(?:\n[^\n]{{0,300}}){{1,4}}?\n +Location: (?P<file>{_PATH})",
    ),
    _lint(
        "vulture",
        "vulture finds dead code in {file}: {message}",
        rf"^(?P<file>{_PATH}\.py):\d{{1,7}}: (?P<message>(?:unused|unreachable) [^\n]{{1,150}} "
        r"\(\d{1,3}% confidence)",
    ),
    _lint(
        "interrogate",
        "interrogate finds too few docstrings: {message}",
        r"RESULT: FAILED \((?P<message>minimum: [\d.]{1,6}%, actual: [\d.]{1,6}%)\)",
    ),
    _lint(
        "flake8-family",
        "A linter reports {code} in {file}: {message}",
        rf"^(?:##\[error\]|::error [^\n]{{1,200}}::)?(?P<file>{_PATH}){_AT}: "
        rf"(?P<code>(?:E|D|W|C|F)\d{{3}}) (?P<message>{_REST})",
        also=r"bashate error|Total accumulated errors",
    ),
    _lint(
        "ruff-github",
        "ruff reports {code} in {file}: {message}",
        r"^::error title=ruff \((?P<code>[\w-]{1,40})\),file=(?P<file>[^,\n]{1,300}),[^\n]{1,100}::"
        rf"(?P<message>{_REST})",
        "GitHub documentation, workflow commands",
    ),
    # JavaScript and its kin
    _lint(
        "standard",
        "standard reports ({code}) in {file}: {message}",
        rf"^ +(?P<file>{_PATH}\.[cm]?[jt]sx?):\d{{1,7}}:\d{{1,7}}: (?P<message>[^\n]{{1,200}}?) "
        r"\((?P<code>[@\w/-]{1,60})\)$",
        also=r"^standard: ",
    ),
    _lint(
        "jshint",
        "jshint reports in {file}: {message}",
        rf"^(?P<file>{_PATH}): line \d{{1,7}}, col \d{{1,7}}, (?P<message>{_REST})",
    ),
    _lint(
        "eslint-warnings",
        "eslint found too many warnings.",
        r"^ESLint found too many warnings \(maximum: \d{1,6}\)",
        "ESLint documentation, --max-warnings",
    ),
    _lint(
        "stylelint",
        "stylelint reports {code}: {message}",
        r"^ +\d{1,7}:\d{1,7} +✖ +(?P<message>[^\n]{1,200}?) {2,}(?P<code>[\w/-]{1,60})$",
    ),
    _lint(
        "htmlhint",
        "htmlhint reports ({code}): {message}",
        r"^ +\^ (?P<message>[^\n]{1,200}) \((?P<code>[a-z-]{1,50})\)$",
        also=r"^Scanned \d{1,6} files, found",
    ),
    _lint(
        "biome-lint",
        "biome reports {code} in {file}.",
        rf"^(?P<file>{_PATH}){_AT} (?P<code>(?:lint|assist|suppressions)/[\w/]{{1,80}})",
        "Biome documentation, linter",
    ),
    _lint(
        "cspell",
        "cspell does not know a word in {file}: {message}",
        rf"^(?P<file>{_PATH}){_AT} - (?P<message>Unknown word {_REST})",
    ),
    # commits, prose, data
    _lint(
        "commitlint",
        "A commit message breaks the rules: {message}",
        r"^✖ {1,4}(?P<message>[^\n]{1,150} \[[a-z-]{1,40}\])$",
        "commitlint documentation",
    ),
    _lint(
        "gitlint",
        "A commit message breaks the rules: {message}",
        r"^(?:\d{1,4}|-): (?P<message>[TBMUCR]{1,2}\d{1,2} [^\n]{1,150})$",
        command=r"\bgitlint\b",
    ),
    _lint(
        "sqlfluff",
        "sqlfluff reports {code} in {file}: {message}",
        rf"^== \[(?P<file>{_PATH})\] FAIL\n[^\n]{{0,60}}\| +(?P<code>[A-Z]{{2}}\d{{2}}) \| "
        rf"(?P<message>{_REST})",
    ),
    _lint(
        "vale",
        "vale reports: {message}",
        r"^ +\d{1,7}:\d{1,7} +error +(?P<message>[^\n]{1,200}?) +[A-Z]\w{1,30}\.\w{1,40}$",
        "Vale documentation",
    ),
    _lint(
        "link-check",
        "A link in the documents is dead: {message}",
        r"^(?P<message>(?:\[✖\] |\[(?:404|410|ERROR)\] |[✗\u00d7] \[\d{3}\] )https?://[^\n]{1,200})"
        r"|^ +\d{1,5}\. \[L\d{1,6}\] (?P<message_2>(?:404|410) https?://[^\n]{1,200})",
        "lychee, markdown-link-check and awesome_bot output",
    ),
    # shell, containers, infrastructure
    _lint(
        "shellcheck-gcc",
        "shellcheck reports {code} in {file}: {message}",
        rf"^(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}: (?:error|warning|note): "
        r"(?P<message>[^\n]{1,250}) \[(?P<code>SC\d{4})\]$",
        "ShellCheck documentation, -f gcc",
    ),
    _lint(
        "hadolint",
        "hadolint reports {code} in {file}: {message}",
        rf"^(?P<file>{_PATH}):\d{{1,7}} (?P<code>(?:DL|SC)\d{{4}})(?: \w{{4,7}})?:? (?P<message>{_REST})",
    ),
    _lint(
        "ansible-lint",
        "ansible-lint reports {code} in {file}: {message}",
        rf"^(?P<code>[a-z][\w-]{{1,40}}(?:\[[^\]\n]{{1,60}}\])?): (?P<message>{_REST})\n"
        rf"(?P<file>{_PATH}\.ya?ml):\d",
        also=r"violation\(s\) that are fatal|Rule Violation Summary",
    ),
    _lint(
        "zizmor",
        "zizmor reports {code} in {file}: {message}",
        rf"^(?:error|warning|help|info)\[(?P<code>[a-z-]{{1,50}})\]: (?P<message>{_REST})\n +--> "
        rf"(?P<file>{_PATH}):\d",
        also=r"zizmor",
    ),
    _lint(
        "actionlint",
        "actionlint reports ({code}) in {file}: {message}",
        r"^(?P<file>\.github/[\w./-]{1,150}\.ya?ml):\d{1,7}:\d{1,7}: (?P<message>[^\n]{1,300}) "
        r"\[(?P<code>[a-z-]{1,30})\]$",
        "actionlint documentation",
    ),
    _lint(
        "tflint",
        "tflint reports ({code}): {message}",
        r"^(?:Error|Warning|Notice): (?P<message>[^\n]{1,200}) \((?P<code>(?:terraform|aws|google|azurerm)_"
        r"\w{1,80})\)$",
        "TFLint documentation",
    ),
    _lint(
        "checkov",
        "checkov reports {code}: {message}",
        r'^Check: (?P<code>CKV2?_\w{1,30}): "(?P<message>[^"\n]{1,200})"\n\s*FAILED',
        "Checkov documentation",
    ),
    _lint(
        "trivy-config",
        "trivy finds a misconfiguration: {message}",
        r"^(?P<message>(?:AVD|DS|KSV)-?[\w-]{1,20} \((?:LOW|MEDIUM|HIGH|CRITICAL)\): [^\n]{1,150})$",
        "Trivy documentation",
    ),
    # C and C++
    _lint(
        "cpplint",
        "cpplint reports ({code}) in {file}: {message}",
        rf"^(?P<file>{_PATH}):\d{{1,7}}: {{1,3}}(?P<message>[^\n]{{1,200}}?) {{2}}"
        r"\[(?P<code>[a-z_/+0-9]{1,50})\] \[\d\]$",
    ),
    _lint(
        "cmake-lint",
        "cmake-lint reports {code} in {file}: {message}",
        rf"^(?P<file>{_PATH}):\d{{1,7}}(?:,\d{{1,7}})?: \[(?P<code>[CEWR]\d{{4}})\] (?P<message>{_REST})",
    ),
    _lint(
        "clang-tidy",
        "clang-tidy reports {code} in {file}: {message}",
        rf"^(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}: (?:error|warning): (?P<message>[^\n]{{1,200}}) "
        r"\[(?P<code>(?:clang-analyzer|clang-diagnostic|bugprone|cert|cppcoreguidelines|google|hicpp|llvm"
        r"|misc"
        r"|modernize|performance|portability|readability|concurrency)-[\w.,-]{1,100})\]$",
        "clang-tidy documentation",
    ),
    _lint(
        "cppcheck",
        "cppcheck reports [{code}] in {file}: {message}",
        rf"^\[?(?P<file>{_PATH}):\d{{1,7}}(?::\d{{1,7}})?\]?: (?:error: |\()?"
        r"(?:error|warning|style|performance|portability)?[:)]? ?(?P<message>[^\n]{1,200}) "
        r"\[(?P<code>[a-zA-Z]{3,50})\]$",
        "Cppcheck manual",
        command=r"\bcppcheck\b",
    ),
    # Java and Kotlin
    _lint(
        "checkstyle",
        "checkstyle reports [{code}] in {file}: {message}",
        rf"^\[(?:ERROR|WARN|ant:checkstyle\] \[(?:ERROR|WARN))\] (?P<file>{_PATH}\.(?:java|kt))"
        r":\[?\d{1,7}(?:,\d{1,7})?\]?(?::\d{1,7})?:? (?P<message>[^\n]{1,250}) \[(?P<code>\w{3,60})\]",
        "Checkstyle documentation",
        also=r"(?i)checkstyle",
    ),
    _lint(
        "pmd-spotbugs",
        "Static analysis reports: {message}",
        r"(?P<message>PMD Failure: [^\n]{1,200}|\d{1,6} PMD rule violations were found"
        r"|SpotBugs rule violations were found|failed with \d{1,6} bugs and \d{1,6} errors)",
        "maven-pmd-plugin and spotbugs-maven-plugin documentation",
    ),
    _lint(
        "ktlint",
        "ktlint reports ({code}) in {file}: {message}",
        rf"^(?P<file>{_PATH}\.kts?):\d{{1,7}}:\d{{1,7}}:? (?:Lint error > )?(?P<message>[^\n]{{1,200}}) "
        r"\((?P<code>(?:standard|experimental):[\w-]{1,60})\)$",
        "ktlint documentation",
    ),
    _lint(
        "detekt",
        "detekt reports [{code}] in {file}: {message}",
        rf"^(?P<file>{_PATH}\.kts?):\d{{1,7}}:\d{{1,7}}: (?P<message>[^\n]{{1,200}}) "
        r"\[(?P<code>[A-Z]\w{3,60})\]$",
        "detekt documentation",
    ),
    _lint(
        "perlcritic",
        "perlcritic reports: {message}",
        r"^(?P<message>[^\n]{1,200} at line \d{1,6}, column \d{1,6}\.  [^\n]{1,150}\(Severity: [1-5]\))",
        "Perl::Critic documentation",
    ),
    # Ruby, PHP, Swift, Elixir, Rust
    _lint(
        "phpcs",
        "PHP_CodeSniffer reports: {message}",
        r"^FILE: [^\n]{1,250}\n-{10,120}\n(?P<message>FOUND [1-9]\d{0,5} ERRORS?[^\n]{0,100})",
        "PHP_CodeSniffer documentation",
    ),
    _lint(
        "swiftlint",
        "swiftlint reports ({code}) in {file}: {message}",
        rf"^(?P<file>{_PATH}\.swift):\d{{1,7}}:\d{{1,7}}: error: (?P<message>[^\n]{{1,200}}) "
        r"\((?P<code>[a-z_]{3,50})\)$",
        "SwiftLint documentation",
    ),
    _lint(
        "credo",
        "credo reports: {message}",
        r"^┃ \[[A-Z]\] [↗→↘↑↓] (?P<message>[^\n]{1,200})$",
        "Credo documentation",
    ),
    _lint(
        "rustdoc",
        "rustdoc reports in {file}: {message}",
        rf"^(?:error|warning): (?P<message>{_REST})\n +--> (?P<file>{_PATH}):\d",
        "The rustdoc book, lints",
        also=r"#\[(?:deny|warn)\(rustdoc::|could not document `",
    ),
    _lint(
        "cargo-deny",
        "cargo-deny reports: {message}",
        r"^error\[(?P<message>(?:banned|rejected|unlicensed|vulnerability|unmaintained|yanked|duplicate)\]: "
        r"[^\n]{1,200})",
        "cargo-deny book",
    ),
)
