"""Made-up secrets of every form that people's logs hold, put together here so that no scanner finds one.

A bar in a token's beginning is left out.
"""

import base64
import hashlib
import string
from typing import NamedTuple

_ALPHANUMERIC = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + "234567"


class Sample(NamedTuple):
    """A secret as a log would show it."""

    name: str
    line: str
    """With the secret in it."""
    secret: str
    """What must not be left."""


def _random(seed: str, length: int, letters: str = _ALPHANUMERIC) -> str:
    stream = b"".join(hashlib.sha256(f"{seed}{part}".encode()).digest() for part in range(length // 32 + 1))
    return "".join(letters[byte % len(letters)] for byte in stream[:length])


def _base64(seed: str, size: int) -> str:
    stream = b"".join(hashlib.sha256(f"{seed}{part}".encode()).digest() for part in range(size // 32 + 1))
    return base64.b64encode(stream[:size]).decode()


def _token(name: str, start: str, length: int, letters: str = _ALPHANUMERIC) -> Sample:
    secret = start.replace("|", "") + _random(name, length, letters)
    return Sample(name, f"error: cannot log in with {secret} today", secret)


def _line(name: str, before: str, secret: str, after: str = "") -> Sample:
    return Sample(name, f"error: {before}{secret}{after}", secret)


def _key(kind: str) -> Sample:
    body = [_base64(f"{kind}{number}", 48) for number in range(12)]
    head, foot = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    return Sample(kind.lower(), "error: " + "\n".join([head, *body, foot]), "\n".join(body))


def _jwt(seed: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    claims = base64.urlsafe_b64encode(b'{"sub":"%s","admin":true}' % seed.encode()).decode().rstrip("=")
    return f"{header}.{claims}.{_random(seed, 43)}"


_TOKENS = (
    ("github personal token", "ghp_", 36),
    ("github oauth token", "gho_", 36),
    ("github user token", "ghu_", 36),
    ("github installation token", "ghs_", 36),
    ("github refresh token", "ghr_", 76),
    ("github fine-grained token", "github_pat_", 82),
    ("gitlab personal token", "glpat-", 20),
    ("gitlab pipeline token", "glcbt-64_", 20),
    ("gitlab runner token", "glrt-", 20),
    ("gitlab deploy token", "gldt-", 20),
    ("atlassian token", "ATATT3xFfGF0", 180),
    ("bitbucket token", "ATBB", 32),
    ("google api key", "AIza", 35),
    ("google access token", "ya29.", 80),
    ("google client secret", "GOCSPX-", 28),
    ("netlify token", "nfp_", 36),
    ("planetscale token", "pscale_tkn_", 43),
    ("npm token", "npm_", 36),
    ("pypi token", "pypi-AgEIcHlwaS5vcmc", 150),
    ("crates token", "cio", 32),
    ("artifactory key", "AKCp", 69),
    ("docker hub token", "dckr_pat_", 27),
    ("anthropic key", "sk-ant-api03-", 95),
    ("openai key", "sk-", 48),
    ("openai project key", "sk-proj-", 120),
    ("hugging face token", "hf_", 34),
    ("replicate token", "r8_", 37),
    ("groq key", "gsk_", 52),
    ("vault token", "hvs.", 95),
    ("doppler token", "dp.pt.", 43),
    ("tailscale key", "tskey-auth-", 40),
    ("sentry token", "sntrys_", 120),
    ("grafana token", "glsa_", 41),
    ("posthog key", "phx_", 43),
    ("circleci token", "CCIPAT_", 50),
    ("slack bot token", "xoxb-2154-7721-", 24),
    ("slack app token", "xapp-1-A0B1-22-", 64),
    ("stripe live key", "sk_live_", 24),
    ("stripe restricted key", "rk_live_", 99),
    ("stripe webhook secret", "whsec_", 32),
    ("square token", "sq0atp-", 22),
    ("linear key", "lin_api_", 40),
    ("notion token", "ntn_", 46),
    ("figma token", "figd_", 43),
    ("facebook token", "EAACEdEo", 140),
)
_HEX_TOKENS = (
    ("digitalocean token", "dop_v1_", 64),
    ("supabase token", "sbp_", 40),
    ("rubygems key", "rubygems_", 48),
    ("pulumi token", "pul-", 40),
    ("databricks token", "dapi", 32),
    ("sonar token", "sqp_", 40),
    ("buildkite token", "bkua_", 40),
    ("shopify token", "shpat_", 32),
    ("mailgun key", "key-", 32),
    ("twilio key", "SK", 32),
)
_KEYS = ("RSA", "EC", "DSA", "OPENSSH", "ENCRYPTED")

SAMPLES = (
    *(_token(*row) for row in _TOKENS),
    *(_token(*row, letters=_HEX) for row in _HEX_TOKENS),
    *(_key(f"{kind} PRIVATE KEY") for kind in _KEYS),
    _key("PRIVATE KEY"),
    _key("PGP PRIVATE KEY BLOCK"),
    _token("long installation token", f"ghs_{_jwt('x')}.", 300),
    _token("aws key id", "AKIA", 16, _UPPER),
    _token("age key", "AGE-SECRET-KEY-1", 58, string.ascii_uppercase + string.digits),
    _token("newrelic key", "NRAK-", 27, string.ascii_uppercase + string.digits),
    _line("aws secret key", "aws_secret_access_key = ", _base64("aws", 30)),
    _line("aws session token", "AWS_SESSION_TOKEN=", "IQoJb3JpZ2lu" + _base64("session", 120)),
    _line("azure storage key", "AccountName=a;AccountKey=", _base64("azure", 64), ";EndpointSuffix=core"),
    _line("azure bus key", "SharedAccessKeyName=Root;SharedAccessKey=", _base64("bus", 32)),
    _line("azure client secret", "client secret ", _random("az", 3) + "8Q~" + _random("azure", 34)),
    _line("azure signature", "GET /c/b?sv=2024&sig=", _random("sig", 43) + "%3D", " failed"),
    _line("terraform token", "token ", _random("tf", 14) + ".atlasv1." + _random("terraform", 67)),
    _line("sendgrid key", "mail ", "SG." + _random("send", 22) + "." + _random("grid", 43)),
    _line("mailchimp key", "mail ", _random("chimp", 32, _HEX) + "-us21"),
    _line("postman key", "api ", "PMAK-" + _random("a", 24, _HEX) + "-" + _random("b", 34, _HEX)),
    _line("discord token", "bot ", "MT" + _random("d", 24) + "." + _random("e", 6) + "." + _random("f", 38)),
    _line("telegram token", "bot ", "123456789:" + "AA" + _random("telegram", 33)),
    _line(
        "slack webhook",
        "post https://hooks.slack.com/services/",
        "T02ABCDEF/B02ABCDEF/" + _random("hook", 24),
    ),
    _line(
        "discord webhook", "post https://discord.com/api/webhooks/", "1152921504606846976/" + _random("w", 68)
    ),
    _line("json web token", "got ", _jwt("someone")),
    _line("basic authorization", "> Authorization: Basic ", _base64("basic", 24)),
    _line("bearer authorization", "Authorization: Bearer ", _random("bearer", 40)),
    _line("header of a key", "X-Api-Key: ", _random("header", 32)),
    _line("gitlab header", "PRIVATE-TOKEN: ", _random("private", 20)),
    _line("session cookie", "Set-Cookie: session=", _random("cookie", 48), "; HttpOnly"),
    _line("password in an address", "cloning https://bob:", _random("url", 16), "@git.example.org/a/b"),
    _line("token in an address", "cloning https://", _random("token", 40), "@git.example.org/a/b"),
    _line("database address", "connect postgres://app:", _random("db", 20), "@db:5432/app"),
    _line("queue address", "connect amqps://app:", _random("mq", 20), "@mq/vhost"),
    _line("password of a connection", "Server=db;User Id=sa;Password=", _random("sql", 14), ";Encrypt=true"),
    _line("exported password", "export DB_PASSWORD=", _random("export", 18)),
    _line("quoted token", "api_token: '", _random("quoted", 24), "'"),
    _line("client secret in json", '{"client_secret": "', _random("json", 32), '"}'),
    _line("registry token", "//registry.example/:_authToken=", _random("npmrc", 36)),
    _line("docker login", "docker login -u bob --password ", _random("docker", 20)),
    _line("docker configuration", '{"auths": {"ghcr.io": {"auth": "', _base64("auth", 30), '"}}}'),
    _line("netrc", "machine api.example.org login bob password ", _random("netrc", 16)),
    _line("curl user", "curl -fsS -u bob:", _random("curl", 16), " https://example.org"),
    _line("cluster key", "client-key-data: ", _base64("kube", 300)),
    _line("wireguard key", "PrivateKey = ", _base64("wireguard", 32)),
    _line("password hash", "root:", "$6$" + _random("salt", 8) + "$" + _random("hash", 86), ":19000:0"),
)
"""Every form, each once."""
