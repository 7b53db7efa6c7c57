"""Scripts that run in several packages: workspaces of npm, yarn and pnpm; turbo, nx, lerna."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from activities.patching.commands import Command
from activities.patching.wrappers.tree import Tree

_PACKAGES: Final = 100
_ALL: Final = frozenset({"--workspaces", "-ws", "-r", "--recursive", "--workspaces=true"})
_NAMING: Final = frozenset({"-w", "--workspace", "--filter", "-F"})
_MANAGERS: Final = frozenset({"npm", "pnpm"})
_RUNNERS: Final = frozenset({"turbo", "nx", "lerna", "wireit"})


def workspace_commands(command: Command, tree: Tree) -> Sequence[Command] | None:
    """The script as each package that is meant runs it; None for other commands."""
    program, *arguments = command.argv
    if program in _MANAGERS:
        if program == "pnpm":  # what follows a script's name is the script's
            first = next(
                (at for at, word in enumerate(arguments) if _is_script(arguments, at)), len(arguments)
            )
            arguments = arguments[: first + 1]
        names, words, everywhere = _split(arguments)
        if not names and not everywhere:
            return None
        words = words[1:] if words[:1] in (["run"], ["run-script"]) else words
        script = words[0] if words else ""
    elif program == "yarn" and arguments[:1] == ["workspace"] and len(arguments) > 2:  # noqa: PLR2004 — name, script
        names, script = [arguments[1]], next(word for word in [*arguments[2:], ""] if word != "run")
    elif program == "yarn" and arguments[:1] == ["workspaces"]:
        words = [
            word for word in arguments[1:] if word not in {"run", "foreach"} and not word.startswith("-")
        ]
        names, script = [], words[0] if words else ""
    elif program == "nx" and arguments[:1] == ["format:check"]:
        return tree.commands("prettier --check .", command)
    elif program in _RUNNERS:
        names, script = [], _script(arguments)
    else:
        return None
    found: list[Command] = []
    for folder, name, scripts in _packages(tree):
        inside = not names or any(
            wanted in {name, folder, f"./{folder}", f"{{{folder}}}"} for wanted in names
        )
        # At the root the script is most often the very command that calls this.
        at_root = folder == "." and not names
        if inside and not at_root and script in scripts:
            found += tree.commands(scripts[script], command, cwd=folder)
    return found


def _is_script(arguments: Sequence[str], at: int) -> bool:
    """Whether the word is the name of a script, and no option, its value, or a word of pnpm's own."""
    word, before = arguments[at], arguments[at - 1] if at else ""
    return not word.startswith("-") and word not in {"run", "run-script", "exec"} and before not in _NAMING


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str], bool]:
    """Packages named, plain words, and whether all packages are meant."""
    names: list[str] = []
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, _, value = argument.partition("=")
        if argument == "--":
            break
        if name in _NAMING:
            names.append(value or next(rest, ""))
        elif not argument.startswith("-"):
            words.append(argument)
    return names, words, bool(_ALL & set(arguments))


def _script(arguments: Sequence[str]) -> str:
    """The task of `turbo run lint`, `turbo lint`, `nx run-many -t lint`, `lerna run lint`."""
    for position, word in enumerate(arguments):
        name, _, value = word.partition("=")
        if name in {"-t", "--target", "--targets"}:
            return value or (arguments[position + 1] if position + 1 < len(arguments) else "")
    words = [
        word for word in arguments if not word.startswith("-") and word not in {"run", "run-many", "affected"}
    ]
    return words[0] if words else ""


def _packages(tree: Tree) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Folder, name and scripts of every package."""
    manifests = [path for path in tree.paths if PurePosixPath(path).name == "package.json"]
    for path in manifests[:_PACKAGES]:
        folder = str(PurePosixPath(path).parent)
        text = tree.text(folder, "package.json")
        try:
            data = json.loads(text[1]) if text else {}
        except (ValueError, RecursionError):
            continue
        scripts = data.get("scripts") if isinstance(data, dict) else None
        if isinstance(scripts, dict):
            texts = {name: value for name, value in scripts.items() if isinstance(value, str)}
            yield folder, str(data.get("name") or ""), texts
