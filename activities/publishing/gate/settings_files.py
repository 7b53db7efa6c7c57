"""Weakening by configuration: lists of what is not checked, thresholds, strictness, scripts."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from activities.publishing.gate import structures
from activities.publishing.gate.files import Change
from activities.publishing.gate.findings import Finding, doubtful, refused
from activities.publishing.gate.places import is_protected
from activities.publishing.gate.structures import LIST, Entries, Key

_UNCHECKED: Final = re.compile(
    r"(?:.*-)?(?:ignored?|ignores|ignore-?patterns|exclude|excludes|excluded|omit|skips?|skip-?(?:dirs|files)|disabled?|suppress\w*"
    r"|per-?file-?ignores|exemptions?|whitelist|allowlist|baseline|deselect|norecursedirs|collect-ignore|exclude-?\w+"
    r"|disabled?-?\w*|ignore-?\w+|\w+-?ignore-?patterns|unfixable|exclusions|(?:in)?consistent-ignore)"
)
_WORDS: Final = re.compile(r".*words.*|.*(?:dictionar|identifiers|spelling).*")
_HONEST_DIRECTORY: Final = re.compile(
    r"(?:\*\*/|\./|\^)?(?:build|dist|out|target|coverage|node_modules|\.?venv|\.tox|\.git|vendor|generated|__generated__|migrations"
    r"|__pycache__|\.next|\.cache|third_party)(?:[/\\].*|\$)?"
)
_CHECKED: Final = re.compile(
    r"(?:.*-)?(?:select|enable|enabled|plugins|extends|testpaths|include|files|targets|rules|env-?list|checks|linters|test-?match"
    r"|test-?regex|roots|projects|packages|python-files|python-functions|python-classes|source|collect-?coverage-?from|types|deny)"
)
_STRICT: Final = re.compile(
    r"strict.*|warn-.*|disallow-.*|check-.*|no-implicit.*|no-(?:unused|unchecked|fallthrough|property|emit-on).*|fail-on.*|error-on.*"
    r"|exact-.*|use-unknown.*|always-strict|require-.*|deny-.*|type-?check.*|branch|show-error-codes|force-consistent.*|enforce.*"
)
_LENIENT: Final = re.compile(
    r"ignore-.*|allow-.*|skip-.*|continue-.*|silent|quiet|pass-with-no-tests|exit-zero|no-error.*|suppress-.*|implicit-.*"
    r"|disable-.*|allow-failure|fail-fast-off|lenient|follow-imports-skip"
)
_OFTEN_HONEST: Final = frozenset(
    {"ignore-missing-imports", "skip-lib-check", "allow-js", "allow-synthetic-default-imports"}
)
_AT_LEAST: Final = re.compile(
    r"fail-under|.*threshold.*|min(?:imum)?-.*|branches|functions|lines|statements|coverage|target|.*-minimum|global|score"
)
_AT_MOST: Final = re.compile(
    r"max-.*|.*-max|.*complexity.*|line-length|print-width|too-many-.*|cognitive-.*|.*-threshold|threshold|limit|max"
)
_AGAIN: Final = re.compile(r"retr(?:y|ies)|reruns?|flaky.*|retry-.*")
_SEVERITIES: Final = {
    "off": 0,
    "allow": 0,
    "none": 0,
    "disabled": 0,
    "ignore": 0,
    "0": 0,
    "warn": 1,
    "warning": 1,
    "1": 1,
    "error": 2,
    "deny": 2,
    "forbid": 2,
    "2": 2,
}
_MUFFLES: Final = re.compile(
    r"--ignore(?:=|\s|-glob|$)|--deselect|(?:^|\s)-k(?:=|\s|$)|-m[= ]?[\"']?not\b|--exit-zero|--no-verify"
    r"|(?i:pass-?with-?no-?tests)|--max-warnings|\|\|\s{0,4}(?:true|:|exit|echo)"
    r"|(?:^|\s)-p[ =]?no:|--no-cov\b|--cov-fail-under(?:[= ]\d+)?|skipTests|maven\.test\.skip|--exclude"
    r"|--skip|--collect-only"
    r"|--co\b|--if-present|--no-fail|;\s{0,4}(?:true|exit 0)|(?:^|\s)-x\s{1,4}test\b|--dry-run|--listTests"
    r"|--reruns|--cap-lints|--quiet-?errors"
)
_NOTHING: Final = re.compile(r"\s*(?:true|:|exit(?: 0)?|echo\b[^&|;]*|node -e [\"'][^\"']*[\"']|)\s*")
_LIFECYCLE: Final = frozenset(
    {
        "preinstall",
        "install",
        "postinstall",
        "prepare",
        "prepublish",
        "prepublishOnly",
        "prepack",
        "postpack",
        "preprepare",
    }
    | {
        "postprepare",
        "post-install-cmd",
        "post-update-cmd",
        "pre-install-cmd",
        "pre-autoload-dump",
        "post-autoload-dump",
    }
)
_SCRIPTS: Final = frozenset({"scripts", "tasks", "commands", "cmds", "script"})


def findings(change: Change) -> Iterator[Finding]:
    """What speaks against a change of a structured file.

    Outside of the files that are known to configure checks, what would be refused there is only doubtful.
    """
    if not structures.is_structured(change.name):
        return
    protected = is_protected(change.path)
    try:
        before = structures.flat(structures.parse(change.name, change.before)) if change.before else {}
    except structures.UnreadableError:
        if protected:
            yield doubtful("cannot be read as what its name says it is")
        return
    try:
        after = structures.flat(structures.parse(change.name, change.after))
    except structures.UnreadableError:
        yield doubtful("cannot be read any more as what its name says it is")
        return
    for finding in _weakened(before, after):
        yield finding if protected else doubtful(finding.why)


def _weakened(before: Entries, after: Entries) -> Iterator[Finding]:
    before, after = _moved(before), _moved(after)
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key, Counter()), after.get(key, Counter())
        if old != new:
            yield from _entry(key, old, new)


def _moved(entries: Entries) -> Entries:
    """Ruff's settings in one place: those of its linter may stand in a section of their own."""
    moved: dict[Key, Counter[str]] = {}
    for key, values in entries.items():
        at = key.index("lint") if "lint" in key[:3] and (key[0] == "lint" or "ruff" in key[:2]) else len(key)
        moved.setdefault((*key[:at], *key[at + 1 :]), Counter()).update(values)
    return moved


