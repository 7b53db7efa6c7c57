import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.patching.commands import Command, parse_step, unwrap

FILES = ("sub/src/a/b.ts", "sub/src/c.ts", "x.md", ".hidden.md", "docs/a b.md")


def argvs(text: str, cwd: str = ".") -> list[tuple[str, ...]]:
    return [command.argv for command in parse_step(text, cwd=cwd, paths=FILES)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ruff check . && ruff format --check .",
            [("ruff", "check", "."), ("ruff", "format", "--check", ".")],
        ),
        ("black --check .; isort -c .", [("black", "--check", "."), ("isort", "-c", ".")]),
        ("black \\\n  --check \\\r\n  .  # all of it\n", [("black", "--check", ".")]),
        ("# black --check .\n", []),
        ("black a#b", [("black", "a#b")]),
        ("black 'a b' \"c d\" e\\ f g'h'", [("black", "a b", "c d", "e f", "gh")]),
        ("", []),
    ],
)
def test_plain_commands_are_read(text: str, expected: list[tuple[str, ...]]) -> None:
    assert argvs(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "black --check . | tee log",
        "tee <(x) | black --check .",
        "black --check . &",
        "black --check $FILES",
        "black --check ${{ matrix.path }}",
        'black --check "$(git ls-files)"',
        "black --check `git ls-files`",
        "black --check {a,b}",
        "black --check ~/x",
        "black --check . || true",
        "true || black --check .",
        "if true; then\nblack --check .\nfi",
        "for f in *; do black --check $f; done",
        "(cd sub && black --check .)",
        "{ black --check .; }",
        "cat <<EOF\nblack --check .\nEOF",
        "black --check 'unfinished",
        "eval black --check .",
        "PATH=/evil black --check .",
        "LD_PRELOAD=./x.so black --check .",
        "cd /elsewhere\nblack --check .",
        "cd ..\nblack --check .",
        "cd $DIR\nblack --check .",
    ],
)
def test_what_only_a_shell_understands_is_left_out(text: str) -> None:
    assert not [argv for argv in argvs(text) if "black" in argv]


def test_commands_beside_an_opaque_one_are_still_read() -> None:
    assert argvs("pip list | head\nblack --check .") == [("black", "--check", ".")]


@pytest.mark.parametrize(
    "text",
    [
        "uv run ruff check .",
        "uv run --group lint ruff check .",
        "uvx ruff@0.9.1 check .",
        "poetry run ruff check .",
        "pipenv run ruff check .",
        "poetry run python -m ruff check .",
        "python3.11 -m ruff check .",
        "npx --yes ruff check .",
        "pnpm exec ruff check .",
        "yarn ruff check .",
    ],
)
def test_what_only_finds_the_tool_is_stripped(text: str) -> None:
    assert argvs(text) == [("ruff", "check", ".")]


def test_nothing_is_left_of_a_wrapper_alone() -> None:
    assert unwrap(["uv", "run"]) == ()
    assert unwrap(["@scope/tool"]) == ()


def test_variables_and_folders_go_with_the_command() -> None:
    (command,) = parse_step("export A=1\ncd sub/x && cd .. && B='2 3' black --check .", cwd="top")
    assert command == Command(
        argv=("black", "--check", "."), cwd="top/sub", env=(("A", "1"), ("B", "2 3")), text="black --check ."
    )


def test_unquoted_wildcards_stand_for_the_repositorys_files() -> None:
    assert argvs("cd sub && prettier --check src/**/*.ts '*.md'") == [
        ("prettier", "--check", "src/a/b.ts", "*.md")
    ]
    assert argvs("prettier --check *.md") == [("prettier", "--check", "x.md")]
    assert argvs("prettier --check docs/*.md") == [("prettier", "--check", "docs/a b.md")]
    assert argvs("prettier --check *.nothing") == [("prettier", "--check", "*.nothing")]


@given(st.text(alphabet="ab '\"\\\n;&|<>()`${}#=~*cd.", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for command in parse_step(text, paths=FILES):
        assert command.argv
        assert not command.cwd.startswith(("/", ".."))
