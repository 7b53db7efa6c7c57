"""Lock files that are damaged, or lag behind by a version of the project itself: what takes no registry.

A tool that locks anew asks a registry for everything, and commands have no network here. So a lock file
that cannot be read, as after a merge, is taken from a parent of the commit; and where only a version of the
project's own has changed, that is written. The tool then says whether the lock file is right.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from activities.adapters.workspace import Workspace
from activities.errors import PermanentError
from activities.patching.bench import Bench, Draft, SetbackError
from activities.patching.checks import Check, examine, examine_base, proof_of, step_checks
from activities.patching.recipes.locks import LOCKS
from activities.patching.sandbox import SandboxUnavailableError
from workflows.models import PatchRequest, Proof, ProofState, Strategy

_LOCK_BYTES: Final = 8_000_000
_NAMES: Final = frozenset({"uv.lock", "Cargo.lock", "package-lock.json"})
_SIGN: Final = re.compile(
    r"(?i)\block ?file|\.lock\b|package-lock\.json|\bnpm ci\b|\buv lock\b|--(?:locked|frozen)\b"
)
_PACKAGE: Final = re.compile(r"^\[\[package\]\]\n(?:(?!\[\[)[^\n]*\n?)*", re.MULTILINE)
_OWN: Final = re.compile(
    r"^source = \{ (?:virtual|editable|directory) = \"(?P<folder>[^\"]+)\" \}$", re.MULTILINE
)
_VERSION: Final = re.compile(r"^version = \"(?P<version>[^\"]*)\"$", re.MULTILINE)
_UNREADABLE: Final = re.compile(r"(?i)failed to parse|EJSONPARSE|merge conflict|malformed")
_UNPROVED: Final = "Building takes packages of a registry, and commands have no network here; CI decides."


def speaks_of_lock_file(request: PatchRequest) -> bool:
    """Whether a log speaks of a lock file."""
    return any(
        _SIGN.search(job.excerpt.text) or _SIGN.search(job.command or "") for job in request.evidence.jobs
    )


def mend_lock_file(bench: Bench) -> Draft:
    """Repair a lock file without a registry, proved by its tool.

    Raises:
        SetbackError: The failing step checks none, or none of what can be tried passes.
    """
    checks = [
        check
        for check in step_checks(bench)
        if check.recipe in LOCKS and bench.sandbox.has(check.programs[0]) and not check.echoed
    ]
    try:
        for check in checks:
            draft = _mended(bench, check)
            if draft is not None:
                return draft
    except SandboxUnavailableError as error:
        raise SetbackError(f"Commands cannot be confined on this worker, so none was run: {error}") from error
    raise SetbackError("")


def _mended(bench: Bench, check: Check) -> Draft | None:
    before = examine_base(bench, [check])
    path = _lock_file(bench.workspace, check)
    if path is None or not before[0].exit_code or check.recipe is None:
        return None
    current = bench.workspace.read(path, max_bytes=_LOCK_BYTES) or b""
    unreadable = _UNREADABLE.search(before[0].output) is not None
    for text, told in _candidates(bench.workspace, path, current, unreadable=unreadable):
        bench.workspace.write(path, text)
        proof = proof_of([check], before, examine(bench, [check]))
        if proof.state is not ProofState.PROVED and not path.endswith("Cargo.lock"):
            continue
        if proof.state is not ProofState.PROVED:
            proof = Proof(state=ProofState.NOT_PROVED_HERE, command=proof.command, detail=_UNPROVED)
        return Draft(Strategy.RECIPE, check.recipe.name, told, proof, bench.changes([check.recipe]))
    bench.workspace.write(path, current)
    return None


def _lock_file(workspace: Workspace, check: Check) -> str | None:
    """The lock file that a check means: the nearest one at or above where it runs."""
    names = check.recipe.touches if check.recipe else ()
    known = frozenset(workspace.tracked)
    folder = PurePosixPath(check.command.cwd)
    for place in (folder, *folder.parents):
        for name in names:
            if name in _NAMES and str(place / name) in known:
                return str(place / name)
    return None


def _candidates(
    workspace: Workspace, path: str, current: bytes, *, unreadable: bool
) -> Iterator[tuple[bytes, str]]:
    """Contents to try, each with a sentence that says what was done."""
    name = PurePosixPath(path).name
    restamp = _RESTAMP.get(name)
    told = f"Took {name} from the commit's parent, since it cannot be read." if unreadable else ""
    for text in workspace.before(path) if unreadable else [current]:
        if text != current:
            yield text, told
        stamped = restamp(text.decode(errors="replace"), workspace, path).encode() if restamp else text
        if stamped != text:
            yield stamped, f"{told} Wrote the project's version into {name}.".strip()


def _restamped_uv(text: str, workspace: Workspace, path: str) -> str:
    """`uv.lock` with the versions that the project and its workspace's members say they have."""

    def stamp(found: re.Match[str]) -> str:
        own = _OWN.search(found.group())
        manifest = (
            _toml(workspace, PurePosixPath(path).parent / own["folder"] / "pyproject.toml") if own else {}
        )
        return _with_version(found.group(), manifest.get("project", {}).get("version"))

    return _PACKAGE.sub(stamp, text)


def _restamped_cargo(text: str, workspace: Workspace, path: str) -> str:
    """`Cargo.lock` with the versions that the workspace's own packages say they have."""
    root = PurePosixPath(path).parent
    shared = _toml(workspace, root / "Cargo.toml").get("workspace", {}).get("package", {}).get("version")
    own: dict[str, str] = {}
    for each in workspace.tracked:
        if PurePosixPath(each).name == "Cargo.toml" and PurePosixPath(each).is_relative_to(root):
            package = _toml(workspace, PurePosixPath(each)).get("package", {})
            version = package.get("version")
            own[str(package.get("name"))] = shared if isinstance(version, dict) else version

    def stamp(found: re.Match[str]) -> str:
        name = re.search(r"^name = \"([^\"]+)\"$", found.group(), re.MULTILINE)
        foreign = "\nsource = " in found.group()
        return found.group() if foreign or not name else _with_version(found.group(), own.get(name[1]))

    return _PACKAGE.sub(stamp, text)


_RESTAMP: Final[dict[str, Callable[[str, Workspace, str], str]]] = {
    "uv.lock": _restamped_uv,
    "Cargo.lock": _restamped_cargo,
}


def _with_version(block: str, version: Any) -> str:
    if not isinstance(version, str) or not re.fullmatch(r"\d[\w.+-]{0,60}", version):
        return block
    return _VERSION.sub(f'version = "{version}"', block, count=1)


def _toml(workspace: Workspace, path: PurePosixPath) -> dict[str, Any]:
    try:
        return tomllib.loads((workspace.read(str(path)) or b"").decode())
    except (PermanentError, ValueError, RecursionError):
        return {}
