"""Small repositories as people have them: their failing step, repaired and proved by the real tools."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from activities.patching.sandbox import Sandbox
from workflows.models import FailureClass, PatchRequest, ProofState, Proposal

UNTIDY = "x = {  'a':1 }\n"
SCRIPT = "const x = {a:1}\nmodule.exports = x\n"
SHELL = "#!/bin/bash\nif true; then\necho x\nfi\n"
CARGO = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
LOCK = '# @generated\nversion = 4\n\n[[package]]\nname = "app"\nversion = "0.0.9"\n'
MUTABLE = 'fn main() {\n    let mut x = 2;\n    println!("{x}");\n}\n'
WORKFLOW = "on: push\njobs:\n  check:\n    runs-on: ubuntu-latest\n"


@dataclass(frozen=True)
class Case:
    """A repository and its failing step."""

    files: Mapping[str, str]
    command: str | None
    recipe: str
    needs: tuple[str, ...]
    """Programs without which it says nothing."""
    folder: str | None = None
    step: str | None = None
    failure_class: FailureClass = FailureClass.FORMAT


def generated(text: str, makefile: str = "") -> dict[str, str]:
    """A repository whose `out.txt` is not what `generate.py` makes."""
    return {
        "generate.py": f"open('{text}', 'w').write('new\\n')\n",
        "print.py": "print('new')\n",
        "out.txt": "old\n",
        **({"Makefile": makefile} if makefile else {}),
    }


CASES: dict[str, Case] = {
    "tox, a section for several environments": Case(
        {
            "a.py": UNTIDY,
            "tox.ini": "[testenv:{style,types}]\ncommands =\n  style: black --check .\n  types: mypy\n",
        },
        "tox run -e style",
        "black",
        ("black",),
    ),
    "tox, values of other sections": Case(
        {
            "src/a.py": UNTIDY,
            "tox.ini": "[x]\nsrc = src\n[testenv:a]\ncommands = {[testenv:b]commands}\n"
            "[testenv:b]\ncommands = black --check {[x]src}\n",
        },
        "python -m tox -e a",
        "black",
        ("black",),
    ),
    "tox, whatever runs by default": Case(
        {
            "a.py": UNTIDY,
            "tox.ini": "[tox]\nenv_list = py3{11,12}, lint\n[testenv:lint]\ncommands = black --check .\n",
        },
        "tox",
        "black",
        ("black",),
    ),
    "tox, in another folder": Case(
        {
            "docs/a.py": UNTIDY,
            "tox.ini": "[testenv:lint]\nchangedir = docs\ncommands = black --check {toxinidir}/docs\n",
        },
        "tox -e lint",
        "black",
        ("black",),
    ),
    "nox, by tag, with words of its own": Case(
        {
            "a.py": "import os\n",
            "noxfile.py": "import nox\n\n\n@nox.session(tags=['style'])\ndef lint(session):\n"
            "    paths = session.posargs or ['a.py']\n    session.run('ruff', 'check', *paths)\n",
        },
        "nox -t style",
        "ruff-check",
        ("ruff",),
        failure_class=FailureClass.LINT,
    ),
    "a script with values and a folder of its own": Case(
        {
            "src/a.py": UNTIDY,
            "scripts/check": '#!/bin/sh -e\ncd "$(dirname "$0")/.."\nexport PREFIX=""\n'
            'if [ -d \'venv\' ] ; then\n    export PREFIX="venv/bin/"\nfi\nexport SOURCE="src"\n\nset -x\n\n'
            "${PREFIX}black --check $SOURCE\n",
        },
        "scripts/check",
        "black",
        ("black",),
    ),
    "a script with arguments": Case(
        {"src/a.py": UNTIDY, "ci.sh": 'black "$@"\n'}, "bash ci.sh --check src", "black", ("black",)
    ),
    "a script that chooses by its argument": Case(
        {
            "src/a.py": UNTIDY,
            "ci/run.sh": '#!/bin/bash\nset -e\nlint() {\n  black --check "${1:-src}"\n}\n'
            'case "$1" in\n  lint)\n    lint\n    ;;\n  test)\n    pytest\n    ;;\nesac\n',
        },
        "ci/run.sh lint",
        "black",
        ("black",),
    ),
    "a value that the workflow gives": Case(
        {"src/a.py": UNTIDY, ".github/workflows/ci.yml": f"env: {{SRC: src}}\n{WORKFLOW}"},
        "black --check $SRC",
        "black",
        ("black",),
    ),
    "warnings that the workflow makes errors": Case(
        {
            "Cargo.toml": CARGO,
            "src/main.rs": MUTABLE,
            ".github/workflows/ci.yml": WORKFLOW
            + "    env:\n      RUSTFLAGS: -D warnings\n      CARGO_TERM_COLOR: always\n",
        },
        "cargo clippy --all-targets",
        "cargo-clippy",
        ("cargo",),
        failure_class=FailureClass.LINT,
    ),
    "a hook that the workflow skips": Case(
        {
            "a.py": UNTIDY,
            ".pre-commit-config.yaml": "repos:\n- repo: x\n  hooks: [{id: black}, {id: codespell}]\n",
            "a.txt": "recieve\n",
            ".github/workflows/ci.yml": WORKFLOW
            + "    steps:\n    - uses: pre-commit/action@v3\n      env: {SKIP: codespell}\n",
        },
        None,
        "black",
        ("black", "codespell"),
        step="Run pre-commit/action@v3",
    ),
    "hooks of the repository's own that repair": Case(
        {
            "a.py": "import os\nx  = 1\n",
            ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n"
            "  - {id: r, entry: uv run ruff check --fix, language: system, types: [python]}\n"
            "  - {id: f, entry: ruff format, language: system, types: [python]}\n",
        },
        "pre-commit run --all-files",
        "ruff-check+ruff-format",
        ("ruff",),
        failure_class=FailureClass.LINT,
    ),
    "prettier in a folder that the command enters": Case(
        {"web/a.js": SCRIPT, "web/package.json": '{"scripts":{"format:check":"prettier --check a.js"}}'},
        "npm --prefix web run format:check",
        "prettier",
        ("prettier",),
    ),
    "deno without a path": Case({"a.ts": "const x = {a:1}\n"}, "deno fmt --check", "deno-fmt", ("deno",)),
    "biome beyond scripts": Case(
        {"a.json": '{"a":1,\n"b":2}\n'}, "npx @biomejs/biome format .", "biome-format", ("biome",)
    ),
    "terraform in another folder": Case(
        {"infra/a.tf": "locals {\n  a=1\n}\n"},
        "terraform -chdir=infra fmt -check",
        "terraform-fmt",
        ("terraform",),
    ),
    "uv in another folder": Case(
        {"backend/a.py": UNTIDY}, "uv run --directory backend black --check .", "black", ("black",)
    ),
    "the shell scripts that shfmt finds": Case(
        {"a.sh": SHELL}, "shfmt -f . | xargs shfmt -d -i 2", "shfmt", ("shfmt",)
    ),
    "what shfmt lists": Case({"a.sh": SHELL}, "shfmt -l -d $(shfmt -f .)", "shfmt", ("shfmt",)),
    "a frozen lock file": Case(
        {"Cargo.toml": CARGO, "Cargo.lock": LOCK, "src/main.rs": "fn main() {}\n"},
        "cargo check --frozen",
        "cargo-lock-check",
        ("cargo",),
        failure_class=FailureClass.DEPENDENCY,
    ),
    "a formatter and git's comparison": Case(
        {"a.py": UNTIDY},
        'black .\nif [ -n "$(git status --porcelain)" ]; then\n  git diff\n  exit 1\nfi',
        "regenerate",
        ("black",),
    ),
    "a generator behind make": Case(
        generated("out.txt", "gen:\n\tpython3 generate.py\ncheck: gen\n\tgit diff --exit-code\n"),
        "make check",
        "regenerate",
        ("make",),
        failure_class=FailureClass.UNIT_TEST,
    ),
    "a generator that prints": Case(
        generated("out.txt"), "python3 print.py > out.txt\ngit diff --exit-code", "regenerate", ()
    ),
    "a generated file that is new": Case(
        generated("new.txt"), 'python3 generate.py\ntest -z "$(git status --porcelain)"', "regenerate", ()
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_the_failing_step_is_made_green(
    case: Case,
    sandbox: Sandbox,
    request_for: Callable[..., PatchRequest],
    propose: Callable[..., Awaitable[Proposal]],
) -> None:
    if not all(map(sandbox.has, case.needs)):
        pytest.skip(f"{' and '.join(case.needs)} cannot be installed here")
    proposal = await propose(
        request_for(
            case.files, case.command, failure_class=case.failure_class, folder=case.folder, step=case.step
        )
    )
    assert (proposal.recipe, proposal.proof.state) == (case.recipe, ProofState.PROVED), proposal.summary


@pytest.mark.parametrize(
    "command",
    [
        "python3 fail.py\ngit diff --exit-code",
        "python3 random.py\ngit diff --exit-code",
        "true\ngit diff --exit-code",
        "python3 fail.py | cat\ngit diff --exit-code",
    ],
)
async def test_what_cannot_be_generated_here_is_not_guessed(
    command: str, request_for: Callable[..., PatchRequest], propose: Callable[..., Awaitable[Proposal]]
) -> None:
    files = {
        "fail.py": "open('out.txt', 'w').write('half')\nraise SystemExit(1)\n",
        "random.py": "import uuid\nopen('out.txt', 'w').write(uuid.uuid4().hex)\n",
        "out.txt": "old\n",
    }
    proposal = await propose(request_for(files, command, failure_class=FailureClass.FORMAT))
    assert proposal.diff == ""
