"""Shapes that tools share which no other rule knows: less certain than a tool's own wording."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

_PATH: Final = r"[^\s:()\[\]'\"]{1,200}"
_REST: Final = r"[^\n]{1,200}"

SHAPES: Final[tuple[Rule, ...]] = (
    Rule(
        name="would-reformat",
        failure_class=FailureClass.FORMAT,
        root_cause="A formatter would change files: {message}",
        pattern=rf"^(?P<message>\W{{0,12}}(?:[Ww]ould|WOULD) (?:re)?(?:format|sort|fix|write|indent)(?:ted)"
        rf"?\b{_REST})"
        r"|(?P<message_2>\d{1,6} files? (?:would be (?:re)?(?:formatted|updated|sorted|fixed|changed|written)"
        r"|failed formatting check|(?:need|require)s? (?:re)?formatting|(?:is|are|was|were) not "
        r"(?:properly )?formatted))"
        r"|(?P<message_3>[Ff]ound \d{1,6} not formatted files?|(?:is|are) not (?:properly |correctly )"
        r"?formatted\b[^\n]{0,100}"
        r"|[Ff]ormatting (?:issues|errors|differences|violations) (?:found|detected)[^\n]{0,100})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="tests-failed",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail: {message}",
        pattern=r"^\W{0,12}(?P<message>(?:[Tt]ests?|[Ss]pecs?|[Ss]cenarios?|[Ee]xamples?|[Aa]ssertions?)[ "
        r":]{1,8}[^\n]{0,60}"
        r"\b[1-9]\d{0,5} (?:failed|failures?|failing))"
        r"|^\W{0,12}(?P<message_2>[1-9]\d{0,5}(?: of \d{1,6})? (?:tests?|specs?|scenarios?|examples?"
        r"|assertions?|suites?)"
        r" (?:have |has )?fail(?:ed|ing|ures?)?\b[^\n]{0,60})"
        r"|^\W{0,12}(?P<message_3>\d{1,6} (?:tests?|specs?|examples?)[,:][^\n]{0,60}\b[1-9]\d{0,5} "
        r"(?:failed|failures?)"
        r"|[1-9]\d{0,5} fail$|FAILED \((?:failures|errors)=\d[^\n]{0,40}|TEST (?:EXECUTE )?FAILED \*\*)",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="tests-counted",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="Tests fail: {message}",
        pattern=r"(?P<message>\d\d{0,5} (?:(?:pass(?:ed)?|success(?:es|ful)?|ok|SUCCESS)\b[^\n]{0,40}"
        r"\b[1-9]\d{0,5} (?:fail|FAIL)"
        r"|(?<!\b0 )(?:fail(?:ed|ures?|s)?|FAILED)\b[^\n]{0,40}"
        r"\b\d{1,6} (?:pass(?:ed)?|success(?:es)?|errors?)\b))",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="expected-and-found",
        failure_class=FailureClass.UNIT_TEST,
        root_cause="A test fails: {message}",
        pattern=r"^ *(?P<message>[Ee]xpected:? [^\n]{1,150})\n(?:[^\n]{0,200}\n)?"
        r" *(?:[Rr]eceived|[Aa]ctual|[Bb]ut got|[Gg]ot|[Ff]ound|[Bb]ut was):? "
        r"|^ {0,8}(?:error: |Error: )?(?P<message_2>Assert(?:ion)?(?:Error|Failure|Failed|ion failed)?\b: "
        r"[^\n]"
        r"{1,150})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="compiler-error-in-line",
        failure_class=FailureClass.COMPILE,
        root_cause="{file} does not compile: {message}",
        pattern=rf"^(?P<file>{_PATH}\.(?:zig|kts?|scala|hs|swift|d|nim|cr|sol|vala|adb|ads|pas|v|sv|vhdl?"
        rf"|cu|asm|S|java|go|rs"
        rf"|coffee|elm|purs|res|erl|hrl|ex|exs|fs|vb|m|mm)):\d{{1,7}}(?::\d{{1,7}})?: (?:fatal )?error: "
        rf"?(?P<message>{_REST})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="dependencies-unresolved",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Dependencies cannot be resolved: {message}",
        pattern=r"(?P<message>(?:[Cc]ould not|[Cc]annot|[Ff]ailed to|[Uu]nable to) resolve (?:all )?(?:the )?"
        r"(?:dependenc(?:y|ies)|packages?|version)\b[^\n]{0,120})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="stale-lock-file",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A lock file does not fit: {message}",
        pattern=r"(?P<message>\b[\w.-]{0,40}[Ll]ock ?(?:file)?\b[^\n]{0,60}\b(?:out[- ]of[- ](?:date|sync)"
        r"|not up[- ]to[- ]date|outdated|needs? to be updated|does(?: not|n't) match)[^\n]{0,100})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="settings-unread",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="A tool cannot read its settings: {message}",
        pattern=r"(?P<message>(?:[Ff]ailed|[Uu]nable|[Cc]ould not|[Cc]annot|[Cc]an't|[Ee]rror) ?(?:to )?"
        r"(?:pars|load|read)(?:e|ing)? (?:the )?(?:config(?:uration)?|settings|options)\b[^\n]{0,150}"
        r"|(?:TOML|YAML|JSON) pars(?:e|ing) error[^\n]{0,150}"
        r"|[Uu]nknown (?:configuration )?(?:option|key|field|property|setting)s? [`'\"][^\n]{1,100}"
        r"|[Ii]nvalid config(?:uration)?\b[^\n]{0,150})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="finding-with-code",
        failure_class=FailureClass.LINT,
        root_cause="A checker reports {code} in {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.\w{{1,10}}):\d{{1,7}}(?::\d{{1,7}})?:? (?:\w{{1,12}}: ?)"
        rf"?\[?(?P<code>[A-Z]{{1,6}}-?\d{{2,5}})\]?:? "
        rf"(?P<message>{_REST})",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="finding-code-at-end",
        failure_class=FailureClass.LINT,
        root_cause="A checker reports {code} in {file}: {message}",
        pattern=rf"^(?:\[\w{{3,8}}\] )?(?P<file>{_PATH}\.\w{{1,10}}):\d{{1,7}}(?::\d{{1,7}})?(?:-\d{{1,7}})"
        rf"?:? (?P<message>[^\n]{{1,200}}) "
        r"[(\[](?P<code>[A-Z]{1,6}\d{2,5}|[A-Z][a-z]+(?:[A-Z][a-z]+)+|[a-z]+(?::[a-z-]+|(?:-[a-z]+)+"
        r"|/[a-z-]+))[)\]]$",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="findings-counted",
        failure_class=FailureClass.LINT,
        root_cause="A checker finds faults: {message}",
        pattern=r"^\W{0,12}(?P<message>(?:[Ff]ound )?[1-9]\d{0,5} (?:problems?|issues?|violations?"
        r"|offen[cs]es?|warnings?|hints?"
        r"|errors? found|lint (?:errors?|warnings?))\b[^\n]{0,80})"
        r"|^(?P<message_2>(?:Total: \d{1,6} warnings? / \d{1,6} errors? in|Issues +: [1-9])[^\n]{0,60}|  "
        r"Issues : [1-9]\d{0,5})",
        certainty=Certainty.GUESS,
    ),
    Rule(
        name="warning-in-line",
        failure_class=FailureClass.LINT,
        root_cause="A checker warns of {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.\w{{1,10}}):\d{{1,7}}(?::\d{{1,7}})?: (?:warning|style|convention"
        rf"|refactor|info)\b:? "
        rf"(?P<message>{_REST})",
        certainty=Certainty.GUESS,
    ),
    Rule(
        name="only-a-diff",
        failure_class=FailureClass.FORMAT,
        root_cause="A check shows how {file} ought to be.",
        pattern=r"^--- (?P<file>[^\s\n]{1,200})[^\n]{0,100}\n+\+\+\+ [^\n]{1,200}\n+@@ -\d",
        certainty=Certainty.GUESS,
    ),
    Rule(
        name="files-listed",
        failure_class=FailureClass.FORMAT,
        root_cause="A check lists {file}.",
        pattern=r"\A(?:##\[group\][^\n]{0,200}\n(?:[^\n]{0,200}\n){0,20}##\[endgroup\]\n)?"
        r"(?P<file>[\w@./+-]{1,200}\.[a-z]{1,8})(?:\n[\w@./+-]{1,200}\.[a-z]{1,8}){0,40}"
        r"(?:\n##\[error\]Process completed with exit code \d{1,3}\.)?\s*\Z",
        certainty=Certainty.GUESS,
    ),
    Rule(
        name="remark-in-line",
        failure_class=FailureClass.LINT,
        root_cause="A checker remarks on {file}: {message}",
        pattern=rf"^(?P<file>{_PATH}\.\w{{1,10}}):\d{{1,7}}:\d{{1,7}}(?:-\d{{1,7}})?: ?(?P<message>[A-Za-z]"
        rf"{_REST})",
        certainty=Certainty.GUESS,
    ),
)
