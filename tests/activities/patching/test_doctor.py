import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from activities.patching import sandbox as sandbox_module
from activities.patching.doctor import examine
from activities.patching.recipes import RECIPES
from activities.patching.sandbox import Sandbox
from starter.cli import app


def test_the_doctor_names_what_is_there_and_what_is_missing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "has", lambda tool: tool == "ruff")
    found = examine(sandbox)
    assert found.sandbox_works
    assert found.present == ("ruff",)
    assert {"black", "phpcbf"} <= set(found.missing)
    assert 2 < found.recipes < found.rows == len(RECIPES)


def test_without_a_sandbox_only_edits_remain_and_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_module, "bwrap_path", lambda: tmp_path / "nothing")
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["check", "--only", "machine"])
    assert said.exit_code == 1
    assert "only recipes that edit files remain" in said.output
    told = json.loads(CliRunner().invoke(app, ["check", "--only", "machine", "--json"]).output)
    assert not told["ok"]
    editing = sum(recipe.name in EDITING for recipe in RECIPES)
    assert f"{editing} of {len(RECIPES)} recipes work here" in [each["text"] for each in told["findings"]]


EDITING = {recipe.name for recipe in RECIPES if not hasattr(recipe.repair, "tool")}
