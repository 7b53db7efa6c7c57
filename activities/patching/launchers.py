"""Words before a program that only find it and start it: `uv run`, `python -m`, `npx`, `docker run IMAGE`."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

_LAUNCHERS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(valued.split())
    for name, valued in {
        # Python
        "uv run": "--with --group --extra --python -p --only-group --no-group --package",
        "uv tool run": "--with --from --python -p",
        "uvx": "--with --from --python -p",
        "pipx run": "--spec --python --index-url --pip-args",
        "poetry run": "",
        "pipenv run": "",
        "pdm run": "-p",
        "hatch run": "",
        "rye run": "",
        "conda run": "-n --name -p --prefix",
        "mamba run": "-n --name -p --prefix",
        "micromamba run": "-n --name -p --prefix",
        "pixi run": "-e --environment",
        # JavaScript
        "npx": "-p --package",
        "npm exec": "-p --package",
        "pnpm exec": "",
        "pnpm dlx": "--package",
        "yarn run": "",
        "yarn exec": "",
        "yarn dlx": "-p --package",
        "yarn": "",
        "bunx": "",
        "bun x": "",
        "bun run": "",
        "cross-env": "",
        "cross-env-shell": "",
        # others
        "bundle exec": "",
        "composer exec": "",
        "go tool": "",
        "mise exec": "",
        "nix develop -c": "",
        "nix develop --command": "",
        "sudo": "-u -g",
        "time": "",
        "command": "",
        "exec": "",
        "env": "-u",
        "nice": "-n",
        "xvfb-run": "-s -n --server-args --server-num",
        "dbus-run-session": "",
    }.items()
}
"""With those of their options that take a value."""
_SCOPED: Final = {
    "@biomejs/biome": "biome",
    "@taplo/cli": "taplo",
    "markdownlint-cli": "markdownlint",
    "@stoplight/spectral-cli": "spectral",
    "pre_commit": "pre-commit",
    "docformatter.__main__": "docformatter",
}
"""Packages and modules whose program has another name."""
_IMAGES: Final = {
    "koalaman/shellcheck": "shellcheck",
    "koalaman/shellcheck-alpine": "shellcheck",
    "mvdan/shfmt": "shfmt",
    "hadolint/hadolint": "hadolint",
    "pyfound/black": "",
    "hashicorp/terraform": "terraform",
    "golangci/golangci-lint": "",
    "davidanson/markdownlint-cli2": "markdownlint-cli2",
    "igorshubovych/markdownlint-cli": "markdownlint",
    "ghcr.io/igorshubovych/markdownlint-cli": "markdownlint",
    "tmknom/prettier": "prettier",
    "tmknom/markdownlint": "markdownlint",
    "ghcr.io/astral-sh/ruff": "ruff",
    "bufbuild/buf": "buf",
    "rhysd/actionlint": "actionlint",
    "cytopia/yamllint": "yamllint",
}
"""Images and the program that they start; empty where the arguments begin with it."""
_IMAGE_VALUES: Final = frozenset(
    {"-v", "--volume", "-w", "--workdir", "-u", "--user", "-e", "--env", "--name", "--platform", "--network"}
    | {"--mount", "--env-file", "--pull", "--entrypoint"}
)
_RUFF: Final = frozenset(
    {"check", "format", "rule", "config", "linter", "clean", "server", "analyze", "version", "help", "lsp"}
)
_LOCAL_PROGRAM: Final = re.compile(r"(?:\./)?(?:[\w.-]+/){0,6}\.?bin/(?=[^/]+$)")
"""Where package managers put a project's own programs."""
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_GO_MODULE: Final = re.compile(r"(?:[\w.-]+/)+(?P<name>[\w-]+?)(?:/v\d+)?(?:@[\w.-]+)?")


_FOLDER_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "terraform": ("-chdir",),
    "tofu": ("-chdir",),
    "uv": ("--directory",),
    "poetry": ("-C", "--directory"),
    "cargo": ("-C",),
    "go": ("-C",),
}
"""Options by which a program first goes somewhere else."""
_MOST_STAGES: Final = 5
_PNPM: Final = frozenset(
    {
        "install",
        "i",
        "add",
        "remove",
        "rm",
        "update",
        "up",
        "run",
        "test",
        "t",
        "start",
        "exec",
        "dlx",
        "create",
    }
    | {
        "publish",
        "pack",
        "audit",
        "list",
        "ls",
        "why",
        "store",
        "rebuild",
        "prune",
        "link",
        "import",
        "config",
    }
    | {
        "fetch",
        "deploy",
        "dedupe",
        "licenses",
        "env",
        "setup",
        "root",
        "bin",
        "outdated",
        "patch",
        "approve-builds",
    }
)
"""pnpm's own commands; any other word is a script or a program of the project."""
_VERBS: Final = frozenset({"run", "tool", "--"})


