"""The tables of `docs/settings.md` and the file `.env.example`, out of the settings themselves.

`python -m starter.settings_tables` writes both anew; a test tells when that was forgotten.
"""

import re
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from starter.codec_server import CodecServerSettings
from starter.settings import StarterSettings
from worker import WorkerSettings
from workflows.configuration import variable
from workflows.connection import PayloadSettings

_ROOT: Final = Path(__file__).parents[1]
PAGE: Final = _ROOT / "docs" / "settings.md"
EXAMPLE: Final = _ROOT / ".env.example"

SETTINGS: Final[dict[type[BaseSettings], str]] = {
    WorkerSettings: "the worker: regreen worker",
    StarterSettings: "the webhook service: regreen serve",
    PayloadSettings: "every process that talks to Temporal",
    CodecServerSettings: "the codec server: regreen codec-server",
}
"""In the order of the page's tables, each with its heading in the example file."""

_HEAD: Final = "| variable | default | meaning |\n|---|---|---|\n"
_TABLE: Final = re.compile(rf"(?<={re.escape(_HEAD)})(?:\|.*\n)*")
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_COLUMNS: Final = 112
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_BEGINS: Final = """\
# Settings of Regreen with their defaults. Copy to .env and uncomment what you change; .env is never
# committed. The environment wins over this file, and files in /run/secrets fill what neither sets.
"""
_ENDS: Final = """\
# How to reach Temporal (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*) and
# telemetry (OTEL_*) are read by their own libraries, from the environment only.
"""


class Setting(NamedTuple):
    """One row."""

    variable: str
    field: FieldInfo

    @property
    def default(self) -> str:
        """As it would be written; empty where there is none."""
        return "" if self.field.is_required() else _written(self.field.default)

    @property
    def meaning(self) -> str:
        """What it is for, in Markdown."""
        return self.field.description or ""


def _written(value: Any) -> str:
    match value:
        case None | ():
            return ""
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case timedelta():
            seconds = int(value.total_seconds())
            unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
            return f"{seconds // size}{unit}"
    return str(value)


def tables() -> dict[type[BaseSettings], list[Setting]]:
    """All settings, each where it is met first."""
    met: set[str] = set()
    found: dict[type[BaseSettings], list[Setting]] = {}
    for settings in SETTINGS:
        each = [Setting(variable(settings, name), field) for name, field in settings.model_fields.items()]
        found[settings] = [setting for setting in each if setting.variable not in met]
        met |= {setting.variable for setting in each}
    return found


def page(text: str) -> str:
    """The page's text with its tables anew."""
    rows = iter("".join(map(_row, settings)) for settings in tables().values())
    return _TABLE.sub(lambda _: next(rows), text)


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else "none"
    if setting.field.is_required():
        default = "required"
    return f"| `{setting.variable}` | {default} | {setting.meaning} |\n"


def example() -> str:
    """The example file: every setting with its default, as a comment."""
    parts = [_BEGINS]
    for settings, rows in tables().items():
        parts += [_heading(SETTINGS[settings]), *map(_entry, rows)]
    return "\n".join((*parts, _heading("not here").rstrip("\n"))) + f"\n{_ENDS}"


def _heading(title: str) -> str:
    return f"# ── {title} ".ljust(_COLUMNS - 2, "─") + "\n"


def _entry(setting: Setting) -> str:
    return "\n".join((*_comment(setting), f"# {setting.variable}={setting.default}\n"))


def _comment(setting: Setting) -> Iterator[str]:
    text = _LINK.sub(r"\1", setting.meaning).replace("`", "")
    text = f"{text[0].upper()}{text[1:]}.{' Required.' if setting.field.is_required() else ''}"
    yield from textwrap.wrap(
        text, _COLUMNS, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def main() -> None:
    """Write both files."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")


if __name__ == "__main__":
    main()
