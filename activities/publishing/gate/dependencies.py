"""What a patch makes a project depend on."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from activities.publishing.gate import structures
from activities.publishing.gate.files import Base, Change
from activities.publishing.gate.findings import Finding, doubtful, refused
from activities.publishing.gate.inventory import Inventory
from activities.publishing.gate.places import declares_dependencies
from activities.publishing.gate.structures import Entries, Key
from workflows.models import Diagnosis, FailureClass

MANIFESTS: Final = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "Pipfile",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements/dev.txt",
    "requirements/base.txt",
    "dev-requirements.txt",
    "environment.yml",
    "package.json",
    "deno.json",
    "go.mod",
    "Cargo.toml",
)
"""Where projects say what they depend on, at their root and above each file."""

_DEPENDENCIES: Final = re.compile(
    r"(?:.*-)?dependenc(?:y|ies)(?:-groups)?|requires|install-requires|extras-require|overrides|resolutions|engines|optional-dependencies"
    r"|dependency-groups|packages|dev-packages|peer-?dependencies-?meta|patch|package-manager|sources|requires-python|rust-version"
)
_REQUIREMENTS: Final = re.compile(r"(?:.*requirements.*|constraints.*)\.(?:txt|in)|(?:.*/)?requirements/.*")
_NAME: Final = re.compile(r"\s*[\"']?(@?[A-Za-z0-9][\w.\-/]{0,200})")
_ELSEWHERE: Final = re.compile(
    r"git\+|^git:|^npm:|://|^file:|^link:|^portal:|^github:|^[\w-]+/[\w.-]+$|^\.{1,2}/|^/"
)
_OPTION: Final = re.compile(
    r"^\s*(?:-i\b|-f\b|--(?:index-url|extra-index-url|find-links|trusted-host|no-index|pre))", re.MULTILINE
)
_IMPORTED_AS: Final = {
    "_pytest": "pytest",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "github": "pygithub",
    "google": "google-",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "mysqldb": "mysqlclient",
    "openssl": "pyopenssl",
    "pil": "pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Packages that are imported by another name than they are installed by."""
_MODULE: Final = re.compile(r"^(?:\s{1,8}|\s{0,8}require\s{1,8})([\w.~/-]{1,300})\s{1,8}v\d", re.MULTILINE)
_REPLACED: Final = re.compile(r"=>|^\s{0,8}(?:use|godebug)\b", re.MULTILINE)
_SUM: Final = re.compile(r"^(\S{1,300} \S{1,100}) (h1:\S{1,100})$", re.MULTILINE)


def manifests_above(path: str) -> list[str]:
    """Where the manifests may be that say what the file at `path` may import."""
    parts = path.split("/")[:-1]
    folders = ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]
    return [f"{folder}/{name}".lstrip("/") for folder in folders for name in MANIFESTS]


def findings(
    change: Change, read: tuple[Inventory, Inventory] | None, base: Base, diagnosis: Diagnosis
) -> Iterator[Finding]:
    """What speaks against the dependencies that a file gains."""
    if read is not None:
        yield from _imported(change, read[1].packages - read[0].packages, base)
    if _REQUIREMENTS.fullmatch(change.path.lower()):
        yield from _requirements(change, diagnosis)
    if change.name == "go.sum":
        yield from _sums(change)
    if change.name in {"go.mod", "go.work"}:
        yield from _modules(change, diagnosis)
    if structures.is_structured(change.name):
        try:
            before = structures.parse(change.name, change.before) if change.before else {}
            old, new = structures.flat(before), structures.flat(structures.parse(change.name, change.after))
        except structures.UnreadableError:
            return
        if "lock" in change.name or change.name == "npm-shrinkwrap.json":
            yield from _locked(change, old, new)
        else:
            yield from _declared(change, old, new, diagnosis)


def _imported(change: Change, gained: set[str], base: Base) -> Iterator[Finding]:
    if not gained:
        return
    own = {part.partition(".")[0].lower() for path in base.modes for part in path.split("/")}
    declared = _squeezed(
        "\n".join(
            base.files[path].content.decode(errors="replace")
            for path in manifests_above(change.path)
            if path in base.files
        )
    )
    for name in sorted(gained):
        plain = name.lower()
        known = plain.partition("/")[0] in own or _is_declared(_IMPORTED_AS.get(plain, plain), declared)
        if not known:
            yield doubtful(f"uses the package {name[:80]}, which nothing declares")


def _is_declared(name: str, declared: str) -> bool:
    """Whether a package, or the module that its path begins with, is named by a manifest."""
    parts = name.split("/")
    return any(
        re.search(rf"(?<![\w@/]){re.escape(_squeezed('/'.join(parts[:length])))}(?![a-z0-9/])", declared)
        for length in range(len(parts), 0, -1)
        if length == 1 or "." in parts[0] or name.startswith("@")
    )


def _squeezed(text: str) -> str:
    return text.lower().replace("_", "-")


def _names(diagnosis: Diagnosis, package: str) -> bool:
    """Whether the failure speaks of a package."""
    told = _squeezed("\n".join((diagnosis.root_cause, *diagnosis.evidence_lines)))
    name = _squeezed(package)
    import_name = next((short for short, long in _IMPORTED_AS.items() if long == name), name)
    return any(
        re.search(rf"(?<![a-z0-9]){re.escape(each)}(?![a-z0-9])", told) for each in (name, import_name)
    )


