import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.diagnosis.rules import RULES
from activities.evidence.secret_forms import FORMS
from activities.needles import Haystack, needles, search


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"error: (?P<code>E\d+)", [[{"error: e0"}]]),
        (r"^(?:unable to|never) find \w+ module\b", [[{"\nunable to find ", "\nnever find "}, {" module"}]]),
        (r"(?P<whole>one \d thing|another)", [[{"one 0 thing"}], [{"another"}]]),
        (r":[1-9]\d{0,3}:\d{1,7}: +\w", [[{":0:0: "}]]),
        (r"[Tt]est[sz] (?P<name>[ab]{2}c)", [[{"tests a", "tests b", "testz a", "testz b"}]]),
        (r"\d{0,3}one[^x]two", [[{"0one", "one"}, {"two"}]]),
        (r"v\d?\.end", [[{"v0.end", "v.end"}]]),
        (r"(?i)PassWord=", [[{"password="}]]),
        (r"(?:maybe)?\d{3}", [[]]),
        (r"(?:there){2}", [[{"there"}]]),
        (r"one|\d", [[{"one"}], []]),
        (r"(?=ahead)\w+(?!never)", [[{"ahead"}]]),
    ],
)
def test_a_pattern_needs_what_each_match_holds(pattern: str, needed: list[list[set[str]]]) -> None:
    assert [[set(each) for each in way] for way in needles(pattern)] == needed


def test_a_group_is_a_candidate_only_where_all_its_words_stand() -> None:
    haystack = Haystack([["error", "cause"], ["ERROR"], [r"\d"]])

    assert haystack.candidates("an Error") == [1, 2]
    assert haystack.candidates("the cause of an error") == [0, 1, 2]
    assert haystack.candidates("") == [2]


@pytest.mark.parametrize("text", ["Straße 1\u0663 broken", "line 12 broken …", "\u0661 Broken", "\u212aING"])
def test_letters_and_digits_of_other_scripts_count_as_the_pattern_takes_them(text: str) -> None:
    patterns = [r"(?i)\d BROKEN", r"(?i)king"]

    found = Haystack([[pattern] for pattern in patterns]).candidates(text)

    assert found == [place for place, pattern in enumerate(patterns) if re.search(pattern, text)]


_ALL = [re.compile(pattern, re.MULTILINE) for rule in RULES for pattern in rule.patterns]
_EACH = Haystack([[pattern.pattern] for pattern in _ALL])
_EACH_FORM = Haystack([[form.pattern] for form in FORMS])


@given(st.data())
def test_no_rule_is_passed_over_on_a_text_it_matches(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(_ALL) - 1))
    text = data.draw(st.from_regex(_ALL[place]))

    assert place in _EACH.candidates(text)


@given(st.data())
def test_no_form_of_secret_is_passed_over_on_a_text_that_has_it(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(FORMS) - 1))
    text = data.draw(st.from_regex(FORMS[place].pattern))

    assert place in _EACH_FORM.candidates(text)


@given(st.data())
def test_searching_at_line_beginnings_finds_what_searching_everywhere_finds(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(_ALL))
    text = "\n".join(data.draw(st.lists(st.from_regex(pattern) | st.text(max_size=20), max_size=3)))

    found, expected = search(pattern.pattern, text), pattern.search(text)

    assert found == (expected and (*expected.span(), expected.groupdict()))
