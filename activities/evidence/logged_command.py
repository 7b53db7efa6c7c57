"""The failing step's command as GitHub's log shows it, for steps that no readable file gives."""

from pathlib import Path
from typing import Final

from activities.evidence.log_lines import cap_line, clean_line, read_blocks

_COMMAND_LINES: Final = 200
_START: Final = b"##[group]Run "
_END: Final = b"##[error]Process completed with exit code "
_COLOUR: Final = b"\x1b[36;1m"
"""In which the runner prints a script's lines, below the group's title."""


def logged_command(path: Path) -> str | None:
    """The script of the first step that ended with an exit code; None where the log does not show it.

    The runner prints a script before it runs, also inside an action of several steps. It is text of a log,
    which whatever ran before could have imitated: good for showing, and for choosing a recipe that is proved.

    Raises:
        OSError: The file cannot be read.
    """
    script: list[str] | None = None
    collecting = False
    with path.open("rb") as log:
        for block in read_blocks(log):
            if not collecting and _START not in block and _END not in block:
                continue
            for raw in block.split(b"\n"):
                if _START in raw:
                    script, collecting = [], True
                elif collecting:
                    if script is not None and _COLOUR in raw and len(script) < _COMMAND_LINES:
                        script.append(clean_line(cap_line(raw)))
                    else:
                        collecting = False
                elif _END in raw and script:
                    return "\n".join(script).strip() or None
    return None
