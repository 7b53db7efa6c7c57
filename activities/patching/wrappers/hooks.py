"""Hooks of pre-commit, as the commands they run on the repository's files."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from activities.patching.commands import Command
from activities.patching.wrappers.tree import Tree

_CHUNK_CHARACTERS: Final = 60_000
"""Of file names in one command."""
_PYTHON: Final = ("py", "pyi")
_SCRIPT: Final = ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte")
_C: Final = ("c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "m", "mm", "cu", "cuh", "proto", "java")
_YAML: Final = ("yaml", "yml")
_SHELL: Final = ("sh", "bash", "bats", "ksh")
_PRETTIER: Final = (*_SCRIPT, *_YAML, "json", "jsonc", "md", "mdx", "css", "scss", "less", "html", "graphql")
_BINARY: Final = frozenset(
    {"png", "jpg", "jpeg", "gif", "ico", "pdf", "zip", "gz", "xz", "tar", "whl", "jar", "woff", "woff2"}
    | {"ttf", "eot", "mp4", "mp3", "webp", "exe", "dll", "so", "dylib", "a", "o", "class", "pyc", "bin"}
    | {"db", "sqlite"}
)

HOOKS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "ruff": ("ruff check --force-exclude", _PYTHON),
    "ruff-check": ("ruff check --force-exclude", _PYTHON),
    "ruff-format": ("ruff format --check --force-exclude", _PYTHON),
    "black": ("black --check", _PYTHON),
    "black-jupyter": ("black --check", _PYTHON),
    "isort": ("isort --check-only --filter-files", _PYTHON),
    "autoflake": ("autoflake --check", _PYTHON),
    "autopep8": ("autopep8 --diff --exit-code", _PYTHON),
    "yapf": ("yapf --diff", _PYTHON),
    "docformatter": ("docformatter --check", _PYTHON),
    "flake8": ("flake8", _PYTHON),
    "pyupgrade": ("pyupgrade", _PYTHON),
    "add-trailing-comma": ("add-trailing-comma", _PYTHON),
    "double-quote-string-fixer": ("double-quote-string-fixer", _PYTHON),
    "blacken-docs": ("blacken-docs", ("md", "rst")),
    "codespell": ("codespell", ()),
    "typos": ("typos --force-exclude", ()),
    "prettier": ("prettier --check --ignore-unknown", _PRETTIER),
    "eslint": ("eslint", ("js", "jsx", "ts", "tsx")),
    "stylelint": ("stylelint", ("css", "scss", "less")),
    "biome-check": ("biome check", (*_SCRIPT, "json", "jsonc", "css")),
    "biome-ci": ("biome ci", (*_SCRIPT, "json", "jsonc", "css")),
    "biome-format": ("biome format", (*_SCRIPT, "json", "jsonc", "css")),
    "biome-lint": ("biome lint", (*_SCRIPT, "json", "jsonc", "css")),
    "markdownlint": ("markdownlint", ("md", "markdown")),
    "markdownlint-fix": ("markdownlint", ("md", "markdown")),
    "markdownlint-docker": ("markdownlint", ("md", "markdown")),
    "markdownlint-cli2": ("markdownlint-cli2", ("md", "markdown")),
    "oxlint": ("oxlint", _SCRIPT),
    "deno-fmt": ("deno fmt --check", (*_SCRIPT, "md", "json", "jsonc")),
    "dprint": ("dprint check", ()),
    "mdformat": ("mdformat --check", ("md",)),
    "clang-format": ("clang-format --dry-run --Werror", _C),
    "shfmt": ("shfmt -d", _SHELL),
    "shfmt-src": ("shfmt -d", _SHELL),
    "shfmt-docker": ("shfmt -d", _SHELL),
    "buildifier": ("buildifier -mode=check", ("bazel", "bzl")),
    "buf-format": ("buf format --diff --exit-code", ("proto",)),
    "stylua": ("stylua --check", ("lua",)),
    "stylua-github": ("stylua --check", ("lua",)),
    "ktlint": ("ktlint", ("kt", "kts")),
    "php-cs-fixer": ("php-cs-fixer fix --dry-run", ("php",)),
    "nixpkgs-fmt": ("nixpkgs-fmt --check", ("nix",)),
    "alejandra": ("alejandra --check", ("nix",)),
    "gofumpt": ("gofumpt -l", ("go",)),
    "golangci-lint-full": ("golangci-lint run", ("go",)),
    "golangci-lint-fmt": ("golangci-lint fmt --diff", ("go",)),
    "terraform-fmt": ("terraform fmt -check -recursive", ("tf", "tfvars")),
    "tofu-fmt": ("tofu fmt -check -recursive", ("tf", "tfvars")),
    "poetry-lock": ("poetry check --lock", ("toml", "lock")),
    "shellcheck": ("shellcheck", _SHELL),
    "taplo-format": ("taplo format --check", ("toml",)),
    "taplo": ("taplo format --check", ("toml",)),
    "yamlfix": ("yamlfix --check", _YAML),
    "fmt": ("cargo fmt -- --check", ("rs",)),
    "cargo-fmt": ("cargo fmt -- --check", ("rs",)),
    "rustfmt": ("cargo fmt -- --check", ("rs",)),
    "clippy": ("cargo clippy", ("rs",)),
    "gofmt": ("gofmt -l", ("go",)),
    "go-fmt": ("gofmt -l", ("go",)),
    "go-imports": ("goimports -l", ("go",)),
    "golangci-lint": ("golangci-lint run", ("go",)),
    "terraform_fmt": ("terraform fmt -check -recursive", ("tf", "tfvars")),
    "rubocop": ("rubocop", ("rb",)),
    "uv-lock": ("uv lock --check", ("toml", "lock")),
    "trailing-whitespace": ("trailing-whitespace-fixer", ()),
    "end-of-file-fixer": ("end-of-file-fixer", ()),
    "mixed-line-ending": ("mixed-line-ending", ()),
    "fix-byte-order-marker": ("fix-byte-order-marker", ()),
    "pretty-format-json": ("pretty-format-json", ("json",)),
    "requirements-txt-fixer": ("requirements-txt-fixer", ("txt", "in")),
    "sort-simple-yaml": ("sort-simple-yaml", _YAML),
    "file-contents-sorter": ("file-contents-sorter", ()),
    "gersemi": ("gersemi --check", ("cmake",)),
    "reorder-python-imports": ("reorder-python-imports", _PYTHON),
    "django-upgrade": ("django-upgrade", _PYTHON),
    "sort-all": ("sort-all", _PYTHON),
    "flynt": ("flynt --fail-on-change", _PYTHON),
    "usort": ("usort check", _PYTHON),
    "ufmt": ("ufmt check", _PYTHON),
    "ssort": ("ssort --check", _PYTHON),
    "djlint-reformat": ("djlint --check", ("html", "jinja", "jinja2", "j2", "hbs")),
    "djlint-reformat-django": ("djlint --check --profile=django", ("html",)),
    "djlint-reformat-jinja": ("djlint --check --profile=jinja", ("html", "jinja", "jinja2", "j2")),
    "djhtml": ("djhtml --check", ("html",)),
    "djade": ("djade", ("html",)),
    "sqlfluff-fix": ("sqlfluff lint", ("sql",)),
    "sqlfluff-lint": ("sqlfluff lint", ("sql",)),
    "sqlfmt": ("sqlfmt --check", ("sql",)),
    "toml-sort": ("toml-sort --check", ("toml",)),
    "toml-sort-fix": ("toml-sort --check", ("toml",)),
    "tombi-format": ("tombi format --check", ("toml",)),
    "pyproject-fmt": ("pyproject-fmt --check", ("toml",)),
    "setup-cfg-fmt": ("setup-cfg-fmt", ("cfg",)),
    "rumdl": ("rumdl check", ("md", "markdown")),
    "rumdl-fmt": ("rumdl fmt --check", ("md", "markdown")),
    "docstrfmt": ("docstrfmt --check", ("rst",)),
    "yamlfmt": ("yamlfmt -lint", _YAML),
    "cmake-format": ("cmake-format --check", ("cmake",)),
    "cog": ("cog --check", ()),
    "oxfmt": ("oxfmt --check", _PRETTIER),
}
"""Hook → the check it is, and the suffixes of its files (none: any text)."""

_HEAD: Final = re.compile(r"[a-z][\w-]*(?: [a-z][\w-]*)*")
_HEADS: Final[Mapping[str, str]] = {
    found.group(): text[found.end() :]
    for text, _ in HOOKS.values()
    if (found := _HEAD.match(text)) and found.group() != text
}
"""Program and subcommand of each check that is one by its options only → those options."""

_WITHOUT_FILES: Final = frozenset(
    {"fmt", "cargo-fmt", "rustfmt", "clippy", "golangci-lint", "golangci-lint-full", "golangci-lint-fmt"}
    | {"terraform_fmt", "terraform-fmt", "tofu-fmt", "uv-lock", "poetry-lock", "dprint"}
)
_MENDING: Final = frozenset(
    {"--fix", "--write", "-w", "-i", "--in-place", "--write-changes", "--exit-non-zero-on-fix", "--autofix"}
    | {"--reformat", "-r"}
)
"""Options by which a hook repairs; the check is run without them."""
_OWN_FILES: Final[Mapping[str, str]] = {
    "requirements-txt-fixer": r"(requirements|constraints).*\.(txt|in)$",
    "sort-simple-yaml": "^$",
    "file-contents-sorter": "^$",
    "cog": "^$",
    "pyproject-fmt": r"(^|/)pyproject\.toml$",
    "setup-cfg-fmt": r"(^|/)setup\.cfg$",
}
"""The pattern of files by which these hooks choose where a configuration gives none."""
_PATTERN_CHARACTERS: Final = 2_000
_NESTED: Final = re.compile(r"[+*}][^()]{0,200}\)[+*{]")
"""A repeated group that repeats inside can take a search for ever; a repository's pattern is not trusted."""


