"""How loudly a log line says that something went wrong, whatever tool wrote it."""

import re
from typing import Final

LITERALS: Final = (
    "error",
    "err!",
    "fail",
    "fatal",
    "panic",
    "exception",
    "traceback",
    "not found",
    "no such",
    "annot ",
    "could not",
    "unable to",
    "denied",
    "invalid",
    "abort",
    "exited with",
    "segmentation",
    "timed out",
    "killed",
    "expect",
    "would re",
    "not ok ",
    "\u2716",
    "\u2717",
    "\u2718",
    "missing",
    "undefined",
    "core dumped",
    "[-]",
    "issues",
    "severity",
    "no space",
    "is down",
    "file would be",
    "diff in",
    "##[",
)
"""In lower case; every line that is loud at all holds one of them. Also a quick sieve for whole blocks."""

_STRONG: Final = (
    "error: ",
    "error[",
    "--- fail",
    "*** fail",
    "<<< fail",
    "<<< err",
    "panicked at",
    "assertion",
    "assert ",
    "segmentation fault",
    "core dumped",
    "undefined reference",
    "addresssanitizer",
    "##[error]",
    "rake aborted",
    ": command not found",
    "no space left",
    "would reformat",
    "would be reformatted",
    "severity:",
    "issues :-(",
)
_STARTS_STRONG: Final = re.compile(
    r"[^\s:][^:]{0,200}:\d{1,7}(?::\d{1,7})?:? (?:\w{1,20} )?error\b"
    r"|E {2,}\S|(?:_{4,}|={4,}) .{0,200}(?:\btest|ERROR|FAILURES)"
    r"|\s*FAIL(?:ED|URE)?[ :!]|Traceback \(most recent|\S{0,200}(?:Error|Exception|Failure)(?::|$)"
    r"|\s*\d{1,5}\) \S|not ok |\s*(?:\u2716|\u2717|\u2718|\xd7|\u25cf|\[-\]) "
    r"|\s*(?:fatal|FATAL|ERROR|Error|CRITICAL)\b|\[?(?:error|fail(?:ed|ure)?|err)\]? *[:|!>]"
)
_CODED: Final = re.compile(r"\berror [A-Z]{1,5}\d{1,6}\b")
_EXIT: Final = re.compile(r"exited with (?:code )?[1-9]|##\[error\]process completed with exit code")
_WORDS: Final = re.compile(
    r"\b(?:error|err!|fail(?:ed|ure|ures|s)?|fatal|panic|not found|no such|cannot|could not|unable to|denied"
    r"|aborted|timed out|killed|is down)\b|exception\b"
)
_QUIET: Final = re.compile(
    r"\b(?:0|no|zero|without)\s+(?:\w+\s+)?(?:errors?|fail(?:ures?|ed|ing)|issues|problems|offenses|violations)\b"
    r"|(?:errors?|failures?|failed|failing)\s*[:=]\s*0\b(?!.*[1-9])"
    r"|fail[-_]fast|--no-fail|error[-_]?handl|on[-_]error|-werror|(?:\bok|\bpass|\bpassed|\u2713|\u221a)$"
)
_STARTS_QUIET: Final = re.compile(
    r"\s*(?:ok|pass|\u2713|\u221a|\u2714|\[\+\])\s|\s*(?:\d+ )?(?:passing|passed)\b|\+{1,3} "
    r"|(?:warning|warn|deprecated|deprecation|notice)\b[:\]]"
    r"|(?:get|hit|ign|setting up|unpacking|selecting|preparing)\b"
    r"|\s*(?:compiling|downloading|downloaded|collecting) "
)

_VERDICT: Final = re.compile(
    r"\*{3} fail|--- fail|<<< (?:fail|err)|addresssanitizer|panicked at"
    r"|^_{4,} .{0,200} _{4,}|^not ok |^fail[:!]"
    r"|\[fail\]|^\s*\d{1,5}\) (?:test|error|fail)|^e {2,}\S|^error\[e\d|^\s*\[-\] |^traceback|rake aborted"
)

_VERDICT_WEIGHT, _CERTAIN, _LIKELY, _POSSIBLE, _END = 1.3, 1.0, 0.75, 0.45, 0.35
_HUSHED: Final = 0.15
"""What is left of a loud line that says, on a closer look, that nothing is wrong."""

_CONTINUES: Final = re.compile(
    r"\s+\S|\s*$|(?:at|in|from|by|File|Caused by|note|help|hint|Expected|Actual|Received|E)\b"
    r"|[+\-|>~^.=#]|\S{1,200}?:\d"
)
_BOUNDARY: Final = re.compile(
    r"##\[(?:group|endgroup)\]|travis_(?:fold|time):|\$ |The command |Post job cleanup|Cleaning up orphan"
)


_FINDING: Final = re.compile(
    r"E {2,}\S|\S{0,300}\.\w{1,8}(?::\d|\(\d)|[A-Z]{1,6}\d{2,5}\b|\s*--> \S|\s+\d{1,7}:\d{1,7}\s|\[warn\] \S"
    r"|Diff in \S|/\S{1,300}\.\w{1,8}$|(?:---|\+\+\+) \S|In \S{1,300} line \d"
)


def loudness(line: str) -> float:
    """0 for an ordinary line, up to 1 for one that names a failure."""
    low = line.lower()
    if not any(literal in low for literal in LITERALS):
        return 0.0
    if _EXIT.search(low):
        return _END
    if _VERDICT.search(low):
        weight = _VERDICT_WEIGHT
    elif _STARTS_STRONG.match(line) or any(strong in low for strong in _STRONG) or _CODED.search(line):
        weight = _CERTAIN
    elif _WORDS.search(low):
        weight = _LIKELY
    else:
        weight = _POSSIBLE
    return weight * _HUSHED if _STARTS_QUIET.match(low) or _QUIET.search(low) else weight


def names_finding(line: str) -> bool:
    """Whether the line begins as tools name a place or a rule: often without any loud word."""
    return bool(_FINDING.match(line))


def continues(line: str) -> bool:
    """Whether the line looks like a further line of the message above it: indented, a frame, a diff."""
    return bool(_CONTINUES.match(line))


def bounds(line: str) -> bool:
    """Whether the line begins or ends something else: a command, a group, a step."""
    return bool(_BOUNDARY.match(line))
