"""What test suites print around their tests: collection, coverage, sanitizers, time limits.

Before the runners' own rules: where a suite cannot be loaded, its runner reports that as a failed test too.
"""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

_COLLECTING: Final = r"^={3,80} ERRORS ={3,80}\n_{2,80} ERROR collecting (?P<file>\S{1,150}) _{2,80}$"

SUITES: Final[tuple[Rule, ...]] = (
    Rule(
        name="pytest-collecting-import",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="{file} cannot be imported: the module {module} is not installed.",
        pattern=_COLLECTING + r"(?:\n[^\n]{0,400}){0,100}?\n"
        r"E +ModuleNotFoundError: No module named '(?P<module>[\w.]{1,100})'",
        source="pytest documentation, exit code 2",
    ),
    Rule(
        name="pytest-collecting-syntax",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} is not valid Python.",
        pattern=_COLLECTING + r"(?:\n[^\n]{0,400}){0,100}?\nE +(?:SyntaxError|IndentationError|TabError): ",
        source="pytest documentation, exit code 2",
    ),
    Rule(
        name="jest-module",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="{file} cannot be loaded: the module {module} cannot be found.",
        pattern=r"^ *FAIL {1,3}(?P<file>[^\s>]{1,200})[^\n]{0,60}\n {1,4}● Test suite failed to run\n\s{0,40}"
        r"(?:Error: )?(?:Cannot find module|Failed to (?:load"
        r"|resolve)[^'\n]{1,40}) '(?P<module>[^'\n]{1,150})'",
        source="Jest documentation, module resolution",
    ),
    Rule(
        name="coverage-threshold",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests cover too little of the code: {message}",
        pattern=r"(?P<message>(?:FAIL )?Required test coverage of [\d.]{1,6}% not reached[^\n]{0,60}"
        r"|Coverage failure: total of [\d.]{1,6} is less than fail-under=[\d.]{1,6}"
        r"|\w{0,10} ?coverage threshold for \w{1,12} \([\d.]{1,6}%\) not met[^\n]{0,60}"
        r"|Coverage for \w{1,12} \([\d.]{1,6}%\) does not meet (?:global )?threshold[^\n]{0,40}"
        r"|Coverage checks have not been met[^\n]{0,40})",
        certainty=Certainty.FAMILY,
        source="coverage.py, jest, c8 and JaCoCo documentation",
    ),
    Rule(
        name="behave",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The scenario {test} fails.",
        pattern=r"^Failing scenarios:\n {2}(?P<test>[^\n]{1,150})",
    ),
    Rule(
        name="cucumber",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Scenarios fail: {message}",
        pattern=r"^(?P<message>\d{1,6} scenarios? \([^)\n]{0,80}\d{1,6} failed[^)\n]{0,80}\))",
        source="Cucumber documentation",
    ),
    Rule(
        name="ava",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ +✘ \[fail\]: (?P<test>[^\n]{1,150})",
    ),
    Rule(
        name="playwright",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ +\d{1,5}\) (?P<test>\[[\w -]{1,40}\] \u203a [^\n]{1,150})",
        source="Playwright documentation, reporters",
    ),
    Rule(
        name="go-test-panic",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="A Go test ends the test program: {message}",
        pattern=r"^panic: (?P<message>test timed out after [^\n]{1,60}|[^\n]{1,150}\[recovered\])",
        source="Go documentation, testing flags",
    ),
    Rule(
        name="go-test-package",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests of the Go package {name} fail.",
        pattern=r"^FAIL\t(?P<name>\S{1,150})\t[\d.]{1,10}s$",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="sanitizer",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="A sanitizer stopped the program: {message}",
        pattern=r"^={0,4}\d{0,10}={0,4} ?(?:ERROR|WARNING): (?P<message>(?:Address|Thread|Memory"
        r"|Leak)Sanitizer: "
        r"[^\n]{1,150})|^[^\s:]{1,200}:\d{1,7}:\d{1,7}: (?P<message_2>runtime error: [^\n]{1,150})"
        r"|^==\d{1,10}== (?P<message_3>ERROR SUMMARY: [1-9]\d{0,6} errors[^\n]{0,60})",
        source="Clang and Valgrind documentation",
    ),
    Rule(
        name="phpunit-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^\d{1,5}\) (?P<test>[\w\\]{1,150}::\w{1,100})[^\n]{0,100}$",
    ),
    Rule(
        name="phpt",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^FAIL (?P<test>[^\n]{1,200}\[[^\]\n]{1,200}\.phpt\])",
        source="PHP's run-tests.php",
    ),
    Rule(
        name="pester",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ *\[-\] (?P<test>[^\n]{1,150}) \d{1,7}(?:\.\d{1,3})?m?s\b",
        source="Pester documentation",
    ),
    Rule(
        name="pest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^ +FAILED +(?P<test>Tests\\[^\n]{1,150})",
        source="Pest documentation",
    ),
    Rule(
        name="test-unit",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^(?:Failure|Error): (?P<test>test[\w: ]{1,60}\([\w:]{1,100}\))",
    ),
    Rule(
        name="xctest",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"error: (?P<test>-\[[\w. ]{1,150}\]|[\w.]{1,100}\.\w{1,100}) : "
        r"|Test Case '(?P<test_2>[^'\n]{1,150})' "
        r"failed \(",
        source="XCTest output",
    ),
    Rule(
        name="flutter-test",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^\d\d:\d\d \+\d{1,6}(?: ~\d{1,6})? -\d{1,6}: (?P<test>[^\n]{1,150}) \[E\]",
        source="Dart test package documentation",
    ),
    Rule(
        name="maven-test-summary",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail: {message}",
        pattern=r"^\[ERROR\] (?P<message>Tests run: \d{1,7}, (?:Failures: [1-9]\d{0,5}"
        r"|Failures: \d{1,6}, Errors: [1-9]\d{0,5})[^\n]{0,60})"
        r"|(?P<message_2>There were failing tests[^\n]{0,100})"
        r"|(?P<message_3>There are test failures\.)",
        source="Maven Surefire and Gradle documentation",
    ),
    Rule(
        name="prove",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Perl tests fail: {message}",
        pattern=r"^# {2,4}Failed test (?P<message>'[^\n]{1,150})",
        source="Test::More documentation",
    ),
    Rule(
        name="ctest-summary",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="The test {test} fails.",
        pattern=r"^The following tests FAILED:\n\s{1,10}\d{1,6} - (?P<test>[^\n]{1,150})",
        source="CMake documentation, ctest",
    ),
    Rule(
        name="assertion-at-tail",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="A test fails: {message}",
        pattern=r"^E {3,7}(?P<message>(?:AssertionError|assert |[A-Za-z.]{1,80}Error: )[^\n]{0,200})",
        command=r"\b(?:pytest|py\.test|tox|nox|make test|make check)\b",
        certainty=Certainty.FAMILY,
        source="pytest documentation, tracebacks",
    ),
)
