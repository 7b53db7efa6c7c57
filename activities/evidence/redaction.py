"""Secrets out of text, before it leaves the process that read it."""

import re
from typing import Final, NamedTuple

from activities.evidence.log_lines import strip_unseen
from activities.needles import Haystack


class _Secret(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    certain: bool = True
    """The form alone proves a secret; else it is only removed, never a reason to refuse a publication."""


def _form(kind: str, pattern: str, *, certain: bool = True) -> _Secret:
    return _Secret(kind, re.compile(pattern), certain)


# Every quantifier that can fail after matching is bounded, or starts at a boundary, so that time stays linear
# in the text: an unbounded one took minutes on a megabyte. Where there is a group `secret`, only that goes.
_JWT_START: Final = r"(?:(?<![A-Za-z0-9_\-])|(?<=\\[nrt]))"
_BREAK: Final = r"(?:\s|\\[nrt]|[\"',+]){0,40}"
"""Between the lines of a key, as a file, a JSON string or a source text breaks them."""
_SECRETS: Final = (
    _form(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:{_BREAK}(?:[A-Za-z0-9+/=]{{20,200}}|(?:Proc-Type|DEK-Info|Version|Comment): .{{0,99}}))"
        rf"{{0,400}}(?:{_BREAK}[A-Za-z0-9+/=]{{0,200}}{_BREAK}-----END [A-Z0-9 ]{{0,40}}-----)?",
    ),
    _form(
        "key-material",
        r"(?m)^[ \t]{0,8}[A-Za-z0-9+/]{60,76}\n(?:[ \t]{0,8}[A-Za-z0-9+/]{60,76}\n)+",
        certain=False,
    ),
    _form("github-token", r"gh[pousr]_[A-Za-z0-9._\-]{20,}"),
    _form("github-token", r"github_pat_[A-Za-z0-9_]{20,}"),
    _form("gitlab-token", r"gl(?:pat|ptt|cbt|dt|rt|ft|soat|imt|agent)-[A-Za-z0-9._\-]{20,}"),
    _form("aws-key-id", r"(?:AKIA|ASIA|AGPA|AROA)[A-Z2-7]{16}(?![A-Z0-9])"),
    _form("slack-token", r"xox[abeoprs]-[A-Za-z0-9\-]{10,}|xapp-\d-[A-Za-z0-9\-]{10,}"),
    _form(
        "webhook-url",
        r"https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/[A-Za-z0-9/_\-]{10,}",
    ),
    _form("anthropic-key", r"sk-ant-[A-Za-z0-9_\-]{20,}"),
    _form("openai-key", r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_\-]{32,}"),
    _form("google-key", r"AIza[A-Za-z0-9_\-]{35}"),
    _form("google-token", r"ya29\.[A-Za-z0-9_\-]{20,}"),
    _form("stripe-key", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}"),
    _form("npm-token", r"npm_[A-Za-z0-9]{30,}"),
    _form("pypi-token", r"pypi-[A-Za-z0-9_\-]{40,}"),
    _form("docker-token", r"dck(?:r_pat|r_oat)_[A-Za-z0-9_\-]{20,}"),
    _form("hugging-face-token", r"hf_[A-Za-z0-9]{30,}"),
    _form("sendgrid-key", r"SG\.[A-Za-z0-9_\-]{16,40}\.[A-Za-z0-9_\-]{16,}"),
    _form("azure-key", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{40,}={0,2})"),
    _form(
        "jwt",
        _JWT_START + r"eyJ[A-Za-z0-9_\-]{10,4096}\.eyJ[A-Za-z0-9_\-]{2,16384}(?:\.[A-Za-z0-9_\-]{0,4096})?",
    ),
    _form(
        "authorization",
        r"(?i)authorization[\"'\\]{0,3}\s{0,3}[:=]\s{0,3}[\"'\\]{0,3}(?:basic|bearer|token|digest|negotiate)?\s{0,3}"
        r"(?P<secret>(?!\*{3}|\$|<|\{|«)[A-Za-z0-9+/=._~\-]{8,})",
    ),
    _form(
        "url-credentials",
        r"[a-z]://(?P<secret>[^/\s:@\"'«]{0,256}:(?!\*{2,}@|\$|<|\{)[^/\s@\"'«]{3,256})@",
        certain=False,
    ),
    _form(
        "assigned-secret",
        r"(?i)(?:passw(?:or)?d|passphrase|secret|token|api[_\-]?key|access[_\-]?key|account[_\-]?key|credential)s?"
        r"[a-z0-9_]{0,20}[\"'\\]{0,3}\s{0,3}(?:=>|:=|=|:)\s{0,3}[\"'\\]{0,3}"
        r"(?P<secret>(?=[^\s\"',;]{0,64}\d)(?=[^\s\"',;]{0,64}[A-Za-z])[A-Za-z0-9+/=._~!@#%^&*\-]{8,})",
        certain=False,
    ),
    _form(
        "assigned-secret",
        r"(?i)(?:passw(?:or)?d|passphrase)[\"'\\]{0,3}\s{0,3}(?:=>|:=|=)\s{0,3}[\"'\\]{0,3}"
        r"(?P<secret>(?!\*{3}|\$|<|\{|«|none\b|null\b|true\b|false\b)[A-Za-z0-9+/=._~!@#%^&*\-]{4,}(?![(\w]))",
        certain=False,
    ),
)

_HAYSTACK: Final = Haystack([[secret.pattern] for secret in _SECRETS])


def redact(text: str) -> str:
    """`text` with every secret replaced by `«redacted:kind»`, and without unseen characters.

    Escape sequences and invisible characters are dropped first, so that they cannot split a secret. Line
    breaks are kept, also those inside a key block, so that lines can still be counted. Linear in the text;
    redacting twice changes nothing more.
    """
    text = strip_unseen(text)
    for secret in _possible(text):
        text = secret.pattern.sub(lambda found, kind=secret.kind: _replacement(found, kind), text)  # type: ignore[misc]
    return text


def contains_secret(text: str) -> bool:
    """Whether `text` holds something whose form alone proves a secret: a reason not to publish it."""
    text = strip_unseen(text)
    return any(secret.certain and secret.pattern.search(text) for secret in _possible(text))


def _possible(text: str) -> list[_Secret]:
    return [_SECRETS[place] for place in _HAYSTACK.candidates(text)]


def _replacement(found: re.Match[str], kind: str) -> str:
    mark = f"«redacted:{kind}»"
    if "secret" in found.re.groupindex:
        start, end = found.span("secret")
        whole = found.start()
        return found[0][: start - whole] + mark + found[0][end - whole :]
    return mark + "\n" * found[0].count("\n")
