"""What the JavaScript and TypeScript world's less common checkers, test runners and bundlers print."""

from typing import Final

from activities.diagnosis.rule import Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"

WEB_TOOLS: Final[tuple[Rule, ...]] = (
    Rule(
        name="oxlint",
        failure_class=FailureClass.LINT,
        root_cause="oxlint reports {code} in {file}: {message}",
        pattern=rf"^ *[\u00d7x!⚠] (?P<code>[\w-]{{2,40}}\([\w/-]{{2,60}}\)): (?P<message>{_REST})"
        rf"(?:\n *╭─\[(?P<file>{_PATH}):\d)?",
    ),
    Rule(
        name="eslint-json",
        failure_class=FailureClass.LINT,
        root_cause="eslint reports {code} in {file}: {message}",
        pattern=r'"filePath":"(?P<file>[^"\n]{1,200})","messages":\[\{"ruleId":"(?P<code>[^"\n]{1,80})",'
        r'"severity":\d,"message":"(?P<message>[^"\n]{1,200})',
        source="eslint documentation, formatters",
    ),
    Rule(
        name="spec-runner",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test suite fails: {message}",
        pattern=r"^(?P<message>\d{1,6} specs?, [1-9]\d{0,5} failures?)|^ {1,6}FAIL "
        r"{2,4}\"(?P<message_2>[^\"\n]{1,150})\""
        r"|^(?P<message_3>not ok \d{1,6} [^\n]{1,150})$",
    ),
    Rule(
        name="coverage-javascript",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The tests cover too little: {message}",
        pattern=r"^ERROR: (?P<message>Coverage for \w{1,20} \([\d.]{1,6}%\) does not meet [^\n]{1,100})",
    ),
    Rule(
        name="knip",
        failure_class=FailureClass.LINT,
        root_cause="knip finds what is not used: {message}",
        pattern=r"^(?P<message>(?:Unused|Unlisted|Unresolved|Duplicate) (?:files|dependencies"
        r"|devDependencies|exports"
        r"|exported types|binaries|imports|enum members) \(\d{1,6}\))",
    ),
    Rule(
        name="depcheck",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Packages are used without being listed, or listed without being used: {name}.",
        pattern=r"^(?:Unused (?:devD|d)ependencies|Missing dependencies)\n\* (?P<name>[^\n]{1,150})",
    ),
    Rule(
        name="circular-imports",
        failure_class=FailureClass.LINT,
        root_cause="Modules import each other in a circle: {message}",
        pattern=rf"Found \d{{1,5}} circular dependenc(?:y|ies)!(?:\s{{1,5}}1\) (?P<message>{_REST}))?",
    ),
    Rule(
        name="svelte-check",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="svelte-check reports {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.(?:svelte|astro|ts|js)):\d{{1,7}}:\d{{1,7}}\n(?:Error|error): "
        rf"(?P<message>{_REST})"
        r"|^\d{10,20} ERROR \"(?P<file_2>[^\"\n]{1,200})\" \d",
    ),
    Rule(
        name="flow",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="Flow reports {file}: {message}",
        pattern=rf"^Error -{{3,200}} (?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}\n\n(?P<message>{_REST})",
    ),
    Rule(
        name="tsd",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="The types of {file} are not as expected: {message}",
        pattern=rf"^ *(?P<file>{_PATH}\.test-d\.tsx?):\d{{1,7}}:\d{{1,7}}\n *✖ +\d{{1,7}}:\d{{1,7}} "
        rf"+(?P<message>{_REST})",
    ),
    Rule(
        name="bundle-export",
        failure_class=FailureClass.COMPILE,
        root_cause="A module exports no such name: {message}",
        pattern=rf"(?P<message>\[?MISSING_EXPORT\]?[: ]{_REST}|\"{_REST}\" is not exported by {_REST}"
        rf"|No matching export in {_REST})",
    ),
    Rule(
        name="bundle-resolve",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A module cannot be found: {message}",
        pattern=rf"^@parcel/\S{{1,40}}: (?P<message>(?:Failed to resolve|Cannot load file) {_REST})",
    ),
    Rule(
        name="bundle-parse",
        failure_class=FailureClass.COMPILE,
        root_cause="A file does not parse: {message}",
        pattern=rf"^(?:Error: )?(?:Transform|Build) failed with \d{{1,5}} errors?:\n *(?P<message>{_REST})"
        r"|^✘ \[ERROR\] (?P<message_2>(?:Expected|Unexpected|Unterminated|Syntax error|The symbol)[^\n]"
        r"{1,150})",
    ),
    Rule(
        name="package-description",
        failure_class=FailureClass.LINT,
        root_cause="The package's description breaks a rule: {message}",
        pattern=r"^✖ (?P<message>[\w-]{3,60} - node: [^\n]{1,150})"
        r"|^Linting\.\.\.\n(?:Suggestions|Warnings|Errors):\n1\. (?P<message_2>[^\n]{1,150})",
    ),
    Rule(
        name="sorted-package-file",
        failure_class=FailureClass.FORMAT,
        root_cause="A package file's keys are not sorted.",
        pattern=r"^\d{1,5} files? (?:was|were) not sorted\.",
    ),
    Rule(
        name="lockfile-lint",
        failure_class=FailureClass.LINT,
        root_cause="The lock file names a host that is not allowed: {message}",
        pattern=rf"^(?P<message>detected invalid (?:host|protocol|scheme|url|origin){_REST})",
    ),
    Rule(
        name="api-description",
        failure_class=FailureClass.LINT,
        root_cause="An API's description breaks a rule: {message}",
        pattern=rf"^(?:Error|Warning) was generated by the (?P<message>[\w/-]{{2,60}}) rule\."
        rf"|^\S{{1,200}}: Validation Error: (?P<message_2>{_REST})"
        r"|^ *\d{1,7}:\d{1,7} +(?:error|warning) +(?P<message_3>(?:oas\d?|asyncapi|info|operation|path|tag"
        r"|no|typed)-[\w-]{2,60}"
        r"[^\n]{1,150})",
    ),
    Rule(
        name="data-against-schema",
        failure_class=FailureClass.LINT,
        root_cause="{file} does not fit its schema.",
        pattern=rf"^(?P<file>{_PATH}) invalid\n\[\n",
        source="ajv-cli documentation, validate",
    ),
    Rule(
        name="coffeelint",
        failure_class=FailureClass.LINT,
        root_cause="coffeelint reports: {message}",
        pattern=r"^ *✗ #\d{1,7}: (?P<message>[^\n]{1,150})|^✗ Lint! »",
    ),
    Rule(
        name="tool-without-settings",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="A tool finds no settings: {message}",
        pattern=r"^(?:== )?(?P<message>No rules found, textlint [^\n]{1,80}|(?:Error: )?secretlint config "
        r"is not found"
        r"|[^\n]{0,60}No configuration (?:file )?(?:provided|found)[^\n]{0,80})",
    ),
    Rule(
        name="turbo",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="turbo cannot read its settings: {message}",
        pattern=r"^ *[x\u00d7] (?P<message>Failed to parse turbo\.json|Could not find turbo\.json[^\n]{0,100}"
        r"|Missing `packageManager` field[^\n]{0,100})",
    ),
)
