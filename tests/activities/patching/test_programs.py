"""What stands behind programs of the repository's own, and behind less common task runners."""

import pytest

from activities.patching.commands import parse_step
from activities.patching.wrappers import unwrapped
from activities.patching.wrappers.tree import Tree

FILES = {
    "scripts/check.py": (
        "import subprocess\nimport sys\n\nPATHS = ['src', 'tests']\n\n\ndef main():\n"
        "    subprocess.run([sys.executable, '-m', 'black', '--check', *PATHS], check=True)\n"
        "    subprocess.check_call('isort -c .', shell=True)\n    subprocess.run(['ruff', str(here)])\n"
    ),
    "scripts/tool": "#!/usr/bin/env python3\nimport os\n\nos.system('black --check .')\n",
    "tasks.py": (
        "from invoke import task\n\nSRC = 'src'\n\n\n"
        "@task\ndef fmt(c):\n    c.run(f'black --check {SRC}')\n\n\n"
        "@task(pre=[fmt])\ndef lint_all(c):\n    c.run('ruff check')\n\n\n"
        "@task\ndef other(c):\n    c.run('x')\n"
    ),
    "noxfile.py": (
        "import nox\n\nROOT = 'src'\n\n\n@nox.session\ndef lint(session):\n    _format(session)\n"
        "    session.notify('types')\n    session.run('ruff', 'check', f'{ROOT}/a')\n\n\n"
        "def _format(session):\n    session.run('black', '--check', ROOT)\n\n\n"
        "@nox.session\ndef types(session):\n    session.run('mypy')\n"
    ),
    ".cargo/config.toml": "[alias]\nlint = 'clippy --all-targets'\nf = ['fmt', '--check']\n",
    "Makefile.toml": (
        "[tasks.lint]\ndependencies = ['f']\nscript = ['cargo clippy']\n"
        "[tasks.f]\ncommand = 'cargo'\nargs = ['fmt', '--', '--check']\n"
    ),
    "Rakefile": "task default: %i[spec rubocop]\ntask :ci => [:default]\n",
    "Makefile": (
        "include mk/lint.mk mk/none.mk\nFILES := $(shell git ls-files '*.py')\n"
        "list:\n\tblack --check $(FILES)\n"
    ),
    "mk/lint.mk": "included:\n\tblack --check .\n",
    "justfile": (
        "src := 'lib'\n\nlint *args='--check':\n  black {{args}} {{src}}\n\n"
        "whole:\n    #!/usr/bin/env bash\n    set -e\n    while x; do black --check .; done\n\n"
        "script:\n    #!/bin/bash\n    cd lib\n    black --check .\n"
    ),
    "lib/a.py": "",
    "Taskfile.yml": "vars:\n  SRC: lib\ntasks:\n  lint: black --check {{.SRC}} {{.CLI_ARGS}}\n",
    "Pipfile": '[scripts]\nlint = "black --check ."\n',
    "hatch.toml": (
        "[envs.default.scripts]\nfmt = 'black --check {args:.}'\n"
        "[envs.lint.scripts]\nall = ['fmt', 'style lib']\n"
        "style = 'ruff check {args:.}'\n"
    ),
    "pyproject.toml": (
        "[tool.rye.scripts]\nlint = {chain = ['fmt']}\nfmt = 'black --check .'\n"
        "[tool.poe.tasks]\nlint = [{ref = 'fmt'}, {cmd = 'ruff check'}]\nfmt = 'black --check .'\n"
    ),
    "package.json": (
        '{"scripts": {"lint": "wireit"}, "wireit": {"lint": {"command": "eslint .", "dependencies": ["fmt"]},'
        ' "fmt": {"command": "prettier --check ."}}}'
    ),
    "web/package.json": '{"name": "web", "scripts": {"style": "stylelint a.css"}}',
    ".pre-commit-config.yaml": (
        "repos:\n- repo: x\n  hooks:\n  - {id: uv-lock}\n  - {id: taplo, files: none, stages: [manual]}\n"
        "  - {id: clippy, stages: [manual]}\n"
    ),
}


def behind(command: str) -> list[str]:
    tree = Tree(FILES, lambda path: FILES[path].encode() if path in FILES else None)
    return [" ".join(each.argv) for each in unwrapped(parse_step(command, paths=tree.paths), tree)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python scripts/check.py --all", ["black --check src tests", "isort -c ."]),
        ("uv run python -m scripts.check", ["black --check src tests", "isort -c ."]),
        ("./scripts/tool", ["black --check ."]),
        ("invoke lint-all", ["black --check src", "ruff check"]),
        ("poetry run inv fmt", ["black --check src"]),
        ("nox -s lint", ["black --check src", "mypy", "ruff check src/a"]),
        ("cargo lint -- -D warnings", ["cargo clippy --all-targets -- -D warnings"]),
        ("cargo f", ["cargo fmt --check"]),
        ("cargo make lint", ["cargo fmt -- --check", "cargo clippy"]),
        ("bundle exec rake", ["rubocop"]),
        ("rake ci", ["rubocop"]),
        ("rake spec", []),
        ("make included", ["black --check ."]),
        ("make list", ["black --check lib/a.py scripts/check.py tasks.py noxfile.py"]),
        ("just lint", ["black --check lib"]),
        ("just lint --diff", ["black --diff lib"]),
        ("just script", ["black --check ."]),
        ("just whole", []),
        ("task lint", ["black --check lib"]),
        ("pipenv run lint", ["black --check ."]),
        ("hatch run lint:all", ["black --check .", "ruff check ."]),
        ("hatch -e lint run style", ["ruff check ."]),
        ("pipx run hatch run lint:fmt", ["black --check ."]),
        ("hatch fmt --check -l", ["ruff check ."]),
        ("rye run lint", ["black --check ."]),
        ("rye lint --all", ["ruff check"]),
        ("poe lint", ["black --check .", "ruff check"]),
        ("npm run lint", ["prettier --check .", "eslint ."]),
        ("npx nx format:check", ["prettier --check ."]),
        ("pnpm turbo style --filter=...[origin/main]", ["stylelint a.css"]),
        ("pnpm prettier --check .", ["prettier --check ."]),
        ("pnpm install --frozen-lockfile", ["pnpm install --frozen-lockfile"]),
        ("pre-commit run -a", ["uv lock --check"]),
        ("pre-commit run --hook-stage manual -a", ["cargo clippy"]),
    ],
)
def test_what_a_program_runs_is_read(command: str, expected: list[str]) -> None:
    found = behind(command)
    assert [sorted(each.split()) for each in found if each != "cd lib"] == [
        sorted(each.split()) for each in expected
    ]


def test_hatch_formats_with_its_own_line_length_where_the_repository_says_none() -> None:
    assert behind("hatch fmt --check -f") == [
        "ruff format --check --diff --config line-length = 120 --config format.docstring-code-format = true ."
    ]


def test_a_program_that_does_more_than_run_checks_stays_one_command_where_it_is_to_be_proved() -> None:
    tree = Tree(FILES, lambda path: FILES[path].encode() if path in FILES else None)
    parsed = parse_step("python scripts/check.py", paths=tree.paths)
    assert [each.argv for each in unwrapped(parsed, tree, programs=False)] == [("python", "scripts/check.py")]
