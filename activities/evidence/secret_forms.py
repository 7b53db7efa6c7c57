"""What secrets look like: one row per form. Data only; `redaction` applies it.

Prefixes and lengths are as their issuers document them, widened where that costs nothing: of a token that is
cut short the end would be left. Every pattern is RE2's, so none can take long on any text.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple


class SecretForm(NamedTuple):
    """One form of secret."""

    kind: str
    """What stands in its place."""
    pattern: str
    """In RE2's syntax. Where it has a group `secret`, only that goes."""
    certain: bool = True
    """The form alone proves a secret; else it is only removed, never a reason to refuse a publication."""
    accept: Callable[[str], bool] | None = None
    """Tells, of what the pattern found, whether it is one."""


def _token(kind: str, start: str, rest: str) -> SecretForm:
    """A token that its first characters give away, where no word goes on before it."""
    return SecretForm(kind, rf"(?:^|[^A-Za-z0-9_])(?P<secret>(?:{start}){rest})")


def _word(kind: str, pattern: str) -> SecretForm:
    """A token without a telling beginning: whole, between what belongs to no word."""
    return SecretForm(kind, rf"(?:^|[^A-Za-z0-9_\-.])(?P<secret>{pattern})(?:[^A-Za-z0-9_\-]|$)")


_SHAPELESS: Final = re.compile(r"[0-9]+|[a-z_]+\d{0,3}|[A-Z_]+\d{0,3}|[A-Za-z]+|v?\d+(?:[._-]\w+)*")
"""Values no one would choose for a secret, and names of variables."""
_CODE: Final = re.compile(
    r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+|[A-Za-z_]\w*::.*|.*\$\{?\w+.*|.*\{\{.*|%\w+%|.*<.*>.*"
)
_PLACEHOLDER: Final = re.compile(
    r"[*x.•#-]{3,}|\**|/.*"
    r"|(?:your|my|some|the|a|an|example|dummy|fake|test|changeme|redacted|secret|password|none|null|nil|true|false"
    r"|undefined|string|str|optional|bool|int|bytes)(?:[_ -].*)?",
    re.IGNORECASE,
)


def _mixed(value: str) -> bool:
    """Whether a value after `password=` and its like reads as a secret and not as code or a placeholder."""
    has_digit = any(character.isdigit() for character in value)
    has_letter = any(character.isalpha() for character in value)
    plain = _SHAPELESS.fullmatch(value) or _CODE.fullmatch(value) or _PLACEHOLDER.fullmatch(value)
    return has_digit and has_letter and not plain


def _chosen(value: str) -> bool:
    """Whether a value in a place that only a password can have is one."""
    return not (_CODE.fullmatch(value) or _PLACEHOLDER.fullmatch(value))


_LETTERS_OF_A_RANDOM_LINE: Final = 20


def _base64(value: str) -> bool:
    """Whether base64 letters are of all kinds: a hash in hexadecimal or a long name is not."""
    return all(
        any(kind(character) for character in value) for kind in (str.isupper, str.islower, str.isdigit)
    )


def _base64_line(value: str) -> bool:
    """Whether a line by itself is random."""
    return _base64(value) and len(set(value)) > _LETTERS_OF_A_RANDOM_LINE


_B64: Final = "A-Za-z0-9+/"
_NAME_OF_ONE: Final = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_\-]?key|access[_\-]?key|account[_\-]?key|signing[_\-]?key"
    r"|encryption[_\-]?key|auth[_\-]?key|client[_\-]?key[_\-]?data|private[_\-]?key|shared[_\-]?access[_\-]?key"
    r"|credential|authtoken|_auth)s?"
)
_SET: Final = r"[\"']{0,2}[ \t]{0,3}(?:=>|:=|=|:)[ \t]{0,3}"
_ASSIGNED: Final = _SET + r"[\"'`]{0,2}"
_VALUE: Final = r"[A-Za-z0-9+/=._~!@#%^&*$?\-]"

FORMS: Final = (
    # ── keys and certificates ───────────────────────────────────────────────────────────────────────────
    SecretForm(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:[\s\"',+\\]*(?:[{_B64}=]{{16,}}|(?:Proc-Type|DEK-Info|Version|Comment): ?[^\n\"]*))*"
        rf"(?:[\s\"',+\\]*[{_B64}=]*[\s\"',+\\]*-----END [A-Z0-9 ]{{0,40}}-----)?",
    ),
    SecretForm(
        "key-material",
        rf"(?m)^[ \t]*(?P<secret>[{_B64}]{{60,76}}\n(?:[ \t]*[{_B64}]{{60,76}}\n)+"
        rf"(?:[ \t]*[{_B64}]+={{0,2}}$)?)",
        certain=False,
        accept=_base64,
    ),
    SecretForm(
        "key-material",
        rf"(?m)^[ \t]*(?P<secret>[{_B64}]{{64}}|[{_B64}]{{70}}|[{_B64}]{{76}})$",
        certain=False,
        accept=_base64_line,
    ),
    _token("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
    SecretForm("wireguard-key", rf"(?i)(?:private|preshared)key\s*=\s*(?P<secret>[{_B64}]{{43}}=)"),
    SecretForm(
        "password-hash", r"(?P<secret>\$(?:2[abxy]\$\d\d|apr1|[156y])\$[A-Za-z0-9./$]{20,})", certain=False
    ),
    # ── code hosts ──────────────────────────────────────────────────────────────────────────────────────
    SecretForm("github-token", r"gh[pousr]_[A-Za-z0-9._\-]{20,}"),
    SecretForm("github-token", r"github_pat_[A-Za-z0-9_]{20,}"),
    SecretForm(
        "gitlab-token", r"gl(?:pat|ptt|cbt|dt|rt|rtr|ft|ffct|soat|oas|imt|agent|wt)-[A-Za-z0-9._\-]{20,}"
    ),
    _token("gitlab-token", "GR1348941", r"[A-Za-z0-9_\-]{20,}"),
    _token("atlassian-token", "ATATT3|ATCTT3|ATBB|ATSTT3", r"[A-Za-z0-9_\-=]{20,}"),
    _token("sourcegraph-token", "sgp_|slk_", r"[A-Za-z0-9_]{40,}"),
    # ── clouds ──────────────────────────────────────────────────────────────────────────────────────────
    _word("aws-key-id", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"),
    _token("aws-session-token", "FwoGZXIvYXdz|IQoJb3JpZ2lu", rf"[{_B64}=]{{60,}}"),
    _token("aws-bedrock-key", "ABSK", rf"[{_B64}]{{80,}}={{0,2}}"),
    SecretForm("azure-key", rf"(?i)(?:accountkey|sharedaccesskey)\s*=\s*(?P<secret>[{_B64}]{{40,}}={{0,2}})"),
    SecretForm("azure-signature", r"(?i)[?&;]sig=(?P<secret>[A-Za-z0-9%+/]{30,}(?:%3d|=){0,2})"),
    SecretForm(
        "azure-secret", r"(?:^|[^A-Za-z0-9_~.\-])(?P<secret>[A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,34})"
    ),
    SecretForm("azure-devops-token", r"(?P<secret>[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{10,}AZDO[A-Za-z0-9]{4})"),
    _token("google-key", "AIza", r"[A-Za-z0-9_\-]{35,}"),
    _token("google-token", r"ya29\.|GOCSPX-|1//0", r"[A-Za-z0-9_\-]{20,}"),
    _token("digitalocean-token", "do[opr]_v1_", r"[a-f0-9]{40,}"),
    _token("alibaba-key-id", "LTAI", r"[A-Za-z0-9]{16,24}"),
    _token("heroku-key", "HRKU-", r"[A-Za-z0-9_\-]{30,}"),
    _token("cloudflare-key", r"v1\.0-[a-f0-9]{24}-", r"[a-f0-9]{100,}"),
    _token("fly-token", "fo1_|fm1[ar]_|fm2_|FlyV1 fm2_", rf"[{_B64}=_,\-]{{30,}}"),
    _token("netlify-token", "nfp_", r"[A-Za-z0-9]{30,}"),
    _token("supabase-token", "sbp_|sb_secret_", r"[A-Za-z0-9_\-]{20,}"),
    _token("planetscale-token", "pscale_(?:tkn|pw|oauth)_", r"[A-Za-z0-9_.\-]{30,}"),
    # ── packages and images ─────────────────────────────────────────────────────────────────────────────
    _token("npm-token", "npm_", r"[A-Za-z0-9]{30,}"),
    SecretForm("npm-token", r":_(?:authToken|auth|password)\s*=\s*\"?(?P<secret>[A-Za-z0-9+/=_\-]{12,})"),
    _token("pypi-token", "pypi-", r"[A-Za-z0-9_\-]{40,}"),
    _token("rubygems-key", "rubygems_", r"[a-f0-9]{40,}"),
    _token("crates-token", "cio", r"[A-Za-z0-9]{32}"),
    _token("nuget-key", "oy2", r"[a-z0-9]{43}"),
    _token("artifactory-key", "AKCp|cmVmdGtu", r"[A-Za-z0-9]{50,}"),
    _token("docker-token", "dckr_(?:pat|oat)_", r"[A-Za-z0-9_\-]{20,}"),
    SecretForm("docker-auth", rf"\"auth\"\s*:\s*\"(?P<secret>[{_B64}]{{12,}}={{0,2}})\""),
    # ── models ──────────────────────────────────────────────────────────────────────────────────────────
    _token("anthropic-key", "sk-ant-", r"[A-Za-z0-9_\-]{20,}"),
    _token("openai-key", "sk-(?:proj-|svcacct-|admin-|None-)?", r"[A-Za-z0-9_\-]{32,}"),
    _token("hugging-face-token", "hf_|api_org_", r"[A-Za-z0-9]{30,}"),
    _token("replicate-token", "r8_", r"[A-Za-z0-9]{30,}"),
    _token("groq-key", "gsk_", r"[A-Za-z0-9]{40,}"),
    _token("xai-key", "xai-", r"[A-Za-z0-9]{60,}"),
    _token("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,}"),
    # ── infrastructure ──────────────────────────────────────────────────────────────────────────────────
    _token("vault-token", r"hv[sbr]\.", r"[A-Za-z0-9_\-]{24,}"),
    _word("terraform-token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=\-]{40,}"),
    _token("pulumi-token", "pul-", r"[a-f0-9]{40}"),
    _token("databricks-token", "dapi", r"[a-f0-9]{32}(?:-\d)?"),
    _token("doppler-token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.", r"[A-Za-z0-9._\-]{30,}"),
    _token("tailscale-key", "tskey-", r"[A-Za-z0-9\-]{20,}"),
    _token("1password-token", "ops_eyJ", r"[A-Za-z0-9_\-=]{40,}"),
    # ── watching and testing ────────────────────────────────────────────────────────────────────────────
    _token("sentry-token", "sntry[su]_", r"[A-Za-z0-9_=+/\-]{40,}"),
    _token("newrelic-key", "NRAK-|NRJS-|NRII-|NRSP-|NRAA-", r"[A-Za-z0-9_\-]{19,}"),
    _token("grafana-token", "glc_|glsa_|eyJrIjoi", r"[A-Za-z0-9+/=_\-]{30,}"),
    _token("posthog-key", "ph[xs]_", r"[A-Za-z0-9]{40,}"),
    _token("sonar-token", "sq[aup]_", r"[a-f0-9]{40}"),
    _token("circleci-token", "CCIPAT_|CCIPRJ_", r"[A-Za-z0-9_]{30,}"),
    _token("buildkite-token", "bk(?:ua|aa|ct|pt)_", r"[a-f0-9]{40}"),
    _token("postman-key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    # ── people and payments ─────────────────────────────────────────────────────────────────────────────
    _token("slack-token", r"xox[abceoprs](?:\.xox[bp])?-|xapp-\d-", r"[A-Za-z0-9.\-]{10,}"),
    SecretForm(
        "webhook-url",
        r"https?://(?:hooks\.slack\.com/(?:services|workflows|triggers)|(?:\w+\.)?discord(?:app)?\.com/api/webhooks"
        r"|[a-z0-9\-]+\.webhook\.office\.com/webhookb2)/[A-Za-z0-9/_\-@]{10,}",
    ),
    _word("discord-token", r"[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}"),
    _word("telegram-token", r"\d{8,10}:AA[A-Za-z0-9_\-]{33}"),
    _token("stripe-key", "[sr]k_(?:live|test)_|whsec_", r"[A-Za-z0-9+/=]{16,}"),
    _token("square-token", "sq0(?:atp|csp|idp)-|EAAAE", r"[A-Za-z0-9_\-]{22,}"),
    _token("shopify-token", "shp(?:at|ca|pa|ss)_", r"[a-fA-F0-9]{32,}"),
    _token("sendgrid-key", r"SG\.", r"[A-Za-z0-9_\-]{16,40}\.[A-Za-z0-9_\-]{16,}"),
    _word("mailgun-key", r"key-[a-f0-9]{32}"),
    _word("mailchimp-key", r"[a-f0-9]{32}-us\d{1,2}"),
    _word("twilio-key", r"SK[a-f0-9]{32}"),
    _token("linear-key", "lin_(?:api|oauth)_", r"[A-Za-z0-9]{32,}"),
    _token("notion-token", "ntn_", r"[A-Za-z0-9]{40,}"),
    _token("figma-token", "fig[dou]_", r"[A-Za-z0-9_\-]{40,}"),
    _token("dropbox-token", r"sl\.(?:u\.)?", r"[A-Za-z0-9_\-]{100,}"),
    _token("facebook-token", "EAA[A-Za-z0-9]{5}", r"[A-Za-z0-9]{60,}"),
    # ── anything that says it is one ────────────────────────────────────────────────────────────────────
    SecretForm(
        "jwt",
        r"(?:^|[^A-Za-z0-9_\-])(?P<secret>eyJ[A-Za-z0-9_\-]{10,}\.(?:eyJ[A-Za-z0-9_\-]{2,}|[A-Za-z0-9_\-]{60,})"
        r"(?:\.[A-Za-z0-9_\-]*){0,3})",
    ),
    SecretForm(
        "authorization",
        rf"(?i)authorization{_ASSIGNED}(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{{1,3}}"
        r"(?P<secret>[A-Za-z0-9+/=._~\-]{8,})",
        accept=_chosen,
    ),
    SecretForm(
        "authorization",
        rf"(?i)authorization{_ASSIGNED}(?P<secret>[A-Za-z0-9+/=._~\-]{{8,}})",
        accept=_mixed,
    ),
    SecretForm(
        "authorization",
        r"(?i)\bbearer\s{1,3}(?P<secret>[A-Za-z0-9+/=._~\-]{20,})",
        certain=False,
        accept=_mixed,
    ),
    SecretForm(
        "header",
        r"(?i)\b(?:x-[a-z-]{0,30}(?:key|token|secret)|private-token|api-key|x-auth)[\"']{0,2}\s{0,3}:"
        r"\s{0,3}[\"']{0,2}(?P<secret>[A-Za-z0-9+/=._~%\-]{8,})",
        certain=False,
        accept=_mixed,
    ),
    SecretForm(
        "cookie",
        r"(?i)\bcookie[\"']{0,2}:\s{0,3}[\"']{0,2}[A-Za-z0-9_.\-]{1,60}=(?P<secret>[A-Za-z0-9+/=._~%\-]{16,})",
        certain=False,
        accept=_mixed,
    ),
    SecretForm(
        "url-credentials",
        r"[a-z0-9]://(?P<secret>[^/\s:@\"'<>«]*:[^/\s@\"'<>«]{3,})@[A-Za-z0-9\[]",
        certain=False,
        accept=lambda found: _chosen(found.partition(":")[2]),
    ),
    SecretForm(
        "url-credentials",
        r"https?://(?P<secret>[A-Za-z0-9_\-]{20,})@[A-Za-z0-9\[]",
        certain=False,
        accept=_mixed,
    ),
    SecretForm(
        "assigned-secret",
        rf"(?i){_NAME_OF_ONE}[a-z0-9_\-]{{0,20}}{_ASSIGNED}(?P<secret>{_VALUE}{{8,}})",
        certain=False,
        accept=_mixed,
    ),
    SecretForm(
        "assigned-secret",
        rf"(?i)(?:passw(?:or)?d|passphrase|[?;&\s]pwd)(?:=|[\"']?:[ \t]{{0,3}})(?P<secret>{_VALUE}{{4,}})"
        r"(?:[\s\"'`,;)\]}]|$)",
        certain=False,
        accept=_chosen,
    ),
    SecretForm(
        "assigned-secret",
        rf"(?i)(?:passw(?:or)?d|passphrase){_SET}[\"'`](?P<secret>{_VALUE}{{6,}})[\"'`]",
        certain=False,
        accept=_chosen,
    ),
    SecretForm(
        "assigned-secret",
        rf"(?i)\s--?(?:password|passwd|pass|token|secret|api-key)[ =][\"']?(?P<secret>{_VALUE}{{6,}})",
        certain=False,
        accept=_mixed,
    ),
    SecretForm(
        "assigned-secret",
        rf"(?i)\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<secret>{_VALUE}{{4,}})",
        certain=False,
    ),
    SecretForm(
        "assigned-secret",
        rf"\b(?:curl|wget|http)\b[^\n]*\s(?:-u|--user)[ =][\"']?[A-Za-z0-9_.@\-]+:(?P<secret>{_VALUE}{{4,}})",
        certain=False,
        accept=_chosen,
    ),
)
"""Every known form. A text is searched for all of them; what several find goes as one."""
