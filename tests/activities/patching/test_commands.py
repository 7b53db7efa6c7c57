import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.patching.commands import Command, parse_step
from activities.patching.launchers import unwrap

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
        "black --check . | sh",
        "tee <(x) | black --check .",
        "black --check . &",
        "black --check $FILES",
        "black --check ${{ matrix.path }}",
        'black --check "$(git ls-files)"',
        "black --check `git ls-files`",
        "black --check {$A,b}",
        "black --check ~/x",
        "black --check . || true",
        "true || black --check .",
        "if true; then\nblack --check .\nfi",
        "for f in *; do black --check $f; echo $f; done",
        "x || (cd sub && black --check .)",
        "{ black --check .; }",
        "cat <<EOF\nblack --check .\nEOF",
        'if [ -n "$X" ]; then\n  black --check .\nfi',
        "if [ a = b ]; then\n  black --check .\nfi",
        "case b in\n  a) black --check . ;;\nesac",
        "lint() {\n  black --check .\n}\nother",
        "say() {\n  echo x\n}\nblack --check . || say",
        'A=(a $B)\nblack --check "${A[@]}"',
        "(cd sub && x) && black --check $A",
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


@pytest.mark.parametrize(
    "text",
    [
        'if [ -n "$CI" ]; then\n  echo "::group::black"\nfi\nblack --check a b',
        'if [ -z "$VIRTUAL_ENV" ]; then\n  echo "activate it" >&2\n  exit 1\nfi\nblack --check a b',
        "if [ a == a ]; then\n  black --check a b\nelse\n  black a b\nfi",
        'if [[ "" != "--fix" ]]; then black --check a b; else black a b; fi',
        'MODE=check\nif [ -n "$MODE" ]; then\n  black --check a b\nfi',
        "case check in\n  fix)\n    black a b\n    ;;\n  check|ci)\n    black --check a b\n    ;;\nesac",
        "lint() {\n  black --check a b\n}\nfunction all {\n  lint\n}\n\nall",
        'run() {\n  black --check "$@"\n}\nrun a b',
        'run() {\n  black "$1" a b\n}\nrun --check',
        'FILES=(\n  a  # one\n  b\n)\nblack --check "${FILES[@]}"',
        "cat > x <<'EOF'\nif then {\nEOF\nblack --check a b",
        "(black --check a b) && (true)",
        "black --check {a,b}",
        "ARGS=${ARGS:---check}\nblack $ARGS a b",
    ],
)
def test_control_flow_that_can_be_told_is_unfolded(text: str) -> None:
    assert ("black", "--check", "a", "b") in argvs(text)


@pytest.mark.parametrize(
    "text",
    [
        "if [ a = a ]; then " + "else " * 3_900,
        "case a in " + "a) ;;" * 3_000,
        "f() {\n" * 2_000,
        "<<E\n" * 4_000,
    ],
)
def test_a_hostile_script_is_read_in_time(text: str) -> None:
    assert parse_step(text) is not None


def test_a_default_gives_way_to_what_is_set() -> None:
    text = "ARGS=${ARGS:---check}\nblack $ARGS a"
    assert [command.argv for command in parse_step(text, env={"ARGS": "--diff"})] == []


def test_commands_beside_an_opaque_one_are_still_read() -> None:
    assert argvs("pip list | grep x\nblack --check .") == [("black", "--check", ".")]


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
        "uv tool run ruff@0.9 check .",
        "uv run --frozen -m ruff check .",
        "pipx run --spec ruff==0.5.0 ruff check .",
        "conda run -n dev ruff check .",
        "python -X dev -Wd -m ruff check .",
        "env A=1 ruff check .",
        "sudo ruff check .",
        "xvfb-run ruff check .",
        ".venv/bin/ruff check .",
        "v/bin/python -m ruff check .",
        "nix develop -c ruff check .",
        "ruff .",
        "docker run --rm -v $PWD:/io -w /io ghcr.io/astral-sh/ruff:0.9.1 check /io",
        "ruff check $GITHUB_WORKSPACE",
        "ruff check ${{ github.workspace }}",
        "ruff check . 2>&1 | tee report.txt",
        "ruff check . || { echo 'run ruff'; exit 1; }",
        "ruff check . || (echo 'run ruff' && exit 1)",
        "source .venv/bin/activate && ruff check .",
        "(ruff check .)",
    ],
)
def test_what_only_finds_the_tool_is_stripped(text: str) -> None:
    assert argvs(text) == [("ruff", "check", ".")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go run golang.org/x/tools/cmd/goimports@latest -l .", ("goimports", "-l", ".")),
        ("go run mvdan.cc/gofumpt@v0.6.0 -d .", ("gofumpt", "-d", ".")),
        ("go run ./cmd/gofmt -l .", ("go", "run", "./cmd/gofmt", "-l", ".")),
        ("docker run --rm -v $(pwd):/mnt koalaman/shellcheck:stable /mnt/a.sh", ("shellcheck", "a.sh")),
        ("docker run --rm -it --entrypoint sh koalaman/shellcheck a.sh", None),
        ("docker run somebody/black --check .", None),
    ],
)
def test_programs_of_modules_and_images_are_known(text: str, expected: tuple[str, ...] | None) -> None:
    found = argvs(text)
    assert found == [expected] if expected else found[0][0] == "docker"


