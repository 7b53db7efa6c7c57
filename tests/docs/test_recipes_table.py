"""The documents' table of recipes is the table of the code."""

from pathlib import Path

from benchmarks.recipes import markdown

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"


def test_the_table_of_recipes_is_complete_and_true() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert rows == list(markdown())
