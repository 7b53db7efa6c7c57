"""A step's shell text, read for the commands in it that are plain enough to repeat without a shell."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from activities.patching.launchers import entering, unwrap
from activities.patching.shell_flow import unfolded
from activities.patching.shell_idioms import ROOT, plain
from activities.patching.shell_values import filled

_OPERATORS: Final = frozenset({"&&", "||", ";", "\n"})
"""What may stand between commands; any other punctuation makes the command beside it opaque."""
_KEYWORDS: Final = frozenset(
    {
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "function",
        "select",
    }
    | {"{", "}", "[[", "((", "!", "eval", "source", ".", "trap"}
)
"""Words after which the text is a program, not a list of commands."""
_ARGUMENT_CHARACTERS: Final = 100_000
_MOST_ALTERNATIVES: Final = 20
_ASSIGNMENT: Final = re.compile(r"([A-Z_][A-Z0-9_]*)=(.*)", re.DOTALL)
_PROTECTED_VARIABLES: Final = re.compile(
    r"PATH|HOME|TMPDIR|LD_.*|BASH_.*|ENV|IFS|CARGO_HOME|RUSTUP_.*|GIT_.*"
)
"""Another value of these would make another command of it."""
_SANDBOX_VARIABLES: Final = re.compile(
    r"CARGO_TARGET_DIR|CARGO_NET_.*|XDG_.*|\w+_CACHE_DIR|(?i:npm_config_.*)|LANG|TERM"
    r"|NO_COLOR|FORCE_COLOR|CLICOLOR|CLICOLOR_FORCE|CARGO_TERM_.*|PY_COLORS"
)
"""The sandbox sets where caches lie, and that nothing is coloured."""
_REMEMBERED: Final = re.compile(
    r"[ \t]*(?:\w+=[1-9]\d*|\w+=\$\?|exit(?:[ \t]+[1-9]\d*|[ \t]+\$\?)?|return[ \t]+[1-9]\d*|false)"
    r"[ \t]*(?:[;\n#&}]|$)"
)
"""What follows `||` where the failure still fails the step."""
_ALTERNATIVES: Final = re.compile(r"(?<![$\\{])\{(?P<each>[\w./*-]*(?:,[\w./*-]*)+)\}")
"""`{src,tests}`, outside quotes."""
_LISTING: Final = re.compile(r"\$\(git ls-files (?P<patterns>[^)]*)\)")
_TOKENS: Final = re.compile(
    r"""
      (?P<blank>(?:[ \t\r]|\\\r?\n)+)
    | (?P<comment>(?<![^\s;&|(])\#[^\n]*)
    | (?P<redirect>(?:\d|&)?>>?(?:&\d|[ \t]*(?:'[^'$`\n]*'|"[^"$`\n]*"|[\w./+-]+)))
    | (?P<operator>&&|\|\||;(?!;)|\n)
    | (?P<listing>\$\(git[ ]ls-files[ ][^()$`\n]{1,600}\))
    | (?P<opaque>[|&<>()]|;;|`)
    | (?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s\\'"|&;<>()`])+)
    | (?P<broken>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Command:
    """One command of a step."""

    argv: tuple[str, ...]
    """Program and arguments, without the wrappers that only find the program."""
    cwd: str = "."
    """Relative to the repository's root."""
    env: tuple[tuple[str, str], ...] = ()
    text: str = ""
    """As the step has it."""
    hook: str = ""
    """The hook of pre-commit that it is; empty for any other command."""


def may_set(name: str) -> bool:
    """Whether a step's own value of a variable may reach a command that is run again."""
    return bool(re.fullmatch(r"[A-Za-z_]\w*", name)) and not (
        _PROTECTED_VARIABLES.fullmatch(name) or _SANDBOX_VARIABLES.fullmatch(name)
    )


def parse_step(
    text: str, *, cwd: str = ".", paths: Iterable[str] = (), env: Mapping[str, str] | None = None
) -> tuple[Command, ...]:
    """The commands of a step whose failure fails the step, as far as they can be told without a shell.

    A command with a pipe, an input from elsewhere, a substitution or a variable is left out, as is one whose
    failure the text forgives (`… || true`, not `… || rc=1`); a text with control flow gives none at all.

    Args:
        text: The step's `run` text.
        cwd: The step's working directory, relative to the repository's root.
        paths: The repository's files, which unquoted wildcards stand for.
        env: Variables that the step is given.
    """
    here: PurePosixPath | None = _join(PurePosixPath(), plain(cwd))
    known = tuple(paths)
    text = plain(unfolded(plain(filled(text, here, known, env)))) if here is not None else text
    lines = list(_lines(text))
    if here is None or "\0" in text or any(words and words[0] in _KEYWORDS for words, _, _ in lines):
        return ()
    if any(mark == "program" for _, mark, _ in lines):
        return ()
    exported = dict(env or {})
    commands: list[Command] = []
    for words, mark, forgiven in lines:
        if not words or mark == "opaque":
            here = None if words[:1] == ["cd"] else here
            continue
        variables, rest = _assignments(words)
        if rest[:1] == ["cd"]:
            here = _enter(here, rest)
        elif rest[:1] == ["export"]:
            exported |= _assignments(rest[1:])[0]
        elif rest and here is not None and not forgiven:
            env = exported | variables
            up = "/".join([".."] * len(here.parts)) or "."
            argv: Sequence[str] = _plain([word.replace(ROOT, up) for word in rest], here, known)
            size = sum(len(word) for word in argv)
            if size < _ARGUMENT_CHARACTERS and not any(_PROTECTED_VARIABLES.fullmatch(name) for name in env):
                folder, argv = entering(argv)
                place, program = _join(here, folder), unwrap(argv)
                if program and place is not None:
                    given = tuple(pair for pair in env.items() if may_set(pair[0]))
                    commands.append(Command(program, str(place), given, shlex.join(argv)))
    return tuple(commands)


def _lines(text: str) -> Iterator[tuple[list[str], str, bool]]:
    """The raw words of each command; a mark (`""`, `opaque` or `program`); whether a failure is forgiven."""
    words: list[str] = []
    mark = ""
    text += "\n"
    for match in _TOKENS.finditer(text):
        kind, sign = match.lastgroup, match.group()
        if kind == "operator":
            yield words, mark, sign == "||" and not _REMEMBERED.match(text, match.end())
            # What follows `||` runs only after a failure, so it is not what the step checks.
            words, mark = [], "opaque" if sign == "||" else ""
        elif kind == "broken" or (
            kind == "opaque" and (sign in "()" or text.startswith("<<", match.start()))
        ):
            # A group or a here-document swallows what follows.
            yield words, "program", False
            return
        elif kind == "opaque" or (kind == "word" and _has_substitution(sign)):
            mark = "opaque"
        if kind in {"word", "listing"}:
            words.append(sign)


def _has_substitution(word: str) -> bool:
    """Whether the shell would put something else in the place of a part of `word` that cannot be told."""
    word = _ALTERNATIVES.sub("", word)
    bare = re.sub(r"\\.|'[^']*'", "", word, flags=re.DOTALL)
    unquoted = re.sub(r'"[^"]*"', "", bare, flags=re.DOTALL)
    return "$" in bare or "`" in bare or "{" in unquoted or unquoted.startswith("~")


def _assignments(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    variables: dict[str, str] = {}
    for position, word in enumerate(words):
        match = _ASSIGNMENT.fullmatch(word)
        if not match:
            return variables, list(words[position:])
        variables[match[1]] = "".join(shlex.split(match[2]))
    return variables, []


def _enter(here: PurePosixPath | None, words: Sequence[str]) -> PurePosixPath | None:
    """Where `cd` leads; None when that cannot be told, or leads out."""
    if here is None or len(words) != 2 or _is_pattern(words[1]):  # noqa: PLR2004 — cd and a folder
        return None
    return _join(here, "".join(shlex.split(words[1])))


def _join(here: PurePosixPath, path: str) -> PurePosixPath | None:
    """The folder that `path` names as seen from `here`; None when it lies outside the repository."""
    if path.startswith(ROOT):
        here, path = PurePosixPath(), f".{path.removeprefix(ROOT)}"
    folder = PurePosixPath(path)
    if folder.is_absolute() or "$" in path or "\0" in path:
        return None
    parts: list[str] = []
    for part in (*here.parts, *folder.parts):
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return None
    return PurePosixPath(*parts)


def _plain(words: Sequence[str], here: PurePosixPath, paths: Sequence[str]) -> list[str]:
    """The words as the program gets them: quotes removed, wildcards replaced by the files they stand for."""
    result: list[str] = []
    for word in words:
        listing = _LISTING.fullmatch(word)
        if listing:
            result += _listed(shlex.split(listing["patterns"]), here, paths)
            continue
        for each in _alternatives(word):
            value = "".join(shlex.split(each, comments=False))
            result += (_expand(value, here, paths) if _is_pattern(each) else []) or [value]
    return result


def _alternatives(word: str) -> list[str]:
    """The words that one with `{a,b}` in it stands for."""
    found = _ALTERNATIVES.search(word) if not re.search(r"['\"]", word) else None
    if found is None:
        return [word]
    words = [f"{word[: found.start()]}{each}{word[found.end() :]}" for each in found["each"].split(",")]
    return [inner for each in words[:_MOST_ALTERNATIVES] for inner in _alternatives(each)]


def _listed(arguments: Sequence[str], here: PurePosixPath, paths: Sequence[str]) -> list[str]:
    """What `git ls-files` prints for plain patterns, in which a wildcard crosses folders."""
    bases = [_join(here, word[8:]) for word in arguments if word.startswith("--under=")] or [here]
    unwanted = [word[6:] for word in arguments if word.startswith("--not=")]
    unwanted += [word[2:] for word in arguments if word.startswith(":!")]
    patterns = [word for word in arguments if not word.startswith(("-", ":!"))] or ["*"]
    found = []
    for path in paths:
        inner = PurePosixPath(path)
        if not any(base is not None and inner.is_relative_to(base) for base in bases):
            continue
        if not inner.is_relative_to(here):
            continue
        name = str(inner.relative_to(here))
        if any(fnmatchcase(each, pattern) for pattern in unwanted for each in (name, f"./{name}")):
            continue
        if any(fnmatchcase(name, each) or fnmatchcase(inner.name, each) for each in patterns):
            found.append(name)
    return found


def _is_pattern(word: str) -> bool:
    unquoted = re.sub(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*\"""", "", word, flags=re.DOTALL)
    return any(sign in unquoted for sign in "*?[")


def _expand(pattern: str, here: PurePosixPath, paths: Sequence[str]) -> list[str]:
    """As the shell does without `globstar`: one component at a time, hidden files only when asked for."""
    parts = PurePosixPath(pattern).parts
    found = set()
    for path in paths:
        if here.parts != PurePosixPath(path).parts[: len(here.parts)]:
            continue
        inner = PurePosixPath(path).parts[len(here.parts) : len(here.parts) + len(parts)]
        if len(inner) == len(parts) and all(
            fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
            for name, part in zip(inner, parts, strict=True)
        ):
            found.add("/".join(inner))
    return sorted(found)
