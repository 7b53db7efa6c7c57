"""Control flow in a shell text that can be told without a shell, unfolded into the commands it comes to."""

import re
import shlex
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Final

_TEXT_CHARACTERS: Final = 20_000
_DEPTH: Final = 4
"""How far functions may call functions, and blocks stand in blocks."""
_HERE_DOCUMENT: Final = re.compile(
    r"^[^\n]*<<-?[ \t]*(?P<quote>['\"]?)(?P<end>\w{1,40})(?P=quote)[^\n]*\n"
    r"(?:[^\n]*\n)*?[ \t]*(?P=end)[ \t]*$",
    re.MULTILINE,
)
_FUNCTION: Final = re.compile(
    r"^(?:function[ \t]+(?P<word>[\w:.-]+)[ \t]*(?:\(\))?|(?P<name>[\w:.-]+)[ \t]*\(\))\s*\{[ \t]*\n"
    r"(?P<body>(?:(?!\})[^\n]*\n)*)\}[ \t]*$",
    re.MULTILINE,
)
"""A function whose closing brace, alone, begins a line."""
_WORD: Final = r"(?:\"[^\"$`\n]*\"|'[^'\n]*'|[^\s\"'$`;|&()<>]*)"
_INSIDE: Final = r"(?:(?!\b(?:if|fi|case|esac|for|while|do|done)\b).){0,4000}?"
_CASE: Final = re.compile(
    rf"^[ \t]*case[ \t]+(?P<word>{_WORD})[ \t]+in\b(?P<arms>{_INSIDE})\besac\b", re.MULTILINE | re.DOTALL
)
_ARM: Final = re.compile(
    r"^[ \t]*\(?(?P<patterns>[^()\n]{1,200})\)(?P<body>.{0,2000}?);;", re.MULTILINE | re.DOTALL
)
_TEST: Final = r"(?:\[\[?|test)[ \t]+"
_BRANCHES: Final = (
    rf"(?:[ \t]+\]\]?)?[ \t]*(?:;|\n)\s*then\b(?P<then>{_INSIDE})(?:\belse\b(?P<else>{_INSIDE}))?\bfi\b"
)
_COMPARED: Final = re.compile(
    rf"^[ \t]*if[ \t]+{_TEST}(?P<left>{_WORD})[ \t]+(?P<sign>==?|!=)[ \t]+(?P<right>{_WORD}){_BRANCHES}",
    re.MULTILINE | re.DOTALL,
)
_EMPTY: Final = re.compile(
    rf"^[ \t]*if[ \t]+{_TEST}(?P<sign>-z|-n)[ \t]+(?P<left>{_WORD}){_BRANCHES}", re.MULTILINE | re.DOTALL
)
_GUARD: Final = re.compile(
    rf"^[ \t]*if[ \t]+(?:!\s+)?(?P<asked>[^;\n`]{{1,300}}?)[ \t]*(?:;|\n)\s*then\b(?P<then>{_INSIDE})"
    rf"(?:\belse\b(?P<else>{_INSIDE}))?\bfi\b",
    re.MULTILINE | re.DOTALL,
)
_TALKS: Final = re.compile(r"(?:echo|printf|:|true|set|export|unset|exit 0)(?:[ \t][^\n]*)?|#[^\n]*|")
_LEAVES: Final = re.compile(r"(?:exit|return)(?:[ \t]+\d+)?")
_GROUP: Final = re.compile(
    r"(?P<before>^|[\n;&|])[ \t]*\((?P<inner>(?!\()(?![^()]*\bcd\b)[^()]{1,500})\)(?=[ \t]*(?:$|[\n;&|]))"
)
_ARRAY: Final = re.compile(
    r"^[ \t]*(?:(?:declare|local|readonly)[ \t]+(?:-\w+[ \t]+)?)?"
    r"(?P<name>\w+)=\((?P<words>[^()$`]{0,2000})\)[ \t]*$",
    re.MULTILINE,
)
_OWN_DEFAULT: Final = re.compile(
    r"^(?P<set>[ \t]*(?:export[ \t]+)?(?P<name>\w+))="
    r"\"?\$\{(?P=name):?-(?P<default>[^{}$`\"\n]*)\}\"?[ \t]*$",
    re.MULTILINE,
)
_POSITION: Final = re.compile(
    r"(?P<quote>\"?)\$(?:(?P<short>\d)|\{(?P<long>\d)(?::?-(?P<default>[^{}$`\n]*))?\})(?P=quote)"
)
_MOVED: Final = re.compile(r"\b(?:shift|getopts|set[ \t]+--)")