def _requirements(change: Change, diagnosis: Diagnosis) -> Iterator[Finding]:
    old, new = Counter(_required(change.before or "")), Counter(_required(change.after))
    for name in new.keys() - old.keys():
        if not _names(diagnosis, name):
            yield doubtful(f"adds the dependency {name[:80]}, which the failure does not name")
    if len(_OPTION.findall(change.after)) > len(_OPTION.findall(change.before or "")):
        yield refused("takes packages from another place")
    before, after = (_places(text or "") for text in (change.before, change.after))
    if after - before:
        yield doubtful("takes a package from another place")
    hashed = _with_checksum(change.before or "")
    if hashed & new.keys() - _with_checksum(change.after) or (
        "--require-hashes" in (change.before or "") and "--require-hashes" not in change.after
    ):
        yield refused("drops the checksum of a package")


def _with_checksum(text: str) -> set[str]:
    """The packages whose checksum is demanded."""
    joined = re.sub(r"\\\r?\n", " ", text)
    return {
        _squeezed(found[1])
        for line in joined.splitlines()
        if "--hash=" in line and (found := _NAME.match(line))
    }


def _required(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.strip().startswith(("#", "-")) and (found := _NAME.match(line)):
            yield _squeezed(found[1])


def _places(text: str) -> set[str]:
    return {
        line.strip()
        for line in text.splitlines()
        if "://" in line or line.strip().startswith(("-e", "-r", "--requirement", "./", "git+"))
    }


def _sums(change: Change) -> Iterator[Finding]:
    before, after = (dict(_SUM.findall(text or "")) for text in (change.before, change.after))
    if any(after.get(module, checksum) != checksum for module, checksum in before.items()):
        yield refused("changes the checksum of a version that was locked")


def _modules(change: Change, diagnosis: Diagnosis) -> Iterator[Finding]:
    before, after = (set(_MODULE.findall(text or "")) for text in (change.before, change.after))
    for name in sorted(after - before):
        if not _names(diagnosis, name):
            yield doubtful(f"adds the dependency {name[:80]}, which the failure does not name")
    if len(_REPLACED.findall(change.after)) > len(_REPLACED.findall(change.before or "")):
        yield doubtful("takes a package from another place")


def _locked(change: Change, old: Entries, new: Entries) -> Iterator[Finding]:
    """A lock file may lock other versions, from the same place; a locked version keeps its checksum."""
    changed = [key for key, values in new.items() if old.get(key, values) != values]
    versions = {key[:-1] for key in changed if key[-1] == "version"}
    for key in changed:
        if (
            key[-1] in {"integrity", "checksum", "sha256"}
            and key[:-1] not in versions
            and structures.LIST not in key
        ):
            yield refused("changes the checksum of a version that was locked")
            return
    sums = re.compile(
        r'name = "([^"\n]{1,200})"\nversion = "([^"\n]{1,100})"(?:\n[^\n]{1,400}){0,2}?'
        r'\nchecksum = "(\w{1,128})"'
    )
    before, after = (
        {found[:2]: found[2] for found in sums.findall(text or "")} for text in (change.before, change.after)
    )
    if any(after.get(each, checksum) != checksum for each, checksum in before.items()):
        yield refused("changes the checksum of a version that was locked")
    sources = {key for key in new if key[-1] in {"resolved", "source", "registry", "url", "git"}}
    if any(
        _ELSEWHERE.search(value) and "://" not in value
        for key in sources
        for value in new[key] - old.get(key, Counter())
    ):
        yield doubtful("takes a package from another place")


def _declared(change: Change, old: Entries, new: Entries, diagnosis: Diagnosis) -> Iterator[Finding]:
    if not declares_dependencies(change.path):
        return
    if diagnosis.failure_class is FailureClass.DEPENDENCY and change.before is not None:
        others = [
            key
            for key in dict.fromkeys((*old, *new))
            if old.get(key) != new.get(key) and not _is_dependency(key)
        ]
        if others:
            yield doubtful(f"changes more than dependencies: {'.'.join(others[0])[:80]}")
    before, after = set(_packages(old)), set(_packages(new))
    for name in sorted(after - before):
        if not _names(diagnosis, name):
            yield doubtful(f"adds the dependency {name[:80]}, which the failure does not name")
    for key, values in new.items():
        if _is_dependency(key) and any(
            _ELSEWHERE.search(value) for value in values - old.get(key, Counter())
        ):
            yield doubtful("takes a package from another place")


def _is_dependency(key: Key) -> bool:
    return any(
        _DEPENDENCIES.fullmatch(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", part).replace("_", "-").lower())
        for part in key
    )


def _packages(entries: Entries) -> Iterator[str]:
    """The names of dependencies: keys of a table of them, or the beginnings of the strings in a list."""
    for key, values in entries.items():
        if not _is_dependency(key):
            continue
        if key[-1] == structures.LIST:
            yield from (_squeezed(found[1]) for value in values if (found := _NAME.match(value)))
        else:
            at = next(i for i, part in enumerate(key) if _is_dependency((part,)))
            named = [
                part for part in key[at + 1 :] if part != structures.LIST and not _is_dependency((part,))
            ]
            if named and "group" not in named[:1]:
                yield _squeezed(named[0])
