"""What linters and formatters print."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"

LINTING: Final[tuple[Rule, ...]] = (
    Rule(
        name="ruff-format",
        failure_class=FailureClass.FORMAT,
        root_cause="ruff format would reformat {file}.",
        pattern=rf"^Would reformat: (?P<file>{_PATH})$|^unformatted: File would be reformatted\n *--> "
        rf"(?P<file_2>{_PATH}):",
    ),
    Rule(
        name="ruff-format-diff",
        failure_class=FailureClass.FORMAT,
        root_cause="ruff format would reformat files.",
        pattern=r"^\d{1,6} files? would be reformatted(?:, \d{1,6} files? (?:already formatted"
        r"|left unchanged))?$",
    ),
    Rule(
        name="ruff-imports",
        failure_class=FailureClass.FORMAT,
        root_cause="ruff finds the imports of {file} unsorted.",
        pattern=rf"^I001(?: \[\*\])? {_REST}\n *--> (?P<file>{_PATH}):\d"
        rf"|^(?:##\[error\])?(?P<file_2>{_PATH}):\d{{1,7}}:\d{{1,7}}: I001 ",
        source="ruff documentation, unsorted-imports",
    ),
    Rule(
        name="ruff-check",
        failure_class=FailureClass.LINT,
        root_cause="ruff reports {code} in {file}: {message}",
        pattern=r"^(?P<code>[A-Z]{1,6}\d{2,5}|invalid-syntax)(?: \[\*\]|:)? "
        rf"(?P<message>{_REST})\n *--> (?P<file>{_PATH}):\d",
    ),
    Rule(
        name="ruff-check-concise",
        failure_class=FailureClass.LINT,
        root_cause="ruff reports {code} in {file}: {message}",
        pattern=rf"^(?:##\[error\])?(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}: "
        rf"(?P<code>[A-Z]{{1,6}}\d{{2,5}}) (?:\[\*\] )?(?P<message>{_REST})",
        also=r"^Found \d{1,6} errors?[. ]|fixable with the `--fix` option|^\[\*\] \d{1,6} fixable|title=ruff",
    ),
    Rule(
        name="black",
        failure_class=FailureClass.FORMAT,
        root_cause="black would reformat {file}.",
        pattern=r"^would reformat (?P<file>[^\n]{1,300})$",
    ),
    Rule(
        name="black-parse",
        failure_class=FailureClass.COMPILE,
        root_cause="black cannot parse {file}.",
        pattern=r"^error: cannot format (?P<file>[^\n:]{1,300}): (?:Cannot parse|cannot use)"
        r"|^error: cannot parse: (?P<file_2>[^\n:]{1,300}):\d",
    ),
    Rule(
        name="isort",
        failure_class=FailureClass.FORMAT,
        root_cause="isort finds the imports of {file} unsorted.",
        pattern=r"^ERROR: (?P<file>[^\n]{1,300}) Imports are incorrectly sorted and/or formatted\.",
    ),
    Rule(
        name="flake8",
        failure_class=FailureClass.LINT,
        root_cause="flake8 reports {code} in {file}: {message}",
        pattern=rf"^(?:##\[error\])?(?P<file>{_PATH}\.pyi?):\d{{1,7}}:\d{{1,7}}: "
        rf"(?P<code>[A-Z]{{1,3}}\d{{3,4}}) (?P<message>{_REST})",
    ),
    Rule(
        name="pylint",
        failure_class=FailureClass.LINT,
        root_cause="pylint reports {code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}: (?P<code>[CRWEF]\d{{4}}): (?P<message>{_REST})",
    ),
    Rule(
        name="codespell",
        failure_class=FailureClass.LINT,
        root_cause="codespell finds a misspelling in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}: (?P<message>\S{{1,80}} ==> {_REST})",
    ),
    Rule(
        name="pre-commit",
        failure_class=FailureClass.LINT,
        root_cause="The pre-commit hook {hook} failed.",
        pattern=r"^- hook id: (?P<hook>[\w.-]{1,100})$",
        certainty=Certainty.FAMILY,
        source="pre-commit documentation",
    ),
    Rule(
        name="cargo-fmt",
        failure_class=FailureClass.FORMAT,
        root_cause="rustfmt would reformat {file}.",
        pattern=r"^Diff in (?P<file>[^\n]{1,300}?\.rs)(?::\d{1,7}:?| at line \d{1,7}:)$",
    ),
    Rule(
        name="cargo-clippy",
        failure_class=FailureClass.LINT,
        root_cause="clippy reports in {file}: {message}",
        pattern=rf"^error: (?P<message>{_REST})\n +--> (?P<file>{_PATH}):\d",
        also=r"implied by `-D |rust-clippy|#\[deny\(|#\[warn\(|requested on the command line",
    ),
    Rule(
        name="prettier",
        failure_class=FailureClass.FORMAT,
        root_cause="prettier would reformat {file}.",
        pattern=r"^\[warn\] (?P<file>(?!Code style)[^\n]{1,300})$",
        also=r"Code style issues|Run Prettier",
    ),
    Rule(
        name="prettier-summary",
        failure_class=FailureClass.FORMAT,
        root_cause="prettier would reformat files.",
        pattern=r"Code style issues (?:were )?found in|Forgot to run Prettier\?",
    ),
    Rule(
        name="biome",
        failure_class=FailureClass.LINT,
        root_cause="biome reports problems.",
        pattern=r"^(?:lint|check|ci|format) ━+|File content differs from formatting output",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="eslint",
        failure_class=FailureClass.LINT,
        root_cause="eslint reports {code}: {message}",
        pattern=r"^ +\d{1,7}:\d{1,7} +error +(?P<message>[^\n]{1,200}?) {2,}(?P<code>[@\w/-]{1,80})$",
    ),
    Rule(
        name="eslint-summary",
        failure_class=FailureClass.LINT,
        root_cause="eslint found problems.",
        pattern=r"^✖ \d{1,6} problems? \([1-9]\d{0,5} errors?",
    ),
    Rule(
        name="xo",
        failure_class=FailureClass.LINT,
        root_cause="xo reports {code}: {message}",
        pattern=r"^ +✖ +\d{1,7}:\d{1,7} +(?P<message>[^\n]{1,200}?) {2,}(?P<code>[@\w/-]{1,80})$",
    ),
    Rule(
        name="markdownlint",
        failure_class=FailureClass.LINT,
        root_cause="markdownlint reports {code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}(?::\d{{1,7}})? (?:error )?(?P<code>MD\d{{3}})/"
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="yamllint",
        failure_class=FailureClass.LINT,
        root_cause="yamllint reports ({code}): {message}",
        pattern=r"^ +\d{1,7}:\d{1,7} +error +(?P<message>[^\n]{1,200}?) +\((?P<code>[a-z-]{1,40})\)$"
        r"|^##\[error\][^\n]{1,200}\[(?P<code_2>[a-z-]{1,40})\] (?P<message_2>[^\n]{1,200})$",
    ),
    Rule(
        name="shellcheck",
        failure_class=FailureClass.LINT,
        root_cause="shellcheck reports {code} in {file}: {message}",
        pattern=rf"^In (?P<file>{_PATH}) line \d{{1,7}}:(?:\n[^\n]{{0,400}}){{0,8}}?\n[^\n]{{0,400}}?"
        rf"(?P<code>SC\d{{4}})(?: \(\w{{4,7}}\))?: (?P<message>{_REST})",
    ),
    Rule(
        name="golangci-lint",
        failure_class=FailureClass.LINT,
        root_cause="golangci-lint ({code}) reports in {file}: {message}",
        pattern=rf"^(?:##\[error\])?(?P<file>{_PATH}\.go):\d{{1,7}}:\d{{1,7}}: "
        r"(?P<message>[^\n]{1,200}) \((?P<code>[a-z]{2,30})\)$",
    ),
    Rule(
        name="tldr-lint",
        failure_class=FailureClass.LINT,
        root_cause="tldr-lint reports {code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}: (?P<code>TLDR\d{{3}}) (?P<message>{_REST})",
    ),
    Rule(
        name="rubocop",
        failure_class=FailureClass.LINT,
        root_cause="rubocop reports {code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}: [CWEFR]: (?:\[Correct\w*\] )?"
        rf"(?P<code>[A-Z]\w+/\w+): (?P<message>{_REST})",
    ),
    Rule(
        name="terraform-fmt",
        failure_class=FailureClass.FORMAT,
        root_cause="terraform fmt would reformat {file}.",
        pattern=r"^(?P<file>[\w./-]{1,200}\.tf(?:vars)?)$",
        command=r"\b(?:terraform|tofu) fmt\b",
    ),
    Rule(
        name="gofmt",
        failure_class=FailureClass.FORMAT,
        root_cause="gofmt would reformat {file}.",
        pattern=r"^(?:diff (?:-u )?)?(?P<file>[\w./-]{1,200}\.go)(?:\.orig\b[^\n]{0,200})?$",
        command=r"\bgofmt\b|\bgo fmt\b|\bgoimports\b|\bgofumpt\b",
    ),
    Rule(
        name="helm-lint",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="helm lint reports: {message}",
        pattern=rf"^\[ERROR\] (?P<message>(?:templates/|Chart\.yaml|values){_REST})",
    ),
    Rule(
        name="blacken-docs",
        failure_class=FailureClass.FORMAT,
        root_cause="blacken-docs would rewrite {file}.",
        pattern=rf"^(?P<file>{_PATH}): Rewriting\.\.\.$",
    ),
)
