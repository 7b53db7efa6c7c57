"""What type checkers and compilers print."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"

COMPILING: Final[tuple[Rule, ...]] = (
    Rule(
        name="mypy",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="mypy reports in {file}: {message}",
        pattern=rf"^(?:##\[error\])?(?P<file>{_PATH}\.pyi?):\d{{1,7}}(?::\d{{1,7}})?: error: "
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="pyright",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="pyright reports in {file}: {message}",
        pattern=rf"^ +(?P<file>{_PATH}\.pyi?):\d{{1,7}}:\d{{1,7}} - error: (?P<message>{_REST})",
    ),
    Rule(
        name="tsc",
        failure_class=FailureClass.TYPE_CHECK,
        root_cause="The TypeScript compiler reports {code} in {file}: {message}",
        pattern=rf"(?:^|\])(?P<file>{_PATH}\.[cm]?[jt]sx?)(?:\(\d{{1,7}},\d{{1,7}}\)"
        rf"|:\d{{1,7}}:\d{{1,7}})(?:: | - )error (?P<code>TS\d{{4,5}}): (?P<message>{_REST})",
    ),
    Rule(
        name="python-syntax",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} is not valid Python.",
        pattern=r'^(?:E +)? {2}File "'
        r'(?P<file>[^"\n]{1,300})", line \d{1,7}\n[^\n]{0,300}\n(?:[ ^E]{1,300}\n)?(?:E +)?(?:SyntaxError'
        r"|IndentationError|TabError): ",
    ),
    Rule(
        name="rustc",
        failure_class=FailureClass.COMPILE,
        root_cause="rustc reports {code} in {file}: {message}",
        pattern=r"^error\[(?P<code>E\d{4})\]: "
        rf"(?P<message>{_REST})(?:\n[^\n]{{0,300}}){{0,2}}?\n +--> (?P<file>{_PATH}):\d",
    ),
    Rule(
        name="cargo-compile",
        failure_class=FailureClass.COMPILE,
        root_cause="{name} does not compile.",
        pattern=r"^error: could not compile `(?P<name>[\w-]{1,100})`",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="gcc-header",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="{file} includes {header}, which is not there.",
        pattern=rf"^(?P<file>{_PATH}):\d{{1,7}}:\d{{1,7}}: fatal error: '?"
        r"(?P<header>[^\s:']{1,200})'?(?:: No such file or directory| file not found)",
    ),
    Rule(
        name="c-compiler",
        failure_class=FailureClass.COMPILE,
        root_cause="The compiler reports in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|m|mm"
        rf"|cu)):\d{{1,7}}:\d{{1,7}}: (?:fatal )?error: (?P<message>{_REST})",
    ),
    Rule(
        name="linker",
        failure_class=FailureClass.COMPILE,
        root_cause="Linking failed: {message}",
        pattern=r"(?P<message>undefined reference to [^\n]{1,150}"
        r"|ld: symbol\(s\) not found[^\n]{0,100}|cannot find -l\S{1,80})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="javac",
        failure_class=FailureClass.COMPILE,
        root_cause="The Java or Kotlin compiler reports in {file}: {message}",
        pattern=rf"^(?:\[ERROR\] |e: (?:file://)?)?(?P<file>{_PATH}\.(?:java|kts?|scala)):(?:\d{{1,7}}"
        rf"|\[\d{{1,7}},\d{{1,7}}\])(?::\d{{1,7}})?:? (?:error: )?(?P<message>(?:{_REST}))",
        also=r"\d errors?$|COMPILATION ERROR|Compilation failed|Compilation error|compileJava"
        r"|compileKotlin|compile(?:Test)?(?:Java|Kotlin) FAILED",
    ),
    Rule(
        name="csharp",
        failure_class=FailureClass.COMPILE,
        root_cause="The .NET build reports {code} in {file}: {message}",
        pattern=rf"(?P<file>{_PATH}\.(?:cs|fs"
        r"|vb))\(\d{1,7},\d{1,7}(?:,\d{1,7},\d{1,7})?\): error "
        rf"(?P<code>[A-Z]{{2,6}}\d{{3,5}}): (?P<message>{_REST})",
    ),
    Rule(
        name="go-missing-module",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="go.mod or go.sum does not fit the code: {message}",
        pattern=r"(?P<message>missing go\.sum entry[^\n]{0,150}"
        r"|no required module provides package [^\n]{1,150}|updates to go\.(?:mod"
        r"|sum) needed[^\n]{0,100}|cannot find module providing package [^\n]{1,150})",
        source="Go modules reference",
    ),
    Rule(
        name="go-vet",
        failure_class=FailureClass.LINT,
        root_cause="go vet reports in {file}: {message}",
        pattern=rf"^(?:vet: )?(?P<file>{_PATH}\.go):\d{{1,7}}:\d{{1,7}}: (?P<message>{_REST})",
        command=r"\bgo vet\b",
    ),
    Rule(
        name="go-build",
        failure_class=FailureClass.COMPILE,
        root_cause="The Go compiler reports in {file}: {message}",
        pattern=rf"^(?:vet: )?(?P<file>{_PATH}\.go):\d{{1,7}}:\d{{1,7}}: (?P<message>(?:undefined"
        r"|cannot (?!find (?:module|package))|syntax error|declared and not used|missing return|not enough"
        r"|too many"
        r"|invalid|undeclared|[^\n]{0,100}(?:imported and not used|redeclared"
        r"|declared and not used|does not implement|mismatched types))[^\n]{0,150})",
    ),
    Rule(
        name="swift",
        failure_class=FailureClass.COMPILE,
        root_cause="The Swift compiler reports in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.swift):\d{{1,7}}:\d{{1,7}}: error: (?P<message>{_REST})",
    ),
    Rule(
        name="php-parse",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} is not valid PHP: {message}",
        pattern=r"^(?:PHP )?Parse error: +(?P<message>[^\n]{1,200}) in "
        r"(?P<file>[^\n]{1,200}\.php) on line \d",
    ),
    Rule(
        name="javascript-syntax",
        failure_class=FailureClass.COMPILE,
        root_cause="JavaScript that does not parse: {message}",
        pattern=r"^SyntaxError: (?P<message>[^\n]{1,200})$",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="indentation",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} is not valid Python.",
        pattern=r"^Sorry: (?:IndentationError|TabError): [^\n]{1,100} \((?P<file>[^,\n]{1,200}), line \d",
    ),
    Rule(
        name="msvc",
        failure_class=FailureClass.COMPILE,
        root_cause="The compiler reports {code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.(?:c|cc|cpp|cxx|h|hpp))\(\d{{1,7}}(?:,\d{{1,7}})?\): (?:fatal )?error "
        rf"(?P<code>C\d{{4}}): (?P<message>{_REST})",
        source="Microsoft C/C++ compiler errors",
    ),
    Rule(
        name="ruby-syntax",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} is not valid Ruby: {message}",
        pattern=rf"^(?P<file>{_PATH}\.r(?:b|u|ake)):\d{{1,7}}: (?P<message>syntax errors? ?{_REST})",
    ),
    Rule(
        name="sass",
        failure_class=FailureClass.COMPILE,
        root_cause="A style sheet does not compile: {message}",
        pattern=r"^ *Error: (?P<message>(?:Invalid CSS after |Undefined (?:variable|mixin|function)"
        r"|expected \"|"
        r"Can't find stylesheet to import)[^\n]{0,150})",
        source="Sass messages",
    ),
    Rule(
        name="perl-syntax",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} is not valid Perl: {message}",
        pattern=r"^(?P<message>syntax error at (?P<file>[\w./-]{1,200}) line \d{1,7}[^\n]{0,100})",
    ),
    Rule(
        name="elixir",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} does not compile.",
        pattern=r"^== Compilation error in file (?P<file>[^\n]{1,200}) ==",
    ),
    Rule(
        name="scala",
        failure_class=FailureClass.COMPILE,
        root_cause="The Scala compiler reports in {file}: {message}",
        pattern=rf"^\[error\] (?P<file>{_PATH}\.scala):\d{{1,7}}(?::\d{{1,7}})?: (?P<message>{_REST})",
    ),
    Rule(
        name="haskell",
        failure_class=FailureClass.COMPILE,
        root_cause="GHC reports in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.l?hs):\d{{1,7}}:\d{{1,7}}: error:(?: \[GHC-\d{{1,6}}\])?\s{{0,8}}"
        rf"(?P<message>{_REST})",
    ),
    Rule(
        name="dart",
        failure_class=FailureClass.COMPILE,
        root_cause="The Dart compiler reports in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.dart):\d{{1,7}}:\d{{1,7}}: Error: (?P<message>{_REST})",
    ),
    Rule(
        name="bundler-export",
        failure_class=FailureClass.COMPILE,
        root_cause="The bundle does not build: {message}",
        pattern=r"^\[!\] (?:\([^)\n]{1,60}\) )?(?:RollupError: )?(?P<message>[^\n]{1,200} is not exported by "
        r"[^\n]{1,100})|^✘ \[ERROR\] (?P<message_2>(?!Could not resolve)[^\n]{1,200})",
        source="Rollup and esbuild messages",
    ),
    Rule(
        name="prettier-parse",
        failure_class=FailureClass.COMPILE,
        root_cause="prettier cannot parse {file}: {message}",
        pattern=r"^\[error\] (?P<file>[^\s:]{1,250}): SyntaxError: (?P<message>[^\n]{1,200})",
    ),
    Rule(
        name="msbuild-project",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The .NET build cannot use the project: {message}",
        pattern=r"error (?P<message>(?:MSB(?:1\d{3}|4\d{3}|3644)|NETSDK\d{4}): [^\n]{1,200})",
        source="MSBuild and .NET SDK error lists",
    ),
    Rule(
        name="terraform",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="Terraform reports: {message}",
        pattern=r"^│ Error: (?P<message>(?!Inconsistent dependency lock"
        r"|Failed to (?:query available|install) provider|Required plugins)[^\n]{1,200})$",
    ),
    Rule(
        name="yaml-invalid",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="A YAML file does not parse: {message}",
        pattern=r"(?P<message>error converting YAML to JSON: [^\n]{1,150}"
        r"|YAML parse error on [^\n]{1,150}|yaml: line \d{1,6}: [^\n]{1,150})",
    ),
)