class _Wanted(NamedTuple):
    """What a run of pre-commit is told to do."""

    name: str | None = None
    """The only hook that is run, by its id or alias."""
    config: str = ".pre-commit-config.yaml"
    manual: bool = False
    """The hooks that run only when asked for."""


def hook_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """What `pre-commit run` or `prek run` checks; None for other commands."""
    program, *arguments = command.argv
    if program not in {"pre-commit", "prek"} or (arguments and arguments[0] != "run" and program != "prek"):
        return None
    wanted = _wanted(arguments[1:] if arguments[:1] == ["run"] else arguments)
    skipped = set(dict(command.env).get("SKIP", "").split(","))
    found: list[Command] = []
    for hook, outer in _hooks(tree, command.cwd, wanted.config):
        name = str(hook.get("id"))
        meant = wanted.name in {None, name, hook.get("alias")} and name not in skipped
        if meant and ("manual" in (hook.get("stages") or ())) == wanted.manual:
            found += (replace(each, hook=name) for each in _commands(name, hook, outer, command, tree))
    return found


def _wanted(arguments: Sequence[str]) -> _Wanted:
    wanted = _Wanted()
    words = iter(arguments)
    for word in words:
        if word in {"-c", "--config"}:
            wanted = wanted._replace(config=next(words, wanted.config))
        elif word in {"--hook-stage", "--stage"}:
            wanted = wanted._replace(manual=next(words, "") == "manual")
        elif word in {"--from-ref", "--to-ref", "--color", "-s", "-o"}:
            next(words, None)
        elif word == "--files":
            break
        elif not word.startswith("-"):
            wanted = wanted._replace(name=word)
    return wanted


