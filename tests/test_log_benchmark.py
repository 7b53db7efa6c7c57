from pathlib import Path

from benchmarks.logs import Labelled, fingerprint_report, grep, last_bytes, locate, shares


def test_marked_text_is_found_however_line_ends_are_spelled() -> None:
    assert locate("two\n\nthree", "one\r\r\ntwo\r\r\nthree\r\r\n") == (2, 3)
    assert locate("two", "one\ntwo\n") == (2, 2)
    assert locate("four", "one\ntwo\n") is None


def test_shares_count_the_marked_lines_that_are_shown() -> None:
    logs = [Labelled(Path("a"), (1, 4)), Labelled(Path("b"), (5, 5))]

    found = shares(logs, [[(3, 9)], [(5, 5)]])

    assert (found.lines, found.whole) == (0.75, 0.5)


def test_fingerprints_are_compared_within_a_project_where_the_marked_lines_tell() -> None:
    marked = [("a", "one"), ("a", "one"), ("a", "two"), ("b", "one")]
    logs = [Labelled(Path("x"), (1, 1), project, frozenset({line})) for project, line in marked]
    reports = [{"fingerprint": fingerprint} for fingerprint in ("1", "1", "1", "1")]

    _, alike, unlike = fingerprint_report(logs, reports)

    assert alike.endswith(" 1 of 1")
    assert unlike.endswith(" 2 of 2")


def test_baselines_stay_within_the_budget_and_tell_raw_lines() -> None:
    log = b"one\nerror: two\nthree\n" + b"x" * 50 + b"\nlast\n"

    assert last_bytes(log, 60) == [(4, 5)]
    assert grep(log, 20) == [(1, 1), (2, 2)]
