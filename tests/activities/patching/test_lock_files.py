from collections.abc import Awaitable, Callable, Mapping

import pytest

from activities.patching.sandbox import Sandbox
from workflows.models import FailureClass, PatchRequest, ProofState, Proposal

PROJECT = '[project]\nname = "app"\nversion = "{}"\nrequires-python = ">=3.11"\ndependencies = ["idna"]\n'
LOCK = f"""\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1.0"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "idna" }},
]

[package.metadata]
requires-dist = [{{ name = "idna" }}]

[[package]]
name = "idna"
version = "3.10"
source = {{ registry = "https://packages.example/simple" }}
wheels = [
    {{ url = "https://files.example/x/idna-3.10-py3-none-any.whl", hash = "sha256:{"a" * 64}" }},
]
"""
CRATE = '[package]\nname = "app"\nversion.workspace = true\n\n[dependencies]\nserde = "1"\n'
CARGO_LOCK = """\
version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "serde",
]

[[package]]
name = "serde"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aa"
"""
NPM_LOCK = """\
{
  "name": "app",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {
      "name": "app",
      "version": "1.0.0"
    }
  }
}
"""
Commit = Callable[[Mapping[str, str]], str]
RequestFor = Callable[..., PatchRequest]
Propose = Callable[..., Awaitable[Proposal]]


async def repaired(
    files: Mapping[str, str], command: str, request_for: RequestFor, propose: Propose, log: str = ""
) -> Proposal:
    return await propose(request_for(files, command, failure_class=FailureClass.DEPENDENCY, log=log))


def changed(proposal: Proposal) -> list[str]:
    return [
        line for line in proposal.diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]


@pytest.mark.parametrize("command", ["uv lock --check", "uv sync --locked --dev"])
async def test_a_new_version_of_the_project_is_written_although_its_packages_are_not_at_hand(
    command: str, sandbox: Sandbox, request_for: RequestFor, propose: Propose
) -> None:
    if not sandbox.has("uv"):
        pytest.skip("uv cannot be installed here")
    files = {"pyproject.toml": PROJECT.format("0.2.0"), "uv.lock": LOCK}
    proposal = await repaired(files, command, request_for, propose)
    assert proposal.proof.state is ProofState.PROVED
    assert changed(proposal) == ['-version = "0.1.0"', '+version = "0.2.0"']


async def test_a_lock_file_that_a_merge_broke_is_taken_from_the_parent(
    sandbox: Sandbox, commit: Commit, request_for: RequestFor, propose: Propose
) -> None:
    if not sandbox.has("uv"):
        pytest.skip("uv cannot be installed here")
    files = {"pyproject.toml": PROJECT.format("0.1.0"), "uv.lock": LOCK}
    commit(files)
    broken = LOCK.replace("wheels = [\n", "wheels = [\n<<<<<<< HEAD\n")
    proposal = await repaired({**files, "uv.lock": broken}, "uv lock --check", request_for, propose)
    assert proposal.proof.state is ProofState.PROVED
    assert changed(proposal) == ["-<<<<<<< HEAD"]
    assert proposal.summary == "Took uv.lock from the commit's parent, since it cannot be read."


async def test_a_parents_lock_file_that_fits_the_manifest_no_more_is_not_taken(
    sandbox: Sandbox, commit: Commit, request_for: RequestFor, propose: Propose
) -> None:
    if not sandbox.has("uv"):
        pytest.skip("uv cannot be installed here")
    files = {"pyproject.toml": PROJECT.format("0.1.0"), "uv.lock": LOCK}
    commit(files)
    wanted = PROJECT.format("0.1.0").replace('"idna"', '"idna", "attrs"')
    proposal = await repaired(
        {"pyproject.toml": wanted, "uv.lock": LOCK + "<<<<<<<\n"}, "uv lock --check", request_for, propose
    )
    assert proposal.diff == ""
    assert "commands have no network here" in proposal.summary


async def test_conflict_marks_in_a_lock_file_of_npm_are_undone(
    sandbox: Sandbox, commit: Commit, request_for: RequestFor, propose: Propose
) -> None:
    if not sandbox.has("npm"):
        pytest.skip("npm cannot be installed here")
    files = {"package.json": '{"name": "app", "version": "1.0.0"}\n', "package-lock.json": NPM_LOCK}
    commit(files)
    broken = NPM_LOCK.replace('  "version"', '<<<<<<< HEAD\n  "version"', 1)
    proposal = await repaired({**files, "package-lock.json": broken}, "npm ci", request_for, propose)
    assert (proposal.proof.state, changed(proposal)) == (ProofState.PROVED, ["-<<<<<<< HEAD"])


async def test_a_version_that_a_cargo_workspace_shares_is_written_and_ci_decides(
    sandbox: Sandbox, request_for: RequestFor, propose: Propose
) -> None:
    if not sandbox.has("cargo"):
        pytest.skip("cargo cannot be installed here")
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["app"]\n\n[workspace.package]\nversion = "0.2.0"\n',
        "Cargo.lock": CARGO_LOCK,
        "app/Cargo.toml": CRATE,
        "app/src/main.rs": "fn main() {}\n",
    }
    proposal = await repaired(files, "cargo build --locked", request_for, propose)
    assert changed(proposal) == ['-version = "0.1.0"', '+version = "0.2.0"']
    assert proposal.proof.state is ProofState.NOT_PROVED_HERE
    assert "CI decides" in proposal.proof.detail
