import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.diagnosis.rules import RULES
from activities.needles import Haystack, needles


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"error: (?P<code>E\d+)", [{"error: "}]),
        (r"(?:unable to|never) find \w+ module", [{"unable to", "never"}, {" find "}, {" module"}]),
        (r"(?i)PassWord=", [{"password="}]),
        (r"(?:maybe)?\d{3}", []),
        (r"(?:there){2}", [{"there"}]),
        (r"one|\d", []),
        (r"(?=ahead)\w+(?!never)", [{"ahead"}]),
    ],
)
def test_a_pattern_needs_what_each_match_holds(pattern: str, needed: list[set[str]]) -> None:
    assert [set(each) for each in needles(re.compile(pattern))] == needed


def test_a_group_is_a_candidate_only_where_all_its_words_stand() -> None:
    haystack = Haystack(
        [[re.compile("error"), re.compile("cause")], [re.compile("ERROR")], [re.compile(r"\d")]]
    )

    assert haystack.candidates("an Error") == [1, 2]
    assert haystack.candidates("the cause of an error") == [0, 1, 2]
    assert haystack.candidates("") == [2]


_ALL = [pattern for rule in RULES for pattern in rule.patterns]
_EACH = Haystack([[pattern] for pattern in _ALL])


@given(st.data())
def test_no_rule_is_passed_over_on_a_text_it_matches(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(_ALL) - 1))
    text = data.draw(st.from_regex(_ALL[place]))

    assert place in _EACH.candidates(text)
