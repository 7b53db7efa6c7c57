"""How loudly a log line says that something went wrong, and how it hangs together with its neighbours.

Nothing here belongs to one project: these are the words and shapes of compilers, test runners, linters,
package managers and shells.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, cast

from ahocorasick_rs import AhoCorasick, Implementation

_VERDICT: Final = 1.3
"""A test runner or an interpreter says what failed, and the reason follows."""
CERTAIN: Final = 1.0
"""Hardly ever written unless something failed."""
_LIKELY: Final = 0.75
_POSSIBLE: Final = 0.45
LOUD: Final = 0.7
"""From here on a line most likely tells of a failure."""
_END: Final = 0.35
"""The step's end: that it failed is known, and this is not why."""
_HUSHED: Final = 0.15
"""What is left of a loud line that says, on a closer look, that nothing is wrong."""

_WORDS: Final = (
    *("error", "err!", "fail", "failed", "failure", "failures", "fails", "fatal", "panic", "not found"),
    *("no such", "cannot", "could not", "unable to", "denied", "aborted", "timed out", "killed", "is down"),
    *("refused", "mismatch", "exception", "\u274c"),
)
"""Likely signs where they stand as whole words; as parts of words, possible ones."""
_WHOLE_WORDS: Final = frozenset(_WORDS)
_WEIGHTS: Final = {
    **dict.fromkeys(
        (
            *("*** fail", "***fail", "--- fail", "<<< fail", "<<< err", "[fail]"),
            *("addresssanitizer", "panicked at", "rake aborted", "no output has been received"),
            "exceeded the maximum time",
        ),
        _VERDICT,
    ),
    **dict.fromkeys(
        (
            *("error: ", "error[", "##[error]", "assertion", "assert ", "undefined reference", "severity:"),
            *("segmentation fault", "core dumped", ": command not found", "no space left", "issues :-("),
            *("would reformat", "would be reformatted"),
        ),
        CERTAIN,
    ),
    **dict.fromkeys((*_WORDS, "diff --git a/"), _LIKELY),
    **dict.fromkeys(
        (
            *("traceback", "annot ", "rejected", "invalid", "unexpected", "abort", "exited with"),
            *("segmentation", "exceeded", "no output", "terminated", "expect", "would re", "not ok "),
            *("missing", "undefined", "unresolved", "not defined", "issues", "violation", "offense"),
            *("severity", "no space", "conflict", "file would be", "diff in", "##[", "unformatted"),
            *("not formatted", "needs formatting", "need formatting", "gofmt", "emergency stop"),
            *("[-]", "(x)", "[e]", "\u2716", "\u2717", "\u2718", "\u25cf", "\xd7 "),
        ),
        _POSSIBLE,
    ),
    # Nothing by themselves, but a test runner's headings hold them.
    **dict.fromkeys(("____ ", " 1) ", "\n1) "), 0.0),
}
LITERALS: Final = tuple(_WEIGHTS)
"""In lower case; every line that is loud at all holds one of them, with the line feed before it."""
_QUIETENERS: Final = (
    *("0 ", "no ", "zero ", "without ", ": 0", "=0", "= 0", ":0"),
    *("fail-fast", "fail_fast", "failfast", "--no-fail", "handl", "on-error", "on_error", "-werror"),
)
_AUTOMATON: Final = AhoCorasick([*LITERALS, *_QUIETENERS], implementation=Implementation.DFA)

_STARTS: Final = re.compile(
    r"(?P<verdict>_{4,} .{0,200} _{4,}|not ok |FAIL[:!\s]|\s*+\d{1,5}\) (?:[Tt]est|[Ee]rror|[Ff]ail)|E {2,}\S"
    r"|error\[E\d|\s*+\[-\] |Traceback \(most recent|#\s+Failed test|(?:Test Failed|Error During Test) at"
    r"|Test Case '.{1,200}' failed|(?:Failure|Error) \u2192 "
    r"|\s*+(?:\u2500\u2500|--) (?:\d{1,4}\. )?(?:Failure|Error)\b"
    r"|[^\s:][^:]{0,200}:\d{1,7}: F(?:ailure|AILED)\b|\s*+\(\d{1,5}/\d{1,5}\) \[\w{1,9} *\] \(X\))"
    r"|[^\s:][^:]{0,200}:\d{1,7}(?::\d{1,7})?:? (?:\w{1,20} )?error\b|! [A-Z]"
    r"|={4,} .{0,200}(?:\btest|ERROR|FAILURES)"
    r"|\s*+(?:FAIL(?:ED|URE)?[ :!]|(?:fatal|FATAL|ERROR|Error|CRITICAL)\b|\d{1,5}\) \S"
    r"|(?:\u2716|\u2717|\u2718|\u274c|\xd7|\u25cf|\(X\)) )"
    r"|\S{0,200}(?:Error|Exception|Failure)(?::|$)|\[?(?:error|fail(?:ed|ure)?|err)\]? *[:|!>]"
    r"|[Ee]: \S|\*\* \(|\[ +(?:FAILED|ERROR) +\]|CMake Error|configure: error"
)
_CODED: Final = re.compile(r"error [A-Z]{1,5}\d{1,6}\b", re.IGNORECASE)
_EXIT: Final = re.compile(r"exited with (?:code )?[1-9]|##\[error\]process completed with exit code")
_NOTHING: Final = re.compile(
    r"(?<!: \d\d\d )\b(?:0|no|zero|without)\s+(?:\w+\s+)?"
    r"(?:errors?|fail(?:ures?|ed|ing)|issues|problems|offenses|violations)\b"
    r"|fail[-_]?fast|--no-fail|handl|on[-_]error|-werror"
)
_COUNTED_NONE: Final = re.compile(r"(?:errors?|failures?|failed|failing)\s*[:=]\s*0\b(?!.*[1-9])")
_STARTS_QUIET: Final = re.compile(
    r"\s*+(?:ok|pass(?:ed)?:?|\u2713|\u221a|\u2714|\[\+\])\s|\s*+(?:\d+ )?(?:passing|passed)\b|\+{1,3} "
    r"|(?:warning|warn|deprecated|deprecation|notice)\b[:\]]"
    r"|[^\s:]{1,200}:\d{1,7}(?::\d{1,7})?: (?:warning|note|remark|info)\b"
    r"|(?:get|hit|ign|setting up|unpacking|selecting|preparing)\b"
    r"|\s*+(?:compiling|downloading|downloaded|collecting) "
)
_BAD_ENDS: Final = (" FAIL", " FAILED", " FAILED!", " FAILURE", " [E]")
"""How test runners end the heading of a failure; so ends also each line of a mere list of tests."""
_LISTED: Final = re.compile(r"BUILD|\*\*|\[ |\S{1,200}::")
_GOOD_ENDS: Final = (" ok", " pass", " passed", "\u2713", "\u221a")


