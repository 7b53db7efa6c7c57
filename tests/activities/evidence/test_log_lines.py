import io

from hypothesis import given
from hypothesis import strategies as st

from activities.evidence.log_lines import LINE_CAP_BYTES, cap_line, clean_line, read_blocks, strip_unseen


def test_githubs_timestamp_and_byte_order_mark_are_dropped() -> None:
    assert clean_line("\ufeff2026-01-02T03:04:05.1234567Z hello".encode()) == "hello"
    assert clean_line(b"2026-01-02T03:04:05.1234567Z ") == ""
    assert clean_line(b"on 2026-01-02T03:04:05Z it broke") == "on 2026-01-02T03:04:05Z it broke"


def test_colours_links_and_character_sets_are_dropped() -> None:
    assert (
        clean_line(b"\x1b[31m\x1b[1merror\x1b[0m: \x1b]8;;https://a.b\x07link\x1b]8;;\x07\x1b(B")
        == "error: link"
    )


def test_of_text_that_a_carriage_return_overwrites_only_the_last_is_kept() -> None:
    assert clean_line(b"10%\r50%\r100% done\r") == "100% done"
    assert clean_line(b"whole line\r") == "whole line"


def test_bidirectional_invisible_and_control_characters_are_dropped() -> None:
    hidden = "a\u202eb\u200bc\U000e0041d\x00e\x08f\x9bg"
    assert clean_line(hidden.encode()) == "abcdefg"
    assert strip_unseen("tab\tand\nline feed\x07") == "tab\tand\nline feed"


def test_invalid_utf_8_becomes_the_replacement_character() -> None:
    assert clean_line(b"caf\xe9") == "caf\ufffd"


def test_a_long_line_keeps_its_ends_and_says_what_is_missing() -> None:
    capped = cap_line(b"head " + b"x" * 100_000 + b" tail")

    assert len(capped) <= LINE_CAP_BYTES + 50
    assert capped.startswith(b"head ")
    assert capped.endswith(b" tail")
    assert b"bytes omitted" in capped


def test_no_half_of_a_token_survives_a_cut() -> None:
    token = b"ghp_" + b"A" * 36
    for offset in range(-60, 60, 7):
        line = b"x" * (LINE_CAP_BYTES // 2 + offset - 20) + token + b"y" * 9_000
        capped = cap_line(line)
        assert b"ghp_" not in capped or token in capped


@given(st.binary(max_size=300))
def test_cleaning_never_raises_and_leaves_nothing_unseen(raw: bytes) -> None:
    text = clean_line(raw)

    assert "\x1b" not in text
    assert "\r" not in text
    assert strip_unseen(text) == text


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=20))
def test_blocks_hold_every_line_in_order(lines: list[bytes]) -> None:
    raw = b"\n".join(lines)

    assert b"".join(read_blocks(io.BytesIO(raw))) == raw


def test_a_line_larger_than_a_block_is_shortened_and_its_neighbours_are_whole() -> None:
    raw = b"before\n" + b"start" + b"x" * 3_000_000 + b"end\nafter\n"

    lines = b"".join(read_blocks(io.BytesIO(raw))).split(b"\n")

    assert lines[0] == b"before"
    assert lines[2:] == [b"after", b""]
    assert lines[1].startswith(b"start")
    assert lines[1].endswith(b"end")
    assert b"bytes omitted" in lines[1]
    assert len(lines[1]) < 2 * LINE_CAP_BYTES
