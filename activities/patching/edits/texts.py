"""Repairs of single lines: templates, YAML, executable bits, paths of another case."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from activities.adapters.workspace import Workspace
from activities.patching.edits.files import matches, read_text, tracked
from activities.patching.recipe import EditRefusedError
from workflows.models import PatchRequest

UNCLOSED_BLOCK: Final = (
    r"The innermost block that needs to be closed is '(?P<jinja>\w{1,40})'"
    r"|Expecting [^\n]{0,300}got 'EOF'|Unclosed (?:tag|block|section)"
    r"|^(?:\w*Error: )?[\w./@-]{1,100} doesn't match [\w./@-]{1,100} - \d{1,6}:\d{1,6}"
)
TEMPLATE_FILE: Final = (
    r"(?P<file>[\w./@+-]{1,200}\.(?:j2|jinja2?|html|hbs|handlebars|mustache|tmpl|tpl|txt|md|xml))\b"
)
YAML_ERROR: Final = (
    r"found character '\\t' that cannot start any token|mapping values are not allowed|bad indentation of a"
    r"|wrong indentation: expected|did not find expected (?:key|'-' indicator)|found a tab character"
    r"|trailing spaces|no new line character at the end of file"
)
_YAML_PLACE: Final = (
    r"in \"(?P<a>[^\"\n]{1,200}\.ya?ml)\", line (?P<al>\d{1,6})"
    r"|(?P<b>[\w./@+-]{1,200}\.ya?ml)[:(](?P<bl>\d{1,6})"
)
_INDENTATION: Final = (
    r"(?P<line>\d{1,6}):\d{1,6}:?\s[^\n]{0,40}?wrong indentation: expected (?P<wanted>\d{1,3}) but found "
    r"(?P<found>\d{1,3})"
)
_WITH_COLON: Final = re.compile(
    r"(?P<key>\s*(?:- )?[\w.-]+: )(?P<value>[^\s'\"\[\]{}|>&*!#%@`][^'\"\\#]*: [^'\"\\#]*?)\s*"
)
"""title: A talk: its end"""
_YAML_FILE: Final = r"(?P<file>[\w./@+-]{1,200}\.ya?ml)\b"
REFUSED_EXECUTION: Final = (
    r"(?:^|[\s:'\"])(?P<path>(?:\./)?[\w./@+-]{1,200}): Permission denied$"
    r"|permission denied: (?P<path2>[\w./@+-]{1,200})$"
)
ABSENT_PATH: Final = (
    r"(?:No such file or directory: '|ENOENT: no such file or directory, \w+ '"
    r"|[Cc]an(?:no|')t open (?:file )?'?)(?P<a>[\w./@+-]{1,200})"
    r"|(?P<b>[\w./@+-]{1,200}): No such file or directory"
    r"|(?:Cannot find module|Can't resolve|Unable to resolve path to module) "
    r"'(?P<c>\.{1,2}/[\w./@+-]{1,200})'"
    r"|file not found: (?P<d>[\w./@+-]{1,200})"
)
_JINJA_OPENERS: Final = "for|if|block|macro|call|filter|set|with|autoescape|trans|raw"
_JINJA: Final = re.compile(rf"\{{%-?\s*(?P<end>end)?(?P<word>{_JINJA_OPENERS})\b(?P<rest>[^%]*)-?%\}}")
_HANDLEBARS: Final = re.compile(r"\{\{~?(?P<sign>[#/^])(?P<word>[\w./@-]+)[^}]*\}\}")


class _Tag(NamedTuple):
    """What opens or closes a block of a template."""

    start: int
    end: int
    word: str
    closes: bool
    closing: str
    """What would close the block."""


def close_block(request: PatchRequest, workspace: Workspace) -> str:
    """Close the one open block of a template, by another's tag that stands there, or where its lines end.

    Raises:
        EditRefusedError: The template is not named, or has not exactly one block open.
    """
    files = [tracked(workspace, match["file"]) for match in matches(request, TEMPLATE_FILE)]
    for path in dict.fromkeys(each for each in files if each):
        text = read_text(workspace, path)
        edited = _with_right_name(text) or _with_closing_tag(text)
        if edited:
            workspace.write(path, edited[0].encode())
            return f"Closed the block with `{edited[1]}` in {path}."
    raise EditRefusedError("The log names no template with exactly one open block.")


def _tags(text: str) -> list[_Tag]:
    """The tags of a template's blocks, in order."""
    found = []
    for match in _JINJA.finditer(text):
        if match["word"] == "set" and "=" in match["rest"] and not match["end"]:
            continue
        word = match["word"]
        found.append(_Tag(*match.span(), word, bool(match["end"]), f"{{% end{word} %}}"))
    for match in _HANDLEBARS.finditer(text):
        word = match["word"]
        found.append(_Tag(*match.span(), word, match["sign"] == "/", f"{{{{/{word}}}}}"))
    return sorted(found)


