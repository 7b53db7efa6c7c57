"""The rules in the order in which they are tried, and which of them are worth trying on a text."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from activities.diagnosis.rule import Rule
from activities.needles import Haystack


class RuleTable:
    """Rules, the most certain ones first; of equals, in the order given."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = sorted(rules, key=lambda rule: -rule.certainty)

    @cached_property
    def _haystack(self) -> Haystack:
        return Haystack([rule.patterns for rule in self._rules])

    def candidates(self, excerpt: str) -> Iterator[Rule]:
        """The rules that may apply to `excerpt`; the others cannot, whatever the command is."""
        return (self._rules[place] for place in self._haystack.candidates(excerpt))
