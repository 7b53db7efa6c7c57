"""What stands behind a wrapper, as far as it is plain."""

import pytest

from activities.patching.commands import parse_step
from activities.patching.recipes import fix_command_for
from activities.patching.wrappers import hooks, unwrapped
from activities.patching.wrappers.tree import Tree
from workflows.models import FailureClass

PACKAGE = (
    '{"scripts": {"lint": "npm run lint:js && npm run lint:css", "prelint": "prettier --check .",'
    ' "lint:js": "eslint src", "lint:css": "stylelint src", "all": "run-s lint:*", "loop": "npm run loop"}}'
)
MAKEFILE = """\
SOURCES := src tests
RUFF ?= ruff

.PHONY: lint format
lint: format ## Check
\t@$(RUFF) check ${SOURCES}
\t-mypy src
format:
\t$(RUFF) format --check $(SOURCES) \\
\t  --quiet
loop: loop
\tmake loop
"""
TOX = """\
[testenv]
commands =
    lint: flake8 {posargs:src}
    test: pytest

[testenv:style]
commands =
    black --check {toxinidir}/src
    - mypy src
"""
TOX_TOML = """\
[tool.tox.env.style]
commands = [["ruff", "check", "."], ["black", "--check", "."]]
"""
NOX = """\
import nox

PATHS = ["src", "tests"]

@nox.session(name="style")
def check_style(session):
    session.install("ruff")
    session.run("ruff", "check", *PATHS, *session.posargs)
    session.run("black", "--check", compute())
"""
HOOKS = """\
exclude: ^vendor/
repos:
- repo: https://example.org/ruff
  rev: v1
  hooks:
  - id: ruff
    args: [--fix, --select, I]
  - id: unknown
- repo: local
  hooks:
  - id: own
    entry: shfmt -d
    language: system
    types: [shell]
  - id: slow
    entry: black --check .
    language: system
    pass_filenames: false
    stages: [manual]
  - id: hostile
    entry: black --check
    language: system
    files: (a+)+$
"""
FILES = {
    "package.json": PACKAGE,
    "web/package.json": '{"scripts": {"lint": "eslint ."}}',
    "Makefile": MAKEFILE,
    "justfile": "lint path='.': fmt\n    ruff check .\nfmt:\n    ruff format --check .\n",
    "tox.ini": TOX,
    "noxfile.py": NOX,
    ".pre-commit-config.yaml": HOOKS,
    "pyproject.toml": (
        '[tool.poe.tasks]\nlint = ["style", "types"]\nstyle = "ruff check ."\ntypes = {cmd = "mypy ."}\n'
        '[tool.hatch.envs.lint.scripts]\nstyle = "black --check {args:.}"\n'
        '[tool.pdm.scripts]\nlint = {shell = "isort -c ."}\n'
    ),
    "scripts/lint.sh": "#!/bin/bash\nset -e\nruff check src\n",
    "scripts/tool": "\x7fELF",
    "src/a.py": "",
    "src/b.sh": "",
    "vendor/c.py": "",
}


def behind(command: str, files: dict[str, str] = FILES, cwd: str = ".") -> list[str]:
    tree = Tree(files, lambda path: files[path].encode() if path in files else None)
    parsed = parse_step(command, cwd=cwd, paths=tree.paths)
    return [" ".join(each.argv) for each in unwrapped(parsed, tree)]


@pytest.mark.parametrize(
    ("command", "commands"),
    [
        ("npm run lint", ["prettier --check .", "eslint src", "stylelint src"]),
        ("npm run lint:js -- --quiet", ["eslint src --quiet"]),
        ("yarn lint:js --quiet", ["eslint src --quiet"]),
        ("pnpm run lint:css", ["stylelint src"]),
        ("bun run lint:css", ["stylelint src"]),
        ("npm --prefix web run lint", ["eslint ."]),
        ("cd web && npm run lint", ["eslint ."]),
        ("npm run all", ["eslint src", "stylelint src"]),
        ("npm run loop", []),
        ("npm ci", ["npm ci"]),
        ("npm run absent", ["npm run absent"]),
        ("make lint", ["ruff format --check src tests --quiet", "ruff check src tests"]),
        (
            "make lint RUFF=/opt/ruff",
            ["/opt/ruff format --check src tests --quiet", "/opt/ruff check src tests"],
        ),
        ("make", ["ruff format --check src tests --quiet", "ruff check src tests"]),
        ("make loop", []),
        ("make absent", []),
        ("just lint", ["ruff format --check .", "ruff check ."]),
        ("tox -e style", ["black --check src"]),
        ("tox run -e py311-lint -- tests", ["flake8 tests"]),
        ("nox -s style -- x", ["ruff check src tests x"]),
        ("poe lint", ["ruff check .", "mypy ."]),
        ("hatch run lint:style", ["black --check ."]),
        ("pdm run lint", ["isort -c ."]),
        ("./scripts/lint.sh", ["set -e", "ruff check src"]),
        ("bash scripts/lint.sh", ["set -e", "ruff check src"]),
        ("scripts/tool", ["scripts/tool"]),
        (
            "pre-commit run --all-files",
            [
                "ruff check --force-exclude --select I src/a.py noxfile.py",
                "shfmt -d src/b.sh scripts/lint.sh",
            ],
        ),
        ("pre-commit run own --files x y", ["shfmt -d src/b.sh scripts/lint.sh"]),
        ("SKIP=ruff pre-commit run -a", ["shfmt -d src/b.sh scripts/lint.sh"]),
        ("pre-commit install", ["pre-commit install"]),
    ],
)
def test_a_wrapper_is_looked_through(command: str, commands: list[str]) -> None:
    assert sorted(map(sorted, map(str.split, behind(command)))) == sorted(
        map(sorted, map(str.split, commands))
    )