def _with_right_name(text: str) -> tuple[str, str] | None:
    """The template, and the tag, where the only fault is a tag that closes what was never opened."""
    stack: list[_Tag] = []
    wrong: list[tuple[_Tag, _Tag]] = []
    for tag in _tags(text):
        if not tag.closes:
            stack.append(tag)
        elif not stack:
            return None
        else:
            opened = stack.pop()
            if opened.word != tag.word:
                wrong.append((opened, tag))
    if stack or len(wrong) != 1:
        return None
    opened, tag = wrong[0]
    written = text[tag.start : tag.end].replace(tag.word, opened.word, 1)
    return f"{text[: tag.start]}{written}{text[tag.end :]}", written


def _with_closing_tag(text: str) -> tuple[str, str] | None:
    """The template, and the tag, where one block is closed nowhere: its indentation says where it ends."""
    unclosed = _unclosed(text)
    if len(unclosed) != 1:
        return None
    line, closing = text.count("\n", 0, unclosed[0].start), unclosed[0].closing
    lines = text.splitlines(keepends=True)
    indent = _indent(lines[line])
    position = next(
        (
            number
            for number in range(line + 1, len(lines))
            if lines[number].strip() and _indent(lines[number]) <= indent
        ),
        len(lines),
    )
    if not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    lines.insert(position, " " * indent + closing + "\n")
    edited = "".join(lines)
    return (edited, closing) if _is_balanced(edited) else None


def _is_balanced(text: str) -> bool:
    stack: list[str] = []
    for tag in _tags(text):
        if not tag.closes:
            stack.append(tag.word)
        elif not stack or stack.pop() != tag.word:
            return False
    return not stack


def _unclosed(text: str) -> list[_Tag]:
    """What opens each block that is left open."""
    stack: list[_Tag] = []
    for tag in _tags(text):
        if not tag.closes:
            stack.append(tag)
        elif stack and stack[-1].word == tag.word:
            stack.pop()
        elif len(stack) > 1 and stack[-2].word == tag.word:
            return [stack[-1]]  # it was never closed: it is the one in question
        else:
            return []
    return stack


def mend_yaml(request: PatchRequest, workspace: Workspace) -> str:
    """Mend tabs, indentation and blanks of the YAML line that a parser names, so that the file parses.

    Raises:
        EditRefusedError: No file is named, or none of the small repairs makes it parse.
    """
    indented = _reindented(request, workspace)
    if indented:
        return f"Mended the indentation of {', '.join(indented)}."
    for path, number in _yaml_places(request, workspace):
        text = read_text(workspace, path)
        for edited in _mended(text, number):
            if edited != text and _parses(edited):
                workspace.write(path, edited.encode())
                return f"Mended the layout of {path}, line {number}."
    raise EditRefusedError("No small change of layout makes the named YAML file parse.")


def _reindented(request: PatchRequest, workspace: Workspace) -> list[str]:
    """Indent blocks as yamllint wants them, where a file keeps saying the same; the files."""
    wanted: dict[str, dict[int, tuple[int, int]]] = {}
    path = None
    for match in matches(request, rf"{_YAML_FILE}(?:$|:(?=\d))|{_INDENTATION}"):
        if match["file"]:
            path = tracked(workspace, match["file"])
        elif path:
            wanted.setdefault(path, {})[int(match["line"])] = (int(match["found"]), int(match["wanted"]))
    done = []
    for each, findings in wanted.items():
        text = read_text(workspace, each)
        edited = _indented(text, findings)
        if edited != text and _means_the_same(text, edited):
            workspace.write(each, edited.encode())
            done.append(each)
    return done


def _indented(text: str, findings: Mapping[int, tuple[int, int]]) -> str:
    """The text with each block moved as its finding says: line (from 1) → blanks found, blanks wanted."""
    lines = text.split("\n")
    moved = [0] * len(lines)
    for number, (found, wanted) in findings.items():
        at = number - 1
        if at >= len(lines) or _indent(lines[at]) != found:
            continue
        while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) >= found):
            moved[at] += wanted - found
            at += 1
    return "\n".join(
        " " * max(_indent(line) + blanks, 0) + line.lstrip(" ") if line.strip() else line
        for line, blanks in zip(lines, moved, strict=True)
    )


