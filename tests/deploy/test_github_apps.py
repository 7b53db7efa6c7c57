"""The manifests of the two Apps ask for what the code uses, no less and no more."""

import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest

from activities.adapters import github, permissions
from localhub import stage
from starter import events

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "install-github-app.md"
MANIFESTS: Final = {
    "deploy/github-app-manifest.json": permissions.PUBLISHER,
    "deploy/github-reader-app-manifest.json": permissions.READER,
}


def manifest(name: str) -> dict[str, Any]:
    content = json.loads((ROOT / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def used() -> dict[str, str]:
    """The highest level at which `activities.adapters.github` asks for each permission."""
    highest: dict[str, str] = {}
    for name, value in vars(github).items():
        if re.fullmatch(r"_[A-Z]+_(READ|WRITE)", name):
            for permission, level in value.items():
                known = highest.get(permission, "none")
                highest[permission] = max(known, level, key=permissions.LEVELS.index)
    return highest


def links() -> list[dict[str, list[str]]]:
    """The query of each link on the page that opens the form for a new App."""
    found = re.findall(r"https://github\.com/\S*settings/apps/new\?\S+", PAGE.read_text(encoding="utf-8"))
    queries = []
    for link in found:
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(link).query):
            query.setdefault(name, []).append(value)
        queries.append(query)
    return queries


@pytest.mark.parametrize(("name", "asked"), MANIFESTS.items())
def test_a_manifest_asks_for_the_permissions_that_the_code_names(name: str, asked: dict[str, str]) -> None:
    assert manifest(name)["default_permissions"] == asked


def test_the_code_names_every_permission_that_it_uses() -> None:
    granted = {**permissions.PUBLISHER, **permissions.OPTIONAL}
    assert permissions.missing(used(), granted) == {}
    # the event of a comment needs it, no request does
    assert permissions.missing(granted, {**used(), "issues": "read"}) == {}


def test_the_demo_s_apps_are_the_ones_that_people_make() -> None:
    assert {**permissions.PUBLISHER, **permissions.OPTIONAL} == stage._PUBLISHER_MAY
    assert permissions.READER == stage._READER_MAY
    assert set(permissions.EVENTS) == set(stage._HOOK_EVENTS)


def test_the_reader_may_write_nothing() -> None:
    assert set(permissions.READER.values()) == {"read"}


def test_the_publisher_is_sent_the_events_that_the_service_reads_and_the_reader_none() -> None:
    publisher, reader = (manifest(name) for name in MANIFESTS)
    assert set(publisher["default_events"]) == set(permissions.EVENTS) == set(events._SHAPES) - {events.PING}
    assert publisher["hook_attributes"]["active"] is True
    assert reader["default_events"] == []
    assert reader["hook_attributes"]["active"] is False


def test_nobody_else_can_install_the_apps() -> None:
    assert [manifest(name)["public"] for name in MANIFESTS] == [False, False]


@pytest.mark.parametrize("index", [0, 1])
def test_the_page_s_links_fill_the_form_in_as_the_manifests_do(index: int) -> None:
    query, wanted = links()[index], manifest(list(MANIFESTS)[index])
    known = {*permissions.PUBLISHER, *permissions.READER}
    assert {name: values[0] for name, values in query.items() if name in known} == wanted[
        "default_permissions"
    ]
    assert query.get("events[]", []) == wanted["default_events"]
    assert query["name"] == [wanted["name"]]
    assert query["public"] == ["false"]
    assert (query["webhook_active"] == ["true"]) is wanted["hook_attributes"]["active"]


def test_the_readme_names_the_same_permissions() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## On a real repository") : text.index("## Orders")]
    for name in {*permissions.PUBLISHER, *permissions.OPTIONAL}:
        assert name.replace("_", " ") in section, name
