"""How far a check's own repair reaches."""

import importlib.metadata
import re
from collections.abc import Awaitable, Callable

import pytest

from activities.patching.versions import pinned_version
from activities.patching.wrappers.tree import Tree
from workflows.models import PatchRequest, ProofState, Proposal

Request = Callable[..., PatchRequest]
Propose = Callable[..., Awaitable[Proposal]]


async def test_a_formatter_keeps_to_the_files_that_the_log_names(
    request_for: Request, propose: Propose
) -> None:
    files = {"src/named.py": "x = {  'a':1 }\n", "src/other.py": "y = {  'b':2 }\n"}
    log = "would reformat /home/runner/work/app/app/src/named.py\n\nOh no!\n1 file would be reformatted."
    proposal = await propose(request_for(files, "black --check .", log=log))
    assert proposal.files == ("src/named.py",)
    assert proposal.proof.state is ProofState.IMPROVED
    assert "did not complain of" in proposal.proof.detail


async def test_files_that_a_cut_log_does_not_show_are_repaired_too(
    request_for: Request, propose: Propose
) -> None:
    files = {"src/named.py": "x = {  'a':1 }\n", "src/other.py": "y = {  'b':2 }\n"}
    log = "would reformat src/named.py\n… 4 lines omitted …\n2 files would be reformatted."
    proposal = await propose(request_for(files, "black --check .", log=log))
    assert proposal.files == ("src/named.py", "src/other.py")
    assert proposal.proof.state is ProofState.PROVED


async def test_each_check_of_a_step_keeps_to_the_files_that_the_log_names(
    request_for: Request, propose: Propose
) -> None:
    files = {
        "named.py": "x = {  'a':1 }\n",
        "other.py": "y = {  'b':2 }\n",
        "used.py": "import os\n",
        "late.py": "import sys\n",
    }
    command = "ruff check used.py late.py; black --check named.py other.py"
    log = "F401 [*] `os` imported but unused\n --> used.py:1:8\nwould reformat named.py\n"
    proposal = await propose(request_for(files, command, log=log))
    assert proposal.files == ("named.py", "used.py")


async def test_a_check_that_the_step_did_not_come_to_is_repaired_whole(
    request_for: Request, propose: Propose
) -> None:
    files = {"used.py": "import os\n", "late.py": "y = {  'b':2 }\n"}
    log = "F401 [*] `os` imported but unused\n --> used.py:1:8\n"
    proposal = await propose(request_for(files, "ruff check . && ruff format --check .", log=log))
    assert proposal.files == ("late.py", "used.py")
    assert proposal.proof.state is ProofState.PROVED


HOOKS = (
    "repos:\n- repo: x\n  hooks: [{id: black}, {id: codespell}, {id: trailing-whitespace}, {id: flake8}]\n"
)


async def test_hooks_that_the_log_does_not_call_failed_are_left_alone(
    request_for: Request, propose: Propose
) -> None:
    files = {
        ".pre-commit-config.yaml": HOOKS,
        "a.py": "x = {  'a':1 }\n",
        "b.txt": "we recieve it\n",
        "c.bin": "\0blank \n",
    }
    log = "black....Failed\n- hook id: black\n- files were modified by this hook\ncodespell....Passed\n"
    proposal = await propose(request_for(files, "pre-commit run --all-files", log=log))
    assert (proposal.files, proposal.proof.state) == (("a.py",), ProofState.PROVED)


async def test_hooks_for_text_leave_other_files_alone(request_for: Request, propose: Propose) -> None:
    files = {".pre-commit-config.yaml": HOOKS, "a.txt": "blank \n", "logo.design": "\0blank \n"}
    proposal = await propose(request_for(files, "pre-commit run --all-files"))
    assert (proposal.files, proposal.proof.state) == (("a.txt",), ProofState.PROVED)


