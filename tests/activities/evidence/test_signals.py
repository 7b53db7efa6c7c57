"""What test runners, compilers and linters print is shown whole, wherever in a long log it stands."""

from pathlib import Path
from typing import Final

import pytest

from activities.evidence.excerpt import examine_log
from activities.evidence.signals import loudness

FAILURES: Final = {
    "testthat": """\
* checking tests ...
  Running 'testthat.R'
 ERROR
Running the tests in 'tests/testthat.R' failed.
Last 13 lines of output:
  > test_check("dplyr")
  ── 1. Failure: can summarise (@test-summarise.R#12)  ───────────────────────────
  `x` not equal to `y`.
  1/1 mismatches
  [1] 3 - 4 == -1
  ══ testthat results  ══════
  OK: 2041 SKIPPED: 12 FAILED: 1
""",
    "Julia": """\
Error in testset ranges:
Test Failed at /home/travis/build/JuliaLang/julia/test/ranges.jl:143
  Expression: length(r) == 5
   Evaluated: 4 == 5
Stacktrace:
 [1] top-level scope at test/ranges.jl:143
""",
    "Common Test": """\
%%% gen_SUITE ==> test_start: FAILED
%%% gen_SUITE ==> {{badmatch,{error,timeout}},
 [{gen_SUITE,test_start,1,[{file,"gen_SUITE.erl"},{line,42}]},
  {test_server,ts_tc,3,[{file,"test_server.erl"},{line,1754}]}]}
""",
    "OCaml": """\
File "src/lexer.ml", line 27, characters 4-12:
27 |     foo_bar x
         ^^^^^^^
Error: Unbound value foo_bar
""",
    "Spock": """\
com.acme.UserSpec > creates a user FAILED
    Condition not satisfied:

    user.name == "joe"
    |    |    |
    |    jim  false
    User(jim)

        at com.acme.UserSpec.creates a user(UserSpec.groovy:21)
""",
    "Kotlin": """\
e: /home/travis/build/x/src/main/kotlin/App.kt: (12, 9): Unresolved reference: foo

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':compileKotlin'.
> Compilation error. See log for more details
""",
    "busted": """\
Failure → spec/01-unit/router_spec.lua @ 120
Router exec() matches
spec/01-unit/router_spec.lua:131: Expected objects to be equal.
Passed in:
(nil)
Expected:
(table: 0x41a2b) {
  [id] = 5 }
""",
    "Karma": """\
Chrome 62.0.3202 (Linux 0.0.0) ngModel should update the value FAILED
    Expected 'a' to be 'b'.
        at UserContext.<anonymous> (test/ng/directive/ngModelSpec.js:45:20)
        at attemptSync (node_modules/jasmine-core/lib/jasmine-core/jasmine.js:1950:24)
""",
    "tasty": """\
      parses headings:                                        FAIL
        tests/Main.hs:44:
        expected: Header 1 "a"
         but got: Para "a"
""",
    "prove": """\
#   Failed test 'returns the right value'
#   at t/basic.t line 27.
#          got: '3'
#     expected: '4'
# Looks like you failed 1 test of 12.
t/basic.t ..
Dubious, test returned 1 (wstat 256, 0x100)
Failed 1/12 subtests
""",
    "XCTest": """\
/src/AFTests.m:87: error: -[AFTests testUpload] : ((x) is equal to (y)) failed: ("1") is not equal to ("2")
Test Case '-[AFTests testUpload]' failed (5.012 seconds).
""",
    "ScalaTest": """\
[info] - should commute *** FAILED ***
[info]   3 was not equal to 4 (SetSpec.scala:18)
[error] Failed: Total 12, Failed 1, Errors 0, Passed 11
[error] Failed tests:
[error]     SetSpec
""",
    "Bats": """\
 ✗ prints usage
   (in test file test/usage.bats, line 9)
     `[ "$status" -eq 0 ]' failed
   usage: foo
""",
    "Vader": """\
    (12/20) [EXECUTE] (X) Expected 'a', but got 'b'
      >
""",
    "ExUnit": """\
  1) test renders index (PageControllerTest)
     test/page_controller_test.exs:8
     Assertion with == failed
     code:  assert html_response(conn, 200) == "x"
     left:  "y"
     right: "x"
     stacktrace:
       test/page_controller_test.exs:10: (test)
""",
    "xUnit.net": """\
    Acme.Tests.Sums [FAIL]
      Assert.Equal() Failure
      Expected: 3
      Actual:   4
      Stack Trace:
        /src/Tests.cs(12,0): at Acme.Tests.Sums()
""",
    "clojure.test": """\
FAIL in (test-sums) (core_test.clj:12)
adds numbers
expected: (= 4 (sum 1 2))
  actual: (not (= 4 3))
""",
    "Catch2": """\
-------------------------------------------------------------------------------
parses numbers
-------------------------------------------------------------------------------
../tests/parse.cpp:12
...............................................................................

../tests/parse.cpp:15: FAILED:
  REQUIRE( parse("1") == 2 )
with expansion:
  1 == 2
""",
    "GoogleTest": """\
[ RUN      ] Foo.Bar
../foo_test.cc:12: Failure
      Expected: x
      Which is: 1
To be equal to: y
      Which is: 2
[  FAILED  ] Foo.Bar (0 ms)
""",
    "Dart": """\
00:12 +45 -1: test/a_test.dart: adds [E]
  Expected: <3>
    Actual: <4>
  package:test expect
  test/a_test.dart 12:5 main.<fn>
""",
    "LaTeX": """\
! Undefined control sequence.
l.42 \\foo
         {bar}
?
! Emergency stop.
""",
    "HTMLProofer": """\
- ./_site/index.html
  *  External link http://foo.io/ failed: 404 No error
  *  internally linking to /x, which does not exist (line 12)
""",
    "TSLint": """\
ERROR: /home/travis/build/x/src/app.ts[12, 5]: Missing semicolon
ERROR: /home/travis/build/x/src/app.ts[14, 1]: Exceeds maximum line length of 120
""",
}
"""Failures in the form that each tool documents."""

