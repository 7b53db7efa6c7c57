"""Ways a shell text says "this command must find nothing", rewritten to the plain command."""

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Final

ROOT: Final = "REPOSITORY.ROOT"
"""Stands for the repository's folder, wherever a command runs."""
_FAILS: Final = r"(?:exit\s+[1-9]\d*|return\s+[1-9]\d*|false)"
_ASKED: Final = r"\"?\$\(\s*(?P<command>[^()$`\n]{1,500}?)\s*\)\"?"
_NOTHING: Final = r"(?:\s+(?:!=|==?)\s+(?:\"\"|''|0)|\s+-(?:gt|ne|eq)\s+0)?"
_INSIDE: Final = r"(?:(?!\bif\b|\bfi\b).)"
_UNTIL_FI: Final = rf"\s*(?:;|\n)\s*then\b{_INSIDE}{{0,2000}}?\b{_FAILS}\b{_INSIDE}{{0,500}}?\bfi\b"
_XARGS: Final = r"xargs(?:\s+(?:-0|-r|--null|--no-run-if-empty|-[nPI]\s*[\w{}]+|-t|--))*"
_FOUND: Final = r"find\s+(?P<where>(?:[^|;&\n$`()<>\\]|\\.){1,400}?)"
_COMMAND: Final = r"(?P<command>[^|\n;&$`()]{1,300})"

_Replacement = str | Callable[[re.Match[str]], str]


def _listing(found: re.Match[str]) -> str:
    """`find …` as a listing of the repository's files, behind the command that gets them."""
    words = _patterns(found["where"])
    command = re.sub(r"\s*(?:\{\}|'\{\}'|\"\{\}\")", "", found["command"]).rstrip()
    return f"{command} $(git ls-files {shlex.join(words)})" if words else found.group()


def _patterns(where: str) -> list[str]:
    """What `find`'s words ask for, as `--under=FOLDER`, `--not=PATTERN` and patterns; empty where unclear."""
    try:
        words = shlex.split(where)
    except ValueError:
        return []
    folders: list[str] = []
    while words and not words[0].startswith(("-", "(", "!")):
        folders.append(f"--under={words.pop(0)}")
    wanted: list[str] = []
    unwanted: list[str] = []
    negated = False
    while words:
        word = words.pop(0)
        if word in {"-not", "!"}:
            negated = True
            continue
        if word in {"-name", "-iname", "-path", "-wholename"} and words:
            excluded = negated or (word in {"-path", "-wholename"} and "-prune" in words[:2])
            (unwanted if excluded else wanted).append(words.pop(0))
        elif word == "-type" and words[:1] == ["f"]:
            words.pop(0)
        elif word not in {"-o", "-or", "-a", "-and", "(", ")", "-print", "-print0", "-prune", "-follow"}:
            return []
        negated = False
    return [*folders, *(f"--not={each}" for each in unwanted), *wanted]