def _means_the_same(text: str, edited: str) -> bool:
    try:
        old, new = (list(YAML(typ="safe", pure=True).load_all(each)) for each in (text, edited))
    except (YAMLError, RecursionError, ValueError):
        return False
    return bool(old == new)


def _yaml_places(request: PatchRequest, workspace: Workspace) -> Iterator[tuple[str, int]]:
    for match in matches(request, _YAML_PLACE):
        path = tracked(workspace, match["a"] or match["b"])
        if path:
            yield path, int(match["al"] or match["bl"])
    # yamllint and js-yaml name the file on one line and the place on another.
    path = None
    for match in matches(
        request, rf"{_YAML_FILE}|^\s*(?P<line>\d{{1,6}}):\d{{1,6}}\b|\((?P<line2>\d{{1,6}}):\d{{1,6}}\)"
    ):
        if match["file"]:
            path = tracked(workspace, match["file"]) or path
        elif path:
            yield path, int(match["line"] or match["line2"])


def _mended(text: str, number: int) -> Iterator[str]:
    lines = text.split("\n")
    if re.search(r"(?m)^[ ]*\t", text):
        yield re.sub(r"(?m)^[ \t]+", lambda blank: blank.group().replace("\t", "  "), text)
    trimmed = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip("\n") + "\n"
    if _parses(text):
        yield trimmed
        return
    for at in (number - 1, number - 2, number):
        if not 0 <= at < len(lines) or not lines[at].strip():
            continue
        levels = {
            _indent(lines[each])
            for each in range(max(0, at - 8), min(len(lines), at + 8))
            if lines[each].strip()
        }
        own = _indent(lines[at])
        for level in sorted(levels - {own}, key=lambda level: (abs(level - own), level)):
            if abs(level - own) < 4:  # noqa: PLR2004 — a slip, not another structure
                yield "\n".join([*lines[:at], " " * level + lines[at].lstrip(), *lines[at + 1 :]])
    at = number - 1
    value = _WITH_COLON.fullmatch(lines[at]) if 0 <= at < len(lines) else None
    if value:
        yield "\n".join([*lines[:at], f'{value["key"]}"{value["value"]}"', *lines[at + 1 :]])


def _parses(text: str) -> bool:
    try:
        for _ in YAML(typ="safe", pure=True).parse(text):
            pass
    except (YAMLError, RecursionError, ValueError):
        return False
    return "\t" not in re.sub(r"\S.*", "", text)


def make_executable(request: PatchRequest, workspace: Workspace) -> str:
    """Set the executable bit of a script that could not be started.

    Raises:
        EditRefusedError: No script of the repository is named.
    """
    done = []
    for match in matches(request, REFUSED_EXECUTION):
        path = tracked(workspace, match["path"] or match["path2"])
        if path and path not in done and read_text(workspace, path).startswith("#!"):
            workspace.make_executable(path)
            done.append(path)
    if not done:
        raise EditRefusedError("The log names no script of the repository that could not be started.")
    return f"Made {', '.join(done)} executable."


def correct_case(request: PatchRequest, workspace: Workspace) -> str:
    """Spell a path as the repository has it, where only upper and lower case differ.

    Raises:
        EditRefusedError: No such path is named, or nothing of the repository names it.
    """
    known = {path.casefold(): path for path in workspace.tracked}
    for match in matches(request, ABSENT_PATH):
        wrong = next(filter(None, match.groups()))
        stem = re.sub(r"^(?:\.{1,2}/)+", "", wrong)
        ends = [
            path
            for folded, path in known.items()
            if re.search(rf"(?:^|/){re.escape(stem.casefold())}(?:\.\w{{1,5}})?$", folded)
            and not re.search(rf"(?:^|/){re.escape(stem)}(?:\.\w{{1,5}})?$", path)
        ]
        if len(ends) != 1:
            continue
        right = re.search(re.escape(stem), ends[0], re.IGNORECASE)
        if right is None:
            continue
        named = (request.workflow_path, *request.diagnosis.files)
        done = []
        for path in dict.fromkeys(each for each in named if each in workspace.tracked):
            text = read_text(workspace, path)
            edited = re.sub(rf"(?<![\w-]){re.escape(stem)}(?![\w-])", right.group(), text)
            if edited != text:
                workspace.write(path, edited.encode())
                done.append(path)
        if done:
            return f"Spelled {right.group()} as the repository does, in {', '.join(done)}."
    raise EditRefusedError("The log names no path that exists in another case.")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
