"""What the tools of further languages and of infrastructure print, each in its own words."""

from typing import Final

from activities.diagnosis.rule import Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"

FURTHER_LANGUAGES: Final[tuple[Rule, ...]] = (
    Rule(
        name="ocaml",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} does not compile.",
        pattern=r'^File "(?P<file>[^"\n]{1,200}\.ml[ily]?)", line \d{1,7}, characters \d{1,7}-\d{1,7}:\n'
        r"(?:[^\n]{0,200}\n){1,12}?Error: (?!Files)",
    ),
    Rule(
        name="ocamlformat",
        failure_class=FailureClass.FORMAT,
        root_cause="ocamlformat would change files: {message}",
        pattern=r"^Error: (?P<message>Files [^\n]{1,150}\.formatted/[^\n]{1,100} differ\.)",
    ),
    Rule(
        name="fortran",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} does not compile: {message}",
        pattern=rf"^(?P<file>{_PATH}\.(?:f|for|f77|f90|f95|f03|F90)):\d{{1,7}}:\d{{1,7}}:\n(?:[^\n]"
        rf"{{0,200}}\n){{1,8}}?"
        rf"(?:Fatal )?Error: (?P<message>{_REST})",
        source="GNU Fortran documentation",
    ),
    Rule(
        name="solidity",
        failure_class=FailureClass.COMPILE,
        root_cause="Solidity does not compile: {message}",
        pattern=rf"^(?:Compiler run failed:\n)?Error \(\d{{1,5}}\): (?P<message>{_REST})",
        source="solc documentation, error codes",
    ),
    Rule(
        name="forge-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^\[FAIL[^\]\n]{0,200}\] (?P<test>[^\n]{1,150})",
        source="Foundry book, forge test",
    ),
    Rule(
        name="clojure-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?:FAIL|ERROR) in \((?P<test>[^)\n]{1,150})\) \(",
    ),
    Rule(
        name="julia-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?P<test>[^\n:]{1,100}): (?:Test Failed|Error During Test) at ",
    ),
    Rule(
        name="r-check",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests of the R package fail.",
        pattern=r"^ *\[ FAIL [1-9]\d{0,5} \||^ *Error: Test failures",
        source="testthat's output",
    ),
    Rule(
        name="bazel-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?P<test>//\S{1,150}) {1,100}(?:FAILED|TIMEOUT) in ",
        source="Bazel documentation, test output",
    ),
    Rule(
        name="karma",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?:Chrome|Firefox|HeadlessChrome|Edge|Safari)[^\n()]{0,60}\([^)\n]{1,40}\):? "
        r"(?P<test>[^\n]{1,150}?) FAILED",
    ),
    Rule(
        name="dart-analysis",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="dart analyze reports {file}: {message}",
        pattern=rf"^ *error [-•] (?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}} [-•] (?P<message>{_REST})"
        rf"|^ *error [-•] (?P<message_2>[^\n•]{{1,200}}) [-•] (?P<file_2>{_PATH}\.dart):\d",
        source="Dart documentation, dart analyze",
    ),
    Rule(
        name="dart-hints",
        failure_class=FailureClass.LINT,
        root_cause="dart analyze reports: {message}",
        pattern=rf"^ *(?:info|warning) [-•] (?P<message>{_REST}) [-•] [a-z_]{{3,60}}$",
        source="Dart documentation, dart analyze",
    ),
    Rule(
        name="dialyzer",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="Dialyzer warns: {message}",
        pattern=r"^(?P<message>Function \S{1,100} has no local return\.|The (?:pattern|function call"
        r"|created fun|guard test)"
        r"[^\n]{1,150})|^done \(warnings were emitted\)",
        source="Dialyzer documentation",
    ),
    Rule(
        name="sorbet",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="Sorbet reports {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.rbi?):\d{{1,7}}: (?P<message>{_REST}) https://srb\.help/\d",
    ),
    Rule(
        name="psalm",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="Psalm reports {code} in {file}: {message}",
        pattern=rf"^ERROR: (?P<code>[A-Z]\w{{3,60}}) - (?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}} - "
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="pint",
        failure_class=FailureClass.FORMAT,
        root_cause="Laravel Pint would change files.",
        pattern=r"^ +FAIL +\.{2,60} \d{1,6} files?, \d{1,6} style issues?",
        source="Laravel documentation, Pint",
    ),
    Rule(
        name="stylua",
        failure_class=FailureClass.FORMAT,
        root_cause="A formatter would change {file}.",
        pattern=rf"^Diff in (?P<file>{_PATH}):$",
    ),
    Rule(
        name="nix-hash",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A fetched source has another hash than the one written down.",
        pattern=r"^error: hash mismatch in fixed-output derivation",
        source="Nix manual",
    ),
    Rule(
        name="haskell-dependencies",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The dependencies cannot be resolved: {message}",
        pattern=r"cabal: Could not resolve dependencies:(?:\n[^\n]{0,200}){0,6}?\n(?P<message>\[__\d{1,3}\]"
        r" rejecting: [^\n]{1,150})"
        r"|cabal: Could not resolve dependencies|^Error: \[S-\d{4}\]\s{1,5}While constructing the build plan",
    ),
    Rule(
        name="ansible",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="Ansible cannot read the playbook: {message}",
        pattern=rf"^ERROR! (?P<message>{_REST})",
    ),
    Rule(
        name="hcl",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="A template is not valid: {message}",
        pattern=rf"^Error: (?P<message>{_REST})\n\n  on (?P<file>[^\s\n]{{1,200}}\.(?:hcl|tofu|nomad)) "
        rf"line \d",
        source="HashiCorp Packer documentation, validate",
    ),
    Rule(
        name="terraform-init",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="Terraform lacks a provider or module: {message}",
        pattern=r"Error: (?P<message>(?:Missing required provider|Module not installed|Inconsistent "
        r"dependency lock file"
        r"|Required plugins are not installed|Backend initialization required)[^\n]{0,100})",
    ),
    Rule(
        name="kubeval",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="{file} is not a valid manifest: {message}",
        pattern=rf"^(?:WARN|ERR) {{1,3}}- (?P<file>{_PATH}) contains an invalid (?P<message>{_REST})",
        source="kubeval documentation",
    ),
    Rule(
        name="policy",
        failure_class=FailureClass.LINT,
        root_cause="A policy is broken in {file}: {message}",
        pattern=rf"^FAIL - (?P<file>{_PATH}) - (?:\S{{1,60}} - )?(?P<message>{_REST})",
        source="Conftest documentation",
    ),
    Rule(
        name="secret-scanner",
        failure_class=FailureClass.LINT,
        root_cause="A scanner finds a secret in the repository.",
        pattern=r"\bleaks found: [1-9]|^Found (?:unverified|verified) result 🐷|Potential secrets? (?:found"
        r"|detected)",
        source="gitleaks and trufflehog documentation",
    ),
    Rule(
        name="vulnerable-dependency",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A dependency has a known vulnerability: {message}",
        pattern=r"^(?:error: |Found )?(?P<message>[1-9]\d{0,5} (?:known |(?:low|moderate|high|critical) "
        r"(?:severity )?)?"
        r"vulnerabilit(?:y|ies)\b[^\n]{0,80})|^(?P<message_2>Vulnerability #\d{1,4}: [^\n]{1,80})"
        r"|^│? ?[\w@/.-]{1,100} +│ (?P<message_3>(?:CVE-\d{4}|GHSA-\w{4})-[\w-]{1,20})|^ID: "
        r"+(?P<message_4>RUSTSEC-\S{1,20})",
    ),
    Rule(
        name="ruby-markup",
        failure_class=FailureClass.LINT,
        root_cause="A template breaks a rule: {message}",
        pattern=r"^(?P<message>\d{1,6} error\(s\) were found in ERB files)|^== Warnings ==\n\nConfidence: "
        r"(?P<message_2>[^\n]{1,80})",
        source="erb-lint and Brakeman documentation",
    ),
    Rule(
        name="dead-links",
        failure_class=FailureClass.LINT,
        root_cause="A link leads nowhere: {message}",
        pattern=r"^ *\[✖\] (?P<message>[^\n]{1,150})|^ *(?:ERROR: )?(?P<message_2>[1-9]\d{0,5} dead links? "
        r"found)",
    ),
    Rule(
        name="protobuf",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} does not compile: {message}",
        pattern=rf"^(?P<file>{_PATH}\.proto):\d{{1,7}}:\d{{1,7}}: (?P<message>(?:Expected|\"|Missing|Import"
        rf"|Unterminated|Interpreting"
        rf"|Reached end|Field number){_REST})",
        source="protoc's output",
    ),
    Rule(
        name="changeset-missing",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="A note for the change log is missing: {message}",
        pattern=r"(?P<message>packages have been changed but no changesets were found[^\n]{0,80}"
        r"|No new newsfragments found on this branch[^\n]{0,80})",
    ),
    Rule(
        name="upload-refused",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="A service refused an upload: {message}",
        pattern=r"(?P<message>Upload failed: [^\n]{1,150}|Rate limit reached\. Please upload with[^\n]"
        r"{0,80})",
        source="Codecov uploader's output",
    ),
    Rule(
        name="next-lint",
        failure_class=FailureClass.LINT,
        root_cause="A linter reports: {message}",
        pattern=r"^\d{1,7}:\d{1,7} {1,4}(?:Error|Warning): (?P<message>[^\n]{1,200} [\w@/-]{3,60})$",
    ),
    Rule(
        name="build-type-error",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="Types do not fit: {message}",
        pattern=r"^Type error: (?P<message>[^\n]{1,200})|\bTS\d{4,5}(?: \[ERROR\])?: (?P<message_2>[^\n]"
        r"{1,200})",
    ),
)
