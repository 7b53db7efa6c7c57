"""What checkers of prose, markup, queries and templates print."""

from typing import Final

from activities.diagnosis.rule import Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"

DOCUMENTS: Final[tuple[Rule, ...]] = (
    Rule(
        name="sphinx",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The documentation does not build: {message}",
        pattern=rf"^{_PATH}\.(?:rst|md|py|txt|ipynb)(?::docstring of {_PATH})?:\d{{1,7}}: (?:WARNING|ERROR"
        rf"|CRITICAL): "
        rf"(?P<message>{_REST})",
        also=r"build finished with problems|Warning, treated as error|build succeeded, [1-9]|Sphinx",
    ),
    Rule(
        name="restructured-text",
        failure_class=FailureClass.LINT,
        root_cause="{file} is not valid reStructuredText: {message}",
        pattern=rf"^(?P<file>{_PATH}\.rst):\d{{1,7}}: \((?:INFO/1|WARNING/2|ERROR/3|SEVERE/4)\) "
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="markdown-rule",
        failure_class=FailureClass.LINT,
        root_cause="{code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}): ?\d{{1,7}}(?::\d{{1,7}})?:? (?:error )?(?P<code>MD\d{{3}})"
        rf"\S{{0,60}}:? "
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="prose",
        failure_class=FailureClass.LINT,
        root_cause="{file} breaks a rule of style: {message}",
        pattern=rf"^(?P<file>{_PATH}\.(?:md|txt|rst|adoc)):\d{{1,7}}:\d{{1,7}}: (?P<message>[\w.]{{3,60}}: "
        rf"{_REST})"
        rf"|^ *\d{{1,7}}:\d{{1,7}}(?:-\d{{1,7}}:\d{{1,7}})? +(?:warning|error|✓ error) +(?P<message_2>[^\n]"
        rf"{{1,200}} "
        r"(?:retext|remark)-[\w-]{2,40})",
    ),
    Rule(
        name="typos",
        failure_class=FailureClass.LINT,
        root_cause="A word is misspelt: {message}",
        pattern=r"^error: (?P<message>`[^`\n]{1,100}` should be `[^`\n]{1,100}`)",
    ),
    Rule(
        name="template-rule",
        failure_class=FailureClass.LINT,
        root_cause="{code}: {message}",
        pattern=rf"^(?P<code>[A-Z]\d{{3}}) \d{{1,7}}:\d{{1,7}} (?P<message>{_REST})",
        also=r"^Linted \d",
        source="djLint documentation",
    ),
    Rule(
        name="template-parse",
        failure_class=FailureClass.LINT,
        root_cause="A template does not parse: {message}",
        pattern=r"^\d{1,7}:\d{1,7}\t(?P<message>Parse error: [^\n]{1,150})",
        source="curlylint documentation",
    ),
    Rule(
        name="cloudformation",
        failure_class=FailureClass.LINT,
        root_cause="cfn-lint reports {code} in {file}: {message}",
        pattern=rf"^(?P<code>[EWI]\d{{4}}) (?P<message>{_REST})\n(?P<file>{_PATH}\.(?:ya?ml|json|template))"
        rf":\d",
    ),
    Rule(
        name="xml-parse",
        failure_class=FailureClass.LINT,
        root_cause="{file} is not well-formed: {message}",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}: (?:parser|namespace) (?:error|warning) ?: "
        rf"(?P<message>{_REST})",
        source="xmllint manual",
    ),
    Rule(
        name="data-parse",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="A data file does not parse: {message}",
        pattern=r"^(?:jq: )?(?P<message>parse error(?:: | \()[^\n]{1,150}|Expecting (?:property name|value"
        r"|',' delimiter)"
        r"[^\n]{1,150}\(char \d{1,9}\))",
    ),
)
