"""The tables of docs/settings.md and `.env.example` hold every setting with its default."""

import re
from pathlib import Path
from typing import Final

import pytest
from pydantic_settings import BaseSettings

from starter.codec_server import CodecServerSettings
from starter.settings import StarterSettings
from starter.settings_tables import EXAMPLE, PAGE, SETTINGS, example, page
from worker import WorkerSettings
from workflows.configuration import load, variable
from workflows.connection import PayloadSettings

REQUIRED: Final = {
    WorkerSettings: {"REGREEN_PUBLISHER_TOKEN": "a-token"},
    StarterSettings: {"REGREEN_WEBHOOK_SECRET": "a-secret"},
    PayloadSettings: {},
    CodecServerSettings: {"REGREEN_CODEC_TOKEN": "a-token"},
}
"""Without these the settings cannot be read at all."""

ROW: Final = re.compile(
    r"^\| `((?:REGREEN|ANTHROPIC)_\w+)` \| (none|required|`[^`]*`) \| (.+) \|$", re.MULTILINE
)
LINE: Final = re.compile(r"^# ((?:REGREEN|ANTHROPIC)_\w+)=(.*)$", re.MULTILINE)


def variables(settings: type[BaseSettings]) -> list[str]:
    return [variable(settings, field) for field in settings.model_fields]


def tables() -> dict[str, tuple[str, str]]:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {found: (default, meaning) for found, default, meaning in rows}


def examples() -> dict[str, str]:
    return dict(LINE.findall(EXAMPLE.read_text(encoding="utf-8")))


def loaded(
    settings: type[BaseSettings],
    given: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    empty_folder: Path,
) -> BaseSettings:
    monkeypatch.chdir(empty_folder)
    for each in SETTINGS:
        for found in variables(each):
            monkeypatch.delenv(found, raising=False)
    for found, value in (given | REQUIRED[settings]).items():
        monkeypatch.setenv(found, value)
    return load(settings, secrets_directory=empty_folder)


def test_the_tables_are_those_of_the_settings() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "`make settings` writes them anew"
    assert tables().keys() == {found for settings in SETTINGS for found in variables(settings)}


def test_the_example_file_is_that_of_the_settings() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example(), "`make settings` writes it anew"


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_says_what_it_is_for(settings: type[BaseSettings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_tables_give_every_default(
    settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = {found: default.strip("`") for found, (default, _) in tables().items() if "`" in default}
    assert loaded(settings, written, monkeypatch, tmp_path) == loaded(settings, {}, monkeypatch, tmp_path)
    for field, info in settings.model_fields.items():
        default = tables()[variable(settings, field)][0]
        assert (default == "required") is info.is_required()
        assert info.is_required() or (default == "none") is (info.default in {None, ()}), field


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_example_file_uncommented_changes_nothing(
    settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert loaded(settings, examples(), monkeypatch, tmp_path) == loaded(settings, {}, monkeypatch, tmp_path)


def test_the_example_file_as_it_is_sets_nothing() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line and not line.startswith("#")]