async def test_a_linter_without_repair_of_its_own_has_only_its_findings_repaired(
    request_for: Request, propose: Propose
) -> None:
    files = {
        "a.py": "x=1\n\ny = f( 1)\n",
        "b.py": "x=1\n",
        ".flake8": "[flake8]\nselect = E225\nper-file-ignores = b.py:E225\n",
    }
    proposal = await propose(request_for(files, "flake8"))
    assert (proposal.files, proposal.proof.state) == (("a.py",), ProofState.PROVED)
    assert "f( 1)" not in proposal.diff.replace(" y = f( 1)", "")


async def test_a_name_that_nothing_uses_goes_when_nothing_safer_helps(
    request_for: Request, propose: Propose
) -> None:
    files = {
        "app.py": "def f():\n    unused = print('x')\n    import os\n",
        "ruff.toml": 'lint.select = ["F"]\n',
    }
    proposal = await propose(request_for(files, "ruff check ."))
    assert proposal.proof.state is ProofState.PROVED
    assert "+    print('x')" in proposal.diff


async def test_what_ruff_calls_unsafe_and_changes_behaviour_is_not_applied(
    request_for: Request, propose: Propose
) -> None:
    files = {"app.py": "print('x')\n", "ruff.toml": 'lint.select = ["T20"]\n'}
    proposal = await propose(request_for(files, "ruff check ."))
    assert proposal.diff == ""
    assert "nothing it repairs by itself" in proposal.summary


PINS = {
    ".pre-commit-config.yaml": (
        "repos:\n- repo: https://github.com/psf/black-pre-commit-mirror\n  rev: 23.1.0\n"
        "  hooks: [{id: black}]\n"
    ),
    "requirements-dev.txt": "pytest\nblack[jupyter]==23.1.0\n",
    "pyproject.toml": '[dependency-groups]\ndev = ["black == 23.1.0"]\n',
    "uv.lock": '[[package]]\nname = "black"\nversion = "23.1.0"\n',
    ".github/workflows/ci.yml": "jobs:\n  check:\n    steps:\n      - run: pip install black==23.1.0\n",
}


@pytest.mark.parametrize("file", PINS)
async def test_a_check_that_passes_here_tells_the_versions_apart(
    request_for: Request, propose: Propose, file: str
) -> None:
    proposal = await propose(request_for({"app.py": "x = 1\n", file: PINS[file]}, "black --check app.py"))
    assert proposal.diff == ""
    assert re.search(r"Here is black \d[\d.]+; the repository pins 23\.1\.0\.", proposal.summary)


async def test_a_version_that_agrees_is_not_mentioned(request_for: Request, propose: Propose) -> None:
    pin = f"ruff=={importlib.metadata.version('ruff')}\n"
    proposal = await propose(request_for({"app.py": "x = 1\n", "requirements.txt": pin}, "ruff check ."))
    assert "pins" not in proposal.summary


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("prettier", '{"devDependencies": {"prettier": "3.1.0"}}'),
        ("biome", '{"packages": {"node_modules/@biomejs/biome": {\n "version": "3.1.0"'),
        ("prettier", "npx prettier@3.1.0 --check ."),
    ],
)
def test_pins_of_packages_are_read(tool: str, text: str) -> None:
    tree = Tree(["package.json"], lambda _: text.encode())
    assert pinned_version(tool, tree, "none.yml") == "3.1.0"
    assert pinned_version("other", tree, "none.yml") is None


async def test_flake8s_unused_imports_go_and_other_rules_are_left_alone(
    request_for: Request, propose: Propose
) -> None:
    files = {
        "app.py": "import os\n\nimport sys\n\n\ndef f():\n    unused = 1\n    print(sys.argv)\n",
        ".flake8": "[flake8]\nextend-ignore = F841\n",
    }
    log = "app.py:1:1: F401 'os' imported but unused"
    proposal = await propose(request_for(files, "flake8 --max-line-length=100 .", log=log))
    assert proposal.proof.state is ProofState.PROVED
    changed = [
        line for line in proposal.diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    assert changed in (["-import os", "-"], ["-import os"])
