"""Values in a shell text that can be told without a shell: constants, defaults, the script's own folder."""

import posixpath
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from activities.patching.shell_flow import outside_functions, with_own_defaults, with_positions

_TEXT_CHARACTERS: Final = 20_000
_VALUE: Final = r"(?:'[^'\n]*'|\"(?:[^\"\\$`\n]|\$\{?\w+\}?)*\"|(?:[^\s'\"\\$`;&|<>(){}]|\$\{?\w+\}?)*)"
_ASSIGNED: Final = rf"(?:(?:export|readonly|local)[ \t]+)?[A-Za-z_]\w*={_VALUE}"
_CONSTANT: Final = re.compile(
    r"^[ \t]*(?:(?:export|readonly|local)[ \t]+)?"
    rf"(?P<name>[A-Za-z_]\w*)=(?P<value>{_VALUE})[ \t]*(?:;|#[^\n]*)?$",
    re.MULTILINE,
)
_WRITTEN: Final = re.compile(r"(?<![\w$-])(?P<name>[A-Za-z_]\w*)\+?=|\b(?:for|read)[ \t]+(?P<loop>\w+)")
_GUARDED: Final = re.compile(
    r"^[ \t]*if[ \t]+\[\[?[ \t]+-[defx][ \t]+(?P<path>'[^'\n$`]+'|\"[^\"\n$`]+\"|[\w./-]+)"
    r"[ \t]+\]\]?[ \t]*(?:;|\n)"
    rf"\s*then\s+(?P<then>{_ASSIGNED})\s+(?:else\s+(?P<else>{_ASSIGNED})\s+)?fi[ \t]*$",
    re.MULTILINE,
)
"""if [ -d venv ]; then export PREFIX="venv/bin/"; fi"""
_DEFAULT: Final = re.compile(r"\$\{(?P<name>\w+):?-(?P<default>[^{}$`\n]*)\}")
_HERE: Final = r"\$\(\s*dirname\s+(?:--\s+)?\"?\$(?:0|\{0\}|\{BASH_SOURCE(?:\[0\])?\}|BASH_SOURCE)\"?\s*\)"
_FOLDER: Final = re.compile(
    rf"\$\(\s*cd\s+(?:--\s+)?\"?{_HERE}(?P<up>(?:/\.\.)*)/?\"?\s*(?:>\s*/dev/null(?:\s+2>&1)?\s*)?&&\s*pwd(?:\s+-P)?\s*\)"
    rf"|{_HERE}"
)
_ARGUMENTS: Final = re.compile(r"\"\$[@*]\"|\$[@*]|\"\$\{[@*]\}\"|\$\{[@*]\}")


def of_script(text: str, script: str, arguments: Sequence[str]) -> str:
    """A script's text with what it was called as, and with, filled in.

    Args:
        text: The script's.
        script: Its path, relative to where it is called.
        arguments: What follows it on the command line.
    """
    folder = str(PurePosixPath(script).parent)
    text = _FOLDER.sub(lambda found: posixpath.normpath(f"{folder}{found['up'] or ''}"), text)

    def called(part: str) -> str:
        return with_positions(_ARGUMENTS.sub(lambda _: shlex.join(arguments), part), arguments)

    return outside_functions(text, called)


def filled(
    text: str, folder: PurePosixPath, paths: Collection[str], variables: Mapping[str, str] | None = None
) -> str:
    """A shell text with the values of its constants in their places; else as it is.

    Args:
        text: A step's or a script's.
        folder: Where it starts, relative to the repository's root.
        paths: The repository's files.
        variables: What is set from outside.
    """
    if len(text) > _TEXT_CHARACTERS:
        return text
    text = _GUARDED.sub(lambda found: _branch(found, folder, paths), text)
    text = with_own_defaults(text, tuple(variables or ()))
    names = [found["name"] or found["loop"] for found in _WRITTEN.finditer(text)]
    values = {name: value for name, value in (variables or {}).items() if name not in names}
    for found in _CONSTANT.finditer(text):
        if names.count(found["name"]) == 1:
            values[found["name"]] = _use(found["value"].strip("'\""), values)
    text = _DEFAULT.sub(
        lambda found: found.group() if found["name"] in (*names, *values) else found["default"].strip("'\""),
        text,
    )
    return _use(text, values)


def _branch(found: re.Match[str], folder: PurePosixPath, paths: Collection[str]) -> str:
    path = str(folder / found["path"].strip("'\""))
    there = any(each == path or each.startswith(f"{path}/") for each in paths)
    return str((found["then"] if there else found["else"]) or "")


def _use(text: str, values: dict[str, str]) -> str:
    if not values:
        return text
    pattern = re.compile(rf"\$(?:\{{(?P<long>{'|'.join(values)})\}}|(?P<short>{'|'.join(values)})\b)")
    return pattern.sub(lambda found: values[found["long"] or found["short"]], text)