def _hooks(tree: Tree, folder: str, config: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    found = tree.text(folder, config, ".pre-commit-config.yml")
    try:
        data = YAML(typ="safe", pure=True).load(found[1]) if found else None
    except (YAMLError, ValueError, RecursionError):
        return
    repositories = data.get("repos") if isinstance(data, dict) else None
    outer = str(data.get("exclude") or "^$") if isinstance(data, dict) else "^$"
    for repository in repositories if isinstance(repositories, list) else []:
        hooks = repository.get("hooks") if isinstance(repository, dict) else None
        for hook in hooks if isinstance(hooks, list) else []:
            if isinstance(hook, dict):
                yield hook, outer


def _commands(
    name: str, hook: Mapping[str, Any], outer: str, command: Command, tree: Tree
) -> Iterator[Command]:
    given = [str(each) for each in hook.get("args") or () if isinstance(each, str | int)]
    entry = hook.get("entry")
    if isinstance(entry, str) and (name not in HOOKS or hook.get("language") == "system"):
        yield from _own_entry(" ".join([entry, *map(shlex.quote, given)]), hook, outer, command, tree)
        return
    if name not in HOOKS:
        return
    text, suffixes = HOOKS[name]
    argv = [*text.split(), *(each for each in given if each.split("=")[0] not in _MENDING)]
    if name in _WITHOUT_FILES:
        yield Command(tuple(argv), command.cwd, command.env, shlex.join(argv))
        return
    if name in _OWN_FILES and not hook.get("files"):
        hook = {**hook, "files": _OWN_FILES[name]}
    yield from _over_files(argv, _files(hook, outer, suffixes, command.cwd, tree), command)


def _own_entry(
    entry: str, hook: Mapping[str, Any], outer: str, command: Command, tree: Tree
) -> Iterator[Command]:
    for inner in tree.commands(entry, command):
        argv = _as_check(list(inner.argv))
        if hook.get("pass_filenames") is False:
            yield Command(tuple(argv), inner.cwd, inner.env, shlex.join(argv))
        else:
            files = _files(hook, outer, (), command.cwd, tree)
            yield from _over_files(argv, files, command)


def _as_check(argv: list[str]) -> list[str]:
    """The check that a hook is whose own entry repairs, as `black` and `prettier --write` do."""
    for size in (2, 1):
        options = _HEADS.get(" ".join(argv[:size]), "").split()
        if options:
            rest = [word for word in argv[size:] if word.split("=")[0] not in _MENDING]
            checks = {"--check", "--check-only", "--diff", "-l", "-d", "--dry-run"} & set(rest)
            options = options[1:] if options[0] == "--" and "--" in rest else options
            return [*argv[:size], *rest, *([] if checks else options)]
    return argv


def _over_files(argv: list[str], files: Sequence[str], command: Command) -> Iterator[Command]:
    chunk: list[str] = []
    size = 0
    for path in [*files, ""]:
        if chunk and (not path or size + len(path) > _CHUNK_CHARACTERS):
            words = (*argv, *chunk)
            yield Command(words, command.cwd, command.env, shlex.join(argv))
            chunk, size = [], 0
        if path:
            chunk.append(path)
            size += len(path) + 1


_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "python": _PYTHON,
    "pyi": ("pyi",),
    "javascript": ("js", "mjs", "cjs"),
    "jsx": ("jsx",),
    "ts": ("ts", "mts", "cts"),
    "tsx": ("tsx",),
    "yaml": _YAML,
    "json": ("json",),
    "markdown": ("md", "markdown"),
    "css": ("css",),
    "scss": ("scss",),
    "rust": ("rs",),
    "go": ("go",),
    "shell": _SHELL,
    "toml": ("toml",),
    "c": ("c", "h"),
    "c++": ("cc", "cpp", "cxx", "h", "hh", "hpp", "hxx"),
    "html": ("html",),
    "rst": ("rst",),
}


def _files(
    hook: Mapping[str, Any], outer: str, suffixes: tuple[str, ...], folder: str, tree: Tree
) -> list[str]:
    kinds = [str(each) for each in (hook.get("types_or") or hook.get("types") or ())]
    chosen = tuple(suffix for kind in kinds for suffix in _TYPES.get(kind, ()))
    patterns = [str(hook.get("files") or ""), str(hook.get("exclude") or "^$"), outer]
    if any(len(each) > _PATTERN_CHARACTERS or _NESTED.search(each) for each in patterns):
        return []
    try:
        wanted, *unwanted = map(re.compile, patterns)
    except re.error:
        return []
    found = []
    for path in tree.paths:
        if folder != "." and not PurePosixPath(path).is_relative_to(folder):
            continue
        name = path if folder == "." else str(PurePosixPath(path).relative_to(folder))
        suffix = PurePosixPath(name).suffix.removeprefix(".")
        right = suffix in (chosen or suffixes) if chosen or suffixes else suffix.lower() not in _BINARY
        if not right or not wanted.search(name) or any(each.search(name) for each in unwanted):
            continue
        if chosen or suffixes or tree.is_text(path):
            found.append(name)
    return found