def entering(argv: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The folder that a program is told to go to first, and the command as it stands there; `.` for none."""
    names = _FOLDER_OPTIONS.get(argv[0] if argv else "", ())
    for position, word in enumerate(argv[1:], start=1):
        name, _, value = word.partition("=")
        if name in names:
            end = position + (1 if value else 2)
            return value or "".join(argv[position + 1 : end]), (*argv[:position], *argv[end:])
        if not word.startswith("-") and word not in _VERBS:
            break
    return ".", tuple(argv)


def stages(argv: Sequence[str]) -> list[tuple[str, ...]]:
    """The command as it stands, and what is left after each launcher: one of them may be a wrapper too."""
    found: list[tuple[str, ...]] = []
    rest: list[str] | None = list(argv)
    while rest and len(found) < _MOST_STAGES:
        found.append(tuple(rest))
        rest = _launched(rest)
    return found


def unwrap(argv: Sequence[str]) -> tuple[str, ...]:
    """Strip what only finds the program. Empty when unclear."""
    rest = list(argv)
    while rest:
        rest[0] = _LOCAL_PROGRAM.sub("", rest[0])
        launched = _launched(rest)
        if launched is None:
            break
        rest = launched
    if not rest:
        return ()
    # `tool@1.2.3` asks a package runner for a version; the tool here is the one there is.
    package = re.sub(r"(?<=.)(?:@|==|~=).*", "", rest[0])
    program = _SCOPED.get(package, "" if package.startswith("@") else package)
    if program == "ruff" and len(rest) > 1 and rest[1] not in _RUFF:
        rest.insert(1, "check")  # as it was before it had subcommands
    return (program, *rest[1:]) if program else ()


def _launched(words: list[str]) -> list[str] | None:
    """What follows the launcher that `words` begin with; None where they begin with none."""
    for launcher, valued in _LAUNCHERS.items():
        own = launcher.split()
        if words[: len(own)] == own:
            return _without_options(words[len(own) :], valued)
    if re.fullmatch(r"python[\d.]*|py", words[0]):
        rest = words[1:]
        while len(rest) > 1 and rest[0] in {"-X", "-W"}:
            rest = rest[2:]
        while rest and re.fullmatch(r"-[a-zA-Z]\S*", rest[0]) and rest[0] != "-m" and rest[0] != "-c":
            rest = rest[1:]
        return rest[1:] if rest[:1] == ["-m"] and len(rest) > 1 else None
    if words[0] == "pnpm" and len(words) > 1 and re.match(r"[a-z]", words[1]) and words[1] not in _PNPM:
        return words[1:]
    if words[0] in {"go", "docker", "podman"} and words[1:2] == ["run"]:
        return _fetched(words)
    return ["ruff", *words[1:]] if words[:2] == ["uv", "format"] else None


def _fetched(words: list[str]) -> list[str] | None:
    """The program of a module or image, with its arguments."""
    if words[:2] == ["go", "run"] and len(words) > 2:  # noqa: PLR2004 — go run MODULE
        module = _GO_MODULE.fullmatch(words[2])
        hosted = re.match(r"[\w-]+(?:\.[\w-]+)+/", words[2])
        return [module["name"], *words[3:]] if module and hosted else None
    return _contained(words[2:]) if words[0] != "go" else None


def _without_options(words: list[str], valued: frozenset[str]) -> list[str]:
    while words and (words[0].startswith("-") or _ASSIGNMENT.fullmatch(words[0])):
        if words[0] == "--":
            return words[1:]
        words = words[2:] if words[0] in valued else words[1:]
    return words


def _contained(words: list[str]) -> list[str] | None:
    """The command that a known image runs, with the folder mounted into it as the repository's own."""
    places: list[str] = []
    while words and words[0].startswith("-"):
        name, _, value = words[0].partition("=")
        if name in _IMAGE_VALUES and not value:
            value, words = (words[1] if len(words) > 1 else ""), words[1:]
        if name == "--entrypoint":
            return None
        if name in {"-v", "--volume"} and value.partition(":")[0] in {".", "./"}:
            places.append(value.split(":")[1].rstrip("/") if ":" in value else "")
        words = words[1:]
    image = re.sub(r"[:@][^/]*$", "", words[0]) if words else ""
    if image not in _IMAGES or len(words) < 2:  # noqa: PLR2004 — image and arguments
        return None
    arguments = [_outside(word, places) for word in words[1:]]
    return [_IMAGES[image], *arguments] if _IMAGES[image] else arguments


def _outside(word: str, places: Sequence[str]) -> str:
    for place in filter(None, places):
        if word == place:
            return "."
        if word.startswith(f"{place}/"):
            return word.removeprefix(f"{place}/")
    return word