NOISE: Final = [
    "downloading package {n} of 4000",
    "ok {n} - handles errors without failing",
    "src/part{n}.c: In function 'main':",
    "src/part{n}.c:12:5: warning: unused variable 'error' [-Wunused-variable]",
    "    PASS: test_failure_is_reported_{n}",
    "Setting up libgpg-error{n} (1.21-2) ...",
    "{n} tests run, 0 failures, 0 errors",
]


def noise(lines: int) -> list[str]:
    return [NOISE[number % len(NOISE)].format(n=number) for number in range(lines)]


@pytest.mark.parametrize("tool", FAILURES)
def test_a_failure_is_shown_whole_in_the_middle_of_a_long_log(tmp_path: Path, tool: str) -> None:
    failure = FAILURES[tool].splitlines()
    log = tmp_path / "job.log"
    log.write_text("\n".join([*noise(1_500), *failure, *noise(700)]) + "\n", encoding="utf-8")

    excerpt = examine_log(log, 4_096).excerpt

    wanted = [1_501 + place for place, line in enumerate(failure) if line.strip()]
    assert [line for line in wanted if not any(first <= line <= last for first, last in excerpt.ranges)] == []


@pytest.mark.parametrize("line", [line.format(n=7) for line in NOISE])
def test_what_went_well_is_quiet(line: str) -> None:
    assert loudness(line) < 0.5


@pytest.mark.parametrize(
    "line",
    [
        "BUILD FAILED",
        "tests/test_app.py::test_login FAILED",
        "[ RUN      ] buffer functions are listed: FAIL",
    ],
)
def test_a_list_of_failures_is_less_loud_than_their_reasons(line: str) -> None:
    assert loudness(line) < loudness("tests/test_app.py:12: error: it is not so")


@pytest.mark.parametrize("heading", ["1) OrderTest::testTotal", "  1) adds two numbers:"])
def test_the_first_heading_of_a_numbered_list_of_failures_is_loud(tmp_path: Path, heading: str) -> None:
    log = tmp_path / "job.log"
    log.write_text("\n".join([heading, "it says why", *noise(700)]), encoding="utf-8")

    assert loudness(heading) > loudness("1.1) ")
    first, last = examine_log(log, 1_024).excerpt.ranges[0]
    assert first == 1
    assert last > first
