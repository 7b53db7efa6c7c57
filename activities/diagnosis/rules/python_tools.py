"""What Python's less common checkers, test runners and packaging tools print."""

from typing import Final

from activities.diagnosis.rule import Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"

PYTHON_TOOLS: Final[tuple[Rule, ...]] = (
    Rule(
        name="pyrefly",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="pyrefly reports {code} in {file}: {message}",
        pattern=rf"^ ?ERROR (?P<message>{_REST}) \[(?P<code>[a-z-]{{3,60}})\]\n *--> (?P<file>{_PATH}):\d",
    ),
    Rule(
        name="ty",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="ty reports {code} in {file}: {message}",
        pattern=rf"^error\[(?P<code>[a-z]+(?:-[a-z]+){{1,6}})\]:? (?P<message>{_REST})\n *--> "
        rf"(?P<file>{_PATH}\.pyi?):\d"
        rf"|^(?P<file_2>{_PATH}\.pyi?):\d{{1,7}}:\d{{1,7}}: error\[(?P<code_2>[a-z-]{{3,60}})\] "
        rf"(?P<message_2>{_REST})",
    ),
    Rule(
        name="unused-imports",
        failure_class=FailureClass.LINT,
        root_cause="{file} holds what is not used.",
        pattern=rf"^ *(?P<file>{_PATH}\.pyi?):\d{{1,7}}:\d{{1,7}} '{_REST}' would be removed"
        rf"|^(?P<file_2>{_PATH}\.pyi?): Unused imports/variables detected"
        rf"|^\S{{1,100}} at (?P<file_3>{_PATH}\.pyi?):\d{{1,7}}$",
    ),
    Rule(
        name="usort",
        failure_class=FailureClass.FORMAT,
        root_cause="usort would sort the imports of {file}.",
        pattern=rf"^Would sort (?P<file>{_PATH})$",
    ),
    Rule(
        name="refurb",
        failure_class=FailureClass.LINT,
        root_cause="refurb reports {code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}} \[(?P<code>[A-Z]{{2,6}}\d{{2,4}})\]: "
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="flake8-notebook",
        failure_class=FailureClass.LINT,
        root_cause="{code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.ipynb):cell_\d{{1,5}}:\d{{1,7}}:\d{{1,7}}: (?P<code>[A-Z]"
        rf"{{1,4}}\d{{1,5}}) "
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="pyupgrade",
        failure_class=FailureClass.LINT,
        root_cause="pyupgrade rewrites {file}.",
        pattern=rf"^Rewriting (?P<file>{_PATH}\.pyi?)$",
    ),
    Rule(
        name="deptry",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="deptry reports {code}: {message}",
        pattern=rf"^{_PATH}:(?:\d{{1,7}}:\d{{1,7}}:)? (?P<code>DEP00\d) (?P<message>{_REST})",
    ),
    Rule(
        name="complexity",
        failure_class=FailureClass.LINT,
        root_cause="Code is more complex than allowed: {message}",
        pattern=rf"^ERROR:xenon:(?P<message>{_REST})"
        rf"|^(?P<message_2>{_PATH}:\d{{1,7}}: warning: \S{{1,150}} has \d{{1,6}} NLOC, {_REST})",
    ),
    Rule(
        name="import-linter",
        failure_class=FailureClass.LINT,
        root_cause="An import contract is broken: {message}",
        pattern=rf"^(?P<message>Contracts: \d{{1,4}} kept, [1-9]\d{{0,3}} broken\.|{_REST} is not allowed "
        rf"to import {_REST})",
    ),
    Rule(
        name="reuse",
        failure_class=FailureClass.LINT,
        root_cause="Files lack copyright or licence information.",
        pattern=r"^Unfortunately, your project is not compliant with version",
    ),
    Rule(
        name="commit-message",
        failure_class=FailureClass.LINT,
        root_cause="A commit message does not follow the convention.",
        pattern=r"^commit validation: failed!",
    ),
    Rule(
        name="doctest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The example in {test} gives another result.",
        pattern=r'^File "[^"\n]{1,200}", line \d{1,7}, in (?P<test>[\w.]{1,150})\nFailed example:',
    ),
    Rule(
        name="robot",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?P<test>\S[^\n|]{0,100}?) {1,80}\| FAIL \|$",
        source="Robot Framework user guide, console output",
    ),
    Rule(
        name="cython",
        failure_class=FailureClass.COMPILE,
        root_cause="Cython does not compile {file}.",
        pattern=r"^Error compiling Cython file:(?:\n[^\n]{0,200}){1,20}\n(?P<file>[^\s:\n]{1,200}\.(?:pyx"
        r"|pxd|py)):\d"
        r"|^Error compiling Cython file:",
    ),
    Rule(
        name="meson",
        failure_class=FailureClass.COMPILE,
        root_cause="meson cannot set the build up: {message}",
        pattern=rf"^(?P<file>{_PATH}meson\.build|meson\.build):\d{{1,7}}:\d{{1,7}}: ERROR: "
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="python-package",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The package's own description is not valid: {message}",
        pattern=rf"(?P<message>invalid pyproject\.toml config: {_REST}|^configuration error: `{_REST}"
        rf"|^\S{{1,100}}\.ValidationError: `(?:project|tool){_REST}|TOMLDecodeError: {_REST}"
        rf"|^ERROR +InvalidDistribution: {_REST})",
    ),
    Rule(
        name="python-lock",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The lock file does not fit: {message}",
        pattern=rf"^(?:ERROR: |WARNING: )?(?P<message>Pipfile\.lock \S{{0,20}} ?(?:is )?out[- ]of[- ]"
        rf"date{_REST}"
        r"|Pipfile\.lock \([^)\n]{1,80}\) out of date[^\n]{0,150}"
        r"|Lock ?file (?:does not exist|hash doesn't match pyproject\.toml)[^\n]{0,150})",
    ),
    Rule(
        name="mypy-plugin",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="mypy cannot load a plugin: {message}",
        pattern=rf"^\S{{1,100}}: error: (?P<message>Error importing plugin {_REST})",
    ),
    Rule(
        name="ruff-settings",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="ruff cannot read its settings in {file}.",
        pattern=r"^ *Cause: Failed to (?:load configuration|parse) `?(?P<file>[^`\n]{1,200}?)`?$",
    ),
    Rule(
        name="pre-commit-settings",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="pre-commit cannot read its settings: {message}",
        pattern=rf"^An error has occurred: (?P<message>InvalidConfigError: *(?:\n==> {_REST})?)",
    ),
)
