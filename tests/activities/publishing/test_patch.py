import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.publishing.patch import (
    BaseFile,
    Kind,
    MalformedPatchError,
    PatchConflictError,
    apply,
    apply_all,
    parse,
)


def lines_of(text: str) -> list[str]:
    parts = text.split("\n")
    return [f"{line}\n" for line in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def diff_of(old: str, new: str, path: str = "a.txt", context: int = 3) -> str:
    """A diff as git writes it, missing line ends included."""
    source = "/dev/null" if not old else f"a/{path}"
    lines = difflib.unified_diff(lines_of(old), lines_of(new), source, f"b/{path}", n=context)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def patched(diff: str, base: str) -> str:
    (patch,) = parse(diff)
    return apply(patch, base.encode()).decode()


texts = st.lists(
    st.text(st.sampled_from("ab \t\r\x0b\x0c\x1c\x85\u2028é-+\\@#"), max_size=6), max_size=12
).map("\n".join)


@given(old=texts, new=texts, context=st.integers(0, 4))
def test_applying_the_difference_of_two_texts_gives_the_second(old: str, new: str, context: int) -> None:
    if old != new and new:
        assert patched(diff_of(old, new, context=context), old) == new


@given(text=st.text(st.sampled_from('-+@ab/ \n\\0,1\r"'), max_size=200))
def test_any_text_is_a_patch_or_malformed(text: str) -> None:
    try:
        parse(text)
    except MalformedPatchError:
        return


@given(cut=st.integers(0, 400), noise=st.text(max_size=8))
def test_a_damaged_patch_is_refused_or_still_exact(cut: int, noise: str) -> None:
    old = "".join(f"line {n}\n" for n in range(20))
    diff = diff_of(old, old.replace("line 5", "line five").replace("line 15\n", ""))
    damaged = diff[:cut] + noise + diff[cut:]
    try:
        for patch in parse(damaged):
            apply(patch, old.encode())
    except (MalformedPatchError, PatchConflictError):
        return


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n", "b\n"),
        ("a", "b"),
        ("a", "a\n"),
        ("a\n", "a"),
        ("a\nb", "a\nb\nc"),
        ("a\r\nb\r\n", "a\r\nc\r\n"),
        ("a\r\nb\n", "a\nb\r\n"),
        ("a\rb\n", "a\rc\n"),
        ("", "new\n"),
        ("", "new"),
        ("\n\n\n", "\n\n"),
        ("-- x\n++ y\n", "-- z\n++ y\n"),
        ("é\n", "ü\n"),
        ("one\n" * 50, "one\n" * 20 + "two\n" + "one\n" * 30),
    ],
)
def test_git_and_we_agree_to_the_byte(old: str, new: str, tmp_path: Path) -> None:
    for folder, text in (("a", old), ("b", new)):
        (tmp_path / folder).mkdir()
        if text:
            (tmp_path / folder / "f.txt").write_bytes(text.encode())
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", "diff", "--no-index", "--no-prefix", "a", "b"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    diff = done.stdout.decode()
    assert patched(diff, old) == new


def test_bytes_outside_the_patch_are_kept_whatever_they_are() -> None:
    old = b"\xff\xfe\x00\n" + b"same\n" * 10 + b"x\n"
    diff = diff_of("same\n" * 10 + "x\n", "same\n" * 10 + "y\n")
    shifted = diff.replace("-8,4 +8,4", "-9,4 +9,4")
    (patch,) = parse(shifted)
    assert apply(patch, old) == old[:-2] + b"y\n"


@pytest.mark.parametrize(
    "base",
    ["", "other\n", "a\nb\nX\n", "a\nb\n", "a\nb\nc\nd", "a \nb\nc\nd\n", "A\nb\nc\nd\n"],
)
def test_a_base_that_differs_is_a_conflict_never_a_guess(base: str) -> None:
    diff = diff_of("a\nb\nc\nd\n", "a\nb\nC\nd\n")
    with pytest.raises(PatchConflictError):
        patched(diff, base)


