"""GitHub Actions workflow files: what a job does, when it runs, and what it may."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from activities.publishing.gate import structures
from activities.publishing.gate.files import Change
from activities.publishing.gate.findings import Finding, doubtful, refused
from activities.publishing.gate.structures import LIST, Entries

_WORKFLOW: Final = re.compile(
    r"\.(?:github|gitea|forgejo)/(?:workflows/[^/]+|actions/.+)\.ya?ml", re.IGNORECASE
)
_STRANGERS_TEXT: Final = re.compile(
    r"\$\{\{[^}]{0,200}(?:github\.(?:event\.(?:issue|pull_request|comment|review\w{0,20}|head_commit|commits|discussion|pages"
    r"|workflow_run)\b[^}]{0,80}\.(?:title|body|message|name|email|ref|label|head_branch|default_branch)|head_ref))"
)
_SECRET: Final = re.compile(r"\bsecrets(?:\.([\w-]+)|\[)|\btoJSON\(\s{0,4}secrets", re.IGNORECASE)
_ALL_SECRETS: Final = re.compile(r"toJSON\(\s{0,4}(?:secrets|github|env)\s{0,4}\)", re.IGNORECASE)
_PINNED: Final = re.compile(r"[^@]+@(?:[0-9a-f]{40}|sha256:[0-9a-f]{64})")
_GITHUBS_OWN: Final = ("actions/", "github/", "./", "docker://ghcr.io/github/")
_STRANGERS_EVENTS: Final = frozenset(
    {"pull_request_target", "workflow_run", "issue_comment", "issues", "discussion"}
)
_FALSE: Final = re.compile(r"(?:\$\{\{\s{0,4})?(?:false|0|'')(?:\s{0,4}\}\})?")
_SHELL_THAT_GOES_ON: Final = re.compile(r"(?:ba|z|da)?sh(?:\s.*)?\{0\}")


def findings(change: Change) -> Iterator[Finding]:
    """What speaks against a change of a workflow file; each change of one takes a human anyway."""
    if not _WORKFLOW.fullmatch(change.path):
        return
    try:
        before = structures.parse(change.name, change.before) if change.before else {}
        after = structures.parse(change.name, change.after)
        old, new = structures.flat(before), structures.flat(after)
    except structures.UnreadableError:
        return  # settings_files says so
    if not isinstance(after, Mapping) or not isinstance(before, Mapping):
        if isinstance(before, Mapping) and before:
            yield refused("is not a workflow file any more")
        return
    if change.before is not None:
        yield from _jobs(_mapping(before.get("jobs")), _mapping(after.get("jobs")))
        yield from _triggers(before.get("on", before.get("true")), after.get("on", after.get("true")))
    yield from _entries(old, new)
    yield from _texts(change)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _jobs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Finding]:
    added = [job for name, job in after.items() if name not in before]
    for name, job in before.items():
        now = after.get(name)
        if now is None and job in added:
            now = job
        if now is None:
            yield refused(f"takes the job {str(name)[:60]} out")
        else:
            yield from _job(_mapping(job), _mapping(now))


def _job(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Finding]:
    old, new = _steps(before), _steps(after)
    if len(new) < len(old):
        yield refused("takes a step out")
    for step in (after, *new):
        was = before if step is after else _counterpart(step, old)
        condition = str(step.get("if", ""))
        if condition != str(was.get("if", "")):
            never = _FALSE.fullmatch(condition.lower())
            yield refused("keeps a step from running") if never else doubtful("changes when a step runs")
        go_on = step.get("continue-on-error")
        if go_on not in (None, False) and go_on != was.get("continue-on-error"):
            yield refused("lets a step fail unseen")
    yield from _commands(old, new)
    yield from _matrix(before, after)


def _steps(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    steps = job.get("steps")
    return [_mapping(step) for step in steps] if isinstance(steps, list) else []


def _counterpart(step: Mapping[str, Any], steps: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    for name in ("id", "name", "run", "uses"):
        for each in steps:
            if (
                step.get(name) is not None
                and str(each.get(name)).split("@")[0] == str(step[name]).split("@")[0]
            ):
                return each
    return {}


def _commands(old: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> Iterator[Finding]:
    before = Counter(line for step in old for line in _lines(step))
    after = Counter(line for step in new for line in _lines(step))
    lost, gained = before - after, after - before
    if lost.total() > gained.total():
        yield refused("takes a command out of a step")
    nothing = re.compile(r"(?:true|:|exit 0|echo\b.*)")
    idle = [sum(n for line, n in lines.items() if nothing.fullmatch(line)) for lines in (lost, gained)]
    if lost and idle[1] > idle[0]:
        yield refused("replaces a command by nothing")


def _lines(step: Mapping[str, Any]) -> list[str]:
    lines = (line.strip() for line in str(step.get("run") or "").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _matrix(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Finding]:
    old = structures.flat(_mapping(_mapping(before.get("strategy")).get("matrix")))
    new = structures.flat(_mapping(_mapping(after.get("strategy")).get("matrix")))
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key, Counter()), new.get(key, Counter())
        excluded = "exclude" in key
        if (now.total() > was.total()) if excluded else (now.total() < was.total()):
            yield refused("takes cases out of a matrix")


def _triggers(before: Any, after: Any) -> Iterator[Finding]:
    old, new = _events(before), _events(after)
    if old.keys() - new.keys():
        yield refused(f"no longer runs on {', '.join(sorted(old.keys() - new.keys()))[:80]}")
    for event in new.keys() - old.keys():
        if event in _STRANGERS_EVENTS:
            yield refused(f"runs on {event}, which strangers can cause")
    for event in old.keys() & new.keys():
        yield from _filters(structures.flat(_mapping(old[event])), structures.flat(_mapping(new[event])))


def _events(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {str(name): each for name, each in value.items()}
    return {str(each): None for each in (value if isinstance(value, list) else [value] if value else [])}


def _filters(old: Entries, new: Entries) -> Iterator[Finding]:
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key, Counter()), new.get(key, Counter())
        ignoring = any(part.endswith("-ignore") for part in key)
        narrower = now - was if ignoring else (was - now if now or was else Counter())
        appears = not was and LIST in key and not ignoring and not any(each[:1] == key[:1] for each in old)
        if narrower or appears:
            yield refused("runs on fewer occasions")


def _entries(old: Entries, new: Entries) -> Iterator[Finding]:
    for key, values in new.items():
        gained = values - old.get(key, Counter())
        if not gained:
            continue
        if "permissions" in key:
            yield from _permissions(key[-1], gained)
        elif key[-1] == "uses":
            yield from _actions(old, gained)
        elif key[-1] == "shell" and any(_SHELL_THAT_GOES_ON.fullmatch(value) for value in gained):
            yield refused("lets a step fail unseen")
        elif key[-1] == "runs-on" and any("self-hosted" in value for value in gained):
            yield doubtful("runs on the owner's own machines")
        elif key[-1] == "secrets" and "inherit" in gained:
            yield doubtful("hands on every secret")


def _permissions(name: str, gained: Counter[str]) -> Iterator[Finding]:
    if "write-all" in gained:
        yield refused("asks for every permission")
    elif "write" in gained:
        yield doubtful(f"asks for the permission {name[:60]}: write")


def _actions(old: Entries, gained: Counter[str]) -> Iterator[Finding]:
    known = {
        value.split("@", 1)[0] for key, values in old.items() if key[-1:] == ("uses",) for value in values
    }
    for action in gained:
        if action.split("@", 1)[0] not in known and not action.startswith(_GITHUBS_OWN):
            pinned = "" if _PINNED.fullmatch(action) else ", which can change at any time"
            yield doubtful(f"brings in the action {action[:80]}{pinned}")


def _texts(change: Change) -> Iterator[Finding]:
    before, after = change.before or "", change.after
    if len(_STRANGERS_TEXT.findall(after)) > len(_STRANGERS_TEXT.findall(before)):
        yield refused("puts text of strangers into a command")
    if len(_ALL_SECRETS.findall(after)) > len(_ALL_SECRETS.findall(before)):
        yield refused("hands out every secret")
    new = set(_SECRET.findall(after)) - set(_SECRET.findall(before)) - {"GITHUB_TOKEN"}
    if new:
        yield doubtful(f"uses the secret {', '.join(sorted(new))[:80]}")
