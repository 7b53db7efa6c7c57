"""No repair is green by weakening the check."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from activities.patching.demands import same_demands, states_demands
from activities.patching.recipe import FixCommand, Recipe
from activities.patching.recipes import RECIPES
from activities.patching.sandbox import Sandbox
from recipe_samples import SAMPLES
from workflows.models import PatchRequest, ProofState, Proposal

STATING = (
    *(
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
        ".flake8",
        ".pylintrc",
        "ruff.toml",
        ".ruff.toml",
        "mypy.ini",
    ),
    *("package.json", ".eslintrc.js", ".eslintrc.json", "eslint.config.mjs", ".eslintignore", ".prettierrc"),
    *(".prettierignore", "prettier.config.cjs", "biome.json", ".stylelintrc.json", ".markdownlint.yaml"),
    *(".markdownlint-cli2.jsonc", "rustfmt.toml", ".rustfmt.toml", "clippy.toml", ".golangci.yml"),
    *(
        ".clang-format",
        ".clang-tidy",
        ".rubocop.yml",
        ".editorconfig",
        ".pre-commit-config.yaml",
        "typos.toml",
    ),
    *("_typos.toml", ".codespellrc", "docs/codespell-ignore-words.txt", ".yamllint", ".shellcheckrc"),
    *(
        ".github/workflows/ci.yml",
        ".github/actions/lint/action.yml",
        ".circleci/config.yml",
        ".gitlab-ci.yml",
    ),
    *(
        "Makefile",
        "justfile",
        "noxfile.py",
        "sub/pyproject.toml",
        "tsconfig.json",
        ".gitignore",
        ".dockerignore",
    ),
)


@pytest.mark.parametrize("path", STATING)
def test_a_file_that_states_demands_is_known(path: str) -> None:
    assert states_demands(path)


@pytest.mark.parametrize("path", ["src/app.py", "README.md", "data.json", "docs/config.md", "Cargo.lock"])
def test_other_files_are_not_held_back(path: str) -> None:
    assert not states_demands(path)


@pytest.mark.parametrize(
    ("path", "before", "after", "same"),
    [
        ("a.toml", b"a=1\n", b"a = 1\n", True),
        ("a.toml", b"ignore=['x']\n", b"ignore=['x', 'y']\n", False),
        ("a.json", b'{"a":1}', b'{\n  "a": 1\n}\n', True),
        ("a.json", b'{"a":1}', b'{"a":2}', False),
        ("a.yml", b"a:   1\n", b"a: 1\n", True),
        ("a.yml", b"a: 1\n", b"a: 1\nb: 2\n", False),
        (".eslintrc.json", b'{"a":1, /* b */}', b'{ "a": 1 /* b */ }', True),
        ("eslint.config.js", b"x = {'a':1}", b'x = { "a": 1 };\n', True),
        ("eslint.config.js", b"x = {'a':'error'}", b"x = {'a':'off'}", False),
        (".prettierignore", b"a\nb", b"a\nb\n", True),
        (".prettierignore", b"a\n", b"a\nb\n", False),
        ("setup.cfg", b"ignore = a\n", b"ignore = a, b\n", False),
        ("setup.cfg", b"[a]\nc=1\nb=2,3\n", b"[a]\nb =\n    2\n    3\nc = 1\n", True),
        ("setup.cfg", b"[flake8]\nignore=a\n", b"[flake8]\nignore = a b\n", False),
        ("setup.cfg", b"[flake8]\nignore=a\n", b"[x]\nignore = a\n", False),
        ("a.toml", b"ignore=['y', 'x']\n", b"ignore = ['x', 'y']\n", True),
        ("a.toml", b"[[a]]\nb=1\n[[a]]\nb=2\n", b"[[a]]\nb=2\n[[a]]\nb=1\n", False),
        ("pyproject.toml", b"[project]\nname='x'\n", b"[project]\nname='x'\nclassifiers=['y']\n", True),
        ("pyproject.toml", b"[project]\nname='x'\n", b"[project]\nname='x'\nrequires-python='>=3'\n", False),
        ("a.yml", b"a: [", b"a: []", False),
        ("a.toml", b"\xff", b"\xff", False),
    ],
)
def test_a_layout_may_change_and_what_is_said_may_not(
    path: str, before: bytes, after: bytes, *, same: bool
) -> None:
    assert same_demands(path, before, after) is same


TOOLED = [row for row in RECIPES if isinstance(row.repair, FixCommand) and row.exercised]


@pytest.mark.parametrize("row", TOOLED, ids=lambda row: row.name)
async def test_a_tool_that_loosens_its_own_rules_has_its_repair_dropped(
    row: Recipe,
    sandbox: Sandbox,
    request_for: Callable[..., PatchRequest],
    propose: Callable[..., Awaitable[Proposal]],
    tmp_path: Path,
) -> None:
    """The row's program is stood in for by one that passes once a file of demands has another content."""
    sample = SAMPLES[row.name]
    assert isinstance(row.repair, FixCommand)
    folder = tmp_path / "tools" / "bin"
    folder.mkdir(parents=True)
    for program in row.repair.programs:
        tool = folder / program
        tool.write_text(
            "#!/bin/sh\ncd /workspace\nif [ -e /scratch/asked ]; then\n"
            "  for f in pyproject.toml package.json .prettierrc .flake8 .pre-commit-config.yaml; do\n"
            "    echo loosened >> $f; done\n  [ -e /scratch/twice ] && exit 0; : > /scratch/twice\nfi\n"
            ": > /scratch/asked\nexit 1\n"
        )
        tool.chmod(0o755)
    files = {**sample.files, ".prettierrc": "{}\n", ".flake8": "[flake8]\n"}
    request = request_for(files, sample.command, failure_class=sample.failure_class)
    proposal = await propose(request, sandbox=Sandbox(tools=[tmp_path / "tools"]))
    if row.touches == ("Cargo.lock",):  # another repair writes the version, which this tool cannot prove
        assert (proposal.files, proposal.proof.state) == (("Cargo.lock",), ProofState.NOT_PROVED_HERE)
        return
    assert proposal.diff == ""
    assert "no business with" in proposal.summary or "what checks demand" in proposal.summary, (
        proposal.summary
    )