Bond = Literal["part", "indented", "loose", "good", "bound"]
"""How a line hangs together with the one above it.

It is a further `part` of the same message (a stack frame, a diff, a blank line); it is `indented`, so a part
of the message if that is indented less; it is `loose`, where nothing tells; it says that something else went
`good`; or it is `bound` to something else that begins or ends (a command, a group, a step).
"""

_PREFIX: Final = r"(?:\[[A-Za-z]{3,7}\] ?|\d\d:\d\d:\d\d[.,\d]* |= |[\w.-]{1,30}+ {0,9}+\| )?"
"""What build tools and log drivers put before every line."""
_SHAPE: Final = re.compile(
    r"(?:(?P<bound>##\[(?:group|endgroup)\]|travis_(?:fold|time):|\$ |The command |Post job cleanup"
    r"|Cleaning up orphan)"
    r"|(?P<good>\s*+(?:ok \d|(?:PASS|PASSED|SKIP|SKIPPED)\b|\u2713|\u2714|\u221a|--- (?:PASS|SKIP)"
    r"|\[ *(?:OK|RUN|PASSED)\b|TEST \d|\[\+\] |XFAIL|XPASS|[xs]fail\b))"
    rf"|(?P<indented>\s)|(?P<part>{_PREFIX}"
    r"(?:\s|$|(?:at|in|from|by|File|Caused by|note|help|hint|Expected|Actual|Received|E)\b"
    r"|[+\-|>~^.=#_*]|\d{1,6}[+-](?: |$)|[{}()\[\]]+[;,]?$"
    r"|[^\s:]{1,200}+(?::(?!\d)[^\s:]{0,200}+){0,9}+:\d)))"
)
_FINDING: Final = re.compile(
    r"E {2,}\S|\S{0,300}\.\w{1,8}(?::\d|\(\d)|[A-Z]{1,6}\d{2,5}\b|\s*--> \S|\s+\d{1,7}:\d{1,7}\s|\[warn\] \S"
    r"|Diff in \S|/\S{1,300}\.\w{1,8}$|(?:---|\+\+\+) \S|In \S{1,300} line \d"
)


@lru_cache(maxsize=2_048)  # logs say the same thing again and again
def loudness(line: str) -> float:
    """0 for an ordinary line, up to 1.3 for one that names a failure."""
    low = line.lower()
    heard, quiet = [], False
    whole = f"\n{low}"
    for place, start, end in _AUTOMATON.find_matches_as_indexes(whole, overlapping=True):
        if place >= len(LITERALS):
            quiet = True
        elif LITERALS[place] in _WHOLE_WORDS and not _is_word(whole, start, end):
            heard.append(_POSSIBLE)
        else:
            heard.append(_WEIGHTS[LITERALS[place]])
    if not heard:
        return 0.0
    if ("exited with" in low or "##[error]" in low) and _EXIT.search(low):
        return _END
    weight = max(heard)
    if begins := _STARTS.match(line):
        weight = max(weight, _VERDICT if begins["verdict"] else CERTAIN)
    elif weight < CERTAIN:
        weight = max(weight, _by_its_form(line, low))
    if _STARTS_QUIET.match(low) or low.endswith(_GOOD_ENDS) or (quiet and _is_quiet(low)):
        return weight * _HUSHED
    return weight


def _by_its_form(line: str, low: str) -> float:
    if ("error " in low and _CODED.search(low)) or (line.endswith(_BAD_ENDS) and not _LISTED.match(line)):
        return CERTAIN
    return 0.0


def _is_word(low: str, start: int, end: int) -> bool:
    return not (low[start - 1].isalnum() or low[end : end + 1].isalnum())


def _is_quiet(low: str) -> bool:
    return bool(_NOTHING.search(low) or _COUNTED_NONE.search(low))


def names_finding(line: str) -> bool:
    """Whether the line begins as tools name a place or a rule: often without any loud word."""
    return bool(_FINDING.match(line))


def bonds(lines: Iterable[str]) -> list[Bond]:
    """How each line hangs together with the one above it."""
    # The pattern's groups bear the names of the bonds.
    return [cast("Bond", shape.lastgroup) if shape else "loose" for shape in map(_SHAPE.match, lines)]
