"""The failing step's command as GitHub's log shows it, for what no readable file tells."""

from pathlib import Path
from typing import Final

from activities.evidence.log_lines import cap_line, clean_line, read_blocks
from activities.evidence.workflow_file import is_filled_in

_COMMAND_LINES: Final = 200
_START: Final = b"##[group]Run "
_END: Final = b"##[error]Process completed with exit code "
_COLOUR: Final = b"\x1b[36;1m"
"""In which the runner prints a script's lines, below the group's title."""


def command_as_run(written: str | None, path: Path) -> str | None:
    """The failing step's script as the runner ran it.

    The log tells it where the file gives none, and where the file's holds expressions
    (`tox -e ${{ matrix.env }}`), whose values only the runner knew.

    Args:
        written: The step's text in the workflow file; None where that does not tell.
        path: The job's log.

    Raises:
        OSError: The log cannot be read.
    """
    if written is not None and "${{" not in written:
        return written
    logged = logged_command(path)
    # An expression at the end may have been empty, which leaves blanks that the log's reader removes.
    fits = written is None or (
        logged is not None and any(is_filled_in(written, each) for each in (logged, f"{logged} "))
    )
    return logged if fits else written


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
