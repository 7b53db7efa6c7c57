import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.evidence.redaction import WITHHELD, contains_secret, redact, remember
from processor_time import fastest

_KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(["MIIE" + "b" * 60] * 3)
    + "\n-----END RSA PRIVATE KEY-----"
)

CERTAIN = {
    "classic personal token": ("ghp_" + "a1B2" * 9, "github-token"),
    "installation token": ("ghs_" + "a1B2" * 9, "github-token"),
    "long installation token": (
        "ghs_eyJhbGciOiJIUzI1NiJ9." + "eyJpc3MiOiJ4In0." * 20 + "c2ln",
        "github-token",
    ),
    "fine-grained token": ("github_pat_" + "A1b2C3d4" * 8, "github-token"),
    "gitlab token": ("glpat-" + "a1B2c3D4e5" * 2, "gitlab-token"),
    "aws key id": ("AKIA" + "ABCDEFGH23456723", "aws-key-id"),
    "slack token": ("xoxb-1234567890-abcdefghij", "slack-token"),
    "slack webhook": ("https://hooks.slack.com/services/T00000000/B00000000/abcdefghijkl", "webhook-url"),
    "anthropic key": ("sk-ant-api03-" + "a1B2" * 10, "anthropic-key"),
    "openai key": ("sk-proj-" + "a1B2" * 10, "openai-key"),
    "google key": ("AIza" + "a1B2c3D" * 5, "google-key"),
    "stripe key": ("sk_live_" + "a1B2" * 6, "stripe-key"),
    "npm token": ("npm_" + "a1B2" * 9, "npm-token"),
    "pypi token": ("pypi-" + "AgEIcHlwaS5vcmc" * 4, "pypi-token"),
    "hugging face token": ("hf_" + "aB" * 17, "hugging-face-token"),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", "jwt"),
    "private key": (_KEY, "private-key"),
    "basic authorisation": ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "authorization"),
    "bearer authorisation": ('"authorization": "Bearer abcdef0123456789"', "authorization"),
    "storage key": ("AccountKey=" + "a1B2" * 12 + "==", "azure-key"),
}

LIKELY = {
    "url credentials": ("https://bob:hunter22@example.test/repo.git", "hunter22"),
    "password": ("DB_PASSWORD=hunter22", "hunter22"),
    "quoted token": ("api_token: 'a1b2c3d4e5f6'", "a1b2c3d4e5f6"),
    "json secret": ('{"client_secret": "s3cr3tvalue"}', "s3cr3tvalue"),
}

HARMLESS = [
    "error[E0308]: mismatched types",
    "Unexpected token: ',' at line 12",
    "id-token: write",
    "permissions: packages: write",
    "password: str | None = None",
    "def token(self, repository: str) -> str:",
    "Authorization: ***",
    "https://x-access-token:***@github.com/a/b",
    "TOKEN: ${{ secrets.GITHUB_TOKEN }}",
    "sk-learn 1.2.3, gh_pages, npm_config_cache",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
]


@pytest.mark.parametrize(("secret", "kind"), CERTAIN.values(), ids=CERTAIN)
def test_a_secret_of_known_form_is_replaced_by_its_kind(secret: str, kind: str) -> None:
    shown = redact(f"before {secret} after")

    assert f"«redacted:{kind}»" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert contains_secret(secret)
    assert not contains_secret(shown)


@pytest.mark.parametrize(("text", "value"), LIKELY.values(), ids=LIKELY)
def test_an_assigned_secret_is_removed_but_is_no_proof(text: str, value: str) -> None:
    assert value not in redact(text)
    assert not contains_secret(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
    assert not contains_secret(text)


@pytest.mark.parametrize(
    "disguise",
    [
        "ghp_\x1b[31m" + "a1B2" * 9,
        "gh\u200bp_" + "a1B2" * 9,
        '"token\\n=ghp_' + "a1B2" * 9 + '\\n"',
        "https://x-access-token:ghs_" + "a1B2" * 9 + "@github.com/a/b.git",
    ],
)
def test_a_split_or_embedded_token_counts(disguise: str) -> None:
    assert contains_secret(disguise)
    assert "a1B2a1B2" not in redact(disguise)


def test_a_jwt_behind_an_escaped_line_break_counts() -> None:
    assert contains_secret("\\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVm")


def test_lines_of_a_key_whose_header_is_cut_off_are_removed() -> None:
    body = "\n".join(["Ab1+" * 16] * 4) + "\nend"

    assert "Ab1+" not in redact(body)


def test_what_stands_beside_a_secret_stays_also_in_other_scripts() -> None:
    first, second = "ghp_" + "a1B2" * 9, "ghp_" + "c3D4" * 9

    shown = redact(f"… Schlüssel {first} für 東京 🗝 {second} ✗ größer …")

    assert shown == "… Schlüssel «redacted:github-token» für 東京 🗝 «redacted:github-token» ✗ größer …"


def test_line_breaks_survive_redaction() -> None:
    text = f"a\n{_KEY}\nb"

    assert redact(text).count("\n") == text.count("\n")
    assert redact(text).endswith("\nb")


@pytest.mark.parametrize(
    "part",
    [
        "eyJ",
        "ghp_",
        "AKIA",
        "https://a:",
        "https://aaaaaaaaaaaaaaaaaaaaaaaa",
        "-----BEGIN PRIVATE KEY-----",
        "password=",
        "password = '",
        "authorization: bearer ",
        "curl -u a:",
        "A" * 64 + "\n",
        "Ab1+" * 16 + "\n",
        "a" * 63,
        "\\n\\u0041\\/",
        "\\x1b[",
    ],
)
def test_the_time_for_near_misses_grows_with_the_text_only(part: str) -> None:
    def seconds(characters: int) -> float:
        text = part * (characters // len(part)) + "\nEND OF TEXT"
        assert "END OF TEXT" in redact(text)
        return fastest(lambda: redact(text))

    assert seconds(800_000) < 40 * max(seconds(100_000), 0.001)


def test_what_would_take_too_long_does_not_leave_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.evidence.redaction.SECONDS", -1.0)

    shown = redact("before ghp_" + "a1B2" * 9 + " after")

    assert shown == WITHHELD
    assert contains_secret("ghp_" + "a1B2" * 9)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.evidence.redaction._known", {})
    remember(["correct horse/battery", "-----BEGIN KEY-----\\nfirst line of it\\nsecond line of it", "ab"])


@pytest.mark.parametrize(
    "shown",
    [
        "said correct horse/battery aloud",
        "said \x1b[1mcorrect\x1b[0m horse/battery aloud",
        r"said correct horse\/battery aloud",
        r"said correct horse\u002fbattery aloud",
        "said correct%20horse%2Fbattery aloud",
        "said " + base64.b64encode(b"correct horse/battery").decode().rstrip("=") + " aloud",
        "said " + base64.b64encode(b"x-access-token:correct horse/battery").decode().rstrip("=") + " aloud",
        "said second line of it aloud",
    ],
)
def test_the_process_s_own_secrets_are_known_by_value(own: None, shown: str) -> None:
    assert redact(shown) == "said «redacted:known» aloud"
    assert contains_secret(shown)


def test_a_value_too_short_to_tell_is_left(own: None) -> None:
    assert redact("about that") == "about that"


@given(st.text(max_size=400))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)

    assert redact(once) == once