def test_tox_reads_its_native_configuration() -> None:
    assert behind("tox -e style", {"pyproject.toml": TOX_TOML}) == ["ruff check .", "black --check ."]


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("package.json", "{", "npm run lint"),
        ("package.json", '{"scripts": ["x"]}', "npm run lint"),
        ("pyproject.toml", "[", "poe lint"),
        ("tox.ini", "x", "tox -e lint"),
        ("noxfile.py", "def", "nox -s lint"),
        (".pre-commit-config.yaml", "a: [", "pre-commit run"),
        (".pre-commit-config.yaml", "[]", "pre-commit run"),
        ("Makefile", "\t\n:::\nlint\n", "make lint"),
    ],
)
def test_what_does_not_parse_hides_nothing_to_run(name: str, text: str, command: str) -> None:
    assert [each for each in behind(command, {name: text}) if each != command] == []


@pytest.mark.parametrize(
    ("command", "commands"),
    [
        ("rc=0; black --check . || rc=1; exit $rc", ["black --check ."]),
        ("if ! black --check .; then\n  echo 'run black'\n  exit 1\nfi", ["black --check ."]),
        ('test -z "$(gofmt -l .)"', ["gofmt -l ."]),
        ('[ -z "$(gofmt -l .)" ]', ["gofmt -l ."]),
        ('if [ -n "$(gofmt -l .)" ]; then\n  exit 1\nfi', ["gofmt -l ."]),
        ("diff -u <(echo -n) <(gofmt -d ./)", ["gofmt -d ./"]),
        ("git ls-files '*.sh' | xargs shellcheck", ["shellcheck src/b.sh scripts/lint.sh"]),
        ("find src -name '*.py' -print0 | xargs -0 black --check", ["black --check src/a.py"]),
        ("black --check . > report.txt 2>&1", ["black --check ."]),
        ("if ! black --check .; then\n  echo 'never mind'\nfi", []),
    ],
)
def test_an_idiom_of_the_shell_is_understood(command: str, commands: list[str]) -> None:
    found = [each for each in behind(command) if each.split()[0] not in {"rc=0", "exit"}]
    assert sorted(map(sorted, map(str.split, found))) == sorted(map(sorted, map(str.split, commands)))


RUNNERS = {
    "Taskfile.yml": (
        "version: '3'\ntasks:\n  lint:\n    deps: [format]\n    cmds:\n"
        "      - ruff check .\n      - task: types\n"
        "  format: ruff format --check .\n  types:\n    cmd: mypy .\n"
    ),
    "deno.json": '{"tasks": {"check": "deno fmt --check"}}',
    "composer.json": '{"scripts": {"cs": ["@fix", "phpcs src"], "fix": "php-cs-fixer fix --dry-run"}}',
    "pixi.toml": '[tasks]\nlint = { cmd = "ruff check ." }\n',
    "mise.toml": '[tasks.lint]\nrun = "ruff check ."\n',
    "package.json": '{"scripts": {"lint": "turbo run lint", "all": "npm run lint --workspaces"}}',
    "packages/a/package.json": '{"name": "@x/a", "scripts": {"lint": "eslint src"}}',
    "packages/b/package.json": '{"name": "@x/b", "scripts": {"lint": "prettier --check ."}}',
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("task lint", [("ruff format --check .", "."), ("ruff check .", "."), ("mypy .", ".")]),
        ("deno task check", [("deno fmt --check", ".")]),
        ("composer cs", [("php-cs-fixer fix --dry-run", "."), ("phpcs src", ".")]),
        ("composer run-script fix", [("php-cs-fixer fix --dry-run", ".")]),
        ("pixi run lint", [("ruff check .", ".")]),
        ("mise run lint", [("ruff check .", ".")]),
        ("rye lint", [("ruff check", ".")]),
        ("rye fmt --check", [("ruff format --check", ".")]),
        ("bash -c 'ruff check . && black --check .'", [("ruff check .", "."), ("black --check .", ".")]),
        ("npm run lint -w @x/a", [("eslint src", "packages/a")]),
        ("npm run lint --workspace=packages/b", [("prettier --check .", "packages/b")]),
        ("yarn workspace @x/a run lint", [("eslint src", "packages/a")]),
        ("pnpm --filter @x/b lint", [("prettier --check .", "packages/b")]),
        ("pnpm -r lint", [("eslint src", "packages/a"), ("prettier --check .", "packages/b")]),
        ("npx lerna run lint", [("eslint src", "packages/a"), ("prettier --check .", "packages/b")]),
        ("npx nx run-many -t lint", [("eslint src", "packages/a"), ("prettier --check .", "packages/b")]),
        ("npm run lint", [("eslint src", "packages/a"), ("prettier --check .", "packages/b")]),
        ("npm run all", [("eslint src", "packages/a"), ("prettier --check .", "packages/b")]),
    ],
)
def test_tasks_and_workspaces_are_looked_into(text: str, expected: list[tuple[str, str]]) -> None:
    tree = Tree(RUNNERS, lambda path: RUNNERS[path].encode() if path in RUNNERS else None)
    found = unwrapped(parse_step(text, paths=tree.paths), tree)
    assert [(" ".join(command.argv), command.cwd) for command in found] == expected


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_every_known_hook_is_a_check_that_a_recipe_repairs(hook: str) -> None:
    assert fix_command_for([*hooks.HOOKS[hook][0].split(), "file"], FailureClass.UNKNOWN)