_RULES: Final[Sequence[tuple[re.Pattern[str], _Replacement]]] = (
    (
        re.compile(
            r"\$\{\{\s*github\.workspace\s*\}\}|\$\{?GITHUB_WORKSPACE\b\}?"
            r"|\$\(\s*git\s+rev-parse\s+--show-toplevel\s*\)"
        ),
        ROOT,
    ),
    (re.compile(r"\$\{?PWD\b\}?|\$\(pwd\)"), "."),
    # source .venv/bin/activate
    (re.compile(r"(?m)(?:^|(?<=&&)|(?<=;))[ \t]*(?:source|\.)[ \t]+\S*activate\S*[ \t]*(?:&&|;|$)"), ""),
    # black --check . || (echo "run black" && exit 1)
    (re.compile(rf"\|\|\s*[({{][^(){{}}]{{0,500}}\b{_FAILS}\b[^(){{}}]{{0,100}}[)}}]"), ""),
    # git diff --name-only origin/main -- '*.py' | xargs black --check: which files those were, the log tells
    (
        re.compile(
            r"\bgit\s+diff\s+(?=[^|;&\n()`]{0,300}--name-only)[^|;&\n()`]{1,300}?\s--\s+"
            r"(?P<patterns>[^|;&\n()$`]{1,300}?)(?=\s*[|)])"
        ),
        r"git ls-files \g<patterns>",
    ),
    (
        re.compile(
            r"\bgit\s+diff\s+(?=[^|;&\n()`]{0,300}--name-only)[^|;&\n()`]{1,300}?\|\s*grep\s+(?:-E\s+)?"
            r"['\"]?(?:\.\*)?\\\.(?P<suffix>\w{1,10})\$['\"]?"
        ),
        r"git ls-files '*.\g<suffix>'",
    ),
    # shfmt -f . | xargs shfmt -d; shfmt -d $(shfmt -f .)
    (
        re.compile(
            rf"\bshfmt\s+(?:-f|--find)\s+(?P<where>[\w./-]+)\s*\|\s*{_XARGS}\s+(?P<command>shfmt\b[^|\n;&$`()]{{0,300}})"
        ),
        r"\g<command> \g<where>",
    ),
    (
        re.compile(
            r"(?P<command>\bshfmt\b[^|\n;&$`()\"]{0,300})\"?\$\(\s*shfmt\s+(?:-f|--find)\s+(?P<where>[\w./-]+)\s*\)\"?"
        ),
        r"\g<command>\g<where>",
    ),
    (
        re.compile(rf"\bshfmt\s+(?:-f|--find)\s+(?P<where>[\w./-]+)\s*\|\s*{_XARGS}\s+{_COMMAND}"),
        r"\g<command> $(git ls-files --under=\g<where> '*.sh' '*.bash' '*.bats' '*.ksh')",
    ),
    # find . -name '*.sh' -print0 | xargs -0 shellcheck
    (re.compile(rf"\b{_FOUND}\s*\|\s*{_XARGS}\s+{_COMMAND}"), _listing),
    # find . -name '*.sh' -exec shellcheck {} +
    (re.compile(rf"\b{_FOUND}\s+-exec\s+{_COMMAND}\s*(?:\\;|';'|\+)"), _listing),
    # shellcheck $(find . -name '*.sh')
    (re.compile(rf"(?P<command>)\$\(\s*{_FOUND}\s*\)"), lambda found: _listing(found).lstrip()),
    # git ls-files '*.sh' | xargs shellcheck
    (
        re.compile(
            rf"\bgit\s+ls-files\b(?P<patterns>(?:\s+(?:-z\s+|--\s+)?[^|\n;&$`()]{{1,300}}?)?)\s*\|\s*{_XARGS}\s+{_COMMAND}"
        ),
        lambda found: f"{found['command']} $(git ls-files {found['patterns'].strip() or '*'})",
    ),
    # for f in *.sh; do shellcheck "$f"; done
    (
        re.compile(
            r"\bfor\s+(?P<name>\w+)\s+in\s+(?P<list>[^;\n]{1,700}?)\s*[;\n]\s*do\s+(?P<command>[^;\n$|&]{1,300}?)\s+"
            r"\"?\$\{?(?P=name)\}?\"?(?:\s*\|\|[^;\n]{1,100})?\s*[;\n]\s*done\b"
        ),
        r"\g<command> \g<list>",
    ),
    # if ! black --check .; then echo "run black"; exit 1; fi
    (re.compile(rf"\bif\s+!\s+(?P<command>[^;\n]{{1,500}}?){_UNTIL_FI}", re.DOTALL), r"\g<command>"),
    # if [ -n "$(gofmt -l .)" ]; then … exit 1; fi
    (
        re.compile(
            rf"\bif\s+(?:\[\[?|test)\s+(?:-n\s+|!\s+-z\s+)?{_ASKED}{_NOTHING}(?:\s*\]\]?)?{_UNTIL_FI}",
            re.DOTALL,
        ),
        r"\g<command>",
    ),
    # out=$(gofmt -l .); if [ -n "$out" ]; then … exit 1; fi
    (
        re.compile(
            rf"\b(?P<name>\w+)={_ASKED}\s*(?:;|\n)\s*if\s+(?:\[\[?|test)\s+(?:-n\s+|!\s+-z\s+)?"
            rf"\"?\$\{{?(?P=name)\}}?\"?{_NOTHING}(?:\s*\]\]?)?{_UNTIL_FI}",
            re.DOTALL,
        ),
        r"\g<command>",
    ),
    # diff=$(gofmt -d .); [ -z "$diff" ]
    (
        re.compile(
            rf"\b(?P<name>\w+)={_ASKED}\s*(?:;|\n|&&)\s*(?:\[\[?|\btest)\s+-z\s+\"?\$\{{?(?P=name)\}}?\"?(?:\s*\]\]?)?"
        ),
        r"\g<command>",
    ),
    # test -z "$(gofmt -l .)"; [ $(gofmt -l . | wc -l) -eq 0 ]
    (re.compile(rf"(?:\[\[?|\btest)\s+(?:-z|!\s+-n)\s+{_ASKED}(?:\s*\]\]?)?"), r"\g<command>"),
    (re.compile(rf"(?:\[\[?|\btest)\s+{_ASKED}\s+(?:-eq|==?)\s+0(?:\s*\]\]?)?"), r"\g<command>"),
    # diff -u <(echo -n) <(gofmt -d .)
    (
        re.compile(r"\bdiff(?:\s+-\w+)?\s+<\(\s*echo\s+-n\s*\)\s+<\(\s*(?P<command>[^()$`\n]{1,500}?)\s*\)"),
        r"\g<command>",
    ),
    # ruff check . 2>&1 | tee report.txt
    (
        re.compile(
            r"(?:\s+2>&1)?\s*\|&?\s*(?:tee|cat|reviewdog|head|tail|sort|wc|grep\s+\.)(?=\s|$)[^|&;\n]{0,300}"
        ),
        "",
    ),
    # (cd web && npm run lint)
    (re.compile(r"\A\s*\(([^()]{1,2000})\)\s*\Z"), r"\1"),
)


def plain(text: str) -> str:
    """`text` with such idioms replaced by the command in them; else as it is."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
