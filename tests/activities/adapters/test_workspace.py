import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.adapters.pulse import Pulse
from activities.adapters.workspace import FILE_BYTES, Workspace
from activities.errors import PermanentError

Make = Callable[..., Workspace]
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org")


def git(folder: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", *IDENTITY, "-C", str(folder), *arguments],
        input=stdin,
        text=True,
        capture_output=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def workspace_of(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A workspace with the given files (name → content)."""

    def make(files: Mapping[str, bytes], *, executable: str = "") -> Workspace:
        root = tmp_path_factory.mktemp("repository")
        origin = root / "origin"
        origin.mkdir()
        git(origin, "init", "--quiet")
        for name, content in files.items():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            (origin / name).write_bytes(content)
        if executable:
            (origin / executable).chmod(0o755)
        git(origin, "add", "--all", "--force")
        git(origin, "commit", "--quiet", "--allow-empty", "--message=x")
        folder = root / "workspace"
        folder.mkdir()
        workspace = Workspace(
            folder, git_dir=origin / ".git", sha=git(origin, "rev-parse", "HEAD"), pulse=Pulse()
        )
        workspace.fill()
        return workspace

    return make


def test_untouched_files_are_no_change(workspace_of: Make) -> None:
    workspace = workspace_of({"a.txt": b"one\n", "dir/b.txt": b"two\n"})
    (workspace.files / "a.txt").write_bytes(b"one\n")
    assert workspace.changes().files == ()
    assert workspace.diff() == ""


def test_a_change_is_a_unified_diff_with_counts(workspace_of: Make) -> None:
    workspace = workspace_of({"a.txt": b"one\ntwo\n", "ü b.txt": b"x\n"})
    workspace.write("a.txt", b"one\nthree\nfour\n")
    workspace.write("ü b.txt", b"y\n")
    changes = workspace.changes()
    assert changes.files == ("a.txt", "ü b.txt")
    assert (changes.additions, changes.deletions) == (3, 2)
    assert changes.diff.startswith("diff --git a/a.txt b/a.txt\n")
    assert "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,3 @@\n one\n-two\n+three\n+four\n" in changes.diff
    assert "+++ b/ü b.txt" in changes.diff


def test_deletion_mode_link_and_binary_are_reported(workspace_of: Make) -> None:
    workspace = workspace_of(
        {"gone": b"x\n", "run.sh": b"x\n", "link": b"x\n", "image": b"x\n", "dir": b"x\n"}
    )
    (workspace.files / "gone").unlink()
    (workspace.files / "run.sh").chmod(0o755)
    (workspace.files / "link").unlink()
    (workspace.files / "link").symlink_to("/etc/passwd")
    (workspace.files / "image").write_bytes(b"\0\1\2")
    (workspace.files / "dir").unlink()
    (workspace.files / "dir").mkdir()
    (workspace.files / "dir" / "inner").write_text("x\n")
    diff = workspace.diff(new_files=True)
    assert "deleted file mode 100644\n" in diff
    assert "old mode 100644\nnew mode 100755\n" in diff
    assert "new file mode 120000\n" in diff
    assert "+/etc/passwd\n" in diff
    assert "root:" not in diff
    assert "Binary files a/image and b/image differ\n" in diff
    assert "+++ b/dir/inner\n" in diff


def test_files_that_a_tool_created_count_only_when_asked_for_and_not_ignored(workspace_of: Make) -> None:
    workspace = workspace_of({".gitignore": b"*.log\nbuild/\n", "a.txt": b"one\n"})
    for name in ("new.txt", "x.log", "build/out", "deep/er/new.txt"):
        (workspace.files / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace.files / name).write_text("x\n")
    assert workspace.changes().files == ()
    assert workspace.changes(new_files=True).files == ("deep/er/new.txt", "new.txt")


def test_files_that_were_written_on_purpose_always_count(workspace_of: Make) -> None:
    workspace = workspace_of({".gitignore": b"*.log\n"})
    workspace.write("new/x.log", b"x\n")
    assert workspace.changes().files == ("new/x.log",)


def test_an_executable_file_stays_executable(workspace_of: Make) -> None:
    workspace = workspace_of({"run.sh": b"x\n"}, executable="run.sh")
    workspace.write("run.sh", b"y\n")
    assert " 100755\n" in workspace.diff()
    assert "new mode" not in workspace.diff()


def test_a_planted_link_is_neither_read_nor_written_through(workspace_of: Make, tmp_path: Path) -> None:
    workspace = workspace_of({"a.txt": b"one\n", "dir/b.txt": b"two\n"})
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "b.txt").write_text("host\n")
    (workspace.files / "file").symlink_to(secret / "b.txt")
    (workspace.files / "dir" / "b.txt").unlink()
    (workspace.files / "dir").rmdir()
    (workspace.files / "dir").symlink_to(secret)
    assert workspace.read("file") is None
    assert workspace.read("dir/b.txt") is None
    for path in ("file", "dir/b.txt"):
        with pytest.raises(PermanentError):
            workspace.write(path, b"changed\n")
    assert (secret / "b.txt").read_text() == "host\n"
    assert "host" not in workspace.diff(new_files=True)


def test_a_pipe_in_a_files_place_does_not_hang(workspace_of: Make) -> None:
    workspace = workspace_of({"a.txt": b"one\n"})
    (workspace.files / "a.txt").unlink()
    os.mkfifo(workspace.files / "a.txt")
    assert workspace.read("a.txt") is None
    with pytest.raises(PermanentError):
        workspace.write("a.txt", b"x")
    assert "deleted file" in workspace.diff(new_files=True)


def test_a_planted_git_folder_is_neither_obeyed_nor_collected(workspace_of: Make, tmp_path: Path) -> None:
    workspace = workspace_of({"a.txt": b"one\n", "sub/b.txt": b"two\n"})
    trap = tmp_path / "sprung"
    for place in (workspace.files, workspace.files / "sub", workspace.files / "fresh"):
        place.mkdir(exist_ok=True)
        git(place, "init", "--quiet")
        git(place, "config", "core.fsmonitor", f"touch {trap}; false")
        git(place, "config", "filter.x.clean", f"touch {trap}; cat")
    (workspace.files / ".gitattributes").write_text("* filter=x\n")
    workspace.write("a.txt", b"changed\n")
    assert workspace.changes(new_files=True).files == (".gitattributes", "a.txt")
    assert not trap.exists()


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "", ".", "a//b", "a/./b", ".git/config", "sub/.GIT/hooks/x", "a\0b"],
)
def test_a_path_that_leaves_the_workspace_is_refused(workspace_of: Make, path: str) -> None:
    workspace = workspace_of({"a.txt": b"one\n"})
    with pytest.raises(PermanentError) as caught:
        workspace.read(path)
    assert caught.value.kind == "invalid"
    with pytest.raises(PermanentError):
        workspace.write(path, b"")


def test_sizes_are_bounded(workspace_of: Make) -> None:
    workspace = workspace_of({"a.txt": b"12345"})
    assert workspace.read("a.txt", max_bytes=5) == b"12345"
    with pytest.raises(PermanentError):
        workspace.read("a.txt", max_bytes=4)
    with pytest.raises(PermanentError):
        workspace.write("a.txt", b"x" * (FILE_BYTES + 1))
    with (workspace.files / "a.txt").open("wb") as file:
        file.truncate(FILE_BYTES + 1)
    with pytest.raises(PermanentError):
        workspace.diff()


def test_folders_nested_without_end_are_refused(workspace_of: Make) -> None:
    workspace = workspace_of({"a.txt": b"x\n"})
    (workspace.files / Path(*["d"] * 150)).mkdir(parents=True)
    assert workspace.diff() == ""
    with pytest.raises(PermanentError):
        workspace.diff(new_files=True)


def test_text_that_is_not_utf8_cannot_be_told_as_a_diff(workspace_of: Make) -> None:
    workspace = workspace_of({"a.txt": b"caf\xe9\n"})
    workspace.write("a.txt", b"caf\xe9s\n")
    with pytest.raises(PermanentError, match="UTF-8"):
        workspace.diff()


texts = st.text(alphabet="ab\n\r \tü\f\u2028", max_size=30).map(str.encode)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.dictionaries(st.sampled_from(["a", "d/b", "c c", "ü"]), texts, min_size=1),
    after=st.dictionaries(st.sampled_from(["a", "d/b", "c c", "ü", "new"]), texts),
)
def test_the_diff_applied_to_the_commit_gives_the_working_files(
    workspace_of: Make, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    workspace = workspace_of(before)
    for path, content in after.items():
        workspace.write(path, content)
    expected = before | after
    changes = workspace.changes()
    changed = sorted(path for path in expected if expected[path] != before.get(path))
    assert sorted(changes.files) == changed
    copy = workspace_of(before).files
    if changes.diff:
        git(copy, "init", "--quiet")
        subprocess.run(
            ["git", "-C", str(copy), "apply", "--whitespace=nowarn", "-"],
            input=changes.diff.encode(),
            check=True,
        )
    assert {path: (copy / path).read_bytes() for path in expected} == expected
