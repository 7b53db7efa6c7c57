"""Ways a shell text says "this command must find nothing", rewritten to the plain command."""

import re
from typing import Final

_FAILS: Final = r"(?:exit\s+[1-9]\d*|return\s+[1-9]\d*|false)"
_ASKED: Final = r"\$\(\s*(?P<{0}>[^()$`\n]{{1,500}}?)\s*\)"

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # if ! black --check .; then echo "run black"; exit 1; fi
    (
        re.compile(
            r"\bif\s+!\s+(?P<command>[^;\n]{1,500}?)\s*(?:;|\n)\s*then\b"
            rf"(?:(?!\bif\b|\bfi\b).){{0,2000}}?\b{_FAILS}\b(?:(?!\bif\b|\bfi\b).){{0,500}}?\bfi\b",
            re.DOTALL,
        ),
        r"\g<command>",
    ),
    # if [ -n "$(gofmt -l .)" ]; then … exit 1; fi
    (
        re.compile(
            rf"\bif\s+(?:\[\[?|test)\s+(?:-n\s+)?\"?{_ASKED.format('command')}\"?"
            r"(?:\s+!=\s+(?:\"\"|''))?(?:\s*\]\]?)?\s*(?:;|\n)\s*then\b"
            rf"(?:(?!\bif\b|\bfi\b).){{0,2000}}?\b{_FAILS}\b(?:(?!\bif\b|\bfi\b).){{0,500}}?\bfi\b",
            re.DOTALL,
        ),
        r"\g<command>",
    ),
    # test -z "$(gofmt -l .)"
    (
        re.compile(rf"(?:\[\[?|\btest)\s+(?:-z|!\s+-n)\s+\"?{_ASKED.format('command')}\"?(?:\s*\]\]?)?"),
        r"\g<command>",
    ),
    # diff -u <(echo -n) <(gofmt -d .)
    (
        re.compile(r"\bdiff(?:\s+-\w+)?\s+<\(\s*echo\s+-n\s*\)\s+<\(\s*(?P<command>[^()$`\n]{1,500}?)\s*\)"),
        r"\g<command>",
    ),
    # git ls-files '*.sh' | xargs shellcheck
    (
        re.compile(
            r"\bgit\s+ls-files\s+(?P<patterns>(?:-z\s+|--\s+)?[^|\n;&$`()]{1,300}?)\s*\|\s*xargs"
            r"(?:\s+(?:-0|-r|--null|--no-run-if-empty|-n\s*\d+|-P\s*\d+|--))*\s+(?P<command>[^|\n;&$`()]{1,300})"
        ),
        r"\g<command> $(git ls-files \g<patterns>)",
    ),
    # find . -name '*.sh' -print0 | xargs -0 shellcheck
    (
        re.compile(
            r"\bfind\s+(?P<folder>[\w./-]{1,100})(?:\s+-type\s+f)?\s+-i?name\s+(?P<pattern>['\"]?[\w.*?-]{1,80}['\"]?)"
            r"(?:\s+-type\s+f)?(?:\s+-print0?)?\s*\|\s*xargs(?:\s+(?:-0|-r|-n\s*\d+|-P\s*\d+|--))*\s+"
            r"(?P<command>[^|\n;&$`()]{1,300})"
        ),
        r"\g<command> $(git ls-files --under=\g<folder> \g<pattern>)",
    ),
)


def plain(text: str) -> str:
    """`text` with such idioms replaced by the command in them; else as it is."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
