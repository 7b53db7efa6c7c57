from pathlib import Path

import pytest

from activities.evidence.logged_command import command_as_run


def log_of(tmp_path: Path, *script: str) -> Path:
    title = f"##[group]Run {script[0]}\n"
    lines = "".join(f"\x1b[36;1m{line}\x1b[0m\n" for line in script)
    path = tmp_path / "log"
    path.write_text(
        f"{title}{lines}shell: bash\n##[endgroup]\nx\n##[error]Process completed with exit code 1.\n"
    )
    return path


@pytest.mark.parametrize(
    ("written", "script", "command"),
    [
        ("tox -e ${{ matrix.env }}", ["tox -e lint"], "tox -e lint"),
        (
            "pip install tox\ntox -e ${{ matrix.env }} -- ${{ inputs.more }}",
            ["pip install tox", "tox -e lint -- "],
            "pip install tox\ntox -e lint --",
        ),
        (None, ["pre-commit run -a"], "pre-commit run -a"),
        ("tox -e lint", ["tox -e other"], "tox -e lint"),
        ("tox -e ${{ matrix.env }}", ["rm -rf x"], "tox -e ${{ matrix.env }}"),
    ],
)
def test_the_log_fills_in_what_the_file_leaves_open_and_nothing_else(
    written: str | None, script: list[str], command: str, tmp_path: Path
) -> None:
    assert command_as_run(written, log_of(tmp_path, *script)) == command


def test_without_a_script_in_the_log_the_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("nothing\n")
    assert command_as_run("tox -e ${{ matrix.env }}", path) == "tox -e ${{ matrix.env }}"
    assert command_as_run(None, path) is None
