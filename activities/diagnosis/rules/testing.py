"""What test runners print."""

from typing import Final

from activities.diagnosis.rule import Rule
from workflows.models import FailureClass

TESTING: Final[tuple[Rule, ...]] = (
    Rule(
        name="pytest-collection",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Tests cannot be imported: the module {module} is not installed.",
        pattern=r"^E +ModuleNotFoundError: No module named '(?P<module>[\w.]{1,100})'",
        also=r"error(?:s)? during collection|ERROR collecting|ImportError while",
    ),
    Rule(
        name="pytest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails: {message}",
        pattern=r"^FAILED (?P<test>[^\s]{1,200}::[^\n]{1,150}?)(?: - (?P<message>[^\n]{1,200}))?$",
    ),
    Rule(
        name="pytest-section",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail, the first in {test}.",
        pattern=r"^={3,80} (?:FAILURES"
        r"|ERRORS) ={3,80}$(?:\n[^\n]{0,200}){0,2}?\n_{2,80} (?:ERROR at \w{1,20} of )?"
        r"(?P<test>[^\n]{1,150}?) _{2,80}$",
    ),
    Rule(
        name="unittest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?:FAIL|ERROR): (?P<test>\w{1,100} \([\w.]{1,150}\))$",
    ),
    Rule(
        name="cargo-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^test (?P<test>[^\n]{1,150}?) \.\.\. FAILED$|^---- (?P<test_2>[^\n]{1,150}?) stdout ----$",
    ),
    Rule(
        name="jest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests in {file} fail: {test}.",
        pattern=r"^ *FAIL {1,3}(?P<file>[^\s>]{1,200}\.[cm]?[jt]sx?)(?:[^\n]{0,100}> "
        r"(?P<test>[^\n]{1,100}))?",
    ),
    Rule(
        name="jest-summary",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail.",
        pattern=r"^ *Tests?:? +[1-9]\d{0,5} failed",
    ),
    Rule(
        name="mocha",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail.",
        pattern=r"^ +[1-9]\d{0,5} failing$",
    ),
    Rule(
        name="tap",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ *not ok \d{1,6}(?: -)? (?P<test>(?![^\n]{0,200}# (?:TODO|SKIP|todo|skip))[^\n]{1,150})",
    ),
    Rule(
        name="go-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ *--- FAIL: (?P<test>\S{1,150})",
    ),
    Rule(
        name="maven-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?:\[ERROR\] +)?"
        r"(?P<test>[\w.$]{1,150}(?:\([\w.$]{1,150}\))?)[^\n]{0,100}<<< (?:FAILURE|ERROR)!",
    ),
    Rule(
        name="gradle-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?P<test>[\w.$]{1,100} > [^\n]{1,100}?) FAILED$",
    ),
    Rule(
        name="rspec",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The example {test} fails.",
        pattern=r"^rspec (?P<test>\./[^\s]{1,150}:\d{1,6})",
    ),
    Rule(
        name="minitest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail: {message}",
        pattern=r"^(?P<message>\d{1,6} (?:runs|tests), \d{1,7} assertions, (?:[1-9]\d{0,5} failures"
        r"|\d{1,6} failures, [1-9]\d{0,5} errors)[^\n]{0,60})",
    ),
    Rule(
        name="phpunit",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail: {message}",
        pattern=r"^(?P<message>Tests: \d{1,6}, Assertions: \d{1,7}, [^\n]{0,60}(?:Failures"
        r"|Errors): [1-9]\d{0,5})",
    ),
    Rule(
        name="dotnet-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ *(?P<test>[\w.+<>]{1,150}) \[FAIL\]|^ +Failed (?P<test_2>[\w.()]{1,150}) \[",
    ),
    Rule(
        name="exunit",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ +\d{1,5}\) test (?P<test>[^\n]{1,150})$",
    ),
    Rule(
        name="ctest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^\[ +FAILED +\] (?P<test>[\w./]{1,150})|^ *\d{1,5}/\d{1,5} Test +#\d{1,5}: "
        r"(?P<test_2>\S{1,100}) \.+\*{3}",
    ),
    Rule(
        name="scalatest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?:\[\w{4,5}\] )?- (?P<test>[^\n]{1,150}) \*\*\* FAILED \*\*\*",
    ),
)