def test_a_match_elsewhere_in_the_file_is_still_a_conflict() -> None:
    diff = diff_of("a\nb\n", "a\nc\n")
    with pytest.raises(PatchConflictError):
        patched(diff, "new first line\na\nb\n")


HEADER = "diff --git a/x b/x\n"
BODY = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    ("diff", "kind"),
    [
        (BODY, Kind.CHANGED),
        (HEADER + "index 1111111..2222222 100644\n" + BODY, Kind.CHANGED),
        (
            HEADER
            + "new file mode 100644\nindex 0000000..2222222\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n",
            Kind.CREATED,
        ),
        (HEADER + "new file mode 100755\nindex 0000000..e69de29\n", Kind.CREATED),
        (HEADER + "deleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", Kind.DELETED),
        ("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", Kind.DELETED),
        ("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", Kind.MOVED),
        ("diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n", Kind.MOVED),
        ("--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", Kind.MOVED),
        (HEADER + "old mode 100644\nnew mode 100755\n", Kind.MODE_CHANGED),
        (HEADER + "old mode 100644\nnew mode 120000\n" + BODY, Kind.MODE_CHANGED),
        (HEADER + "index 1111111..2222222 100644\nBinary files a/x and b/x differ\n", Kind.BINARY),
        (HEADER + "index 1..2 100644\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\n", Kind.BINARY),
    ],
)
def test_a_patch_says_what_it_does_to_a_file(diff: str, kind: Kind) -> None:
    (patch,) = parse(diff)
    assert patch.kind is kind


@pytest.mark.parametrize(
    "diff",
    [
        "@@ -1 +1 @@\n-a\n+b\n",
        "--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n",
        "--- a/\n+++ b/\n@@ -1 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1,3 +1 @@\n-a\n+b\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\nwhat is this\n",
        BODY + BODY,
        HEADER + BODY + "--- a/x\n+++ b/x\n@@ -9 +9 @@\n-a\n+b\n",
        HEADER,
        "diff --git a/x b/x\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        '--- "a/\\q"\n+++ "b/\\q"\n@@ -1 +1 @@\n-a\n+b\n',
        '--- "a/\\377"\n+++ "b/\\377"\n@@ -1 +1 @@\n-a\n+b\n',
    ],
)
def test_a_text_that_cannot_be_relied_on_is_malformed(diff: str) -> None:
    with pytest.raises(MalformedPatchError):
        parse(diff)


def test_a_name_that_git_quotes_is_read_as_it_is() -> None:
    quoted = '--- "a/caf\\303\\251 \\"x\\".py"\n+++ "b/caf\\303\\251 \\"x\\".py"\n@@ -1 +1 @@\n-a\n+b\n'
    (patch,) = parse(quoted)
    assert patch.path == 'café "x".py'


def test_line_numbers_that_do_not_add_up_are_malformed() -> None:
    (patch,) = parse("--- a/x\n+++ b/x\n@@ -1 +7 @@\n-a\n+b\n")
    with pytest.raises(MalformedPatchError):
        apply(patch, b"a\n")


def test_several_files_are_applied_together_and_keep_their_modes() -> None:
    diff = BODY + "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n"
    found = apply_all(parse(diff), {"x": BaseFile("100755", b"a\n")})
    assert [(file.path, file.mode, file.content) for file in found] == [
        ("x", "100755", b"b\n"),
        ("new", "100644", b"n\n"),
    ]


def test_a_new_file_that_exists_is_a_conflict() -> None:
    diff = "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+n\n"
    with pytest.raises(PatchConflictError):
        apply_all(parse(diff), {"x": BaseFile("100644", b"")})


def test_a_file_that_is_missing_is_a_conflict() -> None:
    with pytest.raises(PatchConflictError):
        apply_all(parse(BODY), {})
