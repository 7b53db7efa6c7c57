"""What the documents name exists: targets of make, commands, links, files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import typer

from localhub.scenarios import SCENARIOS
from starter.cli import app
from starter.webhook import Verb

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
FOLDERS: Final = "workflows|activities|starter|localhub|deploy|docs|tests|requirements"


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def code(document: Path) -> Iterator[str]:
    """Fenced blocks and inline spans: where a name is meant literally."""
    text = document.read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        if fence[2] != "mermaid":
            yield fence[3]
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def prose(document: Path) -> str:
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def headings(document: Path) -> set[str]:
    return {slug(found) for found in re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def commands() -> set[str]:
    group = typer.main.get_command(app)
    return set(getattr(group, "commands", {}))


def test_the_documents_are_found() -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md"} <= set(
        map(name, DOCUMENTS)
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_make_target_named_exists(document: Path) -> None:
    for text in code(document):
        for line in text.splitlines():
            for words in re.findall(r"\bmake((?: [a-z]+)+)", line.split("#")[0]):
                assert set(words.split()) <= targets(), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_command_named_exists(document: Path) -> None:
    for text in code(document):
        assert set(re.findall(r"(?:^|[\s`(]|bin/)regreen ([a-z][a-z-]*)(?![\w=])", text)) <= commands()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_order_by_comment_named_exists(document: Path) -> None:
    for text in code(document):
        assert set(re.findall(r"(?<!\w)/regreen ([a-z]+)", text)) <= set(Verb)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(prose(document)):
        path, _, fragment = link.partition("#")
        if re.match(r"https?:", path):
            continue
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not fragment or fragment in headings(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_file_named_exists(document: Path) -> None:
    for text in code(document):
        for path in re.findall(rf"(?<![\w/])(?:{FOLDERS})/[\w./-]*\w", text):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_nothing_in_a_document_belongs_to_one_machine(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:work|root|home)/\w", text)


def test_the_quick_start_stands_on_the_first_screen() -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:25]
    assert any(line.startswith("make demo") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)


def test_the_readme_names_every_scenario_of_the_demo_in_order() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)`[^|]*\|[^|]+\|([^|]+)\|$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    named = [
        (scenario, promise) for scenario, promise in rows if scenario in {each.name for each in SCENARIOS}
    ]
    assert [scenario for scenario, _ in named] == [each.name for each in SCENARIOS]
    for (_, promise), scenario in zip(named, SCENARIOS, strict=True):
        assert f"`{scenario.outcome}`" in promise


def test_decisions_are_numbered_without_a_gap_and_say_the_same_four_things() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert {"context", "decision", "consequences", "alternatives"} <= headings(page), page.name


def test_every_dependency_is_named_in_the_decision_on_libraries() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = project.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    page = (ROOT / "docs" / "decisions" / "0003-libraries-we-stand-on.md").read_text(encoding="utf-8").lower()
    for requirement in re.findall(r'^\s*"([A-Za-z0-9._-]+)', listed, re.MULTILINE):
        family = "opentelemetry" if requirement.startswith("opentelemetry") else requirement
        assert re.search(rf"\b{re.escape(family.lower())}\b", page), requirement
