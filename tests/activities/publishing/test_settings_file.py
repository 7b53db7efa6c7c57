import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from activities.publishing.settings_file import read_settings
from workflows import settings_schema
from workflows.repository_settings import MAX_BYTES, CommentStyle, Permission, RepositorySettings

ROOT: Final = Path(__file__).parents[3]


def problem(text: str | bytes) -> str:
    return read_settings(text.encode() if isinstance(text, str) else text).problem


def example() -> str:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("content", [None, b"", b"# nothing yet\n", b"---\n"])
def test_without_a_word_the_defaults_hold(content: bytes | None) -> None:
    assert read_settings(content).settings == RepositorySettings()
    assert read_settings(content).problem == ""


def test_the_documented_file_is_the_defaults() -> None:
    reading = read_settings(example().encode())
    assert (reading.problem, reading.settings) == ("", RepositorySettings())


def test_every_setting_can_be_given() -> None:
    reading = read_settings(b"""\
enabled: false
workflows: {include: CI, exclude: [nightly.yml]}
branches:
  exclude: release/*
commands: {permission: admin, logins: [grace]}
protected_paths: [billing/**]
repairs: {recipes: ruff-*, model: false}
budgets: {attempts: 1, usd: 0.5, pull_requests_per_day: 4}
publication: {draft: false, auto_merge: true, labels: ci, reviewers: [ada], comment: brief}
""")
    settings = reading.settings
    assert reading.problem == ""
    assert not settings.enabled
    assert settings.workflows.include == ("CI",)
    assert settings.branches.exclude == ("release/*",)
    assert (settings.commands.permission, settings.commands.logins) == (Permission.ADMIN, ("grace",))
    assert (settings.repairs.recipes, settings.repairs.model) == (("ruff-*",), False)
    assert (settings.budgets.attempts, settings.budgets.usd) == (1, 0.5)
    assert settings.publication.comment is CommentStyle.BRIEF
    assert settings.publication.auto_merge


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("enabled: perhaps\n", "Line 1: enabled: input should be a valid boolean"),
        ("enabled: true\n\nbudget: 3\n", "Line 3: there is no setting budget"),
        ("budgets:\n  attempts: 4\n", "Line 2: budgets.attempts: input should be less than or equal to 3"),
        ("budgets: 3\n", "Line 1: budgets takes settings of its own"),
        (
            "publication:\n  labels: ci\n  auto_merge: true\n",
            "Line 3: publication.auto_merge: it takes draft: false, for GitHub merges no draft.",
        ),
        ("publication:\n  auto_merge: true\n  draft: true\n", "Line 2: publication.auto_merge: it takes"),
        ("- enabled\n", "Line 1: the file takes settings of its own"),
        ("publication:\n  labels:\n    - ci\n    - ''\n", "Line 4: publication.labels.1"),
        ("publication:\n  reviewers: ['@ada']\n", "Line 2: publication.reviewers.0"),
        ("enabled: true\nenabled: false\n", "Line 2: found duplicate key"),
        ("branches:\n  include: [main\n", "Line 3: "),
        ("a: !!python/object/apply:os.system [id]\n", "there is no setting a"),
        (b"enabled: \xff", "not UTF-8"),
        ("#" * (MAX_BYTES + 1), "longer than"),
        ("enabled: &a [*a]\n", "Line 1: "),
        ("publication:\n  labels: 3\n", "Line 2: publication.labels: input should be a valid list"),
        ("\n".join(f"a{number}: 1" for number in range(9)), "And 6 more."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, said: str) -> None:
    assert said in problem(text)
    assert read_settings(text.encode() if isinstance(text, str) else text).settings == RepositorySettings()


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_reading(content: bytes) -> None:
    assert read_settings(content).settings


keys = st.sampled_from(["enabled", "workflows", "include", "budgets", "usd", "labels"])
documents = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(keys, each),
    max_leaves=8,
)


@given(documents)
def test_any_document_gives_a_reading(document: Any) -> None:
    assert read_settings(json.dumps(document).encode()).settings


# ── the schema for editors ──────────────────────────────────────────────────────────────────────────────────


def test_the_published_schema_is_that_of_the_code() -> None:
    published = (ROOT / "docs" / "regreen.schema.json").read_text(encoding="utf-8")
    assert published == settings_schema.text(), (
        "run: python -m workflows.settings_schema > docs/regreen.schema.json"
    )


def test_the_schema_takes_the_documented_file() -> None:
    jsonschema.Draft202012Validator.check_schema(settings_schema.schema())
    jsonschema.Draft202012Validator(settings_schema.schema()).validate(YAML(typ="safe").load(example()))


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        ({"protected_paths": "billing/**"}, True),
        ({"publication": {"labels": "ci", "reviewers": ["ada"]}}, True),
        ({"budget": 3}, False),
        ({"budgets": {"attempts": 4}}, False),
        ({"publication": {"comment": "loud"}}, False),
        ({"publication": {"auto_merge": True}}, False),
        ({"publication": {"auto_merge": True, "draft": True}}, False),
        ({"publication": {"auto_merge": True, "draft": False}}, True),
        ({"publication": {"auto_merge": False}}, True),
    ],
)
def test_the_schema_and_the_product_agree(document: dict[str, Any], valid: bool) -> None:  # noqa: FBT001
    assert jsonschema.Draft202012Validator(settings_schema.schema()).is_valid(document) is valid
    assert (problem(json.dumps(document)) == "") is valid