def outside_functions(text: str, edit: Callable[[str], str]) -> str:
    """A script's text, edited where it stands in no function: those have arguments of their own."""
    done = ""
    end = 0
    for found in _FUNCTION.finditer(text):
        done += edit(text[end : found.start()]) + found.group()
        end = found.end()
    return done + edit(text[end:])


def with_positions(text: str, arguments: Sequence[str]) -> str:
    """A script's or function's text with the arguments it is called with in their places."""
    if _MOVED.search(text):
        return text

    def filled(found: re.Match[str]) -> str:
        number = int(found["short"] or found["long"])
        if number == 0:
            return found.group()
        given = arguments[number - 1] if number <= len(arguments) else (found["default"] or "")
        return shlex.quote(given) if given or found["quote"] else ""

    return _POSITION.sub(filled, text)


def unfolded(text: str) -> str:
    """`text` without functions, arrays, here-documents, and branches whose way can be told; else as it is."""
    if len(text) > _TEXT_CHARACTERS:
        return text
    text = _HERE_DOCUMENT.sub("", text)
    text = _with_arrays(text)
    bodies: dict[str, str] = {}

    def kept(found: re.Match[str]) -> str:
        bodies[found["word"] or found["name"]] = found["body"]
        return ""

    text = _FUNCTION.sub(kept, text)
    for _ in range(_DEPTH):
        before = text
        text = _called(text, bodies)
        text = _CASE.sub(_arm, text)
        text = _COMPARED.sub(_compared, text)
        text = _EMPTY.sub(_tested, text)
        text = _GUARD.sub(_guarded, text)
        if text == before:
            break
    return _GROUP.sub(r"\g<before>\g<inner>", text)


def with_own_defaults(text: str, given: Sequence[str]) -> str:
    """`X=${X:-value}` as `X=value`, where nothing outside sets it."""
    return _OWN_DEFAULT.sub(
        lambda found: (
            found.group() if found["name"] in given else f"{found['set']}={shlex.quote(found['default'])}"
        ),
        text,
    )


def _with_arrays(text: str) -> str:
    for found in list(_ARRAY.finditer(text)):
        name = found["name"]
        if len(re.findall(rf"(?<![\w$]){name}\+?=", text)) == 1:
            words = " ".join(re.sub(r"#[^\n]*", "", found["words"]).split())
            text = text.replace(found.group(), "")
            text = re.sub(rf"\"?\$\{{{name}\[[@*]\]\}}\"?", lambda _, words=words: words, text)  # type: ignore[misc]
    return text


def _called(text: str, bodies: dict[str, str]) -> str:
    """The text with calls of its own functions replaced by what they do."""
    if not bodies:
        return text
    call = re.compile(
        rf"^[ \t]*(?P<name>{'|'.join(map(re.escape, bodies))})"
        r"(?P<rest>(?:[ \t]+[^\n;&|<>()]*)?)[ \t]*;?[ \t]*$",
        re.MULTILINE,
    )

    def body(found: re.Match[str]) -> str:
        try:
            arguments = shlex.split(found["rest"])
        except ValueError:
            return found.group()
        inner = with_positions(bodies[found["name"]], arguments)
        return re.sub(r"\"?\$[@*]\"?", lambda _: found["rest"].strip(), inner)

    return call.sub(body, text)


def _bare(word: str) -> str:
    return word.strip("'\"")


def _arm(found: re.Match[str]) -> str:
    for arm in _ARM.finditer(f"{found['arms']};;"):
        patterns = [_bare(each.strip()) for each in arm["patterns"].split("|")]
        if any(fnmatchcase(_bare(found["word"]), pattern) for pattern in patterns):
            return arm["body"]
    return ""


def _compared(found: re.Match[str]) -> str:
    same = fnmatchcase(_bare(found["left"]), _bare(found["right"]))
    return _branch(found, taken=same == (found["sign"] != "!="))


def _tested(found: re.Match[str]) -> str:
    return _branch(found, taken=(not _bare(found["left"])) == (found["sign"] == "-z"))


def _branch(found: re.Match[str], *, taken: bool) -> str:
    if re.search(r"\belif\b", found.group()):
        return found.group()
    return str((found["then"] if taken else found["else"]) or "")


def _guarded(found: re.Match[str]) -> str:
    """Nothing, for a block that only says something, or that leaves where a plain test fails."""
    pieces = [
        piece.strip()
        for branch in (found["then"], found["else"] or "")
        for piece in re.split(r"[;\n]", re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "x", branch))
    ]
    tested = re.match(r"\[|test\b", found["asked"]) is not None and "$(" not in found["asked"]
    if all(_TALKS.fullmatch(piece) or (tested and _LEAVES.fullmatch(piece)) for piece in pieces):
        return ""
    return found.group()