SOURCES = ("b.sh", "lib/a.sh", "lib/x.c", "vendor/v.sh")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("find . -name '*.sh' | xargs shellcheck", ("shellcheck", "b.sh", "lib/a.sh", "vendor/v.sh")),
        ("find lib -name '*.sh' -exec shellcheck {} +", ("shellcheck", "lib/a.sh")),
        ("find lib -name '*.sh' -exec shellcheck -x {} \\;", ("shellcheck", "-x", "lib/a.sh")),
        ("shellcheck $(find lib -name '*.sh')", ("shellcheck", "lib/a.sh")),
        (
            "find . -type f -name '*.sh' -not -path './vendor/*' -print0 | xargs -0 -n1 shellcheck",
            ("shellcheck", "b.sh", "lib/a.sh"),
        ),
        (
            "find . -path './vendor/*' -prune -o \\( -name '*.sh' -o -name '*.c' \\) | xargs shellcheck",
            ("shellcheck", "b.sh", "lib/a.sh", "lib/x.c"),
        ),
        ('for f in *.sh; do shellcheck "$f"; done', ("shellcheck", "b.sh")),
        (
            "for f in $(git ls-files 'lib/*.sh'); do\n  shellcheck $f || exit 1\ndone",
            ("shellcheck", "lib/a.sh"),
        ),
        ('if [ "$(gofmt -l . | wc -l)" -gt 0 ]; then exit 1; fi', ("gofmt", "-l", ".")),
        ('out=$(gofmt -l .)\nif [[ -n "$out" ]]; then\n  echo $out\n  exit 1\nfi', ("gofmt", "-l", ".")),
        ('diff=$(gofmt -d .); [ -z "$diff" ]', ("gofmt", "-d", ".")),
        ("[ $(gofmt -l . | wc -l) -eq 0 ]", ("gofmt", "-l", ".")),
    ],
)
def test_ways_to_say_that_nothing_may_be_found_are_read(text: str, expected: tuple[str, ...]) -> None:
    assert [command.argv for command in parse_step(text, paths=SOURCES)] == [expected]


def test_what_find_asks_beyond_names_is_left_out() -> None:
    assert not parse_step("find . -perm 755 | xargs shellcheck", paths=SOURCES)


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shfmt -f . | xargs shfmt -d -i 2", [("shfmt", "-d", "-i", "2", ".")]),
        ('shfmt -l -d "$(shfmt -f src)"', [("shfmt", "-l", "-d", "src")]),
        (
            "black --check $(git diff --name-only origin/main...HEAD -- '*.md')",
            [("black", "--check", "x.md")],
        ),
        (
            "git diff --name-only --diff-filter=d origin/${BASE} | grep -E '\\.ts$' | xargs prettier --check",
            [("prettier", "--check", "sub/src/a/b.ts", "sub/src/c.ts")],
        ),
        ("eslint $(git diff --name-only origin/main)", []),
    ],
)
def test_listings_of_files_are_read(text: str, expected: list[tuple[str, ...]]) -> None:
    found = [
        tuple(word for word in argv if word not in {".hidden.md", "docs/a b.md"}) for argv in argvs(text)
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("terraform -chdir=sub fmt -check", [("sub", "terraform fmt -check")]),
        ("uv run --directory sub black --check .", [("sub", "black --check .")]),
        ("uv --directory sub run -- ruff check", [("sub", "ruff check")]),
        ("poetry -C sub run isort -c .", [("sub", "isort -c .")]),
        ("terraform -chdir=.. fmt -check", []),
        ("uv run black --directory sub", [(".", "black --directory sub")]),
    ],
)
def test_a_program_may_be_told_to_go_somewhere_first(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(command.cwd, " ".join(command.argv)) for command in parse_step(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DIRS='src tests'\nblack --check $DIRS", ["black --check src tests"]),
        ('export D="src"\nreadonly E="$D/a"\nruff check "${E}"', ["ruff check src/a"]),
        ("black --check ${PLACE:-src}", ["black --check src"]),
        ("black --check $OUTER", ["black --check given"]),
        ("D=a\nD=b\nblack --check $D", []),
        ("for f in a b; do echo; done\nblack --check $f", []),
        ("D=$(pick)\nblack --check $D", []),
        ("if [ -d sub ]; then\n  D=sub\nelse\n  D=other\nfi\nruff check $D", ["ruff check sub"]),
        ("if [ -f none ]; then\n  D=sub\nfi\nruff check .", ["ruff check ."]),
        ("cd sub && black --check $(git rev-parse --show-toplevel)/src", ["black --check ../src"]),
        ("cd sub\ncd ${{ github.workspace }}/sub/src\nruff check $GITHUB_WORKSPACE", ["ruff check ../.."]),
    ],
)
def test_constants_of_a_shell_text_are_filled_in(text: str, expected: list[str]) -> None:
    found = parse_step(text, paths=FILES, env={"OUTER": "given"})
    assert [" ".join(each.argv) for each in found if each.argv[0] in {"black", "ruff"}] == expected


def test_the_sandbox_keeps_its_own_variables() -> None:
    found = parse_step(
        "ruff check", env={"CARGO_TARGET_DIR": "x", "FORCE_COLOR": "1", "RUSTFLAGS": "-D warnings"}
    )
    assert [command.env for command in found] == [(("RUSTFLAGS", "-D warnings"),)]
