"""Reading `.github/regreen.yml`: every problem with the line it is on."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from workflows.repository_settings import MAX_BYTES, RepositorySettings, SettingsReading

_PROBLEMS_SAID: Final = 3


class _UnusableError(Exception):
    """Why the file cannot be used, as a sentence."""


def read_settings(content: bytes | None) -> SettingsReading:
    """What the file says; the defaults where there is none. Total: any bytes give a reading."""
    if content is None:
        return SettingsReading()
    try:
        document = _parsed(content)
        # empty, or comments alone, says nothing
        return SettingsReading(settings=_validated({} if document is None else document))
    except _UnusableError as unusable:
        return SettingsReading(problem=str(unusable))


def _parsed(content: bytes) -> Any:
    if len(content) > MAX_BYTES:
        raise _UnusableError(f"The file is longer than {MAX_BYTES} bytes.")
    try:
        # round-trip mode keeps positions, constructs nothing but plain data, and refuses keys given twice
        return YAML(typ="rt").load(content.decode())
    except UnicodeDecodeError:
        raise _UnusableError("The file is not UTF-8 text.") from None
    except MarkedYAMLError as error:
        line = f"Line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise _UnusableError(f"{line}{error.problem or 'this is not YAML'}.") from None
    except (YAMLError, ValueError, RecursionError):  # ruamel lets odd numbers and dates raise these
        raise _UnusableError("This is not YAML that can be read.") from None


def _validated(document: Any) -> RepositorySettings:
    try:
        return RepositorySettings.model_validate(document, extra="forbid")
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        problems = [f"Line {_line(document, each['loc'])}: {_say(each)}." for each in found[:_PROBLEMS_SAID]]
        more = f" And {len(found) - _PROBLEMS_SAID} more." if len(found) > _PROBLEMS_SAID else ""
        raise _UnusableError(" ".join(problems) + more) from None
    except RecursionError:  # an anchor that holds itself
        raise _UnusableError("An entry holds itself.") from None


def _say(problem: Any) -> str:
    where = ".".join(str(step) for step in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"there is no setting {where}"
    if problem["type"] == "model_type":
        return f"{where} takes settings of its own, one per line"
    said = problem["msg"].removeprefix("Value error, ").replace("valid tuple", "valid list")
    return f"{where}: {said[:1].lower()}{said[1:]}"


def _line(document: Any, location: Sequence[int | str]) -> int:
    """The 1-based line of an entry, or of the innermost one around it that has a position."""
    line: int = document.lc.line if hasattr(document, "lc") else 0
    for step in location:
        try:
            position = document.lc.key(step) if isinstance(step, str) else document.lc.item(step)
            line = position[0]
            document = document[step]
        except (AttributeError, IndexError, KeyError, TypeError):
            break
    return line + 1