def _entry(key: Key, old: Counter[str], new: Counter[str]) -> Iterator[Finding]:
    names = [_plain(part) for part in key if part != LIST]
    name = names[-1] if names else ""
    gained, lost = new - old, old - new
    if not _SCRIPTS.isdisjoint(key):
        yield from _script(key, gained)
    if _muffled(gained) - _muffled(lost):
        yield refused(f"{name}: lets a step fail unseen")
    yield from _lists(names, key, gained, lost)
    yield from _switch(name, old, new)
    yield from _numbers(name, old, new)
    yield from _severity(names, old, new)


def _muffled(values: Counter[str]) -> Counter[str]:
    return Counter(found[0].strip() for value in values for found in _MUFFLES.finditer(value))


def _plain(name: str) -> str:
    """`no-implicit-any` for `noImplicitAny` and `no_implicit_any`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name[:200]).replace("_", "-").lower()


def _script(key: Key, gained: Counter[str]) -> Iterator[Finding]:
    if gained and not _LIFECYCLE.isdisjoint(key):
        yield refused("adds a command that runs on installation")
    if any(_NOTHING.fullmatch(value) for value in gained):
        yield refused("replaces a command by nothing")
    if any(value.startswith("-") and LIST not in key for value in gained):
        yield refused("lets a command fail unseen")  # tox and make take a leading hyphen for that


def _lists(names: list[str], key: Key, gained: Counter[str], lost: Counter[str]) -> Iterator[Finding]:
    told = ".".join(names)
    many = LIST in key or gained.keys() - {"true", "false", "null"}
    if gained and many and any(_WORDS.fullmatch(name) for name in names):
        yield doubtful(f"{told}: adds to a dictionary")
    elif gained and many and any(_UNCHECKED.fullmatch(name) for name in names):
        honest = all(_HONEST_DIRECTORY.fullmatch(value) for value in gained)
        yield (doubtful if honest else refused)(f"{told}: grows a list of what is not checked")
    if lost.total() > gained.total() and LIST in key and _CHECKED.fullmatch(names[-1] if names else ""):
        yield refused(f"{told}: checks less")
    if lost.total() > gained.total() and "hooks" in names and names[-1] == "id":
        yield refused("takes a hook out")


def _switch(name: str, old: Counter[str], new: Counter[str]) -> Iterator[Finding]:
    if _STRICT.fullmatch(name) and (("true" in old and "true" not in new) or "false" in new - old):
        yield refused(f"{name}: switches strictness off")
    elif _LENIENT.fullmatch(name) and "true" in new - old:
        yield (doubtful if name in _OFTEN_HONEST else refused)(f"{name}: lets what was found pass")


def _numbers(name: str, old: Counter[str], new: Counter[str]) -> Iterator[Finding]:
    before, after = _largest(old), _largest(new)
    if before is not None and _AT_LEAST.fullmatch(name) and (after is None or after < before):
        yield refused(f"{name}: lowers a threshold")
    elif after is not None and _AT_MOST.fullmatch(name) and (before is None or after > before):
        if before is not None or not _AT_LEAST.fullmatch(name):
            yield refused(f"{name}: allows more than before")
    elif after is not None and _AGAIN.fullmatch(name) and after > (before or 0):
        yield refused(f"{name}: runs a test until it passes")


def _largest(values: Counter[str]) -> float | None:
    numbers = [
        float(found[0]) for value in values if (found := re.match(r"-?\d{1,15}(?:\.\d{1,9})?(?=%?$)", value))
    ]
    return max(numbers, default=None)


def _severity(names: list[str], old: Counter[str], new: Counter[str]) -> Iterator[Finding]:
    if not any(
        name in {"rules", "lints", "overrides", "severity", "level", "clippy", "rust"} for name in names
    ):
        return
    before = max((_SEVERITIES.get(value.lower(), -1) for value in old), default=-1)
    after = max((_SEVERITIES.get(value.lower(), -1) for value in new), default=-1)
    if 0 <= after < before or (before == -1 and after == 0) or (before > 0 and not new):
        yield refused(f"{names[-1]}: switches strictness off")
