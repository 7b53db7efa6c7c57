"""Outcomes, reasons, orders, decisions: the documents hold all of them, and nothing else."""

import json
import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from activities.adapters.model_prices import PRICES
from starter.dispatch import Verdict
from starter.webhook import IgnoreReason, Verb
from workflows import decisions, naming
from workflows.models import REASON_SENTENCES, Order, Outcome, Reason

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS: Final = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
KINDS: Final = (
    *("not_found", "gone", "forbidden", "unauthorised", "conflict", "invalid"),
    *("branch_refused", "archived", "suspended"),
    *("unavailable", "throttled", "timeout", "settings_disabled", "settings_invalid"),
)


def section(text: str, heading: str) -> str:
    level = heading.split(" ", maxsplit=1)[0]
    after = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def documented() -> dict[tuple[str, str], tuple[str, str]]:
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for outcome in Outcome:
        rows = re.findall(
            r"^\| `(\w+)` \| (.+?) \| (.+) \|$", section(OPERATIONS, f"### `{outcome}`"), re.MULTILINE
        )
        found |= {(str(outcome), reason): (meaning, advice) for reason, meaning, advice in rows}
    return found


def decided() -> set[tuple[str, str]]:
    """Every pair of outcome and reason that the workflows' source names."""
    sources = [module.read_text(encoding="utf-8") for module in (ROOT / "workflows").glob("*.py")]
    pairs = {pair for source in sources for pair in re.findall(r"Outcome\.(\w+), Reason\.(\w+)", source)}
    endings = [decisions.failure_ending(kind, "") for kind in KINDS]
    return {(Outcome[outcome].value, Reason[reason].value) for outcome, reason in pairs} | {
        (ending.outcome.value, ending.reason.value) for ending in endings if ending
    }


def test_the_readme_names_every_outcome_once() -> None:
    assert first_cells(section(README, "## Outcomes")) == [str(outcome) for outcome in Outcome]


def test_the_operations_page_has_every_reason() -> None:
    assert {reason for _, reason in documented()} == set(Reason)


def test_the_operations_page_ties_reasons_to_the_outcomes_they_come_with() -> None:
    assert documented().keys() == decided()


def test_the_operations_page_says_what_the_product_says() -> None:
    for (_, reason), (meaning, advice) in documented().items():
        assert meaning == REASON_SENTENCES[Reason(reason)]
        assert advice


def test_the_operations_page_has_every_order() -> None:
    assert first_cells(section(OPERATIONS, "## Orders")) == list(Verb)


def signal_lines(text: str) -> list[list[str]]:
    joined = text.replace("\\\n", " ")
    return [
        shlex.split(line)
        for line in joined.splitlines()
        if line.strip().startswith("temporal workflow signal")
    ]


@pytest.mark.parametrize("text", [README, OPERATIONS], ids=["README", "operations"])
def test_every_signal_line_is_one_that_a_remediation_understands(text: str) -> None:
    assert signal_lines(text)
    for words in signal_lines(text):
        options = dict(zip(words[3::2], words[4::2], strict=True))
        assert naming.parse_remediation_id(options["--workflow-id"])
        verb, payload = Verb(options["--name"]), json.loads(options["--input"])
        assert payload.keys() <= Order.model_fields.keys()
        assert Order.model_validate(payload).by == "you"
        assert ("question" in payload) is (verb in {Verb.APPROVE, Verb.REJECT})


def test_there_is_a_signal_line_for_each_order() -> None:
    assert [words[words.index("--name") + 1] for words in signal_lines(OPERATIONS)] == list(Verb)


def test_the_operations_page_says_what_becomes_of_every_event() -> None:
    page = section(OPERATIONS, "### What becomes of a webhook")
    assert set(first_cells(page)) == set(Verdict) | set(IgnoreReason)


def test_the_operations_page_names_every_search_attribute() -> None:
    named = set(re.findall(r"`(Ci[A-Z]\w+)`", OPERATIONS))
    assert named == {key.name for key in naming.SEARCH_ATTRIBUTES}


def test_the_operations_page_names_every_list_price() -> None:
    rows = re.findall(
        r"^\| ((?:`claude-[\w-]+`(?:, )?)+)[^|]*\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$",
        section(OPERATIONS, "### What a model costs"),
        re.MULTILINE,
    )
    named = {
        model: tuple(map(float, prices))
        for models, *prices in rows
        for model in re.findall(r"`([^`]+)`", models)
    }
    assert named == {
        model: (price.input, price.output, price.cache_write, price.cache_read)
        for model, price in PRICES.items()
    }
