"""Whether a file demands less after a patch than before it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from activities.publishing.gate.findings import Finding, doubtful, refused
from activities.publishing.gate.inventory import CAUGHT, NEVER, Assertion, Inventory, Part, Strength

_STAND_INS: Final = frozenset(
    {"patch", "setattr", "setitem", "object", "MagicMock", "Mock", "AsyncMock", "mock", "spyOn", "stub"}
    | {"mockReturnValue", "mockImplementation", "mockResolvedValue", "when", "replace", "create_autospec"}
)
_HIDDEN: Final = frozenset({NEVER, CAUGHT})
_RUNNERS: Final = re.compile(
    r"(?:assert|fail|expect)\w*|run|debug|defaultTestResult|subTest|__call__|__getattribute__|__getattr__"
    r"|(?:set_?up|tear_?down)\w*|init|TestMain|id|countTestCases"
)
"""Methods by which a test framework runs tests, or learns that one failed."""


def compare(before: Inventory, after: Inventory, *, in_tests: bool) -> Iterator[Finding]:
    """What speaks against a change of a source file.

    Args:
        before: The file before; an empty inventory for a new file.
        after: The file after.
        in_tests: Whether it lies where tests are kept: then what stands beside the tests counts as well.
    """
    tests = bool(in_tests or before.tests or after.tests)
    yield from _signs(before, after, in_tests=tests, elsewhere=not in_tests)
    yield from _tests(before.tests, after.tests)
    if in_tests and before.parts:
        yield from _beside(before, after)
    elif tests:
        yield from _hiding(before, after)
    if not in_tests:
        yield from _answers(before, after)
    yield from _examples(before, after)


def _signs(before: Inventory, after: Inventory, *, in_tests: bool, elsewhere: bool) -> Iterator[Finding]:
    for found in (after.signs - before.signs, before.kept - after.kept):
        for sign in dict.fromkeys(sign for sign, _ in found):
            finding = sign.finding(in_tests=in_tests, elsewhere=elsewhere)
            if finding is not None:
                yield finding


def _answers(before: Inventory, after: Inventory) -> Iterator[Finding]:
    """Functions that gave up computing what they answer."""
    for name, old in before.functions.items():
        new = after.functions.get(name, old)
        if (old.reads and not new.reads) or (old.computes and not new.computes):
            yield doubtful(f"{name or 'a function'} no longer looks at what it is given")


def _examples(before: Inventory, after: Inventory) -> Iterator[Finding]:
    """Documentation that is run as a test."""
    for name, old in before.examples.items():
        if name in after.functions and old - after.examples.get(name, Counter()):
            yield doubtful(f"changes an example of {name} that is run as a test")


def _hiding(before: Inventory, after: Inventory) -> Iterator[Finding]:
    """Helpers beside the tests of a file that have the name of what the file tests."""
    known = {_last(name) for name in before.parts if name} | before.origins.keys()
    tests = {_around(name) for name in after.tests}
    for name, part in after.parts.items():
        if name not in before.parts and not part.test and _around(name) in tests and _last(name) in known:
            yield doubtful(f"adds {name}, which hides another of its name")


def _tests(before: Mapping[str, Part], after: Mapping[str, Part]) -> Iterator[Finding]:
    pairs, gone = _pair(before, after)
    if gone:
        named = ", ".join(name or "one" for name in gone[:3])
        yield refused(f"takes a test out instead of passing it: {named}")
    for name, old, new in pairs:
        yield from _part(name, old, new)


def _beside(before: Inventory, after: Inventory) -> Iterator[Finding]:
    """The helpers, fixtures and tables of a test file."""
    for name, old in before.parts.items():
        new = after.parts.get(name)
        if old.test:
            continue
        if new is not None:
            yield from _part(name, old, new)
        elif old.assertions or old.substance or old.trappings:
            yield doubtful(f"removes {name}, which tests may rest on")
    for name, new in after.parts.items():
        if name in before.parts or new.test:
            continue
        hides = not before.origins.keys().isdisjoint(name.rstrip(".").split("."))
        used = any(new.fixture and new.fixture in old.given for old in before.parts.values())
        if hides or used or (new.trappings and not new.fixture) or _RUNNERS.fullmatch(_last(name)):
            yield doubtful(f"adds {name}, which may change what tests do")
    for name, origin in before.origins.items():
        if after.origins.get(name, origin) != origin:
            yield doubtful(f"takes {name} from another place")


def _pair(
    before: Mapping[str, Part], after: Mapping[str, Part]
) -> tuple[list[tuple[str, Part, Part]], list[str]]:
    """Each test with what became of it, and the tests of which nothing did.

    The same name counts first, then the same body under another name, then the same last name elsewhere, then
    any new test: a renamed and changed one is compared with what it replaces.
    """
    pairs = [(name, part, after[name]) for name, part in before.items() if name in after]
    left = {name: part for name, part in before.items() if name not in after}
    new = {name: part for name, part in after.items() if name not in before}
    for alike in (_same_body, _same_name, _anything):
        for name, part in list(left.items()):
            other = next((each for each in new if alike((name, part), (each, new[each]))), None)
            if other is not None:
                pairs.append((name, part, new.pop(other)))
                del left[name]
    return pairs, list(left)


def _same_body(one: tuple[str, Part], other: tuple[str, Part]) -> bool:
    return one[1].shape == other[1].shape


def _same_name(one: tuple[str, Part], other: tuple[str, Part]) -> bool:
    return _last(one[0]) == _last(other[0])


def _anything(_one: tuple[str, Part], _other: tuple[str, Part]) -> bool:
    return True


def _last(name: str) -> str:
    return name.rstrip(".").rsplit(".", 1)[-1]


def _around(name: str) -> str:
    return name.rstrip(".").rpartition(".")[0]


def _part(name: str, old: Part, new: Part) -> Iterator[Finding]:
    if old.shape == new.shape:
        return
    label = name or "the file"
    yield from _assertions(label, old.assertions, new.assertions)
    if new.rows.total() < old.rows.total():
        yield refused(f"takes cases out of {label}")
    elif old.rows - new.rows:
        yield doubtful(f"changes cases of {label}")
    if new.trappings != old.trappings:
        yield doubtful(f"changes how {label} is run")
    gained, lost = new.substance - old.substance, old.substance - new.substance
    if _STAND_INS & {each.removesuffix("()") for each in gained}:
        yield doubtful(f"puts a stand-in into {label}")
    elif gained or lost:
        yield doubtful(f"changes what {label} does")


def _assertions(label: str, old: Iterable[Assertion], new: Iterable[Assertion]) -> Iterator[Finding]:
    before, after = Counter(old), Counter(new)
    lost, gained = list((before - after).elements()), list((after - before).elements())
    for assertion in list(lost):
        same = [each for each in gained if each.text == assertion.text]
        if same:
            closest = min(same, key=lambda each, was=assertion: len(set(each.guards) ^ set(was.guards)))  # type: ignore[misc]
            lost.remove(assertion)
            gained.remove(closest)
            yield from _same_demand(label, assertion, closest)
    for assertion in list(lost):
        stronger = next((each for each in gained if _implies(each, assertion)), None)
        if stronger is not None:
            lost.remove(assertion)
            gained.remove(stronger)
    if len(gained) < len(lost):
        yield refused(f"takes assertions out of {label}")
    elif lost:
        yield from _other_demands(label, lost, gained)


def _implies(new: Assertion, old: Assertion) -> bool:
    return old.text in new.implied and set(new.guards) <= set(old.guards)


def _same_demand(label: str, old: Assertion, new: Assertion) -> Iterator[Finding]:
    more = set(new.guards) - set(old.guards)
    if more & _HIDDEN:
        yield refused(f"keeps an assertion of {label} from counting")
    elif more:
        yield doubtful(f"makes an assertion of {label} conditional")
    if new.tolerance > old.tolerance:
        yield refused(f"widens a tolerance of {label}")


def _other_demands(label: str, lost: list[Assertion], gained: list[Assertion]) -> Iterator[Finding]:
    gained = sorted(gained, key=_worth, reverse=True)[: len(lost)]
    weaker = any(
        new.strength < old.strength
        for old, new in zip(sorted(lost, key=_worth, reverse=True), gained, strict=True)
    )
    hidden = any(set(new.guards) & _HIDDEN for new in gained) and not any(
        set(old.guards) & _HIDDEN for old in lost
    )
    if weaker or hidden or any(new.strength is Strength.VACUOUS for new in gained):
        yield refused(f"weakens assertions of {label}")
    elif max(new.tolerance for new in gained) > max(old.tolerance for old in lost):
        yield refused(f"widens a tolerance of {label}")
    else:
        yield doubtful(f"changes what {label} demands")


def _worth(assertion: Assertion) -> tuple[int, str]:
    return assertion.strength, assertion.text
